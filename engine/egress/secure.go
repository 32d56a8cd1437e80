package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	// alertTimeout is how long a connection that is closed may take to say so. Package crypto/tls gives that 5 s, which
	// a receiver that reads nothing would add to the webhook's timeout.
	alertTimeout = 50 * time.Millisecond
	// allowance is how many bytes may arrive on a secure connection besides answers, and answerAllowance how many more
	// with each request: a header, what HTTP/2 lets a receiver send ahead, and what belongs to the protocols.
	allowance       = 96 << 10
	answerAllowance = 128 << 10
)

// dialTLS returns what makes secure connections for a transport. The transport's own handshake would go on after the
// attempt has ended.
func (g *Guard) dialTLS(t *http.Transport) func(ctx context.Context, network, hostPort string) (net.Conn, error) {
	return func(ctx context.Context, network, hostPort string) (net.Conn, error) {
		ctx, done := whileWanted(ctx)
		defer done()
		conn, err := t.DialContext(ctx, network, hostPort)
		if err != nil {
			return nil, err
		}
		config := t.TLSClientConfig.Clone()
		if config.ServerName == "" {
			if config.ServerName, _, err = net.SplitHostPort(hostPort); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
		}
		secure := tls.Client(newRationed(conn), config)
		if err := handshake(dialling(ctx), secure); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// handshake makes a connection secure and tells the attempt's trace about it.
func handshake(ctx context.Context, conn *tls.Conn) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := conn.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	return err
}

// rationed is the connection under TLS. It is closed without much waiting, and breaks when more arrives than the
// requests account for: over HTTP/2 a connection goes on after an answer that was not read to its end, and a receiver
// could go on sending, too.
type rationed struct {
	net.Conn
	left atomic.Int64 // bytes that may yet arrive
}

func newRationed(conn net.Conn) *rationed {
	r := &rationed{Conn: conn}
	r.left.Store(allowance)
	return r
}

// Read reads unless the ration is used up.
func (r *rationed) Read(b []byte) (int, error) {
	if r.left.Load() <= 0 {
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("the receiver sent more than it was asked for")}
	}
	n, err := r.Conn.Read(b)
	r.left.Add(-int64(n))
	return n, err
}

// SetWriteDeadline shortens the deadline of the last alert. HTTP/2 sets later ones, by http2Ping.
func (r *rationed) SetWriteDeadline(t time.Time) error {
	if left := time.Until(t); left > alertTimeout && left <= 5*time.Second {
		t = t.Add(alertTimeout - left)
	}
	return r.Conn.SetWriteDeadline(t)
}

// allowAnswer lets one more answer arrive on a connection that a request was given.
func allowAnswer(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		if conn, ok := secure.NetConn().(*rationed); ok {
			conn.left.Add(answerAllowance)
		}
	}
}
