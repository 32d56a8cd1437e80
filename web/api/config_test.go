package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"labhook/engine"
	"labhook/web/api"
)

func TestConsumers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const body = `{"name": "Northwind", "external_id": "nw-1", "description": "Labs\nof Northwind", "default_organization": "NW",
		"consuming_platform": "Moodle", "consuming_platform_version": "4.5", "technical_contact": "ops@nw.example",
		"one_send_per_url": true, "enabled": false, "expires": "2099-01-02T03:04:05+01:00"}`
	r := b.send(t, "POST", "/api/v1/consumers", "platform", body).want(201)
	var made, got api.Consumer
	r.into(&made)
	expires := time.Date(2099, 1, 2, 2, 4, 5, 0, time.UTC)
	want := api.Consumer{
		Name: "Northwind", ExternalID: "nw-1", Description: "Labs\nof Northwind", DefaultOrganization: "NW", ConsumingPlatform: "Moodle",
		ConsumingPlatformVersion: "4.5", TechnicalContact: "ops@nw.example", Expires: &expires, OneSendPerURL: true, State: "disabled",
	}
	if diff := cmp.Diff(want, made, cmpopts.IgnoreFields(made, "ID", "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if r.header.Get("Location") != "/api/v1/consumers/"+made.ID || !strings.HasPrefix(made.ID, "con_") || made.CreatedAt.IsZero() {
		t.Errorf("Location %q, id %q, created %v", r.header.Get("Location"), made.ID, made.CreatedAt)
	}
	for _, name := range []string{made.ID, "nw-1"} {
		b.send(t, "GET", "/api/v1/consumers/"+name, "platform-read", "").want(200).into(&got)
		if diff := cmp.Diff(made, got); diff != "" {
			t.Errorf("read by %s (-created +read):\n%s", name, diff)
		}
	}

	// What was read can be sent back; what is left out becomes what it is in a new one.
	r = b.send(t, "GET", "/api/v1/consumers/nw-1", "platform", "").want(200)
	b.send(t, "PUT", "/api/v1/consumers/nw-1", "platform", string(r.body)).want(200).into(&got)
	if diff := cmp.Diff(made, got, cmpopts.IgnoreFields(made, "UpdatedAt")); diff != "" {
		t.Errorf("sent back (-created +now):\n%s", diff)
	}
	b.send(t, "PUT", "/api/v1/consumers/nw-1", "platform", `{"name": "Northwind", "expires": null}`).want(200).into(&got)
	want = api.Consumer{ID: made.ID, Name: "Northwind", Enabled: true, State: "active", CreatedAt: made.CreatedAt}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(made, "UpdatedAt")); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	b.send(t, "GET", "/api/v1/consumers/nw-1", "platform", "").problem(404)

	var page api.List[api.Consumer]
	b.send(t, "GET", "/api/v1/consumers?limit=2", "platform", "").want(200).into(&page)
	if len(page.Data) != 2 || page.Next == nil || page.Data[0].ExternalID != "contoso" || page.Data[1].ExternalID != "fabrikam" {
		t.Fatalf("first part %+v", page)
	}
	b.send(t, "GET", "/api/v1/consumers?limit=2&after="+*page.Next, "platform", "").want(200).into(&page)
	if len(page.Data) != 1 || page.Next != nil || page.Data[0].ID != made.ID {
		t.Errorf("second part %+v", page)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made api.Key
	r := b.send(t, "POST", "/api/v1/consumers/contoso/keys", "contoso", `{"description": "CI", "scope": "send", "expires": "2099-01-01T00:00:00Z"}`).want(201)
	r.into(&made)
	if !strings.HasPrefix(made.Key, "lhk_") || !strings.HasPrefix(made.Key, made.Prefix) || *made.Consumer != b.contoso.ID.String() ||
		made.Scope != "send" || made.CreatedAt.Nanosecond()%1e6 != 0 || !made.Enabled || made.LastUsedAt != nil || !strings.Contains(made.CreatedBy, "(contoso)") {
		t.Errorf("created %s", r.body)
	}
	b.keys["made"] = made.Key
	b.send(t, "POST", "/api/v1/events", "made", eventJSON("")).want(202)

	r = b.send(t, "GET", "/api/v1/consumers/contoso/keys", "contoso-read", "").want(200)
	if strings.Contains(string(r.body), made.Key) || strings.Contains(string(r.body), `"key"`) || !strings.Contains(string(r.body), made.ID) {
		t.Errorf("list of keys %s", r.body)
	}
	if strings.Contains(b.dump(t), made.Key) {
		t.Error("the key stands in the database")
	}

	b.send(t, "DELETE", "/api/v1/keys/"+made.ID, "contoso", "").want(204)
	b.send(t, "GET", "/api/v1/version", "made", "").problem(401)
	b.send(t, "DELETE", "/api/v1/keys/"+made.ID, "contoso", "").want(204)

	var platform api.Key
	b.send(t, "POST", "/api/v1/keys", "platform", `{"description": "Lab platform"}`).want(201).into(&platform)
	if platform.Consumer != nil || platform.Scope != "read" || platform.Expires != nil {
		t.Errorf("platform key %+v", platform)
	}
	var list api.List[api.Key]
	b.send(t, "GET", "/api/v1/keys", "platform", "").want(200).into(&list)
	if !slices.ContainsFunc(list.Data, func(k api.Key) bool { return k.ID == platform.ID }) ||
		slices.ContainsFunc(list.Data, func(k api.Key) bool { return k.Consumer != nil }) {
		t.Errorf("platform keys %+v", list.Data)
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made, got api.Webhook
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso", `{"name": "Scores", "events": ["lab.scored"], "url": "https://hooks.example.com/lab"}`).want(201)
	r.into(&made)
	want := api.Webhook{
		Consumer: b.contoso.ID.String(), Name: "Scores", Events: []string{"lab.scored"}, Verb: "POST", URL: "https://hooks.example.com/lab",
		Headers: []api.Header{}, SendLabDetails: true, Enabled: true, Timeout: 30, Retries: 3, RetryPolicy: api.RetryPolicy{Preset: "studio"}, ErrorAction: "log",
		Signing: api.Signing{Scheme: "v1", Names: "webhook", Secret: made.Signing.Secret}, Warnings: []string{}, Position: 1, Version: 1,
	}
	if diff := cmp.Diff(want, made, cmpopts.IgnoreFields(made, "ID", "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if r.header.Get("Location") != "/api/v1/webhooks/"+made.ID || r.header.Get("ETag") != `"1"` {
		t.Errorf("headers %v", r.header)
	}

	const full = `{"version": 1, "name": "All", "events": ["*"], "verb": "PUT", "url": "http://127.0.0.1:9000/x",
		"headers": [{"name": "X-Lab", "value": "a"}, {"name": "X-Plain-Secret", "value": "b", "sensitive": false}],
		"send_lab_details": false, "content": "{}", "content_type": "application/json", "enabled": false, "blocking": true, "delay": 5,
		"timeout": 7, "retries": 2, "retry_policy": "studio", "error_action": "notify_user", "notification_text": "Sorry", "description": "d",
		"rate_limit": 5, "rate_burst": 10}`
	b.send(t, "PUT", "/api/v1/webhooks/"+made.ID, "contoso", full).want(200).into(&got)
	want = api.Webhook{
		ID: made.ID, Consumer: made.Consumer, Name: "All", Events: []string{"*"}, Verb: "PUT", URL: "http://127.0.0.1:9000/x",
		Headers: []api.Header{{Name: "X-Lab", Value: "a", Sensitive: new(false)}, {Name: "X-Plain-Secret", Value: "••••", Sensitive: new(true)}},
		Content: "{}", ContentType: "application/json", Blocking: true, Delay: 5, Timeout: 7, Retries: 2, RetryPolicy: api.RetryPolicy{Preset: "studio"},
		ErrorAction: "notify_user", NotificationText: "Sorry", Description: "d", RateLimit: 5, RateBurst: 10,
		Signing:          api.Signing{Scheme: "v1", Names: "webhook", Secret: "••••"},
		DeactivateReason: new("BY_HAND"), Warnings: []string{}, Position: 1, Version: 2, CreatedAt: made.CreatedAt,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(made, "UpdatedAt", "DeactivatedAt")); diff != "" || got.DeactivatedAt == nil {
		t.Errorf("replaced, deactivated at %v (-want +got):\n%s", got.DeactivatedAt, diff)
	}

	b.send(t, "DELETE", "/api/v1/webhooks/"+made.ID, "contoso", "").want(204)
	b.send(t, "GET", "/api/v1/webhooks/"+made.ID, "contoso", "").problem(404)
	b.send(t, "PUT", "/api/v1/webhooks/"+made.ID, "contoso", full).problem(404)
	b.send(t, "DELETE", "/api/v1/webhooks/"+made.ID, "contoso", "").problem(404)
}

// TestWebhookSecretsAreMasked sends a webhook back as it was read: the values behind the masks stay.
func TestWebhookSecretsAreMasked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made api.Webhook
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso", `{"name": "x", "events": ["*"], "url": "https://a.example", "headers": [
		{"name": "Authorization", "value": "Basic c2VjcmV0"}, {"name": "X-Note", "value": "hidden-too", "sensitive": true}, {"name": "X-Lab", "value": "open"}]}`).want(201)
	r.into(&made)
	for _, secret := range []string{"c2VjcmV0", "hidden-too"} {
		if strings.Contains(string(r.body), secret) {
			t.Errorf("the answer shows %q: %s", secret, r.body)
		}
		if rows := b.dump(t); strings.Contains(rows, secret) || strings.Contains(rows, fmt.Sprintf("%X", secret)) {
			t.Errorf("%q stands in the database", secret)
		}
	}
	r = b.send(t, "GET", "/api/v1/webhooks/"+made.ID, "contoso", "").want(200)
	again := strings.Replace(string(r.body), `"open"`, `"changed"`, 1)
	b.send(t, "PUT", "/api/v1/webhooks/"+made.ID, "contoso", again).want(200)

	var id engine.WebhookID
	if err := id.UnmarshalText([]byte(made.ID)); err != nil {
		t.Fatal(err)
	}
	stored, err := b.store.Webhook(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.Header{
		{Name: "Authorization", Value: "Basic c2VjcmV0", Sensitive: true},
		{Name: "X-Note", Value: "hidden-too", Sensitive: true},
		{Name: "X-Lab", Value: "changed"},
	}
	if !slices.Equal(stored.Headers, want) || stored.Version != 2 {
		t.Errorf("version %d, %d headers: %v", stored.Version, len(stored.Headers), slices.Equal(stored.Headers, want))
	}

	moved := strings.NewReplacer("https://a.example", "https://b.example", `"version":1`, `"version":2`).Replace(again)
	p := b.send(t, "PUT", "/api/v1/webhooks/"+made.ID, "contoso", moved).problem(422)
	if len(p.Errors) != 2 || p.Errors[0].Field != "headers" || !strings.Contains(p.Errors[0].Message, "enter the value of Authorization") {
		t.Errorf("to another host: %+v", p.Errors)
	}
	moved = strings.ReplaceAll(moved, `"value":"`+engine.Mask, `"value":"entered-again`)
	b.send(t, "PUT", "/api/v1/webhooks/"+made.ID, "contoso", moved).want(200)
}

// TestWebhookVersions changes a webhook with versions and ETags that fit and that do not.
func TestWebhookVersions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook(t, b.contoso.ID, "https://a.example")
	path := "/api/v1/webhooks/" + w.ID.String()
	const fields = `"name": "x", "events": ["*"], "url": "https://a.example"}`
	for _, step := range []struct {
		version, ifMatch string
		status           int
		after            int
	}{
		{version: "1", status: 200, after: 2},
		{version: "1", status: 409, after: 2},
		{ifMatch: `"1"`, status: 412, after: 2},
		{ifMatch: `W/"2"`, status: 412, after: 2},
		{ifMatch: `"2"`, status: 200, after: 3},
		{ifMatch: `"2", "3"`, status: 200, after: 4},
		{ifMatch: `*`, status: 200, after: 5},
		{version: "1", ifMatch: `"5"`, status: 200, after: 6},
		{version: "5", status: 409, after: 6},
	} {
		body := "{" + fields
		if step.version != "" {
			body = `{"version": ` + step.version + ", " + fields
		}
		var headers []string
		if step.ifMatch != "" {
			headers = []string{"If-Match", step.ifMatch}
		}
		r := b.send(t, "PUT", path, "contoso", body, headers...)
		if r.status != step.status {
			t.Errorf("%+v: status %d: %s", step, r.status, r.body)
		}
		if got := b.send(t, "GET", path, "contoso", "").header.Get("ETag"); got != fmt.Sprintf(`"%d"`, step.after) {
			t.Errorf("%+v: ETag is %s", step, got)
		}
	}
}

// TestDeleteSeenVersion: who says which version of a webhook to delete does not delete another one.
func TestDeleteSeenVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for ifMatch, status := range map[string]int{`"1"`: 412, `W/"2"`: 412, "x": 412, `"2"`: 204, `"1", "2"`: 204, "*": 204, "": 204} {
		w := b.webhook(t, b.contoso.ID, "https://a.example")
		path := "/api/v1/webhooks/" + w.ID.String()
		b.send(t, "PUT", path, "contoso", `{"version": 1, "name": "`+w.ID.String()+`", "events": ["*"], "url": "https://a.example"}`).want(200)
		var headers []string
		if ifMatch != "" {
			headers = []string{"If-Match", ifMatch}
		}
		r := b.send(t, "DELETE", path, "contoso", "", headers...)
		if there := b.send(t, "GET", path, "contoso", "").status == 200; r.status != status || there != (status == 412) {
			t.Errorf("If-Match %s: status %d, the webhook is there: %t\n%s", ifMatch, r.status, there, r.body)
		}
	}
}

func TestListWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	for range 3 {
		ids = append(ids, b.webhook(t, b.contoso.ID, "https://a.example").ID.String(), b.webhook(t, b.fabrikam.ID, "https://b.example").ID.String())
	}
	for _, tt := range []struct {
		query string
		want  []string
		next  string
	}{
		{"", ids, ""},
		{"consumer=contoso", []string{ids[0], ids[2], ids[4]}, ""},
		{"consumer=" + b.fabrikam.ID.String() + "&limit=2", []string{ids[1], ids[3]}, ids[3]},
		{"after=" + api.Cursor(ids[3]), ids[4:], ""},
		{"limit=6", ids, ""},
		{"limit=2&before=" + api.Cursor(ids[3]), ids[1:3], ids[2]},
		{"enabled=true", ids, ""},
		{"enabled=false", nil, ""},
		{"type=lab.scored", ids, ""},
		{"type=Saved", nil, ""},
	} {
		var page api.List[api.Webhook]
		b.send(t, "GET", "/api/v1/webhooks?"+tt.query, "platform", "").want(200).into(&page)
		var got []string
		for _, w := range page.Data {
			got = append(got, w.ID)
		}
		if next := page.Next; !slices.Equal(got, tt.want) || (next == nil) != (tt.next == "") || next != nil && *next != api.Cursor(tt.next) {
			t.Errorf("%q: %q, next %v", tt.query, got, next)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var version api.Version
	b.send(t, "GET", "/api/v1/version", "contoso-read", "").want(200).into(&version)
	if version.Version != "1.2.3" || version.Schema < 1 {
		t.Errorf("version %+v", version)
	}
}
