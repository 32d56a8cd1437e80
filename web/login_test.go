package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/views"
)

func TestSetupHappensOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)

	for _, path := range []string{"/", "/admin", "/login", "/admin/integration/api-consumers", "/nowhere"} {
		if a := b.get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != "/setup" {
			t.Errorf("GET %s before the first user: status %d to %q, want 303 to /setup", path, a.status, a.header.Get("Location"))
		}
	}
	link, ok, err := SetupURL(t.Context(), b.store, "https://hooks.example.com")
	if err != nil || !ok {
		t.Fatalf("setup link: %v, %v", ok, err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Host != "hooks.example.com" || u.Path != "/setup" {
		t.Fatalf("setup link %q: %v", link, err)
	}
	token := u.Query().Get("token")
	if again, _, _ := SetupURL(t.Context(), b.store, "https://hooks.example.com"); again != link {
		t.Errorf("the link changed from %q to %q", link, again)
	}

	page := b.get("/setup?token=" + token)
	if got, _ := page.doc.Find("#token").Attr("value"); page.status != http.StatusOK || got != token {
		t.Errorf("GET /setup: status %d and token %q", page.status, got)
	}
	if got, _ := page.doc.Find("#public_url").Attr("value"); got != b.http.URL {
		t.Errorf("the base URL is guessed as %q, want %q", got, b.http.URL)
	}
	form := url.Values{
		"token": {"guessed"}, "name": {"Dana Ortiz"}, "login": {"dana"}, "password": {"short"}, "time_zone": {"Mars/Phobos"},
		"public_url": {"hooks.example.com"},
	}
	bad := b.post("/setup", form)
	if bad.status != http.StatusUnprocessableEntity {
		t.Fatalf("POST /setup with a wrong token: status %d, want 422", bad.status)
	}
	for _, field := range []string{"token", "password", "time_zone", "public_url"} {
		if bad.doc.Find(fmt.Sprintf(`#error-summary a[href="#%s"]`, field)).Length() != 1 || bad.doc.Find("#"+field+"-problem").Length() != 1 {
			t.Errorf("the problem with %s is not shown in the summary and at the field", field)
		}
	}
	if strings.Contains(bad.body, `value="short"`) {
		t.Error("the password was sent back")
	}
	if got, _ := bad.doc.Find("#name").Attr("value"); got != "Dana Ortiz" {
		t.Errorf("the name became %q", got)
	}

	form.Set("token", token)
	form.Set("password", testPassword)
	form.Set("time_zone", "Europe/Vienna")
	form.Set("public_url", "https://hooks.example.com/")
	if a := b.post("/setup", form); a.status != http.StatusSeeOther || a.header.Get("Location") != "/admin" {
		t.Fatalf("POST /setup: status %d to %q; %s", a.status, a.header.Get("Location"), a.text("#error-summary"))
	}
	admin := b.get("/admin")
	if admin.status != http.StatusOK || !strings.Contains(admin.text(".flash"), "account was created") {
		t.Errorf("GET /admin after setup: status %d, flash %q", admin.status, admin.text(".flash"))
	}
	if got := b.get(views.SettingsOfURL("general")).text("#settings"); !strings.Contains(got, "https://hooks.example.com") {
		t.Errorf("the base URL is not among the settings: %s", got)
	}
	if got := b.get("/admin").text(".flash"); got != "" {
		t.Errorf("the message is shown twice: %q", got)
	}

	b.client = b.newClient()
	for _, a := range []answer{b.get("/setup?token=" + token), b.post("/setup", form)} {
		if a.status != http.StatusNotFound {
			t.Errorf("setup after the first user: status %d, want 404", a.status)
		}
	}
	if _, ok, _ := SetupURL(t.Context(), b.store, ""); ok {
		t.Error("there is still a setup link")
	}
}

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("Dana", engine.RoleAdmin)

	page := b.get("/admin?x=1")
	if page.status != http.StatusSeeOther || page.header.Get("Location") != "/login?next=%2Fadmin%3Fx%3D1" {
		t.Fatalf("GET /admin signed out: status %d to %q", page.status, page.header.Get("Location"))
	}
	unknown, wrong := b.login("nobody", testPassword), b.login("dana", "wrong password!")
	for name, a := range map[string]answer{"unknown user": unknown, "wrong password": wrong} {
		if a.status != http.StatusUnprocessableEntity || a.text("#error-summary li") != loginProblem || b.cookie() != "" {
			t.Errorf("%s: status %d, %q, cookie %q", name, a.status, a.text("#error-summary li"), b.cookie())
		}
	}

	in := b.post("/login", url.Values{"login": {"dana"}, "password": {testPassword}, "next": {"/admin?x=1"}})
	if in.status != http.StatusSeeOther || in.header.Get("Location") != "/admin?x=1" {
		t.Fatalf("sign in: status %d to %q", in.status, in.header.Get("Location"))
	}
	set := in.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie lacks %s: %s", want, set)
		}
	}
	if a := b.get("/login"); a.status != http.StatusSeeOther {
		t.Errorf("GET /login signed in: status %d", a.status)
	}

	old := b.cookie()
	out := b.post("/logout", nil)
	if out.status != http.StatusSeeOther || out.header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("sign out: status %d, Clear-Site-Data %q", out.status, out.header.Get("Clear-Site-Data"))
	}
	if a := b.get("/admin", "Cookie", b.web.sessions.name+"="+old); a.status != http.StatusSeeOther {
		t.Errorf("the old cookie after signing out: status %d, want 303", a.status)
	}
	if a := b.get(out.header.Get("Location")); a.text(".flash") != "You are signed out." {
		t.Errorf("after signing out the page says %q", a.text(".flash"))
	}
}

func TestSessionIsRotatedAtLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	first := b.cookie()
	if a := b.login("admin", testPassword); a.status != http.StatusSeeOther {
		t.Fatalf("sign in again: status %d", a.status)
	}
	if second := b.cookie(); second == first || second == "" {
		t.Error("signing in kept the session's id")
	}
	b.client = b.newClient()
	if a := b.get("/admin", "Cookie", b.web.sessions.name+"="+first); a.status != http.StatusSeeOther {
		t.Errorf("the id from before: status %d, want 303", a.status)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.signIn(engine.RoleViewer)
	if a := b.get("/admin"); a.status != http.StatusOK {
		t.Fatalf("GET /admin: status %d", a.status)
	}
	var token []byte
	if err := b.web.sessions.codec.Decode(b.web.sessions.name, b.cookie(), &token); err != nil {
		t.Fatal(err)
	}
	_, data, _, _, err := b.store.Session(t.Context(), hashToken(string(token)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SaveSession(t.Context(), hashToken(string(token)), user.ID, data, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if a := b.get("/admin"); a.status != http.StatusSeeOther {
		t.Errorf("a page after the end: status %d, want 303", a.status)
	}
	poll := b.get("/admin", "HX-Request", "true", "HX-Current-URL", b.http.URL+"/deliveries?status=failed")
	if poll.status != http.StatusUnauthorized || poll.header.Get("HX-Redirect") != "/login?next=%2Fdeliveries%3Fstatus%3Dfailed" {
		t.Errorf("a poll after the end: status %d to %q", poll.status, poll.header.Get("HX-Redirect"))
	}
	form := url.Values{"name": {"Contoso LMS"}, "consuming_platform": {"Moodle"}, "description": {"Two\r\nlines"}, "seen": {"a mark"}, "version": {"a version"}}
	for _, name := range []string{"password", "current_password", "headers", "secret", "basic_auth.password", "signing.secret", "client_cert.key"} {
		form.Set(name, "a secret of mine")
	}
	post := b.post("/admin/integration/api-consumers/new", form)
	if post.status != http.StatusUnauthorized || !strings.Contains(post.body, "Contoso LMS") || strings.Contains(post.body, "a secret of mine") {
		t.Errorf("a form after the end: status %d; what was typed is to be shown, secrets not", post.status)
	}
	labels := post.doc.Find("#kept ~ dl dt").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if want := []string{"Consuming Platform", "Description", "Name"}; !slices.Equal(labels, want) {
		t.Errorf("it shows %q, want %q", labels, want)
	}
	for path, want := range map[string]string{
		"/admin/integration/api-consumers/new": "/login?next=%2Fadmin%2Fintegration%2Fapi-consumers%2Fnew",
		"/account/password":                    "/login", // no page is there
	} {
		if got := b.post(path, form).doc.Find("main a.button").AttrOr("href", ""); got != want {
			t.Errorf("from %s one signs in at %s, want %s", path, got, want)
		}
	}
}

func TestSessionEnd(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	sessionIdle, sessionLife := engine.DefaultSite.SessionIdle, engine.DefaultSite.SessionLife
	for _, tt := range []struct{ used, want time.Duration }{
		{0, sessionIdle},
		{time.Hour, time.Hour + sessionIdle},
		{sessionLife - sessionIdle, sessionLife},
		{sessionLife - time.Minute, sessionLife},
	} {
		if got := sessionEnd(created, created.Add(tt.used), &engine.DefaultSite).Sub(created); got != tt.want {
			t.Errorf("used %s after its start, it ends after %s, want %s", tt.used, got, tt.want)
		}
	}
}

func TestUnreadableCookieIsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	for _, value := range []string{"x", "MTIz", strings.Repeat("A", 4000), "%00", `"quoted"`} {
		if a := b.get("/admin", "Cookie", b.web.sessions.name+"="+value); a.status != http.StatusSeeOther {
			t.Errorf("cookie %.20q: status %d, want 303 to the sign-in page", value, a.status)
		}
	}
}

func TestDisabledUserIsOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	disabled := engine.User{Login: "gone", Name: "Gone", Role: engine.RoleAdmin}
	if _, err := b.store.CreateUser(t.Context(), engine.System, disabled, testHash()); err != nil {
		t.Fatal(err)
	}
	if a := b.login("gone", testPassword); a.status != http.StatusUnprocessableEntity || a.text("#error-summary li") != loginProblem {
		t.Errorf("a disabled user signs in: status %d, %q", a.status, a.text("#error-summary li"))
	}
}

func TestSafeNext(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"":                           "",
		"/":                          "/",
		"/deliveries?status=failed":  "/deliveries?status=failed",
		"/a?u=https://example.com":   "/a?u=https://example.com",
		"https://example.com/":       "",
		"//example.com/":             "",
		"///example.com":             "",
		`/\example.com`:              "",
		`\/example.com`:              "",
		"/\t/example.com":            "",
		"/\n/example.com":            "",
		" /admin":                    "",
		"javascript:alert(1)":        "",
		"admin":                      "",
		"http:/admin":                "",
		"/%zz":                       "",
		"https://user@example.com/x": "",
	} {
		if got := safeNext(next); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestLoginIsSlowedDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	for n := range freeFailures {
		if a := b.login("dana", "wrong password!"); a.status != http.StatusUnprocessableEntity {
			t.Fatalf("failure %d: status %d, want 422", n+1, a.status)
		}
	}
	a := b.login("DANA", testPassword)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.text("#error-summary li"), "Try again in") {
		t.Errorf("after %d failures: status %d, Retry-After %q, %q", freeFailures, a.status, a.header.Get("Retry-After"), a.text("#error-summary li"))
	}
	if strings.Contains(b.logs.String(), "wrong password!") {
		t.Error("the log has the password")
	}
}

