package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

func TestClientCertValidation(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	good, other := authority.Client("labhook", time.Time{}), authority.Client("labhook", time.Time{})
	old := authority.Client("labhook", time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1 := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	const certificate, keyField = "client_cert.certificate", "client_cert.key"
	for name, tt := range map[string]struct {
		certificate, key, url string
		field, want           string // empty: it is right
	}{
		"none":                 {},
		"a pair":               {certificate: good.Certificate, key: good.Key.Reveal()},
		"with its authority":   {certificate: good.Certificate + authority.PEM(), key: good.Key.Reveal()},
		"with text around":     {certificate: "Labhook's:\n" + good.Certificate, key: "Secret:\n" + good.Key.Reveal()},
		"no key":               {certificate: good.Certificate, field: keyField, want: "Give the certificate and its key together"},
		"no certificate":       {key: good.Key.Reveal(), field: certificate, want: "Give the certificate and its key together"},
		"another key":          {certificate: good.Certificate, key: other.Key.Reveal(), field: keyField, want: "The key is not the one of the certificate"},
		"a key of another way": {certificate: good.Certificate, key: sec1, field: keyField, want: "The key is not the one of the certificate"},
		"swapped":              {certificate: good.Key.Reveal(), key: good.Certificate, field: certificate, want: "-----BEGIN CERTIFICATE-----"},
		"a path":               {certificate: "/etc/client.pem", key: good.Key.Reveal(), field: certificate, want: "must be PEM text"},
		"no PEM key":           {certificate: good.Certificate, key: "secret", field: keyField, want: "The key must be PEM text with a line -----BEGIN PRIVATE KEY-----"},
		"broken certificate":   {certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key: good.Key.Reveal(), field: certificate, want: "The certificate cannot be read"},
		"broken key":           {certificate: good.Certificate, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", field: keyField, want: "The key cannot be read"},
		"key with passphrase":  {certificate: good.Certificate, key: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", field: keyField, want: "passphrase"},
		"key with old passphrase": {
			certificate: good.Certificate, key: "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
			field: keyField, want: "passphrase",
		},
		"expired":   {certificate: old.Certificate, key: old.Key.Reveal(), field: certificate, want: "expired on 2020-02-03"},
		"too long":  {certificate: strings.Repeat(good.Certificate, 100), key: good.Key.Reveal(), field: certificate, want: "at most 32768 bytes"},
		"plain URL": {certificate: good.Certificate, key: good.Key.Reveal(), url: "http://hooks.example.com/lab", field: certificate, want: "needs a URL that starts with https://"},
	} {
		w := enginetest.Webhook(func(w *engine.Webhook) {
			w.ConsumerID = engine.NewID[engine.ConsumerID]()
			w.ClientCert = engine.ClientCert{Certificate: tt.certificate, Key: engine.Secret(tt.key)}
			if tt.url != "" {
				w.URL = tt.url
			}
		})
		err := w.Validate(engine.BuiltIn)
		bad, _ := errors.AsType[engine.InvalidError](err)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want != "" && (len(bad) == 0 || bad[0].Field != tt.field || !strings.Contains(bad[0].Message, tt.want)):
			t.Errorf("%s: %v, want %s: %s", name, err, tt.field, tt.want)
		case tt.key != "" && err != nil && strings.Contains(err.Error(), tt.key):
			t.Errorf("%s: the message holds the key", name)
		}
	}
}

// identityServer is a receiver that wants client certificates. It tells who asked, and when connections end.
type identityServer struct {
	*httptest.Server
	who    chan string
	closed chan struct{}
}

func newIdentityServer(t *testing.T, authority *enginetest.Authority) *identityServer {
	t.Helper()
	s := &identityServer{who: make(chan string, 10), closed: make(chan struct{}, 10)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.who <- r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			s.closed <- struct{}{}
		}
	}
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{authority.Server("127.0.0.1")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool(),
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestClientCert sends as one identity, then as another, then as nobody, over connections that end with each.
func TestClientCert(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	server := newIdentityServer(t, authority)
	store := dbtest.Open(t)
	e := engine.New(engine.Config{
		Guard: egress.New(egress.Settings{Networks: enginetest.Loopback, Roots: authority.Pool()}), Log: slog.New(slog.DiscardHandler),
	}, store)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c, err := store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID, w.URL, w.ClientCert = c.ID, server.URL, authority.Client("first", time.Time{})
	}))
	if err != nil {
		t.Fatal(err)
	}
	send := func() engine.Attempt {
		t.Helper()
		tested, err := e.Test(t.Context(), engine.System, w.ID, engine.Example{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		return tested.Attempt
	}
	change := func(to engine.ClientCert) {
		t.Helper()
		w.ClientCert = to
		if w, err = store.UpdateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if a := send(); a.Outcome.Kind != engine.OutcomeDelivered || <-server.who != "first" {
			t.Fatalf("as the first: %+v", a.Outcome)
		}
	}
	change(authority.Client("second", time.Time{}))
	<-server.closed
	if a := send(); a.Outcome.Kind != engine.OutcomeDelivered || <-server.who != "second" {
		t.Fatalf("as the second: %+v", a.Outcome)
	}
	change(engine.ClientCert{})
	<-server.closed
	if a := send(); a.Outcome.Class != engine.ClassTLS {
		t.Errorf("as nobody: %+v", a.Outcome)
	}
}
