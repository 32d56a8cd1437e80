package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// fill puts ids of rows that exist into a route's pattern.
func (b *bundle) fill(pattern string) (method, path string) {
	b.t.Helper()
	consumer := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(consumer.ID, "LMS – displayable", func(w *engine.Webhook) { w.Blocking = true })
	b.addWebhook(consumer.ID, "Reports")
	key, _, err := b.store.CreateKey(b.t.Context(), engine.System, engine.APIKey{ConsumerID: consumer.ID, Description: "CI", Scope: engine.ScopeSend})
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(pattern, "{con}") && strings.Contains(pattern, "{key}") {
		if key, _, err = b.store.CreateKey(b.t.Context(), engine.System, engine.APIKey{Description: "Platform", Scope: engine.ScopeManage}); err != nil {
			b.t.Fatal(err)
		}
	}
	accepted, err := b.engine.Accept(b.t.Context(), &engine.Event{Type: engine.LabFirstDisplayable, ConsumerID: consumer.ID, Data: []byte(`{"Id": 42}`)})
	if err != nil {
		b.t.Fatal(err)
	}
	own := b.addEventType("own." + hook.ID.String())
	gone := engine.User{Login: "gone-" + hook.ID.String(), Name: "Gone", Role: engine.RoleViewer}
	if gone, err = b.store.CreateUser(b.t.Context(), engine.System, gone, testHash()); err != nil {
		b.t.Fatal(err)
	}
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer(
		"{$}", "", "{con}", consumer.ID.String(), "{wh}", hook.ID.String(), "{key}", key.ID.String(),
		"{evt}", accepted.Event.ID.String(), "{dlv}", accepted.Deliveries[0].ID.String(), "{subject}", accepted.Event.Subject, "{code}", own.Code, "{usr}", gone.ID.String(), "{n}", "1", "{group}", string(engine.SecuritySettings),
	).Replace(path)
	if strings.Contains(path, "{") {
		b.t.Errorf("%s: nothing is known to fill in", pattern)
	}
	return method, path
}

// policy is what every answer of the screens carries: nothing in a page runs or loads but our own files.
var policy = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Permissions-Policy":         "",
}

// inline matches what the policy would refuse, and what htmx would need it relaxed for.
var inline = regexp.MustCompile(`(?i)<style|<[^>]*\s(style|on[a-z]+)\s*=|javascript:|hx-on|\bjs:`)

// isOwnBody reports whether a route answers with a body as it came, which a stranger may have written.
func isOwnBody(pattern string) bool { return strings.HasSuffix(pattern, ".raw") }

// TestU3ContentSecurityPolicy asks for every route of the server, as an administrator and as nobody, and for what is no
// route: each answer has the headers, and no page has code of its own.
func TestU3ContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	signedIn, nobody := b.client, b.newClient()
	pages := map[string]bool{}
	for _, pattern := range append(b.web.Patterns(), "GET /nowhere", "DELETE /admin", "POST /nowhere") {
		method, path := b.fill(pattern)
		for _, b.client = range []*http.Client{nobody, signedIn} {
			if path == "/logout" && b.client == signedIn {
				continue
			}
			a := b.do(method, path, url.Values{})
			for name, want := range policy {
				if name == "Content-Security-Policy" && isOwnBody(pattern) && a.status == http.StatusOK {
					want = "sandbox; default-src 'none'"
				}
				if got := a.header.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %s is %q, want %q", pattern, name, got, want)
				}
			}
			if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && a.body != "" {
				pages[pattern] = true
				checkInline(t, pattern, a)
			}
		}
	}
	for _, pattern := range b.web.Patterns() {
		if strings.HasPrefix(pattern, "GET ") && !strings.Contains(pattern, "/setup") && !pages[pattern] && !answersNoPage(pattern) {
			t.Errorf("%s answered with no page: nothing was looked at", pattern)
		}
	}
}

// answersNoPage reports whether a GET route answers with a file or leads elsewhere.
func answersNoPage(pattern string) bool {
	return isOwnBody(pattern) || slices.Contains([]string{
		"GET /{$}", "GET /admin/audit.csv", "GET /egress.txt", "GET /egress.json", "GET /admin/integration/event-catalog/{code}/webhook",
	}, pattern)
}

// checkInline looks for code and styles within a page.
func checkInline(t *testing.T, where string, a answer) {
	t.Helper()
	if found := inline.FindString(a.body); found != "" {
		t.Errorf("%s has inline code: %s", where, found)
	}
	a.doc.Find("script").Each(func(_ int, s *goquery.Selection) {
		if src, _ := s.Attr("src"); !strings.HasPrefix(src, "/static/") {
			t.Errorf("%s has an inline script", where)
		}
	})
}

