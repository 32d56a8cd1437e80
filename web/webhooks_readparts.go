package web

import (
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// readBody sets Studio's two fields as the form chooses.
func readBody(f views.WebhookForm, w, before *engine.Webhook) []engine.Invalid {
	if lines(before.Content) != f.Content {
		w.Content = f.Content
	}
	w.SendLabDetails = false
	switch {
	case f.Body == views.BodyEmpty:
		w.Content = ""
	case f.Body != views.BodyOwn:
		w.SendLabDetails = true
	case f.Content == "":
		return []engine.Invalid{{Field: "content", Message: "Enter the content, or choose Empty"}}
	}
	return nil
}

// readCustomPolicy sets the retry policy.
func readCustomPolicy(f views.WebhookForm, w *engine.Webhook) (problems []engine.Invalid) {
	w.RetryPolicy, w.Custom = f.RetryPolicy, engine.RetryPolicy{}
	if w.RetryPolicy != engine.CustomPolicyName {
		return nil
	}
	w.Custom = engine.CustomPolicy
	w.Custom.Waits, w.Custom.Success = nil, nil
	w.Custom.On4xx, w.Custom.OnExhausted = engine.On4xx(f.Custom.On4xx), engine.OnExhausted(f.Custom.OnExhausted)
	w.Custom.GoneDeactivates = f.Custom.GoneDeactivates
	var err error
	if f.Custom.Waits != "" {
		if w.Custom.Waits, err = engine.ParseWaits(f.Custom.Waits); err != nil {
			problems = append(problems, engine.Invalid{Field: "custom.waits", Message: upperFirst(err.Error())})
		}
	}
	if f.Custom.Success != "" {
		if w.Custom.Success, err = engine.ParseRanges(f.Custom.Success); err != nil {
			problems = append(problems, engine.Invalid{Field: "custom.success", Message: upperFirst(err.Error())})
		}
	}
	return problems
}

// readAuth sets how a receiver knows who calls.
func readAuth(f views.WebhookForm, w, before *engine.Webhook) {
	w.BasicAuth = engine.BasicAuth{Username: f.BasicAuth.Username, Password: engine.Secret(f.BasicAuth.Password)}
	w.Signing = engine.Signing{
		Scheme: engine.SigningScheme(f.Signing.Scheme), Names: engine.SigningNames(f.Signing.Names), Secret: engine.Secret(f.Signing.Secret),
	}
	if w.Signing.Names == engine.NamesWebhook && before.Signing.Names == "" {
		w.Signing.Names = "" // which means the same
	}
	// The row is out of sight for the others.
	if w.Signing.Scheme == engine.SigningHex {
		w.Signing.Header = f.Signing.Header
	}
	w.ClientCert = engine.ClientCert{Certificate: f.ClientCert.Certificate, Key: engine.Secret(f.ClientCert.Key)}
	if strings.TrimSpace(lines(before.ClientCert.Certificate)) == f.ClientCert.Certificate {
		w.ClientCert.Certificate = before.ClientCert.Certificate
	}
}

// readSeconds reads a number of seconds.
func readSeconds(text string) time.Duration {
	n := readNumber(text)
	if n < 0 || n > int(engine.MaxDelay/time.Second) {
		return wrongNumber
	}
	return time.Duration(n) * time.Second
}

func readNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return wrongNumber
	}
	return n
}

// readOptional reads a number that may be absent, which is 0.
func readOptional(text string) int {
	if text == "" {
		return 0
	}
	return readNumber(text)
}
