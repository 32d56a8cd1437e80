package engine_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// loopback is a bench whose engine sends to a receiver on this host.
type loopback struct {
	*bench
	receiver *enginetest.Receiver
}

func newLoopback(t *testing.T) loopback {
	t.Helper()
	l := loopback{setup(t, engine.Limits{}), enginetest.NewReceiver(t, "200")}
	transport := enginetest.Guard().Transport(engine.MaxAnswerHeaders)
	t.Cleanup(transport.CloseIdleConnections)
	l.wire.through = transport
	return l
}

// signed adds a webhook that signs in this way, and returns it with its secret.
func (l loopback) signed(g engine.Signing) engine.Webhook {
	l.t.Helper()
	return l.webhook(func(w *engine.Webhook) { w.URL, w.Signing = l.receiver.URL+"/"+string(g.Scheme), g })
}

// deliver posts an event and returns the request that came of it.
func (l loopback) deliver() receiver.Request {
	l.t.Helper()
	n := len(l.receiver.Arrived())
	l.post("")
	return l.receiver.Wait(l.t, n+1)[n]
}

// recorded returns the first attempt of a delivery that has been sent. It stops the engine, which puts all on disk.
func (l loopback) recorded(id engine.DeliveryID) engine.Attempt {
	l.t.Helper()
	if err := l.engine.Stop(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	return l.attempts(id)[0]
}

// rotate replaces a webhook's secret and returns the new one.
func (l loopback) rotate(id engine.WebhookID, grace time.Duration) engine.Secret {
	l.t.Helper()
	w, err := l.store.RotateSecret(context.Background(), engine.System, id, "", grace)
	if err != nil {
		l.t.Fatal(err)
	}
	return w.Signing.Secret
}

// The official library must take what a delivery carried, during a rotation with either secret, and nothing else.
func TestOfficialLibraryTakesDeliveries(t *testing.T) {
	t.Parallel()
	for _, names := range []engine.SigningNames{engine.NamesWebhook, engine.NamesBoth} {
		l := newLoopback(t)
		w := l.signed(engine.Signing{Scheme: engine.SigningV1, Names: names})
		first := w.Signing.Secret
		library := func(secret engine.Secret, req receiver.Request) bool {
			lib, err := standardwebhooks.NewWebhook(secret.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			for what, other := range tampered(req.Header, req.Body) {
				if lib.Verify(other.body, other.header) == nil || engine.Verify(secret, "", other.header, other.body, time.Now()) == nil {
					t.Errorf("another %s passes", what)
				}
			}
			accepted := lib.Verify(req.Body, req.Header) == nil
			if own := engine.Verify(secret, "", req.Header, req.Body, time.Now()) == nil; own != accepted {
				t.Errorf("the library says %t, Verify %t", accepted, own)
			}
			return accepted
		}
		if req := l.deliver(); !library(first, req) {
			t.Errorf("refused: %v", req.Header)
		}
		second := l.rotate(w.ID, time.Hour)
		if req := l.deliver(); !library(first, req) || !library(second, req) {
			t.Errorf("refused during the rotation: %v", req.Header)
		}
		third := l.rotate(w.ID, 0)
		if req := l.deliver(); library(first, req) || library(second, req) || !library(third, req) {
			t.Errorf("after a rotation without grace: %v", req.Header)
		}
	}
}

func TestOtherSchemesOverLoopback(t *testing.T) {
	t.Parallel()
	l := newLoopback(t)
	v1a := l.signed(engine.Signing{Scheme: engine.SigningV1a, Names: engine.NamesSvix})
	public := engine.Secret(v1a.Signing.PublicKey())
	req := l.deliver()
	if err := engine.Verify(public, "", req.Header, req.Body, time.Now()); err != nil || req.Header.Get("Webhook-Id") != "" {
		t.Errorf("v1a: %v, %v", err, req.Header)
	}
	l.rotate(v1a.ID, time.Hour)
	after, err := l.store.Webhook(t.Context(), v1a.ID)
	if err != nil {
		t.Fatal(err)
	}
	req = l.deliver()
	for _, key := range []engine.Secret{public, engine.Secret(after.Signing.PublicKey())} {
		if err := engine.Verify(key, "", req.Header, req.Body, time.Now()); err != nil {
			t.Errorf("v1a during the rotation: %v", err)
		}
	}
	if err := l.store.DeleteWebhook(t.Context(), engine.System, v1a.ID); err != nil {
		t.Fatal(err)
	}

	hex := l.signed(engine.Signing{Scheme: engine.SigningHex, Header: "X-TI-Signature", Secret: "a-secret-of-ours"})
	second := l.rotate(hex.ID, time.Hour)
	req = l.deliver()
	for secret, header := range map[engine.Secret]string{second: "X-TI-Signature", "a-secret-of-ours": "X-TI-Signature-Previous"} {
		if err := engine.Verify(secret, header, req.Header, req.Body, time.Now()); err != nil {
			t.Errorf("hex: %v, %v", err, req.Header)
		}
		if engine.Verify(secret, header, req.Header, append(req.Body, ' '), time.Now()) == nil {
			t.Error("hex: another body passes")
		}
	}
}

// TestRetrySignsAnew sends twice: the id stays, the time and with it the signature are those of the attempt.
func TestRetrySignsAnew(t *testing.T) {
	t.Parallel()
	l := newLoopback(t)
	l.receiver.SetRoute("/v1", enginetest.Script(t, "503 once, then 200"))
	w := l.signed(engine.Signing{Scheme: engine.SigningV1})
	l.post("")
	arrived := l.receiver.Wait(t, 2)
	for _, req := range arrived {
		if err := engine.Verify(w.Signing.Secret, "", req.Header, req.Body, time.Now()); err != nil {
			t.Error(err)
		}
	}
	differ := func(name string) bool { return arrived[0].Header.Get(name) != arrived[1].Header.Get(name) }
	if differ("Webhook-Id") || !differ("Webhook-Timestamp") || !differ("Webhook-Signature") {
		t.Errorf("%v\n%v", arrived[0].Header, arrived[1].Header)
	}
}

// TestPreviewIsWhatIsSent compares the two but for the id, the time and the signature.
func TestPreviewIsWhatIsSent(t *testing.T) {
	t.Parallel()
	l := newLoopback(t)
	w := engine.NewWebhook(l.consumer.ID)
	w.Name, w.Events, w.Verb = "hook", []string{engine.LabScored}, "PUT"
	w.URL = l.receiver.URL + "/labs/{id}?user=@lab.User.ExternalId&x={nonsense}"
	w.Headers = []engine.Header{{Name: "X-Lab", Value: "@lab.LabInstance.GlobalId"}, {Name: "X-Key", Value: "hush", Sensitive: true}}
	w.SendLabDetails, w.Content = false, `{"user":@lab.User.Id,"tag":"@lab.Tag","at":"@event.Type"}`
	w.BasicAuth = engine.BasicAuth{Username: "lms", Password: "correct horse"}
	w.Signing.Names = engine.NamesBoth
	preview := func(w *engine.Webhook, e engine.Event) engine.SentRequest {
		sent, err := l.engine.Preview(w, &e)
		if err != nil {
			t.Fatal(err)
		}
		return sent
	}
	e := engine.Event{SenderID: "e-1", Type: engine.LabScored, Data: engine.SampleLabDetails().Body()}
	before := preview(&w, e) // it has no secret yet
	w, err := l.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	stored := preview(&w, e)
	acc := l.post("e-1")
	req := l.receiver.Wait(t, 1)[0]
	attempt := l.recorded(acc.Deliveries[0].ID)
	for name, got := range map[string]engine.SentRequest{"new": before, "stored": stored} {
		if got.URL != attempt.Request.URL || got.Verb != attempt.Request.Verb || string(got.Body) != string(attempt.Request.Body) {
			t.Errorf("%s: %s %s %s\nwant %s %s %s", name, got.Verb, got.URL, got.Body, attempt.Request.Verb, attempt.Request.URL, attempt.Request.Body)
		}
		for i, line := range got.Headers {
			if changing(line) != changing(attempt.Request.Headers[i]) {
				t.Errorf("%s: %s\nwant %s", name, line, attempt.Request.Headers[i])
			}
		}
	}
	if target := req.Path + "?" + req.RawQuery; l.receiver.URL+target != attempt.Request.URL || string(req.Body) != string(attempt.Request.Body) {
		t.Errorf("%s %s arrived", target, req.Body)
	}
	if user, password, ok := (&http.Request{Header: req.Header}).BasicAuth(); !ok || user != "lms" || password != "correct horse" {
		t.Errorf("user %q, password %q arrived", user, password)
	}
	if got := attempt.Unfilled; len(got) != 1 || got[0] != "{nonsense}" {
		t.Errorf("left as they stand: %q", got)
	}
}

// changing returns the name alone of the headers that differ each time.
func changing(line string) string {
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Svix-Id", "Svix-Timestamp", "Svix-Signature"} {
		if len(line) > len(name) && line[:len(name)+1] == name+":" {
			return name
		}
	}
	return line
}
