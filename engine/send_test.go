package engine_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// TestTimings sends to a name over a connection that is opened for the first attempt and used again for the second, and to
// an address where nobody listens.
func TestTimings(t *testing.T) {
	t.Parallel()
	const name = "hooks.example.com"
	authority := enginetest.NewAuthority(t)
	server := secureServer(t, http.NotFoundHandler(), func(s *httptest.Server) {
		s.TLS.Certificates = []tls.Certificate{authority.Server(name)}
	})
	e := engine.New(engine.Config{
		Guard: egress.New(egress.Settings{
			Networks: enginetest.Loopback, Roots: authority.Pool(), Resolver: enginetest.NewNames(map[string][]string{name: {"127.0.0.1"}}).Resolver(),
		}),
		Log: slog.New(slog.DiscardHandler),
	}, dbtest.Open(t))
	address := server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	send := func(url string) engine.Attempt {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = url })
		return e.Attempt(&w, &engine.Sending{Event: labEvent(""), Delivery: engine.Delivery{ID: 7, WebhookID: w.ID}}).Attempt
	}
	for _, reused := range []bool{false, true} {
		a := send("https://" + name + ":" + port)
		got := a.Timings
		if a.RemoteAddr != address || got.Reused != reused || got.Wait == 0 || got.Body == 0 || got.Total < got.Wait+got.Body {
			t.Errorf("reused %t: %s, %+v", reused, a.RemoteAddr, got)
		}
		if opened := got.DNS > 0 && got.Connect > 0 && got.TLS > 0; opened == reused || got.DNS+got.Connect+got.TLS > 0 == reused {
			t.Errorf("reused %t, but the opening took %+v", reused, got)
		}
	}
	nowhere := closedPort(t)
	if a := send("http://" + nowhere); a.RemoteAddr != nowhere || a.Timings.Connect == 0 || a.Timings.Wait != 0 || a.Outcome.Class != engine.ClassRefused {
		t.Errorf("refused: %s, %+v, %s", a.RemoteAddr, a.Timings, a.Outcome.Error)
	}
}

func TestAddressText(t *testing.T) {
	t.Parallel()
	for _, addr := range []net.Addr{
		&net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 443},
		&net.TCPAddr{IP: net.IPv4(203, 0, 113, 7).To4(), Port: 8443},
		&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 80},
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 80, Zone: "eth0"},
		&net.UnixAddr{Name: "/run/receiver", Net: "unix"},
	} {
		if got := engine.AddressText(addr); got != addr.String() {
			t.Errorf("%v became %q", addr, got)
		}
	}
}
