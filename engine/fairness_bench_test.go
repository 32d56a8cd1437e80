package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
)

// latencies measures how long events take to arrive: from when they were posted, and from when they were accepted, which
// is when Accept has returned. The wait for the disk in between grows with everything that is posted, whatever the
// receivers do. The receiver sees the Labhook-Event-Id.
type latencies struct {
	mu     sync.Mutex
	events map[string]*moments
}

// moments are when an event was posted, accepted and received; zero: not yet.
type moments struct{ posted, accepted, received time.Time }

func newLatencies() *latencies { return &latencies{events: map[string]*moments{}} }

func (l *latencies) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now, id := time.Now(), r.Header.Get("Labhook-Event-Id")
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.events[id]; e != nil && e.received.IsZero() {
		e.received = now
	}
}

// measure calls post, which posts an event of that id.
func (l *latencies) measure(id string, post func()) {
	e := &moments{posted: time.Now()}
	l.mu.Lock()
	l.events[id] = e
	l.mu.Unlock()
	post()
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e.accepted = now
}

// p99 returns the 99th percentiles in ms since the last call, from posted to received and from accepted to received. What
// has not arrived counts as long as it has been under way.
func (l *latencies) p99() (posted, accepted float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var fromPosted, fromAccepted []time.Duration
	for _, e := range l.events {
		if e.received.IsZero() {
			e.received = now
		}
		fromPosted = append(fromPosted, e.received.Sub(e.posted))
		fromAccepted = append(fromAccepted, max(0, e.received.Sub(e.accepted)))
	}
	clear(l.events)
	of := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)*99/100].Microseconds()) / 1000
	}
	return of(fromPosted), of(fromAccepted)
}

// ratios collects the percentiles of the rounds before and beside what disturbs, and reports their medians.
type ratios struct{ posted, accepted [2][]float64 }

const before, beside = 0, 1

func (r *ratios) add(when int, posted, accepted float64) {
	r.posted[when] = append(r.posted[when], posted)
	r.accepted[when] = append(r.accepted[when], accepted)
}

func (r *ratios) report(b *testing.B) {
	b.Helper()
	for _, kind := range []struct {
		prefix string
		of     *[2][]float64
	}{{"", &r.accepted}, {"posted-", &r.posted}} {
		x, y := median(kind.of[before]), median(kind.of[beside])
		b.ReportMetric(x, kind.prefix+"p99-before-ms")
		b.ReportMetric(y, kind.prefix+"p99-beside-ms")
		b.ReportMetric(y/x, kind.prefix+"ratio")
	}
}

// steadily calls post at a rate of so many a second for a time, each call on a goroutine of its own. As with events of
// people, the moments are random: evenly spaced ones of several kinds would all meet, or never.
func steadily(rate int, span time.Duration, post func(i int)) {
	var posts sync.WaitGroup
	next := time.Now()
	for i := range int(span.Seconds() * float64(rate)) {
		next = next.Add(time.Duration(rand.ExpFloat64() * float64(time.Second) / float64(rate)))
		time.Sleep(time.Until(next))
		posts.Go(func() { post(i) })
	}
	posts.Wait()
}

