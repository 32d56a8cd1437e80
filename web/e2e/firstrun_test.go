package e2e

import (
	"regexp"
	"strings"
	"testing"

	"labhook/engine"
)

// From the link that the server prints to a key that opens the API, on a telephone.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, s, screens[3])

	b.open("/")
	b.open(s.setup)
	b.fill(map[string]string{"name": "Dana Ortiz", "login": login, "password": "short"})
	b.follow("main button[type=submit]")
	b.until(`document.activeElement?.id === "error-summary"`)
	b.fill(map[string]string{"password": password})
	b.follow("main button[type=submit]")
	if got := b.text("h1"); got != "Site Administration" {
		t.Fatalf("setup leads to %q: %s", got, b.text("#error-summary"))
	}

	b.follow(".bar form[action='/logout'] button")
	b.fill(map[string]string{"login": login, "password": "wrong password!"})
	b.follow("main button[type=submit]")
	b.signIn()

	b.follow(".steps a")
	b.follow("main button[type=submit]")
	b.fill(map[string]string{"name": "Contoso LMS", "external_id": "contoso", "consuming_platform": "Moodle", "technical_contact": "ops@contoso.example"})
	b.follow("main button[type=submit]")
	if got := b.text("h1"); got != "Contoso LMS" {
		t.Fatalf("the form leads to %q: %s", got, b.text("#error-summary"))
	}

	b.follow("a[href$='/keys/new']")
	b.fill(map[string]string{"description": "Lab platform"})
	b.follow("main button[type=submit]")
	key := evaluate[string](b, "document.getElementById('key').value")
	if !regexp.MustCompile(`^lhk_[a-z0-9]{26}$`).MatchString(key) {
		t.Fatalf("the key is %q", key)
	}
	if k, _, err := s.store.Authenticate(t.Context(), key, ""); err != nil || k.Description != "Lab platform" {
		t.Errorf("the key opens %+v, %v", k, err)
	}
	b.follow(".actions a.primary")
	b.follow("a[href$='/revoke']")
}

// fill gives a consumer webhooks, keys and events whose deliveries end in every way.
func (s *site) fill(t *testing.T, consumer engine.ConsumerID) {
	t.Helper()
	for _, owner := range []engine.ConsumerID{consumer, 0} {
		for _, scope := range []engine.Scope{engine.ScopeSend, engine.ScopeManage} {
			k := engine.APIKey{ConsumerID: owner, Description: "Key of the lab platform in Vienna", Scope: scope}
			if _, _, err := s.store.CreateKey(t.Context(), engine.System, k); err != nil {
				t.Fatal(err)
			}
		}
	}
	working, broken := newReceiver(t, 200), newReceiver(t, 503)
	for name, url := range map[string]string{"LMS – lab displayable": working + "/hooks/lab/first-displayable?tenant=contoso", "LMS – broken": broken} {
		w := engine.NewWebhook(consumer)
		w.Name, w.URL, w.Events, w.Retries = name, url, []string{engine.LabFirstDisplayable}, 0
		w.Blocking = strings.Contains(name, "broken")
		if _, err := s.store.CreateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		_, err := s.engine.Accept(t.Context(), &engine.Event{
			Type: engine.LabFirstDisplayable, ConsumerID: consumer, Data: engine.SampleLabDetails().Body(), Source: "test",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
