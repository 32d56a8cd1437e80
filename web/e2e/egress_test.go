package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/web"
)

const egressPath = "/admin/integration/egress"

// startedWith is what the sites of the tests say that they were started with.
var startedWith = []web.Setting{
	{Group: "General", Name: "public-url", Label: "Public URL", Value: "https://hooks.training.contoso.example", Source: "environment", Flag: "--public-url", Env: "LABHOOK_PUBLIC_URL", About: "The address under which people reach the server; without it links take the address of each request."},
	{Group: "General", Name: "listen", Label: "Listen address", Value: "127.0.0.1:8080", Source: "default", Flag: "--listen", Env: "LABHOOK_LISTEN", About: "The address and port that the server listens on."},
	{Group: "Egress", Name: "allow-networks", Label: "Allowed networks", Value: "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fd00:1234:5678::/48,100.64.0.0/10", Source: "flag", Flag: "--allow-networks", Env: "LABHOOK_ALLOW_NETWORKS", About: "The networks that webhooks may call although they are not public."},
	{Group: "Egress", Name: "proxy", Label: "Forward proxy", Value: "http://••••@proxy.contoso.example:3128", Source: "file", Flag: "--proxy", Env: "LABHOOK_PROXY", About: "The proxy through which all requests leave; without it none is used, whatever the environment says."},
	{Group: "Storage", Name: "data", Label: "Data directory", Value: "/srv/training/production/labhook/data-directory-with-a-long-name", Source: "flag", Flag: "--data", Env: "LABHOOK_DATA", About: "The directory of the database and its sealing key."},
	{Group: "Storage", Name: "ca-file", Label: "CA file", Source: "default", Flag: "--ca-file", Env: "LABHOOK_CA_FILE", About: "Nothing was given."},
}

// newEcho returns a URL that answers with that text.
func newEcho(t *testing.T, text string) string {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) }))
	t.Cleanup(ts.Close)
	return ts.URL
}

// declare stores a list of egress addresses.
func (s *site) declare(t *testing.T, lines string, change func(*engine.EgressList)) {
	t.Helper()
	now, err := s.store.Egress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, bad := engine.ParseEgressEntries(lines)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	l := engine.EgressList{Entries: entries, Version: now.Version}
	change(&l)
	if _, err := s.store.SetEgress(t.Context(), engine.Actor{Name: "Robin Lee"}, l); err != nil {
		t.Fatal(err)
	}
}

// From a list that is empty to one that is checked.
func TestDeclareEgress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	b := newTab(t, s, screens[3])
	b.signIn()
	b.follow(".tile a[href='" + egressPath + "']")
	b.follow(".empty a.button")
	b.fill(map[string]string{"addresses": "198.51.100.7 first gateway\nhooks.example.com\n198.51.100.9/28", "echo_url": "http://169.254.169.254/"})
	b.follow(".actions button[type=submit]")
	b.until(`document.activeElement?.id === "error-summary"`)
	b.fill(map[string]string{
		"addresses": "198.51.100.7 first gateway\n198.51.100.8 second gateway\n198.51.100.9\n2001:db8:ffff:ffff:ffff:ffff:ffff:7 office\n2001:db8:1::/48",
		"echo_url":  newEcho(t, "203.0.113.200"), "valid_until": "2020-06-30T18:00",
	})
	b.do(chromedp.Click(chromedp.CSS("#public")))
	b.follow(".actions button[type=submit]")
	if got := b.text(".flash"); got != "The egress addresses were saved." {
		t.Fatalf("the page says %q: %s", got, b.text("#error-summary"))
	}
	b.follow("main form button")
	if got := b.text(".flash"); got != "Requests come from 203.0.113.200, which is not in the list." {
		t.Errorf("the check says %q", got)
	}
	evaluate[chromedp.Void](b, `document.querySelectorAll("details").forEach((d) => d.open = true); undefined`)
}

// The largest list stays readable.
func TestLargestEgressList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	var lines strings.Builder
	for i := range engine.MaxEgressEntries {
		fmt.Fprintf(&lines, "2001:db8:ffff:ffff:ffff:ffff:ffff:%x label of this address\n", 0x8000+2*i)
	}
	s.declare(t, lines.String(), func(*engine.EgressList) {})
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open(egressPath)
	for _, look := range []screen{screens[0], screens[3]} {
		b.look(look)
		b.check("egress-largest")
	}
}

// The same way with the pages' scripts switched off.
func TestEgressWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	b := newTab(t, s, screens[0])
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.follow(".tile a[href='" + egressPath + "']")
	b.follow(".empty a.button")
	b.fill(map[string]string{"addresses": "198.51.100.7", "echo_url": newEcho(t, "198.51.100.7")})
	b.follow(".actions button[type=submit]")
	b.follow("main form button")
	if got := b.text(".flash"); got != "Requests come from 198.51.100.7, which is in the list." {
		t.Errorf("the check says %q", got)
	}
	if evaluate[bool](b, `[...document.querySelectorAll("[data-copy]")].some((e) => e.checkVisibility())`) {
		t.Error("buttons that need a script are shown")
	}
	b.follow("dl.facts a[href='/egress.txt']")
	if got := b.text("body"); !strings.HasSuffix(got, "\n198.51.100.7\n") {
		t.Errorf("egress.txt is %q", got)
	}
	b.open("/admin")
	b.follow(".tile a[href='/admin/settings']")
	b.follow(".tile a[href='/admin/settings/general']")
	if got := b.text("#listen .mono"); got != "127.0.0.1:8080" {
		t.Errorf("the settings show %q", got)
	}
}
