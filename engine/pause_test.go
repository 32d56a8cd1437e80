package engine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// outage is a receiver that answers 503 until it is mended.
type outage struct{ mended atomic.Bool }

func (o *outage) answer(context.Context, arrival, int) (int, error) {
	if o.mended.Load() {
		return http.StatusOK, nil
	}
	return http.StatusServiceUnavailable, nil
}

// TestPausedWebhook posts an event a second to a receiver that is down for twenty minutes: from the thirtieth second on
// it gets probes only, at the ends of growing spells, and afterwards every delivery that still had a right to attempts.
func TestPausedWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(func(w *engine.Webhook) { w.Retries = 3 })
		b.webhook(func(w *engine.Webhook) {
			w.Name, w.URL = "news", "http://news.example/"
			w.Events = []string{engine.SystemWebhookFailing, engine.SystemWebhookRecovered}
		})
		news := make(map[string]int)
		b.wire.answer = func(ctx context.Context, a arrival, nth int) (int, error) {
			if kind := a.header.Get("Labhook-Event"); kind != engine.LabScored {
				news[kind]++
				return http.StatusOK, nil
			}
			return down.answer(ctx, a, nth)
		}
		start := time.Now()
		var ids []engine.DeliveryID
		for range 20 * 60 {
			ids = append(ids, b.post("").Deliveries[0].ID)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		var probes []time.Duration
		for _, a := range b.wire.seen() {
			if since := a.at.Sub(start).Round(time.Second); since > 31*time.Second && a.header.Get("Labhook-Event") == engine.LabScored {
				probes = append(probes, since)
			}
		}
		// Pauses of 30 s, 1, 2, 5 and 10 min, which began at 30 s.
		want := []time.Duration{60 * time.Second, 120 * time.Second, 240 * time.Second, 540 * time.Second, 1140 * time.Second}
		if !slices.Equal(probes, want) {
			t.Errorf("probes at %v, want %v", probes, want)
		}
		streak, err := b.store.Streak(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		if until := streak.PausedUntil.Sub(start).Round(time.Second); until != 2940*time.Second || streak.Spell != 6 {
			t.Errorf("paused until %v in spell %d", until, streak.Spell)
		}

		down.mended.Store(true)
		time.Sleep(time.Hour)
		b.checkTried(ids, 4)
		// One for the deliveries that were given up, and one for the pause.
		if news[engine.SystemWebhookFailing] != 2 || news[engine.SystemWebhookRecovered] != 1 {
			t.Errorf("news: %v", news)
		}
		if streak, err = b.store.Streak(t.Context(), w.ID); err != nil || streak.Attempts != 0 {
			t.Errorf("the streak goes on: %+v, %v", streak, err)
		}
	})
}

// checkTried checks that every delivery ended, and that none was given up before all its attempts were made.
func (b *bench) checkTried(ids []engine.DeliveryID, attempts int) {
	b.t.Helper()
	delivered := 0
	for _, id := range ids {
		d, err := b.store.Delivery(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		switch {
		case d.State == engine.StateDelivered:
			delivered++
		case d.State != engine.StateFailed || d.Attempts != attempts:
			b.t.Errorf("%s is %s after %d attempts", id, d.State, d.Attempts)
		}
	}
	if delivered < len(ids)*9/10 {
		b.t.Errorf("%d of %d were delivered", delivered, len(ids))
	}
}

// backlog brings a webhook of b to its first pause.
func (b *bench) backlog() []engine.DeliveryID {
	b.t.Helper()
	var ids []engine.DeliveryID
	for range 40 {
		ids = append(ids, b.post("").Deliveries[0].ID)
		time.Sleep(time.Second)
	}
	synctest.Wait()
	if pauses, err := b.store.Pauses(b.t.Context()); err != nil || len(pauses) != 1 {
		b.t.Fatalf("pauses: %v, %v", pauses, err)
	}
	return ids
}

func TestResumedByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(nil)
		ids := b.backlog()
		down.mended.Store(true)
		if err := b.engine.ResumeWebhook(t.Context(), engine.System, w.ID); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		time.Sleep(5 * time.Second) // the longest wait of a retry that was set before
		b.checkTried(ids[26:], 4)
		if last := b.wire.seen()[len(b.wire.seen())-1].at; last.Sub(before) > 5*time.Second {
			t.Errorf("the last delivery was sent %v later", last.Sub(before))
		}
		if err := b.engine.ResumeWebhook(t.Context(), engine.System, w.ID); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("resumed again: %v", err)
		}
	})
}

