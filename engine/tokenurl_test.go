package engine_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestTokensInURL(t *testing.T) {
	t.Parallel()
	const base = "https://hooks.example.com"
	details := func(pairs ...any) *engine.Event {
		values := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			values[pairs[i].(string)] = pairs[i+1]
		}
		return &engine.Event{ID: 1, Type: engine.LabScored, Data: engine.SampleLabDetails().With(values).Body()}
	}
	long := strings.Repeat("x", engine.MaxTokensURL)
	for name, tt := range map[string]struct {
		url      string
		event    *engine.Event
		want     string
		unfilled []string
	}{
		"Studio's example":      {"/labinstance/changed/{id}", details(), "/labinstance/changed/998592321", nil},
		"path and query":        {"/{labProfileId}/{UserId}?e={event}&u=@lab.User.ExternalId&f={@event.Type}", details(), "/19376/5023932?e=lab.scored&u=Example.User&f=lab.scored", nil},
		"query alone":           {"?{id}", details(), "?998592321", nil},
		"no path":               {"", details(), "", nil},
		"empty query":           {"/{id}?", details(), "/998592321?", nil},
		"slash":                 {"/u/{userExternalId}/x", details("UserExternalId", "a/b"), "/u/a%2Fb/x", nil},
		"slash beside others":   {"/lä%2Fb/{nonsense}/{userExternalId}", details("UserExternalId", "a/b"), "/l%C3%A4%2Fb/%7Bnonsense%7D/a%2Fb", []string{"{nonsense}"}},
		"query in a path":       {"/{userExternalId}", details("UserExternalId", "a?b=c#d;e"), "/a%3Fb=c%23d%3Be", nil},
		"parameters in a query": {"/?u={userExternalId}&x=1", details("UserExternalId", "a&x=2+3 4%#/?"), "/?u=a%26x%3D2%2B3%204%25%23%2F%3F&x=1", nil},
		"line break":            {"/{userExternalId}?u={userExternalId}", details("UserExternalId", "a\r\nHost: evil"), "/a%0D%0AHost:%20evil?u=a%0D%0AHost%3A%20evil", nil},
		"beyond ASCII":          {"/{userFirstName}?ü={userFirstName}", details("UserFirstName", "Zoë"), "/Zo%C3%AB?%C3%BC=Zo%C3%AB", nil},
		"null":                  {"/{classId}/x?c={className}", details(), "//x?c=", nil},
		"up":                    {"/a/{userExternalId}/b/{id}?u={userExternalId}", details("UserExternalId", ".."), "/a/%7BuserExternalId%7D/b/%7Bid%7D?u=..", []string{"{userExternalId}", "{id}"}},
		"up and away":           {"/a/{userExternalId}", details("UserExternalId", "x/../../admin"), "/a/%7BuserExternalId%7D", []string{"{userExternalId}"}},
		"up by backslash":       {"/a/{userExternalId}", details("UserExternalId", `..\admin`), "/a/%7BuserExternalId%7D", []string{"{userExternalId}"}},
		"here":                  {"/a/{userExternalId}/b", details("UserExternalId", "."), "/a/%7BuserExternalId%7D/b", []string{"{userExternalId}"}},
		"up by two":             {"/a/{userFirstName}{userLastName}/b", details("UserFirstName", ".", "UserLastName", "."), "/a/%7BuserFirstName%7D%7BuserLastName%7D/b", []string{"{userFirstName}", "{userLastName}"}},
		"up by nothing":         {"/a/.{className}./b", details(), "/a/.%7BclassName%7D./b", []string{"{className}"}},
		"up as it was written":  {"/a/../{id}", details(), "/a/../998592321", nil},
		"dots in a name":        {"/a/{userExternalId}", details("UserExternalId", "v1..2..."), "/a/v1..2...", nil},
		"no lab":                {"/{id}?t={event}", courseEvent(`{"Id":7}`), "/%7Bid%7D?t=courseComplete", []string{"{id}"}},
		"data":                  {"/{@event.Data.user[full%20name]}/@event.Data.user.id", courseEvent(`{"user":{"id":5,"full name":"a b"}}`), "/a%20b/5", nil},
		"too long":              {"/{userExternalId}?u=@lab.User.Id", details("UserExternalId", long+"x"), "/%7BuserExternalId%7D?u=5023932", []string{"{userExternalId}"}},
		"as long as can be":     {"/{userExternalId}?u=@lab.User.Id", details("UserExternalId", long), "/" + long + "?u=@lab.User.Id", []string{"@lab.User.Id"}},
		"left over braces":      {"/{/}?{&x=}", details(), "/%7B/%7D?%7B&x=%7D", []string{"{&x=}"}},
		"lone percent sign":     {"/?p=100%&u={userId}", details(), "/?p=100%25&u=5023932", nil},
	} {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = base + tt.url })
		if err := w.Validate(engine.BuiltIn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r, err := engine.Render(&w, tt.event, engine.Stamp{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := r.Sent().URL; got != base+tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, base+tt.want)
		}
		if got, want := wireTarget(&r), "/"+strings.TrimPrefix(tt.want, "/"); got != want && got != tt.want {
			t.Errorf("%s: %s goes over the wire", name, got)
		}
		if diff := cmp.Diff(tt.unfilled, r.Unfilled); diff != "" {
			t.Errorf("%s: left as they stand (-want +got):\n%s", name, diff)
		}
	}
}

