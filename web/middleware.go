package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"labhook/engine"
	"labhook/static"
	"labhook/views"
	"labhook/web/skilljar"
)

// maxForm is how many bytes a posted form may have: a webhook's content, with every character percent-encoded, fits.
const maxForm = 2 << 20

// securityHeaders are on every answer of the screens. Nothing in a page runs or loads but our own files.
var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Permissions-Policy":         "",
}

// visit is what the server knows about one request. It is the request's context.
type visit struct {
	context.Context
	began     time.Time
	requestID string
	ip        string
	session   *sessions.Session // of the screens only
	user      *engine.User      // nil: nobody is signed in
	siteZone  string            // of who has no other
	// unsaved: the session changed and is to be saved before the answer begins.
	unsaved bool
}

type visitKey struct{}

// Value returns the visit itself, and what the context of the connection knows.
func (v *visit) Value(key any) any {
	if key == (visitKey{}) {
		return v
	}
	return v.Context.Value(key)
}

// visitOf returns the request's visit; withVisit has put it there.
func visitOf(r *http.Request) *visit { return r.Context().Value(visitKey{}).(*visit) }

// withVisit gives the request its id, which error pages and the log share.
func (s *Server) withVisit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ip, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			ip = r.RemoteAddr
		}
		v := &visit{Context: r.Context(), began: time.Now(), requestID: newRequestID(), ip: ip, siteZone: s.store.Settings().TimeZone}
		w.Header()["X-Request-Id"] = []string{v.requestID}
		next.ServeHTTP(w, r.WithContext(v))
	})
}

// newRequestID returns twelve letters and digits that no other request of late has. They are no secret.
func newRequestID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var id [12]byte
	random := rand.Uint64()
	for i := range id {
		id[i] = letters[random>>(5*i)&31]
	}
	return string(id[:])
}

// statusWriter remembers the status for the access log, and whether the answer has begun.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the first status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write begins the answer with 200 like every ResponseWriter.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// withAccessLog writes one line for each request. What goes well and is frequent is for debugging only.
func (s *Server) withAccessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(sw, r)
		level := slog.LevelInfo
		switch {
		case sw.status >= 500:
			level = slog.LevelWarn
		case sw.status < 400 && isFrequent(r):
			level = slog.LevelDebug
		}
		if !s.log.Enabled(r.Context(), level) {
			return
		}
		v := visitOf(r)
		attrs := []slog.Attr{
			slog.String("request", v.requestID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", sw.status), slog.Duration("took", time.Since(v.began)), slog.String("ip", v.ip),
		}
		if v.user != nil {
			attrs = append(attrs, slog.String("user", v.user.Login))
		}
		s.log.LogAttrs(r.Context(), level, "request served", attrs...)
	})
}

// isFrequent reports whether the request is one of those that come by the second.
func isFrequent(r *http.Request) bool {
	path := r.URL.Path
	return isForPrograms(path) || path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, static.Prefix) || isHTMX(r)
}

// isForPrograms reports whether what is at a path is for programs, which read no pages.
func isForPrograms(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, skilljar.Prefix)
}

// withRecovery turns a panic into a 500, so that it ends one request and no more.
func (s *Server) withRecovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.log.Error("request panicked", "request", visitOf(r).requestID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			switch sw, ok := w.(*statusWriter); {
			case ok && sw.status != 0:
				panic(http.ErrAbortHandler) // half an answer is out: break the connection
			case isForPrograms(r.URL.Path):
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprintf(w, `{"title":"Internal Server Error","status":500,"detail":"Request %s failed; the server's log says why."}`+"\n", visitOf(r).requestID)
			default:
				s.errorPage(w, r, http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// withForm reads the posted form, within its limit.
func (s *Server) withForm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				s.errorPage(w, r, http.StatusRequestEntityTooLarge)
				return
			}
			s.errorPage(w, r, http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// orNotFound shows our own page where no route fits.
func (s *Server) orNotFound(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if !s.hasUsers(w, r) {
			return
		}
		if allow := allowed(mux, r); allow != "" {
			w.Header().Set("Allow", allow)
			s.errorPage(w, r, http.StatusMethodNotAllowed)
			return
		}
		s.fail(w, r, engine.ErrNotFound)
	})
}

// allowed lists the methods that routes take at the request's path, "" when there are none.
func allowed(mux *http.ServeMux, r *http.Request) string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		asked := r.Clone(r.Context())
		asked.Method = method
		if _, pattern := mux.Handler(asked); pattern != "" {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

// handleCrossOrigin answers a form that another site posted.
func (s *Server) handleCrossOrigin(w http.ResponseWriter, r *http.Request) {
	s.log.Warn("cross-origin request refused", "request", visitOf(r).requestID, "origin", r.Header.Get("Origin"), "path", r.URL.Path)
	s.explain(w, r, http.StatusForbidden, views.FromOtherSite)
}
