package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// pause makes the writer wait until the returned function is called: what is asked for meanwhile becomes one group.
func pause(t *testing.T, w *writer) (resume func()) {
	t.Helper()
	entered, gate := make(chan struct{}), make(chan struct{})
	must(t, w.submit(t.Context(), operation{
		outside: true,
		run:     func(*tx) error { close(entered); <-gate; return nil },
		done:    func(error) {},
	}))
	<-entered
	return func() { close(gate) }
}

// waitForQueue returns once n operations wait for a writer that is paused.
func waitForQueue(w *writer, n int) {
	for len(w.queue) < n {
		runtime.Gosched()
	}
}

// queue submits an operation and returns where its answer comes.
func queue(t *testing.T, w *writer, run func(*tx) error) <-chan error {
	t.Helper()
	answer := make(chan error, 1)
	must(t, w.submit(t.Context(), operation{run: run, done: func(err error) { answer <- err }}))
	return answer
}

// put is an operation that writes one row.
func put(key string) func(*tx) error {
	return func(t *tx) error { return t.exec("INSERT INTO settings (key, value) VALUES (?, x'00')", key) }
}

func (b *bench) hasKey(t *testing.T, key string) bool {
	t.Helper()
	n, err := list(t.Context(), b.Store, number, "SELECT 1 FROM settings WHERE key = ?", key)
	must(t, err)
	return len(n) > 0
}

func TestGroupSharesOneCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resume := pause(t, b.writer)
	const callers = 200
	before := b.writer.commits.Load()
	var answers []<-chan error
	for i := range callers {
		answers = append(answers, queue(t, b.writer, put(fmt.Sprint(i))))
	}
	resume()
	for _, answer := range answers {
		must(t, <-answer)
	}
	if commits := b.writer.commits.Load() - before; commits != 1 {
		t.Errorf("%d operations that waited together took %d commits, want 1", callers, commits)
	}
}

func TestConcurrentInsertsShareCommits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers = 64
	before := b.writer.commits.Load()
	resume := pause(t, b.writer)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { b.accept(t, b.webhook, engine.StateSending, time.Time{}) })
	}
	waitForQueue(b.writer, callers)
	resume()
	wg.Wait()
	if commits := b.writer.commits.Load() - before; commits != 1 {
		t.Errorf("%d events took %d commits, want 1", callers, commits)
	}
}

func TestFailureSparesNeighbours(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("no")
	tests := map[string]func(*tx) error{
		"before it wrote": func(*tx) error { return errOwn },
		"after it wrote": func(t *tx) error {
			return errors.Join(put("half")(t), errOwn)
		},
		"by a constraint": func(t *tx) error { return t.exec("INSERT INTO settings (key, value) VALUES ('', x'00')") },
		"by a panic":      func(t *tx) error { _ = put("half")(t); panic("lost") },
		"with bad SQL":    func(t *tx) error { return t.exec("INSERT INTO nowhere VALUES (1)") },
	}
	for name, failing := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			resume := pause(t, b.writer)
			var good []<-chan error
			good = append(good, queue(t, b.writer, put("first")))
			bad := queue(t, b.writer, failing)
			good = append(good, queue(t, b.writer, put("second")))
			worse := queue(t, b.writer, failing)
			good = append(good, queue(t, b.writer, put("third")))
			resume()
			for _, answer := range good {
				must(t, <-answer)
			}
			if <-bad == nil || <-worse == nil {
				t.Error("the failing operations were answered without an error")
			}
			for _, key := range []string{"first", "second", "third"} {
				if !b.hasKey(t, key) {
					t.Errorf("row %q is missing", key)
				}
			}
			if b.hasKey(t, "half") {
				t.Error("the failing operation left a row behind")
			}
		})
	}
}

func TestCommitThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resume := pause(t, b.writer)
	answers := []<-chan error{
		queue(t, b.writer, put("first")),
		// Some errors, such as a full disk, make SQLite end the transaction by itself.
		queue(t, b.writer, func(t *tx) error { return t.exec("ROLLBACK") }),
	}
	resume()
	for _, answer := range answers {
		if <-answer == nil {
			t.Error("an operation that was not committed was answered without an error")
		}
	}
	if b.hasKey(t, "first") {
		t.Error("a row was stored that was answered with an error")
	}
	must(t, b.writer.do(t.Context(), put("later")))
}

