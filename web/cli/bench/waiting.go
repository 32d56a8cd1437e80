package bench

import (
	"context"
	"fmt"
	"time"

	"labhook/db"
	"labhook/engine"
)

// LatenessRate is how many deliveries a second fall due while lateness is measured.
const LatenessRate = 1000

// What waits was accepted within the last hour, and is due within a day from an hour from now on.
const (
	acceptedWithin = time.Hour
	dueAfter       = time.Hour
	dueWithin      = 24 * time.Hour
)

// measureWaiting starts a server that has deliveries waiting for receivers that are not there, and one that is due for a
// receiver that is.
func (s *stage) measureWaiting(ctx context.Context, r *Result) error {
	at, err := s.open(ctx, "waiting", setting{webhooks: s.Fanout, dead: true, fill: func(ctx context.Context, at *site) error {
		now := time.Now()
		from := now.Add(-acceptedWithin)
		due := db.Bulk{
			Rows: 1, State: engine.StateRetrying, Webhooks: at.hooks[:1], From: from.Add(-time.Second), Until: from, DueFrom: now, DueUntil: now, First: s.next,
		}
		if err := at.load(ctx, due); err != nil {
			return err
		}
		return at.load(ctx, db.Bulk{
			Rows: s.Waiting, State: engine.StateRetrying, Webhooks: at.dead, From: from, Until: now,
			DueFrom: now.Add(dueAfter), DueUntil: now.Add(dueAfter + dueWithin), First: farNumber,
		})
	}})
	if err != nil {
		return err
	}
	got, err := s.arrivals(1, 1)
	if err != nil {
		return err
	}
	r.WaitingReadySeconds = at.server.readyAfter.Seconds()
	r.WaitingFirstSentSeconds = time.Unix(0, got.Last).Sub(at.server.started).Seconds()
	r.WaitingMB = residentMB(at.server.pid(), "VmRSS")
	if _, err := s.run(ctx, at, single, s.Span, 0); err != nil {
		return err
	}
	r.WaitingPeakMB = residentMB(at.server.pid(), "VmHWM")
	return at.stop()
}

// measureLateness lets deliveries fall due at even distances.
func (s *stage) measureLateness(ctx context.Context, r *Result) error {
	got, _, err := s.fallDue(ctx, "late", int(LatenessRate*s.Span.Seconds()), s.Span)
	r.LateP50, r.LateP99, r.LateMax = got.Latency.P50, got.Latency.P99, got.Latency.Max
	return err
}

// measureDrain lets very many deliveries fall due within a second.
func (s *stage) measureDrain(ctx context.Context, r *Result) error {
	got, begin, err := s.fallDue(ctx, "drain", s.Due, time.Second)
	if err != nil {
		return err
	}
	r.DrainSeconds = time.Unix(0, got.Last).Sub(begin).Seconds()
	r.DrainPerSecond = float64(s.Due) / r.DrainSeconds
	r.DrainRatio = r.DrainPerSecond / (r.EventsPerSecond * float64(s.Fanout))
	r.DrainRatioBatch = r.DrainPerSecond / (r.BatchPerSecond * float64(s.Fanout))
	return nil
}

// How long loading and starting may take before what was loaded falls due.
const (
	startMargin = 5 * time.Second
	loadedRate  = 10_000 // a second, at the least
)

// fallDue starts a server with deliveries that fall due at even distances over a span, and returns what arrived, which
// says how late, and when the first was due. An error says so when some did not arrive, or some did more than once.
func (s *stage) fallDue(ctx context.Context, name string, rows int, span time.Duration) (got arrived, begin time.Time, err error) {
	at, err := s.open(ctx, name, setting{webhooks: s.Webhooks, fill: func(ctx context.Context, at *site) error {
		now := time.Now()
		begin = now.Add(startMargin + time.Duration(rows)*time.Second/loadedRate).Truncate(time.Millisecond)
		return at.load(ctx, db.Bulk{
			Rows: rows, State: engine.StateScheduled, Webhooks: at.hooks, From: now.Add(-acceptedWithin), Until: now,
			DueFrom: begin, DueUntil: begin.Add(span), First: s.next,
		})
	}})
	if err != nil {
		return got, begin, err
	}
	if time.Now().After(begin) {
		return got, begin, fmt.Errorf("this host is too busy: the server was ready only after the deliveries were due")
	}
	if got, err = s.arrivals(int64(rows), int64(rows)); err != nil {
		return got, begin, err
	}
	before := s.repeated - got.Again
	// When the server has stopped nothing is under way any more that could arrive again.
	if err := at.stop(); err != nil {
		return got, begin, err
	}
	if _, err := s.arrivals(0, 0); err != nil {
		return got, begin, err
	}
	if again := s.repeated - before; again > 0 {
		return got, begin, fmt.Errorf("%d of %d deliveries arrived more than once", again, rows)
	}
	return got, begin, nil
}
