package cli

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine/receiver"
)

// forwarding runs listen --forward and returns its URL, and a function that ends it and returns what it printed.
func forwarding(t *testing.T, target string, args ...string) (base string, end func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stderr, said := io.Pipe()
	var stdout output
	ended := make(chan error, 1)
	go func() {
		args := append([]string{"--listen", "127.0.0.1:0", "--quiet", "--forward", target}, args...)
		ended <- Listen(ctx, Env{Getenv: func(string) string { return "" }, Stdout: &stdout, Stderr: said}, args)
	}()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.Fields(line)[2], "."), func() string {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return stdout.String()
	}
}

// output is what a command prints, which may go on after the command has returned: a request that it lets go of.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the text.
func (p *output) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// String returns the text so far.
func (p *output) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestForward(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "kept")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "the answer")
	}))
	defer target.Close()
	base, end := forwarding(t, target.URL+"/hooks/")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/lab%2F1?a=b%20c", strings.NewReader(`{"Id": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Webhook-Id": {"dlv_1"}, "X-Twice": {"1", "2"}, "Connection": {"X-Hop"}, "X-Hop": {"no"}, "User-Agent": {"sender"}}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusFound || string(answer) != "the answer" || res.Header.Get("X-Answer") != "kept" || res.Header.Get("Location") != "/elsewhere" {
		t.Errorf("answered %d %q %v", res.StatusCode, answer, res.Header)
	}
	if got.Method != http.MethodPut || got.RequestURI != "/hooks/lab%2F1?a=b%20c" || string(body) != `{"Id": 1}` || got.ContentLength != 9 {
		t.Errorf("the target got %s %s, %q", got.Method, got.RequestURI, body)
	}
	want := http.Header{"Webhook-Id": {"dlv_1"}, "X-Twice": {"1", "2"}, "User-Agent": {"sender"}, "Content-Length": {"9"}}
	got.Header.Del("Accept-Encoding") // of the sender's client
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if out := end(); !strings.Contains(out, "→ 302  forwarded, ") {
		t.Errorf("printed %s", out)
	}
}

func TestForwardFails(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			_, _ = w.Write(make([]byte, maxForwardedLen+1))
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer target.Close()
	for _, tt := range []struct{ target, path, body, says string }{
		{closed.URL, "/", "", "connection refused"},
		{target.URL, "/", "", "EOF"},
		{target.URL, "/long", "", "its answer has more than"},
		{target.URL, "/", strings.Repeat("x", receiver.DefaultMaxBody+1), "the body has more than"},
	} {
		base, end := forwarding(t, tt.target)
		res, err := http.Post(base+tt.path, "text/plain", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusBadGateway || !strings.Contains(string(answer), tt.says) {
			t.Errorf("answered %d %q, want …%s…", res.StatusCode, answer, tt.says)
		}
		if out := end(); !strings.Contains(out, "→ 502  NOT forwarded: ") {
			t.Errorf("printed %s", out)
		}
	}
}

// TestForwardRefusesUnsigned: what nobody signed does not reach the target, and a stop does not wait for it.
func TestForwardRefusesUnsigned(t *testing.T) {
	t.Parallel()
	target, reached := receiver.New(receiver.Options{Keep: 10, Script: receiver.Always(receiver.Answer{Hang: true})}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		target.ServeHTTP(w, r)
	}))
	defer server.Close()
	defer target.Close()
	base, end := forwarding(t, server.URL, "--require-signature", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	res, err := http.Post(base, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized || len(target.Requests()) != 0 {
		t.Errorf("answered %d, %d requests went on", res.StatusCode, len(target.Requests()))
	}
	end()

	base, end = forwarding(t, server.URL)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if res, err := http.Post(base, "text/plain", nil); err == nil {
			res.Body.Close()
		}
	}()
	<-reached
	end()
	<-asked
}

func TestForwardMistakes(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"127.0.0.1:3000", "ftp://host/", "http://", "http://u:p@host", "http://host/?a=b", "http://host/#a", "file:///etc/passwd"} {
		err := Listen(t.Context(), Env{Getenv: func(string) string { return "" }}, []string{"--forward", target})
		if ExitCode(err) != exitUsage || !strings.Contains(err.Error(), "--forward: ") {
			t.Errorf("%s: %v", target, err)
		}
	}
	f, err := newForwarder("http://localhost:9000/a")
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{"127.0.0.1:9000": true, "[::]:9000": true, "127.0.0.1:9001": false} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.leadsTo(tcp); got != want {
			t.Errorf("leads to %s: %t", addr, got)
		}
	}
	err = Listen(t.Context(), Env{Getenv: func(string) string { return "" }}, []string{"--forward", "http://127.0.0.1:1", "--answer", "503"})
	if ExitCode(err) != exitUsage {
		t.Errorf("with --answer: %v", err)
	}
}
