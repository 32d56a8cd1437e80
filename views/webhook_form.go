package views

import (
	"fmt"
	"slices"
	"strings"

	"labhook/engine"
)

// WebhookForm is the form of Add and Edit Webhook with its values as they were typed, so that a wrong one comes back
// as it was. The names of its fields are those of the API.
type WebhookForm struct {
	Page     Page
	Consumer engine.APIConsumer
	ID       engine.WebhookID // zero: Add
	Version  int              // that the form was filled from

	Name           string
	AllEvents      bool
	Events         []string
	Verb           string
	URL            string
	Headers        string
	SendLabDetails bool
	Content        string
	ContentType    string
	Enabled        bool
	Blocking       bool
	Delay          string
	Timeout        string
	Retries        string
	RetryPolicy    string
	ErrorAction    string

	EndLabConfirmed  bool
	NotificationText string
	Description      string

	Preview WebhookPreview
}

// heading is the page's h1.
func (f WebhookForm) heading() string {
	if f.ID == 0 {
		return "Add Webhook"
	}
	return fmt.Sprintf("Edit Webhook, version %d", f.Version)
}

// action is where the form is posted, cancel where the person goes instead.
func (f WebhookForm) action() string {
	if f.ID == 0 {
		return NewWebhookURL(f.Consumer.ID)
	}
	return WebhookEditURL(f.ID)
}

func (f WebhookForm) cancel() string {
	if f.ID == 0 {
		return ConsumerURL(f.Consumer.ID)
	}
	return WebhookURL(f.ID)
}

// field starts a row of the form.
func (f WebhookForm) field(id, label, hint, value string) Field {
	return Field{ID: id, Label: label, Hint: hint, Value: value, Autocomplete: "off", Problems: f.Page.Problems}
}

// number is a row with a number.
func (f WebhookForm) number(id, label, hint, value string) Field {
	field := f.field(id, label, hint, value)
	field.InputMode, field.Short = "numeric", true
	return field
}

func (f WebhookForm) check(id, label, hint string, checked bool) Field {
	field := f.field(id, label, hint, "")
	field.Checked = checked
	return field
}

func (f WebhookForm) verbField() Field {
	field := f.field("verb", "Verb", "GET and DELETE send no body.", f.Verb)
	field.Short = true
	for _, verb := range engine.Verbs {
		field.Options = append(field.Options, Option{Value: verb, Label: verb})
	}
	return field
}

func (f WebhookForm) headersField() Field {
	field := f.field("headers", "Headers",
		"One a line, Name: value or name=value. Secret values, such as that of Authorization, are stored encrypted and shown as "+engine.Mask+".",
		f.Headers)
	if strings.Contains(f.Headers, engine.Mask) {
		field.Hint += " Leave the dots to keep a value."
	}
	field.Rows = 4
	return field
}

func (f WebhookForm) contentField() Field {
	field := f.field("content", "Content", "Sent as it stands. Leave it empty to send no body.", f.Content)
	field.Rows = 8
	return field
}

func (f WebhookForm) retriesField() Field {
	policy, ok := engine.RetryPolicyNamed(f.RetryPolicy)
	if !ok {
		policy = engine.StudioPolicy
	}
	waits := make([]string, len(policy.Waits))
	for i, wait := range policy.Waits {
		waits[i] = strings.ReplaceAll(Duration(wait), " ", "\u00a0") // number and unit stay in one line
	}
	return f.number("retries", "Retries", fmt.Sprintf("Further attempts after the first one failed, 0 to %d. The pauses before them are %s.",
		policy.MaxRetries, strings.Join(waits, ", ")), f.Retries)
}

// errorActionHint says what an error action does.
func errorActionHint(a engine.ErrorAction) string {
	switch a {
	case engine.ErrorActionNotifyUser:
		return "Also hands the lab platform a notification for the lab's user: in the answer to a sender that waits, and as the system event Lab Notification."
	case engine.ErrorActionEndLab:
		return "Also asks the lab platform to end the lab, in the same two ways. What the lab's deliveries hold is then skipped, all but Tearing Down and Torn Down. For events before the learner works in the lab."
	}
	return "Writes the failure on the delivery and in the log, whatever else is chosen."
}

// groupHint says about a group of events what is to be known before one is chosen.
func groupHint(group string) string {
	if group == engine.GroupSystem {
		return "What Labhook itself has to say. Only a webhook that names them hears of them, and they hold nothing."
	}
	return ""
}

// listens reports whether the box of an event type is ticked.
func (f WebhookForm) listens(code string) bool { return slices.Contains(f.Events, code) }

// WebhookPreview is what a form would do if it were saved.
type WebhookPreview struct {
	Problem  string // why there is no timeline; empty: there is
	Timeline RetryTimeline

	RequestProblem string // why there is no request; empty: there is
	Request        string // first line and headers, secrets masked
	Body           BodyText
	EventLabel     string // of the sample event
}

// SetRequest fills in the request as the engine renders it.
func (p *WebhookPreview) SetRequest(sent engine.SentRequest, eventLabel string) {
	p.Request = requestHead(&engine.Attempt{Request: sent})
	p.Body, p.EventLabel = NewBodyText(sent.Body, bodyShown, true), eventLabel
}
