package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

const testPassword = "correct horse battery"

// testHash is made once: hashing is slow on purpose.
var testHash = sync.OnceValue(func() string {
	hash, err := HashPassword(testPassword)
	if err != nil {
		panic(err)
	}
	return hash
})

// bundle is a server with a database and an engine of its own, and a browser that keeps cookies.
type bundle struct {
	t      testing.TB
	store  *db.Store
	engine *engine.Engine
	web    *Server
	http   *httptest.Server
	client *http.Client
	logs   *logBuffer
}

// logBuffer collects what the server logs.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupGuarded(t, enginetest.StrictGuard())
}

// setupGuarded is setup with a guard that lets more through.
func setupGuarded(t *testing.T, guard *egress.Guard) *bundle {
	t.Helper()
	return setupLogged(t, dbtest.Open(t), guard)
}

// setupWith is setup with a store that is opened so.
func setupWith(t *testing.T, o db.Options) *bundle {
	t.Helper()
	return setupLogged(t, dbtest.OpenWith(t, o), enginetest.StrictGuard())
}

func setupLogged(t *testing.T, store *db.Store, guard *egress.Guard) *bundle {
	t.Helper()
	logs := &logBuffer{}
	b := setupStore(t, store, guard, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	b.logs = logs
	return b
}

// setupStore serves what is in a store.
func setupStore(t testing.TB, store *db.Store, guard *egress.Guard, log *slog.Logger) *bundle {
	t.Helper()
	b := &bundle{t: t, store: store}
	b.engine = engine.New(engine.Config{Guard: guard, Log: log}, b.store)
	var err error
	if b.web, err = New(t.Context(), Config{Store: b.store, Engine: b.engine, Guard: guard, Log: log, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.engine.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	b.http = httptest.NewServer(b.web.Handler())
	t.Cleanup(b.http.Close)
	b.client = b.newClient()
	return b
}

// newClient returns a browser without cookies that does not follow redirects.
func (b *bundle) newClient() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what the server answered, read to the end.
type answer struct {
	status int
	header http.Header
	body   string
	doc    *goquery.Document
}

// text returns the text of the first element that the selector finds, in one line.
func (a answer) text(selector string) string {
	return strings.Join(strings.Fields(a.doc.Find(selector).First().Text()), " ")
}

func (b *bundle) do(method, path string, form url.Values, header ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	if _, err := io.Copy(&body, resp.Body); err != nil {
		b.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body.String()))
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body.String(), doc: doc}
}

func (b *bundle) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *bundle) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, form, header...)
}

// addUser stores a user whose password is testPassword. The first one is made as the first run makes it.
func (b *bundle) addUser(login string, role engine.Role) engine.User {
	b.t.Helper()
	u := engine.User{Login: login, Name: "Person " + login, Role: role, Enabled: true}
	has, err := b.store.HasUsers(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if has {
		u, err = b.store.CreateUser(b.t.Context(), engine.System, u, testHash())
	} else {
		u, err = b.store.CreateFirstUser(b.t.Context(), u, testHash())
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// signIn adds a user of that role and signs in as them.
func (b *bundle) signIn(role engine.Role) engine.User {
	b.t.Helper()
	u := b.addUser(string(role), role)
	if a := b.login(string(role), testPassword); a.status != http.StatusSeeOther {
		b.t.Fatalf("sign in as %s: status %d", role, a.status)
	}
	return u
}

func (b *bundle) login(login, password string) answer {
	b.t.Helper()
	return b.post("/login", url.Values{"login": {login}, "password": {password}})
}

// cookie returns the session cookie's value, "" when there is none.
func (b *bundle) cookie() string {
	u, _ := url.Parse(b.http.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == b.web.sessions.name {
			return c.Value
		}
	}
	return ""
}

// addConsumer stores an API consumer.
func (b *bundle) addConsumer(name string) engine.APIConsumer {
	b.t.Helper()
	c, err := b.store.CreateConsumer(b.t.Context(), engine.System, engine.APIConsumer{Name: name, Enabled: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// addWebhook stores a webhook of the consumer that listens to First Displayable, with the changes made to it.
func (b *bundle) addWebhook(consumer engine.ConsumerID, name string, changes ...func(*engine.Webhook)) engine.Webhook {
	b.t.Helper()
	w := engine.NewWebhook(consumer)
	w.Name, w.URL, w.Events = name, "https://hooks.example.com/lab", []string{engine.LabFirstDisplayable}
	for _, change := range changes {
		change(&w)
	}
	w, err := b.store.CreateWebhook(b.t.Context(), engine.System, w)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}
