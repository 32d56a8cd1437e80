package views

import (
	"fmt"
	"slices"
	"strings"

	"labhook/engine"
)

// What a webhook's form says about the body. It is stored in two fields, as Studio does: SendLabDetails and Content.
const (
	BodyLabDetails = "lab_details"
	BodyOwn        = "own"
	BodyEmpty      = "empty"
)

// WebhookForm is the form of Add and Edit Webhook with its values as they were typed, so that a wrong one comes back
// as it was. The names of its fields are those of the API.
type WebhookForm struct {
	Page     Page
	Consumer engine.APIConsumer
	ID       engine.WebhookID // zero: Add
	Version  int              // that the form was filled from
	Model    engine.WebhookID // of which the new one is a copy; zero: of none

	Name        string
	AllEvents   bool
	Events      []string
	Verb        string
	URL         string
	Headers     string
	Body        string // BodyLabDetails, BodyOwn or BodyEmpty
	Content     string
	ContentType string
	Enabled     bool
	Blocking    bool
	Delay       string
	Timeout     string
	Retries     string
	ErrorAction string

	EndLabConfirmed  bool
	NotificationText string
	Description      string

	BasicAuth   BasicAuthForm
	Signing     SigningForm
	ClientCert  ClientCertForm
	RetryPolicy string
	Custom      CustomPolicyForm
	RateLimit   string
	RateBurst   string

	// Retype names the fields into which a secret was typed that is not sent back.
	Retype  []string
	Preview WebhookPreview
}

// BasicAuthForm is a user and password as they were typed; a stored password is engine.Mask.
type BasicAuthForm struct{ Username, Password string }

// SigningForm is how requests are to be signed, as it was chosen; a stored secret is engine.Mask.
type SigningForm struct{ Scheme, Names, Header, Secret string }

// ClientCertForm is a certificate and its key as they were typed; a stored key is engine.Mask.
type ClientCertForm struct{ Certificate, Key string }

// CustomPolicyForm is the rules of a custom retry policy as they were typed.
type CustomPolicyForm struct {
	Waits, Success, On4xx, OnExhausted string
	GoneDeactivates                    bool
}

// secretFields are the rows whose value a page never sends back.
var secretFields = []string{"basic_auth.password", "signing.secret", "client_cert.key"}

// HideSecrets takes out of the form what was typed into its secret fields: a page never sends it back. It returns the
// problems that follow from that.
func (f *WebhookForm) HideSecrets() []engine.Invalid {
	var again []engine.Invalid
	for i, value := range []*string{&f.BasicAuth.Password, &f.Signing.Secret, &f.ClientCert.Key} {
		if *value == "" || *value == engine.Mask {
			continue
		}
		*value = ""
		f.Retype = append(f.Retype, secretFields[i])
		again = append(again, engine.Invalid{Field: secretFields[i], Message: retypeMessage(secretFields[i])})
	}
	return again
}

// retypeMessage asks for a secret once more.
func retypeMessage(field string) string {
	what := map[string]string{"basic_auth.password": "password", "signing.secret": "signing secret", "client_cert.key": "private key"}[field]
	return "Enter the " + what + " again: it is not sent back to the browser"
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

// wrong reports whether something is wrong with a field whose name begins so.
func (f WebhookForm) wrong(prefixes ...string) bool {
	return slices.ContainsFunc(f.Page.Problems, func(p engine.Invalid) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p.Field, prefix) })
	})
}

// listens reports whether the box of an event type is ticked.
func (f WebhookForm) listens(code string) bool { return slices.Contains(f.Events, code) }

// opensGroup reports whether a group of event types is open: where something in it is chosen, and the first one, with
// the usual events, where nothing is chosen at all.
func (f WebhookForm) opensGroup(group string) bool {
	chosen := false
	for _, t := range f.Page.Catalog.All() {
		if f.listens(t.Code) {
			if t.Group == group {
				return true
			}
			chosen = true
		}
	}
	return !chosen && group == f.Page.Catalog.Groups()[0]
}

// chosenIn counts the event types of a group that are chosen.
func (f WebhookForm) chosenIn(group string) int {
	n := 0
	for _, t := range f.Page.Catalog.InGroup(group) {
		if f.listens(t.Code) {
			n++
		}
	}
	return n
}

// groupHint says about a group of events what is to be known before one is chosen.
func groupHint(group string) string {
	switch group {
	case engine.GroupSystem:
		return "What Labhook itself has to say. Only a webhook that names them hears of them, and they hold nothing."
	case engine.GroupLifeCycle:
		return ""
	}
	return "Outside the life cycle of a lab: there is none to hold, so Blocking holds only what has the same subject, where the sender or the data name one."
}

// opensAuth reports whether something of the group Authentication and signing is set or wrong: a new webhook's signature
// is what every webhook has.
func (f WebhookForm) opensAuth() bool {
	usual := SigningForm{Scheme: string(engine.SigningV1), Names: string(engine.NamesWebhook)}
	signing := f.Signing
	if f.ID != 0 {
		signing.Secret = ""
	}
	return f.BasicAuth != (BasicAuthForm{}) || f.ClientCert != (ClientCertForm{}) || signing != usual ||
		len(f.Retype) > 0 || f.wrong("basic_auth", "signing", "client_cert")
}

// opensPolicy reports whether something of the group Retry policy and success is set or wrong.
func (f WebhookForm) opensPolicy() bool {
	return f.RetryPolicy != engine.StudioPolicy.Name || f.RateLimit+f.RateBurst != "" || f.wrong("retry_policy", "custom.", "rate_")
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

// WebhookPreview is what a form would do if it were saved.
type WebhookPreview struct {
	Warnings []string // what may be meant, and often is not

	Problem  string // why there is no timeline; empty: there is
	Timeline RetryTimeline

	RequestProblem string // why there is no request; empty: there is
	Request        string // first line and headers, secrets masked
	Body           BodyText
	Command        curl
	EventLabel     string // of the sample event
}

// SetRequest fills in the request as the engine renders it.
func (p *WebhookPreview) SetRequest(sent engine.SentRequest, eventLabel string) {
	attempt := &engine.Attempt{Request: sent}
	p.Request, p.Command = requestHead(attempt), newCurl(attempt)
	p.Body, p.EventLabel = NewBodyText(sent.Body, bodyShown, true), eventLabel
}
