package egress_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

var quiet = log.New(io.Discard, "", 0)

// roundTrip returns the answer, nil when there is none.
func roundTrip(t *testing.T, transport http.RoundTripper, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil
	}
	resp.Body.Close()
	return resp
}

func TestClient(t *testing.T) {
	t.Parallel()
	client := enginetest.Guard().Client(1 << 14)
	defer client.CloseIdleConnections()

	t.Run("follows no redirect and leaves the answer as it is", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "" {
				t.Errorf("asked for Accept-Encoding %q", got)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}))
		defer server.Close()
		resp := roundTrip(t, client, server.URL)
		if resp == nil || resp.StatusCode != http.StatusFound {
			t.Errorf("answer: %v", resp)
		}
	})
	t.Run("refuses TLS 1.1", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		server.Config.ErrorLog = quiet
		server.StartTLS()
		defer server.Close()
		if resp := roundTrip(t, client, server.URL); resp != nil {
			t.Errorf("connected with TLS version %x", resp.TLS.Version)
		}
	})
	t.Run("refuses headers beyond the limit", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<15))
		}))
		defer server.Close()
		if resp := roundTrip(t, client, server.URL); resp != nil {
			t.Errorf("answer: %v", resp.Status)
		}
	})
}

// TestNoProxyFromEnvironment is not parallel: it changes the environment.
func TestNoProxyFromEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	req := httptest.NewRequest("GET", "https://hooks.example.com/", nil)
	if proxy := enginetest.Guard().Transport(1 << 14).Proxy; proxy != nil {
		u, err := proxy(req)
		t.Errorf("it takes a proxy from the environment: %v, %v", u, err)
	}
}

// secure starts a TLS server of the authority for 127.0.0.1, with HTTP/2.
func secure(t *testing.T, a *enginetest.Authority, h http.Handler, config func(*tls.Config)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{a.Server("127.0.0.1", "hooks.test")}}
	if config != nil {
		config(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// TestAuthorities sends to a receiver whose authority is in a file of the operator's.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	server := secure(t, authority, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("Our authority:\n"+authority.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := egress.LoadRoots(file)
	if err != nil {
		t.Fatal(err)
	}
	trusting := egress.New(egress.Settings{Networks: enginetest.Loopback, Roots: roots}).Client(1 << 14)
	defer trusting.CloseIdleConnections()
	if resp := roundTrip(t, trusting, server.URL); resp == nil || resp.ProtoMajor != 2 || resp.TLS.Version != tls.VersionTLS13 {
		t.Errorf("answer with the authority known: %v", resp)
	}
	if _, err := send(t, enginetest.Guard(), server.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with the system's authorities alone: %v", err)
	}

	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := egress.LoadRoots(empty); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := egress.LoadRoots(empty + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// connections counts who is connected to a server, by the name in the client certificate.
type connections struct {
	mu   sync.Mutex
	open map[string]int
	more chan struct{} // gets a value with each change
}

// watch has the server ask for certificates and count.
func (c *connections) watch(config *tls.Config) {
	config.ClientAuth = tls.RequestClientCert
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		own := config.Clone()
		own.GetConfigForClient = nil
		own.VerifyConnection = func(state tls.ConnectionState) error {
			name := ""
			if len(state.PeerCertificates) > 0 {
				name = state.PeerCertificates[0].Subject.CommonName
			}
			c.add(name, 1)
			hello.Conn.(*watched).onClose(func() { c.add(name, -1) })
			return nil
		}
		return own, nil
	}
}

func (c *connections) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[name] += n
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait waits until there are n connections of a name.
func (c *connections) wait(t *testing.T, name string, n int) {
	t.Helper()
	for {
		c.mu.Lock()
		is := c.open[name]
		c.mu.Unlock()
		if is == n {
			return
		}
		select {
		case <-c.more:
		case <-t.Context().Done():
			t.Fatalf("%d connections of %q, want %d", is, name, n)
		}
	}
}

// watchedListener accepts connections that tell when they are closed.
type watchedListener struct{ net.Listener }

func (l watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watched{Conn: conn}, nil
}

type watched struct {
	net.Conn
	mu   sync.Mutex
	done func()
}

func (w *watched) onClose(done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = done
}

func (w *watched) Close() error {
	w.mu.Lock()
	done := w.done
	w.done = nil
	w.mu.Unlock()
	if done != nil {
		done()
	}
	return w.Conn.Close()
}

// TestIdentities checks that a connection speaks for one identity alone, and ends with it.
func TestIdentities(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	count := &connections{open: map[string]int{}, more: make(chan struct{}, 1)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, cert := range r.TLS.PeerCertificates {
			w.Header().Add("Who", cert.Subject.CommonName)
		}
	}))
	server.Config.ErrorLog = quiet
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Server("127.0.0.1")}}
	count.watch(server.TLS)
	server.Listener = watchedListener{server.Listener}
	server.StartTLS()
	t.Cleanup(server.Close)

	client := egress.New(egress.Settings{Networks: enginetest.Loopback, Roots: authority.Pool()}).Client(1 << 14)
	defer client.CloseIdleConnections()
	ids := map[string]egress.Identity{}
	for _, name := range []string{"first", "second"} {
		cert := authority.Client(name, time.Time{})
		ids[name] = egress.Identity{Certificate: cert.Certificate, Key: cert.Key.Reveal()}
	}
	ask := func(name string) {
		t.Helper()
		var transport http.RoundTripper = client
		if id, ok := ids[name]; ok {
			var err error
			if transport, err = client.As(id); err != nil {
				t.Fatal(err)
			}
		}
		if resp := roundTrip(t, transport, server.URL); resp == nil || resp.Header.Get("Who") != name {
			t.Errorf("answer to %q: %v", name, resp)
		}
	}
	for range 3 {
		ask("first")
		ask("second")
		ask("")
	}
	for _, name := range []string{"first", "second", ""} {
		count.wait(t, name, 1)
	}
	client.Retain(func(id egress.Identity) bool { return id == ids["second"] })
	count.wait(t, "first", 0)
	count.wait(t, "second", 1)
	count.wait(t, "", 1)
	ask("first")
	count.wait(t, "first", 1)
	client.CloseIdleConnections()
	for _, name := range []string{"first", "second", ""} {
		count.wait(t, name, 0)
	}
}

