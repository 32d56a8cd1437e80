package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
)

const consumersPath = "/admin/integration/api-consumers"

func TestConsumerForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	form := url.Values{
		"name": {"Contoso LMS"}, "external_id": {"contoso"}, "description": {"Two\r\nlines"}, "default_organization": {"Contoso"},
		"consuming_platform": {"Moodle"}, "consuming_platform_version": {"4.5"}, "technical_contact": {"ops@contoso.example"},
		"enabled": {"true"}, "expires": {"2031-05-06T07:08"}, "one_send_per_url": {"true"},
	}
	a := b.post(consumersPath+"/new", form)
	if a.status != http.StatusSeeOther {
		t.Fatalf("create: status %d, %s", a.status, a.text("#error-summary"))
	}
	path := a.header.Get("Location")
	page := b.get(path)
	for _, want := range []string{"Contoso LMS", "contoso", "Moodle", "4.5", "ops@contoso.example", "2031-05-06 07:08:00 UTC", "Person admin"} {
		if !strings.Contains(page.text("main"), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := page.text(".flash"); got != "API consumer Contoso LMS was created." {
		t.Errorf("flash %q", got)
	}

	if got := b.store.Directory().Consumers()[0].OneSendPerURL; !got || !strings.Contains(page.text("#basic ~ dl"), "One send per URLYes") {
		t.Errorf("one send per URL: %v, %q", got, page.text("#basic ~ dl"))
	}

	edit := b.get(path + "/edit")
	if edit.doc.Find("#one_send_per_url[checked]").Length() != 1 {
		t.Error("the form does not show one send per URL")
	}
	for field, want := range map[string]string{"name": "Contoso LMS", "external_id": "contoso", "expires": "2031-05-06T07:08"} {
		if got, _ := edit.doc.Find("#" + field).Attr("value"); got != want {
			t.Errorf("%s is %q in the form, want %q", field, got, want)
		}
	}
	if got := edit.doc.Find("#description").Text(); strings.TrimPrefix(got, "\n") != "Two\nlines" {
		t.Errorf("the description is %q in the form", got)
	}
	form = formValues(t, edit, path+"/edit")
	form.Set("name", "Contoso Academy")
	form.Del("enabled")
	if a := b.post(path+"/edit", form); a.status != http.StatusSeeOther || b.get(path).text("h1") != "Contoso Academy" {
		t.Errorf("save: status %d", a.status)
	}
	if !strings.Contains(b.get(path).text("main"), "This API consumer is disabled") {
		t.Error("the page does not say that the consumer is disabled")
	}
	if a := b.post(path+"/enable", nil); a.status != http.StatusSeeOther || strings.Contains(b.get(path).text("main"), "is disabled") {
		t.Errorf("enable: status %d", a.status)
	}
	if a := b.post(path+"/disable", nil); a.status != http.StatusSeeOther || !strings.Contains(b.get(path).text("main"), "is disabled") {
		t.Errorf("disable: status %d", a.status)
	}
}

func TestConsumerFormKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	taken, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "First", ExternalID: "taken", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]url.Values{
		"no name":       {"external_id": {"x"}, "technical_contact": {`"><b>ops</b>`}},
		"bad id":        {"name": {"Contoso"}, "external_id": {"has spaces"}},
		"taken id":      {"name": {"Contoso"}, "external_id": {taken.ExternalID}},
		"bad time":      {"name": {"Contoso"}, "expires": {"tomorrow"}},
		"long and many": {"name": {strings.Repeat("x", 101)}, "external_id": {"é"}, "expires": {"2031"}, "consuming_platform": {strings.Repeat("y", 201)}},
	} {
		a := b.post(consumersPath+"/new", form)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, want 422", name, a.status)
		}
		for field := range form {
			if got, _ := a.doc.Find("#" + field).Attr("value"); got != form.Get(field) {
				t.Errorf("%s: %s became %q, want %q", name, field, got, form.Get(field))
			}
		}
		if !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("%s: the title is %q", name, a.text("title"))
		}
		links, messages := a.doc.Find("#error-summary a"), a.doc.Find(".field .problem")
		if links.Length() == 0 || messages.Length() == 0 {
			t.Errorf("%s: %d links in the summary and %d fields with messages", name, links.Length(), messages.Length())
		}
		links.Each(func(_ int, s *goquery.Selection) {
			href, _ := s.Attr("href")
			if field := a.doc.Find(href); field.AttrOr("aria-invalid", "") != "true" {
				t.Errorf("%s: the summary's %s leads to no field in error", name, href)
			}
		})
	}
	if n := len(b.store.Directory().Consumers()); n != 1 {
		t.Errorf("there are %d consumers, want the first alone", n)
	}
}

