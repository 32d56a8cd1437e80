package db

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

// What a webhook's hours came to is counted as its attempts are recorded: outcomes, response times and failures. Tests
// of the webhook and other webhooks are not in it.
func TestActivityIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newWebhook(t, b.consumer.ID, "Other")
	record := func(w engine.Webhook, number, status int, took time.Duration) {
		r := attempt(b.accept(t, w, engine.StateSending, time.Time{}), w, number, status)
		r.Attempt.Timings.Total = took.Microseconds()
		b.record(t, r)
	}
	last := b.webhook.AttemptsInAll()
	record(b.webhook, 1, 200, 15*time.Millisecond)
	record(b.webhook, 1, 200, 18*time.Millisecond)
	record(b.webhook, last, 503, 3*time.Second)
	record(b.webhook, 1, 503, 4*time.Second)
	record(b.webhook, last, 0, time.Second)
	record(other, 1, 500, time.Second)
	_, d := b.insertTest(t, b.webhook)
	b.record(t, attempt(d, b.webhook, 1, 200))

	now := time.Now()
	hours, err := b.WebhookHours(t.Context(), b.webhook.ID, now.Add(-24*time.Hour), now)
	must(t, err)
	var sum engine.HourCounts
	for _, h := range hours { // two when the clock struck meanwhile
		sum.Add(h.Counts)
		sum.Durations.Add(h.Durations)
		if h.Hour != h.Hour.Truncate(time.Hour) || now.Sub(h.Hour) > 2*time.Hour {
			t.Errorf("counted in the hour %s", h.Hour)
		}
	}
	want := engine.HourCounts{Counts: engine.Counts{Delivered: 2, Failed: 2, Attempts: 5}}
	for _, took := range []time.Duration{15 * time.Millisecond, 18 * time.Millisecond, 3 * time.Second, 4 * time.Second} {
		want.Durations.Count(took)
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
	failures, err := b.WebhookFailures(t.Context(), b.webhook.ID, now.Add(-24*time.Hour), now)
	must(t, err)
	if diff := cmp.Diff([]engine.FailureCount{{Class: engine.ClassStatus, Status: 503, Attempts: 2}, {Class: engine.ClassRefused, Attempts: 1}}, failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	top, err := b.TopFailures(t.Context(), []engine.WebhookID{b.webhook.ID}, now.Add(-24*time.Hour), now)
	must(t, err)
	if diff := cmp.Diff(map[engine.WebhookID]engine.FailureCount{b.webhook.ID: failures[0]}, top); diff != "" {
		t.Errorf("most frequent failures (-want +got):\n%s", diff)
	}
	latest, err := b.LatestDurations(t.Context(), now)
	must(t, err)
	of := latest[other.ID]
	if latest[b.webhook.ID] != want.Durations || of.Total() != 1 {
		t.Errorf("response times of the latest hours: %v", latest)
	}
	if past, err := b.LatestDurations(t.Context(), now.Add(3*time.Hour)); err != nil || len(past) > 0 {
		t.Errorf("three hours later there are still %v, %v", past, err)
	}
	if later, err := b.WebhookHours(t.Context(), b.webhook.ID, now.Add(2*time.Hour), now.Add(3*time.Hour)); err != nil || len(later) > 0 {
		t.Errorf("hours to come have %+v, %v", later, err)
	}
	health, err := b.HealthOf(t.Context(), []engine.WebhookID{b.webhook.ID}, now)
	must(t, err)
	if h := health[b.webhook.ID]; len(health) != 1 || h.Counts != want.Counts {
		t.Errorf("health %+v, want %+v of one webhook", health, want.Counts)
	}
}

// What a page shows of one webhook is found by keys, however many webhooks there are.
func TestActivityPlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	hours := []string{
		"SCAN hours", "SCAN CONSTANT ROW", "SCAN h", "USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR GROUP BY",
		"USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY",
	}
	checkPlan(t, "hours of a webhook", plan(t, s, selectWebhookHours, 0, 1, "[1]"), hours...)
	checkPlan(t, "most frequent failures", plan(t, s, selectTopFailures, 0, 1, "[1]"), append(hours, "SCAN ids VIRTUAL TABLE INDEX 1:")...)
	checkPlan(t, "failures of a webhook", plan(t, s, selectWebhookFailures, 0, 1, 1), hours...)
	checkPlan(t, "health of webhooks", plan(t, s, selectHourlyOf+" ORDER BY r.hour", 0, 1, "[1]"), hours...)
	checkPlan(t, "latest response times", plan(t, s, selectDurations, 0))
	checkPlan(t, "deliveries that ended", plan(t, s, selectEndedCount, 0))
	checkPlan(t, "hour of all", plan(t, s, selectHour, 0))
}
