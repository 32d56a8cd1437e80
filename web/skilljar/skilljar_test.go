package skilljar_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/keyrate"
	"labhook/web/skilljar"
)

const path = "/v1/webhooks"

// bundle is the API on a real store and a running engine, served on loopback.
type bundle struct {
	store  *db.Store
	engine *engine.Engine
	base   string

	contoso, fabrikam engine.APIConsumer
	keys              map[string]string // by name: platform, contoso, contoso-send, contoso-read, fabrikam, revoked
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{store: dbtest.Open(t), keys: map[string]string{}}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	b.engine = engine.New(engine.Config{Guard: enginetest.Guard(), Log: log}, b.store)
	if err := b.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.engine.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	b.serve(t, nil)
	b.contoso, b.fabrikam = b.consumer(t, "Contoso"), b.consumer(t, "Fabrikam")
	b.key(t, "platform", 0, engine.ScopeManage)
	b.key(t, "contoso", b.contoso.ID, engine.ScopeManage)
	b.key(t, "contoso-send", b.contoso.ID, engine.ScopeSend)
	b.key(t, "contoso-read", b.contoso.ID, engine.ScopeRead)
	b.key(t, "fabrikam", b.fabrikam.ID, engine.ScopeManage)
	revoked := b.key(t, "revoked", b.contoso.ID, engine.ScopeManage)
	if err := b.store.RevokeKey(t.Context(), engine.System, revoked); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve starts a server; rate may be nil.
func (b *bundle) serve(t testing.TB, rate *keyrate.Limits) {
	t.Helper()
	server := httptest.NewServer(skilljar.New(skilljar.Config{
		Store: b.store, Engine: b.engine, Guard: enginetest.Guard(), Rate: rate,
		Log:         slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		BaseURL:     func(*http.Request) string { return "https://labhook.example.com" },
		CrossOrigin: http.NewCrossOriginProtection(),
	}))
	t.Cleanup(server.Close)
	b.base = server.URL
}

func (b *bundle) consumer(t testing.TB, name string) engine.APIConsumer {
	t.Helper()
	c, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: name, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bundle) key(t testing.TB, name string, owner engine.ConsumerID, scope engine.Scope) engine.KeyID {
	t.Helper()
	made, text, err := b.store.CreateKey(t.Context(), engine.System, engine.APIKey{ConsumerID: owner, Description: name, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	b.keys[name] = text.Reveal()
	return made.ID
}

// reply is an answer, read to the end.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// fields is a JSON object.
type fields = map[string]any

// send makes a request with the key of that name, "" for none. A body that is a string is sent as it is.
func (b *bundle) send(t testing.TB, method, path, key string, body any, headers ...string) reply {
	t.Helper()
	text, raw := body.(string)
	if !raw && body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.base+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.SetBasicAuth(b.keys[key], "")
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{t, res.StatusCode, res.Header, string(answer)}
}

// want fails the test unless the answer has that status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" {
		r.t.Errorf("headers %v", r.header)
	}
	if r.body != "" && r.header.Get("Content-Type") != "application/json" {
		r.t.Errorf("Content-Type %q", r.header.Get("Content-Type"))
	}
	return r
}

func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		r.t.Fatalf("read answer %q: %v", r.body, err)
	}
}

// object reads an answer that is a JSON object.
func (r reply) object() fields {
	r.t.Helper()
	var out fields
	r.into(&out)
	return out
}

// detail reads what an answer says about the request as a whole.
func (r reply) detail(status int) string {
	r.t.Helper()
	out := r.want(status).object()
	text, ok := out["detail"].(string)
	if !ok || len(out) != 1 || !strings.HasSuffix(text, ".") {
		r.t.Fatalf("answer %s", r.body)
	}
	return text
}

// about reads what an answer says about the fields, and fails the test unless it is about that one alone.
func (r reply) about(field string) string {
	r.t.Helper()
	var out map[string][]string
	r.want(http.StatusBadRequest).into(&out)
	if len(out) != 1 || len(out[field]) == 0 || !strings.HasSuffix(out[field][0], ".") {
		r.t.Fatalf("answer %s, want it to be about %s", r.body, field)
	}
	return strings.Join(out[field], " ")
}

// create makes a webhook with the key contoso, and returns its id.
func (b *bundle) create(t testing.TB, in fields) string {
	t.Helper()
	return b.send(t, "POST", path, "contoso", in).want(http.StatusCreated).object()["id"].(string)
}

