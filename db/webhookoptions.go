package db

import (
	"encoding/json"
	"fmt"
	"time"

	"labhook/engine"
)

// webhookOptions is what few webhooks have, as it is stored in webhooks.options and in every version. Secrets are
// sealed; what is absent was not set.
type webhookOptions struct {
	Custom    *storedPolicy  `json:"custom,omitempty"`
	Basic     *storedBasic   `json:"basic,omitempty"`
	Signing   *storedSigning `json:"signing,omitempty"`
	Cert      *storedCert    `json:"cert,omitempty"`
	RateLimit int            `json:"rate_limit,omitempty"`
	RateBurst int            `json:"rate_burst,omitempty"`
}

type storedPolicy struct {
	Waits           []int64            `json:"waits"` // seconds
	Success         string             `json:"success"`
	On4xx           engine.On4xx       `json:"on_4xx"`
	GoneDeactivates bool               `json:"gone_deactivates"`
	OnExhausted     engine.OnExhausted `json:"on_exhausted"`
}

type storedBasic struct {
	Username string `json:"username"`
	Password []byte `json:"password"`
}

type storedSigning struct {
	Scheme    engine.SigningScheme `json:"scheme"`
	Names     engine.SigningNames  `json:"names,omitempty"`
	Header    string               `json:"header,omitempty"`
	Secret    []byte               `json:"secret,omitempty"`
	OldSecret []byte               `json:"old_secret,omitempty"`
	OldUntil  int64                `json:"old_until,omitempty"` // milliseconds
}

type storedCert struct {
	Certificate string `json:"certificate"`
	Key         []byte `json:"key"`
}

// The places of a webhook's secrets, to which they are sealed.
const (
	secretBasic   = "basic"
	secretSigning = "signing"
	secretOld     = "signing-old"
	secretCertKey = "cert-key"
)

func secretContext(id engine.WebhookID, place string) string {
	return "webhooks/" + id.String() + "/" + place
}

// optionsOf returns what is stored of a webhook's options.
func (s *Store) optionsOf(w *engine.Webhook) webhookOptions {
	seal := func(place string, secret engine.Secret) []byte {
		if secret == "" {
			return nil
		}
		return s.sealer.seal(secretContext(w.ID, place), secret.Reveal())
	}
	o := webhookOptions{RateLimit: w.RateLimit, RateBurst: w.RateBurst}
	if w.RetryPolicy == engine.CustomPolicyName {
		o.Custom = &storedPolicy{
			Success: engine.FormatRanges(w.Custom.Success), On4xx: w.Custom.On4xx,
			GoneDeactivates: w.Custom.GoneDeactivates, OnExhausted: w.Custom.OnExhausted,
		}
		for _, wait := range w.Custom.Waits {
			o.Custom.Waits = append(o.Custom.Waits, seconds(wait))
		}
	}
	if w.BasicAuth != (engine.BasicAuth{}) {
		o.Basic = &storedBasic{w.BasicAuth.Username, seal(secretBasic, w.BasicAuth.Password)}
	}
	if g := w.Signing; g != (engine.Signing{}) {
		o.Signing = &storedSigning{
			Scheme: g.Scheme, Names: g.Names, Header: g.Header,
			Secret: seal(secretSigning, g.Secret), OldSecret: seal(secretOld, g.OldSecret),
		}
		if !g.OldUntil.IsZero() {
			o.Signing.OldUntil = g.OldUntil.UnixMilli()
		}
	}
	if w.ClientCert != (engine.ClientCert{}) {
		o.Cert = &storedCert{w.ClientCert.Certificate, seal(secretCertKey, w.ClientCert.Key)}
	}
	return o
}

