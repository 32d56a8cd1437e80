package db

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// TestRecoveryChooses what failed or was cancelled since a time, and nothing else.
func TestRecoveryChooses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newWebhook(t, b.consumer.ID, "Other")
	b.fill(t, b.webhook, engine.StateFailed, 3) // before the time
	e := newEvent()
	since := time.Now().Add(5 * time.Millisecond)
	engine.PassID(engine.IDAt(since)) // what is made from here on is of that time
	var deliveries []engine.Delivery
	for _, state := range engine.DeliveryStates {
		d := newDelivery(e, b.webhook, engine.StateSending, time.Time{})
		into(&d, state)
		switch state {
		case engine.StateHeld:
			d.Lane = 7
		case engine.StateSkipped:
			d.FinishedAt, d.Reason = start, "The lab was ended."
		}
		deliveries = append(deliveries, d)
	}
	test, elsewhere := newDelivery(e, b.webhook, engine.StateSending, time.Time{}), newDelivery(e, other, engine.StateSending, time.Time{})
	into(&test, engine.StateFailed)
	into(&elsewhere, engine.StateFailed)
	test.Test = true
	insertRows(t, b, e, append(deliveries, test, elsewhere))

	n, more, err := b.CountRecoverable(t.Context(), b.webhook.ID, since, time.Time{})
	if n != 2 || more || err != nil {
		t.Errorf("%d can be recovered, more: %t, %v", n, more, err)
	}
	if n, _, err := b.CountRecoverable(t.Context(), b.webhook.ID, time.Time{}, since); n != 3 || err != nil {
		t.Errorf("%d could be recovered before, %v", n, err)
	}
	now := time.Now().Truncate(time.Millisecond)
	r, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, since, now, false)
	must(t, err)
	if r.Sent != 2 || r.Running() || r.CreatedBy != dana.Name || !r.CreatedAt.Equal(now) {
		t.Errorf("the recovery is %+v", r)
	}
	for _, d := range append(deliveries, test, elsewhere) {
		got, err := b.Delivery(t.Context(), d.ID)
		must(t, err)
		recovered := (d.State == engine.StateFailed || d.State == engine.StateCancelled) && !d.Test && d.WebhookID == b.webhook.ID
		if recovered && (got.State != engine.StateQueued || got.Trigger != engine.TriggerManual || got.RoundStart != d.Attempts || !got.DueAt.Equal(now)) ||
			!recovered && got.State != d.State {
			t.Errorf("what was %s, test %t, is %+v", d.State, d.Test, got.Delivery)
		}
	}
	if entry := b.lastAudit(t); entry.Action != "webhook.recover" || entry.Who != dana || !strings.HasSuffix(entry.Detail, ": 2 deliveries") {
		t.Errorf("audit log: %+v", entry)
	}
}