// A time that the form shows without its seconds must not lose them when something else is saved.
func TestReadTimeKeepsWhatWasNotTouched(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	stored := time.Date(2031, 5, 6, 7, 8, 9, 123e6, time.UTC)
	for typed, want := range map[string]time.Time{
		formTime(stored, zone): stored,
		"2031-05-06T09:09":     time.Date(2031, 5, 6, 7, 9, 0, 0, time.UTC),
		"":                     {},
	} {
		got := stored
		if _, problems := readTime(url.Values{"expires": {typed}}, "expires", &got, zone); len(problems) > 0 || !got.Equal(want) {
			t.Errorf("%q gives %s, %v, want %s", typed, got, problems, want)
		}
	}
}

func TestFindConsumers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	if a := b.get(consumersPath); a.text("h2") != "No API consumers yet" {
		t.Errorf("an empty list says %q", a.text("h2"))
	}
	for n := range 60 {
		c := b.addConsumer(fmt.Sprintf("Customer %02d", n))
		if n == 7 {
			c.Enabled = false
			if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	names := func(query string) (found, first string, rows int) {
		a := b.get(consumersPath + query)
		return a.text("#results p[role=status]"), a.text("#consumers tbody th"), a.doc.Find("#consumers tbody tr").Length()
	}
	for query, want := range map[string][3]string{
		"":                             {"60 API Consumers Found", "Customer 00", "50"},
		"?page=2":                      {"60 API Consumers Found", "Customer 50", "10"},
		"?page=99":                     {"60 API Consumers Found", "Customer 50", "10"},
		"?page=x&sort=nothing&state=y": {"60 API Consumers Found", "Customer 00", "50"},
		"?sort=-name":                  {"60 API Consumers Found", "Customer 59", "50"},
		"?q=customer+07":               {"1 API Consumer Found", "Customer 07", "1"},
		"?state=disabled":              {"1 API Consumer Found", "Customer 07", "1"},
		"?q=nothing+like+it":           {"", "", "0"},
	} {
		found, first, rows := names(query)
		if got := [3]string{found, first, fmt.Sprint(rows)}; got != want {
			t.Errorf("%q shows %q, want %q", query, got, want)
		}
	}
	if a := b.get(consumersPath + "?q=nothing+like+it"); !strings.Contains(a.text("#results"), "“nothing like it”") {
		t.Errorf("the empty result says %q", a.text("#results"))
	}
	odd := b.get(consumersPath + "?state=y&sort=nothing")
	if got := odd.text("main"); !strings.Contains(got, "Consumers of all states are shown") || !strings.Contains(got, "It is sorted by name") {
		t.Errorf("what the address asks for in vain is not said: %s", got)
	}
	if got := b.get(consumersPath + "?q=customer&state=disabled").text("title"); !strings.HasPrefix(got, "Find API Consumers, Disabled, “customer”") {
		t.Errorf("the title is %q", got)
	}
	a := b.get(consumersPath+"?q=&state=disabled", "HX-Request", "true")
	if got := a.header.Get("HX-Push-Url"); got != consumersPath+"?state=disabled" {
		t.Errorf("the address becomes %q", got)
	}
}

func TestKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	consumer := b.addConsumer("Contoso LMS")
	own := consumersPath + "/" + consumer.ID.String()
	for _, tt := range []struct{ list, form string }{
		{own, own + "/keys/new"},
		{"/admin/integration/platform-keys", "/admin/integration/platform-keys/new"},
	} {
		if a := b.post(tt.form, url.Values{"description": {""}, "scope": {"all"}}); a.status != http.StatusUnprocessableEntity || a.doc.Find("#error-summary a").Length() != 2 {
			t.Errorf("%s without description: status %d, %s", tt.form, a.status, a.text("#error-summary"))
		}
		past := url.Values{"description": {"Lab platform"}, "scope": {"send"}, "expires": {"2020-01-01T00:00"}}
		if a := b.post(tt.form, past); a.status != http.StatusUnprocessableEntity || a.doc.Find("#error-summary a[href='#expires']").Length() != 1 {
			t.Errorf("%s with an expiry in the past: status %d, %s", tt.form, a.status, a.text("#error-summary"))
		}
		token, _ := b.get(tt.form).doc.Find("input[name=token]").Attr("value")
		form := url.Values{"description": {"Lab platform"}, "scope": {"send"}, "token": {token}}
		a := b.post(tt.form, form)
		key := regexp.MustCompile(`lhk_[a-z0-9]{26}`).FindString(a.body)
		if a.status != http.StatusOK || key == "" {
			t.Fatalf("%s: status %d, no key", tt.form, a.status)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("the page with the key may be kept: %q", got)
		}
		if got, _ := a.doc.Find("#key").Attr("value"); got != key || !strings.Contains(a.text("#curl"), key) {
			t.Error("the key is not in its field and in the command")
		}
		if _, _, err := b.store.Authenticate(t.Context(), key, ""); err != nil {
			t.Errorf("the key does not open anything: %v", err)
		}
		list := b.get(tt.list)
		if !strings.Contains(list.body, key[:10]) || strings.Contains(list.body, key) {
			t.Errorf("%s shows the whole key, or not its first characters", tt.list)
		}
		if strings.Contains(b.logs.String(), key) {
			t.Error("the log has the key")
		}
		// The page is loaded again, which posts its form again.
		again := b.post(tt.form, form)
		if to, _, _ := strings.Cut(again.header.Get("Location"), "#"); again.status != http.StatusSeeOther || to != tt.list {
			t.Errorf("the form once more: status %d to %q", again.status, again.header.Get("Location"))
		}
		list = b.get(tt.list)
		if n := list.doc.Find("#key-table tbody tr").Length(); n != 1 || !strings.Contains(list.text(".flash"), "cannot be shown again") {
			t.Errorf("after the form once more there are %d keys, want 1; the page says %q", n, list.text(".flash"))
		}
		form.Del("token")
		if a := b.post(tt.form, form); a.status != http.StatusSeeOther {
			t.Errorf("the form without its token: status %d", a.status)
		}

		revoke, ok := list.doc.Find("#key-table a[href$='/revoke']").Attr("href")
		if !ok {
			t.Fatalf("%s has no link to revoke", tt.list)
		}
		if page := b.get(revoke); page.status != http.StatusOK || page.text("main button") != "Revoke key" {
			t.Errorf("%s: status %d, button %q", revoke, page.status, page.text("main button"))
		}
		if a := b.post(revoke, nil); a.status != http.StatusSeeOther {
			t.Errorf("revoke: status %d", a.status)
		}
		if _, _, err := b.store.Authenticate(t.Context(), key, ""); err == nil {
			t.Error("the revoked key still opens something")
		}
		if a := b.get(revoke); a.status != http.StatusNotFound {
			t.Errorf("revoke again: status %d, want 404", a.status)
		}
	}
}

func TestOnceForms(t *testing.T) {
	t.Parallel()
	f := newOnceForms()
	kept := f.token()
	for _, tt := range []struct {
		token string
		want  bool
	}{{"", false}, {"short", false}, {kept, true}, {kept, false}, {f.token(), true}} {
		if got := f.first(tt.token); got != tt.want {
			t.Errorf("first(%q) = %t, want %t", tt.token, got, tt.want)
		}
	}
	for range 2 * maxOnce {
		f.first(f.token())
	}
	if len(f.seen) != maxOnce || len(f.order) != maxOnce {
		t.Errorf("%d forms are remembered, in a ring of %d", len(f.seen), len(f.order))
	}
}

func TestKeyBelongsToItsOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	one, other := b.addConsumer("One"), b.addConsumer("Other")
	k, _, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{ConsumerID: one.ID, Description: "CI", Scope: engine.ScopeSend})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{consumersPath + "/" + other.ID.String() + "/keys/" + k.ID.String() + "/revoke", "/admin/integration/platform-keys/" + k.ID.String() + "/revoke"} {
		if a := b.post(path, nil); a.status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, a.status)
		}
	}
}
