package web

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
	"labhook/web/api"
)

// secretSite is a site with a secret of every kind, each of which has been used.
type secretSite struct {
	*bundle
	secrets map[string]string // what must not be seen, by what it is
	seen    map[string]bool   // where one was seen on purpose
	ids     *strings.Replacer // puts ids into the pattern of a route
	form    url.Values        // fields of all forms, secrets typed into every one that takes some
}

// queryMarker is a secret in the query of the webhooks' URLs: only those see it who may change webhooks.
const queryMarker = "marker-query-va1ue"

// newSecretSite makes it over the screens as far as they do, so that what forms answer is looked at, too.
func newSecretSite(t *testing.T) *secretSite {
	t.Helper()
	// The receiver says all that it got, as careless ones do in their errors.
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization")+" "+r.Header.Get("X-Api-Token"))
		w.WriteHeader(http.StatusInternalServerError)
		_ = r.Header.Write(w)
		_, _ = io.WriteString(w, r.URL.RawQuery)
	}))
	t.Cleanup(receiver.Close)
	s := &secretSite{bundle: setupGuarded(t, enginetest.Guard()), seen: map[string]bool{}}
	s.signIn(engine.RoleAdmin)
	c := s.addConsumer("Contoso")
	cert := clientCert(t)
	keyLine := strings.Split(cert.Key.Reveal(), "\n")[1]
	signing := "whsec_" + base64.StdEncoding.EncodeToString([]byte("marker of the signing secret 32b"))
	next := "whsec_" + base64.StdEncoding.EncodeToString([]byte("marker of the secret after it 32"))
	s.secrets = map[string]string{
		"header": "marker-header-bearer", "header by name": "marker-header-token", "password of basic authentication": "marker-basic-pa55",
		"basic authentication": base64.StdEncoding.EncodeToString([]byte("hooks:marker-basic-pa55")),
		"signing secret":       strings.TrimPrefix(signing, "whsec_"), "rotated signing secret": strings.TrimPrefix(next, "whsec_"),
		"client key": keyLine, "password of a person": testPassword, "password hash": testHash(), "session": s.cookie(),
	}
	s.form = with(goodForm(), "url", receiver.URL+"/hook?token="+queryMarker, "events", engine.LabFirstDisplayable, "retries", "0", "verb", "POST", "delay", "0", "blocking", "",
		"headers", "Authorization: Bearer marker-header-bearer\r\nX-Api-Token: marker-header-token", "signing.secret", signing)
	add := func(pairs ...string) {
		t.Helper()
		if a := s.post(views.NewWebhookURL(c.ID), with(s.form, pairs...)); a.status != http.StatusSeeOther {
			t.Fatalf("webhook: status %d, %v", a.status, summary(a))
		}
	}
	add("name", "Headers")
	add("name", "Password", "headers", "X-Tenant: contoso", "basic_auth.username", "hooks", "basic_auth.password", "marker-basic-pa55")
	add("name", "Certificate", "url", "https://127.0.0.1:1/", "client_cert.certificate", cert.Certificate, "client_cert.key", cert.Key.Reveal())
	hook := s.store.Directory().Webhooks(c.ID)[0]
	if _, err := s.store.RotateSecret(t.Context(), engine.System, hook.ID, engine.Secret(next), engine.DefaultRotationGrace); err != nil {
		t.Fatal(err)
	}
	accepted, err := s.engine.Accept(t.Context(), enginetestEvent())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range accepted.Deliveries {
		s.settled(d.ID)
	}
	s.addKeys(c.ID)
	s.invited()
	addresses := engine.EgressList{Public: true, Entries: []engine.EgressEntry{{Network: netip.MustParsePrefix("203.0.113.7/32")}}}
	if _, err := s.store.SetEgress(t.Context(), engine.System, addresses); err != nil {
		t.Fatal(err)
	}
	users, err := s.store.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.store.Keys(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	own := s.addEventType("own.marked")
	s.ids = strings.NewReplacer("{$}", "", "{con}", c.ID.String(), "{wh}", hook.ID.String(), "{key}", keys[0].ID.String(),
		"{evt}", accepted.Event.ID.String(), "{dlv}", accepted.Deliveries[0].ID.String(), "{subject}", accepted.Event.Subject,
		"{code}", own.Code, "{usr}", users[len(users)-1].ID.String(), "{n}", "1", "{group}", string(engine.SecuritySettings))
	for _, field := range []string{"password", "new-password", "current-password", "secret", "token"} {
		s.form.Set(field, testPassword)
	}
	s.form.Set("signing.secret", next)
	return s
}

