package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// bundle is the API on a real store and a running engine, with keys of every kind.
type bundle struct {
	handler http.Handler
	config  api.Config // of handler
	store   *db.Store
	engine  *engine.Engine
	log     *logBuffer
	dir     string
	// verdicts counts how often the engine asked the database what became of an event.
	verdicts atomic.Int64

	contoso, fabrikam engine.APIConsumer
	// Keys by name: platform, platform-send, platform-read, contoso, contoso-send, contoso-read, fabrikam, revoked, expired.
	keys   map[string]string
	keyIDs map[string]engine.KeyID
}

// setup makes a bundle; changes are made to the configuration of its engine.
func setup(t testing.TB, changes ...func(*engine.Config)) *bundle {
	t.Helper()
	b := &bundle{dir: t.TempDir(), log: &logBuffer{}, keys: map[string]string{}, keyIDs: map[string]engine.KeyID{}}
	store, err := db.Open(t.Context(), db.Options{Dir: b.dir, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	b.store = store
	b.start(t, changes...)
	t.Cleanup(func() {
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})

	b.contoso = b.consumer(t, "Contoso University", "contoso")
	b.fabrikam = b.consumer(t, "Fabrikam Training", "fabrikam")
	b.key(t, "platform", 0, engine.ScopeManage)
	b.key(t, "platform-send", 0, engine.ScopeSend)
	b.key(t, "platform-read", 0, engine.ScopeRead)
	b.key(t, "contoso", b.contoso.ID, engine.ScopeManage)
	b.key(t, "contoso-send", b.contoso.ID, engine.ScopeSend)
	b.key(t, "contoso-read", b.contoso.ID, engine.ScopeRead)
	b.key(t, "fabrikam", b.fabrikam.ID, engine.ScopeManage)
	b.key(t, "revoked", 0, engine.ScopeManage)
	if err := store.RevokeKey(t.Context(), engine.System, b.keyIDs["revoked"]); err != nil {
		t.Fatal(err)
	}
	b.key(t, "expired", 0, engine.ScopeManage, func(k *engine.APIKey) { k.Expires = time.Now().Add(-time.Minute) })
	return b
}

// start begins a new engine on the store, with an API before it.
func (b *bundle) start(t testing.TB, changes ...func(*engine.Config)) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelError}))
	cfg := engine.Config{Guard: enginetest.Guard(), Log: log}
	for _, change := range changes {
		change(&cfg)
	}
	b.engine = engine.New(cfg, countingStore{b.store, &b.verdicts})
	if err := b.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.config = api.Config{Store: b.store, Engine: b.engine, Guard: enginetest.Guard(), Log: log, Version: "1.2.3", Settings: func(context.Context) ([]api.Setting, error) { return testSettings, nil }}
	b.serve(t)
}

// serve makes the handler anew from its configuration.
func (b *bundle) serve(t testing.TB) {
	t.Helper()
	b.handler = judged(t, api.New(b.config))
}

// countingStore counts the questions that waiting senders cost.
type countingStore struct {
	*db.Store
	verdicts *atomic.Int64
}

func (s countingStore) Verdict(ctx context.Context, id engine.EventID, consumer engine.ConsumerID) (engine.Verdict, error) {
	s.verdicts.Add(1)
	return s.Store.Verdict(ctx, id, consumer)
}

// logBuffer keeps what is logged. It is safe for concurrent use.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (b *bundle) consumer(t testing.TB, name, external string) engine.APIConsumer {
	t.Helper()
	c, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: name, ExternalID: external, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bundle) key(t testing.TB, name string, owner engine.ConsumerID, scope engine.Scope, changes ...func(*engine.APIKey)) {
	t.Helper()
	k := engine.APIKey{ConsumerID: owner, Description: name, Scope: scope, Enabled: true}
	for _, change := range changes {
		change(&k)
	}
	made, text, err := b.store.CreateKey(t.Context(), engine.System, k)
	if err != nil {
		t.Fatal(err)
	}
	b.keys[name], b.keyIDs[name] = text.Reveal(), made.ID
}

