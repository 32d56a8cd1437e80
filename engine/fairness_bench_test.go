package engine_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"labhook/engine"
)

// latencies measures how long events take from being posted to arriving. The receiver sees the Labhook-Event-Id.
type latencies struct {
	mu     sync.Mutex
	posted map[string]time.Time
	took   []time.Duration
}

func (l *latencies) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now, id := time.Now(), r.Header.Get("Labhook-Event-Id")
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.posted[id]; ok {
		l.took = append(l.took, now.Sub(at))
		delete(l.posted, id)
	}
}

func (l *latencies) begin(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted[id] = time.Now()
}

// p99 returns the 99th percentile since the last call. What has not arrived counts as long as it has been under way.
func (l *latencies) p99() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.took
	for _, at := range l.posted {
		took = append(took, time.Since(at))
	}
	l.took, l.posted = nil, map[string]time.Time{}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// steadily calls post at a rate of so many a second for a time, each call on a goroutine of its own.
func steadily(rate int, span time.Duration, post func(i int)) {
	var posts sync.WaitGroup
	start := time.Now()
	for i := range int(span.Seconds() * float64(rate)) {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		posts.Go(func() { post(i) })
	}
	posts.Wait()
}

// BenchmarkSlowReceivers has 100 healthy webhooks at a steady rate, and then beside them 100 whose receivers hang and 100
// whose receivers refuse, at the same rate each. It reports the ratio of the healthy ones' p99 from posted to received,
// with them to without: medians of five rounds each.
func BenchmarkSlowReceivers(b *testing.B) {
	l := openLine(b, b.TempDir(), "FULL", nil, nil)
	healthy := &latencies{posted: map[string]time.Time{}}
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
		if kind == "healthy" {
			healthy.begin(e.SenderID)
		}
		if _, err := l.engine.Accept(b.Context(), &e); err != nil {
			b.Error(err)
		}
	}
	const rate = 100 // events a second of each kind
	round := func(span time.Duration, kinds ...string) float64 {
		n++
		number := n
		var posts sync.WaitGroup
		for _, kind := range kinds {
			posts.Go(func() { steadily(rate, span, func(i int) { post(kind, i, number) }) })
		}
		posts.Wait()
		time.Sleep(50 * time.Millisecond)
		return float64(healthy.p99().Microseconds()) / 1000
	}
	round(2*time.Second, "healthy")
	for b.Loop() {
		var alone, beside []float64
		for range 5 { // not in turns: what hangs goes on hanging after its round
			alone = append(alone, round(5*time.Second, "healthy"))
		}
		for range 5 {
			beside = append(beside, round(5*time.Second, "healthy", "hanging", "refusing"))
		}
		b.ReportMetric(median(alone), "p99-alone-ms")
		b.ReportMetric(median(beside), "p99-beside-ms")
		b.ReportMetric(median(beside)/median(alone), "ratio")
	}
}

// BenchmarkDeadBacklog has a million deliveries wait for a dead receiver, and live traffic beside them. It reports the
// memory that the process holds then, and the ratio of the live p99 from posted to received, with the backlog to before.
func BenchmarkDeadBacklog(b *testing.B) {
	l := openLine(b, b.TempDir(), "OFF", nil, nil)
	live := &latencies{posted: map[string]time.Time{}}
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
	round := func() float64 {
		n++
		number := n
		steadily(200, 5*time.Second, func(i int) {
			e := engine.Event{SenderID: fmt.Sprint(number, "-", i), Type: engine.LabScored, ConsumerID: alive, Data: engine.SampleLabDetails().Body()}
			live.begin(e.SenderID)
			if _, err := l.engine.Accept(b.Context(), &e); err != nil {
				b.Error(err)
			}
		})
		time.Sleep(50 * time.Millisecond)
		return float64(live.p99().Microseconds()) / 1000
	}
	rounds := func() float64 {
		var p99 []float64
		for range 5 {
			p99 = append(p99, round())
		}
		return median(p99)
	}
	round()
	for b.Loop() {
		before := rounds()
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
		after := rounds()
		b.ReportMetric(before, "p99-before-ms")
		b.ReportMetric(after, "p99-beside-ms")
		b.ReportMetric(after/before, "ratio")
		b.ReportMetric(residentMB(b), "resident-MB")
	}
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