// TestIdentitiesAreBounded uses more certificates than are kept.
func TestIdentitiesAreBounded(t *testing.T) {
	t.Parallel()
	client := enginetest.Guard().Client(1 << 14)
	authority := enginetest.NewAuthority(t)
	first := map[egress.Identity]http.RoundTripper{}
	var order []egress.Identity
	for range egress.MaxIdentities + 2 {
		cert := authority.Client("one of many", time.Time{})
		id := egress.Identity{Certificate: cert.Certificate, Key: cert.Key.Reveal()}
		transport, err := client.As(id)
		if err != nil {
			t.Fatal(err)
		}
		order, first[id] = append(order, id), transport
		if again, err := client.As(order[0]); err != nil || again != first[order[0]] {
			t.Fatalf("the one in use was dropped: %v", err)
		}
	}
	kept := 0
	client.Retain(func(id egress.Identity) bool {
		kept++
		return id == order[0]
	})
	if kept != egress.MaxIdentities {
		t.Errorf("%d identities are kept, want %d", kept, egress.MaxIdentities)
	}
	if _, err := client.As(egress.Identity{Certificate: "none", Key: "none"}); err == nil {
		t.Error("what is no certificate was taken")
	}
}

// TestClientChecksEachRequest refuses what does not depend on the connection, and closes the body as it must.
func TestClientChecksEachRequest(t *testing.T) {
	t.Parallel()
	client := egress.New(egress.Settings{RequireHTTPS: true, Resolver: enginetest.NewNames(nil).Resolver()}).Client(1 << 14)
	body := &body{}
	req, err := http.NewRequestWithContext(context.Background(), "POST", "http://8.8.8.8/", body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.RoundTrip(req)
	if _, ok := errors.AsType[*egress.BlockedError](err); !ok || !body.closed {
		t.Errorf("got %v, body closed %t", err, body.closed)
	}
}

type body struct {
	strings.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}
