package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// counterKey names one row of hourly.
type counterKey struct {
	hour    int64 // milliseconds
	webhook engine.WebhookID
}

// counter is what a transaction adds to a row of hourly and to its failures. Counting in memory first makes one row's
// change of the hundreds that a group may hold for one webhook.
type counter struct {
	engine.Counts
	durations engine.Durations
	failures  map[failureKey]int64
	last      engine.Delivery
}

// failureKey is what attempts came to that failed.
type failureKey struct {
	class  engine.FailureClass
	status int
}

// count notes an attempt that changed a delivery.
func (t *tx) count(before, after engine.Delivery, a *engine.Attempt) {
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
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
		c.durations.Count(a.Duration())
	}
	if class := a.Outcome.Class; class != "" {
		if c.failures == nil {
			c.failures = map[failureKey]int64{}
		}
		c.failures[failureKey{class, status}]++
	}
	if before.State != after.State {
		switch after.State {
		case engine.StateDelivered:
			c.Delivered++
		case engine.StateFailed:
			c.Failed++
		}
	}
}

// uncount notes that a delivery which had ended is sent again: it counts once, by how it ends at last.
func (t *tx) uncount(before engine.Delivery) {
	if before.Test || before.State != engine.StateDelivered && before.State != engine.StateFailed {
		return
	}
	key := counterKey{before.FinishedAt.Truncate(time.Hour).UnixMilli(), before.WebhookID}
	if t.again == nil {
		t.again = map[counterKey]engine.Counts{}
	}
	counts := t.again[key]
	if before.State == engine.StateDelivered {
		counts.Delivered++
	} else {
		counts.Failed++
	}
	t.again[key] = counts
}

// takeBack keeps counters from falling below zero: retention may have deleted the hour, or the delivery may have ended in
// one hour and been counted in the next.
const takeBack = "UPDATE hourly SET delivered = max(0, delivered - ?), failed = max(0, failed - ?) WHERE hour = ? AND webhook = ?"

// tookColumns are the columns of hourly that count response times.
var tookColumns = func() (names []string) {
	for _, bound := range engine.DurationBounds {
		names = append(names, fmt.Sprintf("took_%d", bound.Milliseconds()))
	}
	return names
}()

