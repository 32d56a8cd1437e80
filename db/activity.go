package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// WebhookHours returns what the hours of a webhook came to from since until now, those without attempts left out. It
// reads as many rows as there are hours, however many deliveries there were.
func (s *Store) WebhookHours(ctx context.Context, id engine.WebhookID, since, now time.Time) ([]engine.HourCounts, error) {
	hours, err := list(ctx, s, func(row scanner) (h engine.HourCounts, err error) {
		fields := []any{at(&h.Hour), &h.Delivered, &h.Failed, &h.Attempts}
		for i := range h.Durations {
			fields = append(fields, &h.Durations[i])
		}
		return h, row.Scan(fields...)
	}, selectWebhookHours, since.Truncate(time.Hour).UnixMilli(), now.UnixMilli(), jsonWebhooks([]engine.WebhookID{id}))
	if err != nil {
		return nil, fmt.Errorf("read activity: %w", err)
	}
	return hours, nil
}

var selectWebhookHours = "SELECT r.hour, r.delivered, r.failed, r.attempts, r." + strings.Join(tookColumns, ", r.") + fromHourlyOf + " ORDER BY r.hour"

// LatestDurations returns how long the answers of all webhooks took in the hour that runs and the one before it, those
// without attempts left out. The hour before is read once when it is over.
func (s *Store) LatestDurations(ctx context.Context, now time.Time) (map[engine.WebhookID]engine.Durations, error) {
	hour := now.UTC().Truncate(time.Hour)
	all, err := s.durationsOf(ctx, hour)
	if err != nil {
		return nil, err
	}
	before, err := s.durationsOf(ctx, hour.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	for id, durations := range before {
		sum := all[id]
		sum.Add(durations)
		all[id] = sum
	}
	return all, nil
}

var selectDurations = "SELECT webhook, " + strings.Join(tookColumns, ", ") + " FROM hourly WHERE hour = ?"

// durationsOf returns how long the answers of all webhooks took in an hour. What it returns of an hour that is over must
// not be changed.
func (s *Store) durationsOf(ctx context.Context, hour time.Time) (map[engine.WebhookID]engine.Durations, error) {
	if kept := s.lastHour.Load(); kept != nil && kept.hour.Equal(hour) {
		return kept.durations, nil
	}
	over := hourIsOver(hour) // before it is read
	all, err := listMap(ctx, s, func(row scanner, id *engine.WebhookID, durations *engine.Durations) error {
		fields := []any{id}
		for i := range durations {
			fields = append(fields, &durations[i])
		}
		return row.Scan(fields...)
	}, selectDurations, hour.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read response times: %w", err)
	}
	if over {
		s.lastHour.Store(&hourDurations{hour, all})
	}
	return all, nil
}

// hourDurations is how long the answers of all webhooks took in an hour that is over.
type hourDurations struct {
	hour      time.Time
	durations map[engine.WebhookID]engine.Durations
}

// WebhookFailures counts the attempts of a webhook that failed from since until now by what they came to, the most
// frequent first.
func (s *Store) WebhookFailures(ctx context.Context, id engine.WebhookID, since, now time.Time) ([]engine.FailureCount, error) {
	failures, err := list(ctx, s, func(row scanner) (f engine.FailureCount, err error) {
		return f, row.Scan(&f.Class, &f.Status, &f.Attempts)
	}, selectWebhookFailures, since.Truncate(time.Hour).UnixMilli(), now.UnixMilli(), int64(id))
	if err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	return failures, nil
}

const selectWebhookFailures = `SELECT r.class, r.status, sum(r.attempts) AS n FROM ` + hoursBetween + `
	CROSS JOIN hourly_failures AS r ON r.hour = h.hour AND r.webhook = ?3
	GROUP BY r.class, r.status ORDER BY n DESC, r.class, r.status`

// TopFailures returns what the attempts of some webhooks that failed from since until now came to the most often, those
// without failures left out. It reads the failures of each webhook and hour through the primary key.
func (s *Store) TopFailures(ctx context.Context, ids []engine.WebhookID, since, now time.Time) (map[engine.WebhookID]engine.FailureCount, error) {
	top, err := listMap(ctx, s, func(row scanner, id *engine.WebhookID, f *engine.FailureCount) error {
		return row.Scan(id, &f.Class, &f.Status, &f.Attempts) // the most frequent comes last
	}, selectTopFailures, since.Truncate(time.Hour).UnixMilli(), now.UnixMilli(), jsonWebhooks(ids))
	if err != nil {
		return nil, fmt.Errorf("read most frequent failures: %w", err)
	}
	return top, nil
}

const selectTopFailures = `SELECT r.webhook, r.class, r.status, sum(r.attempts) AS n FROM ` + hoursBetween + `
	CROSS JOIN json_each(?3) AS ids CROSS JOIN hourly_failures AS r ON r.hour = h.hour AND r.webhook = ids.value
	GROUP BY r.webhook, r.class, r.status ORDER BY n, r.class DESC, r.status DESC`