// stored returns the webhook of an id of this API.
func (b *bundle) stored(t testing.TB, id string) engine.Webhook {
	t.Helper()
	parsed, err := engine.ParseID[engine.WebhookID]("wh_" + id)
	if err != nil {
		t.Fatal(err)
	}
	w, err := b.store.Webhook(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ordinary stores a webhook as the screens and the REST API make them, and returns its id for this API.
func (b *bundle) ordinary(t testing.TB, owner engine.ConsumerID, changes ...func(*engine.Webhook)) string {
	t.Helper()
	w := enginetest.Webhook(changes...)
	w.ConsumerID = owner
	made, err := b.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(made.ID.String(), "wh_")
}

const target = "https://hooks.example.com/skilljar"

// TestCreatedWebhook compares what a webhook is that was made with nothing but its address.
func TestCreatedWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.send(t, "POST", path, "contoso", fields{"target_url": target}).want(http.StatusCreated)
	got := r.object()
	id, _ := got["id"].(string)
	want := `{"id":"` + id + `","target_url":"` + target + `","active":true,"deactivate_reason":null,"event_type":null,` +
		`"basic_auth_username":"","basic_auth_password":"","additional_headers":{}}` + "\n"
	if r.body != want || len(id) != 13 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		t.Errorf("answer %s, want %s", r.body, want)
	}
	if at := r.header.Get("Location"); at != "https://labhook.example.com/v1/webhooks/"+id {
		t.Errorf("Location %q", at)
	}
	for _, name := range []string{id, "wh_" + id, id + "/"} {
		if again := b.send(t, "GET", path+"/"+name, "contoso-read", nil).want(200); again.body != want {
			t.Errorf("read as %s", again.body)
		}
	}
	w := b.stored(t, id)
	policy := engine.SkilljarPolicy
	if w.ConsumerID != b.contoso.ID || w.Name != "Skilljar webhook" || w.Verb != "POST" || !w.SendLabDetails || w.RetryPolicy != policy.Name ||
		w.Retries != 60 || w.Timeout != policy.Timeout || len(w.Events) != 1 || w.Events[0] != "*" || w.Blocking || w.Signing.Secret == "" {
		t.Errorf("stored as %+v", w)
	}
	audit, err := b.store.ListAudit(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if e := audit[0]; e.Action != "webhook.create" || e.Object != "wh_"+id || e.Who.Name != "key "+b.keys["contoso"][:10]+" (contoso)" || e.Who.IP != "127.0.0.1" {
		t.Errorf("audit %+v", e)
	}
	b.create(t, fields{"target_url": target})
	if w := b.stored(t, b.create(t, fields{"target_url": target})); w.Name != "Skilljar webhook 3" {
		t.Errorf("the third is called %q", w.Name)
	}
}

// TestKeys tries every route with keys that are not enough.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, fields{"target_url": target})
	for _, route := range []struct{ method, path, scope string }{
		{"GET", path, "read"},
		{"POST", path, "manage"},
		{"GET", path + "/" + id, "read"},
		{"PUT", path + "/" + id, "manage"},
		{"PATCH", path + "/" + id, "manage"},
		{"DELETE", path + "/" + id, "manage"},
		{"POST", path + "/" + id + "/ping", "manage"},
		{"GET", path + "/sample-course-completion", "read"},
	} {
		for key, says := range map[string]string{"": "credentials were not provided", "revoked": "Invalid username/password"} {
			r := b.send(t, route.method, route.path, key, fields{})
			if got := r.detail(401); !strings.Contains(got, says) || r.header.Get("WWW-Authenticate") != `Basic realm="Labhook"` {
				t.Errorf("%s %s with %q: %q, %q", route.method, route.path, key, got, r.header.Get("WWW-Authenticate"))
			}
		}
		if got := b.send(t, route.method, route.path, "platform", fields{}).detail(403); !strings.Contains(got, "platform key") {
			t.Errorf("%s %s with a platform key: %q", route.method, route.path, got)
		}
		for _, key := range []string{"contoso-read", "contoso-send"} {
			r := b.send(t, route.method, route.path, key, fields{"target_url": target})
			if route.scope == "read" {
				r.want(200)
			} else if got := r.detail(403); !strings.Contains(got, "scope manage") {
				t.Errorf("%s %s with %s: %q", route.method, route.path, key, got)
			}
		}
	}
	if len(b.store.Directory().Webhooks(b.contoso.ID)) != 1 {
		t.Error("something was changed")
	}

	bearer := []string{"Authorization", "Bearer " + b.keys["contoso"]}
	b.send(t, "GET", path, "", nil, bearer...).want(200)
	for _, header := range []string{"Basic", "Basic !", "Basic bm8tY29sb24=", "Bearer", "Digest x"} {
		b.send(t, "GET", path, "", nil, "Authorization", header).detail(401)
	}

	past := time.Now().Add(-time.Minute)
	for says, change := range map[string]func(*engine.APIConsumer){
		"disabled": func(c *engine.APIConsumer) { c.Enabled, c.Expires = false, time.Time{} },
		"expired":  func(c *engine.APIConsumer) { c.Enabled, c.Expires = true, past },
	} {
		c := *b.store.Directory().Consumer(b.contoso.ID)
		change(&c)
		if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
			t.Fatal(err)
		}
		if got := b.send(t, "GET", path, "contoso", nil).detail(403); !strings.Contains(got, says) {
			t.Errorf("a consumer that is %s: %q", says, got)
		}
	}
}

