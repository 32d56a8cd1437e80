package egress_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// proxy is a forward proxy on loopback. Whatever address it is asked for, it goes to the target of that port.
type proxy struct {
	*httptest.Server
	targets map[string]string // host:port by the port that is asked for

	mu    sync.Mutex
	asked []string
}

func newProxy(t *testing.T, targets map[string]string) *proxy {
	t.Helper()
	p := &proxy{targets: targets}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	switch {
	case r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNzd29yZA==": // user:password
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		_, port, _ := net.SplitHostPort(r.RequestURI)
		p.tunnel(w, p.targets[port])
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (p *proxy) tunnel(w http.ResponseWriter, target string) {
	to, err := net.Dial("tcp", target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	_, _ = io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(to, from) }()
	_, _ = io.Copy(from, to)
}

func (p *proxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// through returns a strict guard that sends through the proxy.
func (p *proxy) through(t *testing.T, user string, change func(*egress.Settings)) *egress.Guard {
	t.Helper()
	u, err := egress.ParseProxy(strings.Replace(p.URL, "//", "//"+user, 1))
	if err != nil {
		t.Fatal(err)
	}
	s := egress.Settings{Proxy: u, Resolver: enginetest.NewNames(zone()).Resolver()}
	if change != nil {
		change(&s)
	}
	return egress.New(s)
}

// TestProxy: the proxy is asked for addresses that were checked here, while the receiver gets the name, for http, too.
func TestProxy(t *testing.T) {
	t.Parallel()
	authority := enginetest.NewAuthority(t)
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the receiver got the proxy's password")
		}
		if r.Host != "hooks.test" || r.RequestURI != "/lab" || r.TLS != nil && r.TLS.ServerName != "hooks.test" {
			t.Errorf("the receiver got host %q, target %q", r.Host, r.RequestURI)
		}
	})
	plain, server := httptest.NewServer(receiver), secure(t, authority, receiver, nil)
	t.Cleanup(plain.Close)
	p := newProxy(t, map[string]string{"80": plain.Listener.Addr().String(), "443": server.Listener.Addr().String()})
	guard := p.through(t, "user:password@", func(s *egress.Settings) {
		z := zone()
		z["hooks.test"], z["six.test"] = []string{"8.8.8.8"}, []string{"2606:4700::1111"}
		s.Roots, s.Resolver = authority.Pool(), enginetest.NewNames(z).Resolver()
	})

	for _, scheme := range []string{"http", "https"} {
		if status, err := send(t, guard, scheme+"://hooks.test/lab"); status != http.StatusAccepted || err != nil {
			t.Errorf("%s: %d, %v", scheme, status, err)
		}
	}
	if _, err := send(t, guard, "http://six.test:1/"); err == nil {
		t.Error("the proxy knows a way that it should not")
	}
	want := []string{"CONNECT 8.8.8.8:80", "CONNECT 8.8.8.8:443", "CONNECT [2606:4700::1111]:1"}
	if !slices.Equal(p.seen(), want) {
		t.Errorf("the proxy was asked for %q, want %q", p.seen(), want)
	}
	for _, scheme := range []string{"http", "https"} {
		for _, host := range append(oddSpellings, "inside.test", "both.test", "alias.test", "10.0.0.1") {
			_, err := send(t, guard, scheme+"://"+host+":8080/")
			if _, blocked := errors.AsType[*egress.BlockedError](err); !blocked {
				t.Errorf("%s://%s: %v, want a refusal", scheme, host, err)
			}
		}
		_, err := send(t, guard, scheme+"://unknown.test/")
		if class := engine.Classify(&engine.StudioPolicy, err, 0); class != engine.ClassDNS {
			t.Errorf("%s to a name that is not known here: class %s, %v", scheme, class, err)
		}
	}
	if got := p.seen(); len(got) != len(want) {
		t.Errorf("the proxy was asked for %q", got[len(want):])
	}
}

// TestProxyRebinding asks a name server that names a public address first and loopback from then on.
func TestProxyRebinding(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(plain.Close)
	for _, scheme := range []string{"http", "https"} {
		p := newProxy(t, map[string]string{"8080": plain.Listener.Addr().String()})
		guard := p.through(t, "user:password@", nil)
		_, _ = send(t, guard, scheme+"://turning.test:8080/")
		_, err := send(t, guard, scheme+"://turning.test:8080/")
		if _, blocked := errors.AsType[*egress.BlockedError](err); !blocked {
			t.Errorf("%s: %v when it has turned, want a refusal", scheme, err)
		}
		if got := p.seen(); !slices.Equal(got, []string{"CONNECT 8.8.8.8:8080"}) {
			t.Errorf("%s: the proxy was asked for %q", scheme, got)
		}
	}
}

