package views

import (
	"fmt"
	"slices"
	"strings"

	"labhook/engine"
)

// CheckedRows are the rows of a webhook's form that are judged one at a time when their text has changed. Secrets are
// not among them: they would have to be sent back.
var CheckedRows = []string{
	"name", "url", "headers", "content", "content_type", "delay", "timeout", "retries", "notification_text", "description",
	"basic_auth.username", "signing.header", "client_cert.certificate", "custom.waits", "custom.success", "rate_limit", "rate_burst",
}

// field starts a row of the form.
func (f WebhookForm) field(id, label, hint, value string) Field {
	row := Field{ID: id, Label: label, Hint: hint, Value: value, Autocomplete: "off", Problems: f.Page.Problems}
	if slices.Contains(CheckedRows, id) {
		row.CheckURL = WebhookCheckURL(f.Consumer.ID, "field", id)
	}
	return row
}

// number is a row with a number.
func (f WebhookForm) number(id, label, hint, value string) Field {
	row := f.field(id, label, hint, value)
	row.InputMode, row.Short = "numeric", true
	return row
}

func (f WebhookForm) check(id, label, hint string, checked bool) Field {
	row := f.field(id, label, hint, "")
	row.Checked = checked
	return row
}

// area is a row with several lines.
func (f WebhookForm) area(id, label, hint, value string, rows int) Field {
	row := f.field(id, label, hint, value)
	row.Rows = rows
	return row
}

// row returns one of the rows with a text. It panics on a row that is none: the names are ours.
func (f WebhookForm) row(id string) Field {
	switch id {
	case "name":
		return f.field(id, "Name", "For example “LMS – lab scored”.", f.Name)
	case "url":
		row := f.field(id, "URL", "Where the request goes: a whole address that starts with https:// or http://.", f.URL)
		row.InputMode = "url"
		return row
	case "headers":
		return f.headersRow()
	case "content":
		return f.area(id, "Text", "Sent with its tokens replaced.", f.Content, 8)
	case "content_type":
		return f.field(id, "Content Type", "Empty: application/json where the text is JSON, else text/plain. Values of tokens are escaped for JSON, JSON lines, forms, XML, HTML and CSV; in other types they are put in as they are.", f.ContentType)
	case "delay":
		return f.number(id, "Delay (Seconds)", "Pause before the first attempt, 0 to 86,400.", f.Delay)
	case "timeout":
		return f.number(id, "Timeout (Seconds)", "How long one attempt may take, reading the answer included, 1 to 300.", f.Timeout)
	case "retries":
		row := f.number(id, "Retries", "Further attempts after the first one failed.", f.Retries)
		for i := range engine.RetryPolicies {
			row.HintsByPolicy = append(row.HintsByPolicy, Option{Value: engine.RetryPolicies[i].Name, Label: retriesHint(&engine.RetryPolicies[i])})
		}
		return row
	case "notification_text":
		return f.field(id, "Notification Text", "What the user is told. @lab.User.FirstName, @lab.LabInstance.Id and other tokens are replaced. Empty: “"+engine.StandardNotification+"”", f.NotificationText)
	case "description":
		row := f.field(id, "Description", "For the people who look after this webhook; it is not sent.", f.Description)
		row.Rows, row.Prose = 3, true
		return row
	}
	return f.extraRow(id)
}

// extraRow returns one of the rows with a text that Studio's form does not have.
func (f WebhookForm) extraRow(id string) Field {
	switch id {
	case "basic_auth.username":
		return f.field(id, "User", "Sent as an Authorization header, encoded for you. Empty: none is sent.", f.BasicAuth.Username)
	case "signing.header":
		return f.field(id, "Signature header", "The header that carries the hex signature, such as X-Signature.", f.Signing.Header)
	case "client_cert.certificate":
		return f.area(id, "Client certificate", "PEM, the certificate itself first, for receivers that ask who calls. Empty: none.", f.ClientCert.Certificate, 4)
	case "custom.waits":
		return f.field(id, "Waits", "Before retry 1, 2, …, such as 10s, 1m, 5m. The last one repeats.", f.Custom.Waits)
	case "custom.success":
		return f.field(id, "Success", "Statuses that count as delivered, from 200 to 399, such as 200-299, 304.", f.Custom.Success)
	case "rate_limit":
		return f.number(id, "Rate limit (requests a second)", fmt.Sprintf("1 to %s. Empty: no limit.", Number(engine.MaxRateLimit)), f.RateLimit)
	case "rate_burst":
		return f.number(id, "Burst", "Requests that may go at once within the limit. Empty: as many as the limit.", f.RateBurst)
	}
	panic("views: a webhook's form has no row " + id)
}

