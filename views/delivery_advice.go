package views

import (
	"fmt"
	"net/url"
	"strings"

	"labhook/engine"
)

// whatToCheck says in sentences what to look at when an attempt failed, with what is known of it. w is the webhook as
// it is now.
func whatToCheck(w *engine.Webhook, a *engine.Attempt) string {
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
	}
	return strings.TrimSpace(a.Outcome.Class.Advice(status) + " " + checkDetail(w, a, status))
}

// checkDetail adds to the general advice what this attempt tells.
func checkDetail(w *engine.Webhook, a *engine.Attempt, status int) string {
	switch a.Outcome.Class {
	case engine.ClassDNS:
		if u, err := url.Parse(a.Request.URL); err == nil {
			return fmt.Sprintf("The name is %s.", u.Hostname())
		}
	case engine.ClassTimeout:
		return timeoutNumbers(w, a)
	case engine.ClassTLS:
		return certificateWords(a.Outcome.Error)
	case engine.ClassStatus:
		switch status {
		case 404, 405:
			return fmt.Sprintf("The verb was %s.", a.Request.Verb)
		case 415:
			if sent := headerValue(a.Request.Headers, "Content-Type"); sent != "" {
				return fmt.Sprintf("It was sent as %s.", sent)
			}
			return "It was sent without a Content-Type."
		}
	}
	return ""
}

// tlsWords explain what package crypto/tls says, by a part of its words.
var tlsWords = []struct{ part, words string }{
	{"has expired or is not yet valid", "The certificate has expired, or is not valid yet."},
	{"unknown authority", "The certificate does not lead to an authority that this host trusts: the receiver may leave out the certificates between, or it needs --ca-file."},
	{"certificate is valid for", "The certificate is for other names than that of the URL."},
	{"not valid for any names", "The certificate is for other names than that of the URL."},
	{"IP SANs", "The certificate is not for an IP address: enter the name that it is for."},
	{"does not look like a TLS handshake", "Plain HTTP is spoken at that port: check the port, or whether the URL should begin with http://."},
	{"HTTP response to HTTPS client", "Plain HTTP is spoken at that port: check the port, or whether the URL should begin with http://."},
	{"certificate required", "The receiver wants a client certificate."},
	{"bad certificate", "The receiver refused the client certificate."},
	{"protocol version", "The receiver offers no TLS version that is still safe: 1.2 is the least."},
}

// certificateWords explains an error of package crypto/tls; "" when its words are not known.
func certificateWords(text string) string {
	for _, t := range tlsWords {
		if strings.Contains(text, t.part) {
			return t.words
		}
	}
	return ""
}

// headerValue returns the value of the first header line of that name, "" when there is none.
func headerValue(lines []string, name string) string {
	for _, line := range lines {
		if key, value, _ := strings.Cut(line, ": "); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// firewalled reports whether a failure may be a firewall's doing, which must let this host's addresses in.
func firewalled(c engine.FailureClass) bool {
	return c == engine.ClassRefused || c == engine.ClassTimeout || c == engine.ClassReset
}
