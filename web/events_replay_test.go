package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// An event goes to webhooks that did not get it, and once more to those that did, under the id that they know.
func TestReplay(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	receiver := enginetest.NewReceiver(t, "200")
	c := b.addConsumer("Contoso")
	at := func(w *engine.Webhook) { w.URL = receiver.URL }
	got := b.addWebhook(c.ID, "Got it", at)
	accepted, err := b.engine.Accept(t.Context(), enginetestEvent())
	if err != nil {
		t.Fatal(err)
	}
	b.settled(accepted.Deliveries[0].ID)
	late := b.addWebhook(c.ID, "Came late", at, func(w *engine.Webhook) { w.Blocking, w.Delay = true, engine.MaxDelay })
	deaf := b.addWebhook(c.ID, "Listens to others", at, func(w *engine.Webhook) { w.Events = []string{engine.LabSaved} })
	off := b.addWebhook(c.ID, "Is off", at, func(w *engine.Webhook) { w.Enabled = false })

	event := views.EventURL(accepted.Event.ID)
	link := b.get(event).doc.Find("main a.button").FilterFunction(func(_ int, a *goquery.Selection) bool { return a.Text() == "Replay to…" })
	page := b.get(link.AttrOr("href", ""))
	names := page.doc.Find("#replay tbody th a").Map(func(_ int, a *goquery.Selection) string { return a.Text() })
	if want := []string{"Came late", "Got it", "Listens to others", "Is off"}; !slices.Equal(names, want) {
		t.Errorf("webhooks %q, want %q", names, want)
	}
	if page.doc.Find("#to-"+off.ID.String()+"[disabled]").Length() != 1 || !strings.Contains(page.text("#replay"), "The webhook is disabled.") {
		t.Error("a webhook that is off can be chosen")
	}
	if found := b.get(views.EventReplayURL(accepted.Event.ID, "q", "LATE")); found.doc.Find("#replay tbody tr").Length() != 1 {
		t.Errorf("search: %s", found.text("#replay"))
	}
	nothing := b.post(views.EventReplayURL(accepted.Event.ID), nil)
	if msg := b.get(nothing.header.Get("Location")).text(".flash"); msg != "Choose webhooks first." {
		t.Errorf("nothing chosen: %q", msg)
	}
	done := b.post(views.EventReplayURL(accepted.Event.ID), url.Values{"webhook": {got.ID.String(), late.ID.String(), deaf.ID.String(), off.ID.String()}})
	if msg := b.get(done.header.Get("Location")).text(".flash"); msg != "The event is sent to 3 webhooks. Is off: The webhook is disabled." {
		t.Errorf("flash %q", msg)
	}
	receiver.Wait(t, 4)
	rows, err := b.store.ListDeliveries(t.Context(), engine.DeliveryFilter{EventID: accepted.Event.ID})
	if err != nil || len(rows.Rows) != 3 {
		t.Fatalf("%d deliveries, %v", len(rows.Rows), err)
	}
	for _, row := range rows.Rows {
		b.settled(row.ID)
		again, err := b.store.Delivery(t.Context(), row.ID)
		want := 1
		if row.WebhookID == got.ID {
			want = 2
		}
		if err != nil || again.State != engine.StateDelivered || again.Attempts != want || again.Trigger != engine.TriggerManual || again.Blocking || again.Lane != 0 {
			t.Errorf("%s: %+v, %v", row.WebhookName, again.Delivery, err)
		}
	}
	log, err := b.store.ListAudit(t.Context(), 3)
	if err != nil || log[0].Action != "event.replay" || log[0].Object != accepted.Event.ID.String() || log[0].Who.Name != "Person developer" {
		t.Errorf("audit log %+v, %v", log, err)
	}
}

// What must not be sent is refused, whatever is posted: events of another consumer, tests, and what is under way.
func TestReplayRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c, other := b.addConsumer("Contoso"), b.addConsumer("Fabrikam")
	w := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) { w.Delay = engine.MaxDelay })
	foreign := b.addWebhook(other.ID, "Foreign")
	e := enginetestEvent()
	e.ConsumerID = c.ID
	accepted, err := b.engine.Accept(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if page := b.get(views.EventReplayURL(e.ID)); strings.Contains(page.body, "Foreign") || !strings.Contains(page.text("#replay"), "It is under way to it.") {
		t.Errorf("the page shows %s", page.text("#replay"))
	}
	for id, want := range map[engine.WebhookID]string{
		w.ID: "The delivery has not ended yet", foreign.ID: "The event is for another API consumer.", 1: "The webhook was deleted.",
	} {
		done := b.post(views.EventReplayURL(e.ID), url.Values{"webhook": {id.String()}})
		if msg := b.get(done.header.Get("Location")).text(".flash"); !strings.HasPrefix(msg, "Nothing was sent. ") || !strings.Contains(msg, want) {
			t.Errorf("%s: %q", want, msg)
		}
	}
	if rows, err := b.store.ListDeliveries(t.Context(), engine.DeliveryFilter{}); err != nil || len(rows.Rows) != len(accepted.Deliveries) {
		t.Errorf("%d deliveries, %v", len(rows.Rows), err)
	}
	if got := b.post(views.EventReplayURL(e.ID), url.Values{"webhook": {"nonsense"}}).status; got != http.StatusBadRequest {
		t.Errorf("no id: status %d", got)
	}
	if got := b.get("/events/evt_0000000000001/replay").status; got != http.StatusNotFound {
		t.Errorf("no event: status %d", got)
	}
	b.signIn(engine.RoleViewer)
	if got := b.post(views.EventReplayURL(e.ID), url.Values{"webhook": {w.ID.String()}}).status; got != http.StatusForbidden {
		t.Errorf("a viewer: status %d", got)
	}
}

// An event whose consumer was deleted can go nowhere any more: its page says so and offers nothing.
func TestNoReplayForADeletedConsumer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	e := b.addEvent(func(e *engine.Event) { e.ConsumerID = c.ID })
	if !strings.Contains(b.get(views.EventURL(e.ID)).text("main"), "Replay to…") {
		t.Error("an event whose consumer is there cannot be replayed")
	}
	if err := b.store.DeleteConsumer(t.Context(), engine.System, c.ID); err != nil {
		t.Fatal(err)
	}
	const why = "It cannot be replayed: its API consumer was deleted, with its webhooks."
	if page := b.get(views.EventURL(e.ID)).text("main"); strings.Contains(page, "Replay to…") || !strings.Contains(page, why) {
		t.Errorf("the page says %s", page)
	}
	a := b.get(views.EventReplayURL(e.ID))
	if msg := b.get(a.header.Get("Location")).text(".flash"); msg != why {
		t.Errorf("Replay: status %d, %q", a.status, msg)
	}
}
