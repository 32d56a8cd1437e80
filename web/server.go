// Package web is the HTTP side: the screens, the health checks, and beside them the REST API of package api and the
// Skilljar-shaped one of package skilljar.
//
// A request passes, from the outside in: client address, visit (request id), access log, panic recovery; then, for the screens only,
// security headers, cross-origin protection, session and body limit; then its handler. routes.go has all of them.
// A handler reads the request, makes one or few calls to db.Store or engine.Engine and renders a page of views;
// respond.go turns errors into pages.
//
// Place in the flow: main → web → db, engine, views, static.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones of people, on hosts and in images that have none

	"labhook/db"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/static"
	"labhook/views"
	"labhook/web/api"
	"labhook/web/keyrate"
	"labhook/web/skilljar"
)

// Config is what a Server needs.
type Config struct {
	Store     *db.Store
	Engine    *engine.Engine
	Guard     *egress.Guard
	Log       *slog.Logger
	Version   string
	PublicURL string // address that people use, without a slash at the end; empty: taken from the request
	Secure    bool   // people reach the server over TLS only: cookies are never sent without it
	// TrustedProxies are networks whose X-Forwarded-For is believed; with a PublicURL that is not this host's own loopback
	// address, this host is one of them.
	TrustedProxies []netip.Prefix
	// Settings are what the server was started with, to be shown.
	Settings []Setting
	// APIRateLimit is how many requests a second the key of an API consumer may make; 0: no limit.
	APIRateLimit int
	Backup       BackupPlan
}

// BackupPlan is how backups are made, to be shown.
type BackupPlan struct {
	Dir   string // empty: none are
	Every time.Duration
	Keep  int
}

// Server answers HTTP requests. It is safe for concurrent use.
type Server struct {
	store     *db.Store
	engine    *engine.Engine
	guard     *egress.Guard
	log       *slog.Logger
	version   string
	publicURL string
	secure    bool
	settings  []Setting
	backups   BackupPlan

	startedWith engine.SiteSettings // what was in force at the start

	sessions   *sessionStore
	failures   *loginFailures
	onceForms  *onceForms
	proxies    proxies
	crossCheck *http.CrossOriginProtection
	api        api.Handler
	skilljar   http.Handler
}

// New returns a server. It reads the cookie key from the store, or makes it.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Engine == nil || cfg.Guard == nil || cfg.Log == nil {
		panic("web: New needs a store, an engine, a guard and a log")
	}
	sessions, err := newSessionStore(ctx, cfg.Store, cfg.Secure)
	if err != nil {
		return nil, err
	}
	rate := keyrate.New(cfg.APIRateLimit)
	s := &Server{
		store: cfg.Store, engine: cfg.Engine, guard: cfg.Guard, log: cfg.Log,
		version: cfg.Version, publicURL: strings.TrimRight(cfg.PublicURL, "/"), secure: cfg.Secure,
		settings: cfg.Settings, backups: cfg.Backup,
		startedWith: *cfg.Store.Settings(), sessions: sessions, failures: newLoginFailures(), onceForms: newOnceForms(),
		proxies: slices.Clone(cfg.TrustedProxies), crossCheck: http.NewCrossOriginProtection(),
	}
	s.api = api.New(api.Config{
		Store: cfg.Store, Engine: cfg.Engine, Guard: cfg.Guard, Log: cfg.Log, Version: cfg.Version, Settings: s.apiSettings, Rate: rate,
	})
	if s.publicURL != "" {
		if !isLoopback(s.publicURL) {
			s.proxies = append(s.proxies, loopback...)
		}
		// A proxy may change the Host header, which the check would compare with otherwise.
		if err := s.crossCheck.AddTrustedOrigin(s.publicURL); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	s.crossCheck.SetDenyHandler(http.HandlerFunc(s.handleCrossOrigin))
	s.skilljar = skilljar.New(skilljar.Config{
		Store: cfg.Store, Engine: cfg.Engine, Guard: cfg.Guard, Log: cfg.Log, BaseURL: s.baseURL, CrossOrigin: s.crossCheck, Rate: rate,
	})
	cfg.Engine.AddMaintenance("sessions", time.Hour, func(ctx context.Context) error {
		return cfg.Store.PurgeSessions(ctx, time.Now())
	})
	cfg.Engine.AddMaintenance("kept answers", time.Hour, func(ctx context.Context) error {
		return cfg.Store.PurgeAnswers(ctx, time.Now())
	})
	cfg.Engine.AddMaintenance("retention", time.Hour, func(ctx context.Context) error {
		return cfg.Store.Retain(ctx, time.Now())
	})
	return s, nil
}

// Handler returns the handler of everything that the server answers.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.api.Mount(mux)
	mux.Handle(skilljar.Prefix, s.skilljar)
	mux.HandleFunc("GET /healthz", s.handleHealth)
	mux.HandleFunc("GET /readyz", s.handleReady)
	mux.Handle("GET "+static.Prefix, withSecurityHeaders(static.Handler()))
	screens := s.screens()
	mux.Handle("GET "+views.APIReferenceURL(), screens)
	mux.Handle("/", screens)
	return s.proxies.withClient(s.withVisit(s.withAccessLog(s.withRecovery(mux))))
}

// screens is the part that people see: pages behind sessions and the cross-origin check.
func (s *Server) screens() http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.routes() {
		mux.HandleFunc(route.pattern, s.handle(route))
	}
	return withSecurityHeaders(s.crossCheck.Handler(s.withSession(s.withForm(s.orNotFound(mux)))))
}

// handleHealth answers as long as the process does.
func (s *Server) handleHealth(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok")
}

// handleReady answers 200 while events can be taken and are sent.
func (s *Server) handleReady(w http.ResponseWriter, r *http.Request) {
	if err := s.notReady(r.Context()); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

func (s *Server) notReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	if !s.engine.Running() {
		return errors.New("the engine does not run")
	}
	return nil
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
