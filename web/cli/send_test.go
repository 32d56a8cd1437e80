package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

func TestEventData(t *testing.T) {
	t.Parallel()
	const given = `{"b": 1.50, "Id": 7, "a": "<é>"}`
	for _, tt := range []struct {
		name    string
		options sendOptions
		stdin   string
		want    string
		err     string
	}{
		{name: "order and spelling are kept", options: sendOptions{data: given}, want: `{"b":1.50,"Id":7,"a":"<é>"}`},
		{name: "standard input", options: sendOptions{data: "-"}, stdin: given, want: `{"b":1.50,"Id":7,"a":"<é>"}`},
		{name: "lab replaces the id", options: sendOptions{data: given, lab: 998592321}, want: `{"b":1.50,"Id":998592321,"a":"<é>"}`},
		{
			name: "values are JSON or texts", want: `{"b":true,"Id":7,"a":"two words","c":null,"d":"8 "}`,
			options: sendOptions{data: given, set: pairs{{"b", "true"}, {"a", "two words"}, {"c", "null"}, {"d", `"8 "`}}},
		},
		{name: "no object", options: sendOptions{data: "-"}, stdin: "[1]", err: "a JSON object is wanted"},
		{name: "no JSON", options: sendOptions{data: "{nothing}"}, err: "--data: invalid character 'n'"},
		{name: "no file", options: sendOptions{data: "missing.json"}, err: "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind, _ := engine.BuiltIn.Find(engine.LabScored)
			got, err := tt.options.eventData(strings.NewReader(tt.stdin), kind)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, error %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestEventDataOfSample(t *testing.T) {
	t.Parallel()
	kind, _ := engine.BuiltIn.Find(engine.LabScored)
	o := sendOptions{lab: 42, set: pairs{{"ExamPassed", "true"}}}
	data, err := o.eventData(nil, kind)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.SampleLabDetails().With(map[string]any{"Id": 42, "ExamPassed": true}).Body()
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("data differ (-want +got):\n%s", diff)
	}
}

func TestReadVerdict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		answer string
		words  string
		code   int
	}{
		{200, `{"action": "continue"}`, "continue", 0},
		{200, `{"action": "notify_user"}`, "notify_user", 3},
		{200, `{"action": "end_lab"}`, "end_lab", 4},
		{202, `{"id": "run-1"}`, "no verdict yet", 5},
		{200, `<html>`, "no verdict yet", 5},
	} {
		if words, code := readVerdict(tt.status, json.RawMessage(tt.answer)); !strings.HasPrefix(words, tt.words) || code != tt.code {
			t.Errorf("%d %s: %q with exit code %d, want %q with %d", tt.status, tt.answer, words, code, tt.words, tt.code)
		}
	}
}

func TestProblemText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, want string }{
		"detail": {`{"title":"A key is needed","detail":"Send an API key"}`, "the server answered 422: Send an API key"},
		"fields": {
			`{"title":"The request is not valid","detail":"x","errors":[{"field":"data.UserId","message":"UserId must be a whole number"}]}`,
			"the server answered 422: The request is not valid\n  data.UserId: UserId must be a whole number",
		},
		"no problem": {`<html>`, "the server answered 422: Unprocessable Entity"},
	} {
		if got := readProblem(422, []byte(tt.answer)).Error(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add(`{"a": {"b": [1, 2.50]}, "a": null, "": "\u0000"}`)
	f.Add(`{}`)
	f.Add(`[{"a":1}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var o object
		if json.Unmarshal([]byte(text), &o) != nil {
			return
		}
		out, err := o.MarshalJSON()
		if err != nil || !json.Valid(out) {
			t.Fatalf("%q becomes %q, error %v", text, out, err)
		}
		var before, after any
		if json.Unmarshal([]byte(text), &before) != nil || json.Unmarshal(out, &after) != nil || !cmp.Equal(before, after) {
			t.Errorf("%q becomes %q", text, out)
		}
	})
}
