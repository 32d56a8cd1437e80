package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// goodForm is a form in which every field is set and right.
func goodForm() url.Values {
	return url.Values{
		"name": {"LMS – lab scored"}, "all_events": {""}, "events": {engine.LabScored, engine.LabTornDown},
		"verb": {"PUT"}, "url": {"https://hooks.example.com/lab?x=1"},
		"headers": {"Authorization=Basic czNjcjN0\r\nX-Tenant: contoso"}, "body": {views.BodyOwn}, "content": {"{\"a\":\r\n 1}"}, "content_type": {"application/json"},
		"enabled": {"true"}, "blocking": {"true"}, "delay": {"5"}, "timeout": {"20"}, "retries": {"4"},
		"error_action": {"notify_user"}, "notification_text": {"Your results are late."}, "description": {"Line one\r\nLine two"},
		"signing.scheme": {"v1"}, "signing.names": {"both"}, "retry_policy": {"studio"}, "custom.waits": {"10s, 1m, 5m"}, "custom.success": {"200-299"},
		"custom.on_4xx": {"retry"}, "custom.gone_deactivates": {"true"}, "custom.on_exhausted": {"error_action"},
	}
}

// with returns the form with other values for some fields; an empty value takes the field away.
func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Del(pairs[i])
		if pairs[i+1] != "" {
			form.Set(pairs[i], pairs[i+1])
		}
	}
	return form
}

func TestAddWebhookWithEveryField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	a := b.post(views.NewWebhookURL(c.ID), goodForm())
	if a.status != http.StatusSeeOther {
		t.Fatalf("status %d, problems %v", a.status, summary(a))
	}
	hooks := b.store.Directory().Webhooks(c.ID)
	if len(hooks) != 1 || a.header.Get("Location") != views.WebhookTestingURL(hooks[0].ID) {
		t.Fatalf("%d webhooks, led to %s", len(hooks), a.header.Get("Location"))
	}
	want := engine.Webhook{
		ConsumerID: c.ID, Name: "LMS – lab scored", Events: []string{engine.LabScored, engine.LabTornDown},
		Verb: "PUT", URL: "https://hooks.example.com/lab?x=1",
		Headers: []engine.Header{
			{Name: "Authorization", Value: "Basic czNjcjN0", Sensitive: true}, {Name: "X-Tenant", Value: "contoso"},
		},
		Content: "{\"a\":\n 1}", ContentType: "application/json", Enabled: true, Blocking: true,
		Delay: 5 * time.Second, Timeout: 20 * time.Second, Retries: 4, RetryPolicy: "studio",
		Signing:     engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesBoth, Secret: hooks[0].Signing.Secret},
		ErrorAction: engine.ErrorActionNotifyUser, NotificationText: "Your results are late.", Description: "Line one\nLine two",
		Position: 1, Version: 1, CreatedBy: "Person developer", UpdatedBy: "Person developer",
	}
	if diff := cmp.Diff(want, *hooks[0], cmpopts.IgnoreFields(engine.Webhook{}, "ID", "CreatedAt", "UpdatedAt")); diff != "" {
		t.Error(diff)
	}
	if hooks[0].Signing.Secret == "" {
		t.Error("it has no signing secret")
	}
	page := b.get(a.header.Get("Location"))
	if got := page.text(".flash"); got != "Webhook LMS – lab scored was added. Send an example to check it." {
		t.Errorf("flash %q", got)
	}
}

