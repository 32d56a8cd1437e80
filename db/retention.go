package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

// How retention goes about its work: in small pieces, with the writer left to others in between.
const (
	retainLook   = 500 // events that one read looks at
	retainRows   = 500 // rows that one transaction deletes or empties, more or less
	retainEvents = 50  // events that one transaction deals with at most
	// retainRest is how many times as long as a transaction the pause after it is, within bounds.
	retainRest               = 3
	leastRest, mostRest      = 10 * time.Millisecond, time.Second
	retainWholly             = 24 * time.Hour // after which bodies are looked for from the first event on
	retentionKey             = "retention"
	retainedDeliveriesAtOnce = 50 // deliveries of one event that one transaction deletes
)

// storedRetention is an engine.Retention as its setting holds it, with where the bodies go on.
type storedRetention struct {
	engine.Retention
	// BodiesThrough is the event up to which bodies were deleted where they might; those that waited are found by looking
	// from the first event on, which was done at WhollyAt.
	BodiesThrough int64     `json:"bodies_through,omitempty"`
	WhollyAt      time.Time `json:"wholly_at,omitzero"`
}

// Retention returns what retention has done so far. It does not block.
func (s *Store) Retention() *engine.Retention { return &s.retention.Load().Retention }

func (s *Store) loadRetention(ctx context.Context) error {
	var stored storedRetention
	if err := s.settingJSON(ctx, retentionKey, &stored); err != nil {
		return fmt.Errorf("read retention: %w", err)
	}
	s.retention.Store(&stored)
	return nil
}

// Retain deletes what has been kept as long as the settings say, at now. When ctx ends it stops after the transaction that
// runs; the next call goes on. Every transaction leaves the database whole.
func (s *Store) Retain(ctx context.Context, now time.Time) error {
	run := retaining{Store: s, now: now, began: time.Now(), state: *s.retention.Load()}
	run.state.Deleted = engine.Purged{}
	err := run.all(ctx, s.Settings())
	if err != nil && ctx.Err() != nil {
		err, run.state.Deleted.Pending = nil, true
	}
	if err == nil && run.worth() {
		run.state.At, run.state.Took = now, time.Since(run.began)
		kept := context.WithoutCancel(ctx)
		err = s.writer.do(kept, func(t *tx) error {
			t.onCommit(func() { s.retention.Store(&run.state) })
			return s.saveSettingJSON(t, retentionKey, run.state)
		})
	}
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	return nil
}

// retaining is one run of retention.
type retaining struct {
	*Store
	now, began time.Time
	state      storedRetention
}

// worth reports whether there is something to remember of the run.
func (r *retaining) worth() bool {
	site := r.Settings()
	return site.KeepEvents+site.KeepBodies+site.KeepAudit+site.KeepTotals > 0
}

func (r *retaining) all(ctx context.Context, site *engine.SiteSettings) error {
	if site.KeepBodies > 0 {
		if err := r.bodies(ctx, r.now.Add(-site.KeepBodies)); err != nil {
			return err
		}
	}
	if site.KeepEvents > 0 {
		if err := r.events(ctx, r.now.Add(-site.KeepEvents)); err != nil {
			return err
		}
		if err := r.lanes(ctx); err != nil {
			return err
		}
	}
	if site.KeepAudit > 0 {
		if err := r.repeat(ctx, &r.state.Deleted.Audit, deleteAudit, r.now.Add(-site.KeepAudit).UnixMilli(), retainRows); err != nil {
			return err
		}
	}
	if site.KeepTotals > 0 {
		return r.totals(ctx, r.now.Add(-site.KeepTotals))
	}
	return nil
}

// bodies empties the events that ended before a time, and their attempts.
func (r *retaining) bodies(ctx context.Context, before time.Time) error {
	from := r.state.BodiesThrough
	if wholly := r.now.Sub(r.state.WhollyAt) >= retainWholly; wholly {
		from = 0
	}
	through, err := r.walk(ctx, from, before, func(c endedEvent) bool { return c.ended && c.gone.IsZero() },
		func(t *tx, id int64) (rows int, done bool, err error) { return emptyEvent(t, id, r.now) },
		&r.state.Deleted.Bodies)
	r.state.BodiesThrough = max(r.state.BodiesThrough, through)
	if err == nil && from == 0 {
		r.state.WhollyAt = r.now
	}
	return err
}

// events deletes the events that ended before a time, with their deliveries, attempts and gates.
func (r *retaining) events(ctx context.Context, before time.Time) error {
	_, err := r.walk(ctx, 0, before, func(c endedEvent) bool { return c.ended }, deleteEvent, &r.state.Deleted.Events)
	if r.state.Deleted.Events > 0 {
		r.state.Note(engine.EventID(engine.IDAt(before)), r.now)
	}
	return err
}

// endedEvent is an event that retention looks at.
type endedEvent struct {
	id    int64
	ended bool      // all of it ended before the time in question
	gone  time.Time // when its bodies were deleted; zero: they are there
}

func scanEnded(row scanner) (e endedEvent, err error) {
	var mark []byte
	err = row.Scan(&e.id, &e.ended, &mark)
	e.gone, _ = goneAt(mark)
	return e, err
}

