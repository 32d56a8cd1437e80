package api_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestUnknownIsRefused sends every route a query parameter that it does not have and, where it reads an object, a
// field that it does not have, and one of a wrong type. The problem names them.
func TestUnknownIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	doc := readDocument(t, b)
	for _, a := range accesses() {
		t.Run(a.method+" "+a.pattern, func(t *testing.T) {
			path, body := a.request(t, b)
			p := b.send(t, a.method, path+"?colour=red", "platform", body).problem(422)
			if len(p.Errors) != 1 || p.Errors[0].Field != "colour" || !strings.Contains(p.Detail, "no parameter") {
				t.Errorf("an unknown parameter: %+v", p)
			}
			schema := doc.Paths["/api/v1"+a.pattern][strings.ToLower(a.method)].RequestBody.Content["application/json"].Schema
			ref, ok := schema["$ref"].(string)
			if !ok {
				return
			}
			fields := map[string]any{}
			if err := json.Unmarshal([]byte(body), &fields); body != "" && err != nil {
				t.Fatal(err)
			}
			fields["colour"] = "red"
			p = b.send(t, a.method, path, "platform", text(t, fields)).problem(422)
			if len(p.Errors) == 0 || p.Errors[0].Field != "colour" || !strings.Contains(p.Errors[0].Message, "the fields are") {
				t.Errorf("an unknown field: %+v", p)
			}
			delete(fields, "colour")
			for name := range doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")].Properties {
				before := fields[name]
				fields[name] = []any{map[string]any{"colour": "red"}} // fits no field: none is a list of anything
				found := false
				for _, f := range b.send(t, a.method, path, "platform", text(t, fields)).problem(422).Errors {
					found = found || strings.HasPrefix(f.Field, name) && f.Message != ""
				}
				if !found {
					t.Errorf("%s of a wrong type is not named", name)
				}
				if fields[name] = before; before == nil {
					delete(fields, name)
				}
			}
		})
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
