package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/web"
)

// addUsers stores a developer and a viewer, who sign in with the same password, and somebody who was disabled.
func (s *site) addUsers(t *testing.T) {
	t.Helper()
	hash, err := web.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []engine.User{
		{Login: "ben@contoso.example", Name: "Ben Okri", Role: engine.RoleDeveloper, Enabled: true},
		{Login: "vi", Name: "Violet Featherstonehaugh-Cholmondeley", Role: engine.RoleViewer, Enabled: true},
		{Login: "a.former.colleague.with.a.long.address@department.contoso.example", Name: "Gone", Role: engine.RoleViewer},
	} {
		if _, err := s.store.CreateUser(t.Context(), engine.Actor{Name: "Dana Ortiz", IP: "192.0.2.17"}, u, hash); err != nil {
			t.Fatal(err)
		}
	}
}

// Keys lead where the map says, and do nothing in fields, with modifiers or when they are switched off.
func TestShortcuts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	s.fill(t, s.addConsumer(t, "Contoso LMS").ID)
	b := newTab(t, s, screens[0])
	b.signIn()
	press := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			b.do(chromedp.KeyEvent(key))
		}
	}
	focus := func() string {
		return evaluate[string](b, "document.activeElement.id || document.activeElement.tagName")
	}
	at := func(path string) {
		t.Helper()
		b.until("location.pathname === " + "'" + path + "' && document.readyState === 'complete'")
	}

	press("/")
	if got := focus(); got != "find" {
		t.Errorf("/ leads to %q", got)
	}
	press("g", "e")
	if got := evaluate[string](b, "document.activeElement.value + location.pathname"); got != "ge/admin" {
		t.Errorf("typing in the field: %q", got)
	}
	b.open("/admin")
	for key, path := range map[string]string{"e": "/events", "d": "/deliveries", "l": "/lab-instances", "c": "/admin/integration/api-consumers", "a": "/admin"} {
		press("g", key)
		at(path)
	}
	b.open("/deliveries")
	press("j", "j", "k")
	if got := evaluate[bool](b, "document.activeElement === document.querySelector('tbody th a')"); !got {
		t.Errorf("j j k leads to %q", focus())
	}
	press("f")
	if got := evaluate[bool](b, "document.activeElement.closest('.filters') !== null"); !got {
		t.Errorf("f leads to %q", focus())
	}
	b.open("/deliveries")
	press("x")
	b.until("document.querySelectorAll('tbody [type=checkbox]').length > 0")
	press("j", "x", "j", "x", "x")
	if got := evaluate[int](b, "document.querySelectorAll('tbody :checked').length"); got != 1 {
		t.Errorf("x selects %d rows", got)
	}
	b.open("/deliveries")
	b.follow("tbody tr:last-child th a")
	press("[")
	b.until("document.querySelector('#in-list a[rel=next]') !== null && document.readyState === 'complete'")
	press("1")
	if got := evaluate[bool](b, "document.activeElement.matches('#attempt-1 summary') && document.querySelector('#attempt-1 details').open"); !got {
		t.Errorf("1 leads to %q", focus())
	}
	press("c")
	b.until("/^(Copied|Press)/.test(document.querySelector('[data-copy^=\"#curl\"]').textContent) && document.querySelector('#attempt-1-curl').open")
	press("r")
	b.until("/Resend/.test(document.querySelector('.flash')?.textContent) && location.search.includes('list=')")
	press("?")
	b.until("document.querySelector('dialog[open] #keys-map') !== null")
	b.check("keys-dialog")
	press("\x1b")
	b.until("document.querySelector('dialog') === null")

	b.open("/account")
	b.do(chromedp.Click(chromedp.ID("shortcuts")))
	b.follow("form[action='/account'] button[type=submit]")
	press("/", "?", "g", "e")
	if got := evaluate[string](b, "document.activeElement.tagName + location.pathname + document.querySelectorAll('dialog').length"); got != "BODY/account0" {
		t.Errorf("switched off, the keys lead to %q", got)
	}
}