func (f WebhookForm) headersRow() Field {
	row := f.area("headers", "Headers",
		"One a line, Name: value or name=value. Secret values, such as that of Authorization, are stored encrypted and shown as "+engine.Mask+".",
		f.Headers, 4)
	if strings.Contains(f.Headers, engine.Mask) {
		row.Hint += " Leave the dots to keep a value; with another host in the URL enter it again."
	}
	return row
}

func (f WebhookForm) verbField() Field {
	row := f.field("verb", "Verb", "GET and DELETE send no body.", f.Verb)
	row.Short = true
	for _, verb := range engine.Verbs {
		row.Options = append(row.Options, Option{Value: verb, Label: verb})
	}
	return row
}

// secret is a row for a secret. What is stored is shown as dots.
func (f WebhookForm) secret(id, label, hint, value string) Field {
	row := f.field(id, label, hint, value)
	row.Type, row.Autocomplete = "password", "new-password"
	if value == engine.Mask {
		row.Hint = strings.TrimSpace(row.Hint + " Leave the dots to keep it.")
	}
	if slices.Contains(f.Retype, id) && !f.wrong(id) {
		row.Hint = strings.TrimSpace(retypeMessage(id) + ". " + row.Hint)
	}
	return row
}

func (f WebhookForm) passwordField() Field {
	return f.secret("basic_auth.password", "Password", "Stored encrypted.", f.BasicAuth.Password)
}

func (f WebhookForm) keyField() Field {
	row := f.secret("client_cert.key", "Private key", "PEM, of the certificate above. Stored encrypted.", f.ClientCert.Key)
	row.Rows = 4
	return row
}

func (f WebhookForm) signingSecretField() Field {
	return f.secret("signing.secret", "Signing secret", "Empty: one is made when the webhook is saved.", f.Signing.Secret)
}

func (f WebhookForm) schemeField() Field {
	row := f.field("signing.scheme", "Signature", "How a receiver knows that a request is genuine.", f.Signing.Scheme)
	for _, s := range engine.SigningSchemes {
		row.Options = append(row.Options, Option{Value: string(s), Label: schemeWord(s)})
	}
	return row
}

// schemeWord names a signing scheme.
func schemeWord(s engine.SigningScheme) string {
	switch s {
	case engine.SigningV1:
		return "Standard Webhooks v1: HMAC-SHA256, one secret on both sides"
	case engine.SigningV1a:
		return "Standard Webhooks v1a: Ed25519, receivers have a public key"
	case engine.SigningHex:
		return "Hex HMAC-SHA256 of the body, in a header of your own"
	}
	return "None"
}

func (f WebhookForm) namesField() Field {
	row := f.field("signing.names", "Header names", "Of id, time and signature. Receivers with a Svix library may look for svix-*.", f.Signing.Names)
	for _, n := range []engine.SigningNames{engine.NamesWebhook, engine.NamesSvix, engine.NamesBoth} {
		row.Options = append(row.Options, Option{Value: string(n), Label: namesWord(n)})
	}
	return row
}

// namesWord says under which names a signature is sent.
func namesWord(n engine.SigningNames) string {
	switch n {
	case engine.NamesSvix:
		return "svix-id, svix-timestamp, svix-signature"
	case engine.NamesBoth:
		return "Both, webhook-* and svix-*"
	}
	return "webhook-id, webhook-timestamp, webhook-signature"
}

func (f WebhookForm) policyField() Field {
	row := f.field("retry_policy", "Retry policy", "The pauses before the retries, and what answers mean.", f.RetryPolicy)
	for _, p := range engine.RetryPolicies {
		o := Option{Value: p.Name, Label: p.Label + ": " + waitsInShort(p.Waits)}
		if p.Name == engine.CustomPolicyName {
			o.Label = p.Label + ": waits of your own"
		}
		row.Options = append(row.Options, o)
	}
	return row
}

func (f WebhookForm) on4xxField() Field {
	row := f.field("custom.on_4xx", "An answer from 400 to 499", "", f.Custom.On4xx)
	for _, on := range []engine.On4xx{engine.On4xxRetry, engine.On4xxGiveUp, engine.On4xxDeactivate} {
		row.Options = append(row.Options, Option{Value: string(on), Label: upper(on4xxWords(on))})
	}
	return row
}

func (f WebhookForm) onExhaustedField() Field {
	row := f.field("custom.on_exhausted", "When the last retry has failed", "", f.Custom.OnExhausted)
	row.Options = []Option{
		{Value: string(engine.OnExhaustedErrorAction), Label: "The error action is applied"},
		{Value: string(engine.OnExhaustedDeactivate), Label: "The webhook is deactivated, too"},
	}
	return row
}