// An event has ended before ?3 when it was accepted before it and each of its deliveries ended before it. The walk is along
// the primary key, which is in the order of time: ?1 and ?2 are the ids around it.
const (
	hasEnded = `e.accepted_at < ?3 AND NOT EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_event
		WHERE d.event = e.id AND (d.finished_at IS NULL OR d.finished_at >= ?3))`
	selectEnded = "SELECT e.id, " + hasEnded + ", CASE WHEN " + bodyGone + ` THEN e.data END FROM events e
		WHERE e.id > ?1 AND e.id < ?2 ORDER BY e.id LIMIT ?4`
	selectEndedOne = "SELECT e.id FROM events e WHERE e.id = ?1 AND " + hasEnded
)

// walk looks at the events after an id that may have ended before a time, and hands the ids of those that are wanted to
// change, which reports whether it is done with the event; if not it is called again. It returns the last id that was looked at.
func (r *retaining) walk(ctx context.Context, from int64, before time.Time, wanted func(endedEvent) bool,
	change func(t *tx, id int64) (rows int, done bool, err error), count *int,
) (through int64, err error) {
	for through = from; ; {
		page, err := list(ctx, r.Store, scanEnded, selectEnded, through, engine.IDAt(before), before.UnixMilli(), retainLook)
		if err != nil {
			return through, err
		}
		var ids []int64
		for _, c := range page {
			if wanted(c) {
				ids = append(ids, c.id)
			}
		}
		for len(ids) > 0 {
			done, err := r.piece(ctx, ids, before, change)
			if err != nil {
				return through, err
			}
			*count += done
			ids = ids[done:]
		}
		if len(page) == 0 {
			return through, nil
		}
		through = page[len(page)-1].id
	}
}

// piece changes the first of some events in one transaction, rests, and returns how many are done.
func (r *retaining) piece(ctx context.Context, ids []int64, before time.Time, change func(*tx, int64) (int, bool, error)) (int, error) {
	began := time.Now()
	done, err := changeFor(ctx, r.writer, func(t *tx) (done int, err error) {
		rows := 0
		for _, id := range ids[:min(len(ids), retainEvents)] {
			// A person may have sent something of it again meanwhile.
			still, err := exists(t, selectEndedOne, id, 0, before.UnixMilli())
			if err != nil {
				return done, err
			}
			if !still {
				done++
				continue
			}
			n, all, err := change(t, id)
			if err != nil {
				return done, err
			}
			if all {
				done++
			}
			if rows += n; rows >= retainRows || !all {
				return done, nil
			}
		}
		return done, nil
	})
	if err != nil {
		return done, err
	}
	return done, r.rest(ctx, time.Since(began))
}

// rest leaves the writer to others for a while; the error is that of ctx.
func (r *retaining) rest(ctx context.Context, took time.Duration) error {
	pause := time.NewTimer(min(max(leastRest, retainRest*took), mostRest))
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// emptyEvent deletes the bodies of an event: those of its attempts first, so that it is marked when all are gone.
func emptyEvent(t *tx, id int64, now time.Time) (rows int, done bool, err error) {
	n, err := t.do(emptyAttempts, id, retainRows)
	if err != nil || n == retainRows {
		return int(n), false, err
	}
	return int(n) + 1, true, t.exec("UPDATE events SET data = ? WHERE id = ?", goneMark(now), id)
}

const emptyAttempts = `UPDATE attempts SET request_body = NULL, answer_body = NULL WHERE id IN (
	SELECT a.id FROM deliveries d INDEXED BY deliveries_event CROSS JOIN attempts a ON a.delivery = d.id
	WHERE d.event = ? AND (a.request_body IS NOT NULL OR a.answer_body IS NOT NULL) LIMIT ?)`

// deleteEvent deletes deliveries of an event with all that belongs to them, and the event with the last of them.
func deleteEvent(t *tx, id int64) (rows int, done bool, err error) {
	ids, err := find(t, number, "SELECT id FROM deliveries INDEXED BY deliveries_event WHERE event = ? ORDER BY id LIMIT ?", id, retainedDeliveriesAtOnce)
	if err != nil {
		return 0, false, err
	}
	statements := []string{deleteAttemptsOf, deleteGatesOf, deleteDeliveries}
	if len(ids) == 0 {
		statements = nil
	}
	for _, statement := range statements {
		n, err := t.do(statement, jsonIDs(ids))
		if err != nil {
			return rows, false, err
		}
		rows += int(n)
	}
	if len(ids) == retainedDeliveriesAtOnce {
		return rows, false, nil
	}
	return rows + 1, true, t.exec("DELETE FROM events WHERE id = ?", id)
}

const (
	deleteAttemptsOf = "DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(?))"
	deleteGatesOf    = "DELETE FROM gates WHERE delivery IN (SELECT value FROM json_each(?))"
	deleteDeliveries = "DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(?))"
	deleteAudit      = "DELETE FROM audit WHERE id IN (SELECT id FROM audit INDEXED BY audit_at WHERE at < ? ORDER BY at LIMIT ?)"
)

// repeat runs a statement whose last argument bounds the rows that it deletes until there are no more.
func (r *retaining) repeat(ctx context.Context, count *int, statement string, args ...any) error {
	for {
		began := time.Now()
		n, err := changeFor(ctx, r.writer, func(t *tx) (int, error) {
			n, err := t.do(statement, args...)
			return int(n), err
		})
		if err != nil {
			return err
		}
		*count += n
		if n == 0 {
			return nil
		}
		if err := r.rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}

// changeFor is change for work that nobody waits for: it begins only while ctx lasts, and is then waited for.
func changeFor[T any](ctx context.Context, w *writer, run func(*tx) (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	return change(context.WithoutCancel(ctx), w, run)
}
