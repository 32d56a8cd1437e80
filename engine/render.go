package engine

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	URL    *url.URL
	Header http.Header
	Body   []byte
	// EventBody: Body is the event's data to the byte.
	EventBody bool
	// sensitive holds the canonical names of the headers that must be masked.
	sensitive []string
}

// Render makes the request of one attempt.
func Render(w *Webhook, e *Event, stamp Stamp) (Rendered, error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return Rendered{}, fmt.Errorf("read the webhook's URL: %w", err)
	}
	r := Rendered{Verb: w.Verb, URL: u, Header: make(http.Header, len(w.Headers)+8)}
	contentType := ""
	if VerbHasBody(w.Verb) {
		if r.Body, contentType, err = body(w, e); err != nil {
			return Rendered{}, err
		}
		r.EventBody = bytes.Equal(r.Body, e.Data)
	}
	for _, h := range w.Headers {
		r.Header.Add(h.Name, h.Value.Reveal())
		if h.Sensitive {
			r.sensitive = append(r.sensitive, http.CanonicalHeaderKey(h.Name))
		}
	}
	setDefault(r.Header, "User-Agent", stamp.UserAgent)
	if contentType != "" {
		setDefault(r.Header, "Content-Type", contentType)
	}
	r.Header.Set("Webhook-Id", stamp.DeliveryID.String())
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(stamp.At.Unix(), 10))
	r.Header.Set("Labhook-Event", e.Type)
	r.Header.Set("Labhook-Event-Id", e.PublicID())
	r.Header.Set("Labhook-Attempt", strconv.Itoa(stamp.Number))
	if e.TraceParent != "" {
		r.Header.Set("Traceparent", e.TraceParent)
	}
	return r, nil
}

func setDefault(h http.Header, name, value string) {
	if _, ok := h[name]; !ok {
		h.Set(name, value)
	}
}

// body returns what the webhook sends for an event, and its content type, "" for an empty body.
func body(w *Webhook, e *Event) ([]byte, string, error) {
	if !w.SendLabDetails {
		switch {
		case w.Content == "":
			return nil, "", nil
		case w.ContentType != "":
			return []byte(w.Content), w.ContentType, nil
		case JSONProblem(w.Content) == "":
			return []byte(w.Content), contentTypeJSON, nil
		}
		return []byte(w.Content), contentTypeText, nil
	}
	if kind, ok := Catalog.Find(e.Type); !ok || !kind.LabDetails {
		return e.Data, contentTypeJSON, nil
	}
	lab, err := ParseLabDetails(e.Data)
	if err != nil {
		return nil, "", fmt.Errorf("read the event's lab details: %w", err)
	}
	return lab.Body(), contentTypeJSON, nil
}

// Request returns the request for an HTTP client.
func (r *Rendered) Request() *http.Request {
	req := &http.Request{
		Method: r.Verb, URL: r.URL, Host: r.URL.Host, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(r.Body) > 0 {
		req.Body = bodyReader{bytes.NewReader(r.Body)}
		req.ContentLength = int64(len(r.Body))
		// Lets the transport repeat a request that a closing kept-alive connection never took.
		req.GetBody = func() (io.ReadCloser, error) { return bodyReader{bytes.NewReader(r.Body)}, nil }
	}
	return req
}

// Sent returns the request as it goes over the wire, sensitive values masked.
func (r *Rendered) Sent() SentRequest {
	lines := make([]string, 0, len(r.Header)+3)
	lines = append(lines, "Host: "+r.URL.Host)
	// HTTP/1.1 writes these two before the others, which it sorts.
	if agent := r.Header.Get("User-Agent"); agent != "" {
		lines = append(lines, "User-Agent: "+agent)
	}
	if VerbHasBody(r.Verb) {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(r.Body)))
	}
	for _, line := range headerLines(r.Header, func(name string) bool { return slices.Contains(r.sensitive, name) }) {
		if !strings.HasPrefix(line, "User-Agent: ") {
			lines = append(lines, line)
		}
	}
	return SentRequest{Verb: r.Verb, URL: r.URL.String(), Headers: lines, Body: r.Body}
}

// bodyReader is a request body that needs no closing.
type bodyReader struct{ *bytes.Reader }

func (bodyReader) Close() error { return nil }
