package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/egress"
)

const egressPath = "/admin/integration/egress"

// declare stores a list of egress addresses, with the changes made to it.
func (b *bundle) declare(lines string, changes ...func(*engine.EgressList)) engine.EgressList {
	b.t.Helper()
	entries, bad := engine.ParseEgressEntries(lines)
	if len(bad) > 0 {
		b.t.Fatal(bad)
	}
	now, err := b.store.Egress(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	l := engine.EgressList{Entries: entries, Version: now.Version}
	for _, change := range changes {
		change(&l)
	}
	if l, err = b.store.SetEgress(b.t.Context(), engine.Actor{Name: "Robin"}, l); err != nil {
		b.t.Fatal(err)
	}
	return l
}

// from is a guard of a host with these addresses.
func from(addresses ...string) *egress.Guard {
	s := egress.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, text := range addresses {
		s.Sources = append(s.Sources, netip.MustParseAddr(text))
	}
	return egress.New(s)
}

func TestDeclareEgressAddresses(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, from("8.8.4.4"))
	b.signIn(engine.RoleAdmin)
	empty := b.get(egressPath)
	if empty.status != http.StatusOK || empty.text("#none") != "No addresses are declared" || empty.doc.Find(`a.button[href="`+egressPath+`/edit"]`).Length() != 1 {
		t.Errorf("nothing declared: status %d, %q", empty.status, empty.text("main"))
	}
	if empty.doc.Find("#rules, #changes, .notice.warning").Length() != 0 {
		t.Error("an empty list has rules, changes or warnings")
	}
	form := b.get(egressPath + "/edit?add=8.8.4.4")
	if got := form.doc.Find("#addresses").Text(); strings.TrimSpace(got) != "8.8.4.4" {
		t.Errorf("the form begins with %q", got)
	}
	posted := url.Values{
		"version": {form.doc.Find("[name=version]").AttrOr("value", "")}, "public": {"true"}, "valid_until": {"2099-06-30T18:00"},
		"addresses": {"2001:db8::7\r\n8.8.4.5 second\r\n8.8.4.4\r\n8.8.4.4"}, "echo_url": {"http://127.0.0.1:1/ip?token=marker"},
	}
	if a := b.post(egressPath+"/edit", posted); a.status != http.StatusSeeOther || a.header.Get("Location") != egressPath {
		t.Fatalf("status %d: %s", a.status, a.text(".error-summary"))
	}
	page := b.get(egressPath)
	for selector, want := range map[string]string{
		".flash": "The egress addresses were saved.", "#ipv4": "8.8.4.4 8.8.4.5", "#ipv6": "2001:db8::7", "#aggregated": "8.8.4.4/31 2001:db8::7",
		"#change-table [data-label=Added]": "8.8.4.4 8.8.4.5 2001:db8::7", "#change-table [data-label=Removed]": "–", "#check-hint code": "127.0.0.1:1",
	} {
		if got := page.text(selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if page.doc.Find("#nftables, #iptables, #nginx, #aws, #azure").Length() != 5 || strings.Contains(page.body, "marker") {
		t.Error("the page lacks rules, or shows the echo URL")
	}
	if page.doc.Find(".notice.warning").Length() != 0 || !strings.Contains(page.text("#check ~ ul"), "8.8.4.4 In the list set with --source-address") {
		t.Errorf("what the host uses: %q", page.text("#check ~ ul"))
	}
}

func TestEgressFormNamesProblems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	for name, tt := range map[string]struct {
		form  url.Values
		field string
		want  string
	}{
		"address":  {url.Values{"addresses": {"8.8.4.4\nhooks.example.com"}}, "addresses", "Line 2: "},
		"no list":  {url.Values{"public": {"true"}}, "public", "Enter the addresses first"},
		"time":     {url.Values{"valid_until": {"soon"}}, "valid_until", "Enter a date and time"},
		"echo URL": {url.Values{"echo_url": {"echo"}}, "echo_url", "Enter a URL"},
		"inside":   {url.Values{"echo_url": {"http://169.254.169.254/latest"}}, "echo_url", "Connecting to 169.254.169.254 is not allowed"},
		"labels":   {url.Values{"addresses": {"8.8.4.4 " + strings.Repeat("x", engine.MaxEgressLabel+1)}}, "addresses", "at most 100 characters"},
	} {
		tt.form.Set("version", "0")
		a := b.post(egressPath+"/edit", tt.form)
		links := a.doc.Find(".error-summary a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") })
		if a.status != http.StatusUnprocessableEntity || len(links) != 1 || links[0] != "#"+tt.field || !strings.Contains(a.text("#"+tt.field+"-problem"), tt.want) {
			t.Errorf("%s: status %d, links %q: %q", name, a.status, links, a.text("#"+tt.field+"-problem"))
		}
		for field := range tt.form {
			if field == "addresses" && strings.TrimSpace(a.doc.Find("#addresses").Text()) != tt.form.Get(field) {
				t.Errorf("%s: what was typed is lost", name)
			}
		}
	}
	all := b.post(egressPath+"/edit", url.Values{
		"version": {"0"}, "public": {"true"}, "addresses": {"one\ntwo"}, "valid_until": {"soon"}, "echo_url": {"http://10.0.0.1/"},
	})
	links := all.doc.Find(".error-summary a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") })
	if got := strings.Join(links, " "); got != "#addresses #addresses #valid_until #echo_url" {
		t.Errorf("everything wrong at once: %s", got)
	}
	if l, err := b.store.Egress(t.Context()); err != nil || l.Version != 0 {
		t.Errorf("something was stored: %+v, %v", l, err)
	}
}

