package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

// counterKey names one row of hourly.
type counterKey struct {
	hour    int64 // milliseconds
	webhook engine.WebhookID
}

// counter is what a transaction adds to a row of hourly. Counting in memory first makes one row's change of the
// hundreds that a group may hold for one webhook.
type counter struct {
	engine.Counts
	last engine.Delivery
}

// count notes an attempt that changed a delivery.
func (t *tx) count(before, after engine.Delivery) {
	key := counterKey{t.now.Truncate(time.Hour).UnixMilli(), after.WebhookID}
	c := t.counters[key]
	if c == nil {
		if t.counters == nil {
			t.counters = map[counterKey]*counter{}
		}
		c = &counter{}
		t.counters[key] = c
	}
	c.Attempts++
	c.last = after
	if before.State != after.State {
		switch after.State {
		case engine.StateDelivered:
			c.Delivered++
		case engine.StateFailed:
			c.Failed++
		}
	}
}

// flushCounters writes what was counted, just before the commit.
func (t *tx) flushCounters() error {
	for key, c := range t.counters {
		err := t.exec(`INSERT INTO hourly (hour, webhook, delivered, failed, attempts, last_at, last_status, last_class)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (hour, webhook) DO UPDATE SET delivered = delivered + excluded.delivered, failed = failed + excluded.failed,
				attempts = attempts + excluded.attempts, last_at = excluded.last_at, last_status = excluded.last_status,
				last_class = excluded.last_class`,
			key.hour, int64(key.webhook), c.Delivered, c.Failed, c.Attempts, t.now.UnixMilli(),
			orNull(c.last.LastStatus), string(c.last.LastClass))
		if err != nil {
			return fmt.Errorf("write counters: %w", err)
		}
	}
	return nil
}

// dayBefore is where the last 24 hours begin: with the oldest whole hour in them.
func dayBefore(now time.Time) int64 { return now.Add(-23 * time.Hour).Truncate(time.Hour).UnixMilli() }

// WebhookHealth is how a webhook did in the last 24 hours.
type WebhookHealth struct {
	engine.Counts
	// The latest attempt: its HTTP status, 0 when no answer came, its failure class, and when it was recorded.
	LastStatus int
	LastClass  engine.FailureClass
	LastAt     time.Time
}

// WebhookHealth returns how the webhooks of a consumer did, those without attempts left out.
func (s *Store) WebhookHealth(ctx context.Context, consumer engine.ConsumerID, now time.Time) (map[engine.WebhookID]WebhookHealth, error) {
	all, err := s.webhookHealth(ctx, now)
	if err != nil {
		return nil, err
	}
	health := map[engine.WebhookID]WebhookHealth{}
	for _, w := range s.Directory().Webhooks(consumer) {
		if h, ok := all[w.ID]; ok {
			health[w.ID] = h
		}
	}
	return health, nil
}

const selectHourly = `SELECT webhook, delivered, failed, attempts, last_status, last_class, last_at
	FROM hourly WHERE hour >= ? ORDER BY hour`

// webhookHealth returns how every webhook did.
func (s *Store) webhookHealth(ctx context.Context, now time.Time) (map[engine.WebhookID]WebhookHealth, error) {
	health := map[engine.WebhookID]WebhookHealth{}
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		var (
			id engine.WebhookID
			h  WebhookHealth
		)
		err = row.Scan(&id, &h.Delivered, &h.Failed, &h.Attempts, orZero(&h.LastStatus), &h.LastClass, at(&h.LastAt))
		h.Add(health[id].Counts)
		health[id] = h
		return none, err
	}, selectHourly, dayBefore(now))
	if err != nil {
		return nil, fmt.Errorf("read webhook health: %w", err)
	}
	return health, nil
}

// maxWaitingCounted is where Health stops counting what waits.
const maxWaitingCounted = 10_000

// Health is how the whole installation does.
type Health struct {
	Last24h engine.Counts
	// Waiting counts the deliveries that are scheduled, queued or retrying; WaitingMore: there are more than that.
	Waiting     int
	WaitingMore bool
	// OldestDue is the earliest due time of those; zero when none waits.
	OldestDue time.Time
	// ClosedGates counts the gates that hold a lane; GateClosedAt is since when the first of them does.
	ClosedGates  int
	GateClosedAt time.Time
}

// Health returns how the whole installation does.
func (s *Store) Health(ctx context.Context, now time.Time) (Health, error) {
	var h Health
	webhooks, err := s.webhookHealth(ctx, now)
	if err != nil {
		return h, err
	}
	for _, w := range webhooks {
		h.Last24h.Add(w.Counts)
	}
	err = s.read.QueryRowContext(ctx, selectWaitingCount, maxWaitingCounted+1).Scan(&h.Waiting)
	if err != nil {
		return h, fmt.Errorf("count waiting deliveries: %w", err)
	}
	if h.WaitingMore = h.Waiting > maxWaitingCounted; h.WaitingMore {
		h.Waiting = maxWaitingCounted
	}
	next, err := s.NextDue(ctx)
	if err != nil {
		return h, err
	}
	for _, due := range next {
		if h.OldestDue.IsZero() || due.Before(h.OldestDue) {
			h.OldestDue = due
		}
	}
	h.ClosedGates, h.GateClosedAt, err = s.countGates(ctx)
	return h, err
}

const selectWaitingCount = `SELECT count(*) FROM (
	SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL LIMIT ?)`