// BenchmarkSlowReceivers has 100 healthy webhooks at a steady rate, and then beside them 100 whose receivers hang and 100
// whose receivers refuse, at the same rate each. It reports the ratio of the healthy ones' p99 from accepted to received,
// with them to without, and the same from posted to received: medians of five rounds each.
func BenchmarkSlowReceivers(b *testing.B) {
	asServed(b)
	l := openLine(b, b.TempDir(), "FULL", nil, nil)
	healthy := newLatencies()
	answering := httptest.NewServer(healthy)
	over := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	b.Cleanup(answering.Close)
	b.Cleanup(hanging.Close)
	b.Cleanup(func() { close(over) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	refusing := "http://" + listener.Addr().String()
	listener.Close()

	const each = 100
	consumers := map[string][]engine.ConsumerID{}
	for kind, url := range map[string]string{"healthy": answering.URL, "hanging": hanging.URL, "refusing": refusing} {
		for range each {
			l.addConsumer()
			l.webhook(kind, url, func(w *engine.Webhook) { w.Timeout = 10 * time.Second })
			consumers[kind] = append(consumers[kind], l.consumer.ID)
		}
	}
	n := 0
	post := func(kind string, i, n int) {
		e := engine.Event{SenderID: fmt.Sprint(kind, "-", n, "-", i), Type: engine.LabScored, ConsumerID: consumers[kind][i%each], Data: engine.SampleLabDetails().Body()}
		accept := func() {
			if _, err := l.engine.Accept(b.Context(), &e); err != nil {
				b.Error(err)
			}
		}
		if kind == "healthy" {
			healthy.measure(e.SenderID, accept)
		} else {
			accept()
		}
	}
	const rate = 100 // events a second of each kind
	round := func(span time.Duration, kinds ...string) (posted, accepted float64) {
		n++
		number := n
		var posts sync.WaitGroup
		for _, kind := range kinds {
			posts.Go(func() { steadily(rate, span, func(i int) { post(kind, i, number) }) })
		}
		posts.Wait()
		time.Sleep(50 * time.Millisecond)
		return healthy.p99()
	}
	round(2*time.Second, "healthy")
	for b.Loop() {
		var r ratios
		for when, kinds := range [][]string{{"healthy"}, {"healthy", "hanging", "refusing"}} {
			// Not in turns: what hangs goes on hanging after its round. One long round: of few events the 99th percentile is
			// an accident.
			posted, accepted := round(20*time.Second, kinds...)
			r.add(when, posted, accepted)
		}
		r.report(b)
	}
}

// BenchmarkDeadBacklog has a million deliveries wait for a dead receiver, and live traffic beside them. It reports the
// memory that the process holds then, and the ratio of the live p99 from accepted to received, with the backlog to before;
// and the same from posted to received.
func BenchmarkDeadBacklog(b *testing.B) {
	asServed(b)
	l := openLine(b, b.TempDir(), "OFF", nil, nil)
	live := newLatencies()
	answering := httptest.NewServer(live)
	b.Cleanup(answering.Close)
	l.webhook("live", answering.URL, nil)
	alive := l.consumer.ID
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	listener.Close()
	l.addConsumer()
	l.webhook("dead", "http://"+listener.Addr().String(), func(w *engine.Webhook) {
		w.RetryPolicy, w.Retries = engine.SkilljarPolicy.Name, engine.SkilljarPolicy.Retries
	})
	n := 0
	round := func() (posted, accepted float64) {
		n++
		number := n
		steadily(200, 5*time.Second, func(i int) {
			e := engine.Event{SenderID: fmt.Sprint(number, "-", i), Type: engine.LabScored, ConsumerID: alive, Data: engine.SampleLabDetails().Body()}
			live.measure(e.SenderID, func() {
				if _, err := l.engine.Accept(b.Context(), &e); err != nil {
					b.Error(err)
				}
			})
		})
		time.Sleep(50 * time.Millisecond)
		return live.p99()
	}
	round()
	for b.Loop() {
		var r ratios
		rounds := func(when int) {
			for range 5 {
				posted, accepted := round()
				r.add(when, posted, accepted)
			}
		}
		rounds(before)
		const waiting, workers = 1_000_000, 64
		var posts sync.WaitGroup
		for range workers {
			posts.Go(func() {
				for range waiting / workers {
					l.accept(&engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().Body()})
				}
			})
		}
		posts.Wait()
		rounds(beside)
		r.report(b)
		b.ReportMetric(residentMB(b), "resident-MB")
	}
}

// asServed gives the benchmark the threads that the server has.
func asServed(b *testing.B) {
	b.Helper()
	threads := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(threads + db.WriterThreads)
	b.Cleanup(func() { runtime.GOMAXPROCS(threads) })
}

// residentMB returns the memory that the process holds now.
func residentMB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	return 0
}
