package db

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"labhook/engine"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestInsertEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent()
	e.SenderID, e.IdempotencyKey, e.ConsumerID, e.TraceParent = "evt-1", "key-1", b.consumer.ID, "00-1-2-01"
	d := newDelivery(e, b.webhook, engine.StateScheduled, start.Add(time.Minute))
	known, err := insertAll(b, e, []engine.Delivery{d})
	must(t, err)
	if known != nil {
		t.Fatalf("a new event was known as %s", known.ID)
	}
	for _, name := range []string{e.ID.String(), "evt-1"} {
		got, err := b.EventNamed(t.Context(), name, 0)
		must(t, err)
		if diff := cmp.Diff(*e, got, cmpopts.IgnoreUnexported(engine.Event{})); diff != "" {
			t.Errorf("event %s is not what was stored (-want +got):\n%s", name, diff)
		}
	}
	got, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	want := engine.DeliveryRow{
		Delivery: d, EventType: e.Type, EventName: "evt-1", Subject: e.Subject, WebhookName: "Gradebook",
		ConsumerName: "Lab platform", AttemptsInAll: b.webhook.AttemptsInAll(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the delivery is not what was stored (-want +got):\n%s", diff)
	}
}

func TestInsertEventAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := newEvent()
	first.SenderID, first.IdempotencyKey = "evt-1", "key-1"
	_, err := insertAll(b, first, nil)
	must(t, err)
	other := newEvent()
	other.SenderID, other.IdempotencyKey = "evt-2", "key-2"
	_, err = insertAll(b, other, nil)
	must(t, err)
	tests := []struct {
		senderID, key string
		want          *engine.Event
	}{
		{"evt-1", "key-1", first},
		{"evt-1", "", first},
		{"", "key-1", first},
		{"evt-1", "key-2", first}, // the event's own id counts more
		{"evt-3", "key-2", other},
	}
	for _, tt := range tests {
		again := newEvent()
		again.SenderID, again.IdempotencyKey, again.Data = tt.senderID, tt.key, []byte(`{"other": true}`)
		known, err := insertAll(b, again, []engine.Delivery{newDelivery(again, b.webhook, engine.StateQueued, start)})
		must(t, err)
		if diff := cmp.Diff(tt.want, known, cmpopts.IgnoreUnexported(engine.Event{})); diff != "" {
			t.Errorf("posted again as %q, %q (-want +got):\n%s", tt.senderID, tt.key, diff)
		}
	}
	if n, _, err := b.CountDeliveries(t.Context(), engine.DeliveryFilter{}, 10); n != 0 || err != nil {
		t.Errorf("%d deliveries were stored for events that were known (%v)", n, err)
	}
	same := *first
	same.SenderID, same.IdempotencyKey = "", ""
	if _, err := insertAll(b, &same, nil); err == nil {
		t.Error("an id that is in use was taken")
	}
}

func TestInsertEventIsAllOrNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent()
	good := newDelivery(e, b.webhook, engine.StateQueued, start)
	bad := newDelivery(e, b.webhook, engine.StateQueued, time.Time{}) // no due time: the table refuses it
	if _, err := insertAll(b, e, []engine.Delivery{good, bad}); err == nil {
		t.Fatal("an illegal delivery was stored")
	}
	if _, err := b.Event(t.Context(), e.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("the event of a refused delivery is there: %v", err)
	}
}

func TestClaimDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.newWebhook(t, b.consumer.ID, "Second")
	idle := b.newWebhook(t, b.consumer.ID, "Idle")
	late := b.accept(t, b.webhook, engine.StateScheduled, start.Add(3*time.Second))
	third := b.accept(t, b.webhook, engine.StateQueued, start.Add(2*time.Second))
	first := b.accept(t, b.webhook, engine.StateScheduled, start.Add(1*time.Second))
	tie := b.accept(t, b.webhook, engine.StateQueued, start.Add(1*time.Second))
	own := b.accept(t, second, engine.StateQueued, start)
	b.accept(t, b.webhook, engine.StateSending, time.Time{})

	wants := []engine.Want{{WebhookID: b.webhook.ID, Limit: 2}, {WebhookID: idle.ID, Limit: 5}, {WebhookID: second.ID, Limit: 5}}
	claims, err := b.ClaimDue(t.Context(), start.Add(2*time.Second), wants)
	must(t, err)
	check := func(c engine.Claim, next time.Time, want ...engine.Delivery) {
		t.Helper()
		var got, ids []engine.DeliveryID
		for _, s := range c.Taken {
			got = append(got, s.Delivery.ID)
			if s.Delivery.State != engine.StateSending || !s.Delivery.DueAt.IsZero() || s.Event.ID != s.Delivery.EventID || len(s.Event.Data) == 0 {
				t.Errorf("taken: %+v with event %+v", s.Delivery, s.Event)
			}
			if state := b.state(t, s.Delivery.ID); state != engine.StateSending {
				t.Errorf("a taken delivery is stored as %s", state)
			}
		}
		for _, d := range want {
			ids = append(ids, d.ID)
		}
		if !slices.Equal(got, ids) || !c.NextDue.Equal(next) {
			t.Errorf("taken %v, next due %s; want %v, %s", got, c.NextDue, ids, next)
		}
	}
	if len(claims) != 3 || claims[0].WebhookID != b.webhook.ID || claims[1].WebhookID != idle.ID || claims[2].WebhookID != second.ID {
		t.Fatalf("claims do not answer the wants: %+v", claims)
	}
	check(claims[0], start.Add(2*time.Second), first, tie)
	check(claims[1], time.Time{})
	check(claims[2], time.Time{}, own)

	claims, err = b.ClaimDue(t.Context(), start.Add(2*time.Second), wants[:1])
	must(t, err)
	check(claims[0], late.DueAt, third)
}

func TestClaimSharesTheEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.newWebhook(t, b.consumer.ID, "Second")
	e := newEvent()
	_, err := insertAll(b, e, []engine.Delivery{
		newDelivery(e, b.webhook, engine.StateQueued, start), newDelivery(e, second, engine.StateQueued, start),
	})
	must(t, err)
	claims, err := b.ClaimDue(t.Context(), start, []engine.Want{{WebhookID: b.webhook.ID, Limit: 1}, {WebhookID: second.ID, Limit: 1}})
	must(t, err)
	if claims[0].Taken[0].Event != claims[1].Taken[0].Event {
		t.Error("two deliveries of one event hold a copy each")
	}
}

func TestRecordAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})

	failed := attempt(d, b.webhook, 1, 503)
	failed.EventBody, failed.Attempt.Request.Body = false, []byte("own body")
	after := b.record(t, failed)
	if after.State != engine.StateRetrying || after.Attempts != 1 || after.LastStatus != 503 || after.LastClass != engine.ClassStatus || !after.DueAt.After(start) {
		t.Fatalf("after a 503 the delivery is %+v", after)
	}
	if _, err := b.ClaimDue(t.Context(), after.DueAt, []engine.Want{{WebhookID: b.webhook.ID, Limit: 1}}); err != nil {
		t.Fatal(err)
	}
	refused := attempt(d, b.webhook, 2, 0)
	refused.Claim, refused.Attempt.Outcome.Error = 1, "connection refused"
	b.record(t, refused)
	if _, err := b.ClaimDue(t.Context(), start.Add(time.Hour), []engine.Want{{WebhookID: b.webhook.ID, Limit: 1}}); err != nil {
		t.Fatal(err)
	}
	delivered := attempt(d, b.webhook, 3, 204)
	delivered.Claim = 2
	after = b.record(t, delivered)
	stored, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	if diff := cmp.Diff(stored.Delivery, after); diff != "" {
		t.Errorf("what was called back is not what is stored (-stored +called back):\n%s", diff)
	}
	if after.State != engine.StateDelivered || after.Attempts != 3 || !after.FinishedAt.Equal(start) || after.LastStatus != 204 || after.LastClass != "" {
		t.Errorf("after a 204 the delivery is %+v", after)
	}

	attempts, err := b.Attempts(t.Context(), d.ID)
	must(t, err)
	want := []engine.Attempt{failed.Attempt, refused.Attempt, delivered.Attempt}
	for i := range want {
		want[i].ID = attempts[i].ID // made by the store
		if i > 0 {
			want[i].Request.Body = []byte(newEvent().Data)
		}
	}
	if diff := cmp.Diff(want, attempts); diff != "" {
		t.Errorf("the attempts are not what was recorded (-want +got):\n%s", diff)
	}
	health, err := b.WebhookHealth(t.Context(), b.consumer.ID, time.Now())
	must(t, err)
	got := health[b.webhook.ID]
	if counts := (engine.Counts{Delivered: 1, Attempts: 3}); got.Counts != counts || got.LastStatus != 204 || got.LastClass != "" || got.LastAt.IsZero() {
		t.Errorf("counters are %+v, want %+v and the last status 204", got, counts)
	}
}

func TestRecordAttemptOfCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	_, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Wrong lab."})
	must(t, err)
	after := b.record(t, attempt(d, b.webhook, 1, 200))
	if after.State != engine.StateCancelled || after.Attempts != 1 || after.Reason != "Wrong lab." || after.LastStatus != 200 {
		t.Errorf("after the attempt the delivery is %+v, want it cancelled with one attempt", after)
	}
	// Sent again while another attempt of the first time still runs: both are numbered, neither is lost.
	_, err = b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepResend, Now: start})
	must(t, err)
	b.record(t, attempt(d, b.webhook, 1, 500))
	if state := b.state(t, d.ID); state != engine.StateQueued {
		t.Errorf("a late attempt moved the delivery to %s, want it queued", state)
	}
	attempts, err := b.Attempts(t.Context(), d.ID)
	must(t, err)
	if len(attempts) != 2 || attempts[0].Number != 1 || attempts[1].Number != 2 {
		t.Errorf("attempts are %+v, want numbers 1 and 2", attempts)
	}
	if _, err := b.tryRecord(attempt(engine.Delivery{ID: 1}, b.webhook, 1, 200)); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an attempt of nothing: %v, want ErrNotFound", err)
	}
}

// TestRecordTaken checks that an attempt is recorded in the same way whether the store is told how the delivery was taken
// or reads it, also where the delivery has changed since.
func TestRecordTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	meanwhile := map[string]func(*testing.T, engine.Delivery){
		"as it was taken": func(*testing.T, engine.Delivery) {},
		"cancelled": func(t *testing.T, d engine.Delivery) {
			_, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Wrong lab."})
			must(t, err)
		},
		"put back and taken again": func(t *testing.T, d engine.Delivery) {
			must(t, b.PutBack(t.Context(), start, []*engine.Sending{{Delivery: d}}))
			_, err := b.ClaimDelivery(t.Context(), start, d.ID)
			must(t, err)
		},
		"delivered by an attempt that overtook it": func(t *testing.T, d engine.Delivery) { b.record(t, attempt(d, b.webhook, 1, 204)) },
	}
	for name, change := range meanwhile {
		for _, status := range []int{200, 500} {
			var rows []engine.Delivery
			for _, told := range []bool{false, true} {
				d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
				change(t, d)
				r := attempt(d, b.webhook, 1, status)
				if told {
					r.Taken = &d
				}
				after := b.record(t, r)
				stored, err := b.Delivery(t.Context(), d.ID)
				must(t, err)
				if diff := cmp.Diff(stored.Delivery, after); diff != "" {
					t.Errorf("%s, %d: what was called back is not what is stored (-stored +called back):\n%s", name, status, diff)
				}
				after.ID, after.EventID, after.DueAt = 0, 0, time.Time{}
				rows = append(rows, after)
			}
			if diff := cmp.Diff(rows[0], rows[1]); diff != "" {
				t.Errorf("%s, %d (-read +told):\n%s", name, status, diff)
			}
		}
	}
}

func TestRecordManyAttempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.newWebhook(t, b.consumer.ID, "Second")
	resume := pause(t, b.writer)
	const each = 50
	errs := make(chan error, 2*each)
	go resume()
	for i := range each {
		for _, w := range []engine.Webhook{b.webhook, second} {
			d := b.accept(t, w, engine.StateSending, time.Time{})
			status := 200
			if i%5 == 0 {
				status = 0
			}
			r := attempt(d, w, w.AttemptsInAll(), status)
			b.RecordAttempt(r, func(_ engine.Delivery, err error) { errs <- err })
		}
	}
	for range 2 * each {
		must(t, <-errs)
	}
	h, err := b.Health(t.Context(), time.Now())
	must(t, err)
	if want := (engine.Counts{Delivered: 80, Failed: 20, Attempts: 100}); h.Last24h.Counts != want {
		t.Errorf("counted %+v, want %+v", h.Last24h, want)
	}
	if tomorrow, err := b.Health(t.Context(), time.Now().Add(25*time.Hour)); err != nil || tomorrow.Last24h.Counts != (engine.Counts{}) {
		t.Errorf("a day later the last 24 hours still hold %+v (%v)", tomorrow.Last24h, err)
	}
}

func TestChangeDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateScheduled, start.Add(time.Hour))
	after, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepHasten, Now: start})
	must(t, err)
	if after.State != engine.StateQueued || after.Trigger != engine.TriggerManual || !after.DueAt.Equal(start) {
		t.Errorf("hastened: %+v", after)
	}
	_, err = b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepResend, Now: start})
	if !errors.Is(err, engine.ErrConflict) {
		t.Errorf("resending what is queued: %v, want ErrConflict", err)
	}
	_, err = b.ChangeDelivery(t.Context(), dana, 1, engine.Change{Step: engine.StepResend, Now: start})
	if !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("resending nothing: %v, want ErrNotFound", err)
	}
	_, err = b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Wrong lab."})
	must(t, err)
	audit, err := b.ListAudit(t.Context(), 2)
	must(t, err)
	if audit[0].Action != "delivery.cancel" || audit[0].Detail != "Wrong lab." || audit[0].Who != dana || audit[0].Object != d.ID.String() || audit[1].Action != "delivery.hasten" {
		t.Errorf("audit log: %+v", audit)
	}
}

func TestPutBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.newWebhook(t, b.consumer.ID, "Second")
	mine := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	cancelled := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	_, err := b.ChangeDelivery(t.Context(), dana, cancelled.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Wrong lab."})
	must(t, err)
	again := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	due, stale := start.Add(-time.Hour), again
	stale.Claim-- // it was cancelled, resent and taken anew
	must(t, b.PutBack(t.Context(), start, []*engine.Sending{{Delivery: mine, DueAt: due}, {Delivery: cancelled}, {Delivery: stale}}))
	got, err := b.Delivery(t.Context(), mine.ID)
	must(t, err)
	if got.State != engine.StateQueued || got.Attempts != 0 || !got.DueAt.Equal(due) {
		t.Errorf("put back: %+v", got.Delivery)
	}
	if state := b.state(t, again.ID); state != engine.StateSending {
		t.Errorf("a delivery that was taken again became %s", state)
	}
	must(t, b.PutBack(t.Context(), start, []*engine.Sending{{Delivery: again}}))
	claims, err := b.ClaimDue(t.Context(), start, []engine.Want{{WebhookID: b.webhook.ID, Limit: 5}})
	must(t, err)
	if taken := claims[0].Taken; len(taken) != 2 || taken[0].Delivery.ID != mine.ID || !taken[0].DueAt.Equal(due) || !taken[1].DueAt.Equal(start) {
		t.Errorf("taken again: %+v", taken)
	}
	if state := b.state(t, cancelled.ID); state != engine.StateCancelled {
		t.Errorf("a cancelled delivery became %s", state)
	}

	kept := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	lost := b.accept(t, second, engine.StateSending, time.Time{})
	webhooks, err := b.PutBackAbandoned(t.Context(), start.Add(time.Hour), func(id engine.DeliveryID) bool { return id != lost.ID })
	must(t, err)
	if got, err = b.Delivery(t.Context(), lost.ID); err != nil || !got.DueAt.Equal(lost.CreatedAt) {
		t.Errorf("abandoned: %+v, %v", got.Delivery, err)
	}
	if !slices.Equal(webhooks, []engine.WebhookID{second.ID}) {
		t.Errorf("webhooks concerned: %v, want %s", webhooks, second.ID)
	}
	if b.state(t, kept.ID) != engine.StateSending || b.state(t, lost.ID) != engine.StateQueued {
		t.Errorf("kept is %s, lost is %s", b.state(t, kept.ID), b.state(t, lost.ID))
	}
}

