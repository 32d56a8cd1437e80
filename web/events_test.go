package web

import (
	"net/http"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

func TestEventsListTheirFanout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	b.record(b.addDelivery(&w, func(e *engine.Event) { e.SenderID = "order-7" }), engine.OutcomeDelivered, "")
	b.addEvent(ofType(engine.LabSaved))
	a := b.get(views.EventsURL())
	rows := a.doc.Find("#events-table tbody tr")
	if rows.Length() != 2 {
		t.Fatalf("%d rows", rows.Length())
	}
	for i, want := range []string{"no webhook listens", "1 delivered"} {
		if got := rows.Eq(i).Text(); !strings.Contains(got, want) {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	if a = b.get(views.EventsURL("event", engine.LabSaved)); len(listed(a)) != 1 {
		t.Errorf("%d events of one type", len(listed(a)))
	}
}

func TestEventSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	w := b.addWebhook(c.ID, "First")
	b.addWebhook(c.ID, "Second") // listens now, but had no delivery
	off := b.addWebhook(c.ID, "Off")
	if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, off.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID = c.ID })); err != nil {
		t.Fatal(err)
	}
	const data = `{"Id": 7,  "More": "<b>"}`
	d := b.addDelivery(&w, ofType(engine.LabFirstDisplayable), func(e *engine.Event) {
		e.Data, e.SenderID, e.Source, e.SourceIP = []byte(data), "order-7", "key lhk_ab12cd", "203.0.113.9"
	})
	b.record(d, engine.OutcomeDelivered, "")
	for _, path := range []string{views.EventURL(d.EventID), "/events/order-7"} {
		a := b.get(path)
		if a.status != http.StatusOK {
			t.Fatalf("%s: status %d", path, a.status)
		}
		for selector, want := range map[string]string{
			"h1":             "First Displayable order-7",
			"#fan-out-table": d.ID.String(),
			"#not-sent ul":   "Off: The webhook is disabled.Second: It did not listen, or was not in use, when the event was accepted.",
			"#not-sent > p":  "1 webhook does not listen to this event.",
			".facts":         "key lhk_ab12cd 203.0.113.9",
		} {
			if got := a.text(selector); !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q", selector, got, want)
			}
		}
		if got := a.doc.Find("pre").Text(); got != "{\n  \"Id\": 7,\n  \"More\": \"<b>\"\n}" {
			t.Errorf("data %q", got)
		}
	}
	if got := b.get(views.EventURL(d.EventID) + "?raw=1").doc.Find("pre").Text(); got != data {
		t.Errorf("raw data %q", got)
	}
	if a := b.get(views.EventDataURL(d.EventID)); a.body != data || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download %q", a.body)
	}
}

func TestEventWithoutWebhookOffersOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	e := b.addEvent(ofType(engine.LabSaved))
	a := b.get(views.EventURL(e.ID))
	if !strings.Contains(a.text("#fan-out"), "No enabled webhook listens to this event.") {
		t.Errorf("fan-out %q", a.text("#fan-out"))
	}
	if got := a.doc.Find("#fan-out a.button").AttrOr("href", ""); got != views.NewWebhookURL(c.ID, "event", engine.LabSaved) {
		t.Errorf("leads to %q", got)
	}
	b.addConsumer("Fabrikam")
	if got := b.get(views.EventURL(e.ID)).doc.Find("#fan-out a.button").AttrOr("href", ""); got != views.ConsumersURL() {
		t.Errorf("with two consumers it leads to %q", got)
	}
}

func TestEventIsLiveWhileItIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	d := b.addDelivery(&w)
	section := b.get(views.EventURL(d.EventID)).doc.Find("#fan-out")
	if section.AttrOr("hx-get", "") == "" {
		t.Fatal("an event on its way is not live")
	}
	b.record(d, engine.OutcomeDelivered, "")
	a := b.get(section.AttrOr("hx-get", ""), "HX-Request", "true", "HX-Target", "section#fan-out", "If-None-Match", `"`+section.AttrOr("data-etag", "")+`"`)
	if _, live := a.doc.Find("#fan-out").Attr("hx-get"); a.status != http.StatusOK || live || a.doc.Find("nav").Length() > 0 {
		t.Errorf("status %d, live %v", a.status, live)
	}
}