var addHourly = func() string {
	var sums strings.Builder
	for _, name := range tookColumns {
		fmt.Fprintf(&sums, ", %s = %s + excluded.%s", name, name, name)
	}
	return `INSERT INTO hourly (hour, webhook, delivered, failed, attempts, last_at, last_status, last_class, ` + strings.Join(tookColumns, ", ") + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?` + strings.Repeat(", ?", len(tookColumns)) + `)
		ON CONFLICT (hour, webhook) DO UPDATE SET delivered = delivered + excluded.delivered, failed = failed + excluded.failed,
			attempts = attempts + excluded.attempts, last_at = excluded.last_at, last_status = excluded.last_status,
			last_class = excluded.last_class` + sums.String()
}()

const addFailures = `INSERT INTO hourly_failures (hour, webhook, class, status, attempts) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (hour, webhook, class, status) DO UPDATE SET attempts = attempts + excluded.attempts`

// flushCounters writes what was counted, just before the commit.
func (t *tx) flushCounters() error {
	for key, c := range t.counters {
		args := []any{
			key.hour, int64(key.webhook), c.Delivered, c.Failed, c.Attempts, t.now.UnixMilli(),
			orNull(c.last.LastStatus), string(c.last.LastClass),
		}
		for _, n := range c.durations {
			args = append(args, n)
		}
		if err := t.exec(addHourly, args...); err != nil {
			return fmt.Errorf("write counters: %w", err)
		}
		for f, n := range c.failures {
			if err := t.exec(addFailures, key.hour, int64(key.webhook), string(f.class), f.status, n); err != nil {
				return fmt.Errorf("write counters: %w", err)
			}
		}
	}
	for key, c := range t.again {
		if err := t.exec(takeBack, c.Delivered, c.Failed, key.hour, int64(key.webhook)); err != nil {
			return fmt.Errorf("write counters: %w", err)
		}
		t.onCommit(func() { t.writer.store.past.drop(key.hour) })
	}
	return nil
}

// HealthHours is how many hours the last day has: the whole ones before this one, and this one.
const HealthHours = 24

// dayBefore is where the last 24 hours begin: with the oldest whole hour in them.
func dayBefore(now time.Time) time.Time {
	return now.Add((1 - HealthHours) * time.Hour).Truncate(time.Hour)
}

// Day is what the last 24 hours came to.
type Day struct {
	engine.Counts
	// Hours are the same hour by hour, the current one last.
	Hours [HealthHours]engine.Counts
}

// add counts an hour of the day that began at start.
func (d *Day) add(start, hour time.Time, c engine.Counts) {
	d.Counts.Add(c)
	if i := int(hour.Sub(start) / time.Hour); i >= 0 && i < HealthHours {
		d.Hours[i].Add(c)
	}
}

// addDay adds another's day.
func (d *Day) addDay(other Day) {
	d.Counts.Add(other.Counts)
	for i := range d.Hours {
		d.Hours[i].Add(other.Hours[i])
	}
}

// WebhookHealth is how a webhook did in the last 24 hours.
type WebhookHealth struct {
	Day
	// The latest attempt: its HTTP status, 0 when no answer came, its failure class, and when it was recorded.
	LastStatus int
	LastClass  engine.FailureClass
	LastAt     time.Time
}

// WebhookHealth returns how the webhooks of a consumer did, those without attempts left out.
func (s *Store) WebhookHealth(ctx context.Context, consumer engine.ConsumerID, now time.Time) (map[engine.WebhookID]WebhookHealth, error) {
	var ids []engine.WebhookID
	for _, w := range s.Directory().Webhooks(consumer) {
		ids = append(ids, w.ID)
	}
	return s.HealthOf(ctx, ids, now)
}

// HealthOf returns how those webhooks did, those without attempts left out.
func (s *Store) HealthOf(ctx context.Context, webhooks []engine.WebhookID, now time.Time) (map[engine.WebhookID]WebhookHealth, error) {
	start := dayBefore(now)
	health := map[engine.WebhookID]*WebhookHealth{}
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		c, err := scanHour(row)
		addHour(health, start, &c)
		return none, err
	}, selectHourlyOf+" ORDER BY r.hour", start.UnixMilli(), now.UnixMilli(), jsonWebhooks(webhooks))
	if err != nil {
		return nil, fmt.Errorf("read webhook health: %w", err)
	}
	return valuesOf(health), nil
}

const (
	healthColumns = "r.webhook, r.hour, r.delivered, r.failed, r.attempts, r.last_status, r.last_class, r.last_at"
	// The rows of chosen webhooks, ?3, each found by its key: others may have very many in the same hours.
	fromHourlyOf = " FROM " + hoursBetween + `
		CROSS JOIN json_each(?3) AS ids CROSS JOIN hourly AS r ON r.hour = h.hour AND r.webhook = ids.value`
	selectHourlyOf = "SELECT " + healthColumns + fromHourlyOf
)

func jsonWebhooks(ids []engine.WebhookID) string {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	return jsonIDs(numbers)
}

// addHour adds an hour of a webhook to its health of the day that began at start. Hours come in their order.
func addHour(health map[engine.WebhookID]*WebhookHealth, start time.Time, c *hourCount) {
	h := health[c.webhook]
	if h == nil {
		h = &WebhookHealth{}
		health[c.webhook] = h
	}
	h.add(start, c.hour, c.Counts)
	h.LastStatus, h.LastClass, h.LastAt = c.lastStatus, c.lastClass, c.lastAt
}

func valuesOf(health map[engine.WebhookID]*WebhookHealth) map[engine.WebhookID]WebhookHealth {
	values := make(map[engine.WebhookID]WebhookHealth, len(health))
	for id, h := range health {
		values[id] = *h
	}
	return values
}

// maxWaitingCounted is where Health stops counting what waits.
const maxWaitingCounted = 10_000

// Health is how the whole installation does.
type Health struct {
	Last24h Day
	// Waiting counts the deliveries in one of engine.WaitingStates, Retrying those that failed and are tried again. More:
	// there are more than that.
	Waiting, Retrying         int
	WaitingMore, RetryingMore bool
	// OldestDue is the earliest due time of those in one of engine.DueStates; zero when there are none.
	OldestDue time.Time
	// ClosedGates counts the gates that hold a lane; GateClosedAt is since when the first of them does.
	ClosedGates  int
	GateClosedAt time.Time
}

// Health returns how the whole installation does.
func (s *Store) Health(ctx context.Context, now time.Time) (Health, error) {
	var h Health
	start := dayBefore(now)
	err := s.eachHour(ctx, start, now, func(hour time.Time, counts hourCounts) { h.Last24h.add(start, hour, counts.sum) })
	if err != nil {
		return h, err
	}
	if h.Waiting, h.WaitingMore, err = s.countWaiting(ctx, engine.WaitingStates); err != nil {
		return h, err
	}
	if h.Retrying, h.RetryingMore, err = s.countWaiting(ctx, []engine.DeliveryState{engine.StateRetrying}); err != nil {
		return h, err
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

// countWaiting counts the deliveries in those states, none of which is an end, as far as maxWaitingCounted.
func (s *Store) countWaiting(ctx context.Context, states []engine.DeliveryState) (n int, more bool, err error) {
	n, more, err = s.CountDeliveries(ctx, engine.DeliveryFilter{States: states}, maxWaitingCounted)
	if err != nil {
		return 0, false, fmt.Errorf("count what waits: %w", err)
	}
	return n, more, nil
}
