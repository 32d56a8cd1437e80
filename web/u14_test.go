package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// wrongForm is a form with what is to be wrong with it.
type wrongForm struct {
	name   string
	page   string   // where the form is
	action string   // where it is posted; empty: to the page's path
	wrong  []string // names and values
	fields []string // with a problem each, at least
}

// wrongForms are all forms of the screens that judge what was typed.
func wrongForms(b *labBundle) []wrongForm {
	c := b.addConsumer("Fabrikam LMS")
	hook := b.addWebhook(c.ID, "Scores")
	own := b.addEventType("badge.awarded")
	robin := b.addUser("robin", engine.RoleViewer)
	gate := views.GateOpenURL(subject, b.closeGate().ID)
	long := strings.Repeat("long", 600)
	consumer := []string{"name", "", "external_id", "no spaces please", "technical_contact", long, "description", "Kept\r\nin lines", "expires", "never", "consuming_platform", "Moodle"}
	consumerFields := []string{"name", "external_id", "technical_contact", "expires"}
	kind := []string{"label", "", "sample", "{\r\n no json", "schema", "[1]", "description", "Kept\r\nin lines"}
	webhook := []string{
		"name", "", "url", "ftp://hooks.example.com/", "delay", "soon", "timeout", "0", "retries", "99", "content", "{", "content_type", "application/json", "body", views.BodyOwn,
		"headers", "X-Tenant: contoso\r\nno header", "basic_auth.username", "two\u0001words", "description", "Kept\r\nin lines", "rate_limit", "x", "retry_policy", "custom", "custom.waits", "1 fortnight", "custom.success", "100",
	}
	webhookFields := []string{"name", "url", "delay", "timeout", "retries", "headers", "content", "basic_auth.username", "rate_limit", "custom.waits", "custom.success"}
	consumers := "/admin/integration/api-consumers"
	return []wrongForm{
		{"sign in", "/login", "", []string{"login", "robin", "password", "a wrong password"}, []string{"login"}},
		{"account", "/account", "", []string{"name", long, "time_zone", "Mars/Phobos", "theme", "dark"}, []string{"name", "time_zone"}},
		{"password", "/account", "/account/password", []string{"current_password", "not the one", "password", testPassword}, []string{"current_password"}},
		{"short password", "/account", "/account/password", []string{"current_password", testPassword, "password", "short"}, []string{"password"}},
		{"general settings", "/admin/settings/general/edit", "", []string{"name", long, "time_zone", "Local"}, []string{"name", "time_zone"}},
		{"delivery settings", "/admin/settings/delivery/edit", "", []string{"new_timeout", "0", "new_retries", "99", "user_agent", long}, []string{"new_timeout", "new_retries", "user_agent"}},
		{"security settings", "/admin/settings/security/edit", "", []string{"session_idle", "12h", "allow_networks", "nowhere"}, []string{"session_idle", "allow_networks"}},
		{"retention settings", "/admin/settings/retention/edit", "", []string{"keep_events", "soon"}, []string{"keep_events"}},
		{"add user", "/admin/users/new", "", []string{"name", "", "login", "with spaces", "role", "developer"}, []string{"name", "login"}},
		{"user", views.UserURL(robin.ID), "", []string{"name", "", "role", "developer"}, []string{"name"}},
		{"add consumer", consumers + "/new", "", consumer, consumerFields},
		{"consumer", views.ConsumerEditURL(c.ID), "", consumer, consumerFields},
		{"key", views.KeyNewURL(c.ID), "", []string{"description", "", "expires", "2001-01-01T00:00", "scope", "read"}, []string{"description", "expires"}},
		{"platform key", views.KeyNewURL(0), "", []string{"description", long, "expires", "never"}, []string{"description", "expires"}},
		{"egress", egressPath + "/edit", "", []string{"addresses", "8.8.4.4\r\nnowhere", "echo_url", "no url", "valid_until", "later"}, []string{"addresses", "echo_url", "valid_until"}},
		{"add event type", views.NewEventTypeURL(), "", append([]string{"code", "with spaces"}, kind...), []string{"code", "label", "sample", "schema"}},
		{"event type", views.EventTypeEditURL(own.Code), "", kind, []string{"label", "sample", "schema"}},
		{"add webhook", views.NewWebhookURL(c.ID), "", webhook, append([]string{"events"}, webhookFields...)},
		{"webhook", views.WebhookEditURL(hook.ID), "", webhook, webhookFields},
		{"rotate", views.WebhookSecretURL(hook.ID), views.WebhookSecretURL(hook.ID) + "/rotate", []string{"secret", "tooshort", "grace", "0"}, []string{"secret"}},
		{"recover", views.WebhookRecoverURL(hook.ID), "", []string{"since", "custom", "from", "yesterday", "op", "count"}, []string{"from"}},
		{"test", views.WebhookTestingURL(hook.ID), "", []string{"data", "no json", "op", "test"}, []string{"data"}},
		{"open gate", gate, "", []string{"reason", ""}, []string{"reason"}},
	}
}

