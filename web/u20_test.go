package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// editedForm is a form that two people have open at once.
type editedForm struct {
	name, path string
	field      string // which both change
	stored     func() string
}

func editedForms(b *bundle) []editedForm {
	consumer := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(consumer.ID, "Scores")
	user := b.addUser("robin", engine.RoleViewer)
	own := b.addEventType("badge.awarded")
	dir := b.store.Directory
	return []editedForm{
		{"consumer", views.ConsumerEditURL(consumer.ID), "technical_contact", func() string { return dir().Consumer(consumer.ID).TechnicalContact }},
		{"webhook", views.WebhookEditURL(hook.ID), "url", func() string { return dir().Webhook(hook.ID).URL }},
		{"user", views.UserURL(user.ID), "name", func() string {
			u, err := b.store.User(b.t.Context(), user.ID)
			if err != nil {
				b.t.Error(err)
			}
			return u.Name
		}},
		{"event type", views.EventTypeEditURL(own.Code), "description", func() string {
			kind, _ := dir().Catalog().Find(own.Code)
			return kind.Description
		}},
		{"settings", "/admin/settings/general/edit", "name", func() string { return b.store.Settings().Name }},
		{"egress", egressPath + "/edit", "addresses", func() string {
			list, err := b.store.Egress(b.t.Context())
			if err != nil {
				b.t.Error(err)
			}
			return engine.FormatEgressEntries(list.Entries)
		}},
	}
}

// Two people have the same form open. The second one who saves gets both sides, and nothing is stored until that
// person has chosen one of them.
func TestU20TwoEditors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	b.addUser("omar", engine.RoleAdmin)
	values := map[string][2]string{
		"url": {"https://theirs.example.com/", "https://mine.example.com/"}, "addresses": {"8.8.4.4", "8.8.8.8"},
	}
	for _, f := range editedForms(b) {
		theirs, mine := "Value of Dana", "Value of Omar"
		if v, ok := values[f.field]; ok {
			theirs, mine = v[0], v[1]
		}
		b.client = b.newClient()
		b.login("dana", testPassword)
		dana, danas := b.client, formValues(t, b.get(f.path), f.path)
		b.client = b.newClient()
		b.login("omar", testPassword)
		omars := formValues(t, b.get(f.path), f.path)

		omar := b.client
		b.client = dana
		if a := b.post(f.path, with(danas, f.field, theirs)); a.status != http.StatusSeeOther {
			t.Errorf("%s: the first to save got status %d: %v", f.name, a.status, summary(a))
		}
		b.client = omar
		a := b.post(f.path, with(omars, f.field, mine))
		if a.status != http.StatusConflict || !shows(a, theirs) || !shows(a, mine) {
			t.Errorf("%s: the second got status %d, and both values are to be shown: %s", f.name, a.status, a.text("main"))
		}
		if got := f.stored(); got != theirs {
			t.Errorf("%s: %q is stored before a choice", f.name, got)
		}
		if a = b.post(f.path, formValues(t, a, f.path)); a.status != http.StatusSeeOther || f.stored() != mine {
			t.Errorf("%s: Use mine got status %d, and %q is stored: %v", f.name, a.status, f.stored(), summary(a))
		}
		if a := b.post(f.path, url.Values{f.field: {theirs}}); a.status < 400 || f.stored() != mine {
			t.Errorf("%s: a form that tells nothing of what it was opened with got status %d", f.name, a.status)
		}
	}
}

// A change of something that the form does not show is no conflict.
func TestU20OnlyWhatTheFormShows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	robin := b.addUser("robin", engine.RoleViewer)
	path := views.UserURL(robin.ID)
	form := formValues(t, b.get(path), path)
	if _, err := b.store.ChangeUser(t.Context(), engine.System, robin.ID, "user.account", func(u *engine.User) { u.Theme = "dark" }); err != nil {
		t.Fatal(err)
	}
	if a := b.post(path, with(form, "name", "Robin Roe")); a.status != http.StatusSeeOther {
		t.Errorf("status %d: %s", a.status, a.text("main"))
	}
	if u, err := b.store.User(t.Context(), robin.ID); err != nil || u.Name != "Robin Roe" || u.Theme != "dark" {
		t.Errorf("%+v, %v", u, err)
	}
}

// shows reports whether a page shows a text, be it in a control.
func shows(a answer, text string) bool {
	found := strings.Contains(a.doc.Find("main").Text(), text)
	a.doc.Find("main input:not([type=hidden])").Each(func(_ int, s *goquery.Selection) {
		found = found || s.AttrOr("value", "") == text
	})
	return found
}
