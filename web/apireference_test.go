package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// TestAPIReference looks for every operation, parameter, shape and field of the OpenAPI document on the page.
func TestAPIReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	page := b.get(views.APIReferenceURL())
	if page.status != http.StatusOK {
		t.Fatalf("status %d for somebody who is not signed in", page.status)
	}
	var doc openAPI
	if err := json.Unmarshal([]byte(b.get(views.APIDocumentURL("openapi.json")).body), &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			section := page.doc.Find("#do-" + op.OperationID).Closest("section")
			if text := section.Find("code").First().Text(); text != strings.ToUpper(method)+" "+path {
				t.Errorf("%s: %q", op.OperationID, text)
			}
			for _, p := range op.Parameters {
				if !strings.Contains(section.Text(), p.Name) {
					t.Errorf("%s lacks the parameter %s", op.OperationID, p.Name)
				}
			}
		}
	}
	for name, schema := range doc.Components.Schemas {
		var fields []string
		page.doc.Find("#shape-" + name + "-fields tbody th").Each(func(_ int, s *goquery.Selection) {
			s.Find("span").Remove()
			fields = append(fields, strings.TrimSpace(s.Text()))
		})
		if want := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(fields, want) {
			t.Errorf("%s has the fields %q, want %q", name, fields, want)
		}
	}
	for _, text := range []string{"platform key with the scope manage", "one of \"up\" \"down\"", "1 to 200, default 50", "at most 200: list of string"} {
		if !strings.Contains(page.doc.Find("main").Text(), text) {
			t.Errorf("the page does not say %s", text)
		}
	}
	b.signIn(engine.RoleViewer)
	if b.get("/admin").doc.Find(`a[href="`+views.APIReferenceURL()+`"]`).Length() != 1 {
		t.Error("Site Administration has no link to the reference")
	}
}
