package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// TestSkilljarBesideTheScreens makes webhooks over the Skilljar-shaped API, and looks at them on the screens. Links in
// its lists lead to the address that people use.
func TestSkilljarBesideTheScreens(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	consumer := b.addConsumer("Contoso LMS")
	_, key, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{ConsumerID: consumer.ID, Description: "LMS", Scope: engine.ScopeManage})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body string, into any) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.http.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(key.Reveal(), "")
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.Header.Get("X-Request-Id") == "" {
			t.Error("the answer has no request id")
		}
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	var made struct{ ID string }
	for range 2 {
		status := send("POST", "/v1/webhooks", `{"target_url": "https://hooks.example.com/lms", "event_type": "COURSE_COMPLETION"}`, &made)
		if status != http.StatusCreated {
			t.Fatalf("status %d", status)
		}
	}
	id, err := engine.ParseID[engine.WebhookID]("wh_" + made.ID)
	if err != nil {
		t.Fatal(err)
	}

	b.signIn(engine.RoleDeveloper)
	if list := b.get(views.ConsumerURL(consumer.ID)); !strings.Contains(list.body, "Skilljar webhook 2") {
		t.Error("the page of the API consumer does not list the webhook")
	}
	if page := b.get(views.WebhookURL(id)); page.text("h1") != "Skilljar webhook 2" || !strings.Contains(page.body, "hooks.example.com/lms") {
		t.Errorf("the page of the webhook is headed %q", page.text("h1"))
	}

	var list struct{ Next string }
	send("GET", "/v1/webhooks?page_size=1", "", &list)
	if want := b.http.URL + "/v1/webhooks?page=2&page_size=1"; list.Next != want {
		t.Errorf("the next page is at %q, want %q", list.Next, want)
	}
	b.web.publicURL = "https://labhook.example.com"
	send("GET", "/v1/webhooks?page_size=1", "", &list)
	if want := "https://labhook.example.com/v1/webhooks?page=2&page_size=1"; list.Next != want {
		t.Errorf("with a public URL the next page is at %q, want %q", list.Next, want)
	}
	var refused map[string]string
	if status := send("GET", "/v1/domains", "", &refused); status != http.StatusNotFound || refused["detail"] == "" {
		t.Errorf("another path of that API: %d %v", status, refused)
	}
}
