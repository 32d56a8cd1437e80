package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

// studioSample is the example of Studio's page "Set Up Your Studio Webhook", as it stands there.
const studioSample = `{
"Id": 998592321,
"UserId": 5023932,
"UserExternalId": "Example.User",
"UserFirstName": "Example",
"UserLastName": "User",
"LabProfileId": 19376,
"LabProfileName": "Example Lab",
"LabProfileNumber": "ABC",
"LabSeriesId": 10296,
"LabSeriesName": "Example Series",
"ClassId": null,
"ClassExternalId": null,
"ClassName": null,
"Start": 1671565852,
"End": null,
"Expires": 1671587452,
"LastActivity": null,
"LastSave": null,
"State": 20,
"CompletionStatus": 2,
"CustomData": null,
"ExamPassed": null,
"ExamScore": null,
"ExamMaxPossibleScore": 10,
"ExamPassingScore": 7
}`

// Kinds of fields and of values.
const (
	integer = "a whole number"
	number  = "a number"
	text    = "a text"
	boolean = "true or false"
)

// studioFields are the 25 fields in Studio's order with what each must be.
var studioFields = []struct{ name, kind string }{
	{"Id", integer},
	{"UserId", integer},
	{"UserExternalId", text},
	{"UserFirstName", text},
	{"UserLastName", text},
	{"LabProfileId", integer},
	{"LabProfileName", text},
	{"LabProfileNumber", text},
	{"LabSeriesId", integer},
	{"LabSeriesName", text},
	{"ClassId", integer},
	{"ClassExternalId", text},
	{"ClassName", text},
	{"Start", integer},
	{"End", integer},
	{"Expires", integer},
	{"LastActivity", integer},
	{"LastSave", integer},
	{"State", integer},
	{"CompletionStatus", integer},
	{"CustomData", text},
	{"ExamPassed", boolean},
	{"ExamScore", number},
	{"ExamMaxPossibleScore", number},
	{"ExamPassingScore", number},
}

// compact returns JSON without its white space, values as they were.
func compact(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(data)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parse reads lab details that must be right.
func parse(t *testing.T, data string) engine.LabDetails {
	t.Helper()
	lab, err := engine.ParseLabDetails(json.RawMessage(data))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return lab
}

func TestLabDetailsAreStudiosSample(t *testing.T) {
	t.Parallel()
	want := compact(t, studioSample)
	lab := parse(t, studioSample)
	if got := string(lab.Body()); got != want {
		t.Errorf("body:\n%s\nwant:\n%s", got, want)
	}
	if got := string(engine.SampleLabDetails().Body()); got != want {
		t.Errorf("sample:\n%s\nwant:\n%s", got, want)
	}
	if lab.InstanceID() != "998592321" {
		t.Errorf("lab instance %q", lab.InstanceID())
	}
}

func TestLabDetailsMissingAndOtherFields(t *testing.T) {
	t.Parallel()
	names := make([]string, len(studioFields))
	for i, f := range studioFields {
		names[i] = `"` + f.name + `":null`
	}
	empty := "{" + strings.Join(names, ",") + "}"
	for data, want := range map[string]string{
		`{}`:                             empty,
		`{"Extra":{"a":[1]},"id":7}`:     empty,
		`{"ID":7,"Id ":7,"userId":7}`:    empty, // names count letter by letter
		`{"Id":1,"Extra":true,"Id":2}`:   strings.Replace(empty, `"Id":null`, `"Id":2`, 1),
		`{"Id":1,"Id":null}`:             empty,
		`{"State":20,"\u0049\u0064":30}`: strings.Replace(strings.Replace(empty, `"Id":null`, `"Id":30`, 1), `"State":null`, `"State":20`, 1),
	} {
		lab := parse(t, data)
		if got := string(lab.Body()); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", data, got, want)
		}
		if want := strings.Contains(want, `"Id":null`); want != (lab.InstanceID() == "") {
			t.Errorf("%s: lab instance %q", data, lab.InstanceID())
		}
	}
}

