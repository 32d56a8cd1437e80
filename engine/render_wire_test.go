package engine_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// countedConn counts what is written in one piece.
type countedConn struct {
	net.Conn
	pieces *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	c.pieces.Add(1)
	return c.Conn.Write(p)
}

// TestRequestLeavesInOnePiece sends headers and body with one call of the system, not two.
func TestRequestLeavesInOnePiece(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(receiver.Close)
	w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = receiver.URL })
	for _, size := range []int{0, 6 << 10} {
		event := courseEvent(fmt.Sprintf(`{"notes":%q}`, strings.Repeat("n", size)))
		r, err := engine.Render(&w, event, engine.Stamp{DeliveryID: 7, Number: 1, At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		var pieces atomic.Int64
		client := egress.New(egress.Settings{Networks: enginetest.Loopback, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return countedConn{conn, &pieces}, err
		}}).Client(engine.MaxAnswerHeaders)
		t.Cleanup(client.CloseIdleConnections)
		resp, err := client.RoundTrip(r.Request(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if n := pieces.Load(); n != 1 || len(r.Body) < size {
			t.Errorf("a request with a body of %d bytes left in %d pieces", len(r.Body), n)
		}
	}
}
