package db

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

func TestSigningSecretsAreMadeAndKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.webhook.Signing
	if made.Scheme != engine.SigningV1 || !strings.HasPrefix(made.Secret.Reveal(), "whsec_") || made.OldSecret != "" {
		t.Fatalf("made for a new webhook: %+v", made)
	}
	if other := b.newWebhook(t, b.consumer.ID, "Other"); other.Signing.Secret == made.Secret {
		t.Error("two webhooks have one secret")
	}
	update := func(change func(*engine.Signing)) engine.Signing {
		t.Helper()
		w, err := b.Webhook(t.Context(), b.webhook.ID)
		must(t, err)
		change(&w.Signing)
		w, err = b.UpdateWebhook(t.Context(), dana, w)
		must(t, err)
		return w.Signing
	}
	if got := update(func(g *engine.Signing) { g.Secret, g.Names = "", engine.NamesSvix }); got.Secret != made.Secret || got.Names != engine.NamesSvix {
		t.Error("an update that does not give the secret takes it away")
	}
	if got := update(func(g *engine.Signing) { g.Scheme, g.Secret = engine.SigningV1a, "" }); got.PublicKey() == "" {
		t.Errorf("the new scheme has no secret that fits: %+v", got)
	}
	const given = "free-text-of-our-own"
	if got := update(func(g *engine.Signing) { g.Scheme, g.Header, g.Secret = engine.SigningHex, "X-Sig", given }); got.Secret != given {
		t.Errorf("the secret that was given is %q", got.Secret.Reveal())
	}
	if got := update(func(g *engine.Signing) { *g = engine.Signing{Scheme: engine.SigningNone} }); got.Secret != "" {
		t.Error("without signatures there is a secret")
	}
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.webhook.Signing.Secret
	before := time.Now()
	w, err := b.RotateSecret(t.Context(), dana, b.webhook.ID, "", engine.DefaultRotationGrace)
	must(t, err)
	g := w.Signing
	if g.Secret == first || g.OldSecret != first || w.Version != b.webhook.Version+1 || w.UpdatedBy != dana.Name {
		t.Errorf("rotated: %+v in version %d", g, w.Version)
	}
	if until := before.Add(engine.DefaultRotationGrace); g.OldUntil.Before(until.Truncate(time.Millisecond)) || g.OldUntil.After(until.Add(time.Hour)) {
		t.Errorf("the secret before signs until %s", g.OldUntil)
	}
	read, err := b.WebhookVersion(t.Context(), w.ID, w.Version)
	must(t, err)
	if read.Signing.Secret != g.Secret || read.Signing.OldSecret != first || !read.Signing.OldUntil.Equal(g.OldUntil) {
		t.Errorf("read back: %+v", read.Signing)
	}
	audit, err := b.ListAudit(t.Context(), 1)
	must(t, err)
	if a := audit[0]; a.Action != "webhook.rotate_secret" || a.Object != w.ID.String() || a.Who != dana || !strings.Contains(a.Detail, "signing.secret: changed") {
		t.Errorf("audit: %+v", a)
	}
	// Saving the form that was opened before, and saving it anew.
	if _, err := b.UpdateWebhook(t.Context(), dana, b.webhook); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("an update of the version before: %v", err)
	}
	w.Description, w.Signing.Secret = "changed", ""
	if w, err = b.UpdateWebhook(t.Context(), dana, w); err != nil || w.Signing.OldSecret != first || w.Signing.Secret != g.Secret {
		t.Errorf("an update ends the rotation: %v", err)
	}

	_, err = b.RotateSecret(t.Context(), dana, w.ID, "short", 0)
	checkInvalid(t, err, "secret")
	_, err = b.RotateSecret(t.Context(), dana, w.ID, "", 8*24*time.Hour)
	checkInvalid(t, err, "grace")
	if _, err = b.RotateSecret(t.Context(), dana, 1, "", 0); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no such webhook: %v", err)
	}
	if after := b.Directory().Webhook(w.ID); after.Version != w.Version {
		t.Error("a refused rotation made a version")
	}
}

func TestRevealSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	secret, err := b.RevealSecret(t.Context(), dana, b.webhook.ID)
	if err != nil || secret != b.webhook.Signing.Secret {
		t.Errorf("revealed %q, %v", secret.Reveal(), err)
	}
	audit, err := b.ListAudit(t.Context(), 100)
	must(t, err)
	if a := audit[0]; a.Action != "webhook.reveal_secret" || a.Object != b.webhook.ID.String() || a.Who != dana || a.Detail != b.webhook.Name {
		t.Errorf("audit: %+v", a)
	}
	for _, a := range audit {
		if text := fmt.Sprint(a); strings.Contains(text, secret.Reveal()[len("whsec_"):]) {
			t.Errorf("the secret stands in the audit log: %s", text)
		}
	}
	if _, err := b.RevealSecret(t.Context(), dana, 1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no such webhook: %v", err)
	}
	b.webhook.Signing = engine.Signing{Scheme: engine.SigningNone}
	_, err = b.UpdateWebhook(t.Context(), dana, b.webhook)
	must(t, err)
	if _, err := b.RevealSecret(t.Context(), dana, b.webhook.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no secret: %v", err)
	}
}
