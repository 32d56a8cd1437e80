package web

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/views"
)

// TestU16SignedNow runs the command that was signed now: what arrives is the request of the attempt, and its signature is
// that of the secret. The audit log says who asked.
func TestU16SignedNow(t *testing.T) {
	t.Parallel()
	b, receiver, got := runsCommands(t)
	b.signIn(engine.RoleDeveloper)
	var secret engine.Secret
	for scheme, header := range map[engine.SigningScheme]string{engine.SigningV1: "", engine.SigningV1a: "", engine.SigningHex: "X-Signature"} {
		path, page := b.sent(func(w *engine.Webhook) {
			w.URL, w.Signing.Scheme, w.Signing.Header, w.Name = receiver, scheme, header, string(scheme)
			w.Headers = []engine.Header{{Name: "X-Token", Value: "hush hush", Sensitive: true}}
		})
		sent := <-got
		var id engine.DeliveryID
		if err := id.UnmarshalText([]byte(strings.TrimPrefix(path, "/deliveries/"))); err != nil {
			t.Fatal(err)
		}
		row, err := b.store.Delivery(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		// The secret is replaced meanwhile: the receiver knows the new one alone.
		after, err := b.store.RotateSecret(t.Context(), engine.System, row.WebhookID, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		secret = after.Signing.Secret
		signed := b.post(page.doc.Find("form:has(#sign-1)").AttrOr("action", ""), nil)
		command := signed.doc.Find("#curl-1").Text()
		if signed.status != http.StatusOK || signed.header.Get("Cache-Control") != "no-store" || command == "" {
			t.Fatalf("%s: status %d, %s", scheme, signed.status, signed.text("main"))
		}
		if strings.Contains(signed.body, "hush hush") || strings.Contains(signed.body, secret.Reveal()) || strings.Contains(signed.text("main"), "refuse it") {
			t.Errorf("%s: the page shows %s", scheme, signed.text("main"))
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Env = append(os.Environ(), "WEBHOOK_TOKEN=hush hush")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s\n%s", scheme, err, command, out)
		}
		again := <-got
		if again.Body != sent.Body || again.Header.Get("X-Token") != "hush hush" || len(again.Header) != len(sent.Header) || again.Header.Get("Webhook-Id") != id.String() {
			t.Errorf("%s: another request arrived: %v, want %v", scheme, again, sent)
		}
		if err := engine.Verify(secret, header, again.Header, []byte(again.Body), time.Now()); err != nil {
			t.Errorf("%s: the receiver refuses it: %v", scheme, err)
		}
		log, err := b.store.ListAudit(t.Context(), 1)
		if err != nil || log[0].Action != "delivery.sign" || log[0].Object != id.String() || log[0].Who.Name != "Person developer" || log[0].Detail != "attempt 1" {
			t.Errorf("%s: audit log %+v, %v", scheme, log, err)
		}
	}
}

// What cannot be signed anew is not offered, and refused in a sentence; a viewer may not.
func TestSignedNowRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	plain := b.addWebhook(c.ID, "Plain", func(w *engine.Webhook) { w.Signing.Scheme = engine.SigningNone })
	signing := b.addWebhook(c.ID, "Signing")
	paths := map[string]string{}
	for why, w := range map[string]engine.Webhook{"does not sign": plain, "was deleted": signing} {
		d := b.addDelivery(&w)
		b.record(d, engine.OutcomeDelivered, "")
		paths[why] = views.SignedCurlURL(d.ID, 1)
	}
	if err := b.store.DeleteWebhook(t.Context(), engine.System, signing.ID); err != nil {
		t.Fatal(err)
	}
	for why, path := range paths {
		page := strings.TrimSuffix(path, "/attempts/1/curl")
		if b.get(page).doc.Find("#sign-1").Length() != 0 {
			t.Errorf("%s: it is offered", why)
		}
		refused := b.post(path, nil)
		if got := b.get(refused.header.Get("Location")).text(".flash"); refused.status != http.StatusSeeOther || !strings.HasPrefix(got, "Nothing was signed. The webhook "+why) {
			t.Errorf("%s: status %d, %q", why, refused.status, got)
		}
		if got := b.post(page+"/attempts/9/curl", nil).status; got != http.StatusNotFound {
			t.Errorf("an attempt that is none: status %d", got)
		}
	}
	b.signIn(engine.RoleViewer)
	for why, path := range paths {
		if got := b.post(path, nil).status; got != http.StatusForbidden {
			t.Errorf("%s: a viewer gets %d", why, got)
		}
	}
}
