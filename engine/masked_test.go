package engine_test

import (
	"testing"
	"time"

	"labhook/engine"
)

func TestKeepMaskedOfWebhook(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	stored := engine.Webhook{
		BasicAuth:  engine.BasicAuth{Username: "lms", Password: "hush"},
		ClientCert: engine.ClientCert{Certificate: "cert", Key: "key"},
		Signing:    engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_a", OldSecret: "whsec_0", OldUntil: until},
	}
	rotating := stored.Signing
	for name, tt := range map[string]struct{ sent, want engine.Signing }{
		"as it was":           {engine.Signing{Scheme: engine.SigningV1, Secret: engine.Mask}, rotating},
		"without secret":      {engine.Signing{Scheme: engine.SigningV1}, rotating},
		"in full":             {engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_a"}, rotating},
		"other secret":        {engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_b"}, engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_b"}},
		"other scheme":        {engine.Signing{Scheme: engine.SigningV1a, Secret: engine.Mask}, engine.Signing{Scheme: engine.SigningV1a}},
		"scheme with secret":  {engine.Signing{Scheme: engine.SigningHex, Secret: "plain"}, engine.Signing{Scheme: engine.SigningHex, Secret: "plain"}},
		"no signature":        {engine.Signing{Scheme: engine.SigningNone}, engine.Signing{Scheme: engine.SigningNone}},
		"old secret is given": {engine.Signing{Scheme: engine.SigningV1, OldSecret: "mine", OldUntil: until.AddDate(1, 0, 0)}, rotating},
	} {
		w := engine.Webhook{
			BasicAuth: engine.BasicAuth{Username: "other", Password: engine.Mask}, ClientCert: engine.ClientCert{Certificate: "new", Key: engine.Mask},
			Signing: tt.sent,
		}
		w.KeepMasked(&stored)
		if w.Signing != tt.want {
			t.Errorf("%s: secrets %q and %q until %s, want %q and %q until %s", name, w.Signing.Secret.Reveal(), w.Signing.OldSecret.Reveal(),
				w.Signing.OldUntil, tt.want.Secret.Reveal(), tt.want.OldSecret.Reveal(), tt.want.OldUntil)
		}
		if w.BasicAuth != (engine.BasicAuth{Username: "other", Password: "hush"}) || w.ClientCert != (engine.ClientCert{Certificate: "new", Key: "key"}) {
			t.Errorf("%s: password and key were not kept", name)
		}
	}

	w := engine.Webhook{
		BasicAuth: engine.BasicAuth{Password: engine.Mask}, ClientCert: engine.ClientCert{Key: engine.Mask},
		Signing: engine.Signing{Scheme: engine.SigningV1, Secret: engine.Mask},
	}
	w.KeepMasked(&engine.Webhook{})
	if w.BasicAuth.Password != engine.Mask || w.ClientCert.Key != engine.Mask || w.Signing.Secret != engine.Mask {
		t.Error("masks of nothing were taken away")
	}
}

// TestKeepMaskedURL: a URL that is sent back as those read it who must not see its query stays what it was.
func TestKeepMaskedURL(t *testing.T) {
	t.Parallel()
	const before = "https://hooks.example.com/lab?token=hush&x"
	for sent, want := range map[string]string{
		engine.MaskQuery(before):        before,
		before:                          before,
		"https://hooks.example.com/lab": "https://hooks.example.com/lab",
		"https://hooks.example.com/other?token=••••&••••": "https://hooks.example.com/other?token=••••&••••",
	} {
		w := engine.Webhook{URL: sent}
		w.KeepMasked(&engine.Webhook{URL: before})
		if w.URL != want {
			t.Errorf("%s became %s, want %s", sent, w.URL, want)
		}
	}
}

// TestMovedWebhook: what a request carries goes to another host only when it is entered again.
func TestMovedWebhook(t *testing.T) {
	t.Parallel()
	const before = "https://hooks.example.com/lab?x=%%SenderId%%"
	for url, moved := range map[string]bool{
		before:                                     false,
		"https://hooks.example.com":                false,
		"https://HOOKS.example.com:443/other":      false,
		"HTTPS://hooks.example.com/":               false,
		"http://hooks.example.com/lab":             true,
		"http://hooks.example.com:443/lab":         true,
		"https://hooks.example.com:8443/lab":       true,
		"https://hooks.example.com.evil.example":   true,
		"https://evil.example/hooks.example.com":   true,
		"https://evil.example\\@hooks.example.com": true,
		"https://user@hooks.example.com/":          false, // refused for the user
		"":                                         true,
	} {
		stored := engine.Webhook{
			URL: before, Headers: []engine.Header{{Name: "X-Key", Value: "hush", Sensitive: true}},
			BasicAuth: engine.BasicAuth{Username: "lms", Password: "hush"}, ClientCert: engine.ClientCert{Certificate: "cert", Key: "key"},
			Signing: engine.Signing{Scheme: engine.SigningHex, Secret: "hush"},
		}
		w := stored
		w.URL, w.Headers = url, []engine.Header{{Name: "X-Key", Value: engine.Mask, Sensitive: true}}
		w.BasicAuth.Password, w.ClientCert.Key, w.Signing.Secret = engine.Mask, engine.Mask, engine.Mask
		w.KeepMasked(&stored)
		want := engine.Secret("hush")
		if moved {
			want = engine.Mask
		}
		if w.Headers[0].Value != want || w.BasicAuth.Password != want {
			t.Errorf("%s: the header is %q and the password %q, want %q", url, w.Headers[0].Value.Reveal(), w.BasicAuth.Password.Reveal(), want.Reveal())
		}
		if w.ClientCert.Key != "key" || w.Signing.Secret != "hush" {
			t.Errorf("%s: the key or the signing secret was not kept", url)
		}
	}
}
