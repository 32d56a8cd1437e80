package egress_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"labhook/engine/egress"
)

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	guard := egress.NewGuard(nil)
	tests := map[string]string{
		"0.0.0.0":                "this network",
		"0.255.255.255":          "this network",
		"10.0.0.1":               "private",
		"10.255.255.255":         "private",
		"172.16.0.1":             "private",
		"172.31.255.255":         "private",
		"192.168.0.1":            "private",
		"192.168.255.255":        "private",
		"100.64.0.1":             "carrier-grade NAT",
		"100.127.255.255":        "carrier-grade NAT",
		"100.100.100.200":        "metadata of Alibaba Cloud, in carrier-grade NAT",
		"127.0.0.1":              "loopback",
		"127.255.255.254":        "loopback",
		"169.254.0.1":            "link-local",
		"169.254.169.254":        "metadata of most clouds",
		"169.254.170.2":          "metadata of containers on AWS",
		"168.63.129.16":          "platform endpoint of Azure",
		"192.0.0.192":            "metadata of Oracle Cloud",
		"192.0.2.1":              "documentation",
		"198.51.100.1":           "documentation",
		"203.0.113.1":            "documentation",
		"192.88.99.1":            "6to4 relays",
		"198.18.0.1":             "benchmarking",
		"198.19.255.255":         "benchmarking",
		"224.0.0.1":              "multicast",
		"239.255.255.255":        "multicast",
		"240.0.0.1":              "class E",
		"255.255.255.255":        "broadcast",
		"::":                     "unspecified",
		"::1":                    "loopback",
		"::7f00:1":               "IPv4-compatible loopback",
		"::ffff:127.0.0.1":       "IPv4-mapped loopback",
		"::ffff:10.0.0.1":        "IPv4-mapped private",
		"::ffff:169.254.169.254": "IPv4-mapped metadata",
		"::ffff:168.63.129.16":   "IPv4-mapped platform endpoint of Azure",
		"::ffff:0:127.0.0.1":     "IPv4-translated loopback",
		"64:ff9b::7f00:1":        "NAT64 of loopback",
		"64:ff9b::a00:1":         "NAT64 of private",
		"64:ff9b:1::1":           "local NAT64",
		"100::1":                 "discard",
		"2001::1":                "Teredo",
		"2001:2::1":              "benchmarking",
		"2001:10::1":             "ORCHID",
		"2001:20::1":             "ORCHIDv2",
		"2001:db8::1":            "documentation",
		"3fff::1":                "documentation",
		"2002:7f00:1::":          "6to4 of loopback",
		"2002:c0a8:1::1":         "6to4 of private",
		"fc00::1":                "unique local",
		"fd00:ec2::254":          "metadata of AWS",
		"fd20:ce::254":           "metadata of Google Cloud",
		"fe80::1":                "link-local",
		"fe80::1%eth0":           "link-local with a zone",
		"fec0::1":                "site-local",
		"ff02::1":                "multicast",
	}
	for text, what := range tests {
		addr := netip.MustParseAddr(text)
		err := guard.Check(addr)
		blocked, ok := errors.AsType[*egress.BlockedError](err)
		if !ok {
			t.Errorf("%s (%s): %v, want a refusal", text, what, err)
			continue
		}
		plain := addr.Unmap().WithZone("")
		if blocked.Addr != plain || !strings.Contains(err.Error(), fmt.Sprintf("--allow-networks %s/%d", plain, plain.BitLen())) {
			t.Errorf("%s (%s): the refusal names neither the address nor the setting: %v", text, what, err)
		}
	}
}

