package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/views"
)

func TestRevealSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", func(w *engine.Webhook) { w.Signing.Scheme = engine.SigningV1a })
	page := b.get(views.WebhookSecretURL(w.ID))
	secret := w.Signing.Secret.Reveal()
	if page.status != http.StatusOK || strings.Contains(page.body, secret) || page.text("form code") != engine.Mask {
		t.Fatalf("status %d, secret shown: %v", page.status, strings.Contains(page.body, secret))
	}
	if got := page.doc.Find("#public-key").AttrOr("value", ""); got != w.Signing.PublicKey() || !strings.HasPrefix(got, "whpk_") {
		t.Errorf("the public key is %q", got)
	}
	shown := b.post(views.WebhookRevealURL(w.ID), nil)
	if got := shown.doc.Find("#signing-secret").AttrOr("value", ""); got != secret || shown.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the secret is %q, kept by caches: %s", got, shown.header.Get("Cache-Control"))
	}
	audit, err := b.store.ListAudit(t.Context(), 1)
	if err != nil || audit[0].Action != "webhook.reveal_secret" || audit[0].Object != w.ID.String() || audit[0].Who.Name != "Person developer" {
		t.Errorf("the audit log says %+v, %v", audit, err)
	}
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	url := views.WebhookRotateURL(w.ID)
	form := formValues(t, b.get(views.WebhookSecretURL(w.ID)), url)
	if got := form.Get("grace"); got != "86400" {
		t.Errorf("the grace period begins with %q", got)
	}
	page := b.post(url, form)
	after := b.store.Directory().Webhook(w.ID)
	if got := page.doc.Find("#signing-secret").AttrOr("value", ""); page.status != http.StatusOK || got != after.Signing.Secret.Reveal() || got == w.Signing.Secret.Reveal() {
		t.Fatalf("status %d, the new secret is %q", page.status, got)
	}
	if after.Signing.OldSecret != w.Signing.Secret || time.Until(after.Signing.OldUntil) < 23*time.Hour {
		t.Errorf("the old secret signs until %s", after.Signing.OldUntil)
	}
	if got := page.text(".notice[role=status]"); !strings.Contains(got, "The secret before signs, too, until ") || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page says %q", got)
	}
	if strings.Contains(page.body, w.Signing.Secret.Reveal()) {
		t.Error("the page shows the old secret")
	}
	// The browser loads the page of the answer again.
	if again := b.post(url, form); again.header.Get("Location") != views.WebhookSecretURL(w.ID) {
		t.Errorf("sent twice: status %d", again.status)
	}
	if now := b.store.Directory().Webhook(w.ID); now.Signing.Secret != after.Signing.Secret {
		t.Error("sent twice, it rotated twice")
	}
	if got := b.get(views.WebhookURL(w.ID)).text("main"); !strings.Contains(got, "The secret before signs, too, until ") {
		t.Error("the webhook's page does not speak of the rotation")
	}

	fresh := func(pairs ...string) answer {
		return b.post(url, with(formValues(t, b.get(views.WebhookSecretURL(w.ID)), url), pairs...))
	}
	for field, value := range map[string]string{"secret": "whsec_short", "grace": "604801"} {
		if a := fresh(field, value); a.status != http.StatusUnprocessableEntity || len(summary(a)) != 1 || summary(a)[field] == "" || strings.Contains(a.body, "whsec_short") {
			t.Errorf("%s: status %d, %v", field, a.status, summary(a))
		}
	}
	own := "whsec_" + strings.Repeat("QUFB", 10)
	if a := fresh("secret", own, "grace", "0"); a.status != http.StatusOK {
		t.Errorf("own secret: status %d, %v", a.status, summary(a))
	}
	if now := b.store.Directory().Webhook(w.ID).Signing; now.Secret.Reveal() != own || now.OldSecret != "" {
		t.Errorf("stored %v, the old one signs until %s", now.Secret.Reveal() == own, now.OldUntil)
	}
}

func TestSecretPageWhereThereIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("first", engine.RoleAdmin)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	w := b.addWebhook(c.ID, "Unsigned", func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningNone} })
	if a := b.get(views.WebhookSecretURL(w.ID)); a.status != http.StatusOK || !strings.Contains(a.text("main"), "does not sign its requests") || a.doc.Find("main form").Length() != 0 {
		t.Errorf("status %d, %q", a.status, a.text("main"))
	}
	if a := b.post(views.WebhookRevealURL(w.ID), nil); a.status != http.StatusNotFound {
		t.Errorf("reveal: status %d", a.status)
	}
	hex := b.addWebhook(c.ID, "Hex", func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningHex, Header: "X-Sum"} })
	if got := b.get(views.WebhookSecretURL(hex.ID)).text("main"); !strings.Contains(got, "header X-Sum in constant time") {
		t.Errorf("how hex is checked: %q", got)
	}
	b.client = b.newClient()
	b.signIn(engine.RoleViewer)
	if a := b.get(views.WebhookSecretURL(hex.ID)); a.status != http.StatusForbidden {
		t.Errorf("a viewer: status %d", a.status)
	}
	if a := b.post(views.WebhookRevealURL(hex.ID), nil); a.status != http.StatusForbidden {
		t.Errorf("a viewer reveals: status %d", a.status)
	}
}
