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
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// clientCert makes a certificate that is valid for a day, with its key.
func clientCert(t *testing.T) engine.ClientCert {
	t.Helper()
	return enginetest.NewAuthority(t).Client("labhook.example.com", time.Now().Add(24*time.Hour))
}

// extraForm is goodForm with everything set that Studio's form lacks.
func extraForm(cert engine.ClientCert) url.Values {
	return with(goodForm(),
		"headers", "X-Tenant: contoso", "basic_auth.username", "hooks", "basic_auth.password", "marker-pa55 word",
		"signing.scheme", "hex", "signing.names", "svix", "signing.header", "X-Signature", "signing.secret", "marker-0123456789abcdef",
		"client_cert.certificate", strings.ReplaceAll(cert.Certificate, "\n", "\r\n"), "client_cert.key", strings.ReplaceAll(cert.Key.Reveal(), "\n", "\r\n"),
		"retry_policy", "custom", "retries", "60", "custom.waits", "2s, 1m30s, 24h", "custom.success", "200-299, 304",
		"custom.on_4xx", "give_up", "custom.gone_deactivates", "", "custom.on_exhausted", "deactivate", "rate_limit", "50", "rate_burst", "100")
}

func TestAddWebhookWithWhatStudioLacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	cert := clientCert(t)
	if a := b.post(views.NewWebhookURL(c.ID), extraForm(cert)); a.status != http.StatusSeeOther {
		t.Fatalf("status %d, problems %v", a.status, summary(a))
	}
	got := *b.store.Directory().Webhooks(c.ID)[0]
	custom := engine.CustomPolicy
	custom.Waits = []time.Duration{2 * time.Second, 90 * time.Second, 24 * time.Hour}
	custom.Success = []engine.StatusRange{{From: 200, To: 299}, {From: 304, To: 304}}
	custom.On4xx, custom.GoneDeactivates, custom.OnExhausted = engine.On4xxGiveUp, false, engine.OnExhaustedDeactivate
	want := got
	want.BasicAuth = engine.BasicAuth{Username: "hooks", Password: "marker-pa55 word"}
	want.Signing = engine.Signing{Scheme: engine.SigningHex, Names: engine.NamesSvix, Header: "X-Signature", Secret: "marker-0123456789abcdef"}
	want.ClientCert.Certificate, want.ClientCert.Key = strings.TrimSpace(cert.Certificate), engine.Secret(strings.TrimSpace(cert.Key.Reveal()))
	want.RetryPolicy, want.Custom, want.Retries, want.RateLimit, want.RateBurst = "custom", custom, 60, 50, 100
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	page := b.get(views.WebhookURL(got.ID))
	for _, text := range []string{
		"User hooks, password ••••", "Hex HMAC-SHA256 of the body in X-Signature", "CN=labhook.example.com", "50 requests a second, 100 at once",
		"The pauses are 2 s, 1 min 30 s, 1 d; the last one repeats.", "200 to 299 or 304", "the delivery is given up at once", "the webhook is deactivated",
	} {
		if !strings.Contains(strings.ReplaceAll(page.text("main"), "\u00a0", " "), text) {
			t.Errorf("the page does not say %q", text)
		}
	}
	for _, path := range []string{views.WebhookURL(got.ID), views.WebhookEditURL(got.ID), views.WebhookSecretURL(got.ID), views.NewWebhookURL(c.ID, "copy", got.ID.String())} {
		if body := b.get(path).body; strings.Contains(body, "marker-") || strings.Contains(body, "PRIVATE KEY") {
			t.Errorf("%s shows a secret", path)
		}
	}
}

func TestEditUnchangedKeepsWhatStudioLacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	cert := clientCert(t)
	for name, change := range map[string]func(*engine.Webhook){
		"basic":       func(w *engine.Webhook) { w.BasicAuth = engine.BasicAuth{Username: "hooks", Password: " spaced "} },
		"no password": func(w *engine.Webhook) { w.BasicAuth.Username = "hooks" },
		"unsigned":    func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningNone} },
		"ed25519": func(w *engine.Webhook) {
			w.Signing = engine.Signing{Scheme: engine.SigningV1a, Names: engine.NamesSvix}
		},
		"hex":          func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningHex, Header: "X-Sig"} },
		"certificate":  func(w *engine.Webhook) { w.ClientCert = cert },
		"rate":         func(w *engine.Webhook) { w.RateLimit, w.RateBurst = 5, 10 },
		"preset":       func(w *engine.Webhook) { w.RetryPolicy, w.Retries, w.Timeout = "skilljar", 60, 15*time.Second },
		"custom rules": func(w *engine.Webhook) { w.RetryPolicy, w.Custom = engine.CustomPolicyName, engine.CustomPolicy },
	} {
		t.Run(name, func(t *testing.T) {
			w := enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID, w.Name = c.ID, name }, change)
			before, err := b.store.CreateWebhook(t.Context(), engine.System, w)
			if err != nil {
				t.Fatal(err)
			}
			if before.Signing.Secret != "" {
				if before, err = b.store.RotateSecret(t.Context(), engine.System, before.ID, "", time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			edit := views.WebhookEditURL(before.ID)
			a := b.post(edit, formValues(t, b.get(edit), edit))
			if a.status != http.StatusSeeOther {
				t.Fatalf("status %d, problems %v", a.status, summary(a))
			}
			after := *b.store.Directory().Webhook(before.ID)
			if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(engine.Webhook{}, "Version", "UpdatedAt", "UpdatedBy")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A secret that was typed does not come back, whatever the page: the person is asked for it again.
func TestTypedSecretsDoNotComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	cert := clientCert(t)
	shown := func(a answer) bool {
		return strings.Contains(a.body, "marker-") || strings.Contains(a.body, "PRIVATE KEY")
	}

	a := b.post(views.NewWebhookURL(c.ID), with(extraForm(cert), "timeout", "0"))
	want := []string{"basic_auth.password", "client_cert.key", "signing.secret", "timeout"}
	if got := slices.Sorted(maps.Keys(summary(a))); !slices.Equal(got, want) {
		t.Errorf("problems with %v, want %v", got, want)
	}
	if n := a.doc.Find(".field .problem").Length(); n != len(want) || shown(a) {
		t.Errorf("%d messages at fields, secrets shown: %v", n, shown(a))
	}
	if a = b.post(views.NewWebhookURL(c.ID), with(extraForm(cert), "op", "preview")); len(summary(a)) != 0 || shown(a) || !strings.Contains(a.text("#f-basic_auth\\.password"), "again") {
		t.Errorf("preview: problems %v, secrets shown: %v, %q", summary(a), shown(a), a.text("#f-basic_auth\\.password"))
	}
	if a = b.post(views.WebhookPreviewURL(c.ID), extraForm(cert), "HX-Request", "true"); shown(a) || !strings.Contains(a.body, "Authorization: ••••") {
		t.Errorf("preview part: secrets shown: %v", shown(a))
	}

	w := b.addWebhook(c.ID, "Scores")
	edit := views.WebhookEditURL(w.ID)
	form := formValues(t, b.get(edit), edit)
	if _, err := b.store.UpdateWebhook(t.Context(), engine.Actor{Name: "Robin"}, w); err != nil {
		t.Fatal(err)
	}
	form = with(form, "basic_auth.username", "hooks", "basic_auth.password", "marker-pa55 word", "retries", "2")
	if a = b.post(edit, form); a.status != http.StatusConflict || shown(a) {
		t.Fatalf("conflict: status %d, secrets shown: %v", a.status, shown(a))
	}
	if got := a.text("#differences"); !strings.Contains(got, "Password•••• (another one)–") {
		t.Errorf("the differences are %q", got)
	}
	mine := formValues(t, a, edit)
	if got := mine.Get("basic_auth.password"); got != "" || mine.Get("basic_auth.username") != "hooks" {
		t.Fatalf("the page has the user %q and the password %q", mine.Get("basic_auth.username"), got)
	}
	if a = b.post(edit, with(mine, "basic_auth.password", "entered again")); a.status != http.StatusSeeOther {
		t.Fatalf("use mine: status %d, problems %v", a.status, summary(a))
	}
	after := b.store.Directory().Webhook(w.ID)
	if after.BasicAuth != (engine.BasicAuth{Username: "hooks", Password: "entered again"}) || after.Retries != 2 || after.Signing.Secret != w.Signing.Secret {
		t.Errorf("stored %+v", after)
	}
}

func TestBadCustomPolicies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	for _, test := range []struct{ field, value, message string }{
		{"custom.waits", "", "Enter 1 to 60 waits"},
		{"custom.waits", "soon", `"soon" is not a wait`},
		{"custom.waits", "1s, 25h", "from 1s to 24h"},
		{"custom.waits", "500ms", "whole seconds"},
		{"custom.success", "", "ranges of statuses"},
		{"custom.success", "2xx", "not a range of statuses"},
		{"custom.success", "200-599", "between 200 and 399"},
		{"custom.on_4xx", "panic", "What an answer from 400 to 499 does must be one of"},
		{"custom.on_exhausted", "panic", "What happens after the last retry must be one of"},
		{"retries", "61", "from 0 to 60"},
	} {
		a := b.post(views.NewWebhookURL(c.ID), with(goodForm(), "retry_policy", "custom", test.field, test.value))
		if got := summary(a); a.status != http.StatusUnprocessableEntity || len(got) != 1 || !strings.Contains(got[test.field], test.message) {
			t.Errorf("%s %q: status %d, problems %v", test.field, test.value, a.status, got)
		}
		if a.doc.Find("#policy[open]").Length() != 1 || a.doc.Find("#authentication[open]").Length() != 1 {
			t.Errorf("%s: a group with something set or wrong is closed", test.field)
		}
	}
	// What belongs to a choice that was not made does not matter.
	if a := b.post(views.NewWebhookURL(c.ID), with(goodForm(), "custom.waits", "soon")); a.status != http.StatusSeeOther {
		t.Errorf("a preset with other waits: status %d, problems %v", a.status, summary(a))
	}
}

func TestGroupsOpenWithWhatIsInThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	open := func(a answer) []string {
		return a.doc.Find("form details[open] > summary").Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
	}
	for name, test := range map[string]struct {
		change func(*engine.Webhook)
		want   []string
	}{
		"plain": {func(*engine.Webhook) {}, []string{"Lab instance life cycle 1 chosen"}},
		"two groups": {func(w *engine.Webhook) {
			w.Events = []string{engine.LabSaved, engine.LabScored, engine.SystemDeliveryFailed}
		}, []string{"Lab instance life cycle 2 chosen", "System 1 chosen"}},
		"all events": {func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} }, []string{"Lab instance life cycle"}},
		"basic":      {func(w *engine.Webhook) { w.BasicAuth.Username = "x" }, []string{"Lab instance life cycle 1 chosen", "Authentication and signing"}},
		"unsigned":   {func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningNone} }, []string{"Lab instance life cycle 1 chosen", "Authentication and signing"}},
		"live":       {func(w *engine.Webhook) { w.RetryPolicy = "live" }, []string{"Lab instance life cycle 1 chosen", "Retry policy and success"}},
		"rate":       {func(w *engine.Webhook) { w.RateLimit = 1 }, []string{"Lab instance life cycle 1 chosen", "Retry policy and success"}},
	} {
		w := b.addWebhook(c.ID, name, test.change)
		if got := open(b.get(views.WebhookEditURL(w.ID))); !slices.Equal(got, test.want) {
			t.Errorf("%s: open are %q, want %q", name, got, test.want)
		}
	}
	if got := open(b.get(views.NewWebhookURL(c.ID))); !slices.Equal(got, []string{"Lab instance life cycle"}) {
		t.Errorf("of a new webhook open are %q", got)
	}
}