func TestCheckAllowsPublic(t *testing.T) {
	t.Parallel()
	guard := egress.NewGuard(nil)
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"168.63.129.15", "168.63.129.17", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "193.0.0.1",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::200e", "2003::1",
	} {
		if err := guard.Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAllowedNetworkLetsThroughNothingMore(t *testing.T) {
	t.Parallel()
	guard := egress.NewGuard([]netip.Prefix{
		netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("168.63.129.16/32"), netip.MustParsePrefix("fd12::/32"),
	})
	tests := map[string]bool{
		"10.20.0.1": true, "10.20.255.255": true, "::ffff:10.20.0.1": true, "168.63.129.16": true, "fd12::1": true, "fd12::1%eth0": true, "8.8.8.8": true,
		"10.19.255.255": false, "10.21.0.0": false, "127.0.0.1": false, "fd13::1": false, "fd12:1::1": false, "::1": false,
		"64:ff9b::a14:1": false, "2002:a14:1::1": false, // 10.20.0.1 by NAT64 and 6to4
	}
	for text, want := range tests {
		if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got := guard.Allowed(); len(got) != 3 {
		t.Errorf("Allowed: %v", got)
	}
}

// oddSpellings are hosts that some resolver or library takes for loopback.
var oddSpellings = []string{
	"2130706433", "0x7f000001", "0x7F000001", "017700000001", "127.1", "127.0.1", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1",
	"127.0.0.01", "127.000.000.001", "127.0.0.1.", "127.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
	"localhost", "LOCALHOST", "localhost.", "lab.localhost", "127.0.0.2", "127。0。0。1", "１２７.0.0.1", "①②⑦.0.0.1", "[::1%25lo]",
}

func TestCheckURLRefusesSpellings(t *testing.T) {
	t.Parallel()
	guard := egress.NewGuard(nil)
	for _, host := range oddSpellings {
		u, err := url.Parse("http://" + host + ":8080/lab")
		if err != nil {
			t.Fatal(err)
		}
		blocked, ok := errors.AsType[*egress.BlockedError](guard.CheckURL(u))
		if !ok || !blocked.Addr.IsLoopback() {
			t.Errorf("%s: %v, want a refusal that names a loopback address", host, guard.CheckURL(u))
		}
	}
	for host, want := range map[string]string{
		"134744072":   "write the address 134744072 as 8.8.8.8",
		"8.8.2056":    "write the address 8.8.2056 as 8.8.8.8",
		"010.8.8.8":   "write the address 010.8.8.8 as 8.8.8.8",
		"0x8.8.8.8":   "write the address 0x8.8.8.8 as 8.8.8.8",
		"1.2.3.4.5":   "neither an address nor a name",
		"256.1.1.1":   "neither an address nor a name",
		"1.2.3.0x":    "write the address 1.2.3.0x as 1.2.3.0",
		"09.1.1.1":    "neither an address nor a name",
		"4294967296":  "neither an address nor a name",
		"1..1":        "neither an address nor a name",
		"hooks.42":    "neither an address nor a name",
		"hooks.0xff.": "neither an address nor a name",
	} {
		err := guard.CheckURL(&url.URL{Scheme: "http", Host: host})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
}

func TestCheckURLAllows(t *testing.T) {
	t.Parallel()
	open := egress.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	tests := []struct {
		guard *egress.Guard
		urls  []string
	}{
		{egress.NewGuard(nil), []string{
			"https://hooks.example.com/lab", "https://hooks.example.com./lab", "http://8.8.8.8/", "http://8.8.8.8.:80/", "http://[2606:4700::1111]/",
			"https://bücher.example/", "https://xn--bcher-kva.example/", "https://1.example/", "https://0x7f.example/", "https://intranet/",
			"https://my_host.example/", "https://localhost.example/", "https://notlocalhost/", "https://a.0xg/",
		}},
		{open, []string{"http://127.0.0.1:8080/", "http://localhost/", "http://lab.localhost/", "http://[::ffff:127.0.0.1]/"}},
	}
	for _, tt := range tests {
		for _, text := range tt.urls {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.guard.CheckURL(u); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	u := &url.URL{Scheme: "http", Host: "127.1"}
	if err := open.CheckURL(u); err == nil || !strings.Contains(err.Error(), "as 127.0.0.1") {
		t.Errorf("%s with loopback allowed: %v", u, err)
	}
}

// TestNothingArrives sends through the guarded transport to a real listener under every spelling. The resolver of
// these tests obeys even the odd ones, so only the check of the dialled address stands in between.
func TestNothingArrives(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			arrived.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	guarded := egress.NewGuard(nil).Transport(1 << 14)
	defer guarded.CloseIdleConnections()
	for _, host := range append(oddSpellings, "inside.test", "both.test") {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+host+":"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := guarded.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		_, blocked := errors.AsType[*egress.BlockedError](err)
		// Go asks the resolver for no name that is made of numbers.
		unnamed, ok := errors.AsType[*net.DNSError](err)
		if !blocked && !(ok && unnamed.IsNotFound) {
			t.Errorf("%s: %v, want a refusal at dial time", host, err)
		}
	}
	if n := arrived.Load(); n != 0 {
		t.Fatalf("%d connections or requests arrived", n)
	}

	open := egress.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}).Transport(1 << 14)
	defer open.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://inside.test:"+port+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := open.RoundTrip(req)
	if err != nil {
		t.Fatalf("with the network allowed: %v", err)
	}
	resp.Body.Close()
	if arrived.Load() != 2 {
		t.Errorf("with the network allowed %d connections and requests arrived, want one each", arrived.Load())
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	transport := egress.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Transport(1 << 14)
	defer transport.CloseIdleConnections()
	if transport.Proxy != nil {
		t.Error("it takes a proxy from the environment")
	}

	t.Run("follows no redirect and leaves the answer as it is", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "" {
				t.Errorf("asked for Accept-Encoding %q", got)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}))
		defer server.Close()
		resp := roundTrip(t, transport, server.URL)
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
		if resp := roundTrip(t, transport, server.URL); resp != nil {
			t.Errorf("connected with TLS version %x", resp.TLS.Version)
		}
	})
	t.Run("refuses headers beyond the limit", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<15))
		}))
		defer server.Close()
		if resp := roundTrip(t, transport, server.URL); resp != nil {
			t.Errorf("answer: %v", resp.Status)
		}
	})
}

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
