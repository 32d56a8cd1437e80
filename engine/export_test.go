package engine

import (
	"net"
	"net/http"
	"time"
)

// Signer returns what signs the requests of a webhook, for tests with ids that are not Labhook's.
func Signer(g Signing) (func(h http.Header, id string, at time.Time, body []byte), error) {
	s, err := newSigner(&g)
	return func(h http.Header, id string, at time.Time, body []byte) {
		s.sign(&headerFields{Header: h}, id, at, body)
	}, err
}

// Hide masks secrets in an answer.
func Hide(a *Answer, secrets []string) { a.mask(secrets) }

// Renderer returns how the engine makes the requests of a webhook in a directory.
func Renderer(d *Directory, w *Webhook) func(*Event, Stamp) (Rendered, error) {
	return func(e *Event, stamp Stamp) (Rendered, error) { return d.plan(w).render(e, stamp) }
}

// AddressText writes the address of a connection.
func AddressText(addr net.Addr) string { return addressText(addr) }

// Attempt makes one attempt without recording it.
func (e *Engine) Attempt(w *Webhook, s *Sending) Record { return e.attempt(e.sendCtx, w, s) }
