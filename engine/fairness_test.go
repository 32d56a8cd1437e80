package engine_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestHangingReceivers lets many receivers hang, with few senders: those that answer are served as if they were alone.
func TestHangingReceivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Senders: 8, Slow: 30, Ready: 2000})
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("X-Kind") == "healthy" {
				time.Sleep(10 * time.Millisecond)
				return http.StatusOK, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		kind := func(kind string, event string) {
			b.webhook(func(w *engine.Webhook) {
				w.Headers = []engine.Header{{Name: "X-Kind", Value: engine.Secret(kind)}}
				w.Events, w.Timeout = []string{event}, 20*time.Second
			})
		}
		kind("healthy", engine.LabSaved)
		post := func(event string) {
			t.Helper()
			if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: event, Data: engine.SampleLabDetails().Body()}); err != nil {
				t.Fatal(err)
			}
		}
		post(engine.LabSaved)
		time.Sleep(time.Second)
		for range 100 {
			kind("hanging", engine.LabScored)
		}
		accepted := map[string]time.Time{}
		for range 120 {
			post(engine.LabScored) // a delivery to each of the hundred
			at := time.Now()
			acc, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.LabSaved, Data: engine.SampleLabDetails().Body()})
			if err != nil {
				t.Fatal(err)
			}
			accepted[acc.Deliveries[0].ID.String()] = at
			time.Sleep(time.Second)
		}
		hung := 0
		for _, a := range b.wire.seen() {
			if a.header.Get("X-Kind") == "hanging" {
				hung++
				continue
			}
			if at, ok := accepted[a.id]; ok {
				if late := a.at.Sub(at); late > 50*time.Millisecond {
					t.Errorf("a delivery to the healthy receiver was sent %v after it was accepted", late)
				}
				delete(accepted, a.id)
			}
		}
		if len(accepted) > 0 {
			t.Errorf("%d deliveries to the healthy receiver were not sent", len(accepted))
		}
		if hung < 100 {
			t.Errorf("hanging receivers had %d requests; each should have had one", hung)
		}
	})
}

// TestLateReceiver has one receiver answer well but slowly beside many that hang and take every slow sender they may: what
// is accepted for it is sent nearly at once.
func TestLateReceiver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{Senders: 8, Slow: 16, Ready: 400})
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("X-Kind") == "late" {
				time.Sleep(3 * time.Second)
				return http.StatusOK, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		kind := func(kind, event string) {
			b.webhook(func(w *engine.Webhook) {
				w.Headers = []engine.Header{{Name: "X-Kind", Value: engine.Secret(kind)}}
				w.Events, w.Timeout = []string{event}, time.Minute
			})
		}
		post := func(event string) engine.Accepted {
			t.Helper()
			accepted, err := b.engine.Accept(t.Context(), &engine.Event{Type: event, Data: engine.SampleLabDetails().Body()})
			if err != nil {
				t.Fatal(err)
			}
			return accepted
		}
		kind("late", engine.LabSaved)
		post(engine.LabSaved)
		time.Sleep(5 * time.Second)
		for range 60 {
			kind("hanging", engine.LabScored)
		}
		for range 10 {
			post(engine.LabScored)
		}
		time.Sleep(2 * time.Minute) // all of them are known to hang, and use up what they may
		for range 60 {
			post(engine.LabScored)
			at, id := time.Now(), post(engine.LabSaved).Deliveries[0].ID
			time.Sleep(2 * time.Second)
			synctest.Wait()
			i := slices.IndexFunc(b.wire.seen(), func(a arrival) bool { return a.id == id.String() })
			if i < 0 || b.wire.seen()[i].at.Sub(at) > 1500*time.Millisecond {
				t.Fatalf("a delivery to the late receiver was not sent in time, %v after the start", time.Since(at))
			}
		}
	})
}

