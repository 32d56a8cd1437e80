package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/views"
)

// TestConsumerDelete asks for the name, deletes, and looks where the consumer may and may not show up.
func TestConsumerDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) { w.Delay, w.Events = engine.MaxDelay, []string{engine.AllEvents} })
	_, _, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{ConsumerID: c.ID, Description: "CI", Scope: engine.ScopeSend})
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.LabScored, ConsumerID: c.ID, Data: []byte(`{"Id": 998592321}`)})
	if err != nil {
		t.Fatal(err)
	}
	d := accepted.Deliveries[0]
	page, path := views.ConsumerURL(c.ID), views.ConsumerDeleteURL(c.ID)

	ask := b.get(path)
	for _, want := range []string{"Its webhook is deleted with it.", "Its key is revoked.", "1 waiting delivery"} {
		if !strings.Contains(ask.text("main"), want) {
			t.Errorf("the page that asks lacks %q: %s", want, ask.text("main"))
		}
	}
	link := ask.doc.Find("main li:contains('Cancelled') a").AttrOr("href", "")
	if got := b.get(link).doc.Find("#deliveries tbody tr").Length(); got != 1 {
		t.Errorf("%s lists %d deliveries", link, got)
	}
	wrong := b.post(path, url.Values{"name": {"contoso"}})
	if wrong.status != http.StatusUnprocessableEntity || wrong.doc.Find("#name").AttrOr("value", "") != "contoso" ||
		!strings.Contains(wrong.text("#error-summary"), "This is not the name of the API consumer; type it as it stands, or cancel") {
		t.Errorf("the wrong name: status %d, %s", wrong.status, wrong.text("#error-summary"))
	}
	if a := b.post(path, url.Values{"name": {" Contoso LMS "}}); a.status != http.StatusSeeOther || a.header.Get("Location") != views.ConsumersURL() {
		t.Fatalf("delete: status %d", a.status)
	}

	if got := b.get(views.ConsumersURL()).text(".flash"); got != "API consumer Contoso LMS was deleted." {
		t.Errorf("flash %q", got)
	}
	for _, list := range []string{views.ConsumersURL(), views.FindURL(c.ID.String()), views.EventCatalogURL(), views.DeliveriesURL()} {
		if text := b.get(list).text("main"); strings.Contains(text, "Contoso LMS") {
			t.Errorf("%s shows it: %s", list, text)
		}
	}
	for where, want := range map[string]string{
		views.DeliveryURL(d.ID):                              "Contoso LMS Deleted",
		views.EventURL(d.EventID):                            "Contoso LMS (deleted)",
		views.EventsURL():                                    "Contoso LMS (deleted)",
		views.LabInstanceURL("998592321"):                    "(API consumer deleted)",
		views.WebhookURL(hook.ID):                            "The webhook was deleted.",
		views.DeliveriesURL("consumer", c.ID.String()):       "Contoso LMS (deleted)",
		views.AuditURL():                                     "Contoso LMS (deleted)",
		views.DeliveryURL(d.ID) + "?attempt=1":               "The API consumer was deleted.",
		page:                                                 "This API consumer was deleted by Person admin at ",
		views.AuditURL("action", "consumer.delete"):          "API consumer deleted",
		views.WebhookLogsURL(hook.ID, "status", "cancelled"): "Contoso LMS (deleted)",
	} {
		if a := b.get(where); a.status != http.StatusOK || !strings.Contains(a.text("body"), want) {
			t.Errorf("%s: status %d, lacks %q: %s", where, a.status, want, a.text("main"))
		}
	}
	if got := b.get(page).doc.Find("main a.button, main form[action*=able], main a:contains('Revoke')"); got.Length() != 0 {
		t.Errorf("a deleted consumer has controls: %s", got.Text())
	}
}

// TestDeletedConsumerCannotBeChanged follows every link of a page that was open when the consumer was deleted.
func TestDeletedConsumerCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	if err := b.store.DeleteConsumer(t.Context(), engine.System, c.ID); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{views.ConsumerEditURL(c.ID), views.ConsumerDeleteURL(c.ID), views.KeyNewURL(c.ID), views.NewWebhookURL(c.ID)} {
		if a := b.get(path); a.header.Get("Location") != views.ConsumerURL(c.ID) {
			t.Errorf("%s: status %d", path, a.status)
		}
		if a := b.post(path, url.Values{"name": {c.Name}}); a.header.Get("Location") != views.ConsumerURL(c.ID) {
			t.Errorf("post to %s: status %d", path, a.status)
		}
	}
	for _, path := range []string{views.ConsumerEnableURL(c.ID), views.ConsumerDisableURL(c.ID)} {
		if a := b.post(path, nil); a.header.Get("Location") != views.ConsumerURL(c.ID) {
			t.Errorf("post to %s: status %d", path, a.status)
		}
	}
}

// The names of Studio's things keep its capitals in titles and on buttons.
func TestDeleteScreensAreCalledLikeThoseThatEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	w := b.addWebhook(c.ID, "Scores")
	for path, want := range map[string]string{views.ConsumerDeleteURL(c.ID): "Delete API Consumer", views.WebhookDeleteURL(w.ID): "Delete Webhook"} {
		a := b.get(path)
		if h1, button := a.text("h1"), a.text("main button.danger"); h1 != want || button != want || !strings.HasPrefix(a.text("title"), want+" ") {
			t.Errorf("%s: heading %q, button %q, title %q, want %q", path, h1, button, a.text("title"), want)
		}
	}
}
