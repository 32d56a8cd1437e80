package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"labhook/engine"
)

// need is what a route asks of the key.
type need struct {
	scope    engine.Scope // "": the route is open to everybody
	platform bool         // the key of one API consumer is not enough
}

// The needs of the routes.
var (
	open           = need{}
	read           = need{scope: engine.ScopeRead}
	send           = need{scope: engine.ScopeSend}
	manage         = need{scope: engine.ScopeManage}
	readPlatform   = need{scope: engine.ScopeRead, platform: true}
	managePlatform = need{scope: engine.ScopeManage, platform: true}
)

// roles names the need in the OpenAPI document.
func (n need) roles() []string {
	if n.platform {
		return []string{string(n.scope), "platform"}
	}
	return []string{string(n.scope)}
}

// call is what is known of the request that is being answered. It is the request's context.
type call struct {
	context.Context
	out       watched
	requestID string
	ip        string
	url       *url.URL
	key       engine.APIKey // zero on open routes
	name      string        // of who calls, for the audit log
	body      []byte        // of routes that take one
}

type callKey struct{}

// Value returns the call itself, and what the context of the server knows.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// actor returns who calls, for the audit log.
func (c *call) actor() engine.Actor {
	return engine.Actor{Name: c.name, IP: c.ip}
}

// hidesQueries reports whether the key must not see the values in the query of a webhook's URL, which may be secrets: they
// are for those who may change the webhook.
func (c *call) hidesQueries() bool { return !c.key.Scope.Allows(engine.ScopeManage) }

// webhookOut writes a webhook as the key may see it.
func (c *call) webhookOut(w *engine.Webhook) Webhook {
	out := webhookOut(w)
	if c.hidesQueries() {
		out.URL = engine.MaskQuery(out.URL)
	}
	return out
}

// sees reports whether the key may know of what belongs to the consumer. Zero belongs to all consumers together.
func (c *call) sees(owner engine.ConsumerID) bool {
	return c.key.ConsumerID == 0 || c.key.ConsumerID == owner
}

// guard lets a request through to next when its key is what the route needs, with its body read. It is the one
// place that decides about scopes; which objects a key sees is decided where they are found.
func (s *server) guard(n need, b *body, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		if n.scope != "" {
			key, err := s.authenticate(r, c.ip)
			if err == nil {
				err = s.Rate.Take(w.Header(), &key, time.Now())
			}
			if err == nil {
				err = n.check(&key)
			}
			if err != nil {
				writeProblem(w, s.problemOf(r.Context(), err))
				return
			}
			c.key, c.name = key, "key "+key.Prefix+" ("+key.Description+")"
		}
		if b != nil {
			body, err := readBody(w, r, b)
			if err != nil {
				writeProblem(w, s.problemOf(r.Context(), err))
				return
			}
			c.body = body
		}
		next(w, r)
	}
}

// authenticate returns the key of a request. The key of an API consumer opens nothing while the consumer is out of use.
func (s *server) authenticate(r *http.Request, ip string) (engine.APIKey, error) {
	text := keyText(r.Header)
	if text == "" {
		return engine.APIKey{}, unauthorized("Send an API key in the header Authorization: Bearer KEY, or in the header api_key: KEY")
	}
	key, owner, err := s.Store.Authenticate(r.Context(), text, ip)
	if errors.Is(err, engine.ErrNotFound) {
		return key, unauthorized("The API key is not known, was revoked or has expired")
	} else if err != nil {
		return key, fmt.Errorf("look up API key: %w", err)
	}
	if owner != nil {
		err = inUse(owner)
	}
	return key, err
}

// inUse returns a problem unless the consumer is active now.
func inUse(c *engine.APIConsumer) error {
	if why := c.Closed(time.Now()); why != "" {
		return newProblem(http.StatusForbidden, why)
	}
	return nil
}

// keyText returns the key in the headers: as a bearer token, or as Skillable Studio sends it. Some proxies drop
// header names with an underscore, so a hyphen will do.
func keyText(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) != "" {
		return strings.TrimSpace(token)
	}
	for _, name := range []string{"api_key", "Api-Key"} {
		if text := strings.TrimSpace(h.Get(name)); text != "" {
			return text
		}
	}
	return ""
}

// check returns a problem unless the key is enough.
func (n need) check(key *engine.APIKey) error {
	if n.platform && key.ConsumerID != 0 {
		return newProblem(http.StatusForbidden, "This needs a platform key; the key sent belongs to one API consumer")
	}
	if !key.Scope.Allows(n.scope) {
		return newProblem(http.StatusForbidden,
			fmt.Sprintf("This needs a key with the scope %s; the key sent has the scope %s", n.scope, key.Scope))
	}
	return nil
}

func unauthorized(detail string) *Problem {
	p := newProblem(http.StatusUnauthorized, detail)
	p.header.Set("WWW-Authenticate", `Bearer realm="Labhook"`)
	return p
}

// consumerIn reads the name of a consumer, its id or external id, that came in a body or a query. Without a name it is
// the key's own consumer, zero for a platform key.
func (s *server) consumerIn(c *call, name string) (engine.ConsumerID, error) {
	if name == "" {
		return c.key.ConsumerID, nil
	}
	found := s.Store.Directory().ConsumerNamed(name)
	switch {
	case c.key.ConsumerID != 0 && (found == nil || found.ID != c.key.ConsumerID):
		return 0, newProblem(http.StatusForbidden, "The key sent belongs to another API consumer than the one named")
	case found == nil:
		return 0, invalid("consumer", "There is no API consumer with the id or external id %q", name)
	}
	return found.ID, nil
}
