package views

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// WebhookDetail is a webhook's page.
type WebhookDetail struct {
	Page     Page
	Webhook  engine.Webhook
	Consumer engine.APIConsumer
	// Unusable says why nothing is sent for it now; empty: it is.
	Unusable string
	Streak   engine.Streak    // of attempts that failed
	Recovery *engine.Recovery // that goes on; nil: none does
	Health   WebhookHealth
	// Durations are those of the answers in the same 24 hours.
	Durations engine.Durations
	Latest    DeliveryTable
}

// WebhookHealth is what a webhook's last 24 hours came to.
type WebhookHealth struct {
	engine.Counts
	LastStatus int
	LastClass  engine.FailureClass
	LastAt     time.Time // zero: nothing was sent
}

// state says in a sentence how the webhook does.
func (d WebhookDetail) state() string {
	const kept = " Events are accepted and kept, nothing is sent to this webhook."
	w := &d.Webhook
	switch {
	case w.DeletedAt.IsZero() && !w.Enabled && !w.DeactivatedAt.IsZero():
		return d.deactivated() + kept
	case d.Unusable != "":
		return d.Unusable + kept
	case d.Streak.Paused():
		return fmt.Sprintf("Paused until %s: %s failed in a row since %s. Its deliveries wait, and none is given up meanwhile. At the end of the pause one of them is sent as a probe.",
			until(d.Page, d.Streak.PausedUntil), Plural(d.Streak.Attempts, "attempt", "attempts"), d.at(d.Streak.Since))
	}
	h := d.Health
	if h.LastAt.IsZero() {
		return "Nothing was sent in the last 24 hours."
	}
	last := fmt.Sprintf("last answer %s at %s", AnswerWord(h.LastClass, h.LastStatus), d.at(h.LastAt))
	if h.LastClass != "" && h.LastClass != engine.ClassStatus {
		last = fmt.Sprintf("last attempt ended in %q at %s", AnswerWord(h.LastClass, 0), d.at(h.LastAt))
	}
	day := fmt.Sprintf("%s delivered and %s failed in the last 24 hours.", Number(h.Delivered), Number(h.Failed))
	if h.LastClass == "" {
		return "Working: " + last + ". " + day
	}
	since := ""
	if d.Streak.Attempts > 1 {
		since = fmt.Sprintf(" since %s, %d attempts in a row", d.at(d.Streak.Since), d.Streak.Attempts)
	}
	return "Failing" + since + ": " + last + ". " + day
}

// deactivated says when and why the webhook was switched off.
func (d WebhookDetail) deactivated() string {
	w := &d.Webhook
	if !w.DeactivateReason.ByItself() {
		return fmt.Sprintf("Disabled by hand at %s.", d.at(w.DeactivatedAt))
	}
	return fmt.Sprintf("Deactivated at %s, because %s (%s).", d.at(w.DeactivatedAt), w.DeactivateReason.Words(), w.DeactivateReason)
}

func (d WebhookDetail) at(t time.Time) string { return clock(d.Page.Now, t, d.Page.Zone) }

// missedURL is the page that recovers what the webhook missed since it was switched off.
func (d WebhookDetail) missedURL() string {
	if d.Webhook.DeactivatedAt.IsZero() {
		return WebhookRecoverURL(d.Webhook.ID)
	}
	return WebhookRecoverURL(d.Webhook.ID) + "?since=" + SinceDeactivated
}

// look is the look of the state's sentence.
func (d WebhookDetail) look() Look {
	switch {
	case !d.Webhook.Enabled && d.Webhook.DeactivateReason.ByItself():
		return LookFail
	case d.Unusable != "":
		return LookOff
	case d.Streak.Paused():
		return LookWarn
	case d.Health.LastAt.IsZero():
		return LookQueued
	case d.Health.LastClass == "":
		return LookOK
	}
	return LookFail
}

