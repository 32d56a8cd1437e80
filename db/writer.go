package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"labhook/engine"

	"zombiezen.com/go/sqlite"
)

const (
	// maxGroup is how many operations share a commit at most.
	maxGroup = 512
	// maxWaiting is how many operations may wait for the writer; more are held up where they are asked for.
	maxWaiting = 4096
	// patience is how long a patient operation waits for others to share a commit with.
	patience = 10 * time.Millisecond
)

// WriterThreads is how many threads the writer keeps waiting for the disk: a process that opens a store is best given as
// many more than it has processors.
const WriterThreads = 1

// operation is one change of the database. Operations of one group share a transaction, yet each succeeds or fails
// by itself. run may be called again after its effects were rolled back: it must not change anything but the
// transaction and the variables it assigns its results to.
type operation struct {
	run func(*tx) error
	// done is called once, after the commit or with the error of the operation.
	done func(error)
	// patient: nobody waits for the answer, so the commit may wait for company.
	patient bool
	// outside: run must be called outside of a transaction.
	outside bool
}

// writer owns the only connection that writes. Its goroutine takes whatever operations wait, runs them in one
// transaction, commits once and then answers all: under load a hundred requests pay for one sync of the disk.
type writer struct {
	store   *Store
	conn    *sqlite.Conn
	queue   chan operation
	stopped chan struct{}
	commits atomic.Int64
	trouble atomic.Pointer[error] // why the latest group could not be stored; nil: it was

	mu     sync.RWMutex // held for reading while an operation is queued
	closed bool
}

func startWriter(s *Store, synchronous string) (*writer, error) {
	conn, err := openWriting(s.path, synchronous)
	if err != nil {
		return nil, fmt.Errorf("start writer: %w", err)
	}
	w := &writer{store: s, conn: conn, queue: make(chan operation, maxWaiting), stopped: make(chan struct{})}
	go w.loop()
	return w, nil
}

// do runs an operation and waits for its commit. When ctx ends before, do returns its error, but the operation
// runs all the same.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.wait(ctx, operation{run: run})
}

