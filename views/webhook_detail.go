package views

import (
	"fmt"
	"maps"
	"slices"
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
	Health   WebhookHealth
	Latest   DeliveryTable
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
	if d.Unusable != "" {
		return d.Unusable + " Events are accepted and kept, nothing is sent to this webhook."
	}
	h := d.Health
	if h.LastAt.IsZero() {
		return "Nothing was sent in the last 24 hours."
	}
	last := fmt.Sprintf("last answer %s at %s", AnswerWord(h.LastClass, h.LastStatus), clock(d.Page.Now, h.LastAt, d.Page.Zone))
	if h.LastClass != "" && h.LastClass != engine.ClassStatus {
		last = fmt.Sprintf("last attempt ended in %q at %s", AnswerWord(h.LastClass, 0), clock(d.Page.Now, h.LastAt, d.Page.Zone))
	}
	day := fmt.Sprintf("%s delivered and %s failed in the last 24 hours.", Number(h.Delivered), Number(h.Failed))
	if h.LastClass == "" {
		return "Working: " + last + ". " + day
	}
	return "Failing: " + last + ". " + day
}

// look is the look of the state's sentence.
func (d WebhookDetail) look() Look {
	switch {
	case d.Unusable != "":
		return LookOff
	case d.Health.LastAt.IsZero():
		return LookQueued
	case d.Health.LastClass == "":
		return LookOK
	}
	return LookFail
}

// Setting is one setting of a webhook in words.
type Setting struct {
	Label, Value string
	Code         bool // Value is to be read letter by letter
}

// WebhookSettings lists a webhook's settings in the order of the form, secrets masked.
func WebhookSettings(w *engine.Webhook) []Setting {
	list := []Setting{
		{Label: "Name", Value: w.Name},
		{Label: "Event", Value: eventNames(w.Events)},
		{Label: "Verb", Value: w.Verb},
		{Label: "URL", Value: w.URL, Code: true},
		{Label: "Headers", Value: strings.TrimSpace(engine.FormatHeaders(w.Headers)), Code: true},
		{Label: "Send Lab Details as Content Body", Value: yesNo(w.SendLabDetails)},
	}
	if !w.SendLabDetails {
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
	return append(list, Setting{Label: "Description", Value: w.Description})
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

// WebhookConflict is the page for a webhook that was changed while somebody else edited it.
type WebhookConflict struct {
	Page    Page
	Webhook engine.Webhook // as it is now
	Mine    engine.Webhook // as the form would have it
	// Posted is the form as it was sent, to be sent again.
	Posted map[string][]string
}

// SettingPair is a setting that differs.
type SettingPair struct{ Label, Mine, Theirs string }

// differences lists the settings in which the two differ. Values of secrets are not compared: they are not shown.
func (c WebhookConflict) differences() []SettingPair {
	theirs := map[string]string{}
	var pairs []SettingPair
	for _, s := range WebhookSettings(&c.Webhook) {
		theirs[s.Label] = s.Value
	}
	for _, s := range WebhookSettings(&c.Mine) {
		if s.Value != theirs[s.Label] {
			pairs = append(pairs, SettingPair{Label: s.Label, Mine: s.Value, Theirs: theirs[s.Label]})
		}
		delete(theirs, s.Label)
	}
	for _, s := range WebhookSettings(&c.Webhook) {
		if value := theirs[s.Label]; value != "" {
			pairs = append(pairs, SettingPair{Label: s.Label, Theirs: value})
		}
	}
	return pairs
}

// hidden are the posted values that Use mine sends again, the version left out.
func (c WebhookConflict) hidden() []Option {
	var list []Option
	for _, name := range slices.Sorted(maps.Keys(c.Posted)) {
		if name == "version" || name == "op" {
			continue
		}
		for _, value := range c.Posted[name] {
			list = append(list, Option{Label: name, Value: value})
		}
	}
	return list
}
