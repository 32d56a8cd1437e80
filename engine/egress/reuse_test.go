package egress_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// TestNothingIsCarriedOver sends twice to receivers whose answers go on after their end: the second request gets a
// connection and an answer of its own.
func TestNothingIsCarriedOver(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int64{
		"two answers to one request": 2, "length too short": 2, "endless chunks": 2, "endless body": 2, "zeros in the body": 1,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := enginetest.NewHostile(t, name)
				client := egress.New(egress.Settings{Dial: h.Dial}).Client(1 << 14)
				var bodies [2]string
				for i := range bodies {
					req, err := http.NewRequestWithContext(t.Context(), "POST", h.URL(enginetest.HostileHost), nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := client.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					bodies[i] = string(body)
					synctest.Wait()
				}
				if bodies[0] != bodies[1] || h.Opened() != want {
					t.Errorf("answers %q over %d connections, want twice the same over %d", bodies, h.Opened(), want)
				}
				client.CloseIdleConnections()
				synctest.Wait()
				if h.Open() != 0 {
					t.Errorf("%d connections are open", h.Open())
				}
			})
		})
	}
}

// TestIdleConnectionsEnd lets a connection lie that nobody uses any more.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"zeros in the body", "HTTP/2: resets the stream"} {
		synctest.Test(t, func(t *testing.T) {
			h := enginetest.NewHostile(t, name)
			client := egress.New(egress.Settings{Dial: h.Dial, Roots: h.Roots()}).Client(1 << 14)
			req, err := http.NewRequestWithContext(t.Context(), "POST", h.URL(enginetest.HostileHost), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := client.RoundTrip(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			time.Sleep(egress.IdleTimeout - time.Second)
			if h.Open() != 1 {
				t.Errorf("%s: %d connections are open before the time", name, h.Open())
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if h.Open() != 0 {
				t.Errorf("%s: %d connections are open after the time", name, h.Open())
			}
		})
	}
}
