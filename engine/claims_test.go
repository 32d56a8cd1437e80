package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestOvertakenAttempt cancels a delivery while its attempt runs and sends it again: what the first attempt comes to
// later decides nothing.
func TestOvertakenAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(_ context.Context, _ arrival, nth int) (int, error) {
			if nth == 1 {
				time.Sleep(5 * time.Second)
				return http.StatusInternalServerError, nil
			}
			time.Sleep(7 * time.Second)
			return http.StatusOK, nil
		}
		b.webhook(nil)
		id := b.post("").Deliveries[0].ID
		settle(time.Second)
		if _, err := b.engine.Cancel(t.Context(), engine.System, id, "Not wanted."); err != nil {
			t.Fatal(err)
		}
		if _, err := b.engine.Resend(t.Context(), engine.System, id); err != nil {
			t.Fatal(err)
		}
		settle(5 * time.Second)
		if d := b.delivery(id); d.State != engine.StateSending {
			t.Errorf("after the first attempt failed the delivery is %s, want sending", d.State)
		}
		settle(3 * time.Minute) // past the rescue
		d := b.delivery(id)
		if d.State != engine.StateDelivered || d.Attempts != 2 || d.LastStatus != http.StatusOK {
			t.Errorf("delivery = %+v, want delivered after 2 attempts", d.Delivery)
		}
		if n := len(b.wire.seen()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

// TestDisablingEmptiesTheLine cancels what stands in memory for a webhook, and lets what is in the air end.
func TestDisablingEmptiesTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{SendersPerWebhook: 2})
		w := b.webhook(nil)
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			time.Sleep(20 * time.Second)
			return http.StatusOK, nil
		}
		for range 30 {
			b.post("")
		}
		synctest.Wait()
		if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		count := func() map[engine.DeliveryState]int {
			page, err := b.store.ListDeliveries(t.Context(), engine.DeliveryFilter{})
			if err != nil {
				t.Fatal(err)
			}
			states := map[engine.DeliveryState]int{}
			for _, d := range page.Rows {
				states[d.State]++
			}
			return states
		}
		if got := count(); got[engine.StateCancelled] != 28 || got[engine.StateSending] != 2 {
			t.Errorf("a second after disabling: %v, want 28 cancelled and 2 sending", got)
		}
		settle(time.Minute)
		if got := count(); got[engine.StateDelivered] != 2 || len(b.wire.seen()) != 2 {
			t.Errorf("in the end: %v with %d requests, want 2 delivered", got, len(b.wire.seen()))
		}
	})
}

// TestEchoedSecrets has a receiver send back what it got: the webhook's secrets are masked in what is kept.
func TestEchoedSecrets(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "you sent %s and %s", r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"))
	}))
	t.Cleanup(receiver.Close)
	b := setup(t, engine.Limits{})
	b.wire.through = http.DefaultTransport
	b.webhook(func(w *engine.Webhook) {
		w.URL, w.Retries = receiver.URL, 0
		w.Headers = []engine.Header{
			{Name: "Authorization", Value: "Bearer marker-one", Sensitive: true}, {Name: "X-Api-Key", Value: "marker-two", Sensitive: true},
		}
	})
	acc := b.post("")
	// Stopping lets the attempt end, and its outcome reach the disk.
	if err := b.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := b.attempts(acc.Deliveries[0].ID)[0].Answer
	if kept := fmt.Sprint(answer.Headers, string(answer.Body)); strings.Contains(kept, "marker") || !strings.Contains(kept, "you sent "+engine.Mask) {
		t.Errorf("kept answer: %s", kept)
	}
}
