package engine

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// minMasked is how many bytes a secret must have to be looked for in answers: shorter ones occur by themselves.
const minMasked = 6

// secretsOf returns the secrets of a webhook in the forms in which a receiver may echo them.
func secretsOf(w *Webhook) []string {
	var secrets []string
	for _, h := range w.Headers {
		if h.Sensitive {
			secrets = appendSecrets(secrets, h.Value.Reveal())
		}
	}
	if w.BasicAuth != (BasicAuth{}) {
		secrets = appendSecrets(secrets, w.BasicAuth.header())
	}
	for _, secret := range []Secret{w.Signing.Secret, w.Signing.OldSecret} {
		text := secret.Reveal()
		secrets = appendForms(secrets, text)
		for _, prefix := range [...]string{prefixHMAC, prefixPrivate} {
			if encoded, ok := strings.CutPrefix(text, prefix); ok {
				secrets = appendForms(secrets, encoded)
			}
		}
	}
	return secrets
}

// appendSecrets adds what is secret of a header's value: all of it, what follows a scheme such as Bearer, and the user and
// password that Basic encodes.
func appendSecrets(secrets []string, value string) []string {
	secrets = appendForms(secrets, value)
	scheme, credentials, ok := strings.Cut(value, " ")
	if !ok {
		return secrets
	}
	secrets = appendForms(secrets, credentials)
	if strings.EqualFold(scheme, "Basic") {
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			secrets = appendForms(secrets, string(plain))
			_, password, _ := strings.Cut(string(plain), ":")
			secrets = appendForms(secrets, password)
		}
	}
	return secrets
}

// appendForms adds a secret as it is, in base64, and as it stands in a JSON string and in a URL.
func appendForms(secrets []string, secret string) []string {
	if len(secret) < minMasked {
		return secrets
	}
	for _, form := range [...]string{
		secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		inJSONString(secret), url.QueryEscape(secret), url.PathEscape(secret),
	} {
		if !slices.Contains(secrets, form) {
			secrets = append(secrets, form)
		}
	}
	return secrets
}

// mask hides secrets where a receiver echoes them.
func (a *Answer) mask(secrets []string) {
	if a == nil || !a.echoes(secrets) {
		return
	}
	// Of two secrets that begin at the same place, the longer one is hidden.
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, Mask)
	}
	masks := strings.NewReplacer(pairs...)
	for i, line := range a.Headers {
		a.Headers[i] = masks.Replace(line)
	}
	a.Reason = masks.Replace(a.Reason)
	a.Body = []byte(masks.Replace(string(a.Body)))
	if a.Truncated {
		a.Body = cutSecret(a.Body, secrets)
	}
}

// echoes reports whether a secret, or at the end of a body that was cut off the beginning of one, is in the answer.
// Few receivers echo what they got, so that this is all that most answers cost.
func (a *Answer) echoes(secrets []string) bool {
	body := string(a.Body)
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return strings.Contains(body, secret) || strings.Contains(a.Reason, secret) ||
			slices.ContainsFunc(a.Headers, func(line string) bool { return strings.Contains(line, secret) })
	}) || a.Truncated && len(cutSecret(a.Body, secrets)) < len(a.Body)
}

// cutSecret takes the beginning of a secret off the end of a body that went on.
func cutSecret(body []byte, secrets []string) []byte {
	for _, secret := range secrets {
		for n := min(len(secret)-1, len(body)); n >= minMasked; n-- {
			if bytes.HasSuffix(body, []byte(secret[:n])) {
				return body[:len(body)-n]
			}
		}
	}
	return body
}
