package engine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"labhook/engine"
)

// FuzzJSONFields checks that the fields of an object are those that encoding/json finds, and that both refuse the same.
func FuzzJSONFields(f *testing.F) {
	for _, text := range []string{
		`{}`, ` {"a" : 1 , "b":[{"c":null}]} `, `{"a":1,"a":"2"}`, `{"\u0061\n":"\ud800"}`, `{"\ud800":1}`, `{"a":1}{}`, `{"a":1} x`, `{"a":}`, `{,}`,
		`{"a":1,}`, `[1]`, `null`, ``, `"a"`, `{"a":01}`, `{"a":1e400}`, "{\"a\":\"\t\"}", `{"a" 1}`, `{1:2}`, `{"a":{"b":`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		var want map[string]json.RawMessage
		err := json.Unmarshal(text, &want)
		if want == nil && err == nil {
			err = errors.New("null is no object")
		}
		got := map[string]string{}
		if problem := engine.JSONFields(text, func(name []byte, value json.RawMessage) error {
			got[string(name)] = string(value)
			return nil
		}); (problem == nil) != (err == nil) {
			t.Fatalf("%q: %v; encoding/json says %v", text, problem, err)
		}
		if err != nil {
			return
		}
		texts := map[string]string{}
		for name, value := range want {
			texts[name] = string(value)
		}
		if !maps.Equal(got, texts) {
			t.Errorf("%q: the fields are %q, want %q", text, got, texts)
		}
	})
}

// FuzzJSONList checks that the values of a list are those that encoding/json finds, and that both refuse the same.
func FuzzJSONList(f *testing.F) {
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for _, text := range []string{
		`[]`, ` [ 1 , {"a":[null]},"]" ]` + "\n", `[1,]`, `[,1]`, `[1 2]`, `[1]]`, `[1] x`, `[1`, `[`, `]`, `{}`, `null`, ``, `"a"`, `["\ud800","\x"]`,
		"[\"\t\"]", `[01]`, `[-]`, `[1e400,-0.0E+1]`, `[tru]`, `[{"a":1,"a":2}]`, `[{"a"}]`, deep(10000), deep(10001),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		var want []json.RawMessage
		err := json.Unmarshal(text, &want)
		if want == nil && err == nil {
			err = errors.New("null is no list")
		}
		got, problem := engine.JSONList(text)
		if (problem == nil) != (err == nil) {
			t.Fatalf("%q: %v; encoding/json says %v", text, problem, err)
		}
		if err == nil && !slices.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%q: the values are %q, want %q", text, got, want)
		}
	})
}

// TestJSONFieldsEnds checks that what a caller returns ends the reading.
func TestJSONFieldsEnds(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	n := 0
	err := engine.JSONFields([]byte(`{"a":1,"b":2,"c":`), func([]byte, json.RawMessage) error {
		if n++; n == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 2 {
		t.Errorf("%d fields, then %v", n, err)
	}
}
