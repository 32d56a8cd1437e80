package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web"
)

// Who signs in, in every test.
const (
	login    = "dana"
	password = "correct horse battery"
)

// site is a whole server: database, engine and screens.
type site struct {
	store  *db.Store
	engine *engine.Engine
	url    string
	setup  string // the link of the first run
}

// newSite returns a server on which nothing was set up. Its webhooks may call this host. history stores what happened
// before the server was started.
func newSite(t *testing.T, history ...func(s *site)) *site {
	t.Helper()
	s := newStillSite(t)
	for _, happened := range history {
		happened(s)
	}
	s.start(t)
	return s
}

// newStillSite is newSite before its engine starts: nothing is sent until then.
func newStillSite(t *testing.T, changes ...func(*web.Config)) *site {
	t.Helper()
	s := &site{store: dbtest.Open(t)}
	guard := enginetest.Guard()
	s.engine = engine.New(engine.Config{Guard: guard, Log: slog.New(slog.DiscardHandler)}, s.store)
	cfg := web.Config{
		Store: s.store, Engine: s.engine, Guard: guard, Log: slog.New(slog.DiscardHandler), Version: "0.1.0",
		Settings: startedWith,
	}
	for _, change := range changes {
		change(&cfg)
	}
	server, err := web.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(server.Handler())
	t.Cleanup(ts.Close)
	s.url = ts.URL
	if s.setup, _, err = web.SetupURL(t.Context(), s.store, ts.URL); err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts the engine, which stops when the test ends.
func (s *site) start(t *testing.T) {
	t.Helper()
	if err := s.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.engine.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// addUser stores the person who signs in.
func (s *site) addUser(t *testing.T) {
	t.Helper()
	hash, err := web.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	u := engine.User{Login: login, Name: "Dana Ortiz", Role: engine.RoleAdmin, Enabled: true}
	if _, err := s.store.CreateFirstUser(t.Context(), u, hash); err != nil {
		t.Fatal(err)
	}
}

// newReceiver returns a receiver that answers every request with that status.
func newReceiver(t *testing.T, status int) string {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(ts.Close)
	return ts.URL
}
