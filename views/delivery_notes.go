package views

import (
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// redirectsTo is where an answer sends, "" when it does not.
func redirectsTo(a *engine.Attempt) string {
	if a.Answer == nil || a.Answer.StatusCode < 300 || a.Answer.StatusCode > 399 {
		return ""
	}
	return Printable([]byte(a.Answer.Header("Location")))
}

// retryAfterNote says how long the receiver asked to wait, and what came of that; "" when it did not ask.
func retryAfterNote(a *engine.Attempt) string {
	ended := a.StartedAt.Add(a.Duration())
	if a.Outcome.Class == "" {
		return ""
	}
	asked, ok := a.Answer.RetryAfter(ended)
	if !ok {
		return ""
	}
	note := fmt.Sprintf("The receiver asked to wait %s (Retry-After). ", Duration(asked))
	waits := a.Outcome.RetryAt.Sub(ended).Round(time.Second)
	switch {
	case a.Outcome.Kind != engine.OutcomeRetry:
		return note + "There is no further attempt."
	case waits < asked.Truncate(time.Second):
		return note + fmt.Sprintf("Honoured up to the longest pause of the retry policy: the next attempt was set %s later.", Duration(waits))
	}
	return note + "Honoured."
}

// unfilledNote names the tokens that were sent as they stand, "" when there were none.
func unfilledNote(a *engine.Attempt) string {
	if len(a.Unfilled) == 0 {
		return ""
	}
	return "Sent as they stand, as the event has nothing for them: " + Printable([]byte(strings.Join(a.Unfilled, ", ")))
}

// webhookNote says what about the webhook keeps the delivery from being sent, "" when nothing does.
func (d DeliveryDetail) webhookNote() string {
	w := &d.Webhook
	switch {
	case !w.Enabled && w.DeletedAt.IsZero() && w.DeactivateReason.ByItself():
		return fmt.Sprintf("The webhook was deactivated at %s, because %s.", d.at(w.DeactivatedAt), w.DeactivateReason.Words())
	case d.Row.State.Final() || d.Row.State == engine.StateHeld || d.Row.State == engine.StateSending && !d.InLine || !d.Streak.Paused():
		return ""
	}
	return "It waits: the webhook is paused until " + until(d.Page, d.Streak.PausedUntil) + ", then one probe goes."
}