// signingState says how requests are signed, and whether a rotation goes on.
func signingState(p Page, g engine.Signing) string {
	words := signingWords(g) + "."
	if g.OldSecret != "" && g.OldUntil.After(p.Now) {
		words += " The secret before signs, too, until " + until(p, g.OldUntil) + "."
	}
	return words
}

// Setting is one setting of a webhook in words.
type Setting struct {
	Label, Value string
	Code         bool // Value is to be read letter by letter
}

// WebhookSettings lists a webhook's settings in the order of the form, secrets masked.
func WebhookSettings(catalog *engine.Catalog, w *engine.Webhook) []Setting {
	list := []Setting{
		{Label: "Name", Value: w.Name},
		{Label: "Event", Value: eventNames(catalog, w.Events)},
		{Label: "Verb", Value: w.Verb},
		{Label: "URL", Value: w.URL, Code: true},
		{Label: "Headers", Value: strings.TrimSpace(engine.FormatHeaders(w.Headers)), Code: true},
	}
	switch {
	case w.SendLabDetails:
		list = append(list, Setting{Label: "Content", Value: "Send Lab Details as Content Body"})
	case w.Content == "":
		list = append(list, Setting{Label: "Content", Value: "Empty"})
	default:
		list = append(list, Setting{Label: "Content", Value: w.Content, Code: true}, Setting{Label: "Content Type", Value: w.ContentType, Code: true})
	}
	list = append(list,
		Setting{Label: "Enabled", Value: yesNo(w.Enabled)},
		Setting{Label: "Blocking", Value: blockingWords(w)},
		Setting{Label: "Delay", Value: Duration(w.Delay)},
		Setting{Label: "Timeout", Value: Duration(w.Timeout)},
		Setting{Label: "Retries", Value: fmt.Sprint(w.Retries)},
		Setting{Label: "Error Action", Value: errorActionWords(w)},
	)
	if w.ErrorAction == engine.ErrorActionNotifyUser {
		list = append(list, Setting{Label: "Notification Text", Value: w.NotificationText})
	}
	return append(list, extraSettings(w)...)
}

// extraSettings are those that Studio's form does not have. What few webhooks have is listed where it is set.
func extraSettings(w *engine.Webhook) []Setting {
	var list []Setting
	if w.BasicAuth != (engine.BasicAuth{}) {
		list = append(list, Setting{Label: "Basic authentication", Value: "User " + w.BasicAuth.Username + ", password " + engine.Mask})
	}
	list = append(list, Setting{Label: "Signature", Value: signingWords(w.Signing)})
	if w.ClientCert != (engine.ClientCert{}) {
		list = append(list, Setting{Label: "Client certificate", Value: certWords(w.ClientCert.Certificate)})
	}
	policy := w.Policy().Label
	if w.RetryPolicy == engine.CustomPolicyName {
		policy += ". " + strings.Join(policyRules(&w.Custom), " ")
	}
	list = append(list, Setting{Label: "Retry policy", Value: policy})
	if rate := rateWords(w); rate != "" {
		list = append(list, Setting{Label: "Rate limit", Value: rate})
	}
	return append(list, Setting{Label: "Description", Value: w.Description})
}

// certWords names whom a certificate is for, and until when.
func certWords(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "Set"
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "Set"
	}
	return fmt.Sprintf("%s, until %s, number %x", cert.Subject, cert.NotAfter.UTC().Format("2006-01-02"), cert.SerialNumber)
}

// blockingWords says whether a webhook is blocking, and for how long at most.
func blockingWords(w *engine.Webhook) string {
	if !w.Blocking {
		return "No"
	}
	return "Yes, holds a lab up to " + Duration(w.LongestHold())
}

// errorActionWords names the error action, and that End Lab was confirmed.
func errorActionWords(w *engine.Webhook) string {
	if w.ErrorAction == engine.ErrorActionEndLab && w.EndLabConfirmed {
		return w.ErrorAction.Label() + ", even though learners may lose work"
	}
	return w.ErrorAction.Label()
}
