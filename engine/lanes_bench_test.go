package engine_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
)

// line is an engine with a store and a consumer of its own, for benchmarks.
type line struct {
	*testing.B
	store    *db.Store
	engine   *engine.Engine
	consumer engine.APIConsumer
}

// openLine starts an engine on a store in dir; watch, unless nil, stands between them.
func openLine(b *testing.B, dir, synchronous string, transport http.RoundTripper, watch func(engine.Store) engine.Store) *line {
	b.Helper()
	store, err := db.Open(b.Context(), db.Options{Dir: dir, Synchronous: synchronous})
	if err != nil {
		b.Fatal(err)
	}
	l := &line{B: b, store: store}
	l.addConsumer()
	watched := engine.Store(store)
	if watch != nil {
		watched = watch(store)
	}
	l.engine = engine.New(engine.Config{
		Guard: enginetest.Guard(),
		Log:   slog.New(slog.DiscardHandler), Transport: transport, Grace: time.Millisecond,
	}, watched)
	if err := l.engine.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.engine.Stop(context.Background()); err != nil {
			b.Error(err)
		}
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

// addConsumer makes the consumer that the line is for from here on.
func (l *line) addConsumer() {
	l.Helper()
	var err error
	l.consumer, err = l.store.CreateConsumer(l.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	if err != nil {
		l.Fatal(err)
	}
}

func (l *line) webhook(name, url string, change func(*engine.Webhook)) {
	l.Helper()
	w := engine.NewWebhook(l.consumer.ID)
	w.Name, w.URL, w.Events = name, url, []string{engine.LabScored}
	if change != nil {
		change(&w)
	}
	if _, err := l.store.CreateWebhook(l.Context(), engine.System, w); err != nil {
		l.Fatal(err)
	}
}

// accept posts an event for the line's consumer.
func (l *line) accept(e *engine.Event) {
	e.ConsumerID = l.consumer.ID
	if _, err := l.engine.Accept(context.Background(), e); err != nil {
		l.Error(err)
	}
}

// recorded is a store that tells of every outcome that is on disk.
type recorded struct {
	engine.Store
	outcomes *sync.WaitGroup
}

func (s recorded) RecordAttempt(r engine.Record, done func(engine.Delivery, error)) {
	s.Store.RecordAttempt(r, func(d engine.Delivery, err error) {
		done(d, err)
		s.outcomes.Done()
	})
}

// agreeable answers 200 at once, without a network.
type agreeable struct{}

func (agreeable) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	return &http.Response{Proto: "HTTP/1.1", StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func dropSubjects(b *testing.B, dir string) {
	b.Helper()
	file, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "labhook.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ExecContext(b.Context(), "DROP INDEX events_subject"); err != nil {
		b.Fatal(err)
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkLaneFree measures what lanes cost where nothing blocks: the time from the first event posted to the last
// outcome on disk, for events that are about a lab instance. Its yardstick, in the same run and by turns, is the same
// for events that are about nothing, which have no lane; "elsewhere" is a consumer that has a blocking webhook for
// another event, so that it may have lanes. The disk is not waited for, as it would hide the difference; and the index
// of events by subject is dropped, which the search for lab instances needs and lanes do not.
//
//	go test ./engine -run '^$' -bench LaneFree -benchtime 40x
func BenchmarkLaneFree(b *testing.B) {
	const events, posters = 2000, 64
	var outcomes sync.WaitGroup
	dir := b.TempDir()
	free := openLine(b, dir, "OFF", agreeable{}, func(s engine.Store) engine.Store { return recorded{s, &outcomes} })
	dropSubjects(b, dir)
	free.webhook("scores", "http://receiver.example/hook", nil)
	elsewhere := *free
	elsewhere.addConsumer()
	elsewhere.webhook("scores", "http://receiver.example/hook", nil)
	elsewhere.webhook("gate", "http://receiver.example/gate", func(w *engine.Webhook) { w.Blocking, w.Events = true, []string{engine.LabPreBuild} })
	lab := engine.SampleLabDetails()
	var labs atomic.Int64
	round := func(l *line, about bool) float64 {
		data := make([][]byte, events)
		for i := range data {
			values := map[string]any{"Id": labs.Add(1) % 500, "UserId": nil}
			if !about {
				values = map[string]any{"Id": nil, "UserId": labs.Add(1) % 500} // as many bytes
			}
			data[i] = lab.With(values).Body()
		}
		outcomes.Add(events)
		var posting sync.WaitGroup
		began := time.Now()
		for p := range posters {
			posting.Go(func() {
				for i := p; i < events; i += posters {
					l.accept(&engine.Event{Type: engine.LabScored, Data: data[i]})
				}
			})
		}
		posting.Wait()
		outcomes.Wait()
		return time.Since(began).Seconds()
	}
	var without, with, beside, ratio, ratioBeside []float64
	for b.Loop() {
		// Forth and back, so that what slows down evenly cancels out.
		n, w, e := round(free, false), round(free, true), round(&elsewhere, true)
		e += round(&elsewhere, true)
		w += round(free, true)
		n += round(free, false)
		without, with, beside = append(without, n), append(with, w), append(beside, e)
		ratio, ratioBeside = append(ratio, w/n), append(ratioBeside, e/w)
	}
	b.ReportMetric(2*events/median(without), "events/s-without")
	b.ReportMetric(2*events/median(with), "events/s-with")
	b.ReportMetric(2*events/median(beside), "events/s-elsewhere")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(ratioBeside), "ratio-elsewhere")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkHeldLanes measures how long an event takes from being posted to its receiver, over HTTP, while ten of a
// thousand lanes are held by a receiver that never answers, with a thousand events behind each gate. Its yardstick, in
// the same run and by turns, is an engine without the ten.
//
//	go test ./engine -run '^$' -bench HeldLanes -benchtime 12x
func BenchmarkHeldLanes(b *testing.B) {
	const lanes, held, behind = 1000, 10, 1000
	var arrived sync.Map // by event id
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived.Store(r.Header.Get("Labhook-Event-Id"), time.Now())
	}))
	b.Cleanup(receiver.Close)
	hang := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	b.Cleanup(func() { close(hang); dead.Close() })

	lab := engine.SampleLabDetails()
	about := func(id int) []byte { return lab.With(map[string]any{"Id": id}).Body() }
	open := func() *line {
		l := openLine(b, b.TempDir(), "FULL", nil, nil)
		l.webhook("dead", dead.URL, func(w *engine.Webhook) {
			w.Blocking, w.Timeout, w.Retries, w.Events = true, engine.MaxTimeout, 5, []string{engine.LabPreBuild}
		})
		l.webhook("scores", receiver.URL, func(w *engine.Webhook) { w.Blocking = true })
		return l
	}
	free, holding := open(), open()
	for id := range held {
		holding.accept(&engine.Event{Type: engine.LabPreBuild, Data: about(id)})
		var posting sync.WaitGroup
		for range 50 {
			posting.Go(func() {
				for range behind / 50 {
					holding.accept(&engine.Event{Type: engine.LabScored, Data: about(id)})
				}
			})
		}
		posting.Wait()
	}
	var posted atomic.Int64
	round := func(l *line) float64 {
		type mark struct {
			name string
			at   time.Time
		}
		marks := make(chan mark, lanes)
		var posting sync.WaitGroup
		pace := time.NewTicker(2 * time.Millisecond)
		defer pace.Stop()
		for id := held; id < lanes; id++ {
			<-pace.C
			posting.Go(func() {
				m := mark{fmt.Sprintf("e%d", posted.Add(1)), time.Now()}
				l.accept(&engine.Event{SenderID: m.name, Type: engine.LabScored, Data: about(id)})
				marks <- m
			})
			if l == holding && id%100 == 0 {
				l.accept(&engine.Event{Type: engine.LabScored, Data: about(id / 100 % held)}) // the lanes that are held go on growing
			}
		}
		posting.Wait()
		close(marks)
		var took []time.Duration
		for m := range marks {
			for {
				if at, ok := arrived.LoadAndDelete(m.name); ok {
					took = append(took, at.(time.Time).Sub(m.at))
					break
				}
				time.Sleep(time.Millisecond)
			}
		}
		slices.Sort(took)
		return took[len(took)*99/100].Seconds()
	}
	round(free) // connections, statements
	round(holding)
	var without, with, ratio []float64
	for n := 0; b.Loop(); n++ {
		var f, h float64
		if n%2 == 0 {
			f, h = round(free), round(holding)
		} else {
			h, f = round(holding), round(free)
		}
		without, with, ratio = append(without, f), append(with, h), append(ratio, h/f)
	}
	b.ReportMetric(1000*median(without), "ms-p99-without")
	b.ReportMetric(1000*median(with), "ms-p99-with")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(0, "ns/op")
}