// addKeys makes a key of a consumer and one of the platform.
func (s *secretSite) addKeys(c engine.ConsumerID) {
	s.t.Helper()
	for name, key := range map[string]engine.APIKey{
		"key of a consumer": {ConsumerID: c, Description: "LMS", Scope: engine.ScopeManage}, "platform key": {Description: "Platform", Scope: engine.ScopeManage},
	} {
		_, secret, err := s.store.CreateKey(s.t.Context(), engine.System, key)
		if err != nil {
			s.t.Fatal(err)
		}
		s.secrets[name] = secret.Reveal()
	}
}

// invited adds a user over the form, and keeps the token of the link that it shows.
func (s *secretSite) invited() {
	s.t.Helper()
	form := with(formValues(s.t, s.get(views.UserNewURL()), views.UserNewURL()), "name", "Lee", "login", "lee", "role", string(engine.RoleViewer))
	link := s.post(views.UserNewURL(), form).doc.Find("#link").AttrOr("value", "")
	_, token, ok := strings.Cut(link, "token=")
	if !ok {
		s.t.Fatalf("the link is %q", link)
	}
	s.secrets["token of an invitation"] = token
}

// check fails for every secret that a text holds, as it is or as a page or JSON writes it. shown are those that it may.
func (s *secretSite) check(where, text string, shown ...string) {
	s.t.Helper()
	for name, secret := range s.secrets {
		quoted, _ := json.Marshal(secret)
		seen := strings.Contains(text, secret) || strings.Contains(text, strings.Trim(string(quoted), `"`)) || strings.Contains(text, url.QueryEscape(secret))
		if seen && !slices.Contains(shown, name) {
			s.t.Errorf("%s shows the %s", where, name)
		}
		s.seen[where] = s.seen[where] || seen
	}
}

// shownOnPurpose are the screens and calls whose purpose is to show a secret. They are POST alone, no cache keeps the
// answer, and the audit log says who asked.
var shownOnPurpose = map[string][]string{
	"POST /webhooks/{wh}/secret/reveal":                   {"rotated signing secret"},
	"POST " + api.Prefix + "/webhooks/{wh}/reveal-secret": {"rotated signing secret"},
	"POST " + api.Prefix + "/webhooks/{wh}/rotate-secret": {"rotated signing secret"},
	"POST /webhooks/{wh}/secret/rotate":                   {"rotated signing secret"},
}

// TestU18Secrets looks for secrets in what every screen and every call of the API answers, in the log and in the audit
// log. The routes are those of the router: a new one is looked at, or fails because it names something unknown.
func TestU18Secrets(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	s := newSecretSite(t)
	var gets, posts []string
	for _, route := range s.web.routes() {
		if strings.HasPrefix(route.pattern, http.MethodGet) {
			gets = append(gets, route.pattern)
		} else {
			posts = append(posts, route.pattern)
		}
	}
	if len(gets) < 50 || len(posts) < 40 {
		t.Fatalf("the router has %d and %d routes", len(gets), len(posts))
	}
	s.visit(gets, nil)
	s.api(http.MethodGet)
	// What changes something is asked last, with secrets typed into every field that takes one, right and wrong.
	wrong := with(url.Values{}, "name", "", "url", "no url")
	for name, values := range s.form {
		if !wrong.Has(name) {
			wrong[name] = values
		}
	}
	s.api(http.MethodPut, http.MethodPost)
	ends := func(pattern string) bool {
		return strings.HasSuffix(pattern, "/delete") || strings.HasSuffix(pattern, "/revoke")
	}
	s.visit(slices.DeleteFunc(slices.Clone(posts), ends), wrong)
	s.login("admin", testPassword)
	s.visit(slices.DeleteFunc(posts, func(pattern string) bool { return !ends(pattern) }), wrong)
	s.login("admin", testPassword)
	s.secrets["session"] = s.cookie()
	s.visit(gets, nil)
	s.api(http.MethodDelete)
	for _, where := range []string{"POST /webhooks/{wh}/secret/reveal", "POST " + api.Prefix + "/webhooks/{wh}/reveal-secret"} {
		if !s.seen[where] {
			t.Errorf("%s shows no secret: nothing would be found", where)
		}
	}
	s.check("the log", s.logs.String())
	log, err := s.store.ListAudit(t.Context(), engine.MaxPageSize)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		s.check("the audit log, "+e.Action, e.Who.Name+e.Object+e.Detail)
	}
	if len(log) < 10 {
		t.Errorf("the audit log has %d entries", len(log))
	}
}

// unfilled is a parameter of a path that the site has nothing for.
var unfilled = regexp.MustCompile(`\{[^}]*\}`)