// wireTarget returns the path and query in the first line of the request.
func wireTarget(r *engine.Rendered) string { return r.Request(context.Background()).URL.RequestURI() }

func TestTokensNeverReachTheHost(t *testing.T) {
	t.Parallel()
	const message = " can only stand behind them"
	for raw, token := range map[string]string{
		"https://{id}/lab":                           "{id}",
		"https://{nonsense}.example.com/lab":         "{nonsense}",
		"https://hooks.example.com{id}/":             "{id}",
		"https://hooks.example.com:{id}/":            "{id}",
		"https://hooks.example.com:80{":              "{",
		"https://@lab.User.Id/":                      "@lab.User.Id",
		"https://x@lab.User.Id/":                     "@lab.User.Id",
		"https://hooks.example.com@event.Data.h/":    "@event.Data.h",
		"https://hooks.example.com@event.Nonsense/":  "",
		"https://hooks.example.com/@lab.User.Id/@":   "",
		"https://hooks.example.com?x=@lab.User.Id":   "",
		"{event}://hooks.example.com/":               "{event}",
		"@event.Data.scheme://hooks.example.com/lab": "@event.Data.scheme",
	} {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = raw })
		err := w.Validate(engine.BuiltIn)
		r, renderErr := engine.Render(&w, labEvent(`"h":"evil.example","scheme":"ftp"`), engine.Stamp{})
		if token == "" {
			if renderErr == nil && r.URL.Host != "hooks.example.com" && r.URL.Host != "event.Nonsense" {
				t.Errorf("%s goes to %s", raw, r.URL.Host)
			}
			continue
		}
		if want := "url: Write out scheme, host and port: " + token + message; len(problems(t, err)) != 1 || problems(t, err)[0] != want {
			t.Errorf("%s: %v", raw, err)
		}
		if renderErr == nil {
			t.Errorf("%s was rendered to %s", raw, r.URL)
		}
	}
}

// FuzzURLTokens puts hostile values into any URL that can be stored.
func FuzzURLTokens(f *testing.F) {
	for _, raw := range []string{
		"https://h.example/{userExternalId}", "http://h.example:81?{userExternalId}", "https://h.example/a/{userFirstName}{userLastName}/@lab.Tag?x=@event.Data.UserExternalId#",
		"https://h.example//{@lab.User.ExternalId}@h", "https://h.example/%2f{userExternalId}%2F..", "https://h.example/{userExternalId}%", "https://h.example/{@event.Data}",
		"https://[::1]:8080/.{userExternalId}./?%zz", "https://h.example/ä/{nonsense}{", "https://h.example/@lab.Variable(a%2525b)@lab.Foo(1)[2]",
	} {
		for _, value := range []string{"..", "/", "a/../b", "@evil.example", "://evil.example/", "?a=b", "#", "%2e%2e", "\r\nX: y", "\\..\\", "é\u2028", "{id}", ""} {
			f.Add(raw, value)
		}
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = raw })
		if w.Validate(engine.BuiltIn) != nil {
			return
		}
		literal, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("a URL was accepted that is none: %v", err)
		}
		e := labEvent(hostile(t, value))
		r, err := engine.Render(&w, e, engine.Stamp{})
		if err != nil {
			t.Fatalf("%s with %q: %v", raw, value, err)
		}
		if r.URL.Scheme != literal.Scheme || r.URL.Host != literal.Host || r.URL.User != nil || r.URL.Fragment != "" {
			t.Fatalf("%s with %q became %s", raw, value, r.URL)
		}
		again, err := url.Parse(r.URL.String())
		if err != nil || again.Host != literal.Host || again.String() != r.URL.String() {
			t.Fatalf("%s with %q became %s, which is read as %s: %v", raw, value, r.URL, again, err)
		}
		target := wireTarget(&r)
		if strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"<>\^{|}`+"`#", c) }) {
			t.Fatalf("%s with %q goes out as %q", raw, value, target)
		}
		if len(target) > 3*len(raw)+engine.MaxTokensURL {
			t.Fatalf("%s grew to %d bytes", raw, len(target))
		}
		if got, most := climbs(r.URL), climbs(literal); got > most {
			t.Fatalf("%s with %q became %s, which climbs", raw, value, r.URL)
		}
		req, err := http.NewRequest("POST", r.URL.String(), nil)
		if err != nil || req.Host != strings.TrimSuffix(literal.Host, ":") {
			t.Fatalf("net/http makes %v of %s", err, r.URL)
		}
	})
}

// climbs counts the segments . and .. of a path once it is unescaped.
func climbs(u *url.URL) int {
	n := 0
	for _, segment := range strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == "." || segment == ".." {
			n++
		}
	}
	return n
}

// hostile returns keys for lab details in which a value stands wherever a user or sender can put it.
func hostile(t *testing.T, value string) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]json.RawMessage{"Variables": json.RawMessage(`{"a%25b":` + string(text) + `}`)}
	for _, name := range []string{"UserExternalId", "UserFirstName", "UserLastName", "Tag", "UserEmail", "CustomData", "LabProfileName"} {
		fields[name] = text
	}
	all, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(all[1 : len(all)-1])
}
