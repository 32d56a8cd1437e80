package egress

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"time"
)

// Limits of HTTP/2, which would otherwise let a receiver send 4 MiB ahead of what is read.
const (
	http2Stream     = 64 << 10 // bytes of one answer
	http2Connection = 1 << 20  // bytes of all answers on a connection
	http2Frame      = 16 << 10
	http2Ping       = 30 * time.Second // of silence, after which a connection is tried
)

// writeBuffer is how many bytes of a request leave in one piece, headers included: all of them, with most lab details.
const writeBuffer = 8 << 10

// Transport returns a transport whose connections are guarded: TLS 1.2 or later, no proxy but the operator's, answers
// not decompressed so that what is kept is what was sent. maxHeaderBytes caps an answer's header, informational answers
// before it included. Client adds to it what is checked for each request.
func (g *Guard) Transport(maxHeaderBytes int64) *http.Transport {
	t := &http.Transport{
		DialContext: g.dial,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: g.settings.Roots, NextProtos: []string{"h2", "http/1.1"},
		},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		WriteBufferSize:        writeBuffer,
		MaxIdleConns:           MaxIdle,
		MaxIdleConnsPerHost:    MaxIdlePerHost,
		IdleConnTimeout:        IdleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: http2Stream, MaxReceiveBufferPerConnection: http2Connection, MaxReadFrameSize: http2Frame,
			SendPingTimeout: http2Ping, PingTimeout: http2Ping / 2, WriteByteTimeout: http2Ping,
		},
	}
	t.DialTLSContext = g.dialTLS(t)
	return t
}

// Identity is a client certificate, the leaf first, and its key, both in PEM.
type Identity struct{ Certificate, Key string }

// Client sends requests through the guard. Each identity has connections of its own, for a connection speaks for who
// opened it. It is safe for concurrent use. Guard.Client makes one.
type Client struct {
	guard          *Guard
	maxHeaderBytes int64
	plain          *http.Transport
	identities     identities
}

// Client returns a client; maxHeaderBytes caps an answer's header.
func (g *Guard) Client(maxHeaderBytes int64) *Client {
	return &Client{guard: g, maxHeaderBytes: maxHeaderBytes, plain: g.Transport(maxHeaderBytes)}
}

// RoundTrip sends a request without a client certificate. Redirects are not followed.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) { return c.send(c.plain, req) }

// As returns what sends requests with a client certificate. The error says why the identity is none.
func (c *Client) As(id Identity) (http.RoundTripper, error) {
	transport, err := c.identities.transport(id, c.newTransport)
	if err != nil {
		return nil, err
	}
	return identified{c, transport}, nil
}

// Retain closes the connections of the identities that are not in use any more.
func (c *Client) Retain(inUse func(Identity) bool) { c.identities.retain(inUse) }

// CloseIdleConnections closes the connections that nobody uses at the moment.
func (c *Client) CloseIdleConnections() {
	c.plain.CloseIdleConnections()
	c.identities.closeIdle()
}

// newTransport returns a transport for one identity.
func (c *Client) newTransport(id Identity) (*http.Transport, error) {
	pair, err := tls.X509KeyPair([]byte(id.Certificate), []byte(id.Key))
	if err != nil {
		return nil, err
	}
	t := c.guard.Transport(c.maxHeaderBytes)
	t.MaxIdleConns = MaxIdlePerHost
	// Sent even when the receiver's list of authorities does not name its issuer: what it says to that helps more.
	t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return t, nil
}

func (c *Client) send(t *http.Transport, req *http.Request) (*http.Response, error) {
	if err := c.guard.checkTarget(req.URL); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	if ctx := req.Context(); attemptOf(ctx) == nil {
		req = req.WithContext(Traced(ctx, &httptrace.ClientTrace{}, nil))
	}
	return t.RoundTrip(req)
}

// identified sends as one identity.
type identified struct {
	*Client
	transport *http.Transport
}

// RoundTrip sends a request.
func (i identified) RoundTrip(req *http.Request) (*http.Response, error) {
	return i.send(i.transport, req)
}