// TestRetryNowWhilePaused: what a person asks for is sent at once, and its success ends the pause.
func TestRetryNowWhilePaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		b.webhook(nil)
		ids := b.backlog()
		failed := ids[0]
		sent := len(b.wire.seen())
		if _, err := b.engine.Resend(t.Context(), engine.System, failed); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(b.wire.seen()) - sent; n != 1 || b.wire.seen()[sent].id != failed.String() {
			t.Fatalf("%d requests were sent", n)
		}
		down.mended.Store(true)
		if _, err := b.engine.Resend(t.Context(), engine.System, failed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if d, err := b.store.Delivery(t.Context(), failed); err != nil || d.State != engine.StateDelivered {
			t.Errorf("delivery: %v, %v", d.State, err)
		}
		if pauses, err := b.store.Pauses(t.Context()); err != nil || len(pauses) != 0 {
			t.Errorf("pauses: %v, %v", pauses, err)
		}
		time.Sleep(5 * time.Second)
		b.checkTried(ids[26:], 4)
	})
}

// TestAskedForOutlivesPause: what a person asked for while the webhook was paused is sent though the next pause begins
// before its turn has come.
func TestAskedForOutlivesPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{SendersPerWebhook: 2})
		var down outage
		var slow atomic.Bool
		b.wire.answer = func(ctx context.Context, a arrival, nth int) (int, error) {
			if slow.Load() {
				time.Sleep(20 * time.Second)
			}
			return down.answer(ctx, a, nth)
		}
		w := b.webhook(nil)
		ids := b.backlog()[:6]
		before, err := b.store.Streak(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		slow.Store(true)
		sent := len(b.wire.seen())
		for _, id := range ids {
			if _, err := b.engine.Resend(t.Context(), engine.System, id); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * time.Second)
		after, err := b.store.Streak(t.Context(), w.ID)
		if err != nil || after.Spell <= before.Spell {
			t.Fatalf("no second pause began: %+v, %v", after, err)
		}
		for _, id := range ids {
			if !slices.ContainsFunc(b.wire.seen()[sent:], func(a arrival) bool { return a.id == id.String() }) {
				t.Errorf("%s was not sent", id)
			}
		}
	})
}

// TestPauseOutlivesRestart stops the engine during a pause: the next one sends nothing before the probe is due.
func TestPauseOutlivesRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(nil)
		ids := b.backlog()
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		sent := len(b.wire.seen())
		b.start(engine.Limits{})
		streak, err := b.store.Streak(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(streak.PausedUntil) - time.Millisecond)
		synctest.Wait()
		if n := len(b.wire.seen()) - sent; n != 0 {
			t.Errorf("%d requests were sent during the pause", n)
		}
		down.mended.Store(true)
		time.Sleep(10 * time.Second)
		b.checkTried(ids[26:], 4)
	})
}

// TestGatesAreNotPaused: a webhook that holds a lane goes on trying however often it fails.
func TestGatesAreNotPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(func(w *engine.Webhook) { w.Blocking = true })
		for range 90 {
			b.postLab(engine.LabScored, time.Now().Unix())
			time.Sleep(time.Second)
		}
		synctest.Wait()
		streak, err := b.store.Streak(t.Context(), w.ID)
		if err != nil || streak.Paused() || streak.Attempts < 300 {
			t.Errorf("streak: %+v, %v", streak, err)
		}
	})
}

// TestGateEndsPause: a paused webhook is sent for again once it holds a lane.
func TestGateEndsPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		var down outage
		b.wire.answer = down.answer
		w := b.webhook(nil)
		b.backlog()
		w, err := b.store.Webhook(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.Blocking = true
		if _, err := b.store.UpdateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
		sent := len(b.wire.seen())
		id := b.postLab(engine.LabScored, 77).Deliveries[0].ID
		time.Sleep(time.Second)
		if pauses, err := b.store.Pauses(t.Context()); err != nil || len(pauses) != 0 {
			t.Errorf("pauses: %v, %v", pauses, err)
		}
		if !slices.ContainsFunc(b.wire.seen()[sent:], func(a arrival) bool { return a.id == id.String() }) {
			t.Error("the delivery that holds the gate was not sent")
		}
	})
}

// TestOneDeliveryIsNotPaused: one delivery that is retried is no backlog, however often it fails.
func TestOneDeliveryIsNotPaused(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var s engine.Streak
	d := engine.Delivery{ID: engine.NewID[engine.DeliveryID](), State: engine.StateRetrying}
	for i := range 100 {
		if s = s.Fail(&d, false, engine.DefaultSite.PauseRule(), now.Add(time.Duration(i)*time.Hour)); s.Paused() {
			t.Fatalf("paused after %d attempts of one delivery", i+1)
		}
	}
	// Nor is a burst that is over after some seconds.
	s = engine.Streak{}
	for i := range 1000 {
		other := engine.Delivery{ID: engine.DeliveryID(i + 1), State: engine.StateRetrying}
		if s = s.Fail(&other, false, engine.DefaultSite.PauseRule(), now.Add(time.Duration(i)*29*time.Millisecond)); s.Paused() {
			t.Fatalf("paused after %d attempts within %s", i+1, time.Duration(i)*29*time.Millisecond)
		}
	}
}