func TestWarningsBeforeSaving(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	b.addWebhook(c.ID, "Other", func(w *engine.Webhook) {
		w.URL, w.Events = "https://hooks.example.com/lab", []string{engine.LabScored, engine.LabSaved}
	})
	for name, test := range map[string]struct {
		pairs []string
		want  string // empty: there is none
	}{
		"none":       {[]string{"blocking", "", "url", "https://hooks.example.com/none"}, ""},
		"same":       {[]string{"url", "https://hooks.example.com/lab"}, "The webhook Other sends Scored to the same URL. The receiver gets each of them twice."},
		"http":       {[]string{"url", "http://hooks.example.com/"}, "The URL starts with http://"},
		"long":       {[]string{"timeout", "300", "retries", "5"}, "Blocking may hold a lab for"},
		"token":      {[]string{"content", `{"a": "@lab.Nonsense", "b": "@lab.User.Id"}`}, "No event of this webhook can fill @lab.Nonsense"},
		"tokens url": {[]string{"url", "https://hooks.example.com/{id}/{nobody}"}, "can fill {nobody}"},
	} {
		form := with(goodForm(), append([]string{"retries", "1"}, test.pairs...)...)
		a := b.post(views.WebhookPreviewURL(c.ID), form, "HX-Request", "true")
		if got := a.text("#warnings"); a.status != http.StatusOK || test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: status %d, warnings %q", name, a.status, got)
		}
		if a = b.post(views.NewWebhookURL(c.ID), with(form, "name", name)); a.status != http.StatusSeeOther {
			t.Errorf("%s: a warning kept it from being saved: status %d, %v", name, a.status, summary(a))
		}
	}
	c.OneSendPerURL = true
	if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
		t.Fatal(err)
	}
	a := b.post(views.WebhookPreviewURL(c.ID), with(goodForm(), "url", "https://hooks.example.com/lab"), "HX-Request", "true")
	if got := a.text("#warnings"); !strings.Contains(got, "the first in order sends: Contoso has one send per URL") {
		t.Errorf("with one send per URL: %q", got)
	}
}

func TestFieldsAreCheckedOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	w := b.addWebhook(c.ID, "Taken")
	for _, test := range []struct{ field, value, message string }{
		{"url", "http://10.0.0.8/hook", "10.0.0.8 is not allowed"},
		{"url", "https://hooks.example.com/", ""},
		{"url", "", ""},
		{"name", "Taken", "Another webhook of this API consumer is called Taken"},
		{"headers", "nonsense", "Line 1 has neither"},
		{"retries", "6", "from 0 to 5"},
		{"timeout", "20", ""},
		{"description", strings.Repeat("x", 2001), "at most 2000"},
	} {
		url := views.WebhookCheckURL(c.ID, "field", test.field)
		a := b.post(url, with(goodForm(), test.field, test.value), "HX-Request", "true")
		row := a.doc.Find("#f-" + test.field)
		if a.status != http.StatusOK || row.Length() != 1 || a.doc.Find(".field").Length() != 1 {
			t.Errorf("%s: status %d, %.100q", test.field, a.status, a.body)
			continue
		}
		if got := a.text(".problem"); test.message == "" && got != "" || !strings.Contains(got, test.message) {
			t.Errorf("%s %.20q: %q", test.field, test.value, got)
		}
		if got := row.AttrOr("hx-post", ""); got != url {
			t.Errorf("%s is not checked again: %q", test.field, got)
		}
	}
	own := with(goodForm(), "name", "Taken", "webhook", w.ID.String())
	if a := b.post(views.WebhookCheckURL(c.ID, "field", "name"), own, "HX-Request", "true"); a.text(".problem") != "" {
		t.Errorf("a webhook's own name: %q", a.text(".problem"))
	}
	for _, field := range []string{"", "basic_auth.password", "nothing"} {
		if a := b.post(views.WebhookCheckURL(c.ID, "field", field), goodForm()); a.status != http.StatusNotFound {
			t.Errorf("%q: status %d", field, a.status)
		}
	}
}

func TestDuplicate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	model := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) {
		w.Headers = []engine.Header{{Name: "X-Key", Value: "marker-key", Sensitive: true}}
		w.BasicAuth = engine.BasicAuth{Username: "hooks", Password: "marker-password"}
		w.Retries, w.Enabled = 1, false
	})
	page := b.get(views.NewWebhookURL(c.ID, "copy", model.ID.String()))
	if strings.Contains(page.body, "marker-") || page.text("h1") != "Add Webhook" {
		t.Error("the form shows a secret, or is no form of a new webhook")
	}
	form := formValues(t, page, views.NewWebhookURL(c.ID))
	if a := b.post(views.NewWebhookURL(c.ID), form); a.status != http.StatusSeeOther {
		t.Fatalf("status %d, problems %v", a.status, summary(a))
	}
	hooks := b.store.Directory().Webhooks(c.ID)
	got, want := *hooks[1], model
	want.Name = "Copy of Scores"
	if got.Signing.Secret == model.Signing.Secret || got.Signing.Secret == "" {
		t.Error("the copy has no signing secret of its own")
	}
	ignored := cmpopts.IgnoreFields(engine.Webhook{}, "ID", "Signing", "Position", "Version", "CreatedAt", "CreatedBy", "UpdatedAt", "UpdatedBy", "DeactivatedAt")
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Error(diff)
	}
	other := b.addConsumer("Fabrikam")
	if got := formValues(t, b.get(views.NewWebhookURL(other.ID, "copy", model.ID.String())), views.NewWebhookURL(other.ID)); got.Get("name") != "" || got.Has("copy") {
		t.Errorf("another consumer's webhook was copied: %v", got)
	}
}
