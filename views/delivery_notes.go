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

// slowShare is the part of its timeout that an answer may take before the page warns.
const slowShare = 0.5

// slowNote warns of an answer that came in time, but not long before the timeout; "" otherwise. The timeout is known
// while the webhook is as it was.
func slowNote(w *engine.Webhook, a *engine.Attempt) string {
	took := a.Duration()
	if a.Outcome.Class != "" || a.WebhookVersion != w.Version || float64(took) < slowShare*float64(w.Timeout) {
		return ""
	}
	return fmt.Sprintf("Slow: the answer took %s of the %s that the timeout allows. Let the receiver answer first and work later.", Duration(took), Duration(w.Timeout))
}

// certificateShort is how long before its end the page begins to warn of a receiver's certificate.
const certificateShort = 14 * 24 * time.Hour

// certificateNote warns of a receiver's certificate that had ended when the attempt was made, or was about to; "" otherwise.
func certificateNote(p Page, a *engine.Attempt) string {
	ends := a.Secure.CertificateEnds
	if ends.IsZero() || ends.Sub(a.StartedAt) > certificateShort {
		return ""
	}
	when := clock(p.Now, ends, p.Zone)
	switch {
	case !ends.After(a.StartedAt):
		return fmt.Sprintf("The receiver's certificate ended at %s. Its operator has to renew it.", when)
	case !ends.After(p.Now):
		return fmt.Sprintf("The receiver's certificate was to end at %s, which has passed. Nothing is delivered any more unless it was renewed.", when)
	}
	return fmt.Sprintf("The receiver's certificate ends soon, at %s. Its operator has to renew it, or nothing is delivered any more.", when)
}

// timeoutNumbers says where the time of an attempt went that ended by its timeout.
func timeoutNumbers(w *engine.Webhook, a *engine.Attempt) string {
	t := a.Timings
	words := fmt.Sprintf("It was given up after %s", Duration(a.Duration()))
	if a.WebhookVersion == w.Version {
		words += fmt.Sprintf(", the timeout is %s", Duration(w.Timeout))
	}
	switch {
	case t.Body > 0:
		words += fmt.Sprintf(": the answer began after %s and went on for %s without an end", Duration(micros(t.Total-t.Body)), Duration(micros(t.Body)))
	case t.Wait > 0:
		words += fmt.Sprintf(": the connection stood after %s, then no answer came for %s", Duration(micros(t.DNS+t.Connect+t.TLS)), Duration(micros(t.Wait)))
	case t.TLS > 0:
		words += ": the secure connection was not made in that time"
	default:
		words += ": no connection was made in that time"
	}
	return words + "."
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
