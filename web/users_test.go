package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/views"
)

// audited returns the newest entries of the audit log: "action object".
func (b *bundle) audited(n int) []string {
	b.t.Helper()
	entries, err := b.store.ListAudit(b.t.Context(), n)
	if err != nil {
		b.t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Action+" "+e.Object)
	}
	return list
}

func TestAddUserWithLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	form := formValues(t, b.get("/admin/users/new"), "/admin/users/new")
	form.Set("name", "Ben Okri")
	bad := b.post("/admin/users/new", form)
	if bad.status != http.StatusUnprocessableEntity || bad.doc.Find("#login-problem").Length() != 1 || bad.doc.Find(`#name[value="Ben Okri"]`).Length() != 1 {
		t.Errorf("no login: status %d, %s", bad.status, bad.text("#error-summary"))
	}
	form = formValues(t, bad, "/admin/users/new")
	form.Set("name", "Ben Okri")
	form.Set("login", "ADMIN")
	taken := b.post("/admin/users/new", form)
	if taken.text("#login-problem") != "Error: Another user is called ADMIN" {
		t.Errorf("a login that is taken: %q", taken.text("#login-problem"))
	}
	form = formValues(t, taken, "/admin/users/new")
	form.Set("login", "ben")
	form.Set("role", "developer")
	added := b.post("/admin/users/new", form)
	link, _ := added.doc.Find("#link").Attr("value")
	u, err := url.Parse(link)
	if err != nil || added.status != http.StatusOK || added.header.Get("Cache-Control") != "no-store" || u.Path != "/invitation" {
		t.Fatalf("status %d, link %q; %s", added.status, link, added.text("main"))
	}
	if got := b.audited(2); !slices.Equal(got, []string{"user.invite ben", "user.create ben"}) {
		t.Errorf("audit log %v", got)
	}
	if again := b.post("/admin/users/new", form); again.status != http.StatusSeeOther {
		t.Errorf("the form sent again: status %d", again.status)
	}
	if list := b.get("/admin/users"); !strings.Contains(list.text("#users"), "Ben OkribenDeveloperEnabledNever") {
		t.Errorf("the list: %s", list.text("#users"))
	}

	b.client = b.newClient()
	path := u.RequestURI()
	page := b.get(path)
	if page.status != http.StatusOK || !strings.Contains(page.text("main"), "who signs in as ben") {
		t.Fatalf("the link: status %d, %s", page.status, page.text("main"))
	}
	form = formValues(t, page, "/invitation")
	form.Set("password", "short")
	if short := b.post("/invitation", form); short.status != http.StatusUnprocessableEntity || strings.Contains(short.body, `value="short"`) {
		t.Errorf("a short password: status %d", short.status)
	}
	form.Set("password", "a better password")
	if in := b.post("/invitation", form); in.status != http.StatusSeeOther || b.get("/admin").text(".who") != "Ben Okri" {
		t.Errorf("after choosing: status %d to %q", in.status, in.header.Get("Location"))
	}
	for _, a := range []answer{b.get(path), b.post("/invitation", form)} {
		if a.status != http.StatusNotFound || a.text("h1") != "This link does not work" {
			t.Errorf("the link again: status %d, %q", a.status, a.text("h1"))
		}
	}
	b.client = b.newClient()
	if a := b.login("ben", "a better password"); a.status != http.StatusSeeOther {
		t.Errorf("signing in with the chosen password: status %d", a.status)
	}
	if strings.Contains(b.logs.String(), form.Get("token")) {
		t.Error("the token stands in the log")
	}
}

func TestChangeUserOnItsPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	me := b.signIn(engine.RoleAdmin)
	admin := b.client
	b.client = b.newClient()
	ben := b.signIn(engine.RoleDeveloper)
	bens := b.client
	b.client = admin

	own := views.UserURL(me.ID)
	a := b.post(own, with(formValues(t, b.get(own), own), "name", "Dana", "role", "viewer"))
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text("#role-problem"), "last enabled administrator") || a.doc.Find(`#name[value="Dana"]`).Length() != 1 {
		t.Errorf("the last administrator demoted: status %d, %q", a.status, a.text("#role-problem"))
	}
	if a := b.get(own); a.doc.Find("form[action$='/disable']").Length() != 0 || !strings.Contains(a.text("main"), "cannot disable yourself") {
		t.Error("people are offered to disable themselves")
	}
	b.post(views.UserDisableURL(me.ID), nil)
	if u, _ := b.store.User(t.Context(), me.ID); !u.Enabled || u.Role != engine.RoleAdmin {
		t.Errorf("the last administrator is %+v", u)
	}

	bensPage := views.UserURL(ben.ID)
	if a := b.post(bensPage, with(formValues(t, b.get(bensPage), bensPage), "name", "Ben Okri", "role", "admin")); a.status != http.StatusSeeOther {
		t.Errorf("change: status %d", a.status)
	}
	entries, _ := b.store.ListAudit(t.Context(), 1)
	if e := entries[0]; e.Action != "user.update" || e.Object != "developer" || !strings.Contains(e.Detail, "role: developer → admin") {
		t.Errorf("audit entry %+v", e)
	}
	if a := b.get(views.UserDeleteURL(ben.ID)); a.status != http.StatusSeeOther {
		t.Errorf("an enabled user can be deleted: status %d", a.status)
	}
	b.post(views.UserDisableURL(ben.ID), nil)
	b.client = bens
	if a := b.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("a disabled user sees the account page: status %d", a.status)
	}
	b.client = admin
	b.post(views.UserEnableURL(ben.ID), nil)
	b.client = bens
	if a := b.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("the session from before is back: status %d", a.status)
	}
	b.client = admin

	form := formValues(t, b.get(views.UserInviteURL(ben.ID)), views.UserInviteURL(ben.ID))
	reset := b.post(views.UserInviteURL(ben.ID), form)
	if link, _ := reset.doc.Find("#link").Attr("value"); !strings.Contains(link, "/invitation?token=") {
		t.Errorf("reset shows %q", link)
	}
	b.client = b.newClient()
	if a := b.login("developer", testPassword); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the password that was reset: status %d", a.status)
	}
	b.client = admin
	b.post(views.UserDisableURL(ben.ID), nil)
	if a := b.get(views.UserDeleteURL(ben.ID)); a.status != http.StatusOK {
		t.Errorf("ask before deleting: status %d", a.status)
	}
	if a := b.post(views.UserDeleteURL(ben.ID), nil); a.status != http.StatusSeeOther || b.get(views.UserURL(ben.ID)).status != http.StatusNotFound {
		t.Errorf("delete: status %d", a.status)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.signIn(engine.RoleViewer)
	first := b.client
	b.client = b.newClient()
	b.login("viewer", testPassword)
	other := b.client
	b.client = first

	form := formValues(t, b.get("/account"), "/account")
	if form.Get("shortcuts") == "" || form.Get("compact") != "" || b.get("/account").doc.Find(`html[data-shortcuts="on"]`).Length() != 1 {
		t.Errorf("the form begins with %v", form)
	}
	form.Set("time_zone", "Mars/Phobos")
	form.Set("theme", "sepia")
	form.Set("name", " ")
	bad := b.post("/account", form)
	if bad.status != http.StatusUnprocessableEntity || bad.doc.Find("#time_zone-problem, #theme-problem, #name-problem").Length() != 3 {
		t.Errorf("wrong values: status %d, %s", bad.status, bad.text("#error-summary"))
	}
	b.post("/account", url.Values{"name": {"Vera Wang"}, "role": {"admin"}, "time_zone": {"Europe/Vienna"}, "theme": {"dark"}, "compact": {"true"}})
	page := b.get("/account")
	if page.doc.Find(`html[data-theme="dark"][data-density="compact"]`).Length() != 1 || page.doc.Find("html[data-shortcuts]").Length() != 0 {
		t.Errorf("after saving: %.200s", page.body)
	}
	if got, _ := b.store.User(t.Context(), u.ID); got.TimeZone != "Europe/Vienna" || !got.NoShortcuts || got.Name != "Vera Wang" || got.Role != engine.RoleViewer {
		t.Errorf("stored %+v", got)
	}

	const next = "another good password"
	wrong := b.post("/account/password", url.Values{"current_password": {"wrong password!"}, "password": {next}})
	if wrong.status != http.StatusUnprocessableEntity || wrong.doc.Find("#current_password-problem").Length() != 1 {
		t.Errorf("a wrong current password: status %d", wrong.status)
	}
	if short := b.post("/account/password", url.Values{"current_password": {testPassword}, "password": {"short"}}); short.doc.Find("#password-problem").Length() != 1 {
		t.Errorf("a short password: status %d", short.status)
	}
	done := b.post("/account/password", url.Values{"current_password": {testPassword}, "password": {next}})
	if done.status != http.StatusSeeOther || b.get("/account").status != http.StatusOK {
		t.Errorf("change: status %d, then %d", done.status, b.get("/account").status)
	}
	b.client = other
	if a := b.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("the other session goes on: status %d", a.status)
	}
	if a := b.login("viewer", next); a.status != http.StatusSeeOther {
		t.Errorf("sign in with the new password: status %d", a.status)
	}
	if got := b.audited(3); !slices.Equal(got, []string{"user.sign_in viewer", "user.password viewer", "user.account viewer"}) {
		t.Errorf("audit log %v", got)
	}
}

func TestCurrentPasswordIsNotGuessed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	for range freeFailures {
		b.post("/account/password", url.Values{"current_password": {"guess guess guess"}, "password": {"another good password"}})
	}
	a := b.post("/account/password", url.Values{"current_password": {testPassword}, "password": {"another good password"}})
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
}
