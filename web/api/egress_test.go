package api_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/web/api"
)

func TestEgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const none = `"updated_at":null,"valid_until":null,"addresses":[],"ipv4":[],"ipv6":[],"aggregated":[]`
	if r := b.send(t, "GET", "/api/v1/egress", "contoso-read", "").want(200); !strings.Contains(string(r.body), none) {
		t.Errorf("nothing declared: %s", r.body)
	}
	l := engine.EgressList{ValidUntil: time.Date(2099, 6, 30, 18, 0, 0, 0, time.UTC), EchoURL: "https://echo.example.com/marker"}
	for _, text := range []string{"2001:db8::/64", "198.51.100.7/32", "198.51.100.6/32"} {
		l.Entries = append(l.Entries, engine.EgressEntry{Network: netip.MustParsePrefix(text), Label: "marker"})
	}
	l, err := b.store.SetEgress(t.Context(), engine.System, l)
	if err != nil {
		t.Fatal(err)
	}
	var got api.Egress
	r := b.send(t, "GET", "/api/v1/egress", "contoso-read", "").want(200)
	r.into(&got)
	if diff := cmp.Diff(api.Egress{
		UpdatedAt: &l.UpdatedAt, ValidUntil: &l.ValidUntil, Addresses: []string{"198.51.100.6", "198.51.100.7", "2001:db8::/64"},
		IPv4: []string{"198.51.100.6", "198.51.100.7"}, IPv6: []string{"2001:db8::/64"}, Aggregated: []string{"198.51.100.6/31", "2001:db8::/64"},
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(string(r.body), "marker") {
		t.Errorf("labels or the echo URL are shown: %s", r.body)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var list api.List[api.Setting]
	b.send(t, "GET", "/api/v1/settings", "platform-read", "").want(200).into(&list)
	if diff := cmp.Diff(api.List[api.Setting]{Data: testSettings}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.send(t, "GET", "/api/v1/settings", "contoso", "").problem(403)
}

// testSettings are the settings of the server in the tests.
var testSettings = []api.Setting{
	{Group: "General", Name: "listen", Label: "Listen address", Value: "127.0.0.1:8080", Source: "flag", Flag: "--listen", Env: "LABHOOK_LISTEN", About: "Where it listens."},
}