// A form that is refused comes back with all that was typed, but for secrets, with as many links in its summary as there
// are messages at its fields, in the same words, and each link leads to a control.
func TestU14FormErrors(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleAdmin)
	forms := wrongForms(b)
	in := b.client
	for _, f := range forms {
		b.client = in
		if f.page == "/login" {
			b.client = b.newClient()
		}
		path, _, _ := strings.Cut(f.page, "?")
		if f.action == "" {
			f.action = path
		}
		form := formValues(t, b.get(f.page), f.action)
		for i := 0; i < len(f.wrong); i += 2 {
			form[f.wrong[i]] = f.wrong[i+1 : i+2]
		}
		checkRefused(t, f.name, b.post(f.action, form), f.action, form, f.fields)
	}
	b.client = in
	checkFirstForms(t)
}

// checkFirstForms looks at the forms of people who are not users yet.
func checkFirstForms(t *testing.T) {
	t.Helper()
	b := setup(t)
	form := url.Values{"token": {"guessed"}, "name": {"Dana"}, "login": {"with spaces"}, "password": {"short"}, "time_zone": {"Mars/Phobos"}}
	checkRefused(t, "setup", b.post("/setup", form), "/setup", with(form, "token", ""), []string{"token", "login", "password", "time_zone"})

	b.signIn(engine.RoleAdmin)
	u, err := b.store.CreateUser(t.Context(), engine.System, engine.User{Login: "ben", Name: "Ben", Role: engine.RoleViewer, Enabled: true}, testHash())
	if err == nil {
		err = b.store.Invite(t.Context(), engine.System, u.ID, testHash(), hashToken("invited"), time.Now().Add(time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	invitation := formValues(t, b.get(views.InvitationURL("invited")), "/invitation")
	checkRefused(t, "invitation", b.post("/invitation", with(invitation, "password", "short")), "/invitation", invitation, []string{"password"})
}

func checkRefused(t *testing.T, name string, a answer, action string, posted url.Values, fields []string) {
	t.Helper()
	if a.status != http.StatusUnprocessableEntity || !strings.HasPrefix(a.text("title"), "Error: ") {
		t.Errorf("%s: status %d, title %q; %s", name, a.status, a.text("title"), a.text("main"))
		return
	}
	var links []string
	found := map[string]bool{}
	a.doc.Find("#error-summary li").Each(func(_ int, s *goquery.Selection) {
		id := strings.TrimPrefix(s.Find("a").AttrOr("href", ""), "#")
		links = append(links, id+": "+strings.TrimSpace(s.Text()))
		found[id] = true
		control := a.doc.Find("[id='" + id + "']")
		_, hidden := control.Attr("hidden")
		if !control.Is("input:not([type=hidden]), select, textarea") || hidden || control.Closest("details:not([open])").Length() > 0 {
			t.Errorf("%s: the summary's link #%s leads to no control that can be seen", name, id)
		}
	})
	var messages []string
	a.doc.Find(".problem").Each(func(_ int, s *goquery.Selection) {
		id := strings.TrimSuffix(s.AttrOr("id", ""), "-problem")
		for _, message := range strings.Split(s.Text(), "Error: ")[1:] {
			messages = append(messages, id+": "+strings.TrimSpace(message))
		}
	})
	slices.Sort(links)
	slices.Sort(messages)
	if name != "sign in" && !slices.Equal(links, messages) {
		t.Errorf("%s: the summary has\n%s\nand the fields have\n%s", name, strings.Join(links, "\n"), strings.Join(messages, "\n"))
	}
	for _, field := range fields {
		if !found[field] {
			t.Errorf("%s: nothing is said about %s: %q", name, field, links)
		}
	}
	checkKept(t, name, formValues(t, a, action), posted)
}

// checkKept compares the form as it came back with what was posted.
func checkKept(t *testing.T, name string, kept, posted url.Values) {
	t.Helper()
	for _, field := range slices.Sorted(maps.Keys(posted)) {
		want := slices.DeleteFunc(slices.Clone(posted[field]), func(v string) bool { return v == "" })
		got := slices.DeleteFunc(slices.Clone(kept[field]), func(v string) bool { return v == "" })
		switch {
		case field == "op" || field == "token": // a button, and what makes a form count once
		case isSecretField(field) && field != "headers":
			if len(got) > 0 && got[0] != engine.Mask {
				t.Errorf("%s: the secret %s came back", name, field)
			}
		case !slices.Equal(got, want):
			t.Errorf("%s: %s was %q and came back as %q", name, field, want, got)
		}
	}
}
