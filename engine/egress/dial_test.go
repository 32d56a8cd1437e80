package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// recorder notes the addresses that are dialled and reaches none of them.
type recorder struct {
	mu   sync.Mutex
	list []netip.AddrPort
}

var errUnreachable = errors.New("unreachable")

func (r *recorder) dial(_ context.Context, _, address string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, netip.MustParseAddrPort(address))
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errUnreachable}
}

func (r *recorder) dialled() []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// errNoRequest says that there can be no request to a URL at all.
var errNoRequest = errors.New("no request")

// send sends a request and returns the answer's status.
func send(t *testing.T, guard *egress.Guard, url string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, nil)
	if err != nil {
		return 0, errors.Join(errNoRequest, err)
	}
	client := guard.Client(1 << 14)
	defer client.CloseIdleConnections()
	resp, err := client.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// counted starts a server that counts the connections and requests that arrive.
func counted(t *testing.T) (port string, arrived *atomic.Int64) {
	t.Helper()
	arrived = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			arrived.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, arrived
}

// TestNothingArrives sends to a real listener under every spelling and name that leads to it.
func TestNothingArrives(t *testing.T) {
	t.Parallel()
	port, arrived := counted(t)
	names := enginetest.NewNames(zone())
	guarded := egress.New(egress.Settings{Resolver: names.Resolver()})
	for _, host := range append(oddSpellings, "inside.test", "inside6.test", "both.test", "alias.test", "chain.test") {
		_, err := send(t, guarded, "http://"+host+":"+port+"/")
		if _, blocked := errors.AsType[*egress.BlockedError](err); !blocked {
			t.Errorf("%s: %v, want a refusal", host, err)
		}
	}
	if n := arrived.Load(); n != 0 {
		t.Fatalf("%d connections or requests arrived", n)
	}
	open := egress.New(egress.Settings{Networks: prefixes("127.0.0.1/32"), Resolver: names.Resolver()})
	for i, host := range []string{"inside.test", "chain.test", "127.0.0.1", "localhost"} {
		if status, err := send(t, open, "http://"+host+":"+port+"/"); err != nil || status != http.StatusOK {
			t.Errorf("%s with its network allowed: %d, %v", host, status, err)
		}
		if want := int64(2 * (i + 1)); arrived.Load() != want {
			t.Errorf("%s with its network allowed: %d connections and requests arrived in all, want %d", host, arrived.Load(), want)
		}
	}
}

// TestRebinding asks a name server that names a public address first and loopback from then on.
func TestRebinding(t *testing.T) {
	t.Parallel()
	port, arrived := counted(t)
	names, wire := enginetest.NewNames(zone()), &recorder{}
	guard := egress.New(egress.Settings{Resolver: names.Resolver(), Dial: wire.dial})
	url := "http://turning.test:" + port + "/"
	if _, err := send(t, guard, url); !errors.Is(err, errUnreachable) {
		t.Fatalf("at first: %v", err)
	}
	// One question for one connection: what was checked is what is dialled.
	want := netip.MustParseAddrPort("8.8.8.8:" + port)
	if got := wire.dialled(); names.Asked("turning.test") != 1 || !slices.Equal(got, []netip.AddrPort{want}) {
		t.Errorf("asked %d times and dialled %v, want once and %v", names.Asked("turning.test"), got, want)
	}
	_, err := send(t, guard, url)
	if blocked, ok := errors.AsType[*egress.BlockedError](err); !ok || blocked.Host != "turning.test" || !blocked.Addr.IsLoopback() {
		t.Errorf("when it has turned: %v", err)
	}
	if len(wire.dialled()) != 1 || arrived.Load() != 0 {
		t.Errorf("dialled %v, %d connections or requests arrived", wire.dialled(), arrived.Load())
	}
}

// TestSecondLine dials through the check of the dialled address alone.
func TestSecondLine(t *testing.T) {
	t.Parallel()
	port, arrived := counted(t)
	guard := egress.New(egress.Settings{})
	_, err := guard.DialUnchecked(t.Context(), netip.MustParseAddrPort("127.0.0.1:"+port))
	if _, blocked := errors.AsType[*egress.BlockedError](err); !blocked || arrived.Load() != 0 {
		t.Errorf("got %v, %d connections arrived", err, arrived.Load())
	}
}

