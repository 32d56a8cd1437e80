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
