package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// Room is what the database takes on the disk, and how it grows.
type Room struct {
	Size      int64 // bytes of the file and its write-ahead log
	Reused    int64 // bytes of the file that are free to be used again
	Oldest    time.Time
	OldestLog time.Time // entry of the audit log
	// PerDay is how many bytes a day of events takes at the pace of the last week, and BodiesPerDay how many of those are
	// bodies; both are estimates. Deliveries is how many there were a day.
	PerDay, BodiesPerDay int64
	Deliveries           int64
}

const (
	roomSample = 200 // events whose size is measured
	roomDays   = 7
	// Bytes that a row takes beside its texts and bodies, with its entries in indexes.
	eventOverhead, deliveryOverhead, attemptOverhead = 200, 350, 150
)

// Room measures the database. It reads the newest events and the totals of a week, however much there is.
func (s *Store) Room(ctx context.Context, now time.Time) (r Room, err error) {
	if r.Size, err = s.Size(); err != nil {
		return r, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT f.freelist_count * p.page_size FROM pragma_freelist_count AS f, pragma_page_size AS p").Scan(&r.Reused)
	if err != nil {
		return r, fmt.Errorf("measure database: %w", err)
	}
	for query, into := range map[string]*time.Time{selectOldestEvent: &r.Oldest, selectOldestAudit: &r.OldestLog} {
		if *into, err = one(s.read.QueryRowContext(ctx, query), scanTimeOnly); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return r, fmt.Errorf("measure database: %w", err)
		}
	}
	week := now.Add(-roomDays * 24 * time.Hour)
	if err := s.read.QueryRowContext(ctx, selectEndedCount, week.UnixMilli()).Scan(&r.Deliveries); err != nil {
		return r, fmt.Errorf("count deliveries: %w", err)
	}
	days := int64(roomDays)
	if age := now.Sub(r.Oldest); age < roomDays*24*time.Hour {
		days = max(1, int64(age/(24*time.Hour)))
	}
	r.Deliveries /= days
	var deliveries, rows, bodies int64
	if err := s.read.QueryRowContext(ctx, selectSample, roomSample).Scan(&deliveries, &rows, &bodies); err != nil {
		return r, fmt.Errorf("measure database: %w", err)
	}
	if deliveries > 0 {
		r.PerDay, r.BodiesPerDay = (rows+bodies)*r.Deliveries/deliveries, bodies*r.Deliveries/deliveries
	}
	return r, nil
}

const (
	selectOldestEvent = "SELECT accepted_at FROM events NOT INDEXED ORDER BY id LIMIT 1"
	selectOldestAudit = "SELECT at FROM audit NOT INDEXED ORDER BY id LIMIT 1"
	// selectEndedCount counts the deliveries that ended in the hours since a time.
	selectEndedCount = "SELECT coalesce(sum(delivered + failed), 0) FROM hourly WHERE hour >= ?"
)

// selectSample sums up the newest events: how many deliveries they have, and the bytes of rows and of bodies.
var selectSample = fmt.Sprintf(`WITH sample AS (SELECT id, length(data) AS body FROM events NOT INDEXED ORDER BY id DESC LIMIT ?),
	sent AS (SELECT d.id FROM sample CROSS JOIN deliveries d INDEXED BY deliveries_event ON d.event = sample.id),
	made AS (SELECT length(a.request_headers) + length(a.url) + coalesce(length(a.answer_headers), 0) AS head,
			coalesce(length(a.request_body), 0) + coalesce(length(a.answer_body), 0) AS body
		FROM sent CROSS JOIN attempts a ON a.delivery = sent.id)
	SELECT (SELECT count(*) FROM sent),
		(SELECT count(*) FROM sample) * %d + (SELECT count(*) FROM sent) * %d + (SELECT count(*) * %d + coalesce(sum(head), 0) FROM made),
		(SELECT coalesce(sum(body), 0) FROM sample) + (SELECT coalesce(sum(body), 0) FROM made)`, eventOverhead, deliveryOverhead, attemptOverhead)