// TestCrash opens the files of a store that was not closed, as after a crash: SQLite's own files are all there is.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crashed := &bench{Store: open(t, Options{Dir: dir, Synchronous: "FULL"})}
	crashed.consumer = crashed.newConsumer(t, "Lab platform")
	crashed.webhook = crashed.newWebhook(t, crashed.consumer.ID, "Gradebook")
	var sending []engine.Delivery
	for range 10 {
		sending = append(sending, crashed.accept(t, crashed.webhook, engine.StateSending, time.Time{}))
	}
	b := &bench{Store: open(t, Options{Dir: dir})}
	webhooks, err := b.PutBackAbandoned(t.Context(), start, func(engine.DeliveryID) bool { return false })
	must(t, err)
	if len(webhooks) != 1 {
		t.Errorf("webhooks concerned: %v, want one", webhooks)
	}
	claims, err := b.ClaimDue(t.Context(), start, []engine.Want{{WebhookID: webhooks[0], Limit: 100}})
	must(t, err)
	if len(claims[0].Taken) != len(sending) {
		t.Errorf("%d deliveries can be sent again, want %d", len(claims[0].Taken), len(sending))
	}
}

func TestCancelUnusable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	must(t, b.CancelUnusable(t.Context(), start, []engine.DeliveryID{d.ID}, "The webhook is disabled."))
	got, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	if got.State != engine.StateCancelled || got.Reason != "The webhook is disabled." {
		t.Errorf("the delivery is %+v", got.Delivery)
	}
	must(t, b.CancelUnusable(t.Context(), start, []engine.DeliveryID{d.ID}, "again"))
	if again, err := b.Delivery(t.Context(), d.ID); err != nil || again.Reason != got.Reason {
		t.Errorf("cancelled again: %+v, %v", again.Delivery, err)
	}
}

func TestNextDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := map[engine.WebhookID]time.Time{}
	if got, err := b.NextDue(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("next due of nothing: %v, %v", got, err)
	}
	for i := range 5 {
		w := b.newWebhook(t, b.consumer.ID, fmt.Sprintf("Webhook %d", i))
		for n := 3; n > 0; n-- {
			b.accept(t, w, engine.StateQueued, start.Add(time.Duration(10*i+n)*time.Second))
		}
		want[w.ID] = start.Add(time.Duration(10*i+1) * time.Second)
	}
	got, err := b.NextDue(t.Context())
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("next due (-want +got):\n%s", diff)
	}
	h, err := b.Health(t.Context(), time.Now())
	must(t, err)
	if h.Waiting != 15 || h.WaitingMore || !h.OldestDue.Equal(start.Add(time.Second)) {
		t.Errorf("health is %+v, want 15 waiting since the first due time", h)
	}
}