// TestProxyRefuses: what the proxy itself answers is no answer of the receiver's.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	p := newProxy(t, map[string]string{"80": "127.0.0.1:1", "443": "127.0.0.1:1"})
	for name, tt := range map[string]struct{ user, want string }{
		"no user":           {"", `the proxy answered "407 Proxy Authentication Required"; check the user and password in --proxy`},
		"no way on":         {"user:password@", `the proxy answered "502 Bad Gateway"`},
		"a user without it": {"user@", "407"},
	} {
		for _, scheme := range []string{"http", "https"} {
			status, err := send(t, p.through(t, tt.user, nil), scheme+"://public.test/")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "proxyconnect tcp "+p.Listener.Addr().String()) {
				t.Errorf("%s, %s: status %d, %v, want %s", name, scheme, status, err, tt.want)
			}
			if class := engine.Classify(&engine.StudioPolicy, err, 0); class != engine.ClassRefused {
				t.Errorf("%s, %s: class %s", name, scheme, class)
			}
		}
	}
	p.Close()
	gone := egress.New(egress.Settings{Proxy: &url.URL{Scheme: "http", Host: "gone.test:3128"}, Resolver: enginetest.NewNames(zone()).Resolver()})
	for _, scheme := range []string{"http", "https"} {
		for name, guard := range map[string]*egress.Guard{"nobody listens": p.through(t, "", nil), "its name is not known": gone} {
			_, err := send(t, guard, scheme+"://public.test/")
			if class := engine.Classify(&engine.StudioPolicy, err, 0); class != engine.ClassRefused {
				t.Errorf("%s, %s: class %s, %v", name, scheme, class, err)
			}
		}
	}
}

// TestProxyMisbehaves connects to proxies that do not answer as they should.
func TestProxyMisbehaves(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, want string }{
		"silent":         {"", context.DeadlineExceeded.Error()},
		"garbage":        {"220 mail.example.com ESMTP\r\n\r\n", "read the proxy's answer"},
		"endless header": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), "read the proxy's answer"},
		"talks first":    {"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01", "more than it was asked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				guard := egress.New(egress.Settings{
					Proxy: &url.URL{Scheme: "http", Host: "10.0.0.1:3128"},
					Dial: func(context.Context, string, string) (net.Conn, error) {
						client, server := net.Pipe()
						go func() {
							defer server.Close()
							_, _ = server.Read(make([]byte, 4096))
							if _, err := io.WriteString(server, tt.answer); err == nil {
								_, _ = io.Copy(io.Discard, server)
							}
						}()
						return client, nil
					},
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "POST", "https://8.8.8.8/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err = guard.Client(1 << 14).RoundTrip(req); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %s", err, tt.want)
				}
				synctest.Wait()
			})
		})
	}
}

func TestParseProxy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		"http://10.0.0.1:3128":      "http://10.0.0.1:3128",
		"http://u:p@proxy.lan:80/":  "http://u:••••@proxy.lan:80",
		"http://u@[fd00::1]:3128":   "http://u@[fd00::1]:3128",
		"http://u:p%40q@proxy:3128": "http://u:••••@proxy:3128",
	} {
		u, err := egress.ParseProxy(text)
		s := egress.Settings{Proxy: u}
		if err != nil || s.ProxyText() != want {
			t.Errorf("%q: %q, %v, want %q", text, s.ProxyText(), err, want)
		}
	}
	for _, text := range []string{
		"proxy:3128", "https://secret@proxy:3128", "socks5://proxy:1080", "http://proxy", "http://:3128", "http://u:secret@proxy", "http://u:secret@proxy:port",
		"http://u:secret@proxy:3128/path", "http://u:secret@proxy:3128?x", "http://u:secret@proxy:3128#x", "http://u:secret@proxy:0x50", "http://u:se cret@proxy:1", "\x00secret",
	} {
		if u, err := egress.ParseProxy(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, %v, want an error without the password", text, u, err)
		}
	}
}
