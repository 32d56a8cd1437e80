package engine_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"labhook/engine"
)

// BenchmarkPartSend makes attempts over connections that stay open, sixteen at a time. x-bare is how long they take to what
// the same requests take that are signed and sent by a bare transport, and read to the end of the answer.
func BenchmarkPartSend(b *testing.B) {
	for name, answer := range map[string]string{
		"no body": "HTTP/1.1 200 OK\r\nDate: Sun, 01 Nov 2026 08:30:00 GMT\r\nContent-Length: 0\r\n\r\n",
		"body":    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 01 Nov 2026 08:30:00 GMT\r\nContent-Length: 11\r\n\r\n" + `{"ok":true}`,
	} {
		b.Run(name, func(b *testing.B) {
			l := openLine(b, b.TempDir(), "OFF", nil, nil)
			url := answering(b, answer)
			l.webhook("scores", url, nil)
			attempt, bare := l.attempts(), posts(b, url)
			const atOnce, inTurn = 16, 512
			together(atOnce, 4*atOnce, attempt) // opens the connections
			together(atOnce, 4*atOnce, bare)

			b.ReportAllocs()
			b.ResetTimer()
			b.StopTimer()
			var barely time.Duration
			for left := b.N; left > 0; left -= inTurn { // so that what else the host does slows both
				n := min(left, inTurn)
				b.StartTimer()
				together(atOnce, n, attempt)
				b.StopTimer()
				start := time.Now()
				together(atOnce, n, bare)
				barely += time.Since(start)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(barely), "x-bare")
		})
	}
}

// together calls do n times, on so many goroutines.
func together(goroutines, n int, do func()) {
	var calls sync.WaitGroup
	for i := range goroutines {
		calls.Go(func() {
			for range (n + i) / goroutines {
				do()
			}
		})
	}
	calls.Wait()
}

// attempts returns what makes one attempt of the line's only webhook, with lab details that the engine has read before.
func (l *line) attempts() func() {
	l.Helper()
	event := &engine.Event{ID: engine.NewID[engine.EventID](), ConsumerID: l.consumer.ID, Type: engine.LabScored, Data: engine.SampleLabDetails().Body()}
	if err := event.Prepare(l.store.Directory().Catalog(), time.Now()); err != nil {
		l.Fatal(err)
	}
	w := l.store.Directory().Webhooks(l.consumer.ID)[0]
	return func() {
		d := engine.Delivery{ID: engine.NewID[engine.DeliveryID](), WebhookID: w.ID, Trigger: engine.TriggerAutomatic}
		if r := l.engine.Attempt(w, &engine.Sending{Event: event, Delivery: d}); r.Attempt.Outcome.Kind != engine.OutcomeDelivered {
			l.Errorf("the attempt came to %+v", r.Attempt.Outcome)
		}
	}
}

// posts returns what posts signed lab details without the engine.
func posts(b *testing.B, url string) func() {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	body := engine.SampleLabDetails().Body()
	return func() {
		req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		id, timestamp := engine.NewID[engine.DeliveryID]().String(), strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte("a secret of the webhook"))
		fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		req.Header.Set("Webhook-Id", id)
		req.Header.Set("Webhook-Timestamp", timestamp)
		req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			b.Error(err)
			return
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Error(err)
		}
		resp.Body.Close()
	}
}

// answering listens on loopback and gives every request the answer. It costs next to nothing, so that the benchmark is
// about those who send.
func answering(b *testing.B, answer string) (url string) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAll(conn, []byte(answer))
		}
	}()
	return fmt.Sprintf("http://%s/hook", listener.Addr())
}

// answerAll answers the requests on a connection until it ends.
func answerAll(conn net.Conn, answer []byte) {
	defer conn.Close()
	in, size := bufio.NewReader(conn), 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if length, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			size, _ = strconv.Atoi(string(bytes.TrimSpace(length)))
		}
		if len(line) > len("\r\n") {
			continue
		}
		if _, err := in.Discard(size); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}
