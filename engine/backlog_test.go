package engine_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestBacklogAfterEnabling switches a webhook off and on while a long backlog waits for it: new events are sent, and what
// was cancelled is sent again by a recovery.
func TestBacklogAfterEnabling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		start := time.Now()
		var slow atomic.Bool
		slow.Store(true)
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			if slow.Load() {
				time.Sleep(10 * time.Second)
			}
			return http.StatusOK, nil
		}
		w := b.webhook(nil)
		var ids []engine.DeliveryID
		for range 1000 {
			ids = append(ids, b.post("").Deliveries[0].ID)
		}
		settle(15 * time.Second)
		for _, enabled := range []bool{false, true} {
			if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, enabled); err != nil {
				t.Fatal(err)
			}
			settle(15 * time.Second)
		}
		slow.Store(false)
		next := b.post("").Deliveries[0].ID
		settle(time.Second)
		if d := b.delivery(next); d.State != engine.StateDelivered {
			t.Errorf("a delivery accepted afterwards is %s", d.State)
		}
		if _, err := b.engine.Recover(t.Context(), engine.System, w.ID, start); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		for _, id := range ids {
			if d := b.delivery(id); d.State != engine.StateDelivered {
				t.Fatalf("%s is %s in the end", id, d.State)
			}
		}
	})
}

// TestSlowAnswerInABacklog: a receiver that answers keeps being sent to after one slow answer, though dead ones fill the
// room that it then shares with them.
func TestSlowAnswerInABacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Ready: 64, ReadyPerWebhook: 16})
		var answers atomic.Int32
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("Labhook-Event") == engine.LabSaved {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			if answers.Add(1) == 40 {
				time.Sleep(3 * time.Second)
			}
			time.Sleep(50 * time.Millisecond)
			return http.StatusOK, nil
		}
		b.webhook(nil)
		for range 20 {
			b.webhook(func(w *engine.Webhook) {
				w.Events, w.Timeout, w.Retries = []string{engine.LabSaved}, engine.MaxTimeout, 0
			})
		}
		b.post("")
		settle(time.Second)
		for lab := range 20 {
			b.postLab(engine.LabSaved, int64(lab+1))
		}
		var ids []engine.DeliveryID
		for range 500 {
			ids = append(ids, b.post("").Deliveries[0].ID)
		}
		settle(time.Minute)
		for _, id := range ids {
			if d := b.delivery(id); d.State != engine.StateDelivered {
				t.Fatalf("%s is %s after a minute", id, d.State)
			}
		}
	})
}

// TestCancelledProbe cancels the probe of a paused webhook before it is sent: another one takes its place.
func TestCancelledProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(func(w *engine.Webhook) { w.RateLimit = 1 })
		ids := b.backlog()
		down.mended.Store(true)
		for b.paused(w.ID) {
			for _, id := range ids {
				if d := b.delivery(id); d.State == engine.StateSending {
					_, _ = b.engine.Cancel(t.Context(), engine.System, id, "for the test") // it may have been sent meanwhile
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		settle(2 * time.Minute)
		for _, id := range ids {
			if d := b.delivery(id); !d.State.Final() {
				t.Errorf("%s is %s in the end", id, d.State)
			}
		}
	})
}

// paused reports whether a webhook is paused.
func (b *bench) paused(id engine.WebhookID) bool {
	b.t.Helper()
	s, err := b.store.Streak(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Paused()
}

// TestHangingAfterRestart starts with backlogs of many receivers that hang, and one that answers: nothing is known of any.
func TestHangingAfterRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := engine.Limits{Senders: 64, Ready: 1024}
		b := setup(t, limits)
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("Labhook-Event") == engine.LabScored {
				return http.StatusOK, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		for range 40 {
			b.webhook(func(w *engine.Webhook) { w.Events, w.Timeout = []string{engine.LabSaved}, engine.MaxTimeout })
		}
		b.webhook(nil)
		for lab := range 50 {
			b.postLab(engine.LabSaved, int64(lab+1))
		}
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		b.start(limits)
		settle(20 * time.Second)
		for range 100 {
			id := b.post("").Deliveries[0].ID
			settle(time.Second)
			if d := b.delivery(id); d.State != engine.StateDelivered {
				t.Fatalf("a delivery to the receiver that answers is %s after a second", d.State)
			}
		}
	})
}
