package db

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"labhook/engine"
)

// fill stores deliveries of a webhook in a state, many in one statement; held ones stand in a lane of nobody.
func (b *bench) fill(t testing.TB, w engine.Webhook, state engine.DeliveryState, n int) {
	t.Helper()
	e := newEvent()
	_, err := insertAll(b, e, nil)
	must(t, err)
	first := int64(engine.NewID[engine.DeliveryID]())
	engine.PassID(first + int64(n))
	var due, finished, lane, class any
	reason, attempts := "", 0
	switch state {
	case engine.StateHeld:
		lane = 1 << 40
	case engine.StateCancelled:
		finished, reason = 1, "The webhook was disabled."
	case engine.StateFailed:
		finished, attempts, class = 1, 1, "timeout"
	default:
		due = start.UnixMilli()
	}
	must(t, b.writer.do(t.Context(), func(t *tx) error {
		return t.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
			INSERT INTO deliveries (id, event, consumer, webhook, state, blocking, test, lane, trigger, claim, attempts, due_at,
				finished_at, reason, last_class, created_at)
			SELECT ? + i, ?, ?, ?, ?, 0, 0, ?, 'automatic', 0, ?, ?, ?, ?, ifnull(?, ''), 1 FROM n`,
			n, first, int64(e.ID), int64(w.ConsumerID), int64(w.ID), string(state), lane, attempts, due, finished, reason, class)
	}))
}

func (b *bench) countOf(t testing.TB, w engine.Webhook, state engine.DeliveryState) int {
	t.Helper()
	n, _, err := b.CountDeliveries(t.Context(), engine.DeliveryFilter{WebhookID: w.ID, States: []engine.DeliveryState{state}}, 1_000_000)
	must(t, err)
	return n
}

// goOn does pieces until nothing is left, and returns how many.
func (b *bench) goOn(t testing.TB) (pieces int) {
	t.Helper()
	for more := true; more; pieces++ {
		var err error
		before := b.writer.commits.Load()
		more, err = b.GoOn(t.Context(), time.Now())
		must(t, err)
		if n := b.writer.commits.Load() - before; n != 1 {
			t.Fatalf("a piece took %d transactions", n)
		}
	}
	return pieces
}

func wantConflict(t *testing.T, what string, err error) {
	t.Helper()
	if c, ok := errors.AsType[engine.Conflict](err); !ok || !errors.Is(err, engine.ErrConflict) || c == "" {
		t.Errorf("%s: %v, want a conflict in words", what, err)
	}
}

// TestCancelInPieces takes webhooks and consumers out of use for which more waits than one transaction cancels.
func TestCancelInPieces(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(t *testing.T, b *bench) error{
		"disabled": func(t *testing.T, b *bench) error {
			_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
			return err
		},
		"deleted": func(t *testing.T, b *bench) error { return b.DeleteWebhook(t.Context(), dana, b.webhook.ID) },
		"consumer disabled": func(t *testing.T, b *bench) error {
			b.consumer.Enabled = false
			_, err := b.UpdateConsumer(t.Context(), dana, b.consumer)
			return err
		},
		"consumer deleted": func(t *testing.T, b *bench) error { return b.DeleteConsumer(t.Context(), dana, b.consumer.ID) },
		"consumer expired": func(t *testing.T, b *bench) error {
			b.consumer.Expires = time.Now().Add(50 * time.Millisecond)
			if _, err := b.UpdateConsumer(t.Context(), dana, b.consumer); err != nil {
				return err
			}
			return b.CancelExpired(t.Context(), time.Time{}, b.consumer.Expires)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			second := b.newWebhook(t, b.consumer.ID, "Second")
			b.fill(t, b.webhook, engine.StateQueued, cancelAtOnce)
			b.fill(t, b.webhook, engine.StateHeld, cancelAtOnce/2)
			heard := &hearsay{}
			b.Watch(heard)
			must(t, do(t, b))
			if n := b.countOf(t, b.webhook, engine.StateCancelled); n != cancelAtOnce || heard.unfinished == 0 {
				t.Fatalf("at once %d deliveries are cancelled, want %d; told of the rest: %d", n, cancelAtOnce, heard.unfinished)
			}
			claims, err := b.ClaimDue(t.Context(), time.Now(), []engine.Want{{WebhookID: b.webhook.ID, Limit: 10}})
			must(t, err)
			if len(claims[0].Taken) > 0 || !claims[0].NextDue.After(time.Now().Add(-time.Second)) {
				t.Errorf("claimed %+v while the rest is cancelled", claims[0])
			}
			b.goOn(t)
			if n := b.countOf(t, b.webhook, engine.StateCancelled); n != cancelAtOnce*3/2 {
				t.Errorf("in the end %d deliveries are cancelled, want %d", n, cancelAtOnce*3/2)
			}
			if n := b.countOf(t, second, engine.StateCancelled); n != 0 || len(b.cancelling) != 0 {
				t.Errorf("%d of another webhook are cancelled; %d cancellations are left", n, len(b.cancelling))
			}
			if left, err := list(t.Context(), b.Store, number, "SELECT webhook FROM cancellations"); err != nil || len(left) > 0 {
				t.Errorf("left on disk: %v, %v", left, err)
			}
		})
	}
}

// TestCancellingSurvives a restart and that the webhook is used again meanwhile: what waited is cancelled to its end, and
// nothing else is.
func TestCancellingSurvives(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateScheduled, 2*cancelAtOnce+5)
	old := b.accept(t, b.webhook, engine.StateQueued, start)
	_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	b.webhook, err = b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, true)
	must(t, err)
	fresh := b.accept(t, b.webhook, engine.StateQueued, start)

	wants := []engine.Want{{WebhookID: b.webhook.ID, Limit: 10}}
	claims, err := b.ClaimDue(t.Context(), time.Now(), wants)
	must(t, err)
	if len(claims[0].Taken) > 0 || claims[0].NextDue.IsZero() {
		t.Errorf("claimed %+v while older ones are being cancelled", claims[0])
	}
	_, err = b.ChangeDelivery(t.Context(), dana, old.ID, engine.Change{Step: engine.StepResend, Now: start})
	wantConflict(t, "resend", err)
	_, err = b.StartRecovery(t.Context(), dana, b.webhook.ID, start, time.Now(), false)
	wantConflict(t, "recovery", err)
	held, err := b.ChangeDelivery(t.Context(), dana, fresh.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Not wanted."})
	must(t, err)
	_, err = b.ChangeDelivery(t.Context(), dana, held.ID, engine.Change{Step: engine.StepResend, Now: start})
	must(t, err)

	dir := filepath.Dir(b.path)
	must(t, b.Close())
	b.Store = open(t, Options{Dir: dir})
	b.goOn(t)
	if n := b.countOf(t, b.webhook, engine.StateCancelled); n != 2*cancelAtOnce+6 {
		t.Errorf("%d deliveries are cancelled, want %d", n, 2*cancelAtOnce+6)
	}
	claims, err = b.ClaimDue(t.Context(), time.Now(), wants)
	must(t, err)
	if len(claims[0].Taken) != 1 || claims[0].Taken[0].Delivery.ID != fresh.ID {
		t.Errorf("claimed %+v, want the one that came since", claims[0].Taken)
	}
	_, err = b.ChangeDelivery(t.Context(), dana, old.ID, engine.Change{Step: engine.StepResend, Now: start})
	must(t, err)
}

// TestDisabledAgainWhileCancelling takes what came in between along, for the latest reason.
func TestDisabledAgainWhileCancelling(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, b.webhook, engine.StateQueued, 3*cancelAtOnce)
	for _, on := range []bool{false, true} {
		_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, on)
		must(t, err)
	}
	between := b.accept(t, b.webhook, engine.StateQueued, start)
	must(t, b.DeleteWebhook(t.Context(), dana, b.webhook.ID))
	if n := b.goOn(t); n > 3 {
		t.Errorf("%d pieces", n)
	}
	got, err := b.Delivery(t.Context(), between.ID)
	must(t, err)
	if got.State != engine.StateCancelled || got.Reason != "The webhook was deleted." {
		t.Errorf("what came in between is %s: %q", got.State, got.Reason)
	}
	if n := b.countOf(t, b.webhook, engine.StateQueued); n != 0 {
		t.Errorf("%d deliveries wait for a deleted webhook", n)
	}
}

// TestGatesOpenAtOnce: gates do not wait for their turn in the cancelling, and none closes for a webhook out of use.
func TestGatesOpenAtOnce(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	b.fill(t, b.gate, engine.StateQueued, 2*cancelAtOnce)
	const lanes = gatesAtOnce + 20
	for i := range lanes {
		subject := fmt.Sprint(i)
		b.post(t, engine.LabPreBuild, subject, b.gate)
		b.post(t, engine.LabPreBuild, subject, b.gate, b.plain) // the first would close the next gate
	}
	closed := func() int {
		n, _, err := b.countGates(t.Context())
		must(t, err)
		return n
	}
	if closed() != lanes || b.countOf(t, b.gate, engine.StateHeld) != lanes {
		t.Fatalf("%d gates are closed, %d of their webhook are held", closed(), b.countOf(t, b.gate, engine.StateHeld))
	}
	_, err := b.SetWebhookEnabled(t.Context(), dana, b.gate.ID, false)
	must(t, err)
	if n := closed(); n != lanes-gatesAtOnce {
		t.Errorf("at once all but %d gates are open, want %d", n, lanes-gatesAtOnce)
	}
	if n := b.countOf(t, b.plain, engine.StateQueued); n != gatesAtOnce {
		t.Errorf("%d deliveries behind them are let go, want %d", n, gatesAtOnce)
	}
	b.goOn(t)
	if n := b.countOf(t, b.gate, engine.StateCancelled); closed() != 0 || n != 2*cancelAtOnce+lanes {
		// What is being sent at the moment ends as it ends.
		t.Errorf("in the end %d gates are closed and %d deliveries cancelled, want %d", closed(), n, 2*cancelAtOnce+lanes)
	}
	if n := b.countOf(t, b.plain, engine.StateQueued); n != lanes {
		t.Errorf("in the end %d deliveries behind them are let go, want %d", n, lanes)
	}
}

// TestRetryOfDisabled: an attempt that fails after its webhook was disabled is not followed by another.
func TestRetryOfDisabled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	after := b.record(t, attempt(d, b.webhook, 1, 503))
	if after.State != engine.StateCancelled || after.Reason != "The webhook is disabled." || after.Attempts != 1 || after.LastStatus != 503 {
		t.Errorf("the delivery is %+v, want cancelled after one attempt", after)
	}
}

// BenchmarkCancelBacklog takes a webhook out of use for which a hundred thousand deliveries wait, and has others write
// meanwhile: how long the longest of them waits is what a sender notices.
func BenchmarkCancelBacklog(b *testing.B) {
	const backlog = 100_000
	for b.Loop() {
		b.StopTimer()
		s := &bench{Store: open(b, Options{Synchronous: "FULL"})}
		s.consumer = s.newConsumer(b, "Lab platform")
		s.webhook = s.newWebhook(b, s.consumer.ID, "Gradebook")
		second := s.newWebhook(b, s.consumer.ID, "Second")
		s.fill(b, s.webhook, engine.StateQueued, backlog)
		stop, longest := make(chan struct{}), make(chan time.Duration)
		go func() {
			var most time.Duration
			for {
				select {
				case <-stop:
					longest <- most
					return
				default:
				}
				began := time.Now()
				e := newEvent()
				if _, err := insertAll(s, e, []engine.Delivery{newDelivery(e, second, engine.StateQueued, start)}); err != nil {
					b.Error(err)
				}
				most = max(most, time.Since(began))
			}
		}()
		b.StartTimer()
		_, err := s.SetWebhookEnabled(b.Context(), dana, s.webhook.ID, false)
		must(b, err)
		pieces := 1
		for more := true; more; pieces++ {
			more, err = s.GoOn(b.Context(), time.Now())
			must(b, err)
		}
		b.StopTimer()
		close(stop)
		b.ReportMetric(float64((<-longest).Milliseconds()), "ms-longest-wait")
		b.ReportMetric(float64(pieces), "pieces")
		b.StartTimer()
	}
}
