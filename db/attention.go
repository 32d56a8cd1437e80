package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

const (
	// The closed gates are as many as the labs that wait, which is few even where much is sent.
	selectOldestGates = "SELECT " + gateColumns + `, e.subject, d.state FROM (
		SELECT * FROM gates INDEXED BY gates_opens_by WHERE opened_at IS NULL ORDER BY closed_at LIMIT ?) AS g
	CROSS JOIN deliveries AS d ON d.id = g.delivery CROSS JOIN events AS e ON e.id = d.event`
	// There is a streak for each webhook whose latest attempt failed, and none for the others.
	selectStreaks = "SELECT " + streakColumns + " FROM streaks ORDER BY webhook LIMIT ?"
)

// SubjectGate is a gate with the lab instance, or other subject, that waits behind it.
type SubjectGate struct {
	engine.Gate
	Subject string
	// State is that of the blocking delivery: retrying, when its last attempt failed.
	State engine.DeliveryState
}

// OldestGates returns the gates that have been closed the longest.
func (s *Store) OldestGates(ctx context.Context, limit int) ([]SubjectGate, error) {
	gates, err := list(ctx, s, func(row scanner) (g SubjectGate, err error) {
		g.Gate, err = scanGate(withMore{row, []any{&g.Subject, &g.State}})
		return g, err
	}, selectOldestGates, limit)
	if err != nil {
		return nil, fmt.Errorf("list closed gates: %w", err)
	}
	return gates, nil
}

// withMore is a row with further columns after those that its scan function knows.
type withMore struct {
	row  scanner
	more []any
}

// Scan reads the columns into those of the caller and then its own.
func (w withMore) Scan(into ...any) error { return w.row.Scan(append(into, w.more...)...) }

// Streaks returns the webhooks whose latest attempts failed.
func (s *Store) Streaks(ctx context.Context, limit int) ([]engine.Streak, error) {
	streaks, err := list(ctx, s, scanStreak, selectStreaks, limit)
	if err != nil {
		return nil, fmt.Errorf("list failing webhooks: %w", err)
	}
	return streaks, nil
}

// AllWebhookHealth returns how every webhook did, those without attempts left out.
func (s *Store) AllWebhookHealth(ctx context.Context, now time.Time) (map[engine.WebhookID]WebhookHealth, error) {
	start := dayBefore(now)
	health := map[engine.WebhookID]*WebhookHealth{}
	err := s.eachHour(ctx, start, now, func(_ time.Time, counts hourCounts) {
		for i := range counts.webhooks {
			addHour(health, start, &counts.webhooks[i])
		}
	})
	return valuesOf(health), err
}
