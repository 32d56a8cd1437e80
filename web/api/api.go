package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/web/keyrate"
)

// Prefix starts the path of every route.
const Prefix = "/api/v1"

// Config is what the API works with. All of it is required but Version, Settings and Rate.
type Config struct {
	Store   *db.Store
	Engine  *engine.Engine
	Guard   *egress.Guard
	Log     *slog.Logger
	Version string // of Labhook
	// Settings returns what the server works with, to be shown.
	Settings func(context.Context) ([]Setting, error)
	// Rate bounds the requests of each key; nil: nothing does.
	Rate *keyrate.Limits
}

// server answers the API's requests.
type server struct {
	Config
	mux      *http.ServeMux
	patterns map[string]http.Handler // all that is in mux
	huma     huma.API
	document []byte // the OpenAPI document in JSON
	underWay underWay
}

// Handler answers everything under Prefix. It is safe for concurrent use.
type Handler struct{ *server }

// Document returns the OpenAPI document in JSON, which the caller must not change.
func (h Handler) Document() []byte { return h.document }

// New returns the handler of everything under Prefix. It panics when a required part is missing.
func New(cfg Config) Handler {
	if cfg.Store == nil || cfg.Engine == nil || cfg.Guard == nil || cfg.Log == nil {
		panic("api: New needs a store, an engine, a guard and a log")
	}
	s := &server{Config: cfg, mux: http.NewServeMux(), patterns: map[string]http.Handler{}}
	s.huma = newHuma(s)
	s.routes()
	describeHeaders(s.huma.OpenAPI())
	document, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("api: write the OpenAPI document: %v", err))
	}
	s.document = document
	s.serveDocuments(newDocuments(document))
	return Handler{s}
}

// Mount puts every route into a mux, and what answers where no route fits, so that a request is looked up once.
func (h Handler) Mount(mux *http.ServeMux) {
	for pattern, next := range h.patterns {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { h.answer(w, r, next) })
	}
	mux.Handle("/api/", h)
}

// add makes a route.
func (s *server) add(pattern string, h http.Handler) {
	s.patterns[pattern] = h
	s.mux.Handle(pattern, h)
}

// ServeHTTP answers one request. Paths without a route get a problem, too.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, http.HandlerFunc(s.find))
}

// find answers a request by the route that fits.
func (s *server) find(w http.ResponseWriter, r *http.Request) {
	if h, pattern := s.mux.Handler(r); pattern == "" {
		writeProblem(w, noRoute(h, r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Headers of all answers. They are shared by all requests.
var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
)

// answer lets a request through to next as a call.
func (s *server) answer(w http.ResponseWriter, r *http.Request, next http.Handler) {
	h := w.Header()
	h["X-Content-Type-Options"], h["Cache-Control"] = noSniff, noStore
	c := &call{Context: r.Context(), out: watched{ResponseWriter: w}, requestID: requestID(h), ip: remoteIP(r), url: r.URL}
	r = r.WithContext(c)
	defer s.recoverPanic(&c.out, r)
	next.ServeHTTP(&c.out, r)
}

// recoverPanic turns a panic into a 500, unless the answer has begun.
func (s *server) recoverPanic(w *watched, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	s.Log.Error("api panicked", "request_id", callOf(r.Context()).requestID, "method", r.Method, "path", r.URL.Path,
		"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if !w.began {
		writeProblem(w, internalProblem(callOf(r.Context()).requestID))
	}
}

// noRoute says why the mux has no route; refusal is what the mux would answer itself, as plain text.
func noRoute(refusal http.Handler, r *http.Request) *Problem {
	probe := &probe{header: http.Header{}}
	refusal.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allowed := probe.header.Get("Allow")
		p := newProblem(probe.status, "This path answers to "+allowed+" only")
		p.header.Set("Allow", allowed)
		return p
	}
	return newProblem(http.StatusNotFound, "There is nothing at "+r.URL.Path+"; GET "+documentPath+" lists all paths")
}

// requestID returns the id that is already in the answer's headers, or puts a new one there.
func requestID(h http.Header) string {
	const name = "X-Request-Id"
	if h.Get(name) == "" {
		h.Set(name, strings.ToLower(rand.Text()[:16]))
	}
	return h.Get(name)
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// watched is a response writer that knows whether the answer has begun.
type watched struct {
	http.ResponseWriter
	began bool
}

// WriteHeader begins the answer.
func (w *watched) WriteHeader(status int) {
	w.began = true
	w.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if need be.
func (w *watched) Write(p []byte) (int, error) {
	w.began = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// probe is a response writer that keeps the status and headers of an answer that nobody gets.
type probe struct {
	header http.Header
	status int
}

// Header returns the headers.
func (p *probe) Header() http.Header { return p.header }

// WriteHeader keeps the status.
func (p *probe) WriteHeader(status int) { p.status = status }

// Write drops the body.
func (p *probe) Write(body []byte) (int, error) { return len(body), nil }
