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

// The numbers of a timeout say which part of the attempt took the time, and an answer that was nearly too late is told.
func TestTimeInNumbers(t *testing.T) {
	t.Parallel()
	w := engine.Webhook{Timeout: 10 * time.Second, Version: 2}
	timedOut := func(timings engine.Timings) *engine.Attempt {
		timings.Total = 10_000_000
		return &engine.Attempt{WebhookVersion: 2, Timings: timings, Outcome: engine.Outcome{Class: engine.ClassTimeout}}
	}
	for _, test := range []struct {
		timings engine.Timings
		want    string
	}{
		{engine.Timings{}, "It was given up after 10 s, the timeout is 10 s: no connection was made in that time."},
		{engine.Timings{Connect: 1000, TLS: 9_000_000}, "It was given up after 10 s, the timeout is 10 s: the secure connection was not made in that time."},
		{engine.Timings{Connect: 12_000, Wait: 9_900_000}, "It was given up after 10 s, the timeout is 10 s: the connection stood after 12 ms, then no answer came for 9.9 s."},
		{engine.Timings{Connect: 12_000, Wait: 900_000, Body: 9_000_000}, "It was given up after 10 s, the timeout is 10 s: the answer began after 1 s and went on for 9 s without an end."},
	} {
		if got := timeoutNumbers(&w, timedOut(test.timings)); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	old := timedOut(engine.Timings{})
	if old.WebhookVersion = 1; timeoutNumbers(&w, old) != "It was given up after 10 s: no connection was made in that time." {
		t.Errorf("of another version: %q", timeoutNumbers(&w, old))
	}
	answered := timedOut(engine.Timings{})
	answered.Outcome.Class = ""
	for total, want := range map[int64]string{4_900_000: "", 8_000_000: "Slow: the answer took 8 s of the 10 s that the timeout allows. Let the receiver answer first and work later."} {
		answered.Timings.Total = total
		if got := slowNote(&w, answered); got != want {
			t.Errorf("%d µs: %q, want %q", total, got, want)
		}
	}
}
