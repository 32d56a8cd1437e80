package engine

import "time"

// KeepMasked puts the secrets of before in the place of the masks in w, so that a client or a form can send a webhook
// back without the secrets that it was not shown. A signing secret is kept where none was sent, too: only a rotation,
// another secret or another scheme takes it away. A mask that stands for nothing stays, and Validate refuses it.
func (w *Webhook) KeepMasked(before *Webhook) {
	KeepMasked(w.Headers, before.Headers)
	w.BasicAuth.Password = unmasked(w.BasicAuth.Password, before.BasicAuth.Password)
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

// unmasked returns the secret that a mask stands for, else what was sent.
func unmasked(sent, kept Secret) Secret {
	if sent == Mask && kept != "" {
		return kept
	}
	return sent
}
