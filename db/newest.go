package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"labhook/engine"
)

// maxNewest is how many deliveries WebhookNewest counts at most: two reads by key for each.
const maxNewest = 2000

// WebhookNewest tells what became of a webhook's deliveries since a time, minute by minute, tests left out. The counters
// are kept by the hour, which is too coarse for the last one: this counts the deliveries themselves, the newest ones
// where there are more than maxNewest.
func (s *Store) WebhookNewest(ctx context.Context, id engine.WebhookID, since time.Time) (engine.NewestCounts, error) {
	return s.webhookNewest(ctx, id, since, maxNewest)
}

func (s *Store) webhookNewest(ctx context.Context, id engine.WebhookID, since time.Time, limit int) (engine.NewestCounts, error) {
	n := engine.NewestCounts{Since: since}
	failures := map[engine.FailureCount]int64{}
	rows, err := list(ctx, s, scanNewest, selectNewest, int64(id), engine.IDAt(since), limit+1)
	if err != nil {
		return n, fmt.Errorf("count newest deliveries: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		n.Since = rows[limit-1].created
	}
	for _, row := range slices.Backward(rows) {
		minute := row.created.Truncate(time.Minute)
		if i := len(n.Minutes) - 1; i < 0 || n.Minutes[i].Minute.Before(minute) {
			n.Minutes = append(n.Minutes, engine.MinuteCounts{Minute: minute})
		}
		row.count(&n, &n.Minutes[len(n.Minutes)-1], failures)
	}
	for f, attempts := range failures {
		f.Attempts = attempts
		n.Failures = append(n.Failures, f)
	}
	slices.SortFunc(n.Failures, func(a, b engine.FailureCount) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return n, nil
}

// newest is a delivery as WebhookNewest counts it.
type newest struct {
	state    engine.DeliveryState
	created  time.Time
	attempts int64
	class    engine.FailureClass
	status   int
	took     int64 // microseconds of the latest attempt
}

func scanNewest(row scanner) (n newest, err error) {
	return n, row.Scan(&n.state, at(&n.created), &n.attempts, &n.class, orZero(&n.status), &n.took)
}

// count adds the delivery to the whole, its minute and the failures.
func (d newest) count(n *engine.NewestCounts, m *engine.MinuteCounts, failures map[engine.FailureCount]int64) {
	m.Attempts += d.attempts
	switch d.state {
	case engine.StateDelivered:
		m.Delivered++
	case engine.StateFailed:
		m.Failed++
	case engine.StateCancelled, engine.StateSkipped:
	default:
		n.Waiting++
	}
	switch {
	case d.attempts == 0:
		return
	case d.class == "":
		n.Succeeded++
	default:
		failures[engine.FailureCount{Class: d.class, Status: d.status}]++
	}
	if d.status != 0 {
		m.Durations.Count(time.Duration(d.took) * time.Microsecond)
	}
}

const selectNewest = `SELECT d.state, d.created_at, d.attempts, d.last_class, d.last_status, coalesce(a.total_us, 0) FROM (
		SELECT * FROM deliveries INDEXED BY deliveries_webhook WHERE webhook = ? AND id >= ? AND test = 0 ORDER BY id DESC LIMIT ?) AS d
	LEFT JOIN attempts AS a ON a.delivery = d.id AND a.number = d.attempts`