func TestLoginFailures(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	f := newLoginFailures()
	for range freeFailures {
		if got := f.attempt("dana", "192.0.2.1", now); got > 0 {
			t.Errorf("wait %s before the limit", got)
		}
	}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, longestDelay, longestDelay} {
		if got := f.attempt("dana", "192.0.2.1", now); got != want {
			t.Errorf("wait %s, want %s", got, want)
		}
		now = now.Add(want)
		if got := f.attempt("dana", "192.0.2.1", now); got > 0 {
			t.Errorf("wait %s when the delay of %s is over", got, want)
		}
	}
	if got := f.attempt("dana", "192.0.2.2", now); got > 0 {
		t.Errorf("another address waits %s", got)
	}
	f.succeeded("dana", "192.0.2.1")
	if got := f.attempt("dana", "192.0.2.1", now); got > 0 {
		t.Errorf("wait %s after success", got)
	}
	for n := range 2 * maxFailures {
		f.attempt(fmt.Sprint("user", n), fmt.Sprint("address", n), now.Add(time.Duration(n)*time.Millisecond))
	}
	if len(f.seen) > maxFailures {
		t.Errorf("%d failures are remembered, at most %d are allowed", len(f.seen), maxFailures)
	}
}

// TestSuccessCountsForNothing signs in more often from one address than failures are free there.
func TestSuccessCountsForNothing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	f := newLoginFailures()
	for n := range 2 * freeFailuresIP {
		if got := f.attempt("dana", "192.0.2.1", now); got > 0 {
			t.Fatalf("sign-in %d waits %s", n+1, got)
		}
		f.succeeded("dana", "192.0.2.1")
	}
	for n := range freeFailuresIP {
		if got := f.attempt(fmt.Sprint("user", n), "192.0.2.1", now); got > 0 {
			t.Fatalf("failure %d waits %s", n+1, got)
		}
	}
	if got := f.attempt("dana", "192.0.2.1", now); got != firstDelay {
		t.Errorf("after %d failures from the address: wait %s, want %s", freeFailuresIP, got, firstDelay)
	}
}

// TestManySignInsAtOnce guesses in parallel what may be guessed only so often.
func TestManySignInsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	const guesses = 40
	statuses := make(chan int, guesses)
	var wg sync.WaitGroup
	for range guesses {
		wg.Go(func() {
			resp, err := http.PostForm(b.http.URL+"/login", url.Values{"login": {"dana"}, "password": {"wrong password!"}})
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			statuses <- resp.StatusCode
		})
	}
	wg.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	want := map[int]int{http.StatusUnprocessableEntity: freeFailures, http.StatusTooManyRequests: guesses - freeFailures}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("statuses of %d guesses (-want +got):\n%s", guesses, diff)
	}
}

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	hash := testHash()
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q", hash)
	}
	if !passwordMatches(testPassword, hash) || passwordMatches(testPassword+"x", hash) {
		t.Error("the hash does not tell passwords apart")
	}
	for _, damaged := range []string{
		"", "x", "$argon2id$v=19$m=19456,t=2,p=1$", strings.Replace(hash, "m=19456", "m=99999999", 1),
		strings.Replace(hash, "t=2", "t=0", 1), strings.Replace(hash, "argon2id", "argon2i", 1), hash + "!",
	} {
		if passwordMatches(testPassword, damaged) {
			t.Errorf("the damaged hash %q matches", damaged)
		}
	}
}
