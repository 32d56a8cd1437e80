package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"labhook/engine"
)

// bulkChunk is how many deliveries Load writes in one transaction.
const bulkChunk = 100_000

// maxBulkDensity is how many deliveries Load makes for a millisecond at most: ids tell so many apart with some to spare.
const maxBulkDensity = 10_000

// Bulk describes deliveries that Load makes, each of an event of its own. Their webhooks take turns.
type Bulk struct {
	Rows     int
	Webhooks []engine.WebhookID // which listen to one type each
	// State is engine.StateScheduled: none was attempted; engine.StateRetrying: nobody answered the first attempt; or
	// empty: all have ended, of a hundred one cancelled, two failed, three delivered with the second attempt and the
	// others with the first.
	State engine.DeliveryState
	// The events were accepted at even distances from From to Until, and what waits is due from DueFrom to DueUntil.
	From, Until, DueFrom, DueUntil time.Time
	// An event's data is Head, First and its place plus a thousand million, Middle, First and its place in 12 digits, a
	// dot, the time at which it is due, or else was accepted, in 19 digits of nanoseconds since 1970, and Tail.
	First              int64
	Head, Middle, Tail string
}

// Load fills a database with deliveries as they would stand there, faster than they could be sent and at the price of
// all that keeps a database safe: it is for measurements. After an error the database is good for nothing, and without one
// it may not be on the disk yet. Nobody may have it open, else the error is ErrServed. progress is told how many deliveries
// are there.
func Load(ctx context.Context, dir string, b Bulk, progress func(rows int)) (err error) {
	if span := b.Until.Sub(b.From); b.Rows <= 0 || len(b.Webhooks) == 0 || int64(b.Rows) > max(1, span.Milliseconds())*maxBulkDensity {
		return fmt.Errorf("load deliveries: %d in %s for %d webhooks is not possible", b.Rows, span, len(b.Webhooks))
	}
	lock, err := lockDir(filepath.Join(dir, lockFileName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	file, _ := dsn(filepath.Join(dir, fileName), "")
	pool, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1) // the settings and the tables below belong to the connection
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := b.prepare(ctx, pool); err != nil {
		return fmt.Errorf("load deliveries: %w", err)
	}
	for from := 0; from < b.Rows; from += bulkChunk {
		to := min(b.Rows, from+bulkChunk)
		if err := b.write(ctx, pool, from, to); err != nil {
			return fmt.Errorf("load deliveries %d to %d: %w", from, to, err)
		}
		progress(to)
	}
	return nil
}

// prepare makes the connection fast and careless, and the tables that the statements of a chunk read.
func (b *Bulk) prepare(ctx context.Context, pool *sql.DB) error {
	for _, statement := range []string{
		"PRAGMA journal_mode = DELETE", // no other mode but this one can be reached from the write-ahead log
		"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -131072", bulkTables,
	} {
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	ids, err := json.Marshal(numbers(b.Webhooks))
	if err != nil {
		return err
	}
	done, err := pool.ExecContext(ctx, bulkWebhooks, sql.Named("webhooks", string(ids)))
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != int64(len(b.Webhooks)) {
		return errors.Join(err, fmt.Errorf("%d of %d webhooks are there", n, len(b.Webhooks)))
	}
	return nil
}

func numbers(ids []engine.WebhookID) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

// write makes a chunk in one transaction.
func (b *Bulk) write(ctx context.Context, pool *sql.DB, from, to int) error {
	t, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }() // after the commit it does nothing
	due := func(at time.Time) any {
		if b.State == "" {
			return nil
		}
		return at.UnixMilli()
	}
	args := []any{
		sql.Named("from", from), sql.Named("to", to), sql.Named("rows", b.Rows), sql.Named("hooks", len(b.Webhooks)),
		sql.Named("since", b.From.UnixMilli()), sql.Named("until", b.Until.UnixMilli()), sql.Named("epoch", b.From.UnixMilli()-engine.IDAt(b.From)>>20),
		sql.Named("due", due(b.DueFrom)), sql.Named("last_due", due(b.DueUntil)), sql.Named("state", string(b.State)),
		sql.Named("first", b.First), sql.Named("head", b.Head), sql.Named("middle", b.Middle), sql.Named("tail", b.Tail),
	}
	for _, statement := range []string{"DELETE FROM temp.bulk", bulkRows, bulkEvents, bulkDeliveries, bulkAttempts, bulkHours} {
		if _, err := t.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	return t.Commit()
}
