package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2/yaml"
)

// documentPath is where the OpenAPI document is, for everybody.
const documentPath = Prefix + "/openapi.json"

// openAPI30 is the version for generators of clients that do not know 3.1 yet.
const openAPI30 = "3.0.3"

// documents is the OpenAPI document in every form. All but the first are made when somebody asks.
type documents struct {
	json   []byte
	yaml   func() ([]byte, error)
	json30 func() ([]byte, error)
	yaml30 func() ([]byte, error)
}

func newDocuments(document []byte) *documents {
	d := &documents{json: document}
	d.json30 = sync.OnceValues(func() ([]byte, error) { return downgrade(document) })
	d.yaml = sync.OnceValues(func() ([]byte, error) { return toYAML(document) })
	d.yaml30 = sync.OnceValues(func() ([]byte, error) {
		older, err := d.json30()
		if err != nil {
			return nil, err
		}
		return toYAML(older)
	})
	return d
}

// serveDocuments adds the routes of the document, which are open to everybody.
func (s *server) serveDocuments(d *documents) {
	const (
		jsonType = "application/openapi+json"
		yamlType = "application/openapi+yaml"
	)
	for _, form := range []struct {
		path, contentType string
		document          func() ([]byte, error)
	}{
		{documentPath, jsonType, func() ([]byte, error) { return d.json, nil }},
		{Prefix + "/openapi.yaml", yamlType, d.yaml},
		{Prefix + "/openapi-3.0.json", jsonType, d.json30},
		{Prefix + "/openapi-3.0.yaml", yamlType, d.yaml30},
	} {
		s.add("GET "+form.path, s.guard(open, nil, func(w http.ResponseWriter, r *http.Request) {
			text, err := form.document()
			if err != nil {
				writeProblem(w, s.problemOf(r.Context(), err))
				return
			}
			w.Header().Set("Content-Type", form.contentType)
			_, _ = w.Write(text)
		}))
	}
}

func toYAML(document []byte) ([]byte, error) {
	var out bytes.Buffer
	err := yaml.Convert(&out, bytes.NewReader(document))
	return out.Bytes(), err
}

// downgrade writes a document of OpenAPI 3.1 as one of 3.0: there null is no type, but a property of one.
func downgrade(document []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	older, _ := downgraded(doc).(map[string]any)
	older["openapi"] = openAPI30
	return json.Marshal(older)
}

func downgraded(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = downgraded(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = downgraded(v[name])
		}
		downgradeSchema(v)
	}
	return value
}

// downgradeSchema changes what 3.0 says otherwise, where an object is a schema that has it.
func downgradeSchema(s map[string]any) {
	if types, ok := s["type"].([]any); ok {
		types = slices.DeleteFunc(types, func(one any) bool { return one == "null" })
		s["type"], s["nullable"] = types[0], true
	}
	if examples, ok := s["examples"].([]any); ok && len(examples) > 0 {
		s["example"] = examples[0]
		delete(s, "examples")
	}
	forms, ok := s["oneOf"].([]any)
	if !ok {
		return
	}
	isNull := func(form any) bool {
		f, _ := form.(map[string]any)
		return f["type"] == "null"
	}
	if rest := slices.DeleteFunc(slices.Clone(forms), isNull); len(rest) < len(forms) {
		delete(s, "oneOf")
		s["allOf"], s["nullable"] = rest, true
	}
}
