package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// cells returns what a row of the settings says, cell by cell.
func cells(a answer, id string) string {
	texts := a.doc.Find("#" + id + " > *").Map(func(_ int, s *goquery.Selection) string {
		html, _ := s.Html()
		s.SetHtml(strings.ReplaceAll(html, "<br/>", " "))
		return strings.Join(strings.Fields(s.Text()), " ")
	})
	return strings.Join(texts, "|")
}

func TestSettingsPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.web.settings = []Setting{
		{"General", "listen", "Listen address", "127.0.0.1:8080", "flag", "--listen", "LABHOOK_LISTEN", "Where it listens."},
		{"General", "public-url", "Public URL", "", "default", "--public-url", "LABHOOK_PUBLIC_URL", "Where people reach it."},
		{"Egress", "proxy", "Forward proxy", "http://••••@proxy:3128", "file", "--proxy", "LABHOOK_PROXY", "What all goes through."},
	}
	if a := b.get("/admin/settings"); a.status != http.StatusSeeOther {
		t.Errorf("a stranger: status %d", a.status)
	}
	b.signIn(engine.RoleViewer)
	front := b.get("/admin/settings")
	for _, group := range views.SettingsGroups {
		a := b.get(views.SettingsOfURL(group))
		if a.status != http.StatusOK || a.doc.Find("main form, main a[href$='/edit']").Length() != 0 || a.doc.Find("tbody tr").Length() == 0 && group != views.StorageGroup {
			t.Errorf("%s: status %d, %d forms", group, a.status, a.doc.Find("main form").Length())
		}
		if front.doc.Find(`.tiles a[href="`+views.SettingsOfURL(group)+`"]`).Length() != 1 {
			t.Errorf("the front page does not lead to %s", group)
		}
	}
	if a := b.get("/admin/settings/nothing"); a.status != http.StatusNotFound {
		t.Errorf("a group that is none: status %d", a.status)
	}
	if a := b.get("/admin/settings/general/edit"); a.status != http.StatusForbidden {
		t.Errorf("a viewer's form: status %d", a.status)
	}
	general := b.get("/admin/settings/general")
	for id, want := range map[string]string{
		"listen":    "Listen address Where it listens.|127.0.0.1:8080|Flag|--listen LABHOOK_LISTEN",
		"time-zone": "Time zone For people who chose none, and whose browser tells none, such as Europe/Vienna.|UTC|Default|An administrator can",
	} {
		if got := cells(general, id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if got := cells(general, "public-url"); !strings.HasPrefix(got, "Base URL ") || !strings.Contains(got, "|The address of each request|Default|") {
		t.Errorf("the base URL is shown as %q", got)
	}
	if got := cells(b.get("/admin/settings/egress"), "proxy"); got != "Forward proxy What all goes through.|http://••••@proxy:3128|File|--proxy LABHOOK_PROXY" {
		t.Errorf("the proxy is shown as %q", got)
	}
	if b.get("/admin").doc.Find(`a[href="/admin/settings"]`).Length() != 1 {
		t.Error("Site Administration does not lead there")
	}
}

// TestGivenSettings opens a store with values that the server was started with: they are in force, are shown with where they
// come from, and cannot be changed.
func TestGivenSettings(t *testing.T) {
	t.Parallel()
	b := setupWith(t, db.Options{Given: map[string]engine.GivenSetting{
		"public_url":    {Value: "https://hooks.example.com/", Source: engine.FromEnvironment},
		"require_https": {Value: "true", Source: engine.FromFlag},
	}})
	b.web.settings = []Setting{{"General", "public-url", "Public URL", "https://hooks.example.com", "environment", "--public-url", "LABHOOK_PUBLIC_URL", "Where."}}
	b.signIn(engine.RoleAdmin)
	form := b.get("/admin/settings/general/edit")
	if _, ok := form.doc.Find("#public_url").Attr("readonly"); !ok || !strings.Contains(form.text("#public_url-hint"), "the environment variable LABHOOK_PUBLIC_URL") {
		t.Errorf("the field is %s", form.text("#f-public_url"))
	}
	values := formValues(t, form, "/admin/settings/general/edit")
	values.Set("public_url", "https://elsewhere.example.com")
	values.Set("name", "Lab")
	if a := b.post("/admin/settings/general/edit", values); a.status != http.StatusSeeOther {
		t.Fatalf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
	if site := b.store.Settings(); site.PublicURL != "https://hooks.example.com" || site.Name != "Lab" || !site.RequireHTTPS {
		t.Errorf("in force: %+v", site)
	}
	if got := cells(b.get("/admin/settings/general"), "public-url"); !strings.HasSuffix(got, "|https://hooks.example.com|Environment|--public-url LABHOOK_PUBLIC_URL") {
		t.Errorf("shown as %q", got)
	}
	if stored, err := b.store.StoredSettings(t.Context()); err != nil || stored.Values["public_url"] != "" {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

func TestSettingThatNeedsARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	const page = "/admin/settings/general"
	values := formValues(t, b.get(page+"/edit"), page+"/edit")
	values.Set("public_url", "http://hooks.example.com/")
	if a := b.post(page+"/edit", values); a.status != http.StatusSeeOther {
		t.Fatalf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
	if a := b.get(page); !strings.Contains(cells(a, "public-url"), "From the next start on") || !strings.Contains(a.text(".notice.warning"), "started again") {
		t.Errorf("shown as %q", cells(a, "public-url"))
	}
	all, err := b.web.apiSettings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if pending := one.Name == "public-url"; one.NeedsRestart != pending || pending && (one.Source != "screen" || one.Value != "http://hooks.example.com") {
			t.Errorf("the API says %+v", one)
		}
	}
}

// TestDefaultsOfNewWebhooks sets what the form of a new webhook opens with.
func TestDefaultsOfNewWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	const page = "/admin/settings/delivery/edit"
	values := formValues(t, b.get(page), page)
	values.Set("new_retries", "9")
	values.Set("senders_per_webhook", "500")
	if a := b.post(page, values); a.status != http.StatusUnprocessableEntity || a.doc.Find("#new_retries-problem, #senders_per_webhook-problem").Length() != 2 {
		t.Errorf("more than the policy has, and than there are: status %d", a.status)
	}
	values.Set("new_policy", engine.LivePolicy.Name)
	values.Set("new_timeout", "7")
	values.Set("senders_per_webhook", "3")
	if a := b.post(page, values); a.status != http.StatusSeeOther {
		t.Fatalf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
	c := b.addConsumer("Contoso LMS")
	form := formValues(t, b.get(views.NewWebhookURL(c.ID)), views.NewWebhookURL(c.ID))
	if form.Get("retry_policy") != "live" || form.Get("timeout") != "7" || form.Get("retries") != "9" {
		t.Errorf("the form opens with %s, %s s, %s retries", form.Get("retry_policy"), form.Get("timeout"), form.Get("retries"))
	}
}
