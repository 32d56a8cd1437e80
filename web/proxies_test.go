package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestClientBehindProxies(t *testing.T) {
	t.Parallel()
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tt := range map[string]struct {
		peer      string
		forwarded []string
		want      string // "": the peer
	}{
		"no proxy":                   {"192.0.2.1:4000", nil, ""},
		"header of anybody":          {"192.0.2.1:4000", []string{"198.51.100.7"}, ""},
		"proxy that says nothing":    {"10.0.0.1:4000", nil, ""},
		"proxy":                      {"10.0.0.1:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		"what the client made up":    {"10.0.0.1:4000", []string{"203.0.113.1, 198.51.100.7"}, "198.51.100.7:0"},
		"several headers":            {"10.0.0.1:4000", []string{"203.0.113.1", "198.51.100.7"}, "198.51.100.7:0"},
		"two proxies":                {"10.0.0.1:4000", []string{"203.0.113.1,198.51.100.7 ,10.0.0.2"}, "198.51.100.7:0"},
		"a client beside the proxy":  {"10.0.0.1:4000", []string{"10.0.0.9"}, "10.0.0.9:0"},
		"no address at the end":      {"10.0.0.1:4000", []string{"198.51.100.7, unknown"}, ""},
		"no address before a proxy":  {"10.0.0.1:4000", []string{"unknown, 10.0.0.2"}, "10.0.0.2:0"},
		"with ports":                 {"10.0.0.1:4000", []string{"198.51.100.7:50001"}, "198.51.100.7:0"},
		"IPv6":                       {"[fd00::1]:4000", []string{"[2001:db8::7]:50001"}, "[2001:db8::7]:0"},
		"IPv6 without a port":        {"[fd00::1]:4000", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"IPv4 in IPv6":               {"[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.7"}, "198.51.100.7:0"},
		"peer that is no IP address": {"@", []string{"198.51.100.7"}, ""},
	} {
		if tt.want == "" {
			tt.want = tt.peer
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.peer, tt.forwarded
		var got string
		trusted.withClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).
			ServeHTTP(httptest.NewRecorder(), r)
		if got != tt.want {
			t.Errorf("%s: client %s, want %s", name, got, tt.want)
		}
	}
}

// TestWhoIsBelieved asks servers of several settings, over loopback, whose address they count and keep.
func TestWhoIsBelieved(t *testing.T) {
	t.Parallel()
	const client = "198.51.100.7"
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"by default nobody":                   {func(*Config) {}, "127.0.0.1"},
		"this host, when a proxy is in use":   {func(c *Config) { c.PublicURL = "https://hooks.example.com" }, client},
		"a named network":                     {func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }, client},
		"no other network than the one named": {func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			cfg := Config{Store: dbtest.Open(t), Guard: enginetest.StrictGuard(), Log: b.web.log}
			cfg.Engine = engine.New(engine.Config{Guard: cfg.Guard, Log: cfg.Log}, cfg.Store)
			tt.change(&cfg)
			var err error
			if b.web, err = New(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			b.store = cfg.Store
			b.http = httptest.NewServer(b.web.Handler())
			t.Cleanup(b.http.Close)
			b.addUser("dana", engine.RoleAdmin)

			form := url.Values{"login": {"dana"}, "password": {testPassword}}
			if a := b.post("/login", form, "X-Forwarded-For", client); a.status != http.StatusSeeOther {
				t.Fatalf("sign in: status %d", a.status)
			}
			log, err := b.store.ListAudit(t.Context(), 1)
			if err != nil || len(log) != 1 || log[0].Who.IP != tt.want {
				t.Errorf("the audit log has %+v, want address %s (%v)", log, tt.want, err)
			}

			form.Set("password", "wrong password!")
			for range freeFailures {
				b.post("/login", form, "X-Forwarded-For", client)
			}
			other := b.post("/login", form, "X-Forwarded-For", "203.0.113.1").status
			if apart := other == http.StatusUnprocessableEntity; apart != (tt.want == client) {
				t.Errorf("after the failures of %s another client gets %d", client, other)
			}

			k, secret, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{Description: "CI", Scope: engine.ScopeRead})
			if err != nil {
				t.Fatal(err)
			}
			if a := b.get("/api/v1/version", "Authorization", "Bearer "+secret.Reveal(), "X-Forwarded-For", client); a.status != http.StatusOK {
				t.Fatalf("GET /api/v1/version: status %d", a.status)
			}
			// The use is noted without waiting; what is written after it is behind it in the queue.
			if err := b.store.Audit(t.Context(), engine.System, "test", "", ""); err != nil {
				t.Fatal(err)
			}
			if k, err = b.store.Key(t.Context(), k.ID); err != nil || k.LastUsedIP != tt.want {
				t.Errorf("the key was last used from %q, want %s (%v)", k.LastUsedIP, tt.want, err)
			}
			if !strings.Contains(b.logs.String(), "ip="+tt.want) {
				t.Errorf("the access log lacks the address %s", tt.want)
			}
		})
	}
}