// An edit that changes nothing changes nothing but the version, whatever the form cannot show.
func TestEditUnchanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	for name, change := range map[string]func(*engine.Webhook){
		"plain":       func(*engine.Webhook) {},
		"all events":  func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} },
		"other order": func(w *engine.Webhook) { w.Events = []string{engine.LabTornDown, engine.LabPreBuild} },
		"secrets": func(w *engine.Webhook) {
			w.Headers = []engine.Header{
				{Name: "X-Secret", Value: "one", Sensitive: true},
				{Name: "X-Plain", Value: "two"},
				{Name: "x-secret", Value: "three", Sensitive: true},
				{Name: "X-Odd", Value: "four", Sensitive: true},
				{Name: "X-Key-Name", Value: "five"},
				{Name: "X-Empty", Value: ""},
			}
		},
		"content": func(w *engine.Webhook) {
			w.SendLabDetails, w.Content = false, "\n first\r\nsecond\n\n"
			w.ContentType = "text/plain"
		},
		"rest": func(w *engine.Webhook) {
			w.Verb, w.Enabled, w.Blocking, w.Delay, w.Retries = "DELETE", false, true, 24*time.Hour, 0
			w.ErrorAction, w.EndLabConfirmed, w.Description = engine.ErrorActionEndLab, true, "a < b & \"c\"\n\nd"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID, w.Name = c.ID, name }, change)
			before, err := b.store.CreateWebhook(t.Context(), engine.System, w)
			if err != nil {
				t.Fatal(err)
			}
			edit := views.WebhookEditURL(before.ID)
			a := b.post(edit, formValues(t, b.get(edit), edit))
			if a.status != http.StatusSeeOther {
				t.Fatalf("status %d, problems %v", a.status, summary(a))
			}
			after, err := b.store.Webhook(t.Context(), before.ID)
			if err != nil {
				t.Fatal(err)
			}
			if after.Version != before.Version+1 {
				t.Errorf("version %d after %d", after.Version, before.Version)
			}
			if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(engine.Webhook{}, "Version", "UpdatedAt", "UpdatedBy")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadWebhookForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso")
	b.addWebhook(c.ID, "Taken")
	whole := "must be a whole number"
	for _, test := range []struct{ field, value, message string }{
		{"name", "", "Enter a name"},
		{"name", "   ", "Enter a name"},
		{"name", strings.Repeat("x", 101), "at most 100 characters"},
		{"name", "a\x01b", "control characters"},
		{"name", "Taken", "Another webhook of this API consumer is called Taken"},
		{"events", "", "Choose the event"},
		{"events", "lab.unheard_of", `no event type "lab.unheard_of"`},
		{"verb", "HEAD", "Verb must be one of POST"},
		{"verb", "", "Verb must be one of POST"},
		{"url", "", "Enter a URL"},
		{"url", "not a url", "This is not a URL"},
		{"url", "ftp://hooks.example.com/", "starts with https:// or http://"},
		{"url", "https:///lab", "names no host"},
		{"url", "https://user:pw@hooks.example.com/", "must not hold a user or password"},
		{"url", "https://hooks.example.com/#part", "part after #"},
		{"url", "https://hooks.example.com:99999/", "port must be a number"},
		{"url", "https://hooks.example.com/" + strings.Repeat("x", 2048), "at most 2048 bytes"},
		{"url", "http://10.0.0.8/hook", "10.0.0.8 is not allowed"},
		{"url", "http://localhost:8080/hook", "Connecting to 127.0.0.1, to which localhost leads, is not allowed"},
		{"url", "http://169.254.169.254/latest", "169.254.169.254 is not allowed"},
		{"url", "http://[::1]/", "::1 is not allowed"},
		{"headers", "no separator", "Line 1 has neither a colon nor an equals sign"},
		{"headers", "X-A: 1\r\n\r\nX B: 2", `"X B" is not a header name`},
		{"headers", "Host: elsewhere", "Host is set by Labhook"},
		{"headers", "webhook-id: mine", "webhook-id is set by Labhook"},
		{"headers", "Authorization: ••••", "its dots stand for no stored value"},
		{"headers", "X-Long: " + strings.Repeat("x", 8<<10), "at most 8192 bytes"},
		{"headers", strings.Repeat("X-A: 1\r\n", 51), "at most 50 headers"},
		{"content", "", "Enter the content, or choose Empty"},
		{"content", `{"a":`, "Content is not JSON"},
		{"content", strings.Repeat("x", 256<<10+1), "at most 262144 bytes"},
		{"content_type", "json", "media type"},
		{"delay", "", "Delay " + whole},
		{"delay", "soon", "Delay " + whole},
		{"delay", "-1", "Delay " + whole},
		{"delay", "1.5", "Delay " + whole},
		{"delay", "86401", "Delay " + whole},
		{"delay", "9223372036855", "Delay " + whole},
		{"timeout", "0", "Timeout " + whole},
		{"timeout", "301", "Timeout " + whole},
		{"timeout", "30 s", "Timeout " + whole},
		{"retries", "6", "Retries " + whole},
		{"retries", "many", "Retries " + whole},
		{"error_action", "explode", "Error action must be one of log"},
		{"error_action", "", "Error action must be one of log"},
		{"notification_text", strings.Repeat("x", 501), "at most 500 characters"},
		{"description", strings.Repeat("x", 2001), "at most 2000 characters"},
		{"basic_auth.username", "hooks", "Authorization"},
		{"signing.scheme", "md5", "Signature must be one of v1"},
		{"signing.names", "mine", "Header names must be one of webhook"},
		{"retry_policy", "never", "Retry policy must be one of studio"},
		{"rate_limit", "fast", "requests a second"},
		{"rate_limit", "10001", "requests a second"},
		{"rate_burst", "5", "A burst needs a rate limit"},
	} {
		t.Run(test.field+" "+test.value[:min(len(test.value), 30)], func(t *testing.T) {
			a := b.post(views.NewWebhookURL(c.ID), with(goodForm(), test.field, test.value))
			if a.status != http.StatusUnprocessableEntity {
				t.Fatalf("status %d", a.status)
			}
			if got := summary(a); len(got) != 1 || !strings.Contains(got[test.field], test.message) {
				t.Errorf("problems %v, want %q about %s", got, test.message, test.field)
			}
			if title := a.text("title"); !strings.HasPrefix(title, "Error: ") {
				t.Errorf("title %q", title)
			}
			field := a.doc.Find(`[id="f-` + test.field + `"]`)
			if field.Length() != 1 || !strings.Contains(field.Text(), test.message) || a.doc.Find(`[id="`+test.field+`"]`).Length() != 1 {
				t.Error("the message does not stand at the field")
			}
			want := with(goodForm(), test.field, test.value)
			for name, got := range formValues(t, a, views.NewWebhookURL(c.ID)) {
				// A select and boxes cannot show what is not among their choices.
				if slices.Contains([]string{"verb", "error_action", "events", "retry_policy", "signing.scheme", "signing.names", "custom.on_4xx", "custom.on_exhausted"}, name) {
					continue
				}
				if strings.TrimSpace(strings.Join(got, ",")) != strings.TrimSpace(strings.Join(want[name], ",")) {
					t.Errorf("%s came back as %.60q, was %.60q", name, got, want[name])
				}
			}
			if n := len(b.store.Directory().Webhooks(c.ID)); n != 1 {
				t.Errorf("%d webhooks", n)
			}
		})
	}
}

func TestBadEditChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	edit := views.WebhookEditURL(w.ID)
	a := b.post(edit, with(formValues(t, b.get(edit), edit), "timeout", "abc", "retries", "7", "name", "Other"))
	if got := summary(a); a.status != http.StatusUnprocessableEntity || len(got) != 2 {
		t.Fatalf("status %d, problems %v", a.status, got)
	}
	if after := b.store.Directory().Webhook(w.ID); after.Version != w.Version || after.Name != w.Name {
		t.Errorf("version %d, name %q", after.Version, after.Name)
	}
}

func TestMaskedHeadersKeepTheirSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	w, err := b.store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID = c.ID
		w.Headers = []engine.Header{{Name: "Authorization", Value: "Bearer marker-5ecret", Sensitive: true}, {Name: "X-Hidden", Value: "marker-5ecret", Sensitive: true}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	edit := views.WebhookEditURL(w.ID)
	page := b.get(edit)
	if strings.Contains(page.body, "marker-5ecret") {
		t.Error("the form shows a secret")
	}
	form := formValues(t, page, edit)
	a := b.post(edit, with(form, "headers", "Authorization: ••••\r\nX-Hidden: replaced"))
	if a.status != http.StatusSeeOther {
		t.Fatalf("status %d, problems %v", a.status, summary(a))
	}
	want := []engine.Header{{Name: "Authorization", Value: "Bearer marker-5ecret", Sensitive: true}, {Name: "X-Hidden", Value: "replaced", Sensitive: true}}
	if diff := cmp.Diff(want, b.store.Directory().Webhook(w.ID).Headers); diff != "" {
		t.Error(diff)
	}
}

