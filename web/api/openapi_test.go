package api_test

import (
	"slices"
	"strings"
	"testing"

	"labhook/engine"
)

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Security    []map[string][]string
		Parameters  []struct {
			Name, In string
			Schema   struct{ Maximum float64 }
		}
		RequestBody struct {
			Content map[string]struct{ Schema map[string]any }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema map[string]any }
		}
	}
	Components struct {
		Schemas map[string]struct {
			Required             []string
			AdditionalProperties any
			Properties           map[string]struct {
				Enum      []string
				MaxLength int
				Default   any
				OneOf     []struct {
					Ref  string `json:"$ref"`
					Type string
					Enum []string
				}
			}
		}
	}
}

func readDocument(t *testing.T, b *bundle) document {
	t.Helper()
	r := b.send(t, "GET", "/api/v1/openapi.json", "", "").want(200)
	if got := r.header.Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("Content-Type = %q", got)
	}
	var doc document
	r.into(&doc)
	return doc
}

// documented returns "METHOD /path" of every route in the document.
func documented(t *testing.T, b *bundle) []string {
	t.Helper()
	var routes []string
	for path, methods := range readDocument(t, b).Paths {
		for method := range methods {
			routes = append(routes, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	doc := readDocument(t, b)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Info.Title != "Labhook" || doc.Info.Version != "1.2.3" {
		t.Errorf("openapi %q, info %+v", doc.OpenAPI, doc.Info)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.OperationID == "" || len(op.Security) != 2 || len(op.Responses) < 4 {
				t.Errorf("%s %s is not described fully: %+v", method, path, op)
			}
			for status, response := range op.Responses {
				if _, ok := response.Content["application/problem+json"]; status >= "400" && !ok {
					t.Errorf("%s %s: %s is no problem", method, path, status)
				}
			}
		}
	}
	post := doc.Paths["/api/v1/events"]["post"]
	if got := post.RequestBody.Content["application/json"].Schema["$ref"]; got != "#/components/schemas/EventInput" {
		t.Errorf("body of POST /events: %v", got)
	}
	if got := post.Responses["202"].Content["application/json"].Schema["$ref"]; got != "#/components/schemas/AcceptedEvent" {
		t.Errorf("answer of POST /events: %v", got)
	}

	if got := post.Responses["200"].Content["application/json"].Schema["$ref"]; got != "#/components/schemas/EndedEvent" {
		t.Errorf("answer of POST /events to a sender that waits: %v", got)
	}
	if got := post.Parameters[0]; got.Name != "wait" || got.In != "query" || got.Schema.Maximum != engine.MaxWait.Seconds() {
		t.Errorf("first parameter of POST /events: %+v", got)
	}

	schemas := doc.Components.Schemas
	for _, name := range []string{"EndedEvent", "EventDetail"} {
		if got := schemas[name].Properties["action"].Enum; !slices.Equal(got, []string{"continue", "notify_user", "end_lab"}) {
			t.Errorf("actions of %s: %q", name, got)
		}
	}
	if got := schemas["EventInput"]; !slices.Equal(got.Required, []string{"type", "data"}) || got.AdditionalProperties != false {
		t.Errorf("EventInput: required %v, additional properties %v", got.Required, got.AdditionalProperties)
	}
	if got := schemas["WebhookInput"].Required; !slices.Equal(got, []string{"name", "events", "url"}) {
		t.Errorf("WebhookInput: required %v", got)
	}
	if got := schemas["Webhook"].Properties; !slices.Equal(got["verb"].Enum, engine.Verbs) || got["name"].MaxLength != engine.MaxWebhookName {
		t.Errorf("Webhook does not have the engine's limits: %+v", got)
	}
	if got := schemas["WebhookInput"].Properties; got["timeout"].Default != nil || got["delay"].Default != 0.0 || got["verb"].Default != "POST" {
		t.Errorf("WebhookInput does not have the engine's defaults: %+v", got)
	}
	policy := schemas["WebhookInput"].Properties["retry_policy"]
	if len(policy.OneOf) != 2 || !slices.Equal(policy.OneOf[0].Enum, []string{"studio", "skilljar", "standard", "live"}) ||
		policy.OneOf[1].Ref != "#/components/schemas/OwnPolicy" || policy.Default != nil {
		t.Errorf("retry_policy of WebhookInput: %+v", policy)
	}
	for _, field := range []string{"basic_auth", "client_cert"} {
		if got := schemas["Webhook"].Properties[field].OneOf; len(got) != 2 || got[0].Ref == "" || got[1].Type != "null" {
			t.Errorf("%s of Webhook: %+v", field, got)
		}
	}
	for _, name := range []string{"OwnPolicy", "Signing", "BasicAuth", "RotateInput"} {
		if got := schemas[name]; len(got.Required) > 0 || got.AdditionalProperties != false {
			t.Errorf("%s: required %q, additional properties %v", name, got.Required, got.AdditionalProperties)
		}
	}
	if got := schemas["Signing"].Properties; got["scheme"].Default != "v1" || !slices.Equal(got["names"].Enum, []string{"webhook", "svix", "both"}) {
		t.Errorf("Signing: %+v", got)
	}
	if _, ok := schemas["ErrorModel"]; ok {
		t.Error("the document has huma's form of an error")
	}
}
