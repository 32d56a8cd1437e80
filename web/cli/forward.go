package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"labhook/engine"
	"labhook/engine/receiver"
)

// Limits of forwarding.
const (
	maxForwarding   = 64                // requests at once; more wait
	maxForwardedLen = 4 << 20           // bytes of the target's answer
	forwardTimeout  = engine.MaxTimeout // no webhook waits longer
)

// hopHeaders are of one connection and not passed on (RFC 9110, section 7.6.1). The client writes its own length.
var hopHeaders = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "Content-Length",
}

// forwarder sends requests on to another URL, whose answer is the answer to the sender.
type forwarder struct {
	target *url.URL
	client *http.Client
	places chan struct{}
}

// newForwarder returns a forwarder to a URL. Redirects are passed on, not followed, and no proxy is used.
func newForwarder(target string) (*forwarder, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not a URL such as http://127.0.0.1:3000/hooks, with http or https and without user, ? and #", target)
	}
	return &forwarder{
		target: u, places: make(chan struct{}, maxForwarding),
		client: &http.Client{
			Timeout:       forwardTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: maxForwarding, IdleConnTimeout: idleTimeout},
		},
	}, nil
}

// leadsTo reports whether requests to the target arrive at an address of this process.
func (f *forwarder) leadsTo(addr net.Addr) bool {
	port := f.target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[f.target.Scheme]
	}
	own, ok := addr.(*net.TCPAddr)
	if !ok || port != fmt.Sprint(own.Port) {
		return false
	}
	host := f.target.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && (ip.Equal(own.IP) || ip.IsLoopback() && own.IP.IsUnspecified())
}

// respond sends a request on and returns the target's answer, 502 where there is none.
func (f *forwarder) respond(ctx context.Context, req *receiver.Request) receiver.Answer {
	if req.Note != "" {
		req.Note += ", "
	}
	start := time.Now()
	answer, err := f.send(ctx, req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		req.Note += fmt.Sprintf("NOT forwarded: %s", err)
		return receiver.Answer{Status: http.StatusBadGateway, Body: "labhook listen could not forward the request: " + err.Error() + "\n"}
	}
	req.Note += fmt.Sprintf("forwarded, %s", micros(time.Since(start).Microseconds()))
	return answer
}

func (f *forwarder) send(ctx context.Context, req *receiver.Request) (a receiver.Answer, err error) {
	if req.Truncated {
		return a, fmt.Errorf("the body has more than %d bytes", receiver.DefaultMaxBody)
	}
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
	case <-ctx.Done():
		return a, ctx.Err()
	}
	out, err := http.NewRequestWithContext(ctx, req.Verb, f.url(req).String(), bytes.NewReader(req.Body))
	if err != nil {
		return a, err
	}
	out.Header = withoutHops(req.Header)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // the client would add its own
	}
	res, err := f.client.Do(out)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxForwardedLen+1))
	switch {
	case err != nil:
		return a, fmt.Errorf("read its answer: %w", err)
	case len(body) > maxForwardedLen:
		return a, fmt.Errorf("its answer has more than %d bytes", maxForwardedLen)
	}
	return receiver.Answer{Status: res.StatusCode, Header: withoutHops(res.Header), Body: string(body)}, nil
}

// url is that of the target with the path of the request behind it, and its query.
func (f *forwarder) url(req *receiver.Request) *url.URL {
	u := *f.target
	if req.Path != "/" && req.Path != "" {
		base := strings.TrimSuffix(u.EscapedPath(), "/")
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+req.Path, base+req.RawPath
	}
	u.RawQuery = req.RawQuery
	return &u
}

// withoutHops returns the headers that are for whoever the message is for.
func withoutHops(h http.Header) http.Header {
	kept := h.Clone()
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			kept.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopHeaders {
		kept.Del(name)
	}
	return kept
}
