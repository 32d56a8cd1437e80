package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update writes the golden files anew: go test ./web/api -run Golden -update.
var update = flag.Bool("update", false, "write the golden files anew")

// TestGoldenDocument compares the OpenAPI document with the one that was reviewed, because it is a promise to clients.
func TestGoldenDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		var text bytes.Buffer
		if err := json.Indent(&text, b.send(t, "GET", "/api/v1/"+name, "", "").want(200).body, "", "  "); err != nil {
			t.Fatal(err)
		}
		text.WriteByte('\n')
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
			t.Errorf("%s has changed; when that is meant: go generate ./web/api\n%s", name, diff)
		}
	}
}

// TestDocumentForms reads the document in YAML, and looks for what OpenAPI 3.0 does not know.
func TestDocumentForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, begins := range map[string]string{
		"/api/v1/openapi.yaml": "openapi: 3.1.0", "/api/v1/openapi-3.0.yaml": "openapi: 3.0.3",
	} {
		r := b.send(t, "GET", path, "", "").want(200)
		if !strings.Contains(string(r.body), begins) || r.header.Get("Content-Type") != "application/openapi+yaml" {
			t.Errorf("%s: %s\n%.200s", path, r.header.Get("Content-Type"), r.body)
		}
	}
	older := b.send(t, "GET", "/api/v1/openapi-3.0.json", "", "").want(200).body
	for _, unknown := range []string{`"type":"null"`, `"examples"`, `"type":[`} {
		if bytes.Contains(older, []byte(unknown)) {
			t.Errorf("the document of OpenAPI 3.0 has %s", unknown)
		}
	}
	if !bytes.Contains(older, []byte(`"nullable":true`)) {
		t.Error("nothing may be null in the document of OpenAPI 3.0")
	}
}
