package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestOverflowWaitsOnDisk gives the dispatcher room for a handful and posts hundreds.
func TestOverflowWaitsOnDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Senders: 3, SendersPerWebhook: 2, Ready: 6, ReadyPerWebhook: 4, Claim: 3})
		var flying, most atomic.Int32
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			n := flying.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(20 * time.Millisecond)
			flying.Add(-1)
			return http.StatusOK, nil
		}
		for range 3 {
			b.webhook(nil)
		}
		const events = 150
		var ids []engine.DeliveryID
		for range events {
			for _, d := range b.post("").Deliveries {
				ids = append(ids, d.ID)
			}
		}
		settle(time.Minute)
		counts := map[string]int{}
		for _, a := range b.wire.seen() {
			counts[a.id]++
		}
		for _, id := range ids {
			if counts[id.String()] != 1 {
				t.Errorf("delivery %s was sent %d times, want once", id, counts[id.String()])
			}
			if d := b.delivery(id); d.State != engine.StateDelivered {
				t.Errorf("delivery %s is %s, want delivered", id, d.State)
			}
		}
		if most.Load() > 3 {
			t.Errorf("%d requests were in the air at once, want at most 3", most.Load())
		}
	})
}

// TestHangingReceiverDelaysNobody has one webhook hang while another one works.
func TestHangingReceiverDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Senders: 4, SendersPerWebhook: 2, Ready: 100, ReadyPerWebhook: 10})
		dead := b.webhook(func(w *engine.Webhook) { w.Timeout, w.Retries = engine.MaxTimeout, 0 })
		alive := b.webhook(nil)
		hanging := map[string]bool{}
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			b.wire.mu.Lock()
			hangs := hanging[a.id]
			b.wire.mu.Unlock()
			if hangs {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return http.StatusOK, nil
		}
		var living []engine.DeliveryID
		for range 30 {
			b.wire.mu.Lock() // no request is judged before it is known which webhook it belongs to
			acc := b.post("")
			for _, d := range acc.Deliveries {
				if d.WebhookID == dead.ID {
					hanging[d.ID.String()] = true
				} else {
					living = append(living, d.ID)
				}
			}
			b.wire.mu.Unlock()
		}
		settle(time.Second)
		for _, id := range living {
			if d := b.delivery(id); d.State != engine.StateDelivered || d.WebhookID != alive.ID {
				t.Errorf("delivery to the living receiver is %s after a second, want delivered", d.State)
			}
		}
	})
}

func TestSameEventAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(nil)
		first := b.post("scored-1")
		again := b.post("scored-1")
		if !again.Duplicate || again.Event.ID != first.Event.ID || len(again.Deliveries) != 0 {
			t.Errorf("second post = %+v, want the first event again", again)
		}
		_, err := b.engine.Accept(t.Context(), &engine.Event{SenderID: "scored-1", Type: engine.LabScored, Data: []byte(`{"Id":7}`)})
		if !errors.Is(err, engine.ErrConflict) {
			t.Errorf("other content under the same id = %v, want ErrConflict", err)
		}
		settle(time.Second)
		if n := len(b.wire.seen()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestDisabledWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(func(w *engine.Webhook) { w.Delay = time.Minute })
		acc := b.post("")
		if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settle(2 * time.Minute)
		d := b.delivery(acc.Deliveries[0].ID)
		if d.State != engine.StateCancelled || !strings.Contains(d.Reason, "disabled") {
			t.Errorf("delivery is %s because %q, want cancelled because the webhook was disabled", d.State, d.Reason)
		}
		if n := len(b.wire.seen()); n != 0 {
			t.Errorf("%d requests, want none", n)
		}
	})
}

// TestExpiredWhileWaiting lets the consumer expire by time alone, which no change of the configuration announces.
func TestExpiredWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Delay = time.Minute })
		c := b.consumer
		c.Expires = time.Now().Add(30 * time.Second)
		if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
			t.Fatal(err)
		}
		acc := b.post("")
		settle(2 * time.Minute)
		d := b.delivery(acc.Deliveries[0].ID)
		if d.State != engine.StateCancelled || !strings.Contains(d.Reason, "expired") {
			t.Errorf("delivery is %s because %q, want cancelled because the consumer expired", d.State, d.Reason)
		}
	})
}

func TestResendHastenCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		status := http.StatusTeapot
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return status, nil }
		b.webhook(func(w *engine.Webhook) { w.Retries = 1 })
		id := b.post("").Deliveries[0].ID
		settle(10 * time.Second)

		dana := engine.Actor{Name: "Dana"}
		if _, err := b.engine.Hasten(t.Context(), dana, id); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("Hasten of a failed delivery = %v, want ErrConflict", err)
		}
		if _, err := b.engine.Resend(t.Context(), dana, id); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Second)
		if d := b.delivery(id); d.State != engine.StateFailed || d.Attempts != 3 {
			t.Errorf("after a resend that failed: %s with %d attempts, want failed with 3", d.State, d.Attempts)
		}
		status = http.StatusOK
		if _, err := b.engine.Resend(t.Context(), dana, id); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		if d := b.delivery(id); d.State != engine.StateDelivered || d.Attempts != 4 {
			t.Errorf("after a resend that succeeded: %s with %d attempts, want delivered with 4", d.State, d.Attempts)
		}
		if list := b.attempts(id); list[2].Trigger != engine.TriggerManual || list[0].Trigger != engine.TriggerAutomatic {
			t.Errorf("triggers are %s and %s, want automatic first and manual third", list[0].Trigger, list[2].Trigger)
		}

		status = http.StatusBadGateway
		late := b.post("").Deliveries[0].ID
		synctest.Wait()
		settle(100 * time.Millisecond)
		if _, err := b.engine.Cancel(t.Context(), dana, late, "Not wanted."); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if d := b.delivery(late); d.State != engine.StateCancelled || d.Reason != "Not wanted." || d.Attempts != 1 {
			t.Errorf("cancelled delivery = %+v", d.Delivery)
		}
	})
}

// TestCancelDuringAttempt keeps the attempt and drops its verdict.
func TestCancelDuringAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			time.Sleep(10 * time.Second)
			return http.StatusServiceUnavailable, nil
		}
		b.webhook(nil)
		id := b.post("").Deliveries[0].ID
		settle(5 * time.Second)
		if _, err := b.engine.Cancel(t.Context(), engine.Actor{Name: "Dana"}, id, "Not wanted."); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if d := b.delivery(id); d.State != engine.StateCancelled || d.Attempts != 1 {
			t.Errorf("delivery is %s with %d attempts, want cancelled with 1", d.State, d.Attempts)
		}
		if n := len(b.attempts(id)); n != 1 {
			t.Errorf("%d attempts are kept, want 1", n)
		}
	})
}

// TestPanicInAnAttempt loses neither the process nor the delivery.
func TestPanicInAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var calls atomic.Int32
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			if calls.Add(1) == 1 {
				panic("a bug")
			}
			return http.StatusOK, nil
		}
		b.webhook(nil)
		id := b.post("").Deliveries[0].ID
		settle(3 * time.Minute)
		if d := b.delivery(id); d.State != engine.StateDelivered {
			t.Errorf("delivery is %s, want delivered after the rescue", d.State)
		}
	})
}

// TestEditedWhileRetrying uses the settings of the moment for each attempt, and says which.
func TestEditedWhileRetrying(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("X-Token") == "new" {
				return http.StatusOK, nil
			}
			return http.StatusUnauthorized, nil
		}
		w := b.webhook(func(w *engine.Webhook) { w.Headers = []engine.Header{{Name: "X-Token", Value: "old", Sensitive: true}} })
		id := b.post("").Deliveries[0].ID
		settle(500 * time.Millisecond)
		w.Headers[0].Value = "new"
		if _, err := b.store.UpdateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		list := b.attempts(id)
		if len(list) != 2 || list[0].WebhookVersion != 1 || list[1].WebhookVersion != 2 || list[1].Outcome.Kind != engine.OutcomeDelivered {
			t.Fatalf("attempts = %+v, want one with version 1 and one with version 2 that delivers", list)
		}
		if sent := fmt.Sprint(list[0].Request.Headers); strings.Contains(sent, "old") || !strings.Contains(sent, "X-Token: "+engine.Mask) {
			t.Errorf("kept headers %s show the secret or lack the mask", sent)
		}
	})
}

// TestNothingListens keeps an event that no webhook wants.
func TestNothingListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.LabSaved} })
		acc := b.post("")
		if len(acc.Deliveries) != 0 {
			t.Fatalf("%d deliveries, want none", len(acc.Deliveries))
		}
		ev, err := b.store.Event(t.Context(), acc.Event.ID)
		if err != nil || string(ev.Data) != string(engine.SampleLabDetails().Body()) {
			t.Errorf("stored event = %s, %v", ev.Data, err)
		}
		why := b.store.Directory().WhyNot(&ev, time.Now())
		if len(why) != 1 || why[0].Webhook.ID != w.ID || why[0].Reason != "It does not listen to this event." {
			t.Errorf("WhyNot = %+v", why)
		}
	})
}
