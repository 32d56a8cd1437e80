package db

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

// What became of the newest deliveries is counted from the deliveries themselves, tests and other webhooks left out, and
// never from more than so many.
func TestWebhookNewest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newWebhook(t, b.consumer.ID, "Other")
	before := time.Now()
	record := func(w engine.Webhook, number, status int, took time.Duration) engine.Delivery {
		d := b.accept(t, w, engine.StateSending, time.Time{})
		r := attempt(d, w, number, status)
		r.Attempt.Timings.Total = took.Microseconds()
		b.record(t, r)
		return d
	}
	last := b.webhook.AttemptsInAll()
	record(b.webhook, 1, 200, 15*time.Millisecond)
	record(b.webhook, 1, 503, 3*time.Second) // waits for the next attempt
	record(b.webhook, last, 503, 4*time.Second)
	record(b.webhook, last, 0, time.Second)
	newestOne := b.accept(t, b.webhook, engine.StateQueued, time.Now())
	record(other, 1, 500, time.Second)
	_, d := b.insertTest(t, b.webhook)
	b.record(t, attempt(d, b.webhook, 1, 200))

	got, err := b.WebhookNewest(t.Context(), b.webhook.ID, before.Add(-time.Hour))
	must(t, err)
	var sum engine.MinuteCounts
	for _, m := range got.Minutes { // two when a minute ended meanwhile
		sum.Add(m.Counts)
		sum.Durations.Add(m.Durations)
		if m.Minute != m.Minute.Truncate(time.Minute) {
			t.Errorf("counted in the minute %s", m.Minute)
		}
	}
	want := engine.MinuteCounts{Counts: engine.Counts{Delivered: 1, Failed: 2, Attempts: sum.Attempts}}
	for _, took := range []time.Duration{15 * time.Millisecond, 3 * time.Second, 4 * time.Second} {
		want.Durations.Count(took)
	}
	if diff := cmp.Diff(want, sum); diff != "" || sum.Attempts < 4 {
		t.Errorf("%d attempts; minutes (-want +got):\n%s", sum.Attempts, diff)
	}
	got.Minutes = nil
	if diff := cmp.Diff(engine.NewestCounts{
		Waiting: 2, Succeeded: 1, Since: before.Add(-time.Hour),
		Failures: []engine.FailureCount{{Class: engine.ClassStatus, Status: 503, Attempts: 2}, {Class: engine.ClassRefused, Attempts: 1}},
	}, got); diff != "" {
		t.Errorf("the whole (-want +got):\n%s", diff)
	}

	cut, err := b.webhookNewest(t.Context(), b.webhook.ID, before.Add(-time.Hour), 1)
	must(t, err)
	if cut.Waiting != 1 || !cut.Since.Equal(newestOne.CreatedAt.Truncate(time.Millisecond)) {
		t.Errorf("cut to one: %+v", cut)
	}
	if later, err := b.WebhookNewest(t.Context(), b.webhook.ID, time.Now().Add(time.Hour)); err != nil || len(later.Minutes) > 0 {
		t.Errorf("what is to come: %+v, %v", later, err)
	}
	checkPlan(t, "newest deliveries of a webhook", plan(t, b.Store, selectNewest, 1, 1, 1), "SCAN d")
}