func TestFailureLeavesNothingInMemory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hooks := 0
	resume := pause(t, b.writer)
	failing := func(t *tx) error {
		t.onCommit(func() { hooks += 100 })
		t.directory = engine.NewDirectory()
		return errors.New("no")
	}
	answers := []<-chan error{
		queue(t, b.writer, failing),
		queue(t, b.writer, func(t *tx) error { t.onCommit(func() { hooks++ }); return put("row")(t) }),
		queue(t, b.writer, func(t *tx) error { return errors.Join(put("half")(t), failing(t)) }),
	}
	resume()
	for _, answer := range answers {
		<-answer
	}
	if hooks != 1 {
		t.Errorf("hooks ran to %d, want 1: only that of the operation that was committed, once", hooks)
	}
	if b.Directory().Consumer(b.consumer.ID) == nil {
		t.Error("the directory of an operation that failed was published")
	}
}

func TestDuplicatesWithinOneGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resume := pause(t, b.writer)
	const posts = 20
	var wg sync.WaitGroup
	results := make([]*engine.Event, posts)
	for i := range posts {
		wg.Go(func() {
			e := newEvent()
			e.SenderID = "order-1"
			e.Data = fmt.Appendf(nil, `{"n": %d}`, i)
			d := newDelivery(e, b.webhook, engine.StateQueued, start)
			known, err := insertAll(b, e, []engine.Delivery{d})
			if err != nil {
				t.Error(err)
			}
			results[i] = known
		})
	}
	resume()
	wg.Wait()
	stored, err := b.EventNamed(t.Context(), "order-1", 0)
	must(t, err)
	fresh := 0
	for _, known := range results {
		if known == nil {
			fresh++
		} else if known.ID != stored.ID || string(known.Data) != string(stored.Data) {
			t.Errorf("a duplicate got %s with %s, stored is %s with %s", known.ID, known.Data, stored.ID, stored.Data)
		}
	}
	if fresh != 1 {
		t.Errorf("%d of %d posts were stored, want 1", fresh, posts)
	}
	n, _, err := b.CountDeliveries(t.Context(), engine.DeliveryFilter{}, 100)
	must(t, err)
	if n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}

func TestCallerThatGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resume := pause(t, b.writer)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- b.writer.do(ctx, put("kept")) }()
	waitForQueue(b.writer, 1)
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	resume()
	must(t, b.writer.do(t.Context(), put("later")))
	if !b.hasKey(t, "kept") {
		t.Error("the operation of the caller that went away was not run")
	}
}

func TestCloseRunsWhatWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Synchronous: "OFF"})
	must(t, err)
	resume := pause(t, s.writer)
	answer := queue(t, s.writer, put("waiting"))
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	resume()
	must(t, <-answer)
	must(t, <-closed)
	if err := s.SetSetting(t.Context(), "late", "x"); !errors.Is(err, engine.ErrStopping) {
		t.Errorf("a write after Close fails with %v, want engine.ErrStopping", err)
	}
	done := make(chan error)
	s.RecordAttempt(engine.Record{}, func(_ engine.Delivery, err error) { done <- err })
	if err := <-done; !errors.Is(err, engine.ErrStopping) {
		t.Errorf("an outcome after Close fails with %v, want engine.ErrStopping", err)
	}
	must(t, s.Close()) // again is no error
}

func TestPatientOperations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Options{Dir: dir, Synchronous: "OFF"})
		must(t, err)
		defer func() { must(t, s.Close()) }()
		b := &bench{Store: s}
		b.consumer = b.newConsumer(t, "Lab platform")
		b.webhook = b.newWebhook(t, b.consumer.ID, "Gradebook")
		d := b.accept(t, b.webhook, engine.StateSending, time.Time{})

		began, before := time.Now(), s.writer.commits.Load()
		b.record(t, attempt(d, b.webhook, 1, 503))
		if waited := time.Since(began); waited != patience {
			t.Errorf("an outcome alone waited %s for company, want %s", waited, patience)
		}
		began = time.Now()
		must(t, s.SetSetting(t.Context(), "key", "value"))
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a request waited %s, want none", waited)
		}
		if commits := s.writer.commits.Load() - before; commits != 2 {
			t.Errorf("%d commits, want 2", commits)
		}
	})
}

func TestPanicNamesItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.writer.do(t.Context(), func(*tx) error { panic("lost") })
	if err == nil || !strings.Contains(err.Error(), "lost") || !strings.Contains(err.Error(), "writer_test.go") {
		t.Errorf("error is %v, want the panic with its stack", err)
	}
	must(t, b.writer.do(t.Context(), put("after")))
}