// setOptions reads stored options into a webhook.
func (s *Store) setOptions(w *engine.Webhook, o webhookOptions) (err error) {
	unseal := func(place string, sealed []byte) engine.Secret {
		if sealed == nil || err != nil {
			return ""
		}
		var text string
		text, err = s.sealer.unseal(secretContext(w.ID, place), sealed)
		return engine.Secret(text)
	}
	w.Custom, w.BasicAuth, w.ClientCert = engine.RetryPolicy{}, engine.BasicAuth{}, engine.ClientCert{}
	w.Signing = engine.Signing{Scheme: engine.SigningNone}
	w.RateLimit, w.RateBurst = o.RateLimit, o.RateBurst
	if p := o.Custom; p != nil {
		w.Custom = engine.CustomPolicy
		w.Custom.On4xx, w.Custom.GoneDeactivates, w.Custom.OnExhausted = p.On4xx, p.GoneDeactivates, p.OnExhausted
		w.Custom.Waits = nil
		for _, wait := range p.Waits {
			w.Custom.Waits = append(w.Custom.Waits, time.Duration(wait)*time.Second)
		}
		if w.Custom.Success, err = engine.ParseRanges(p.Success); err != nil {
			return fmt.Errorf("read retry policy of %s: %w", w.ID, err)
		}
	}
	if b := o.Basic; b != nil {
		w.BasicAuth = engine.BasicAuth{Username: b.Username, Password: unseal(secretBasic, b.Password)}
	}
	if g := o.Signing; g != nil {
		w.Signing = engine.Signing{
			Scheme: g.Scheme, Names: g.Names, Header: g.Header,
			Secret: unseal(secretSigning, g.Secret), OldSecret: unseal(secretOld, g.OldSecret),
		}
		if g.OldUntil != 0 {
			w.Signing.OldUntil = time.UnixMilli(g.OldUntil).UTC()
		}
	}
	if c := o.Cert; c != nil {
		w.ClientCert = engine.ClientCert{Certificate: c.Certificate, Key: unseal(secretCertKey, c.Key)}
	}
	return err
}

// parseOptions reads the column.
func (s *Store) parseOptions(w *engine.Webhook, text string) error {
	var o webhookOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read options of %s: %w", w.ID, err)
	}
	return s.setOptions(w, o)
}

// diffOptions adds what changed in the options. Secrets are not named, only that they changed.
func diffOptions(d *diff, a, b *engine.Webhook) {
	if a.RetryPolicy == engine.CustomPolicyName || b.RetryPolicy == engine.CustomPolicyName {
		d.field("waits", engine.FormatWaits(a.Custom.Waits), engine.FormatWaits(b.Custom.Waits))
		d.field("success", engine.FormatRanges(a.Custom.Success), engine.FormatRanges(b.Custom.Success))
		d.field("on_4xx", string(a.Custom.On4xx), string(b.Custom.On4xx))
		d.field("gone_deactivates", a.Custom.GoneDeactivates, b.Custom.GoneDeactivates)
		d.field("on_exhausted", string(a.Custom.OnExhausted), string(b.Custom.OnExhausted))
	}
	d.field("basic_auth.username", a.BasicAuth.Username, b.BasicAuth.Username)
	d.secret("basic_auth.password", a.BasicAuth.Password, b.BasicAuth.Password)
	d.field("signing.scheme", string(a.Signing.Scheme), string(b.Signing.Scheme))
	d.field("signing.names", string(a.Signing.Names), string(b.Signing.Names))
	d.field("signing.header", a.Signing.Header, b.Signing.Header)
	d.secret("signing.secret", a.Signing.Secret, b.Signing.Secret)
	d.field("signing.old_until", a.Signing.OldUntil, b.Signing.OldUntil)
	d.field("client_cert", a.ClientCert.Certificate, b.ClientCert.Certificate)
	d.secret("client_cert.key", a.ClientCert.Key, b.ClientCert.Key)
	d.field("rate_limit", a.RateLimit, b.RateLimit)
	d.field("rate_burst", a.RateBurst, b.RateBurst)
	d.field("deactivate_reason", string(a.DeactivateReason), string(b.DeactivateReason))
}

// secret adds a line when a secret changed, without showing either.
func (d *diff) secret(name string, before, after engine.Secret) {
	switch {
	case before == after:
	case after == "":
		d.note(name + ": removed")
	case before == "":
		d.note(name + ": set")
	default:
		d.note(name + ": changed")
	}
}
