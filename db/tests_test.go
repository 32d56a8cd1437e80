package db

import (
	"errors"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// insertTest stores a test whose attempt is being made.
func (b *bench) insertTest(t *testing.T, w engine.Webhook) (*engine.Event, engine.Delivery) {
	t.Helper()
	e := newEvent()
	e.Test, e.ConsumerID = true, w.ConsumerID
	d := engine.Delivery{
		ID: engine.NewID[engine.DeliveryID](), EventID: e.ID, ConsumerID: w.ConsumerID, WebhookID: w.ID, State: engine.StateSending,
		Test: true, Trigger: engine.TriggerTest, Claim: 1, CreatedAt: start,
	}
	must(t, b.InsertTest(t.Context(), dana, e, d))
	return e, d
}

func TestInsertTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	blocking := b.webhook
	blocking.Blocking = true
	blocking, err := b.UpdateWebhook(t.Context(), dana, blocking)
	must(t, err)
	gate := b.accept(t, blocking, engine.StateQueued, start)
	e, d := b.insertTest(t, blocking)
	stored, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	if stored.State != engine.StateSending || !stored.Test || stored.Lane != 0 || stored.Claim != 1 || stored.AttemptsInAll != 1 || stored.Trigger != engine.TriggerTest {
		t.Errorf("behind a closed gate the test is %+v, want it as it was given", stored)
	}
	event, err := b.Event(t.Context(), e.ID)
	must(t, err)
	if !event.Test {
		t.Errorf("event %+v, want that of a test", event)
	}
	audit, err := b.ListAudit(t.Context(), 1)
	must(t, err)
	if a := audit[0]; a.Who != dana || a.Action != "webhook.test" || a.Object != blocking.ID.String() || a.Detail != e.Type+" as "+d.ID.String() {
		t.Errorf("audit %+v", a)
	}
	if g, err := b.Gate(t.Context(), gate.ID); err != nil || !g.Closed() {
		t.Errorf("the gate is %+v, %v, want it closed", g, err)
	}

	must(t, b.DeleteWebhook(t.Context(), dana, blocking.ID))
	late := d
	late.ID, late.EventID = engine.NewID[engine.DeliveryID](), engine.NewID[engine.EventID]()
	other := *e
	other.ID = late.EventID
	if err := b.InsertTest(t.Context(), dana, &other, late); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("test of a deleted webhook: %v, want ErrNotFound", err)
	}
	if _, err := b.Event(t.Context(), other.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("its event: %v, want none", err)
	}
}

// TestFailedTestActsOnNothing records a failure that would end the lab of a real event.
func TestFailedTestActsOnNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook
	w.Events, w.ErrorAction, w.Blocking = []string{engine.LabPreBuild}, engine.ErrorActionEndLab, true
	w, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	b.accept(t, w, engine.StateQueued, start)
	held := b.accept(t, w, engine.StateQueued, start)
	listener := b.newWebhook(t, b.consumer.ID, "Listener")
	listener.Events = []string{engine.SystemDeliveryFailed, engine.SystemLabEndRequested}
	_, err = b.UpdateWebhook(t.Context(), dana, listener)
	must(t, err)

	_, d := b.insertTest(t, w)
	r := attempt(d, w, 1, 503)
	r.Attempt.Outcome.Kind, r.Attempt.Outcome.RetryAt = engine.OutcomeGiveUp, time.Time{}
	r.Change = r.Attempt.Outcome.Change(start, 503)
	after := b.record(t, r)
	if after.State != engine.StateFailed || after.ErrorAction != "" || after.Notification != "" {
		t.Errorf("the failed test is %+v, want no error action", after)
	}
	if state := b.state(t, held.ID); state != engine.StateHeld {
		t.Errorf("what waits in the lane is %s, want held", state)
	}
	page, err := b.ListDeliveries(t.Context(), engine.DeliveryFilter{WebhookID: listener.ID})
	must(t, err)
	if len(page.Rows) != 0 {
		t.Errorf("system events were raised: %+v", page.Rows)
	}
	health, err := b.WebhookHealth(t.Context(), b.consumer.ID, time.Now())
	must(t, err)
	streak, err := b.Streak(t.Context(), w.ID)
	must(t, err)
	if len(health) != 0 || streak.Attempts != 0 {
		t.Errorf("health %+v, streak %+v, want none", health, streak)
	}
}

// TestAbandonedTestIsCancelled finds a running test that this process holds, and one that it does not.
func TestAbandonedTestIsCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, kept := b.insertTest(t, b.webhook)
	_, lost := b.insertTest(t, b.webhook)
	other := b.newWebhook(t, b.consumer.ID, "Other")
	sending := b.accept(t, other, engine.StateSending, time.Time{})
	webhooks, err := b.PutBackAbandoned(t.Context(), start, func(id engine.DeliveryID) bool { return id == kept.ID })
	must(t, err)
	if len(webhooks) != 1 || webhooks[0] != other.ID {
		t.Errorf("put back for %v, want only the webhook of the real delivery", webhooks)
	}
	for id, want := range map[engine.DeliveryID]engine.DeliveryState{
		kept.ID: engine.StateSending, lost.ID: engine.StateCancelled, sending.ID: engine.StateQueued,
	} {
		if got := b.state(t, id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	row, err := b.Delivery(t.Context(), lost.ID)
	must(t, err)
	if !strings.Contains(row.Reason, "stopped during the test") || !row.FinishedAt.Equal(start) {
		t.Errorf("the lost test ended at %s because %q", row.FinishedAt, row.Reason)
	}
}

// TestTestsAreNoLabEvents stores a test of a lab that had no event, and one of a lab that had.
func TestTestsAreNoLabEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, _ := b.insertTest(t, b.webhook)
	for _, f := range []engine.LabFilter{{}, {Text: e.Subject}, {ConsumerID: b.consumer.ID}, {ConsumerID: b.consumer.ID, Text: e.Subject}} {
		rows, err := b.ListLabInstances(t.Context(), f)
		must(t, err)
		if len(rows) != 0 {
			t.Errorf("%+v finds %+v, want nothing", f, rows)
		}
	}
	if _, err := b.LabInstance(t.Context(), e.Subject); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("the lab of the test alone: %v, want none", err)
	}
	d := b.accept(t, b.webhook, engine.StateQueued, start)
	b.insertTest(t, b.webhook)
	lab, err := b.LabInstance(t.Context(), e.Subject)
	must(t, err)
	if len(lab.Events) != 1 || lab.Events[0].Event.ID != d.EventID {
		t.Errorf("the lab has the events %+v, want the real one", lab.Events)
	}

	for _, f := range []engine.EventFilter{{Type: e.Type, Test: new(false)}, {Type: e.Type, Test: new(false), ConsumerID: b.consumer.ID}, {Test: new(false)}} {
		page, err := b.ListEvents(t.Context(), f)
		must(t, err)
		if len(page.Rows) != 1 || page.Rows[0].Test {
			t.Errorf("%+v finds %+v, want the real event", f, page.Rows)
		}
	}
	page, err := b.ListEvents(t.Context(), engine.EventFilter{Type: e.Type})
	must(t, err)
	if len(page.Rows) != 3 {
		t.Errorf("%d events in all, want 3", len(page.Rows))
	}
}
