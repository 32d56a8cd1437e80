package views

import (
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

func TestAttemptNotes(t *testing.T) {
	t.Parallel()
	attempt := func(status int, outcome engine.OutcomeKind, wait time.Duration, headers ...string) *engine.Attempt {
		a := engine.Attempt{
			StartedAt: testNow, Answer: &engine.Answer{StatusCode: status, Headers: headers},
			Outcome: engine.Outcome{Kind: outcome, Class: engine.ClassStatus},
		}
		if wait > 0 {
			a.Outcome.RetryAt = testNow.Add(wait)
		}
		return &a
	}
	for _, test := range []struct {
		attempt *engine.Attempt
		want    string
	}{
		{attempt(503, engine.OutcomeRetry, 2*time.Second), ""},
		{attempt(500, engine.OutcomeRetry, 2*time.Second, "Retry-After: 120"), ""},
		{attempt(503, engine.OutcomeRetry, 2*time.Minute, "Retry-After: 120"), "The receiver asked to wait 2 min (Retry-After). Honoured."},
		{attempt(429, engine.OutcomeRetry, 5*time.Second, "Retry-After: 120"), "asked to wait 2 min (Retry-After). Honoured up to the longest pause of the retry policy: the next attempt was set 5 s later."},
		{attempt(503, engine.OutcomeGiveUp, 0, "Retry-After: Sat, 21 Nov 2026 14:03:11 GMT"), "asked to wait 1 min (Retry-After). There is no further attempt."},
	} {
		if got := retryAfterNote(test.attempt); got != test.want && (test.want == "" || !strings.HasSuffix(got, test.want)) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if got := redirectsTo(attempt(302, engine.OutcomeRetry, 0, "Location: https://elsewhere.example.com/\u202e")); got != "https://elsewhere.example.com/⟨U+202E⟩" {
		t.Errorf("the redirect leads to %q", got)
	}
	if got := redirectsTo(attempt(200, engine.OutcomeDelivered, 0, "Location: /x")); got != "" {
		t.Errorf("no redirect leads to %q", got)
	}
	if got := redirectsTo(&engine.Attempt{}); got != "" {
		t.Errorf("no answer leads to %q", got)
	}
	if got := unfilledNote(&engine.Attempt{Unfilled: []string{"@lab.User.Email", "{nobody}"}}); got != "Sent as they stand, as the event has nothing for them: @lab.User.Email, {nobody}" {
		t.Errorf("unfilled tokens: %q", got)
	}
}

func TestDeliveryOfWebhookThatIsOff(t *testing.T) {
	t.Parallel()
	d := DeliveryDetail{Page: testPage(), Webhook: engine.Webhook{Enabled: true}}
	d.Row.State = engine.StateRetrying
	d.Streak = engine.Streak{PausedUntil: testNow.Add(30 * time.Second)}
	if got := d.webhookNote(); got != "It waits: the webhook is paused until 14:02:41 UTC (in 30 s), then one probe goes." {
		t.Errorf("paused: %q", got)
	}
	for _, state := range []engine.DeliveryState{engine.StateDelivered, engine.StateHeld, engine.StateSending} {
		if d.Row.State = state; d.webhookNote() != "" {
			t.Errorf("%s: %q", state, d.webhookNote())
		}
	}
	d.InLine = true
	if d.webhookNote() == "" {
		t.Error("in line behind the pause: nothing is said")
	}
	d.Row.State = engine.StateFailed
	d.Webhook = engine.Webhook{DeactivateReason: engine.DeactivatedByGone, DeactivatedAt: testNow}
	if got := d.webhookNote(); got != "The webhook was deactivated at 14:02:11 UTC, because the receiver answered 410, it is gone for good." {
		t.Errorf("deactivated: %q", got)
	}
	d.Webhook.DeactivateReason = engine.DeactivatedByHand
	if got := d.webhookNote(); got != "" {
		t.Errorf("disabled by hand: %q", got)
	}
}
