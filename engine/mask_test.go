package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"labhook/engine"
)

// TestEchoedSecretsAreMasked sends to a receiver that answers with everything it got, and with what it knows.
func TestEchoedSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]engine.Signing{
		"v1": {Scheme: engine.SigningV1}, "v1a": {Scheme: engine.SigningV1a},
		"hex": {Scheme: engine.SigningHex, Header: "X-Sig", Secret: `a"secret"of<ours>&more`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLoopback(t)
			var known []string // is written before the request that it is echoed to
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				w.Header().Set("X-Echo", r.Header.Get("Authorization"))
				w.Header().Set("X-Known", strings.Join(known, " "))
				fmt.Fprintln(w, r.Header, user, password)
				_ = json.NewEncoder(w).Encode(append(known, password))
				for _, secret := range append(known, password) {
					fmt.Fprintln(w, secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret))
				}
			}))
			t.Cleanup(server.Close)
			w := l.webhook(func(w *engine.Webhook) {
				w.URL, w.Signing = server.URL, g
				w.BasicAuth = engine.BasicAuth{Username: "lms", Password: `pass "word" é/+?`}
				w.Headers = []engine.Header{
					{Name: "X-Key", Value: "k-@lab.User.ExternalId-k", Sensitive: true}, {Name: "X-Open", Value: "@lab.User.FirstName"},
				}
			})
			known = []string{w.Signing.Secret.Reveal(), strings.TrimPrefix(strings.TrimPrefix(w.Signing.Secret.Reveal(), "whsec_"), "whsk_")}
			l.rotate(w.ID, engine.DefaultRotationGrace)
			known = append(known, w.Signing.Secret.Reveal())
			w, err := l.store.Webhook(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, w.Signing.Secret.Reveal())
			a := l.recorded(l.post("").Deliveries[0].ID)
			seen := strings.Join(a.Request.Headers, "\n") + "\n" + strings.Join(a.Answer.Headers, "\n") + "\n" + string(a.Answer.Body)
			for _, secret := range append(known, `pass "word" é/+?`, `pass \"word\"`, "k-Example.User-k", "lms:pass") {
				for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
					if strings.Contains(seen, form) {
						t.Errorf("%s is shown in\n%s", form, seen)
					}
				}
			}
			if !strings.Contains(seen, engine.Mask) || !strings.Contains(seen, "X-Open:[Example]") || !strings.Contains(seen, "lms") {
				t.Errorf("what is no secret is gone from\n%s", seen)
			}
		})
	}
}

func TestMaskAtTheEndOfACutBody(t *testing.T) {
	t.Parallel()
	secrets := []string{"correct horse", "horse battery"}
	for body, want := range map[string]string{
		"x correct horse":  "x " + engine.Mask,
		"x correct hor":    "x ",
		"x horse b":        "x ",
		"x corre":          "x corre", // too short to tell
		"x correct horses": "x " + engine.Mask + "s",
		"":                 "",
	} {
		a := &engine.Answer{Body: []byte(body), Truncated: true}
		if engine.Hide(a, secrets); string(a.Body) != want {
			t.Errorf("%q became %q, want %q", body, a.Body, want)
		}
		whole := &engine.Answer{Body: []byte(body)}
		if engine.Hide(whole, secrets); !strings.HasPrefix(body, "x correct horse") && string(whole.Body) != body {
			t.Errorf("%q, which is whole, became %q", body, whole.Body)
		}
	}
	engine.Hide(nil, secrets)
}