// insertRows stores an event with deliveries in any state, past the rules of a new event.
func insertRows(t *testing.T, b *bench, e *engine.Event, deliveries []engine.Delivery) {
	t.Helper()
	_, err := insertAll(b, e, nil)
	must(t, err)
	must(t, b.writer.do(t.Context(), func(t *tx) error {
		for i := range deliveries {
			if err := insertDelivery(t, &deliveries[i]); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestRecoveryInPieces goes on after a restart, in the order of acceptance, and leaves alone what fails meanwhile.
func TestRecoveryInPieces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateFailed, recoverAtOnce-1)
	b.fill(t, b.webhook, engine.StateCancelled, recoverAtOnce+2)
	heard := &hearsay{}
	b.Watch(heard)
	r, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
	must(t, err)
	if r.Sent != recoverAtOnce || !r.Running() || heard.unfinished != 1 || heard.due != recoverAtOnce {
		t.Fatalf("after the first piece: %+v, told of the rest %d times, of %d that are due", r, heard.unfinished, heard.due)
	}
	_, err = b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
	wantConflict(t, "a second recovery", err)
	b.fill(t, b.webhook, engine.StateFailed, 1)

	dir := filepath.Dir(b.path)
	must(t, b.Close())
	b.Store = open(t, Options{Dir: dir})
	if n := b.goOn(t); n != 2 {
		t.Errorf("%d more pieces, want 2", n)
	}
	list, err := b.Recoveries(t.Context(), b.webhook.ID, 5)
	must(t, err)
	if len(list) != 1 || list[0].Sent != 2*recoverAtOnce+1 || list[0].Running() || list[0].Stopped != "" {
		t.Errorf("recoveries: %+v", list)
	}
	if n := b.countOf(t, b.webhook, engine.StateFailed); n != 1 {
		t.Errorf("%d are failed, want the one that came since", n)
	}
	if _, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
	if list, err = b.Recoveries(t.Context(), b.webhook.ID, 1); err != nil || len(list) != 1 || list[0].Sent != 1 {
		t.Errorf("the latest recovery: %+v, %v", list, err)
	}
}

// TestRecoveryStops when its webhook goes out of use: what was made due again is cancelled with the rest.
func TestRecoveryStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateFailed, 2*recoverAtOnce)
	_, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
	must(t, err)
	_, err = b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	b.goOn(t)
	list, err := b.Recoveries(t.Context(), b.webhook.ID, 1)
	must(t, err)
	if list[0].Running() || list[0].Stopped != "The webhook is disabled." || list[0].Sent != recoverAtOnce {
		t.Errorf("the recovery is %+v", list[0])
	}
	if n := b.countOf(t, b.webhook, engine.StateCancelled); n != recoverAtOnce {
		t.Errorf("%d are cancelled, want %d", n, recoverAtOnce)
	}
}

func TestRecoveryRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	try := func() error {
		_, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
		return err
	}
	b.consumer.Enabled = false
	_, err := b.UpdateConsumer(t.Context(), dana, b.consumer)
	must(t, err)
	wantConflict(t, "of a disabled consumer", try())
	b.consumer.Enabled = true
	_, err = b.UpdateConsumer(t.Context(), dana, b.consumer)
	must(t, err)
	must(t, try()) // of nothing at all
	must(t, b.DeleteWebhook(t.Context(), dana, b.webhook.ID))
	wantConflict(t, "of a deleted webhook", try())
	if _, err := b.StartRecovery(t.Context(), dana, 1, start, time.Now(), false); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("of no webhook: %v", err)
	}
}

func TestCountRecoverableIsCapped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateFailed, engine.MaxCounted/2)
	b.fill(t, b.webhook, engine.StateCancelled, engine.MaxCounted/2)
	if n, more, err := b.CountRecoverable(t.Context(), b.webhook.ID, start, time.Time{}); n != engine.MaxCounted || more || err != nil {
		t.Errorf("%d, more: %t, %v", n, more, err)
	}
	b.fill(t, b.webhook, engine.StateFailed, 1)
	if n, more, err := b.CountRecoverable(t.Context(), b.webhook.ID, start, time.Time{}); n != engine.MaxCounted || !more || err != nil {
		t.Errorf("%d, more: %t, %v", n, more, err)
	}
	_, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
	must(t, err)
	if entry := b.lastAudit(t); !strings.HasSuffix(entry.Detail, "more than 10000 deliveries") {
		t.Errorf("audit log: %+v", entry)
	}
}

// TestEnableAndRecover switches a webhook on with its recovery, or leaves it as it is when none can begin.
func TestEnableAndRecover(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateScheduled, 2*cancelAtOnce) // more than one transaction cancels
	_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	refused := func(what string) {
		t.Helper()
		before := b.lastAudit(t)
		_, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), true)
		wantConflict(t, what, err)
		if w := b.Directory().Webhook(b.webhook.ID); w.Enabled || w.DeactivateReason != engine.DeactivatedByHand || b.lastAudit(t) != before {
			t.Errorf("%s: the webhook was changed: %+v", what, w)
		}
	}
	refused("while the rest is being cancelled")
	b.goOn(t)
	b.consumer.Enabled = false
	_, err = b.UpdateConsumer(t.Context(), dana, b.consumer)
	must(t, err)
	refused("of a disabled consumer")
	b.consumer.Enabled = true
	_, err = b.UpdateConsumer(t.Context(), dana, b.consumer)
	must(t, err)
	r, err := b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), true)
	if w := b.Directory().Webhook(b.webhook.ID); err != nil || r.Sent == 0 || !w.Enabled || w.DeactivateReason != "" {
		t.Errorf("%v, %d sent, the webhook is %+v", err, r.Sent, w)
	}
	if _, err := b.StartRecovery(t.Context(), dana, 1, start, time.Now(), true); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("of no webhook: %v", err)
	}
}