func TestLabDetailsWrongKinds(t *testing.T) {
	t.Parallel()
	values := map[string][]string{ // a value and the kinds that take it
		`7`:                    {integer, number},
		`-7`:                   {integer, number},
		`0`:                    {integer, number},
		`9223372036854775807`:  {integer, number},
		`-9223372036854775808`: {integer, number},
		`9223372036854775808`:  {number},
		`7.0`:                  {number},
		`10.50`:                {number},
		`1e2`:                  {number},
		`-1.5E-7`:              {number},
		`"7"`:                  {text},
		`""`:                   {text},
		`"null"`:               {text},
		`true`:                 {boolean},
		`false`:                {boolean},
		`[]`:                   nil,
		`[7]`:                  nil,
		`{}`:                   nil,
		`{"a":7}`:              nil,
		`null`:                 {integer, number, text, boolean},
	}
	for _, f := range studioFields {
		for value, kinds := range values {
			data := fmt.Sprintf(`{"%s": %s }`, f.name, value)
			lab, err := engine.ParseLabDetails(json.RawMessage(data))
			var want []string
			if !slices.Contains(kinds, f.kind) {
				want = []string{"data." + f.name + ": " + f.name + " must be " + f.kind + " or null"}
			} else if !strings.Contains(string(lab.Body()), `"`+f.name+`":`+value) {
				t.Errorf("%s is not kept as it was: %s", data, lab.Body())
			}
			if diff := cmp.Diff(want, problems(t, err)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", data, diff)
			}
		}
	}
	_, err := engine.ParseLabDetails(json.RawMessage(`{"UserId":"5023932","State":"Running","Id":1,"ExamPassed":1}`))
	want := []string{
		"data.UserId: UserId must be a whole number or null", "data.State: State must be a whole number or null",
		"data.ExamPassed: ExamPassed must be true or false or null",
	}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("several at once (-want +got):\n%s", diff)
	}
}

func TestLabDetailsKeepSpelling(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"UserFirstName":        `"Zo\u00eb \ud83d\ude00 \/ \"q\" \\ \t"`,
		"UserLastName":         `"Müller-Łuszcz 山田 😀 <b>&amp;</b>"`,
		"CustomData":           `"{\"a\":1}"`,
		"LabProfileName":       "\"line\u2028separator\"",
		"ExamScore":            `10.50`,
		"ExamMaxPossibleScore": `1e2`,
		"ExamPassingScore":     `-0.0`,
		"Id":                   `9007199254740993`, // more than a float64 holds
		"UserId":               `-0`,
	} {
		want := `"` + name + `":` + value
		if got := string(parse(t, `{"`+name+`" :`+" \n"+value+"\t}").Body()); !strings.Contains(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
}

func TestLabDetailsSyntax(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `{`, `[]`, `7`, `"a"`, `{"Id":}`, `{"Id":1}x`, `{'Id':1}`, `{"Id":01}`, `{"Id":1,}`, `{"Id":NaN}`} {
		_, err := engine.ParseLabDetails(json.RawMessage(data))
		if _, invalid := err.(engine.InvalidError); err == nil || invalid {
			t.Errorf("%q: %v, want a syntax error", data, err)
		}
	}
}

