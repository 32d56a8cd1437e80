package engine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestDeactivatedAndRecovered is the whole story of an outage: a 404 deactivates, what waits is cancelled, a person
// switches the webhook on again and recovers, and the receiver gets each event under the id it had.
func TestDeactivatedAndRecovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupWithChance(t, engine.Limits{}, noJitter)
		var status atomic.Int32
		status.Store(http.StatusInternalServerError)
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return int(status.Load()), nil }
		w := b.webhook(of(engine.SkilljarPolicy))
		began := time.Now()
		var ids []engine.DeliveryID
		for range 3 {
			ids = append(ids, b.post("").Deliveries[0].ID)
			settle(100 * time.Millisecond)
		}
		status.Store(http.StatusNotFound)
		settle(2 * time.Second) // the second attempt of the first one deactivates

		dana := engine.Actor{Name: "Dana"}
		off := b.store.Directory().Webhook(w.ID)
		if off.Enabled || off.DeactivateReason != engine.DeactivatedBy4xx || !off.DeactivatedAt.After(began) {
			t.Fatalf("the webhook is enabled: %t, for %q", off.Enabled, off.DeactivateReason)
		}
		if d := b.delivery(ids[2]); d.State != engine.StateCancelled || !strings.HasPrefix(d.Reason, "The webhook was deactivated: ") {
			t.Errorf("what waited is %s: %q", d.State, d.Reason)
		}
		if n := len(b.post("").Deliveries); n != 0 {
			t.Errorf("%d deliveries of an event meanwhile", n)
		}
		_, err := b.engine.Recover(t.Context(), dana, w.ID, began)
		if c, ok := errors.AsType[engine.Conflict](err); !ok || !strings.Contains(string(c), "deactivated") {
			t.Errorf("recovering what is off: %v", err)
		}
		on, err := b.store.SetWebhookEnabled(t.Context(), dana, w.ID, true)
		if err != nil || on.DeactivateReason != "" || !on.DeactivatedAt.IsZero() {
			t.Fatalf("switched on: %+v, %v", on, err)
		}
		n, more, err := b.store.CountRecoverable(t.Context(), w.ID, began, time.Time{})
		if n != 3 || more || err != nil {
			t.Errorf("%d can be recovered, more: %t, %v", n, more, err)
		}

		status.Store(http.StatusOK)
		before := len(b.wire.seen())
		r, err := b.engine.Recover(t.Context(), dana, w.ID, began)
		if err != nil || r.Sent != 3 || r.Running() || r.CreatedBy != "Dana" {
			t.Fatalf("recovery: %+v, %v", r, err)
		}
		settle(time.Second)
		var again []string
		for _, a := range b.wire.seen()[before:] {
			again = append(again, a.id)
		}
		slices.Sort(again)
		if want := []string{ids[0].String(), ids[1].String(), ids[2].String()}; !slices.Equal(again, want) {
			t.Errorf("sent again: %v, want %v", again, want)
		}
		for _, id := range ids {
			if d := b.delivery(id); d.State != engine.StateDelivered {
				t.Errorf("%s is %s", id, d.State)
			}
		}
	})
}

// TestRecoveredGetsAllRetries: a delivery that fails again after a recovery makes the whole round of attempts.
func TestRecoveredGetsAllRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupWithChance(t, engine.Limits{}, noJitter)
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return http.StatusServiceUnavailable, nil }
		w := b.webhook(func(w *engine.Webhook) {
			of(engine.SkilljarPolicy)(w)
			w.Retries = 3
		})
		began := time.Now()
		id := b.post("").Deliveries[0].ID
		for round := 1; round <= 2; round++ {
			settle(time.Minute)
			d := b.delivery(id)
			if d.State != engine.StateFailed || d.Attempts != 4*round || d.RoundStart != 4*(round-1) || d.AttemptsInAll != 4*round {
				t.Errorf("after round %d: %+v", round, d)
			}
			if off := b.store.Directory().Webhook(w.ID); off.DeactivateReason != engine.DeactivatedByRetries {
				t.Errorf("after round %d the webhook is off for %q", round, off.DeactivateReason)
			}
			if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, true); err != nil {
				t.Fatal(err)
			}
			if round == 2 {
				break
			}
			if _, err := b.engine.Recover(t.Context(), engine.System, w.ID, began); err != nil {
				t.Fatal(err)
			}
		}
		var at []time.Time
		for _, a := range b.wire.seen() {
			at = append(at, a.at)
		}
		for i, wait := range []time.Duration{2, 4, 8} {
			if got := at[5+i].Sub(at[4+i]).Round(10 * time.Millisecond); got != wait*time.Second {
				t.Errorf("retry %d of the second round comes after %s", i+1, got)
			}
		}
		// One more attempt by hand is not a round: that it fails is no news about the webhook.
		if _, err := b.engine.Resend(t.Context(), engine.System, id); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if d := b.delivery(id); d.State != engine.StateFailed || d.Attempts != 9 || !b.store.Directory().Webhook(w.ID).Enabled {
			t.Errorf("after one more attempt by hand: %+v, enabled: %t", d.Delivery, b.store.Directory().Webhook(w.ID).Enabled)
		}
	})
}

