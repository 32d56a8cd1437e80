package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// countingStore counts how often a verdict was read.
type countingStore struct {
	engine.Store
	verdicts atomic.Int64
}

func (s *countingStore) Verdict(ctx context.Context, id engine.EventID, consumer engine.ConsumerID) (engine.Verdict, error) {
	s.verdicts.Add(1)
	return s.Store.Verdict(ctx, id, consumer)
}

// TestThousandsWait: a sender that waits costs one look when it comes and one when its own event ends. Hanging up ends
// its wait and nothing else, and a stop sends the others away. That the bubble ends shows that no goroutine is left.
func TestThousandsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Senders: 1000, SendersPerWebhook: 1000})
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		counting := &countingStore{Store: b.store}
		b.startOn(counting, engine.Limits{Senders: 1000, SendersPerWebhook: 1000})
		b.webhook(func(w *engine.Webhook) { w.Blocking, w.Timeout = true, engine.MaxTimeout })
		finish := make(chan struct{})
		b.wire.answer = func(ctx context.Context, _ arrival, nth int) (int, error) {
			select {
			case <-finish:
				return 200, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		const events, each = 200, 20
		type answer struct {
			engine.Verdict
			err error
		}
		answers := make(chan answer, events*each)
		patient, hangUp := context.WithCancel(context.Background())
		defer hangUp()
		for i := range events {
			acc := b.postLab(engine.LabScored, int64(i+1))
			for n := range each {
				ctx := patient
				if n > 0 {
					ctx = context.Background()
				}
				go func() {
					v, err := b.engine.Wait(ctx, acc.Event.ID)
					answers <- answer{v, err}
				}()
			}
		}
		settle(time.Minute)
		if n := counting.verdicts.Load(); n != events*each || len(answers) != 0 {
			t.Fatalf("%d senders wait, the store was asked %d times, and %d have their answer", events*each, n, len(answers))
		}

		finish <- struct{}{}
		settle(time.Second)
		if n := counting.verdicts.Load(); n != events*each+each {
			t.Errorf("one event ended, and %d verdicts were read for its %d senders", n-events*each, each)
		}
		collect := func(want int, check func(answer) error) {
			t.Helper()
			synctest.Wait()
			if len(answers) != want {
				t.Fatalf("%d senders have their answer, want %d", len(answers), want)
			}
			for range want {
				if err := check(<-answers); err != nil {
					t.Fatal(err)
				}
			}
		}
		collect(each, func(a answer) error {
			if a.err != nil || !a.Ended || a.Action != engine.ActionContinue {
				return fmt.Errorf("the event ended: %+v", a)
			}
			return nil
		})
		hangUp()
		collect(events-1, func(a answer) error {
			if a.err != nil || a.Ended || len(a.Deliveries) != 1 || a.Deliveries[0].State.Final() {
				return fmt.Errorf("hung up: %+v", a)
			}
			return nil
		})
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		collect((events-1)*(each-1), func(a answer) error {
			if !errors.Is(a.err, engine.ErrStopping) {
				return fmt.Errorf("stopped: %+v", a)
			}
			return nil
		})
	})
}