func TestLabDetailsWith(t *testing.T) {
	t.Parallel()
	before := engine.SampleLabDetails()
	after := before.With(map[string]any{"Id": int64(7), "UserFirstName": "Zoë", "ExamPassed": true, "ExamScore": 9.5, "LabSeriesId": nil})
	want := strings.NewReplacer(
		`"Id":998592321`, `"Id":7`, `"UserFirstName":"Example"`, `"UserFirstName":"Zoë"`, `"ExamPassed":null`, `"ExamPassed":true`,
		`"ExamScore":null`, `"ExamScore":9.5`, `"LabSeriesId":10296`, `"LabSeriesId":null`,
	).Replace(compact(t, studioSample))
	if got := string(after.Body()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := string(before.Body()); got != compact(t, studioSample) {
		t.Errorf("With changed what it was called on: %s", got)
	}
	for _, values := range []map[string]any{{"Nothing": 1}, {"Id": "7"}, {"ExamPassed": 1}, {"Id": 1.5}, {"CustomData": func() {}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v did not panic", values)
				}
			}()
			before.With(values)
		}()
	}
}

// checkBody checks that a body is one line of JSON with exactly the 25 fields in order.
func checkBody(body []byte) error {
	if !json.Valid(body) {
		return fmt.Errorf("no JSON: %s", body)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("begins with %v, %v", tok, err)
	}
	for _, f := range studioFields {
		name, err := dec.Token()
		if err != nil || name != f.name {
			return fmt.Errorf("%v, %v stands where %s should: %s", name, err, f.name, body)
		}
		if value, err := dec.Token(); err != nil || value == json.Delim('{') || value == json.Delim('[') {
			return fmt.Errorf("%s is %v, %v: %s", name, value, err, body)
		}
	}
	if tok, err := dec.Token(); err != nil || tok != json.Delim('}') {
		return fmt.Errorf("goes on after the last field with %v, %v: %s", tok, err, body)
	}
	if bytes.ContainsAny(body, "\r\n") {
		return fmt.Errorf("more than one line: %s", body)
	}
	return nil
}

// TestLabDetailsProperty draws data with any of the fields, right and others, in any order.
func TestLabDetailsProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]any{}
		for _, f := range studioFields {
			switch rapid.IntRange(0, 3).Draw(t, f.name) {
			case 0:
			case 1:
				values[f.name] = nil
			default:
				values[f.name] = map[string]*rapid.Generator[any]{
					integer: rapid.Int64().AsAny(), number: rapid.Float64().AsAny(), text: rapid.String().AsAny(), boolean: rapid.Bool().AsAny(),
				}[f.kind].Draw(t, f.name)
			}
		}
		values["X"+rapid.StringN(0, 5, -1).Draw(t, "other")] = "other"
		data, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		lab, err := engine.ParseLabDetails(data)
		if err != nil {
			t.Fatal(err)
		}
		body := lab.Body()
		if err := checkBody(body); err != nil {
			t.Fatal(err)
		}
		var given, sent map[string]json.RawMessage
		if err := json.Unmarshal(data, &given); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatal(err)
		}
		for _, f := range studioFields {
			want, ok := given[f.name]
			if !ok {
				want = json.RawMessage("null")
			}
			if !bytes.Equal(sent[f.name], want) {
				t.Fatalf("%s is sent as %s, given as %s", f.name, sent[f.name], want)
			}
		}
		again, err := engine.ParseLabDetails(body)
		if err != nil || !bytes.Equal(again.Body(), body) {
			t.Fatalf("the body as data again gives %s, %v", again.Body(), err)
		}
	})
}

func FuzzParseLabDetails(f *testing.F) {
	for _, data := range []string{
		studioSample, `{}`, `null`, `{"Id":1e2}`, `{"ExamScore":-0.0,"ExamPassed":false}`, `{"UserFirstName":"\ud800\"}"}`, "{\"Id\":\n1}", `{"Id":1,"Id":"x"}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lab, err := engine.ParseLabDetails(data)
		if err != nil {
			return
		}
		if err := checkBody(lab.Body()); err != nil {
			t.Fatal(err)
		}
		e := engine.Event{Type: engine.LabScored, Data: data}
		if err := e.Prepare(engine.BuiltIn, noon); err == nil && !utf8.Valid(lab.Body()) {
			t.Fatalf("an accepted event gives a body that is not UTF-8: %q", lab.Body())
		}
	})
}
