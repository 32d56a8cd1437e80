package engine_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// TestSecure sends over connections of several kinds, new ones and open ones, and looks what is kept of them.
func TestSecure(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	ends, ended := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	receiver := func(until time.Time, config func(*httptest.Server)) string {
		return secureServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client went away
				<-r.Context().Done()
			}
		}), func(server *httptest.Server) {
			server.TLS.Certificates = []tls.Certificate{authority.ServerUntil(until, "127.0.0.1")}
			config(server)
		}).URL
	}
	plain := func(*httptest.Server) {}
	store := dbtest.Open(t)
	e := engine.New(engine.Config{
		Guard: egress.New(egress.Settings{Networks: enginetest.Loopback, Roots: authority.Pool()}), Log: slog.New(slog.DiscardHandler),
	}, store)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	c, err := store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		url   string
		times int // how often it is sent
		class engine.FailureClass
		want  engine.Secure
	}{
		"HTTP/1.1": {receiver(ends, plain), 2, "", engine.Secure{Version: tls.VersionTLS13, CertificateEnds: ends}},
		"HTTP/2": {
			receiver(ends, func(s *httptest.Server) { s.EnableHTTP2 = true }), 2, "",
			engine.Secure{Version: tls.VersionTLS13, CertificateEnds: ends},
		},
		"TLS 1.2": {
			receiver(ends, func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS12 }), 1, "",
			engine.Secure{Version: tls.VersionTLS12, CertificateEnds: ends},
		},
		"no answer": {receiver(ends, plain) + "/hang", 1, engine.ClassTimeout, engine.Secure{Version: tls.VersionTLS13, CertificateEnds: ends}},
		"ended":     {receiver(ended, plain), 1, engine.ClassTLS, engine.Secure{Version: tls.VersionTLS13, CertificateEnds: ended}},
		"plain":     {enginetest.NewReceiver(t, "200").URL, 1, "", engine.Secure{}},
		"refused":   {"https://" + closedPort(t), 1, engine.ClassRefused, engine.Secure{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
				w.ConsumerID, w.Name, w.URL, w.Timeout = c.ID, name, tt.url, time.Second
			}))
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.times {
				tested, err := e.Test(t.Context(), engine.System, w.ID, engine.Example{Force: true})
				if err != nil {
					t.Fatal(err)
				}
				attempts, err := store.Attempts(t.Context(), tested.Delivery.ID)
				if err != nil || len(attempts) != 1 {
					t.Fatalf("%d attempts, %v", len(attempts), err)
				}
				if took := attempts[0].Timings; took.Sent > took.Wait || (took.Sent > 0) != (took.Wait > 0) {
					t.Errorf("attempt %d: the request was sent after %d µs of %d", i+1, took.Sent, took.Wait)
				}
				if a := attempts[0]; a.Outcome.Class != tt.class || a.Secure != tt.want || a.Timings.Reused != (i > 0) {
					t.Errorf("attempt %d: %q over %+v, reused %v; want %q over %+v", i+1, a.Outcome.Error, a.Secure, a.Timings.Reused, tt.class, tt.want)
				}
			}
		})
	}
}