// TestAddressesInTurn dials a name with addresses that hang, refuse and answer.
func TestAddressesInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		guard := egress.New(egress.Settings{Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			switch {
			case strings.HasPrefix(address, "8.8.8.1:"), strings.HasPrefix(address, "8.8.8.9:"):
				<-ctx.Done()
				return nil, ctx.Err()
			case strings.HasPrefix(address, "8.8.8.2:"):
				return nil, errUnreachable
			case strings.HasPrefix(address, "8.8.8.4:"): // too late
				time.Sleep(time.Second)
			}
			client, server := net.Pipe()
			open.Add(1)
			go func() {
				_, _ = server.Read(make([]byte, 1))
				open.Add(-1)
			}()
			return client, nil
		}})
		for list, want := range map[string]time.Duration{
			"8.8.8.3":                         0,
			"8.8.8.2":                         -1,
			"8.8.8.2 8.8.8.2":                 -1,
			"8.8.8.2 8.8.8.3":                 0,
			"8.8.8.1 8.8.8.3":                 250 * time.Millisecond,
			"8.8.8.1 8.8.8.2 8.8.8.3 8.8.8.1": 250 * time.Millisecond,
			"8.8.8.4 8.8.8.1 8.8.8.3":         500 * time.Millisecond,
			"8.8.8.1 8.8.8.9":                 -30,
		} {
			var addrs []netip.Addr
			for text := range strings.FieldsSeq(list) {
				addrs = append(addrs, netip.MustParseAddr(text))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			start := time.Now()
			conn, err := guard.DialAny(ctx, addrs, 443)
			took := time.Since(start)
			switch {
			case want == -30 && (err == nil || took != 30*time.Second), want == -1 && (!errors.Is(err, errUnreachable) || took != 0):
				t.Errorf("%s: %v after %s, want a failure", list, err, took)
			case want >= 0 && (err != nil || took != want):
				t.Errorf("%s: %v after %s, want a connection after %s", list, err, took, want)
			}
			cancel()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if conn != nil {
				if open.Load() != 1 {
					t.Errorf("%s: %d connections are open, want the one", list, open.Load())
				}
				conn.Close()
			}
			synctest.Wait()
			if open.Load() != 0 {
				t.Errorf("%s: %d connections were left open", list, open.Load())
			}
		}
	})
}

// TestDialEndsWithAttempt gives up attempts whose connections do not come about, in name server, network and TLS.
func TestDialEndsWithAttempt(t *testing.T) {
	t.Parallel()
	for name, dial := range map[string]func(ctx context.Context) (net.Conn, error){
		"no connection": func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"no handshake": func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				b := make([]byte, 1024)
				for {
					if _, err := server.Read(b); err != nil {
						return
					}
				}
			}()
			return client, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dialling atomic.Int64
				guard := egress.New(egress.Settings{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					dialling.Add(1)
					conn, err := dial(ctx)
					if err != nil {
						dialling.Add(-1)
						return nil, err
					}
					return closing{conn, sync.OnceFunc(func() { dialling.Add(-1) })}, nil
				}})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, "POST", "https://8.8.8.8/", nil)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err = guard.Client(1 << 14).RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
					t.Errorf("got %v after %s", err, time.Since(start))
				}
				synctest.Wait()
				if n := dialling.Load(); n != 0 {
					t.Errorf("%d connections are still being made", n)
				}
			})
		})
	}
}

// closing calls done when the connection is closed for the first time.
type closing struct {
	net.Conn
	done func()
}

func (c closing) Close() error {
	err := c.Conn.Close()
	c.done()
	return err
}

func TestSourceAddress(t *testing.T) {
	t.Parallel()
	from := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from <- r.RemoteAddr }))
	defer server.Close()
	sources, err := egress.ParseSources("127.0.0.9")
	if err != nil {
		t.Fatal(err)
	}
	guard := egress.New(egress.Settings{Networks: enginetest.Loopback, Sources: sources})
	if err := guard.Settings().CheckSources(); err != nil {
		t.Skipf("this host has no address 127.0.0.9: %v", err)
	}
	if _, err := send(t, guard, server.URL); err != nil {
		t.Fatal(err)
	}
	if got := <-from; !strings.HasPrefix(got, "127.0.0.9:") {
		t.Errorf("the request came from %s", got)
	}
	_, err = send(t, guard, "http://[::1]:1/")
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || !strings.Contains(err.Error(), "no source address for IPv6; add one to --source-address") {
		t.Errorf("to an address of the other family: %v", err)
	}
}
