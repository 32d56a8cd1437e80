package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

// badge is an event type of an administrator that tests change in the point they are about.
func badge(changes ...func(*engine.OwnEventType)) engine.OwnEventType {
	o := engine.OwnEventType{
		Code: "badge.awarded", Label: "Badge awarded", Description: "A learner was given a badge.", SubjectField: "learner",
		Sample: `{"learner": "ada", "badge": {"id": 7, "name": "Networks"}, "points": [3, 4.5]}`,
		Schema: `{
			"type": "object", "required": ["learner"],
			"properties": {
				"learner": {"type": "string", "pattern": "^[a-z]+$"},
				"badge": {"$ref": "#/$defs/badge"},
				"points": {"type": "array", "items": {"type": "number", "minimum": 0}}
			},
			"$defs": {"badge": {"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": {"type": "string"}}}
		}`,
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

// checked posts data of a type with that schema, and returns what is wrong.
func checked(t *testing.T, schema, data string) []string {
	t.Helper()
	s, err := engine.CompileSchema(schema)
	if err != nil {
		t.Fatal(err)
	}
	catalog := engine.BuiltIn.With([]engine.EventType{{Code: "own", Label: "Own", Group: engine.GroupOwn, Schema: s}})
	e := engine.Event{Type: "own", Data: json.RawMessage(data)}
	return problems(t, e.Prepare(catalog, noon))
}

func TestSchemaChecksEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		want []string
	}{
		"good":           {`{"learner": "ada", "badge": {"id": 7, "name": "Networks"}, "points": [3, 4.5]}`, nil},
		"more than said": {`{"learner": "ada", "more": [{}]}`, nil},
		"missing":        {`{"badge": {}}`, []string{`data: Missing property 'learner' (rule /required)`}},
		"wrong types": {
			`{"learner": 7, "badge": {"id": 1.5, "level": 3}, "points": [1, "two", -3]}`, []string{
				`data.badge.id: Got number, want integer (rule /$defs/badge/properties/id/type)`,
				`data.badge.level: Got number, want string (rule /$defs/badge/additionalProperties/type)`,
				`data.learner: Got number, want string (rule /properties/learner/type)`,
				`data.points[1]: Got string, want number (rule /properties/points/items/type)`,
				`data.points[2]: Minimum: got -3, want 0 (rule /properties/points/items/minimum)`,
			},
		},
		"pattern":   {`{"learner": "Ada"}`, []string{`data.learner: 'Ada' does not match pattern '^[a-z]+$' (rule /properties/learner/pattern)`}},
		"odd names": {`{"learner": "ada", "badge": {"a b\n": 1}}`, []string{`data.badge["a b\n"]: Got number, want string (rule /$defs/badge/additionalProperties/type)`}},
	} {
		if diff := cmp.Diff(tt.want, checked(t, badge().Schema, tt.data)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSchemaReportsBounded(t *testing.T) {
	t.Parallel()
	wrong := strings.TrimSuffix(strings.Repeat(`"text",`, 500), ",")
	got := checked(t, `{"properties": {"list": {"items": {"type": "integer"}}}}`, `{"list": [`+wrong+`]}`)
	if len(got) != engine.MaxSchemaProblems+1 || got[len(got)-1] != "data: There are 480 problems more" || !strings.HasPrefix(got[0], "data.list[0]: ") {
		t.Errorf("%d problems, from %q to %q", len(got), got[0], got[len(got)-1])
	}
	long := strings.Repeat("x", 5000)
	for _, message := range checked(t, `{"properties": {"text": {"enum": ["a"]}, "`+long+`": {"const": "`+long+`"}}}`,
		`{"text": "`+long+`", "`+long+`": 1}`) {
		if len(message) > 1000 {
			t.Errorf("a message of %d bytes", len(message))
		}
	}
	for _, alternatives := range []string{"anyOf", "oneOf"} {
		got := checked(t, `{"`+alternatives+`": [{"required": ["a"]}, {"required": ["b"]}]}`, `{}`)
		if diff := cmp.Diff([]string{"data: This fits none of the alternatives (rule /" + alternatives + ")"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestCompileSchemaRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"not":`, 300) + "{}" + strings.Repeat("}", 300)
	for name, tt := range map[string]struct{ schema, want string }{
		"no JSON":         {`{"type"}`, "The schema is not JSON"},
		"no object":       {`true`, "must be a JSON object"},
		"wrong keyword":   {`{"properties": {"a": {"type": "text"}}}`, "This is no JSON Schema: properties.a.type"},
		"another draft":   {`{"$schema": "https://example.com/draft"}`, "is not loaded"},
		"a file":          {`{"$ref": "file:///etc/passwd"}`, "is not loaded"},
		"the network":     {`{"properties": {"a": {"$ref": "https://example.com/a.json"}}}`, "is not loaded"},
		"a neighbour":     {`{"$ref": "other.json"}`, "is not loaded"},
		"nothing":         {`{"$ref": "#/$defs/none"}`, "This is no JSON Schema"},
		"circle":          {`{"$ref": "#"}`, "refers to itself"},
		"wide circle":     {`{"$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}`, "refers to itself"},
		"dynamic":         {`{"$dynamicAnchor": "a", "properties": {"a": {"$dynamicRef": "#a"}}}`, "$dynamicRef"},
		"pattern":         {`{"pattern": "("}`, "This is no JSON Schema"},
		"huge pattern":    {`{"pattern": "(a{500}b{400}){1}c{900}(d{900}){1}e{900}f{900}g{900}h{900}"}`, "too big"},
		"deep":            {deep, "nested deeper"},
		"huge number":     {`{"minimum": 1e999999999}`, "too long to be checked"},
		"too long":        {`{"title": "` + strings.Repeat("x", engine.MaxSchema) + `"}`, "may have at most"},
		"the meta-schema": {`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`, "$dynamicRef"},
	} {
		_, err := engine.CompileSchema(tt.schema)
		got := problems(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "schema: ") || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestSchemaDrafts: a schema that names an older draft is read by its rules, without loading anything.
func TestSchemaDrafts(t *testing.T) {
	t.Parallel()
	for draft, schema := range map[string]string{
		"draft-04":      `{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"n": {"minimum": 1, "exclusiveMinimum": true}}}`,
		"draft-07":      `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"n": {"exclusiveMinimum": 1}}}`,
		"draft 2019-09": `{"$schema": "https://json-schema.org/draft/2019-09/schema", "properties": {"n": {"exclusiveMinimum": 1}}}`,
		"none":          `{"properties": {"n": {"exclusiveMinimum": 1}}}`,
	} {
		if got := checked(t, schema, `{"n": 2}`); len(got) > 0 {
			t.Errorf("%s: %q", draft, got)
		}
		if got := checked(t, schema, `{"n": 1}`); len(got) != 1 {
			t.Errorf("%s: %q", draft, got)
		}
	}
}

// TestSchemaRecursive: a schema may describe data that are nested in themselves.
func TestSchemaRecursive(t *testing.T) {
	t.Parallel()
	const tree = `{"$defs": {"node": {"type": "object", "required": ["name"], "properties": {"parts": {"items": {"$ref": "#/$defs/node"}}}}},
		"$ref": "#/$defs/node"}`
	if got := checked(t, tree, `{"name": "a", "parts": [{"name": "b", "parts": [{"name": "c"}]}]}`); len(got) > 0 {
		t.Errorf("%q", got)
	}
	want := []string{"data.parts[0].parts[0]: Missing property 'name' (rule /$defs/node/required)"}
	if diff := cmp.Diff(want, checked(t, tree, `{"name": "a", "parts": [{"name": "b", "parts": [{}]}]}`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSchemaCannotHoldUp: neither a schema nor data that ask for endless work get it.
func TestSchemaCannotHoldUp(t *testing.T) {
	t.Parallel()
	var doubled strings.Builder // 2^60 ways through
	for i := range 60 {
		fmt.Fprintf(&doubled, `"a%d": {"anyOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	nested := strings.Repeat(`{"x":`, 30) + "1" + strings.Repeat("}", 30)
	for name, tt := range map[string]struct{ schema, data, want string }{
		"doubled": {`{"$defs": {` + doubled.String() + `"a60": {"type": "null"}}, "not": {"$ref": "#/$defs/a0"}}`, `{}`, "too large"},
		"doubled below": {
			`{"$defs": {"a": {"properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}}}, "$ref": "#/$defs/a"}`,
			nested, "too large",
		},
		"deep":        {`{"type": "object"}`, strings.Repeat(`{"x":`, 40) + "1" + strings.Repeat("}", 40), "nested deeper than 32"},
		"huge number": {`{"properties": {"n": {"minimum": 1}}}`, `{"n": [1e999999999]}`, "too long to be checked"},
		"long number": {`{"properties": {"n": {"multipleOf": 3}}}`, `{"n": ` + strings.Repeat("7", 1000) + `}`, "too long to be checked"},
		"tiny number": {`{"properties": {"n": {"type": "integer"}}}`, `{"n": 1e-999999}`, "too long to be checked"},
		"large": {
			`{"properties": {"list": {"items": {"pattern": "^(a?){500}(b?){500}$"}}}}`,
			`{"list": ["` + strings.Repeat("a", 200_000) + `"]}`, "too large",
		},
	} {
		got := checked(t, tt.schema, tt.data)
		if len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// FuzzSchema compiles anything and checks anything with it: it must neither panic nor report without end.
func FuzzSchema(f *testing.F) {
	f.Add(badge().Schema, badge().Sample)
	f.Add(`{"$ref": "#"}`, `{}`)
	f.Add(`{"anyOf": [{"const": 1e3}, {"enum": [{"a": [null]}]}], "unevaluatedProperties": false}`, `{"a": 1000.0, "b": -0}`)
	f.Add(`{"uniqueItems": true, "propertyNames": {"format": "email"}, "dependentSchemas": {"a": {"minProperties": 2}}}`, `{"a": []}`)
	f.Add(`{"$id": "https://a.example/", "$anchor": "x", "properties": {"a": {"$ref": "#x"}}}`, `{"a": {"a": 1}}`)
	f.Add(`{"$schema": "http://json-schema.org/draft-04/schema#", "items": [{}], "additionalItems": {"multipleOf": 0.1}}`, `{"n": 1e400}`)
	f.Fuzz(func(t *testing.T, schema, data string) {
		s, err := engine.CompileSchema(schema)
		if err != nil {
			problems(t, err)
			return
		}
		catalog := engine.BuiltIn.With([]engine.EventType{{Code: "own", Label: "Own", Group: engine.GroupOwn, Schema: s}})
		e := engine.Event{Type: "own", Data: json.RawMessage(data)}
		if got := problems(t, e.Prepare(catalog, noon)); len(got) > engine.MaxSchemaProblems+1 {
			t.Errorf("%d problems", len(got))
		}
	})
}
