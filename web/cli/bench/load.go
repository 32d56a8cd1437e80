package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// connections is how many connections the load comes from, and how many workers the bare loop has.
const connections = 64

// batchSize is how many events a batch has.
const batchSize = 100

// The kinds of load.
const (
	bare   = "bare"   // signed POSTs to the receiver, nothing stored
	single = "single" // events to the server, one a request
	batch  = "batch"  // events to the server, batchSize a request
)

// job is what the load generator is asked to do.
type job struct {
	Kind      string        `json:"kind"`
	URL       string        `json:"url"` // of the receiver, or of the server
	Key       string        `json:"key"` // API key
	Span      time.Duration `json:"span"`
	Rate      int           `json:"rate"`      // events a second, made at even distances; 0: as fast as they are answered
	First     int64         `json:"first"`     // number of the first event
	Consumers []string      `json:"consumers"` // that take turns; empty: the event is for all
	Types     []string      `json:"types"`     // that take turns
}

// done is what the load generator did.
type done struct {
	Events     int64     `json:"events"` // that were accepted
	Refused    int64     `json:"refused"`
	Problem    string    `json:"problem"` // the first one
	Start      int64     `json:"start"`   // nanoseconds since 1970
	Answer     Quantiles `json:"answer"`  // from the request to its answer
	CPUSeconds float64   `json:"cpu_seconds"`
}

// Load runs the load generator's process until in ends.
func Load(ctx context.Context, in io.Reader, out io.Writer) error {
	l := &load{template: newTemplate(), client: &http.Transport{
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true,
	}}
	return serveLines(in, out, func(j job) done { return l.run(ctx, j) })
}

type load struct {
	template template
	client   *http.Transport
}

// tally is a job under way.
type tally struct {
	job
	next    atomic.Int64
	events  atomic.Int64
	refused atomic.Int64
	problem sync.Once
	result  done
	answer  times
}

func (l *load) run(ctx context.Context, j job) done {
	t := &tally{job: j}
	t.next.Store(j.First)
	t.result.Start = time.Now().UnixNano()
	ctx, cancel := context.WithTimeout(ctx, j.Span)
	defer cancel()
	due := make(chan time.Time, connections)
	go pace(ctx, j.Rate/t.size(), due)
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for at := range due {
				l.send(t, at)
			}
		})
	}
	workers.Wait()
	t.result.Events, t.result.Refused = t.events.Load(), t.refused.Load()
	t.result.Answer = t.answer.take()
	t.result.CPUSeconds = cpuSeconds("self")
	return t.result
}

// size is how many events a request carries.
func (t *tally) size() int {
	if t.Kind == batch {
		return batchSize
	}
	return 1
}

// pace hands out when requests are due, until ctx ends: at even distances and never early, or with rate 0 whenever somebody
// asks. When all connections are busy the requests are late, but their times stay: the wait counts.
func pace(ctx context.Context, rate int, due chan<- time.Time) {
	defer close(due)
	next := time.Now()
	for {
		at := time.Time{}
		if rate > 0 {
			if wait := time.Until(next); wait > 0 {
				select {
				case <-ctx.Done():
					return
				case <-time.After(wait):
				}
			}
			at = next
			next = next.Add(time.Second / time.Duration(rate))
		}
		select {
		case <-ctx.Done():
			return
		case due <- at:
		}
	}
}

// send makes one request. at is when it was due; zero: now.
func (l *load) send(t *tally, at time.Time) {
	now := time.Now()
	if at.IsZero() {
		at = now
	}
	size := int64(t.size())
	first := t.next.Add(size) - size
	req, err := l.request(t, first, at)
	if err != nil {
		t.refuse(size, err.Error())
		return
	}
	answer, err := l.client.RoundTrip(req)
	if err != nil {
		t.refuse(size, err.Error())
		return
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	t.answer.add(time.Since(now))
	switch {
	case err != nil:
		t.refuse(size, err.Error())
	case answer.StatusCode >= http.StatusMultipleChoices:
		t.refuse(size, fmt.Sprintf("%d %s", answer.StatusCode, text))
	case t.Kind == batch:
		t.countBatch(text)
	default:
		t.events.Add(1)
	}
}

func (t *tally) refuse(n int64, problem string) {
	t.refused.Add(n)
	t.problem.Do(func() { t.result.Problem = problem })
}

func (t *tally) countBatch(text []byte) {
	var b struct {
		Accepted int64 `json:"accepted"`
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Accepted != batchSize {
		t.refuse(batchSize-b.Accepted, string(text[:min(len(text), 300)]))
	}
	t.events.Add(b.Accepted)
}

// request makes the request for the events from number first on.
func (l *load) request(t *tally, first int64, at time.Time) (*http.Request, error) {
	var body []byte
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"labhook bench"}}
	path := t.URL
	switch t.Kind {
	case bare:
		body = l.template.appendBody(make([]byte, 0, bodyBytes), first, at.UnixNano())
		sign(header, first, body)
	case single:
		body = l.event(t, make([]byte, 0, bodyBytes+100), first, at)
		path += "/api/v1/events"
	default:
		body = append(make([]byte, 0, batchSize*(bodyBytes+100)), '[')
		for i := range int64(batchSize) {
			if i > 0 {
				body = append(body, ',')
			}
			body = l.event(t, body, first+i, at)
		}
		body = append(body, ']')
		path += "/api/v1/events/batch"
	}
	if t.Kind != bare {
		header.Set("Authorization", "Bearer "+t.Key)
	}
	req, err := http.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	return req, nil
}

// event appends event number n as it is posted. Its consumer and type follow from the number, so that all take turns.
func (l *load) event(t *tally, body []byte, n int64, at time.Time) []byte {
	body = append(body, `{"type":"`...)
	body = append(body, t.Types[int(n)%len(t.Types)]...)
	if len(t.Consumers) > 0 {
		body = append(body, `","consumer":"`...)
		body = append(body, t.Consumers[int(n)/len(t.Types)%len(t.Consumers)]...)
	}
	body = append(body, `","data":`...)
	body = l.template.appendBody(body, n, at.UnixNano())
	return append(body, '}')
}

// secret signs the bare loop's requests, as the server signs its own (Standard Webhooks v1).
var secret = []byte("thirty-two bytes to sign it with")

func sign(header http.Header, n int64, body []byte) {
	id, at := "dlv_"+strconv.FormatInt(n, 10), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, id+"."+at+".")
	mac.Write(body)
	header["Webhook-Id"], header["Webhook-Timestamp"] = []string{id}, []string{at}
	header["Webhook-Signature"] = []string{"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}