// change runs an operation that has a result. The result is not touched when ctx ended before the commit: the
// operation may still be about to write it.
func change[T any](ctx context.Context, w *writer, run func(*tx) (T, error)) (T, error) {
	var result, none T
	err := w.do(ctx, func(t *tx) (err error) {
		result, err = run(t)
		return err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

func (w *writer) wait(ctx context.Context, op operation) error {
	answer := make(chan error, 1)
	op.done = func(err error) { answer <- err }
	if err := w.submit(ctx, op); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// submit queues an operation; its done is not called when submit returns an error.
func (w *writer) submit(ctx context.Context, op operation) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return engine.ErrStopping
	}
	select {
	case w.queue <- op:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop runs what waits, then ends the goroutine.
func (w *writer) stop() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.stopped
}

func (w *writer) loop() {
	defer close(w.stopped)
	timer := time.NewTimer(patience)
	timer.Stop()
	group := make([]operation, 0, maxGroup)
	for op := range w.queue {
		// Whoever is ready to run may be about to queue something: under load, groups are twice as large for that, and an
		// idle host runs on at once.
		runtime.Gosched()
		group = w.gather(append(group[:0], op), timer)
		w.run(group)
		clear(group) // lets go of what the closures hold
	}
}

// gather adds the operations that wait to group. While all of them are patient it waits for more.
func (w *writer) gather(group []operation, timer *time.Timer) []operation {
	patient := group[0].patient
	var over <-chan time.Time
	for len(group) < maxGroup {
		select {
		case op, open := <-w.queue:
			if !open {
				return group
			}
			group, patient = append(group, op), patient && op.patient
			continue
		default:
		}
		if !patient {
			break
		}
		if over == nil {
			timer.Reset(patience)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case op, open := <-w.queue:
			if !open {
				return group
			}
			group, patient = append(group, op), patient && op.patient
		case <-over:
			return group
		}
	}
	return group
}

// run answers every operation of the group.
func (w *writer) run(group []operation) {
	inside := make([]operation, 0, len(group))
	for _, op := range group {
		if op.outside {
			op.done(op.run(&tx{writer: w, now: time.Now()}))
		} else {
			inside = append(inside, op)
		}
	}
	for len(inside) > 0 {
		failed := w.commit(inside)
		if failed < 0 {
			return
		}
		// The operation failed half-way and everything was rolled back: the others start over without it.
		inside = append(inside[:failed], inside[failed+1:]...)
	}
}

// commit runs operations in one transaction and answers them. An operation that fails before it wrote anything is
// answered alone. When one fails after it wrote, the transaction is rolled back, only that one is answered, and
// commit returns its index for the others to be run again; else commit returns -1.
func (w *writer) commit(ops []operation) (failed int) {
	t := &tx{writer: w, now: time.Now(), directory: w.store.directory.Load(), cancelling: w.store.cancelling}
	errs := make([]error, len(ops))
	if _, err := t.do("BEGIN IMMEDIATE"); err != nil {
		return w.giveUp(ops, fmt.Errorf("begin: %w", err))
	}
	for i, op := range ops {
		before := t.savepoint()
		if errs[i] = t.attempt(op.run); errs[i] == nil {
			continue
		}
		if unwritable(errs[i]) {
			w.rollback(t)
			return w.giveUp(ops, errs[i])
		}
		if t.writes > before.writes {
			w.rollback(t)
			op.done(errs[i])
			return i
		}
		t.forget(before)
	}
	err := t.flushCounters()
	if err == nil {
		_, err = t.do("COMMIT")
	}
	if err != nil {
		w.rollback(t)
		return w.giveUp(ops, fmt.Errorf("commit: %w", err))
	}
	w.commits.Add(1)
	w.trouble.Store(nil)
	if t.directory != w.store.directory.Load() {
		w.store.directory.Store(t.directory)
		t.configChanged = true
	}
	w.store.cancelling = t.cancelling
	for _, hook := range t.hooks {
		hook()
	}
	t.tell(w.store.watcher)
	for i, op := range ops {
		op.done(errs[i])
	}
	return -1
}

// giveUp answers a whole group that could not be stored, and remembers why for Ping. It returns -1: nothing is left
// to run.
func (w *writer) giveUp(ops []operation, err error) int {
	if unwritable(err) {
		err = fmt.Errorf("%w: %w", engine.ErrUnwritable, err)
		if w.trouble.Swap(&err) == nil {
			w.store.log.Error("database cannot be written", "error", err)
		}
	}
	for _, op := range ops {
		op.done(err)
	}
	return -1
}

// rollback ends the transaction. It fails when SQLite has done so by itself, which is as good.
func (w *writer) rollback(t *tx) { _, _ = t.do("ROLLBACK") }

// tx is the transaction that an operation runs in. Statements run without a context: one that is cancelled half-way
// would take its neighbours with it.
type tx struct {
	writer *writer
	// now is the time of everything that the transaction writes and that was not given a time.
	now time.Time
	// directory is the configuration as the transaction sees it, published after the commit.
	directory *engine.Directory
	// cancelling is what is left to be cancelled as the transaction sees it; a change makes a new map.
	cancelling map[engine.WebhookID]cancellation

	writes   int
	counters map[counterKey]*counter
	again    map[counterKey]engine.Counts // what does not count any more
	hooks    []func()
	aftermath
}

// savepoint remembers what an operation may leave behind in memory.
func (t *tx) savepoint() tx { return *t }

// forget drops what an operation that wrote nothing has left behind.
func (t *tx) forget(before tx) { *t = before }

// attempt runs one operation; a panic becomes its error, so that the writer lives on.
func (t *tx) attempt(run func(*tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.writes++ // who knows what it did
			err = fmt.Errorf("panic in a database operation: %v\n%s", p, debug.Stack())
		}
	}()
	return run(t)
}

// onCommit calls hook after the commit and before any operation is answered.
func (t *tx) onCommit(hook func()) { t.hooks = append(t.hooks, hook) }

// do runs a statement and returns how many rows it changed.
func (t *tx) do(query string, args ...any) (int64, error) {
	n, err := run(t.writer.conn, query, args...)
	if err == nil && n > 0 {
		t.writes++
	}
	return n, err
}

// exec runs a statement whose number of changed rows does not matter.
func (t *tx) exec(query string, args ...any) error {
	_, err := t.do(query, args...)
	return err
}

// get reads one row within the transaction; engine.ErrNotFound when there is none.
func get[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) (v T, err error) {
	err = first(t.writer.conn, func(row scanner) (err error) {
		v, err = scan(row)
		return err
	}, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		err = engine.ErrNotFound
	}
	return v, err
}

// find reads all rows within the transaction.
func find[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	return findUntil(t, scan, func(T) bool { return false }, query, args...)
}

// findUntil reads rows within the transaction up to and including the first one that is the last.
func findUntil[T any](t *tx, scan func(scanner) (T, error), last func(T) bool, query string, args ...any) (list []T, err error) {
	err = each(t.writer.conn, func(row scanner) (more bool, err error) {
		v, err := scan(row)
		if err != nil {
			return false, err
		}
		list = append(list, v)
		return !last(v), nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// exists reports whether the query has a row.
func exists(t *tx, query string, args ...any) (bool, error) {
	_, err := get(t, number, query, args...)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
