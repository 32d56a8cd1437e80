package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// hang is a receiver that never answers.
func hang(ctx context.Context, _ arrival, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// TestHangingReceiverFailsBeforeItsGateIsLate: every attempt takes its whole timeout, which is when a gate is closed
// the longest. The last failure still comes before the gate opens by itself, so that the error action finds the lane
// held.
func TestHangingReceiverFailsBeforeItsGateIsLate(t *testing.T) {
	t.Parallel()
	for retries := range engine.StudioPolicy.MaxRetries + 1 {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, engine.Limits{})
			gate := b.webhook(func(w *engine.Webhook) {
				w.Events, w.Blocking, w.ErrorAction = []string{engine.LabPreBuild}, true, engine.ErrorActionEndLab
				w.Timeout, w.Retries, w.Delay = 2*time.Second, retries, time.Second
			})
			b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.LabFirstDisplayable, engine.LabTornDown} })
			b.wire.answer = func(ctx context.Context, a arrival, nth int) (int, error) {
				if a.header.Get("Labhook-Event") == engine.LabPreBuild {
					return hang(ctx, a, nth)
				}
				return http.StatusOK, nil
			}
			first := b.postLab(engine.LabPreBuild, 1).Deliveries[0]
			display, down := b.postLab(engine.LabFirstDisplayable, 1).Deliveries[0], b.postLab(engine.LabTornDown, 1).Deliveries[0]
			settle(gate.LongestHold() + time.Minute)
			g, err := b.store.Gate(t.Context(), first.ID)
			if err != nil || g.Opening != engine.OpenedFailed {
				t.Errorf("%d retries: the gate opened because %q, want failed (%v)", retries, g.Opening, err)
			}
			if got := b.delivery(display.ID).State; got != engine.StateSkipped {
				t.Errorf("%d retries: First Displayable is %s, want skipped", retries, got)
			}
			if got := b.delivery(down.ID).State; got != engine.StateDelivered {
				t.Errorf("%d retries: Torn Down is %s, want delivered", retries, got)
			}
		})
	}
}

// refusingStore refuses to release lanes while it is told to, and counts how often it was asked.
type refusingStore struct {
	engine.Store
	refuse atomic.Bool
	asked  atomic.Int64
}

func (s *refusingStore) ReleaseLanes(ctx context.Context, now time.Time, lanes []engine.LaneID) error {
	if s.refuse.Load() {
		s.asked.Add(1)
		return errors.New("the disk is full")
	}
	return s.Store.ReleaseLanes(ctx, now, lanes)
}

// TestLateGateOpensWhileAnotherLaneCannotBeReleased: a database that refuses one thing for a while is asked again at
// a walking pace, and keeps no gate from opening in time.
func TestLateGateOpensWhileAnotherLaneCannotBeReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		refusing := &refusingStore{Store: b.store}
		b.startOn(refusing, engine.Limits{})
		gate := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Events = true, []string{engine.LabPreBuild} })
		b.webhook(nil)
		answer := make(chan struct{})
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("Labhook-Event") == engine.LabPreBuild {
				<-answer // whatever the timeout
			}
			return http.StatusOK, nil
		}
		late := b.postLab(engine.LabPreBuild, 1).Deliveries[0]
		behind := b.postLab(engine.LabScored, 1).Deliveries[0]
		settle(gate.LongestHold())
		long := b.postLab(engine.LabPreBuild, 2).Deliveries[0]
		const held = 700 // more than are released at once
		for range held {
			b.postLab(engine.LabScored, 2)
		}
		refusing.refuse.Store(true)
		if _, err := b.engine.OpenGate(t.Context(), engine.System, long.ID, "For the test."); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Second)
		if g, err := b.store.Gate(t.Context(), late.ID); err != nil || g.Opening != engine.OpenedLate {
			t.Errorf("the gate is %+v, want it open as late (%v)", g, err)
		}
		if got := b.delivery(behind.ID).State; got != engine.StateDelivered {
			t.Errorf("what stood behind it is %s, want delivered", got)
		}
		if n := refusing.asked.Load(); n < 5 || n > 20 {
			t.Errorf("in 10 s the database was asked %d times to release what it refused, want about once a second", n)
		}
		refusing.refuse.Store(false)
		close(answer)
		settle(10 * time.Second)
		n, _, err := b.store.CountDeliveries(t.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateDelivered}}, 1000)
		if want := held + 3; n != want || err != nil {
			t.Errorf("%d deliveries were delivered, want %d (%v)", n, want, err)
		}
	})
}

// startOn begins a new engine on any store.
func (b *bench) startOn(store engine.Store, limits engine.Limits) {
	b.t.Helper()
	e := engine.New(engine.Config{
		Guard: enginetest.StrictGuard(), Log: slog.New(slog.DiscardHandler), Transport: b.wire, Limits: limits, Grace: 5 * time.Second,
	}, store)
	if err := e.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.engine = e
	b.t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			b.t.Error(err)
		}
	})
}

// TestGateOpensInTimeAfterRestart: the engine that closed a gate is not the one that sees its latest opening time come.
func TestGateOpensInTimeAfterRestart(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]time.Duration{"while it is up": time.Second, "while it is down": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, engine.Limits{})
				w := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Retries = true, 0 })
				b.wire.answer = hang
				gate := b.postLab(engine.LabScored, 1).Deliveries[0]
				opens := time.Now().Add(w.LongestHold())
				settle(10 * time.Second)
				// An attempt that starts over has its whole timeout again; the gate has not.
				if err := b.engine.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(down)
				b.start(engine.Limits{})
				if wait := time.Until(opens) - time.Second; wait > 0 {
					settle(wait)
					if g, err := b.store.Gate(t.Context(), gate.ID); err != nil || !g.Closed() {
						t.Errorf("before its latest opening time the gate is %+v (%v)", g, err)
					}
				}
				settle(3 * time.Second)
				if g, err := b.store.Gate(t.Context(), gate.ID); err != nil || g.Opening != engine.OpenedLate {
					t.Errorf("after its latest opening time the gate is %+v (%v)", g, err)
				}
			})
		})
	}
}