// visit asks for routes of the screens, signed in.
func (s *secretSite) visit(patterns []string, form url.Values) {
	s.t.Helper()
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(s.ids.Replace(pattern), " ")
		if unfilled.MatchString(path) {
			s.t.Errorf("%s: the test has nothing for %s", pattern, unfilled.FindString(path))
			continue
		}
		if path == "/logout" {
			continue
		}
		a := s.do(method, path, form)
		if a.status >= http.StatusInternalServerError {
			s.t.Errorf("%s: status %d", pattern, a.status)
		}
		header := a.header.Clone()
		header.Del("Set-Cookie") // which is the session
		var lines strings.Builder
		_ = header.Write(&lines)
		s.check(pattern, a.body+lines.String(), shownOnPurpose[pattern]...)
		if shownOnPurpose[pattern] != nil && a.status == http.StatusOK && a.header.Get("Cache-Control") != "no-store" {
			s.t.Errorf("%s shows a secret that a cache may keep: %q", pattern, a.header.Get("Cache-Control"))
		}
	}
}

// api calls every operation of the API's own description that has one of the methods.
func (s *secretSite) api(methods ...string) {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(s.get(api.Prefix+"/openapi.json").body), &document); err != nil {
		s.t.Fatal(err)
	}
	calls := 0
	for path, operations := range document.Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			if !slices.Contains(methods, method) {
				continue
			}
			calls++
			pattern := method + " " + path
			to := s.ids.Replace(path)
			if unfilled.MatchString(to) {
				s.t.Errorf("%s: the test has nothing for %s", pattern, unfilled.FindString(to))
				continue
			}
			s.check(pattern, s.call(method, to), shownOnPurpose[pattern]...)
		}
	}
	if calls == 0 {
		s.t.Errorf("no calls of %v", methods)
	}
}

// call sends a body with secrets, of which some operations take some and all refuse the rest.
func (s *secretSite) call(method, path string) string {
	s.t.Helper()
	body := `{"name": "", "headers": [{"name": "Authorization", "value": "Bearer marker-header-bearer"}], "basic_auth": {"username": "hooks", "password": "marker-basic-pa55"},
		"signing": {"scheme": "v1", "secret": "whsec_` + s.secrets["rotated signing secret"] + `"}, "secret": "whsec_` + s.secrets["rotated signing secret"] + `"}`
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.secrets["platform key"])
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	_ = res.Header.Write(&text)
	buffer := new(strings.Builder)
	if err := res.Write(buffer); err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusUnauthorized && method == http.MethodGet {
		s.t.Errorf("%s %s: status %d", method, path, res.StatusCode)
	}
	return text.String() + buffer.String()
}

// TestQueriesAreHidden looks for the values in the query of a webhook's URL on every screen of a viewer, and in what keys
// get that may not change webhooks.
func TestQueriesAreHidden(t *testing.T) {
	t.Parallel()
	s := newSecretSite(t)
	hook, delivery := s.ids.Replace("/webhooks/{wh}"), s.ids.Replace("/deliveries/{dlv}")
	for _, path := range []string{hook, delivery} {
		if !strings.Contains(s.get(path).body, queryMarker) {
			t.Errorf("%s hides the query from an administrator", path)
		}
	}
	s.secrets = map[string]string{"value of a query": queryMarker}
	s.addUser("violet", engine.RoleViewer)
	s.client = s.newClient()
	s.login("violet", testPassword)
	var gets []string
	for _, route := range s.web.routes() {
		if strings.HasPrefix(route.pattern, http.MethodGet) {
			gets = append(gets, route.pattern)
		}
	}
	s.visit(gets, nil)
	for _, path := range []string{hook, delivery, s.ids.Replace("/admin/integration/api-consumers/{con}")} {
		if a := s.get(path); !strings.Contains(a.body, "/hook?token=••••") {
			t.Errorf("%s: status %d, and no URL with its query masked", path, a.status)
		}
	}
	con, err := engine.ParseID[engine.ConsumerID](s.ids.Replace("{con}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []engine.Scope{engine.ScopeRead, engine.ScopeSend, engine.ScopeManage} {
		_, key, err := s.store.CreateKey(t.Context(), engine.System, engine.APIKey{ConsumerID: con, Description: string(scope), Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{api.Prefix + "/webhooks", api.Prefix + hook, api.Prefix + delivery} {
			body := s.get(path, "Authorization", "Bearer "+key.Reveal()).body
			if sees := strings.Contains(body, queryMarker); sees != (scope == engine.ScopeManage) || !sees && !strings.Contains(body, "token=••••") {
				t.Errorf("GET %s with the scope %s: the query is shown: %t", path, scope, sees)
			}
		}
	}
}
