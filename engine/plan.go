package engine

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// plan is what follows from a webhook alone for all its requests, worked out once: its texts taken apart, its keys
// read. It is safe for concurrent use.
type plan struct {
	webhook *Webhook
	url     urlTemplate
	headers []headerTemplate
	content contentTemplate // of a webhook that sends its own
	own     bool
	tokens  bool // somewhere
	signer  signer
	// sensitive holds the canonical names of the headers that must be masked.
	sensitive []string
	secrets   []string // that an answer may echo, besides those with tokens in them
	err       error    // why no request can be made
}

// headerTemplate is a header line taken apart.
type headerTemplate struct {
	name   string // canonical
	parts  template
	fixed  string // without tokens
	tokens bool
	secret bool
}

// newPlan works out the plan of a webhook, which must not change as long as the plan is used.
func newPlan(w *Webhook) *plan {
	p := &plan{webhook: w}
	if p.url, p.err = newURLTemplate(w.URL); p.err != nil {
		p.err = fmt.Errorf("read the webhook's URL: %w", p.err)
		return p
	}
	if p.signer, p.err = newSigner(&w.Signing); p.err != nil {
		return p
	}
	p.tokens = p.url.tokens
	for _, h := range w.Headers {
		line := newHeaderTemplate(h.Name, h.Value.Reveal(), h.Sensitive)
		p.headers = append(p.headers, line)
		p.tokens = p.tokens || line.tokens
	}
	if w.BasicAuth != (BasicAuth{}) {
		p.headers = append(p.headers, headerTemplate{name: "Authorization", fixed: w.BasicAuth.header(), secret: true})
	}
	for _, line := range p.headers {
		if line.secret {
			p.sensitive = append(p.sensitive, line.name)
		}
	}
	if p.own = !w.SendLabDetails && w.Content != "" && VerbHasBody(w.Verb); p.own {
		p.content = newContentTemplate(w.Content, w.contentType())
		p.tokens = p.tokens || p.content.fixed == nil
	}
	p.secrets = secretsOf(w)
	return p
}

func newHeaderTemplate(name, value string, sensitive bool) headerTemplate {
	h := headerTemplate{name: http.CanonicalHeaderKey(name), parts: parseTokens(value, false), fixed: value}
	h.tokens = h.parts.hasTokens()
	h.secret = sensitive || slices.Contains(alwaysSensitive, strings.ToLower(name))
	return h
}

// expand returns the value with its tokens filled, each as one line.
func (h *headerTemplate) expand(x *expansion) string {
	if !h.tokens {
		return h.fixed
	}
	// Spaces around a value are not sent.
	return textproto.TrimString(x.expand(h.parts, func(v value, _ part) string { return oneLine(v.String()) }))
}

// header returns the value of the Authorization header.
func (b BasicAuth) header() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.Username+":"+b.Password.Reveal()))
}
