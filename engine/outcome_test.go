package engine_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// rawServer answers each connection on loopback with what answer writes, then closes it.
func rawServer(t *testing.T, answer func(*net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			answer(conn.(*net.TCPConn))
			conn.Close()
		}
	}()
	return ln.Addr().String()
}

// writes returns an answer that reads the request and writes a text.
func writes(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, text)
	}
}

// readRequest reads a request without a body.
func readRequest(conn net.Conn) {
	var request []byte
	b := make([]byte, 1)
	for !strings.HasSuffix(string(request), "\r\n\r\n") {
		if _, err := conn.Read(b); err != nil {
			return
		}
		request = append(request, b...)
	}
}

// resets closes the connection so that the other side sees a reset.
func resets(conn *net.TCPConn) {
	readRequest(conn)
	_ = conn.SetLinger(0)
}

// closedPort returns an address on loopback where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	// The port of a client: while the connection is open nobody else gets it to listen on.
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// secureServer starts a TLS server with the settings, silent about failed handshakes.
func secureServer(t *testing.T, h http.Handler, config func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{}
	config(server)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// situation is one way in which an attempt can end.
type situation struct {
	url       string
	transport *http.Transport // nil: the guarded one that lets loopback through
	timeout   time.Duration   // 0: none
	expires   bool            // the timeout ends once the head of the answer is there
	status    int             // of the answer
	want      engine.FailureClass
}

// networkSituations are those of the connection.
func networkSituations(t *testing.T) map[string]situation {
	failing := enginetest.Guard().Transport(1 << 14)
	failing.DialContext = (&net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}}).DialContext
	hanging := enginetest.NewReceiver(t, "hang")
	stalling := enginetest.NewReceiver(t, "200 hang")
	dropping := enginetest.NewReceiver(t, "drop")
	cut := enginetest.NewReceiver(t, "200 drop")
	return map[string]situation{
		"name not resolved":  {url: "http://nowhere.invalid/", transport: failing, want: engine.ClassDNS},
		"a number as name":   {url: "http://127.1/", want: engine.ClassBlocked},
		"refused":            {url: "http://" + closedPort(t), want: engine.ClassRefused},
		"refused with TLS":   {url: "https://" + closedPort(t), want: engine.ClassRefused},
		"reset":              {url: "http://" + rawServer(t, resets), want: engine.ClassReset},
		"reset in TLS":       {url: "https://" + rawServer(t, func(conn *net.TCPConn) { _ = conn.SetLinger(0) }), want: engine.ClassReset},
		"closed at once":     {url: "http://" + rawServer(t, func(*net.TCPConn) {}), want: engine.ClassReset},
		"closed, no answer":  {url: dropping.URL, want: engine.ClassReset},
		"no answer in time":  {url: hanging.URL, timeout: 50 * time.Millisecond, want: engine.ClassTimeout},
		"no end in time":     {url: stalling.URL, expires: true, status: 200, want: engine.ClassTimeout},
		"no handshake":       {url: "https://" + rawServer(t, func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }), timeout: 50 * time.Millisecond, want: engine.ClassTimeout},
		"blocked address":    {url: hanging.URL, transport: enginetest.StrictGuard().Transport(1 << 14), want: engine.ClassBlocked},
		"blocked name":       {url: "http://localhost:1/", transport: enginetest.StrictGuard().Transport(1 << 14), want: engine.ClassBlocked},
		"answer breaks off":  {url: cut.URL, status: 200, want: engine.ClassBody},
		"answer too short":   {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")), status: 200, want: engine.ClassBody},
		"bad chunk":          {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")), status: 200, want: engine.ClassBody},
		"no HTTP":            {url: "http://" + rawServer(t, writes("220 mail.example.com ESMTP\r\n")), want: engine.ClassBody},
		"bad length":         {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")), want: engine.ClassBody},
		"bad header":         {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")), want: engine.ClassBody},
		"header too long":    {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<15)+"\r\n\r\n")), want: engine.ClassBody},
		"header breaks off":  {url: "http://" + rawServer(t, writes("HTTP/1.1 200 OK\r\nX-")), want: engine.ClassBody},
		"success":            {url: enginetest.NewReceiver(t, "204").URL, status: 204},
		"failure":            {url: enginetest.NewReceiver(t, "503").URL, status: 503, want: engine.ClassStatus},
		"redirect":           {url: enginetest.NewReceiver(t, "302").URL, status: 302, want: engine.ClassRedirect},
		"plain HTTP for TLS": {url: strings.Replace(cut.URL, "http:", "https:", 1), want: engine.ClassTLS},
		"garbage for TLS":    {url: "https://" + rawServer(t, func(conn *net.TCPConn) { _, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n") }), want: engine.ClassTLS},
	}
}

// secureSituations are those of TLS and HTTP/2.
func secureSituations(t *testing.T) map[string]situation {
	nothing := http.NotFoundHandler()
	trusting := func(server *httptest.Server, name string) *http.Transport {
		transport := enginetest.Guard().Transport(1 << 14)
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
		transport.TLSClientConfig.ServerName = name
		return transport
	}
	plain := secureServer(t, nothing, func(*httptest.Server) {})
	old := secureServer(t, nothing, func(s *httptest.Server) { s.TLS.MinVersion, s.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	wantsCert := secureServer(t, nothing, func(s *httptest.Server) { s.TLS.ClientAuth = tls.RequireAnyClientCert })
	wantsCertOld := secureServer(t, nothing, func(s *httptest.Server) {
		s.TLS.ClientAuth, s.TLS.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
	})
	script := func(text string) http.Handler {
		return receiver.New(receiver.Options{Script: enginetest.Script(t, text)})
	}
	http2 := func(s *httptest.Server) { s.EnableHTTP2 = true }
	dropping2, cut2, ok2 := secureServer(t, script("drop"), http2), secureServer(t, script("200 drop"), http2), secureServer(t, script("200"), http2)
	return map[string]situation{
		"unknown CA":             {url: plain.URL, want: engine.ClassTLS},
		"wrong name":             {url: plain.URL, transport: trusting(plain, "hooks.example.org"), want: engine.ClassTLS},
		"only TLS 1.1":           {url: old.URL, want: engine.ClassTLS},
		"asks for a certificate": {url: wantsCert.URL, transport: trusting(wantsCert, ""), want: engine.ClassTLS},
		"asks for one, TLS 1.2":  {url: wantsCertOld.URL, transport: trusting(wantsCertOld, ""), want: engine.ClassTLS},
		"TLS for plain HTTP":     {url: strings.Replace(plain.URL, "https:", "http:", 1), status: 400, want: engine.ClassStatus},
		"HTTP/2 stream reset":    {url: dropping2.URL, transport: trusting(dropping2, ""), want: engine.ClassReset},
		"HTTP/2 answer broken":   {url: cut2.URL, transport: trusting(cut2, ""), status: 200, want: engine.ClassBody},
		"HTTP/2 success":         {url: ok2.URL, transport: trusting(ok2, ""), status: 200},
	}
}

// deadline is a context whose time is over when the test says so.
type deadline struct {
	context.Context
	over chan struct{}
}

func (d *deadline) Done() <-chan struct{} { return d.over }

func (d *deadline) Err() error {
	select {
	case <-d.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestClassify brings each situation about on loopback, through the guarded transport.
func TestClassify(t *testing.T) {
	t.Parallel()
	for name, s := range networkSituations(t) {
		t.Run(name, func(t *testing.T) { s.check(t) })
	}
	for name, s := range secureSituations(t) {
		t.Run(name, func(t *testing.T) { s.check(t) })
	}
}

// check sends by the transport alone, as the senders do, and by an http.Client, which words some errors otherwise.
func (s situation) check(t *testing.T) {
	if s.transport == nil {
		s.transport = enginetest.Guard().Transport(1 << 14)
	}
	defer s.transport.CloseIdleConnections()
	client := &http.Client{Transport: s.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for by, send := range map[string]func(*http.Request) (*http.Response, error){"transport": s.transport.RoundTrip, "client": client.Do} {
		deadline := &deadline{Context: t.Context(), over: make(chan struct{})}
		var ctx context.Context = deadline
		if s.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.timeout)
			defer cancel()
		}
		req, err := http.NewRequestWithContext(ctx, "POST", s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		status := 0
		resp, err := send(req)
		if err == nil {
			status = resp.StatusCode
			if s.expires {
				close(deadline.over)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if got := engine.Classify(&engine.StudioPolicy, err, status); got != s.want || status != s.status {
			t.Errorf("by the %s: class %q, status %d, want %q, %d: %v", by, got, status, s.want, s.status, err)
		}
	}
}

func TestClassifyWithoutNetwork(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		err    error
		status int
		want   engine.FailureClass
	}{
		{nil, 200, ""},
		{nil, 204, ""},
		{nil, 299, ""},
		{nil, 199, engine.ClassStatus},
		{nil, 300, engine.ClassRedirect},
		{nil, 399, engine.ClassRedirect},
		{nil, 400, engine.ClassStatus},
		{nil, 0, engine.ClassStatus},
		{dial(syscall.EHOSTUNREACH), 0, engine.ClassRefused},
		{dial(syscall.ENETUNREACH), 0, engine.ClassRefused},
		{dial(syscall.EACCES), 0, engine.ClassRefused}, // a firewall on this host
		{dial(syscall.ETIMEDOUT), 0, engine.ClassTimeout},
		{dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), 0, engine.ClassDNS},
		{dial(&egress.BlockedError{}), 0, engine.ClassBlocked},
		{fmt.Errorf("send: %w", context.DeadlineExceeded), 0, engine.ClassTimeout},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, 0, engine.ClassReset},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, 200, engine.ClassReset},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, 0, engine.ClassReset},
		{errors.New("http: server closed idle connection"), 0, engine.ClassReset},
		{errors.New("http2: server sent GOAWAY and closed the connection"), 0, engine.ClassReset},
		{io.ErrUnexpectedEOF, 200, engine.ClassBody},
		{errors.New("anything"), 0, engine.ClassBody},
	} {
		if got := engine.Classify(&engine.StudioPolicy, tt.err, tt.status); got != tt.want {
			t.Errorf("%v, %d: %q, want %q", tt.err, tt.status, got, tt.want)
		}
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, class := range engine.FailureClasses {
		statuses := []int{0}
		if class == engine.ClassStatus {
			statuses = []int{401, 404, 415, 418, 429, 503}
		}
		for _, status := range statuses {
			advice := class.Advice(status)
			if !strings.HasSuffix(advice, ".") || seen[advice] != "" {
				t.Errorf("%s %d: %q, as %s", class, status, advice, seen[advice])
			}
			seen[advice] = fmt.Sprint(class, status)
		}
	}
	if got := engine.FailureClass("").Advice(200); got != "" {
		t.Errorf("advice for a success: %q", got)
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(engine.FailureClasses)))); n != 10 {
		t.Errorf("%d failure classes", n)
	}
}