// TestMaskedHeadersStayWithTheirHost: whoever edits a webhook cannot send its secrets to a host of their own.
func TestMaskedHeadersStayWithTheirHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", func(w *engine.Webhook) {
		w.Headers = []engine.Header{{Name: "X-Key", Value: "marker-key", Sensitive: true}}
		w.BasicAuth = engine.BasicAuth{Username: "hooks", Password: "marker-password"}
	})
	edit := views.WebhookEditURL(w.ID)
	form := with(formValues(t, b.get(edit), edit), "url", "https://elsewhere.example.org/")
	a := b.post(edit, form)
	for _, want := range []string{"enter the value of X-Key", "Enter the password"} {
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(fmt.Sprint(summary(a)), want) {
			t.Errorf("status %d, problems %v, want %q", a.status, summary(a), want)
		}
	}
	form = with(form, "headers", "X-Key: again", "basic_auth.password", "again")
	if a := b.post(edit, form); a.status != http.StatusSeeOther {
		t.Errorf("with both entered again: status %d, problems %v", a.status, summary(a))
	}
}

func TestConflictShowsBothSides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	edit := views.WebhookEditURL(w.ID)
	form := formValues(t, b.get(edit), edit)

	theirs := w
	theirs.URL, theirs.Timeout = "https://theirs.example.com/", 40*time.Second
	if _, err := b.store.UpdateWebhook(t.Context(), engine.Actor{Name: "Robin"}, theirs); err != nil {
		t.Fatal(err)
	}
	a := b.post(edit, with(form, "url", "https://mine.example.com/"))
	if a.status != http.StatusConflict {
		t.Fatalf("status %d", a.status)
	}
	for _, want := range []string{"Robin", "https://mine.example.com/", "https://theirs.example.com/", "40 s"} {
		if !strings.Contains(a.doc.Find("main").Text(), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if got := a.doc.Find("a:contains('Use theirs')").AttrOr("href", ""); got != edit {
		t.Errorf("Use theirs leads to %q", got)
	}
	if after := b.store.Directory().Webhook(w.ID); after.URL != theirs.URL {
		t.Errorf("URL %s before a choice", after.URL)
	}
	if a = b.post(edit, formValues(t, a, edit)); a.status != http.StatusSeeOther {
		t.Fatalf("Use mine: status %d, problems %v", a.status, summary(a))
	}
	if after := b.store.Directory().Webhook(w.ID); after.URL != "https://mine.example.com/" || after.Version != 3 {
		t.Errorf("URL %s in version %d", after.URL, after.Version)
	}
}

func TestAddWebhookBeginsWithTheEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	for query, want := range map[string][]string{"lab.scored": {"lab.scored"}, "Torn Down": {"lab.torn_down"}, "nothing": nil, "": nil} {
		a := b.get(views.NewWebhookURL(c.ID, "event", query))
		got := formValues(t, a, views.NewWebhookURL(c.ID))["events"]
		if a.status != http.StatusOK || !cmp.Equal(got, want) {
			t.Errorf("%q: status %d, events %v", query, a.status, got)
		}
	}
}

func TestViewersHaveNoForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("first", engine.RoleAdmin)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	page := b.get(views.WebhookURL(w.ID))
	if page.doc.Find("main form, main a.button, main .tabs a:contains(Testing)").Length() != 0 || !strings.Contains(page.text("main"), "You can view this but not change it.") {
		t.Error("a viewer sees controls")
	}
	if got := b.get(views.WebhookEditURL(w.ID)).status; got != http.StatusForbidden {
		t.Errorf("edit: status %d", got)
	}
	for _, path := range []string{views.WebhookEditURL(w.ID), views.WebhookDeleteURL(w.ID), views.WebhookDisableURL(w.ID), views.NewWebhookURL(w.ConsumerID)} {
		if got := b.post(path, goodForm()).status; got != http.StatusForbidden {
			t.Errorf("POST %s: status %d", path, got)
		}
	}
}

// A ping is sent to the webhook that is asked about: the form does not offer to listen for it.
func TestPingIsNotOffered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	a := b.get(views.NewWebhookURL(b.addConsumer("Contoso").ID))
	boxes := a.doc.Find("#event-choices input[name=events]")
	if boxes.Length() != len(engine.BuiltIn.All())-1 || boxes.Filter(`[value="`+engine.SystemWebhookPing+`"]`).Length() > 0 {
		t.Errorf("%d event types are offered of %d", boxes.Length(), len(engine.BuiltIn.All()))
	}
}