// TestOwnership asks for webhooks of another consumer, and for ones that this shape cannot tell.
func TestOwnership(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hidden := map[string]string{
		"another consumer's": b.send(t, "POST", path, "fabrikam", fields{"target_url": target}).want(201).object()["id"].(string),
		"for a lab event":    b.ordinary(t, b.contoso.ID),
		"for two events": b.ordinary(t, b.contoso.ID, func(w *engine.Webhook) {
			w.Name, w.Events = "Two", []string{engine.SkilljarCourseCompletion, engine.SkilljarCourseEnrollment}
		}),
		"with a header twice": b.ordinary(t, b.contoso.ID, func(w *engine.Webhook) {
			w.Name, w.Events = "Twice", []string{"*"}
			w.Headers = []engine.Header{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}}
		}),
		"no id":   "abcd1234",
		"not one": "0000000000001",
	}
	gone := b.create(t, fields{"target_url": target})
	if r := b.send(t, "DELETE", path+"/"+gone, "contoso", nil).want(204); r.body != "" {
		t.Errorf("deletion answers %q", r.body)
	}
	hidden["deleted"] = gone
	for what, id := range hidden {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			b.send(t, method, path+"/"+id, "contoso", fields{"target_url": target}).detail(404)
		}
		b.send(t, "POST", path+"/"+id+"/ping", "contoso", nil).detail(404)
		if list := b.send(t, "GET", path, "contoso", nil).want(200).object(); list["count"] != 0.0 {
			t.Errorf("%s: the list has %v", what, list)
		}
	}
	if n := len(b.store.Directory().Webhooks(b.contoso.ID)) + len(b.store.Directory().Webhooks(b.fabrikam.ID)); n != 4 {
		t.Errorf("%d webhooks are left", n)
	}
}

// TestPathsAndMethods tries what the API does not have.
func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, fields{"target_url": target})
	for _, at := range []string{"/v1/", "/v1/domains", path + "/" + id + "/pong", path + "/" + id + "/ping/x"} {
		b.send(t, "GET", at, "contoso", nil).detail(404)
	}
	for at, allow := range map[string]string{
		path:                               "GET, HEAD, POST",
		path + "/" + id:                    "DELETE, GET, HEAD, PATCH, PUT",
		path + "/" + id + "/ping":          "POST",
		path + "/sample-course-enrollment": "GET, HEAD",
	} {
		r := b.send(t, "PROPFIND", at, "contoso", nil)
		if got := r.detail(405); !strings.Contains(got, `Method "PROPFIND" not allowed`) || r.header.Get("Allow") != allow {
			t.Errorf("%s: %q, Allow %q", at, got, r.header.Get("Allow"))
		}
	}
	if r := b.send(t, "HEAD", path, "contoso-read", nil); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %d %q", r.status, r.body)
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		form := append(header, "Content-Type", "application/x-www-form-urlencoded")
		if got := b.send(t, "POST", path, "contoso", "target_url="+target, form...).detail(403); !strings.Contains(got, "another site") {
			t.Errorf("%v: %q", header, got)
		}
	}
	if len(b.store.Directory().Webhooks(b.contoso.ID)) != 1 {
		t.Error("a webhook was planted")
	}
}
