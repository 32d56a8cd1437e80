package db

import (
	"testing"
	"time"

	"labhook/engine"
)

// A delivery counts once, by how it ended at last: sent again it does not count until it has ended again, also in an hour
// that is over and kept in memory.
func TestSentAgainCountsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	counts := func() engine.Counts {
		t.Helper()
		h, err := b.Health(t.Context(), time.Now())
		must(t, err)
		return h.Last24h.Counts
	}
	check := func(when string, delivered, failed int64) {
		t.Helper()
		if got := counts(); got.Delivered != delivered || got.Failed != failed {
			t.Errorf("%s: %d delivered and %d failed, want %d and %d", when, got.Delivered, got.Failed, delivered, failed)
		}
	}
	end := func(d engine.Delivery, status int) engine.Delivery {
		t.Helper()
		r := attempt(d, b.webhook, d.Attempts-d.RoundStart+1, status)
		r.Attempt.Outcome = engine.Outcome{Kind: engine.OutcomeDelivered}
		if status != 200 {
			r.Attempt.Outcome = engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassStatus}
		}
		r.Change = r.Attempt.Outcome.Change(time.Now(), status)
		return b.record(t, r)
	}
	again := func(d engine.Delivery) engine.Delivery {
		t.Helper()
		_, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepResend, Now: time.Now()})
		must(t, err)
		claim, err := b.ClaimDelivery(t.Context(), time.Now(), d.ID)
		must(t, err)
		return claim.Delivery
	}
	d := end(b.accept(t, b.webhook, engine.StateSending, time.Time{}), 503)
	check("failed", 0, 1)
	d = again(d)
	check("sent again", 0, 0)
	d = end(d, 503)
	check("failed again", 0, 1)
	d = end(again(d), 200)
	check("delivered at last", 1, 0)

	hour := time.Now().Truncate(time.Hour)
	b.past.put(hour.UTC(), hourCounts{}, b.past.age) // as if it had been read when it was over
	check("from memory", 0, 0)
	again(d)
	end(b.accept(t, b.webhook, engine.StateSending, time.Time{}), 200)
	check("after a change of an hour in memory", 1, 0)
}