// TestLongRecovery sends more again than one transaction makes due, across a restart.
func TestLongRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		const events = 1300
		w := b.webhook(func(w *engine.Webhook) { w.Delay = time.Hour })
		began, ids := time.Now(), map[string]bool{}
		for range events {
			ids[b.post("").Deliveries[0].ID.String()] = true
		}
		for _, on := range []bool{false, true} {
			if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, on); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		// A process begins, and ends before it can go on.
		r, err := b.store.StartRecovery(t.Context(), engine.System, w.ID, began, time.Now(), false)
		if err != nil || r.Sent == 0 || r.Sent == events || !r.Running() {
			t.Fatalf("the first piece: %+v, %v", r, err)
		}
		b.start(engine.Limits{})
		settle(10 * time.Minute)
		done, err := b.store.Recoveries(t.Context(), w.ID, 5)
		if err != nil || len(done) != 1 || done[0].Sent != events || done[0].Running() || done[0].Stopped != "" {
			t.Errorf("recoveries: %+v, %v", done, err)
		}
		for _, a := range b.wire.seen() {
			if !ids[a.id] {
				t.Errorf("%s was sent twice, or is none of them", a.id)
			}
			delete(ids, a.id)
		}
		if len(ids) > 0 {
			t.Errorf("%d were not sent", len(ids))
		}
	})
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(nil)
		for name, since := range map[string]time.Time{"no time": {}, "the future": time.Now().Add(time.Second)} {
			_, err := b.engine.Recover(t.Context(), engine.System, w.ID, since)
			if bad, ok := errors.AsType[engine.InvalidError](err); !ok || bad[0].Field != "since" {
				t.Errorf("%s: %v", name, err)
			}
		}
		now := time.Now()
		if _, err := b.engine.Recover(t.Context(), engine.System, 1, now); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("of no webhook: %v", err)
		}
		if r, err := b.engine.Recover(t.Context(), engine.System, w.ID, now); err != nil || r.Sent != 0 || r.Running() {
			t.Errorf("of nothing: %+v, %v", r, err)
		}
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.engine.Recover(t.Context(), engine.System, w.ID, now); !errors.Is(err, engine.ErrStopping) {
			t.Errorf("after the stop: %v", err)
		}
	})
}

// TestOldAnswersDeactivateNothing: an attempt that was under way when someone mended the webhook, or switched it on again,
// says nothing about what it is now.
func TestOldAnswersDeactivateNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bench, w engine.Webhook) error{
		"edited": func(b *bench, w engine.Webhook) error {
			w.URL = "http://receiver.example/new"
			_, err := b.store.UpdateWebhook(b.t.Context(), engine.System, w)
			return err
		},
		"switched off and on": func(b *bench, w engine.Webhook) error {
			_, err := b.store.SetWebhookEnabled(b.t.Context(), engine.System, w.ID, false)
			_, err2 := b.store.SetWebhookEnabled(b.t.Context(), engine.System, w.ID, true)
			return errors.Join(err, err2)
		},
		"deleted": func(b *bench, w engine.Webhook) error {
			return b.store.DeleteWebhook(b.t.Context(), engine.System, w.ID)
		},
		"its delivery cancelled": func(b *bench, _ engine.Webhook) error {
			page, err := b.store.ListDeliveries(b.t.Context(), engine.DeliveryFilter{})
			if err == nil {
				_, err = b.engine.Cancel(b.t.Context(), engine.System, page.Rows[0].ID, "Not wanted.")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, engine.Limits{})
				b.wire.answer = func(context.Context, arrival, int) (int, error) {
					time.Sleep(5 * time.Second)
					return http.StatusGone, nil
				}
				w := b.webhook(of(engine.StandardPolicy))
				b.post("")
				settle(time.Second)
				if err := change(b, w); err != nil {
					t.Fatal(err)
				}
				settle(10 * time.Second)
				if now := b.store.Directory().Webhook(w.ID); now != nil && (!now.Enabled || now.DeactivateReason != "") {
					t.Errorf("the webhook is off for %q", now.DeactivateReason)
				}
			})
		})
	}
}

