package skilljar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/web/keyrate"
)

// Prefix starts the path of every route.
const Prefix = "/v1/"

const webhooksPath = Prefix + "webhooks"

// Config is what the handler works with. All of it is required.
type Config struct {
	Store  *db.Store
	Engine *engine.Engine
	Guard  *egress.Guard
	Log    *slog.Logger
	// BaseURL returns the address under which a client reached the server, without a slash at the end.
	BaseURL func(*http.Request) string
	// CrossOrigin refuses what a page of another site makes a browser send: browsers keep Basic users, and forms are
	// read here.
	CrossOrigin *http.CrossOriginProtection
	// Rate bounds the requests of each key.
	Rate *keyrate.Limits
}

type server struct {
	Config
	mux *http.ServeMux
}

// call is a request that is being answered, with the key that it showed.
type call struct {
	w   http.ResponseWriter
	r   *http.Request
	key engine.APIKey // of one API consumer
}

// actor returns who calls, for the audit log.
func (c *call) actor() engine.Actor {
	return engine.Actor{Name: fmt.Sprintf("key %s (%s)", c.key.Prefix, c.key.Description), IP: remoteIP(c.r)}
}

// webhookOut writes a webhook as the key may see it: the values in the query of its URL may be secrets, and are for those
// who may change it.
func (c *call) webhookOut(w *engine.Webhook) webhook {
	out := webhookOut(w)
	if !c.key.Scope.Allows(engine.ScopeManage) {
		out.TargetURL = engine.MaskQuery(out.TargetURL)
	}
	return out
}

// action is what a method of a path does, and the scope that the key needs for it.
type action struct {
	scope engine.Scope
	run   func(*call) error
}

// New returns the handler of everything under Prefix. It panics when a part is missing.
func New(cfg Config) http.Handler {
	if cfg.Store == nil || cfg.Engine == nil || cfg.Guard == nil || cfg.Log == nil || cfg.BaseURL == nil || cfg.CrossOrigin == nil {
		panic("skilljar: New needs all of its configuration")
	}
	s := &server{Config: cfg, mux: http.NewServeMux()}
	one := webhooksPath + "/{id}"
	s.handle(webhooksPath, map[string]action{
		http.MethodGet:  {engine.ScopeRead, s.list},
		http.MethodPost: {engine.ScopeManage, s.create},
	})
	s.handle(one, map[string]action{
		http.MethodGet:    {engine.ScopeRead, s.read},
		http.MethodPut:    {engine.ScopeManage, s.replace},
		http.MethodPatch:  {engine.ScopeManage, s.patch},
		http.MethodDelete: {engine.ScopeManage, s.remove},
	})
	s.handle(one+"/ping", map[string]action{http.MethodPost: {engine.ScopeManage, s.ping}})
	for name, code := range samples {
		show := func(c *call) error { return s.sample(c, code) }
		s.handle(webhooksPath+"/sample-"+name, map[string]action{http.MethodGet: {engine.ScopeRead, show}})
	}
	return s
}

// handle answers a path, with or without a slash at its end.
func (s *server) handle(path string, actions map[string]action) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		do, ok := actions[method]
		if !ok {
			s.fail(w, r, wrongMethod(r.Method, actions))
			return
		}
		key, err := s.authenticate(w.Header(), r, do.scope)
		if err == nil {
			err = do.run(&call{w, r, key})
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
	s.mux.HandleFunc(path, handler)
	s.mux.HandleFunc(path+"/{$}", handler)
}

// ServeHTTP answers one request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.CrossOrigin.Check(r); err != nil {
		s.fail(w, r, refuse(http.StatusForbidden, "A page of another site cannot send this."))
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.fail(w, r, refuse(http.StatusNotFound, "Not found. Only the webhooks of this API are here, at "+webhooksPath+"."))
		return
	}
	s.mux.ServeHTTP(w, r)
}

func wrongMethod(method string, actions map[string]action) *refusal {
	var allowed []string
	for name := range actions {
		allowed = append(allowed, name)
		if name == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	list := strings.Join(allowed, ", ")
	out := refuse(http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed. This path answers to %s.", method, list))
	out.header.Set("Allow", list)
	return out
}

// authenticate returns the key of a request when it may do what needs the scope. Keys come as the user of Basic
// authentication, whose password is empty with Skilljar and not looked at, or as a bearer token. What is left of the key's
// rate is written into h.
func (s *server) authenticate(h http.Header, r *http.Request, scope engine.Scope) (engine.APIKey, error) {
	text, _, ok := r.BasicAuth()
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); !ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(token)
	}
	if text == "" {
		return engine.APIKey{}, unauthorized("Authentication credentials were not provided. Send an API key as the user name of Basic authentication, with an empty password.")
	}
	key, owner, err := s.Store.Authenticate(r.Context(), text, remoteIP(r))
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return key, unauthorized("Invalid username/password. The API key is not known, was revoked or has expired.")
	case err != nil:
		return key, fmt.Errorf("look up API key: %w", err)
	case owner == nil:
		return key, refuse(http.StatusForbidden, "Webhooks here are those of one API consumer. Send a key of that consumer; this one is a platform key.")
	}
	if why := owner.Closed(time.Now()); why != "" {
		return key, refuse(http.StatusForbidden, why+".")
	}
	if !key.Scope.Allows(scope) {
		return key, refuse(http.StatusForbidden,
			fmt.Sprintf("You do not have permission to perform this action. It needs a key with the scope %s; this one has the scope %s.", scope, key.Scope))
	}
	if many, ok := errors.AsType[*keyrate.TooMany](s.Rate.Take(h, &key, time.Now())); ok {
		out := refuse(http.StatusTooManyRequests, "Request was throttled. Expected available in "+many.RetryAfter()+" seconds.")
		out.header.Set("Retry-After", many.RetryAfter())
		return key, out
	}
	return key, nil
}

func unauthorized(detail string) *refusal {
	out := refuse(http.StatusUnauthorized, detail)
	out.header.Set("WWW-Authenticate", `Basic realm="Labhook"`)
	return out
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// find returns the webhook that a path names, engine.ErrNotFound when the key's consumer has none of that id here.
func (s *server) find(c *call) (*engine.Webhook, error) {
	name := c.r.PathValue("id")
	id, err := engine.ParseID[engine.WebhookID](idPrefix + strings.TrimPrefix(name, idPrefix))
	if err != nil {
		return nil, engine.ErrNotFound
	}
	w := s.Store.Directory().Webhook(id)
	if w == nil || w.ConsumerID != c.key.ConsumerID || !expressible(w) {
		return nil, engine.ErrNotFound
	}
	return w, nil
}

// logFailure writes what the client did not cause to the log, unless the client is gone.
func (s *server) logFailure(ctx context.Context, requestID string, err error) {
	if ctx.Err() == nil {
		s.Log.Error("skilljar request failed", "request_id", requestID, "error", err)
	}
}