func TestEgressConflictShowsBothSides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	b.declare("8.8.4.4")
	form := url.Values{"version": {"0"}, "addresses": {"8.8.4.5"}}
	a := b.post(egressPath+"/edit", form)
	if a.status != http.StatusConflict || a.text("#stored-list") != "8.8.4.4" || a.text("#addresses") != "8.8.4.5" || a.doc.Find("[name=version]").AttrOr("value", "") != "1" {
		t.Fatalf("status %d: stored %q, mine %q", a.status, a.text("#stored-list"), a.text("#addresses"))
	}
	form.Set("version", "1")
	if a := b.post(egressPath+"/edit", form); a.status != http.StatusSeeOther {
		t.Errorf("the second time: status %d", a.status)
	}
}

func TestEgressWarnings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source, list string
		notice       string
		badge        string
		links        int // to declare what is missing
	}{
		"listed":          {"8.8.4.4", "8.8.4.0/24", "", "In the list", 0},
		"missing":         {"8.8.4.4", "8.8.8.8", "This host sends from 8.8.4.4, which is not in the list.", "Not in the list", 1},
		"behind a router": {"192.168.1.5", "8.8.8.8", "", "Not public", 0},
		"nothing listed":  {"8.8.4.4", "", "", "Not in the list", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupGuarded(t, from(tt.source))
			b.signIn(engine.RoleAdmin)
			if tt.list != "" {
				b.declare(tt.list)
			}
			page, admin := b.get(egressPath), b.get("/admin")
			for where, a := range map[string]answer{"page": page, "/admin": admin} {
				if got := a.text(".notice.warning"); !strings.HasPrefix(got, tt.notice) || (got == "") != (tt.notice == "") {
					t.Errorf("%s warns %q, want %q", where, got, tt.notice)
				}
			}
			if got := page.text("#check ~ ul .badge"); got != tt.badge {
				t.Errorf("the badge is %q, want %q", got, tt.badge)
			}
			if got := page.doc.Find(`a[href*="/edit?add="]`).Length(); got != tt.links {
				t.Errorf("%d links to declare an address, want %d", got, tt.links)
			}
			if got := strings.Contains(page.text("main"), "cannot be known from here"); got != (tt.badge == "Not public") {
				t.Errorf("the page speaks of a router: %t", got)
			}
		})
	}
}

func TestEgressBehindProxy(t *testing.T) {
	t.Parallel()
	proxy, err := url.Parse("http://dana:marker@proxy.example.com:3128")
	if err != nil {
		t.Fatal(err)
	}
	b := setupGuarded(t, egress.New(egress.Settings{Proxy: proxy}))
	b.signIn(engine.RoleAdmin)
	b.declare("8.8.4.4")
	a := b.get(egressPath)
	if got := a.text("#check ~ p"); !strings.Contains(got, "the proxy http://proxy.example.com:3128") || !strings.Contains(got, "declare the proxy's addresses") {
		t.Errorf("the page says %q", got)
	}
	if strings.Contains(a.body, "marker") || strings.Contains(a.body, "dana") || a.doc.Find(".notice.warning").Length() != 0 {
		t.Error("the page shows the proxy's user, or warns of something")
	}
}

// echo is an echo URL that answers like this.
func echo(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	ts := httptest.NewServer(answer)
	t.Cleanup(ts.Close)
	return ts.URL + "/ip"
}