// TestManyAnswersDeactivateOnce: of many attempts under way the first one that says so deactivates, and once.
func TestManyAnswersDeactivateOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if engine.BuiltIn.System(a.header.Get("Labhook-Event")) {
				return http.StatusOK, nil
			}
			time.Sleep(5 * time.Second)
			return http.StatusGone, nil
		}
		w := b.webhook(of(engine.StandardPolicy))
		b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.SystemWebhookDeactivated} })
		for range 20 {
			b.post("")
		}
		settle(time.Minute)
		if now := b.store.Directory().Webhook(w.ID); now.DeactivateReason != engine.DeactivatedByGone || now.Version != 2 {
			t.Errorf("the webhook is off for %q, version %d", now.DeactivateReason, now.Version)
		}
		if told := b.systemEvents(); len(told[engine.SystemWebhookDeactivated]) != 1 {
			t.Errorf("told %d times", len(told[engine.SystemWebhookDeactivated]))
		}
	})
}

// TestRetryAfterDelaysTheRetry honours what the receiver asks for, up to the policy's longest wait, and no gate waits
// longer for it than it said.
func TestRetryAfterDelaysTheRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupWithChance(t, engine.Limits{}, noJitter)
		b.wire.header = http.Header{"Retry-After": {"60"}}
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			time.Sleep(2900 * time.Millisecond)
			return http.StatusTooManyRequests, nil
		}
		b.webhook(func(w *engine.Webhook) { w.Blocking, w.Retries, w.Timeout = true, 4, 3*time.Second })
		acc := b.post("")
		settle(time.Second)
		gate, err := b.store.ClosedGate(t.Context(), b.delivery(acc.Deliveries[0].ID).Lane)
		if err != nil {
			t.Fatal(err)
		}
		settle(2 * time.Minute)
		var after []string
		seen := b.wire.seen()
		for i := 1; i < len(seen); i++ {
			after = append(after, seen[i].at.Sub(seen[i-1].at).Round(100*time.Millisecond).String())
		}
		// Studio's longest wait is 5 seconds.
		if want := slices.Repeat([]string{"7.9s"}, 4); !slices.Equal(after, want) {
			t.Errorf("requests after %v, want %v", after, want)
		}
		opened, err := b.store.Gate(t.Context(), acc.Deliveries[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if opened.Opening != engine.OpenedLate || !opened.OpenedAt.Equal(gate.OpensBy) || !opened.OpenedAt.Before(b.delivery(acc.Deliveries[0].ID).FinishedAt) {
			t.Errorf("the gate opened %s at %s, latest %s", opened.Opening, opened.OpenedAt, gate.OpensBy)
		}
	})
}

// TestLongCancelling: of a backlog that is too long for one transaction nothing is sent, though the webhook is used again
// at once, and what comes then is sent.
func TestLongCancelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		const events = 4100
		w := b.webhook(func(w *engine.Webhook) { w.Delay = 10 * time.Second })
		for range events {
			b.post("")
		}
		for _, on := range []bool{false, true} {
			if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, on); err != nil {
				t.Fatal(err)
			}
		}
		fresh := b.post("").Deliveries[0].ID
		settle(time.Minute)
		n, _, err := b.store.CountDeliveries(t.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateCancelled}}, 10_000)
		if err != nil || n != events {
			t.Errorf("%d are cancelled, want %d: %v", n, events, err)
		}
		if seen := b.wire.seen(); len(seen) != 1 || seen[0].id != fresh.String() {
			t.Errorf("%d requests, want the one of the event that came afterwards", len(seen))
		}
	})
}
