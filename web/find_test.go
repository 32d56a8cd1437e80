package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

func TestFind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Contoso LMS", ExternalID: "contoso", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	other := b.addConsumer("Fabrikam LMS")
	hook := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) { w.URL = "https://lms.contoso.example/hooks?x={id}" })
	twin := b.addWebhook(other.ID, "Reports", func(w *engine.Webhook) { w.URL = "https://hooks.fabrikam.example/" })
	b.addWebhook(other.ID, "Reports too", func(w *engine.Webhook) { w.URL = "https://hooks.fabrikam.example/2" })
	key, _, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{Description: "Platform", Scope: engine.ScopeManage})
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := b.engine.Accept(t.Context(), &engine.Event{
		Type: engine.LabFirstDisplayable, ConsumerID: c.ID, SenderID: "order-77", Data: []byte(`{"Id": 998592321}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.addEvent(lab(998592400))

	for text, want := range map[string]string{
		c.ID.String():                      views.ConsumerURL(c.ID),
		"contoso":                          views.ConsumerURL(c.ID),
		"contoso lms":                      views.ConsumerURL(c.ID),
		hook.ID.String():                   views.WebhookURL(hook.ID),
		"scores":                           views.WebhookURL(hook.ID),
		"reports":                          views.WebhookURL(twin.ID),
		"lms.contoso.example":              views.WebhookURL(hook.ID),
		key.ID.String():                    views.KeysURL(0),
		accepted.Event.ID.String():         views.EventURL(accepted.Event.ID),
		"order-77":                         views.EventURL(accepted.Event.ID),
		accepted.Deliveries[0].ID.String(): views.DeliveryURL(accepted.Deliveries[0].ID),
		"998592321":                        views.LabInstanceURL("998592321"),
		" 9985923":                         views.LabInstanceURL("998592321"),
	} {
		if a := b.get("/find?q=" + url.QueryEscape(text)); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("find %q: status %d to %q, want %q", text, a.status, a.header.Get("Location"), want)
		}
	}
	for text, want := range map[string]int{"lms": 3, "99859": 3, "hooks.fabrikam": 2, "": 0, "dlv_0000000000001": 0, "nothing like it": 0, "998592321_": 0} {
		a := b.get("/find?q=" + url.QueryEscape(text))
		if got := a.doc.Find(".hits li").Length(); a.status != http.StatusOK || got != want {
			t.Errorf("find %q: status %d, %d hits, want %d", text, a.status, got, want)
		}
		if value, _ := a.doc.Find("#find").Attr("value"); value != text {
			t.Errorf("the field says %q, want %q", value, text)
		}
		if want == 0 && a.doc.Find("#what").Length() != 1 {
			t.Errorf("find %q does not say what can be found", text)
		}
	}

	b.client = b.newClient()
	viewer := b.signIn(engine.RoleViewer)
	for _, id := range []string{key.ID.String(), viewer.ID.String()} {
		if a := b.get("/find?q=" + id); a.status != http.StatusOK {
			t.Errorf("a viewer is led from %s to %q", id, a.header.Get("Location"))
		}
	}
}

// Find lists the newest deliveries of the lab instances that it finds, and of events to which several senders gave one id.
func TestFindDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	c, other := b.addConsumer("Contoso"), b.addConsumer("Fabrikam")
	hook := b.addWebhook(c.ID, "Scores")
	var newest engine.Delivery
	for range 12 {
		newest = b.addDelivery(&hook, lab(77001))
	}
	alone := b.addDelivery(&hook, lab(77002))
	page := b.get("/find?q=7700")
	hits := page.doc.Find("#found-Deliveries").Parent().Find(".hits a").Map(func(_ int, a *goquery.Selection) string { return a.Text() })
	if len(hits) != 10 || hits[0] != alone.ID.String() || hits[1] != newest.ID.String() {
		t.Errorf("deliveries %q", hits)
	}
	more := page.doc.Find("#found-Deliveries").Parent().Find("p a")
	if rows := b.get(more.AttrOr("href", "")).doc.Find("tbody tr").Length(); rows != 2 {
		t.Errorf("%q leads to %d lab instances", more.Text(), rows)
	}

	// A webhook of that name keeps Find from going straight to the lab instance.
	b.addWebhook(c.ID, "77001")
	page = b.get("/find?q=77001")
	more = page.doc.Find("#found-Deliveries").Parent().Find("p a")
	if rows := b.get(more.AttrOr("href", "")).doc.Find("tbody tr").Length(); rows != 12 {
		t.Errorf("%q leads to %d deliveries, want 12", more.Text(), rows)
	}

	for _, owner := range []engine.ConsumerID{c.ID, other.ID} {
		e := enginetestEvent()
		e.ConsumerID, e.SenderID, e.Scope = owner, "order-77", owner
		if _, err := b.engine.Accept(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	page = b.get("/find?q=order-77")
	if events, sent := page.doc.Find("#found-Events").Parent().Find(".hits li").Length(), page.doc.Find("#found-Deliveries").Parent().Find(".hits li").Length(); events != 2 || sent != 2 {
		t.Errorf("%d events and %d deliveries: %s", events, sent, page.text("main"))
	}
}

func TestControlCharactersAreNotEchoed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	consumer := b.addConsumer("Contoso LMS")
	b.addWebhook(consumer.ID, "Scores")
	accepted := b.addEvent(lab(998592321))
	for _, list := range []string{
		"/find?q=", "/admin/integration/api-consumers?q=", "/lab-instances?q=", "/deliveries?q=", "/deliveries?lab=", "/events?q=", "/events?lab=",
		"/admin/audit?who=", "/admin/audit?object=", views.EventReplayURL(accepted.ID) + "?q=",
	} {
		for _, text := range []string{"%00", "a%00b", "%1b[31mcontoso", "%7f", "a%c2%85b", "%ff"} {
			a := b.get(list + text)
			if a.status != http.StatusOK || strings.ContainsAny(a.body, "\x00\x1b\x7f\u0085") || !utf8.ValidString(a.body) {
				t.Errorf("%s%s: status %d, %q", list, text, a.status, a.body)
			}
			if a.doc.Find("td a[href^='/admin/integration/api-consumers/con'], td a[href^='/deliveries/dlv'], td a[href^='/events/evt'], .hits li").Length() > 0 {
				t.Errorf("%s%s matches something", list, text)
			}
		}
	}
}