// TestEveryScreen asks for every route: none fails, each page has one heading, and none of its links is dead.
func TestEveryScreen(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	for _, route := range b.web.routes() {
		method, path := b.fill(route.pattern)
		if path == "/logout" {
			continue
		}
		a := b.do(method, path, url.Values{})
		if a.status >= 500 {
			t.Errorf("%s: status %d", route.pattern, a.status)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, "<html") {
			continue // a fragment, or no page
		}
		if n := a.doc.Find("h1").Length(); n != 1 {
			t.Errorf("%s has %d h1", route.pattern, n)
		}
		checkIDs(t, route.pattern, a.doc)
		checkLinks(t, b, route.pattern, a.doc)
	}
}

// checkIDs looks for ids that occur twice, and references to ids that do not occur.
func checkIDs(t *testing.T, where string, doc *goquery.Document) {
	t.Helper()
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if seen[id] {
			t.Errorf("%s has the id %q twice", where, id)
		}
		seen[id] = true
	})
	for _, attribute := range []string{"for", "aria-labelledby", "aria-describedby"} {
		doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			value, _ := s.Attr(attribute)
			for _, id := range strings.Fields(value) {
				if !seen[id] {
					t.Errorf("%s: %s=%q names nothing", where, attribute, id)
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		href, _ := s.Attr("href")
		if !seen[href[1:]] {
			t.Errorf("%s: the link %s leads nowhere", where, href)
		}
	})
}

// checkLinks follows every link of a page: none may be dead.
func checkLinks(t *testing.T, b *bundle, where string, doc *goquery.Document) {
	t.Helper()
	doc.Find(`a[href^="/"], form[action^="/"]`).Each(func(_ int, s *goquery.Selection) {
		target, isLink := s.Attr("href")
		method := http.MethodGet
		if !isLink {
			target, _ = s.Attr("action")
			method = strings.ToUpper(s.AttrOr("method", "get"))
		}
		path, _, _ := strings.Cut(target, "#")
		r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
		if err != nil {
			t.Errorf("%s: link %q: %v", where, target, err)
			return
		}
		if pattern := b.routeOf(r); pattern == "" {
			t.Errorf("%s: %s %s has no route", where, method, target)
		}
	})
}

// routeOf returns the pattern of the route that a request takes.
func (b *bundle) routeOf(r *http.Request) string {
	mux := http.NewServeMux()
	for _, route := range b.web.routes() {
		mux.HandleFunc(route.pattern, route.handler)
	}
	for _, form := range []string{"openapi.json", "openapi.yaml", "openapi-3.0.json", "openapi-3.0.yaml"} {
		mux.Handle("GET "+views.APIDocumentURL(form), b.web.api)
	}
	_, pattern := mux.Handler(r)
	return pattern
}

func TestCrossSitePostIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	form := url.Values{"name": {"Planted"}, "enabled": {"true"}}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
	} {
		a := b.post("/admin/integration/api-consumers/new", form, header...)
		if a.status != http.StatusForbidden || a.text("h1") != "Not allowed" || !strings.Contains(a.text("main"), views.FromOtherSite) {
			t.Errorf("%v: status %d, %q", header, a.status, a.text("main"))
		}
	}
	if n := len(b.store.Directory().Consumers()); n != 0 {
		t.Errorf("%d consumers were planted", n)
	}
	if a := b.post("/admin/integration/api-consumers/new", form, "Origin", b.http.URL); a.status != http.StatusSeeOther {
		t.Errorf("our own form: status %d", a.status)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	consumer := b.addConsumer("Contoso LMS")
	base := "/admin/integration/api-consumers"
	b.addUser("first", engine.RoleAdmin)
	for _, role := range engine.Roles {
		b.client = b.newClient()
		b.signIn(role)
		for path, need := range map[string]engine.Role{
			"/admin":                          engine.RoleViewer,
			base:                              engine.RoleViewer,
			base + "/" + consumer.ID.String(): engine.RoleViewer,
			base + "/new":                     engine.RoleAdmin,
			base + "/" + consumer.ID.String() + "/edit":     engine.RoleAdmin,
			base + "/" + consumer.ID.String() + "/keys/new": engine.RoleAdmin,
			"/admin/integration/platform-keys":              engine.RoleAdmin,
		} {
			a := b.get(path)
			if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[role.Allows(need)]; a.status != want {
				t.Errorf("%s as %s: status %d, want %d", path, role, a.status, want)
			}
			if why := views.NeedsRole(role, need); strings.Contains(a.text("main"), why) == role.Allows(need) {
				t.Errorf("%s as %s: wrong to say or not to say %q", path, role, why)
			}
		}
		detail := b.get(base + "/" + consumer.ID.String())
		if got, want := detail.doc.Find("a[href$='/edit']").Length() > 0, role == engine.RoleAdmin; got != want {
			t.Errorf("%s sees the Edit button: %v", role, got)
		}
		for word, told := range map[string]engine.Role{"You can view this but not change it.": engine.RoleViewer, "You can change its webhooks.": engine.RoleDeveloper} {
			if got, want := strings.Contains(detail.body, word), role == told; got != want {
				t.Errorf("%s is told %q: %v", role, word, got)
			}
		}
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	for _, path := range []string{"/nowhere", "/admin/integration/api-consumers/con_0000000000001", "/admin/integration/api-consumers/x", "/webhooks/evt_1"} {
		a := b.get(path)
		if a.status != http.StatusNotFound || a.text("h1") != "Not found" || a.text("main code") != a.header.Get("X-Request-Id") {
			t.Errorf("%s: status %d, %q, request %q", path, a.status, a.text("h1"), a.text("main code"))
		}
	}
	big := b.post("/admin/integration/api-consumers/new", url.Values{"name": {strings.Repeat("x", maxForm)}})
	if big.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form that is too large: status %d, want 413", big.status)
	}
	if err := b.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := b.get("/readyz"); a.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without engine: status %d, want 503", a.status)
	}
	if a := b.get("/admin"); a.status != http.StatusOK || !strings.Contains(a.text("main"), "Nothing is being sent") {
		t.Errorf("/admin without engine: status %d", a.status)
	}
}

func TestPanicIsOneRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler := b.web.withVisit(b.web.withAccessLog(b.web.withRecovery(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh no") }))))
	b.http.Config.Handler = handler
	a := b.get("/admin")
	if a.status != http.StatusInternalServerError || a.text("h1") != "Something went wrong" || strings.Contains(a.body, "oh no") {
		t.Errorf("status %d, %q", a.status, a.text("h1"))
	}
	if !strings.Contains(b.logs.String(), a.header.Get("X-Request-Id")) || !strings.Contains(b.logs.String(), "oh no") {
		t.Error("the log does not name the request and the panic")
	}
	if a := b.get("/api/v1/events"); a.status != http.StatusInternalServerError || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("the API: status %d, %s", a.status, a.header.Get("Content-Type"))
	}
}

func TestHealthChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if a := b.get(path); a.status != http.StatusOK || a.body != want {
			t.Errorf("%s: status %d, %q", path, a.status, a.body)
		}
	}
	if strings.Contains(b.logs.String(), "level=INFO msg=\"request served\"") {
		t.Error("health checks fill the log")
	}
}

func TestAdminTicksFirstSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	marks := func() []string {
		return b.get("/admin").doc.Find(".steps .badge").Map(func(_ int, s *goquery.Selection) string { return strings.TrimSpace(s.Text()) })
	}
	if got := marks(); !slices.Equal(got, []string{"To do", "To do", "To do"}) {
		t.Errorf("nothing done: %v", got)
	}
	consumer := b.addConsumer("Contoso LMS")
	if got := marks(); !slices.Equal(got, []string{"Done", "To do", "To do"}) {
		t.Errorf("with a consumer: %v", got)
	}
	hook := b.addWebhook(consumer.ID, "LMS – displayable")
	if got := marks(); !slices.Equal(got, []string{"Done", "Done", "To do"}) {
		t.Errorf("with a webhook: %v", got)
	}
	if got := b.get("/admin").doc.Find(".steps a:contains('Send an example')").AttrOr("href", ""); got != views.WebhookTestingURL(hook.ID) {
		t.Errorf("an example is sent at %q", got)
	}
	if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, hook.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.LabFirstDisplayable, Data: []byte(`{"Id": 42}`)}); err != nil {
		t.Fatal(err)
	}
	if got := marks(); len(got) != 0 {
		t.Errorf("everything done: %v", got)
	}
}

// Who knows the way puts the first steps away, for everybody.
func TestFirstStepsAreHidden(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	if a := b.post("/admin/first-steps/hide", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/admin" {
		t.Fatalf("status %d to %q", a.status, a.header.Get("Location"))
	}
	if a := b.get("/admin"); a.doc.Find("#first-steps").Length() != 0 || a.text(".flash") != "The first steps are hidden." {
		t.Errorf("flash %q, and %d lists", a.text(".flash"), a.doc.Find("#first-steps").Length())
	}
}

func TestPollAnswersOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	tag, _ := b.get("/admin").doc.Find("#health").Attr("data-etag")
	poll := []string{"HX-Request", "true", "HX-Target", "section#health", "If-None-Match", `"` + tag + `"`}
	if a := b.get("/admin", poll...); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("an unchanged poll: status %d and %d bytes, want 204", a.status, len(a.body))
	}
	if err := b.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := b.get("/admin", poll...)
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, `<section id="health"`) || !strings.Contains(a.body, "Nothing is being sent") {
		t.Errorf("a changed poll: status %d, %.60q", a.status, a.body)
	}
	if !strings.Contains(a.header.Get("Vary"), "HX-Request") {
		t.Errorf("Vary is %q", a.header.Get("Vary"))
	}
}
