package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/views"
)

// A page that exists refuses other methods, and says which it takes.
func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	for path, allow := range map[string]string{
		"/admin": "GET, HEAD", "/account": "GET, HEAD, POST", "/account/password": "POST", "/deliveries/dlv_01jc9xw2m4t7k/resend": "POST",
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			if a := b.do(method, path, nil); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow || a.text("h1") != "Not possible here" {
				t.Errorf("%s %s: status %d, Allow %q, want 405 and %q", method, path, a.status, a.header.Get("Allow"), allow)
			}
		}
	}
	if a := b.get("/account/password"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET of what is posted to: status %d", a.status)
	}
	if a := b.do(http.MethodDelete, "/nowhere", nil); a.status != http.StatusNotFound || a.header.Get("Allow") != "" {
		t.Errorf("no page: status %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}

// A delivery, an event or a lab instance that is not there may have gone by retention: the page says how long they are kept.
func TestMissingSaysHowLongThingsAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	paths := []string{"/deliveries/dlv_01jc9xw2m4t7k", "/events/evt_01jc9xw2m4t7k", "/events/exam-1", "/events/exam-1/data.raw", "/events/exam-1/replay", "/lab-instances/998592321"}
	check := func(want string) {
		t.Helper()
		for _, path := range paths {
			if a := b.get(path); a.status != http.StatusNotFound || !strings.Contains(a.text("main"), "removed by retention") || !strings.Contains(a.text("main"), want) {
				t.Errorf("%s: status %d, %s", path, a.status, a.text("main"))
			}
		}
	}
	check("are kept for ever now")
	b.keep("30", "0")
	check("are kept for 30 days after the last delivery has ended")
	if got := b.get("/find?q=nothing+like+it").text("main"); !strings.Contains(got, "are kept for 30 days") {
		t.Errorf("Find says %q", got)
	}
}

// A form that takes effect once says whether it was sent before, or came without its token.
func TestFormsThatAreSentOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	form := url.Values{"name": {"Ben"}, "login": {"ben"}, "role": {"viewer"}}
	bare := b.post(views.UserNewURL(), form)
	if page := b.get(bare.header.Get("Location")); bare.header.Get("Location") != views.UserNewURL() || !strings.HasPrefix(page.text(".flash"), "Nothing was done: the form came without its token.") {
		t.Errorf("without its token: to %s, %q", bare.header.Get("Location"), page.text(".flash"))
	}
	form.Set("token", formValues(t, b.get(views.UserNewURL()), views.UserNewURL()).Get("token"))
	if a := b.post(views.UserNewURL(), form); a.status != http.StatusOK {
		t.Fatalf("with its token: status %d", a.status)
	}
	form.Set("login", "cy")
	again := b.post(views.UserNewURL(), form)
	if page := b.get(again.header.Get("Location")); !strings.HasPrefix(page.text(".flash"), "This form was sent before. The link was shown then") {
		t.Errorf("once more: %q", page.text(".flash"))
	}
	if users, err := b.store.Users(t.Context()); err != nil || len(users) != 2 {
		t.Errorf("%d users, %v", len(users), err)
	}
}
