package engine_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// ownContent returns a webhook that sends this content.
func ownContent(contentType, content string) engine.Webhook {
	return enginetest.Webhook(func(w *engine.Webhook) { w.SendLabDetails, w.ContentType, w.Content = false, contentType, content })
}

func TestTokensInContent(t *testing.T) {
	t.Parallel()
	const (
		asJSON = "application/json"
		text   = "text/plain; charset=utf-8"
		form   = "application/x-www-form-urlencoded"
		lines  = "application/x-ndjson"
		csv    = "text/csv; charset=utf-8"
	)
	e := labEvent(`"UserEmail":"a\"b\\c\n\u00e9<&>'","Variables":{"n":1.50,"b":true,"o":{"k" : [1,2]},"z":null}`)
	for name, tt := range map[string]struct {
		contentType, content string
		want, wantType       string
		unfilled             []string
	}{
		"in a string":         {"", `{"a":"<@lab.User.Email>","id":"@lab.LabInstance.Id"}`, `{"a":"<a\"b\\c\né<&>'>","id":"998592321"}`, asJSON, nil},
		"bare":                {asJSON, `{"a":@lab.User.Email, "id" : @lab.LabInstance.Id }`, `{"a":"a\"b\\c\n\u00e9<&>'", "id" : 998592321 }`, asJSON, nil},
		"bare of any kind":    {"", `[@lab.Variable(n),@lab.Variable(b),@lab.Variable(o),@lab.Variable(z)]`, `[1.50,true,{"k" : [1,2]},null]`, asJSON, nil},
		"kinds in a string":   {"", `["@lab.Variable(n) @lab.Variable(b) @lab.Variable(o) @lab.Variable(z)"]`, `["1.50 true {\"k\" : [1,2]} "]`, asJSON, nil},
		"bare text of ours":   {"", `{"g":@lab.LabInstance.GlobalId,"t":@event.Type}`, `{"g":"lod998592321","t":"lab.scored"}`, asJSON, nil},
		"unknown in a string": {"", `{"a":"@lab.TextBox(1)"}`, `{"a":"@lab.TextBox(1)"}`, asJSON, []string{"@lab.TextBox(1)"}},
		"unknown and bare":    {"", `{"a":@lab.TextBox(1),"b":@lab.Variable(none)}`, `{"a":"@lab.TextBox(1)","b":"@lab.Variable(none)"}`, asJSON, []string{"@lab.TextBox(1)", "@lab.Variable(none)"}},
		"behind an escape":    {"", `{"a":"\"@lab.User.Id\\@lab.User.Id"}`, `{"a":"\"5023932\\5023932"}`, asJSON, nil},
		"braces are none":     {"", `{"a":"{id}"}`, `{"a":"{id}"}`, asJSON, nil},
		"JSON by its type":    {"application/cloudevents+json", `{"a":"@lab.User.Email"}`, `{"a":"a\"b\\c\né<&>'"}`, "application/cloudevents+json", nil},
		"JSON said to be text": {
			"text/plain", `{"a":"@lab.User.Email"}`, `{"a":"a\"b\\c\né<&>'"}`, "text/plain", nil,
		},
		"text":           {"", "Hello @lab.User.Email!", "Hello a\"b\\c\né<&>'!", text, nil},
		"a token alone":  {"", " @lab.User.FirstName", " Example", text, nil},
		"alone and JSON": {asJSON, "@lab.User.FirstName", `"Example"`, asJSON, nil},
		"form":           {form, "u=@lab.User.Email&x=1", "u=a%22b%5Cc%0A%C3%A9%3C%26%3E%27&x=1", form, nil},
		"XML":            {"application/soap+xml; charset=utf-8", `<a b="@lab.User.Email"/>`, `<a b="a&#34;b\c&#xA;é&lt;&amp;&gt;&#39;"/>`, "application/soap+xml; charset=utf-8", nil},
		"HTML":           {"text/html", `<b>@lab.User.Email</b>`, `<b>a&#34;b\c&#xA;é&lt;&amp;&gt;&#39;</b>`, "text/html", nil},
		"JSON lines": {
			lines, "{\"a\":\"@lab.User.Email\"}\n{\"o\":@lab.Variable(o),\"x\":@lab.TextBox(1)}\n",
			"{\"a\":\"a\\\"b\\\\c\\né<&>'\"}\n{\"o\":{\"k\":[1,2]},\"x\":\"@lab.TextBox(1)\"}\n", lines,
			[]string{"@lab.TextBox(1)"},
		},
		"a JSON line of a token": {lines, "@lab.User.FirstName", `"Example"`, lines, nil},
		"CSV":                    {csv, "id,name\r\n@lab.User.Id,\"<@lab.User.Email>\",@lab.User.Email,\"\"\"@lab.User.Id\"", "id,name\r\n5023932,\"<a\"\"b\\c\né<&>'>\",\"a\"\"b\\c\né<&>'\",\"\"\"5023932\"", csv, nil},
		"no JSON":                {"", `{"a":1@lab.User.Id}`, `{"a":15023932}`, text, nil},
		"as a key":               {"", `{@lab.Tag:1}`, `{:1}`, text, nil},
		"key in quotes":          {"", `{"@lab.User.Id":1}`, `{"5023932":1}`, asJSON, nil},
	} {
		w := ownContent(tt.contentType, tt.content)
		if err := w.Validate(engine.BuiltIn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r, err := engine.Render(&w, e, engine.Stamp{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := string(r.Body); got != tt.want || r.Header.Get("Content-Type") != tt.wantType {
			t.Errorf("%s: %s %s\nwant %s %s", name, r.Header.Get("Content-Type"), got, tt.wantType, tt.want)
		}
		if diff := cmp.Diff(tt.unfilled, r.Unfilled); diff != "" {
			t.Errorf("%s: left as they stand (-want +got):\n%s", name, diff)
		}
	}
}

func TestContentWithTokensIsChecked(t *testing.T) {
	t.Parallel()
	const not = "content: Content is not JSON: "
	for content, want := range map[string][]string{
		`{"a":@lab.User.Id}`:                 nil,
		`@event.Data`:                        nil,
		"{\n\"a\":@lab.User.Id,}":            {not + "invalid character '}' looking for beginning of object key string (line 2, column 18)"},
		`{"a":@lab.User.Id @lab.User.Id}`:    {not + "invalid character 'n' after object key:value pair (line 1, column 19)"},
		`{"a":-@lab.User.Id}`:                {not + "invalid character 'n' in numeric literal (line 1, column 7)"},
		`{"a":"\@lab.User.Id"}`:              {not + "invalid character ' ' in string escape code (line 1, column 8)"},
		`{@lab.User.Id:1}`:                   {not + "invalid character 'n' looking for beginning of object key string (line 1, column 2)"},
		`{"a":@lab.Variable("quoted name")}`: {not + "invalid character '(' after object key:value pair (line 1, column 19)"},
	} {
		w := ownContent("application/json", content)
		if diff := cmp.Diff(want, problems(t, w.Validate(engine.BuiltIn))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", content, diff)
		}
	}
}

// TestContentTypeHeader: a header line without tokens says how values are written, and what is checked.
func TestContentTypeHeader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		headers []engine.Header
		content string
		want    []string
		body    string
	}{
		"a form":       {[]engine.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded"}}, "n=@lab.User.FirstName&m=@event.Data", nil, "n=Example&m=%7B"},
		"JSON lines":   {[]engine.Header{{Name: "Content-Type", Value: "application/jsonl"}}, "{}\n\n{\"a\":}", []string{"content: Content is not a JSON value a line: line 3: invalid character '}' looking for beginning of value (line 1, column 6)"}, ""},
		"JSON":         {[]engine.Header{{Name: "Content-Type", Value: "application/json"}}, "{", []string{"content: Content is not JSON: unexpected end of JSON input (line 1, column 1)"}, ""},
		"with a token": {[]engine.Header{{Name: "Content-Type", Value: "@lab.Tag"}}, "{", nil, "{"},
		"none":         {[]engine.Header{{Name: "Content-Type", Value: "json; x"}}, "{}", []string{"headers: Header 1: the value of Content-Type is no media type; enter one such as application/json, or remove the line"}, ""},
		"two": {[]engine.Header{{Name: "Content-Type", Value: "text/csv"}, {Name: "content-type", Value: "text/html"}}, "a", []string{
			"headers: Header 2: content-type was given before; remove one of the lines",
		}, ""},
	} {
		w := ownContent("", tt.content)
		w.Headers = tt.headers
		if diff := cmp.Diff(tt.want, problems(t, w.Validate(engine.BuiltIn))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if tt.want != nil {
			continue
		}
		r, err := engine.Render(&w, labEvent(""), engine.Stamp{})
		if err != nil || !strings.HasPrefix(string(r.Body), tt.body) || len(r.Header["Content-Type"]) != 1 {
			t.Errorf("%s: %q, %v", name, r.Body, err)
		}
	}
}

func TestContentIsBounded(t *testing.T) {
	t.Parallel()
	const token = `"@lab.Variable(long)",`
	n := (engine.MaxContent - 10) / len(token)
	w := ownContent("", "["+strings.Repeat(token, n)+"0]")
	e := labEvent(`"Variables":{"long":"` + strings.Repeat("x", 100<<10) + `"}`)
	r, err := engine.Render(&w, e, engine.Stamp{})
	if err != nil || !json.Valid(r.Body) || len(r.Body) > engine.MaxContent+engine.MaxTokensContent {
		t.Fatalf("%d bytes, %v", len(r.Body), err)
	}
	if got := strings.Count(string(r.Body), "xxx") * 3; got < 400<<10 {
		t.Errorf("only %d bytes of values were put in", got)
	}
	if diff := cmp.Diff([]string{"@lab.Variable(long)"}, r.Unfilled); diff != "" {
		t.Errorf("left as they stand (-want +got):\n%s", diff)
	}
}

func TestTokensInHeaders(t *testing.T) {
	t.Parallel()
	e := labEvent(`"UserEmail":" a\r\nX-Evil: 1\u0000\u007f\u0085é ","Variables":{"long":"` + strings.Repeat("x", engine.MaxTokensHeaders) + `"}`)
	w := enginetest.Webhook(func(w *engine.Webhook) {
		w.Headers = []engine.Header{
			{Name: "x-lab", Value: "@lab.LabInstance.Id"},
			{Name: "X-Lab", Value: "again @lab.LabInstance.Id {id}"},
			{Name: "X-Email", Value: "@lab.User.Email"},
			{Name: "X-Empty", Value: "@lab.Variable(none)@lab.Tag"},
			{Name: "X-Null", Value: "@event.Data.ClassId"},
			{Name: "X-Long", Value: "@lab.Variable(long)"},
			{Name: "Authorization", Value: "Bearer k-@lab.User.Id", Sensitive: true},
		}
	})
	r, err := engine.Render(&w, e, engine.Stamp{UserAgent: "Labhook"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"X-Lab": {"998592321", "again 998592321 {id}"}, "X-Email": {"a  X-Evil: 1   é"}, "X-Empty": {"@lab.Variable(none)"}, "X-Null": {""},
		"X-Long": {"@lab.Variable(long)"}, "Authorization": {"Bearer k-5023932"},
	} {
		if diff := cmp.Diff(want, r.Header[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{"@lab.Variable(none)", "@lab.Variable(long)"}, r.Unfilled); diff != "" {
		t.Errorf("left as they stand (-want +got):\n%s", diff)
	}
	for _, line := range r.Sent().Headers {
		if strings.HasPrefix(line, "Authorization: ") && line != "Authorization: "+engine.Mask {
			t.Errorf("shown as %q", line)
		}
	}
}

// FuzzHeaderTokens puts hostile values into header lines.
func FuzzHeaderTokens(f *testing.F) {
	for _, line := range []string{"X-Lab: @lab.User.Email", "X-Lab=a @lab.Tag @event.Data b", "authorization: Bearer @lab.Variable(a%25b)", "X: @lab.User.FirstName\t@event.Data.Tag"} {
		for _, value := range []string{"\r\nX-Evil: 1", "\x00\x7f", "\u2028é\u0085", " ", "@lab.User.Id"} {
			f.Add(line, value)
		}
	}
	f.Fuzz(func(t *testing.T, lines, value string) {
		headers, err := engine.ParseHeaders(lines)
		w := enginetest.Webhook(func(w *engine.Webhook) { w.Headers = headers })
		if err != nil || w.Validate(engine.BuiltIn) != nil {
			return
		}
		r, err := engine.Render(&w, labEvent(hostile(t, value)), engine.Stamp{UserAgent: "Labhook"})
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for name, values := range r.Header {
			for _, v := range values {
				size += len(name) + len(v)
				if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) || strings.ContainsAny(v, "\r\n") {
					t.Fatalf("%q: %q", name, v)
				}
			}
		}
		if size > engine.MaxHeaderBytes+engine.MaxTokensHeaders+1000 {
			t.Fatalf("%d bytes of headers", size)
		}
		plain := enginetest.Webhook()
		standard, err := engine.Render(&plain, labEvent(""), engine.Stamp{UserAgent: "Labhook"})
		if err != nil {
			t.Fatal(err)
		}
		for name := range r.Header {
			_, given := standard.Header[name]
			for _, h := range headers {
				given = given || http.CanonicalHeaderKey(h.Name) == name
			}
			if !given {
				t.Fatalf("a value made the header %s", name)
			}
		}
	})
}

// FuzzContentTokens puts hostile values into content: what can be stored as JSON stays JSON of the same shape, and the
// fields of a form and the elements of XML stay what they were.
func FuzzContentTokens(f *testing.F) {
	for _, content := range []string{
		`{"a":"@lab.User.Email","b":@lab.Tag}`, `["@event.Data.Tag\\",@event.Data,@lab.Nope(1)]`, `@lab.User.Email`, `"\"@lab.Tag"`,
		`u=@lab.User.Email&v=@lab.Tag`, `<a b="@lab.Tag">@event.Data</a>`, `{"@lab.Tag":"x@lab.User.Email"}`, `[@event.Data[Tag]]`,
	} {
		for _, value := range []string{`","x":"`, `\`, `"`, "\x00\n\u2028", `&v=2`, `"/><b c="`, "]]>", `\u0022`, "\ufffd\U0001f600", "@lab.User.Id"} {
			f.Add(content, value)
		}
	}
	types := []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "application/xml", "application/x-ndjson"}
	f.Fuzz(func(t *testing.T, content, value string) {
		e, calm := labEvent(hostile(t, value)), labEvent(hostile(t, "calm"))
		for _, contentType := range types {
			w := ownContent(contentType, content)
			if w.Validate(engine.BuiltIn) != nil || content == "" {
				continue
			}
			r, err := engine.Render(&w, e, engine.Stamp{})
			if err != nil {
				t.Fatal(err)
			}
			other, err := engine.Render(&w, calm, engine.Stamp{})
			if err != nil {
				t.Fatal(err)
			}
			sent, body, calmBody := r.Header.Get("Content-Type"), string(r.Body), string(other.Body)
			var same bool
			switch sent {
			case "application/json":
				same = json.Valid(r.Body) && len(tokensOfJSON(t, body)) == len(tokensOfJSON(t, calmBody))
			case "application/x-ndjson":
				same = strings.Count(body, "\n") == strings.Count(calmBody, "\n") && len(tokensOfJSON(t, body)) == len(tokensOfJSON(t, calmBody))
			case "application/x-www-form-urlencoded":
				same = strings.Count(body, "&") == strings.Count(calmBody, "&") && strings.Count(body, "=") == strings.Count(calmBody, "=")
			case "application/xml":
				same = elements(body) == elements(calmBody)
			default:
				same = true
			}
			if !same {
				t.Fatalf("%s: %q with %q became %q", sent, content, value, body)
			}
		}
	})
}

// tokensOfJSON returns the tokens of a JSON text: braces, commas, values.
func tokensOfJSON(t *testing.T, text string) []json.Token {
	t.Helper()
	var tokens []json.Token
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return tokens
		}
		tokens = append(tokens, token)
	}
}

// elements counts the tags of an XML text until it ends or is none.
func elements(text string) int {
	d := xml.NewDecoder(strings.NewReader(text))
	for n := 0; ; {
		token, err := d.Token()
		if err != nil {
			return n
		}
		if _, ok := token.(xml.StartElement); ok {
			n++
		}
	}
}
