package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Content types of bodies.
const (
	contentTypeJSON = "application/json"
	contentTypeText = "text/plain; charset=utf-8"
)

// Stamp is what differs between the attempts of a delivery.
type Stamp struct {
	DeliveryID DeliveryID
	Number     int // of the attempt, from 1
	At         time.Time
	UserAgent  string
}

// Rendered is a request ready to be sent. It follows from a webhook, an event and a stamp alone.
type Rendered struct {
	Verb   string
	URL    *url.URL // must not be changed
	Header http.Header
	Body   []byte // must not be changed
	// EventBody: Body is the event's data to the byte.
	EventBody bool
	// Unfilled are the tokens that stand in the request as they were written, each once.
	Unfilled []string
	// address is URL as a text.
	address string
	// sensitive holds the canonical names of the headers that must be masked.
	sensitive []string
	// secrets are what the receiver may echo and nobody should read.
	secrets []string
}

// Render makes the request of one attempt.
func Render(w *Webhook, e *Event, stamp Stamp) (Rendered, error) { return newPlan(w).render(e, stamp) }

// render makes the request of one attempt.
func (p *plan) render(e *Event, stamp Stamp) (Rendered, error) {
	if p.err != nil {
		return Rendered{}, p.err
	}
	var x *expansion
	if p.tokens {
		x = &expansion{source: source{event: e, webhook: p.webhook.ID}}
	}
	u, address, err := p.url.expand(x)
	if err != nil {
		return Rendered{}, fmt.Errorf("fill the tokens of the URL: %w", err)
	}
	r := Rendered{Verb: p.webhook.Verb, URL: u, address: address, sensitive: p.sensitive, secrets: p.secrets}
	h := p.fields(&r, x, e, stamp)
	if VerbHasBody(r.Verb) {
		contentType := ""
		if r.Body, contentType, err = p.body(x, e); err != nil {
			return Rendered{}, err
		}
		if contentType != "" {
			h.setDefault("Content-Type", contentType)
		}
		r.EventBody = bytes.Equal(r.Body, e.Data)
	}
	p.signer.sign(&h, stamp.DeliveryID.String(), stamp.At, r.Body)
	r.Header = h.Header
	if x != nil {
		r.Unfilled = x.unfilled
	}
	return r, nil
}

// fields returns the headers that do not follow from the body, with room for the others.
func (p *plan) fields(r *Rendered, x *expansion, e *Event, stamp Stamp) headerFields {
	n := len(p.headers) + 5 + 3*len(p.signer.names)
	if e.TraceParent != "" {
		n++
	}
	h := newHeaderFields(n)
	x.room(MaxTokensHeaders)
	for i := range p.headers {
		line := &p.headers[i]
		value := line.expand(x)
		h.add(line.name, value)
		if line.secret && line.tokens {
			r.secrets = appendSecrets(slices.Clip(r.secrets), value)
		}
	}
	h.set("Labhook-Attempt", strconv.Itoa(stamp.Number))
	h.set("Labhook-Event", e.Type)
	h.set("Labhook-Event-Id", e.PublicID())
	if e.TraceParent != "" {
		h.set("Traceparent", e.TraceParent)
	}
	h.setDefault("User-Agent", stamp.UserAgent)
	return h
}

// body returns what is sent for an event, and its content type, "" for an empty body.
func (p *plan) body(x *expansion, e *Event) ([]byte, string, error) {
	if p.own {
		x.room(MaxTokensContent)
		return p.content.expand(x), p.content.contentType, nil
	}
	if !p.webhook.SendLabDetails {
		return nil, "", nil
	}
	if !hasLabDetails(e.Type) {
		return e.Data, contentTypeJSON, nil
	}
	if e.labBody != nil {
		return e.labBody, contentTypeJSON, nil
	}
	lab, err := ParseLabDetails(e.Data)
	if err != nil {
		return nil, "", fmt.Errorf("read the event's lab details: %w", err)
	}
	return lab.Body(), contentTypeJSON, nil
}

// Request returns the request for an HTTP client.
func (r *Rendered) Request(ctx context.Context) *http.Request {
	req := (&http.Request{
		Method: r.Verb, URL: r.URL, Host: r.URL.Host, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body := r.Body; len(body) > 0 {
		// Of this type the transport knows that it does not block: headers and body leave in one piece.
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		// Lets the transport repeat a request that a closing kept-alive connection never took.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req
}

// Sent returns the request as it goes over the wire, sensitive values masked.
func (r *Rendered) Sent() SentRequest {
	const agentName = "User-Agent"
	masked := func(name string) bool { return slices.Contains(r.sensitive, name) }
	text := newHeaderText(len(r.Header) + 2)
	text.line("Host", r.URL.Host)
	// HTTP/1.1 writes these two before the others, which it sorts.
	if agent := r.Header.Get(agentName); agent != "" {
		if masked(agentName) {
			agent = Mask
		}
		text.line(agentName, agent)
	}
	if VerbHasBody(r.Verb) {
		text.line("Content-Length", strconv.Itoa(len(r.Body)))
	}
	text.sorted(r.Header, agentName, masked)
	return SentRequest{Verb: r.Verb, URL: r.address, Headers: text.lines, Body: r.Body}
}
