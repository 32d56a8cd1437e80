package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/views"
)

func TestSiteSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	const general, security = "/admin/settings/general", "/admin/settings/security"
	form := formValues(t, b.get(general+"/edit"), general+"/edit")
	if form.Get("name") != "" || form.Get("version") != "0" {
		t.Errorf("the form begins with %v", form)
	}
	bad := b.post(general+"/edit", url.Values{"name": {strings.Repeat("x", 31)}, "time_zone": {"Local"}, "public_url": {"hooks"}, "version": {"0"}})
	if bad.status != http.StatusUnprocessableEntity || bad.doc.Find("#name-problem, #time_zone-problem, #public_url-problem").Length() != 3 {
		t.Errorf("wrong values: status %d, %s", bad.status, bad.text("#error-summary"))
	}
	if got, _ := bad.doc.Find("#public_url").Attr("value"); got != "hooks" {
		t.Errorf("the address became %q", got)
	}
	form.Set("name", "Labhook – Staging")
	form.Set("time_zone", "Europe/Vienna")
	if a := b.post(general+"/edit", form); a.status != http.StatusSeeOther {
		t.Fatalf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
	page := b.get(general)
	if page.text(".brand") != "Labhook – Staging" || !strings.HasSuffix(page.text("title"), "· Labhook – Staging") {
		t.Errorf("the name is shown as %q and in %q", page.text(".brand"), page.text("title"))
	}
	if got := page.text("#name"); !strings.Contains(got, "Set here") || strings.Contains(page.text("#public-url"), "Set here") {
		t.Errorf("the name comes from: %s", got)
	}
	if got := b.get("/admin/users").text("#users time"); !strings.Contains(got, " CE") {
		t.Errorf("the time for somebody without a zone is %q", got)
	}
	idle := formValues(t, b.get(security+"/edit"), security+"/edit")
	idle.Set("session_idle", "2")
	if a := b.post(security+"/edit", idle); a.status != http.StatusSeeOther || !strings.Contains(b.get(security).text("#session-idle"), "2 hours") {
		t.Errorf("another group: status %d, %s", a.status, a.text("#error-summary"))
	}

	// Somebody else, who had opened the form before.
	form.Set("name", "Mine")
	conflict := b.post(general+"/edit", form)
	if conflict.status != http.StatusConflict || !strings.Contains(conflict.text("main"), "Labhook – Staging") || conflict.doc.Find(`#name[value="Mine"]`).Length() != 1 {
		t.Errorf("conflict: status %d, %s", conflict.status, conflict.text("main"))
	}
	if a := b.post(general+"/edit", formValues(t, conflict, general+"/edit")); a.status != http.StatusSeeOther || b.get("/admin").text(".brand") != "Mine" {
		t.Errorf("mine, after all: status %d", a.status)
	}
	entries, err := b.store.ListAudit(t.Context(), 1)
	if err != nil || entries[0].Action != "settings.update" || entries[0].Object != "general" || entries[0].Detail != `name: "Labhook – Staging" → "Mine"` {
		t.Errorf("audit %+v, %v", entries, err)
	}
	if site := b.store.Settings(); site.SessionIdle != 2*time.Hour || site.Name != "Mine" {
		t.Errorf("in force: %+v", site)
	}
}

func TestBodiesAreHiddenFromViewers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(c.ID, "LMS")
	d := b.addDelivery(&hook, func(e *engine.Event) { e.Data = []byte(`{"Id":1,"marker":"private"}`) })
	b.record(d, engine.OutcomeDelivered, "", func(a *engine.Attempt) {
		a.Request.Body, a.Answer.Body = []byte("private request"), []byte("private answer")
	})
	admin := b.client
	b.client = b.newClient()
	b.signIn(engine.RoleViewer)
	viewer := b.client
	pages := []string{
		views.DeliveryURL(d.ID), views.AttemptURL(d.ID, 1, true, ""), views.EventURL(d.EventID), views.EventURL(d.EventID) + "?raw=1",
		views.AnswerBodyURL(d.ID, 1), views.RequestBodyURL(d.ID, 1), views.EventDataURL(d.EventID),
	}
	sees := func() (n int) {
		for _, page := range pages {
			if strings.Contains(b.get(page).body, "private") {
				n++
			}
		}
		return n
	}
	if got := sees(); got != len(pages) {
		t.Errorf("by default a viewer sees %d of %d", got, len(pages))
	}
	b.client = admin
	form := formValues(t, b.get("/admin/settings/security/edit"), "/admin/settings/security/edit")
	form.Set("hide_bodies", "true")
	b.post("/admin/settings/security/edit", form)
	if got := sees(); got != len(pages) {
		t.Errorf("an administrator sees %d of %d", got, len(pages))
	}
	b.client = viewer
	if got := sees(); got != 0 || !strings.Contains(b.get(pages[0]).body, string(hiddenBody)) {
		t.Errorf("a viewer sees %d of the bodies that are hidden", got)
	}
}
