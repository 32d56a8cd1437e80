package engine

import (
	"net/url"
	"strings"
	"time"
)

// KeepMasked puts the secrets of before in the place of the masks in w, so that a client or a form can send a webhook
// back without the secrets that it was not shown. A signing secret is kept where none was sent, too: only a rotation,
// another secret or another scheme takes it away. A mask that stands for nothing stays, and Validate refuses it.
//
// Nor does a mask stand for a header's value or a password when the URL leads to another scheme, host or port: who may
// change a webhook could send to a host of their own what they may not read. Signing secrets and the key of a certificate
// are kept, for no request carries them.
func (w *Webhook) KeepMasked(before *Webhook) {
	if w.URL == MaskQuery(before.URL) {
		w.URL = before.URL
	}
	if origin(w.URL) == origin(before.URL) {
		KeepMasked(w.Headers, before.Headers)
		w.BasicAuth.Password = unmasked(w.BasicAuth.Password, before.BasicAuth.Password)
	}
	w.ClientCert.Key = unmasked(w.ClientCert.Key, before.ClientCert.Key)

	sent, kept := &w.Signing, before.Signing
	sent.OldSecret, sent.OldUntil = "", time.Time{}
	switch {
	case kept.Secret == "" || sent.Secret != Mask && sent.Secret != "" && sent.Secret != kept.Secret:
	case sent.Scheme == kept.Scheme:
		sent.Secret, sent.OldSecret, sent.OldUntil = kept.Secret, kept.OldSecret, kept.OldUntil
	case sent.Secret == Mask:
		sent.Secret = "" // it was another scheme's: one is made that fits
	}
}

// origin returns scheme, host and port of a URL, in which no tokens stand. What is no URL is its own.
func origin(raw string) string {
	base, _ := cutAuthority(raw)
	u, err := url.Parse(base)
	if err != nil || base == "" {
		return raw
	}
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// unmasked returns the secret that a mask stands for, else what was sent.
func unmasked(sent, kept Secret) Secret {
	if sent == Mask && kept != "" {
		return kept
	}
	return sent
}
