package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/views"
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

// The screens about people, and Find.
func TestPeopleScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	s.addUsers(t)
	c := s.addConsumer(t, "Contoso LMS")
	s.fill(t, c.ID)
	s.fill(t, s.addConsumer(t, "Fabrikam LMS").ID)
	users, err := s.store.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{
		"users": "/admin/users", "user-new": "/admin/users/new", "account": "/account", "keys-help": "/help/keys",
		"audit": "/admin/audit", "audit-none": "/admin/audit?who=Nobody&since=24h", "audit-one": "/admin/audit?action=webhook.create&who=system",
		"find": "/find?q=lms", "find-none": "/find?q=nothing+like+it", "find-empty": "/find",
		"invitation-ended": "/invitation?token=x",
	}
	for _, u := range users {
		name := strings.Fields(u.Name)[0]
		pages["user-"+name] = "/admin/users/" + u.ID.String()
		pages["user-reset-"+name] = "/admin/users/" + u.ID.String() + "/invite"
		if !u.Enabled {
			pages["user-delete"] = "/admin/users/" + u.ID.String() + "/delete"
		}
	}
	for _, look := range screens {
		t.Run(look.String(), func(t *testing.T) {
			t.Parallel()
			b := newTab(t, s, look)
			b.signIn()
			for name, path := range pages {
				b.open(path)
				b.check(name)
			}
			b.open("/admin/users/new")
			b.follow("main button[type=submit]")
			b.check("user-new-problem")
			b.fill(map[string]string{"name": "Ada Byron", "login": "ada-" + look.String()})
			b.follow("main button[type=submit]")
			b.check("user-link")
			link := evaluate[string](b, "document.getElementById('link').value")
			b.open("/account")
			b.fill(map[string]string{"current_password": "wrong password!", "password": "another good password"})
			b.follow("form[action='/account/password'] button[type=submit]")
			b.check("account-problem")
			b.follow(".bar form[action='/logout'] button")
			b.open(link)
			b.check("invitation")
			b.fill(map[string]string{"password": password})
			b.follow("main button[type=submit]")
			if got := b.text(".who"); got != "Ada Byron" {
				t.Errorf("the link signs in %q", got)
			}
			b.check("admin-as-viewer")
			b.open("/admin/integration/api-consumers/" + c.ID.String())
			b.check("consumer-as-viewer")
		})
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

// Site Administration with what needs attention, and the settings.
func TestAdministrationScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	s.fill(t, c.ID)
	s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Retries = "A webhook with a long name that keeps failing", newReceiver(t, 503), 0
	})
	for range engine.FailingAfter {
		s.accept(t)
	}
	for _, look := range screens {
		t.Run(look.String(), func(t *testing.T) {
			t.Parallel()
			b := newTab(t, s, look)
			b.signIn()
			b.until("document.querySelector('#attention') !== null")
			b.check("admin-attention")
			b.open("/admin/settings")
			b.check("settings")
			for _, group := range views.SettingsGroups {
				b.open(views.SettingsOfURL(group))
				b.check("settings-" + string(group))
			}
			b.open("/admin/settings/delivery/edit")
			b.check("settings-delivery-edit")
			b.open("/admin/settings/security/edit")
			b.check("settings-edit")
			b.fill(map[string]string{"session_idle": "a day"})
			b.follow("main button[type=submit]")
			b.check("settings-problem")
			b.fill(map[string]string{"session_idle": "24"})
			b.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('[name=version]').value = '99'"))
			b.follow("main button[type=submit]")
			b.check("settings-conflict")
		})
	}
}