func TestCheckNow(t *testing.T) {
	t.Parallel()
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.Header.Get("User-Agent") != "Labhook/test" || len(r.Cookies()) > 0 {
				t.Errorf("asked with %s, %v", r.Method, r.Header)
			}
			fmt.Fprint(w, body)
		}
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		flash  string
	}{
		"listed":      {says("8.8.4.4\n"), "Requests come from 8.8.4.4, which is in the list."},
		"mapped":      {says("::ffff:8.8.4.4"), "Requests come from 8.8.4.4, which is in the list."},
		"missing":     {says(" 8.8.8.8 "), "Requests come from 8.8.8.8, which is not in the list."},
		"IPv6":        {says("2001:db8::7"), "Requests come from 2001:db8::7, which is not in the list."},
		"no address":  {says("<p>8.8.4.4</p>"), "The check failed: The answer of the echo URL is not an address and nothing else."},
		"two":         {says("8.8.4.4, 8.8.8.8"), "The check failed: The answer of the echo URL is not an address and nothing else."},
		"nothing":     {says(""), "The check failed: The answer of the echo URL is not an address and nothing else."},
		"endless":     {says("8.8.4.4" + strings.Repeat(" ", 1<<20) + "x"), "Requests come from 8.8.4.4, which is in the list."},
		"not found":   {http.NotFound, "The check failed: The echo URL answered 404 and not 200."},
		"redirection": {http.RedirectHandler("http://169.254.169.254/", http.StatusFound).ServeHTTP, "The check failed: The echo URL answered 302 and not 200."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupGuarded(t, from())
			b.signIn(engine.RoleAdmin)
			b.declare("8.8.4.4", func(l *engine.EgressList) { l.EchoURL = echo(t, tt.answer) })
			if a := b.post(egressPath+"/check", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != egressPath {
				t.Fatalf("status %d", a.status)
			}
			page := b.get(egressPath)
			if got := page.text(".flash"); got != tt.flash {
				t.Errorf("the page says %q, want %q", got, tt.flash)
			}
			missing := strings.HasSuffix(tt.flash, "not in the list.")
			if got := b.get("/admin").text(".notice.warning"); strings.HasPrefix(got, "The last check saw requests come from") != missing {
				t.Errorf("/admin warns %q", got)
			}
		})
	}
}

func TestCheckNowIsGuarded(t *testing.T) {
	t.Parallel()
	asked := false
	b := setup(t) // lets no webhook call this host
	b.signIn(engine.RoleAdmin)
	if a := b.post(egressPath+"/check", nil); a.header.Get("Location") != egressPath+"/edit" {
		t.Errorf("without an echo URL it leads to %q", a.header.Get("Location"))
	}
	if got := b.get(egressPath + "/edit").text(".flash"); got != "Name an echo URL first." {
		t.Errorf("and says %q", got)
	}
	b.declare("8.8.4.4", func(l *engine.EgressList) {
		l.EchoURL = echo(t, func(http.ResponseWriter, *http.Request) { asked = true })
	})
	b.post(egressPath+"/check", nil)
	got := b.get(egressPath).text(".flash")
	if !strings.HasPrefix(got, "The check failed: Connecting to 127.0.0.1 is not allowed") || !strings.Contains(got, "--allow-networks") || asked {
		t.Errorf("asked %t; the page says %q", asked, got)
	}
	audit, err := b.store.ListAudit(t.Context(), 1)
	if err != nil || audit[0].Action != "egress.check" || audit[0].Who.Name != "Person admin" {
		t.Errorf("audit: %+v, %v", audit, err)
	}
}

func TestEchoProblem(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"time is over": {fmt.Errorf("read: %w", context.DeadlineExceeded), "The echo URL did not answer within 10 s"},
		"refused":      {errors.New("dial tcp 198.51.100.7:443: connection refused"), "Dial tcp 198.51.100.7:443: connection refused"},
		"bytes":        {errors.New("malformed \xff"), "Malformed \uFFFD"},
		"long":         {errors.New("x" + strings.Repeat("é", maxEchoProblem)), "X" + strings.Repeat("é", maxEchoProblem-1) + "…"},
	} {
		if got := echoProblem(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestEgressRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("first", engine.RoleAdmin)
	b.declare("8.8.4.4", func(l *engine.EgressList) { l.EchoURL = "https://echo.example.com/" })
	for _, role := range engine.Roles {
		b.client = b.newClient()
		b.signIn(role)
		page, want := b.get(egressPath), http.StatusForbidden
		if role == engine.RoleAdmin {
			want = http.StatusOK
		}
		if page.status != http.StatusOK || b.get(egressPath+"/edit").status != want {
			t.Errorf("%s: status %d", role, page.status)
		}
		if got := page.doc.Find("main form, main a.button").Length() == 0; got != (role != engine.RoleAdmin) {
			t.Errorf("%s sees no way to change it: %t", role, got)
		}
		if got := strings.Contains(page.body, "You can view this but not change it."); got != (role != engine.RoleAdmin) {
			t.Errorf("%s is told that nothing can be changed: %t", role, got)
		}
		if role != engine.RoleAdmin {
			for _, path := range []string{"/edit", "/check"} {
				if a := b.post(egressPath+path, url.Values{"version": {"1"}}); a.status != http.StatusForbidden {
					t.Errorf("%s posts to %s: status %d", role, path, a.status)
				}
			}
		}
	}
}