// webhook stores a webhook of a consumer, that listens to Scored and is sent to url.
func (b *bundle) webhook(t testing.TB, owner engine.ConsumerID, url string, changes ...func(*engine.Webhook)) engine.Webhook {
	t.Helper()
	w := engine.NewWebhook(owner)
	w.Name, w.Events, w.URL = fmt.Sprintf("Hook %d", len(b.store.Directory().Webhooks(owner))+1), []string{engine.LabScored}, url
	for _, change := range changes {
		change(&w)
	}
	made, err := b.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// pause pauses a webhook for an hour, as it would be after many failures.
func (b *bundle) pause(t testing.TB, id string) {
	t.Helper()
	var webhook engine.WebhookID
	if err := webhook.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	b.exec(t, `INSERT INTO streaks (webhook, since, attempts, deliveries, delivery, given_up, told, spell, paused_until)
		VALUES (?, ?, 20, 5, 1, 0, 1, 1, ?)`, int64(webhook), now.Add(-time.Minute).UnixMilli(), now.Add(time.Hour).UnixMilli())
}

// exec changes the database behind the store's back, and returns how many rows.
func (b *bundle) exec(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	conn, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "labhook.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	result, err := conn.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// unsent makes a webhook's deliveries wait for an hour, so that nothing happens behind a test's back.
func unsent(w *engine.Webhook) { w.Delay = time.Hour }

// reply is an answer of the API.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// send makes a request; key is the name of a key, "" for none.
func (b *bundle) send(t testing.TB, method, path, key, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:40000"
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+b.keys[key])
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return reply{t, w.Code, w.Header(), w.Body.Bytes()}
}

// into reads the body.
func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("read answer %d %q: %v", r.status, r.body, err)
	}
}

// want fails the test unless the answer has that status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status = %d, want %d; body %s", r.status, status, r.body)
	}
	return r
}

// problem reads the body as a problem of that status.
func (r reply) problem(status int) api.Problem {
	r.t.Helper()
	r.want(status)
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Fatalf("Content-Type = %q", got)
	}
	var p api.Problem
	r.into(&p)
	if p.Status != status || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Type, "urn:labhook:problem:") || strings.HasSuffix(p.Type, ":") {
		r.t.Fatalf("incomplete problem %s", r.body)
	}
	return p
}

// scenario is a request and what must come of it.
type scenario struct {
	name    string
	method  string
	path    string
	key     string // name of a key, "" for none
	headers []string
	body    string

	status int
	// field and message are what the first field problem must be about and contain; without a field the message
	// must be in the detail.
	field, message string
	contains       []string
	lacks          []string
}

func (sc scenario) run(t *testing.T, b *bundle) {
	t.Helper()
	r := b.send(t, sc.method, sc.path, sc.key, sc.body, sc.headers...).want(sc.status)
	if sc.status >= 400 {
		p := r.problem(sc.status)
		field, message := "", p.Detail
		if len(p.Errors) > 0 {
			field, message = p.Errors[0].Field, p.Errors[0].Message
		}
		if field != sc.field || !strings.Contains(message, sc.message) {
			t.Errorf("problem is about field %q: %q, want %q: …%q…", field, message, sc.field, sc.message)
		}
	}
	for _, text := range sc.contains {
		if !strings.Contains(string(r.body), text) {
			t.Errorf("body lacks %q: %s", text, r.body)
		}
	}
	for _, text := range sc.lacks {
		if strings.Contains(string(r.body), text) {
			t.Errorf("body has %q: %s", text, r.body)
		}
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" || r.header.Get("X-Request-Id") == "" {
		t.Errorf("headers %v", r.header)
	}
}

// dump returns every row of every table, but when keys were used.
func (b *bundle) dump(t testing.TB) string {
	t.Helper()
	conn, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "labhook.db")+"?mode=ro&_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out strings.Builder
	for _, table := range column(t, conn, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
		columns := column(t, conn, "SELECT name FROM pragma_table_info('"+table+"') WHERE name NOT LIKE 'last_used%'")
		fmt.Fprintln(&out, table)
		for _, row := range column(t, conn, "SELECT json_array(quote("+strings.Join(columns, "), quote(")+")) FROM "+table) {
			fmt.Fprintln(&out, " ", row)
		}
	}
	return out.String()
}

func column(t testing.TB, conn *sql.DB, query string) []string {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// eventJSON is a Scored event, with further fields put before the data.
func eventJSON(fields string) string {
	return `{"type": "lab.scored", ` + fields + ` "data": ` + string(enginetest.LabData(7)) + `}`
}