// TestDeadReceiverIsPaced: a receiver that refuses at once is not asked as fast as this host can ask, and once it answers
// everything is sent.
func TestDeadReceiverIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var mended atomic.Bool
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			if mended.Load() {
				return http.StatusOK, nil
			}
			return 0, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		const dead, events = 20, 100
		for range dead {
			b.webhook(func(w *engine.Webhook) { w.Retries = 5 })
		}
		for range events {
			b.post("")
		}
		time.Sleep(2 * time.Second)
		soon := len(b.wire.seen())
		time.Sleep(10 * time.Second)
		if n := len(b.wire.seen()) - soon; n < 1800 || n > 2100 || soon > 1000 {
			t.Errorf("%d requests within two seconds, and %d within the next ten", soon, n)
		}
		mended.Store(true)
		time.Sleep(10 * time.Second) // the longest wait of a retry, and the pace for the first of each
		for _, a := range b.wire.seen()[:dead] {
			id, err := engine.ParseID[engine.DeliveryID](a.id)
			if err != nil {
				t.Fatal(err)
			}
			if d, err := b.store.Delivery(t.Context(), id); err != nil || !d.State.Final() {
				t.Errorf("%s is %s, %v", id, d.State, err)
			}
		}
		sent := len(b.wire.seen())
		time.Sleep(time.Minute)
		if n := len(b.wire.seen()) - sent; n > 0 {
			t.Errorf("%d requests came late", n)
		}
	})
}

// TestRateLimit sends a burst of events to a webhook with a rate limit and to one without.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		limited := b.webhook(func(w *engine.Webhook) { w.RateLimit, w.RateBurst, w.URL = 10, 3, "http://limited.example/" })
		b.webhook(nil)
		start := time.Now()
		const events = 200
		for range events {
			b.post("")
		}
		time.Sleep(time.Minute)
		var times []time.Time
		others := 0
		for _, a := range b.wire.seen() {
			if strings.Contains(b.nameOf(a), limited.Name) {
				times = append(times, a.at)
			} else if others++; a.at.Sub(start) > time.Second {
				t.Errorf("a webhook without a limit had to wait %v", a.at.Sub(start))
			}
		}
		if len(times) != events || others != events {
			t.Fatalf("%d and %d requests", len(times), others)
		}
		for i := range times {
			// Within any span no more than the burst and what the rate gives.
			if j := i + 13; j < len(times) && times[j].Sub(times[i]) < time.Second-time.Millisecond {
				t.Fatalf("requests %d to %d were sent within %v", i, j, times[j].Sub(times[i]))
			}
		}
		if took := times[events-1].Sub(start); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("all of it took %v", took)
		}
		w, err := b.store.Webhook(t.Context(), limited.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.RateLimit, w.RateBurst = 0, 0
		if _, err := b.store.UpdateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
		before := len(b.wire.seen())
		for range 50 {
			b.post("")
		}
		time.Sleep(time.Second)
		if n := len(b.wire.seen()) - before; n != 100 {
			t.Errorf("%d of 100 requests were sent within a second after the limit was lifted", n)
		}
	})
}

// TestSendersGrow checks that a receiver that answers soon gets as many requests at once as are allowed, and one that
// refuses never more than at first.
func TestSendersGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{SendersPerWebhook: 40})
		inAir, most := map[string]int{}, map[string]int{}
		lock := make(chan struct{}, 1)
		count := func(kind string, n int) {
			lock <- struct{}{}
			inAir[kind] += n
			most[kind] = max(most[kind], inAir[kind])
			<-lock
		}
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			kind := a.header.Get("X-Kind")
			count(kind, 1)
			defer count(kind, -1)
			time.Sleep(100 * time.Millisecond)
			if kind == "refusing" {
				return 0, context.DeadlineExceeded
			}
			return http.StatusOK, nil
		}
		for _, kind := range []string{"answering", "refusing"} {
			b.webhook(func(w *engine.Webhook) { w.Headers = []engine.Header{{Name: "X-Kind", Value: engine.Secret(kind)}} })
		}
		for i := range 500 {
			b.post(fmt.Sprint("e", i))
		}
		time.Sleep(20 * time.Second)
		lock <- struct{}{}
		defer func() { <-lock }()
		if most["answering"] != 40 || most["refusing"] != 16 {
			t.Errorf("at most in the air: %v", most)
		}
	})
}
