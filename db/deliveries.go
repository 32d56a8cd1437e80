package db

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"labhook/engine"
)

const deliveryColumns = `d.id, d.event, d.consumer, d.webhook, d.state, d.blocking, d.test, d.lane, d.trigger, d.claim, d.attempts, d.round_start, d.due_at,
	d.finished_at, d.reason, d.last_class, d.last_status, d.error_action, d.notification, d.created_at`

func deliveryFields(d *engine.Delivery) []any {
	return []any{
		&d.ID, &d.EventID, &d.ConsumerID, &d.WebhookID, &d.State, &d.Blocking, &d.Test, orZero(&d.Lane), &d.Trigger, &d.Claim, &d.Attempts, &d.RoundStart,
		at(&d.DueAt), at(&d.FinishedAt), &d.Reason, &d.LastClass, orZero(&d.LastStatus), orZero(&d.ErrorAction), orZero(&d.Notification), at(&d.CreatedAt),
	}
}

func scanDelivery(row scanner) (d engine.Delivery, err error) {
	return d, row.Scan(deliveryFields(&d)...)
}

func insertDelivery(t *tx, d *engine.Delivery) error {
	return t.exec(`INSERT INTO deliveries (id, event, consumer, webhook, state, blocking, test, lane, trigger, claim, attempts, round_start, due_at, finished_at,
			reason, last_class, last_status, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(d.ID), int64(d.EventID), int64(d.ConsumerID), int64(d.WebhookID), string(d.State), d.Blocking, d.Test, orNull(int64(d.Lane)), string(d.Trigger), d.Claim,
		d.Attempts, d.RoundStart, millis(d.DueAt), millis(d.FinishedAt), d.Reason, string(d.LastClass), orNull(d.LastStatus), millis(d.CreatedAt))
}

// updateDelivery stores what a step may change.
func updateDelivery(t *tx, d *engine.Delivery) error {
	return t.exec(`UPDATE deliveries SET state = ?, trigger = ?, claim = ?, attempts = ?, round_start = ?, due_at = ?, finished_at = ?, reason = ?,
			last_class = ?, last_status = ?, error_action = ?, notification = ?
		WHERE id = ?`,
		string(d.State), string(d.Trigger), d.Claim, d.Attempts, d.RoundStart, millis(d.DueAt), millis(d.FinishedAt), d.Reason,
		string(d.LastClass), orNull(d.LastStatus), orNull(string(d.ErrorAction)), orNull(d.Notification), int64(d.ID))
}

func getDelivery(t *tx, id engine.DeliveryID) (engine.Delivery, error) {
	return get(t, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries d WHERE d.id = ?", int64(id))
}

// step applies one step of the state machine to a stored delivery, with what follows from its end.
func step(t *tx, id engine.DeliveryID, c engine.Change) (engine.Delivery, error) {
	before, err := getDelivery(t, id)
	if err != nil {
		return before, err
	}
	after, err := before.Transition(c)
	if err != nil {
		return before, err
	}
	return after, t.move(before, &after, c.Now)
}

// move stores a delivery after a step, with what follows from its end.
func (t *tx) move(before engine.Delivery, after *engine.Delivery, now time.Time) error {
	ends := after.State.Final() && !before.State.Final()
	if ends && after.State == engine.StateFailed && !after.Test {
		if err := t.fail(after, now); err != nil {
			return err
		}
	}
	if before.State.Final() && !after.State.Final() {
		t.uncount(before)
	}
	if err := updateDelivery(t, after); err != nil {
		return err
	}
	if !ends {
		return nil
	}
	return t.end(after, now)
}

// ClaimDue takes deliveries that are due at now and moves them to engine.StateSending.
func (s *Store) ClaimDue(ctx context.Context, now time.Time, wants []engine.Want) ([]engine.Claim, error) {
	claims, err := change(ctx, s.writer, func(t *tx) ([]engine.Claim, error) {
		events := map[engine.EventID]*engine.Event{} // of one event there may be many deliveries
		claims := make([]engine.Claim, len(wants))
		for i, want := range wants {
			var err error
			if claims[i], err = claim(t, now, want, events); err != nil {
				return nil, err
			}
		}
		return claims, nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim due deliveries: %w", err)
	}
	return claims, nil
}

func claim(t *tx, now time.Time, want engine.Want, events map[engine.EventID]*engine.Event) (engine.Claim, error) {
	c := engine.Claim{WebhookID: want.WebhookID}
	if _, ok := t.cancelling[want.WebhookID]; ok {
		c.NextDue = now.Add(cancelPause) // what waits is about to be cancelled
		return c, nil
	}
	due, err := find(t, scanDelivery, selectDue, int64(want.WebhookID), now.UnixMilli(), want.Limit)
	if err != nil {
		return c, err
	}
	for _, d := range due {
		was := d.DueAt
		if d, err = d.Transition(engine.Change{Step: engine.StepSend, Now: now}); err != nil {
			return c, err
		}
		if err := updateDelivery(t, &d); err != nil {
			return c, err
		}
		e := events[d.EventID]
		if e == nil {
			stored, err := get(t, scanEvent, "SELECT "+eventColumns+" FROM events e WHERE e.id = ?", int64(d.EventID))
			if err != nil {
				return c, fmt.Errorf("event of %s: %w", d.ID, err)
			}
			e = &stored
			events[d.EventID] = e
		}
		c.Taken = append(c.Taken, &engine.Sending{Delivery: d, Event: e, DueAt: was})
	}
	next, err := find(t, scanTimeOnly, selectNextDue, int64(want.WebhookID))
	if len(next) > 0 {
		c.NextDue = next[0]
	}
	return c, err
}

// The index on (webhook, due_at) gives these in order: what is taken costs the same whatever waits behind it.
const (
	selectDue = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_due
		WHERE d.webhook = ? AND d.due_at <= ? ORDER BY d.due_at, d.id LIMIT ?`
	selectNextDue = `SELECT due_at FROM deliveries INDEXED BY deliveries_due
		WHERE webhook = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`
)

// ClaimDelivery takes one delivery that waits and is due, and moves it to engine.StateSending.
func (s *Store) ClaimDelivery(ctx context.Context, now time.Time, id engine.DeliveryID) (*engine.Sending, error) {
	taken, err := change(ctx, s.writer, func(t *tx) (*engine.Sending, error) {
		d, err := getDelivery(t, id)
		if err != nil {
			return nil, err
		}
		if d.DueAt.IsZero() || d.DueAt.After(now) {
			return nil, fmt.Errorf("delivery %s is %s: %w", id, d.State, engine.ErrConflict)
		}
		was := d.DueAt
		if d, err = d.Transition(engine.Change{Step: engine.StepSend, Now: now}); err != nil {
			return nil, err
		}
		e, err := get(t, scanEvent, "SELECT "+eventColumns+" FROM events e WHERE e.id = ?", int64(d.EventID))
		if err != nil {
			return nil, fmt.Errorf("event of %s: %w", id, err)
		}
		return &engine.Sending{Delivery: d, Event: &e, DueAt: was}, updateDelivery(t, &d)
	})
	if err != nil {
		return nil, fmt.Errorf("claim delivery: %w", err)
	}
	return taken, nil
}

func scanTimeOnly(row scanner) (when time.Time, err error) { return when, row.Scan(at(&when)) }

// PutBack moves deliveries that are in engine.StateSending and were not attempted to engine.StateQueued, due when they
// were before.
func (s *Store) PutBack(ctx context.Context, now time.Time, unsent []*engine.Sending) error {
	err := s.writer.do(ctx, func(t *tx) error {
		for _, one := range unsent {
			d, err := getDelivery(t, one.Delivery.ID)
			if err != nil {
				return err
			}
			if d.State != engine.StateSending || d.Claim != one.Delivery.Claim {
				continue // cancelled meanwhile
			}
			if err := interrupt(t, d, now, one.DueAt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put back deliveries: %w", err)
	}
	return nil
}

// interrupt puts a delivery back that was due at a time, or is now when that is zero; a test ends with it.
func interrupt(t *tx, before engine.Delivery, now, due time.Time) error {
	after, err := before.Transition(engine.Change{Step: engine.StepInterrupt, Now: now, DueAt: due})
	if err != nil {
		return err
	}
	return t.move(before, &after, now)
}

// selectSending repeats the condition of the partial index, which SQLite cannot conclude.
const selectSending = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_state
	WHERE d.state = 'sending' AND d.state <> 'delivered'`

// PutBackAbandoned puts back every delivery in engine.StateSending that is none of kept, and returns the webhooks
// concerned; tests are cancelled. What was never attempted is due as of its acceptance. kept is called by the writer: it must not wait for another operation.
func (s *Store) PutBackAbandoned(ctx context.Context, now time.Time, kept func(engine.DeliveryID) bool) ([]engine.WebhookID, error) {
	webhooks, err := change(ctx, s.writer, func(t *tx) ([]engine.WebhookID, error) {
		sending, err := find(t, scanDelivery, selectSending)
		if err != nil {
			return nil, err
		}
		concerned := map[engine.WebhookID]bool{}
		for _, d := range sending {
			if kept(d.ID) {
				continue
			}
			var due time.Time
			if d.Attempts == 0 {
				due = d.CreatedAt
			}
			if err := interrupt(t, d, now, due); err != nil {
				return nil, err
			}
			if !d.Test {
				concerned[d.WebhookID] = true
			}
		}
		return slices.Sorted(maps.Keys(concerned)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("put back abandoned deliveries: %w", err)
	}
	return webhooks, nil
}

// CancelUnusable cancels deliveries in engine.StateSending whose webhook or consumer was found out of use. One that is
// not being sent any more stays as it is.
func (s *Store) CancelUnusable(ctx context.Context, now time.Time, ids []engine.DeliveryID, reason string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		for _, id := range ids {
			d, err := getDelivery(t, id)
			if err != nil {
				return err
			}
			if d.State != engine.StateSending {
				continue
			}
			if _, err := step(t, id, engine.Change{Step: engine.StepCancel, Now: now, Reason: reason}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cancel unusable deliveries: %w", err)
	}
	return nil
}

// ChangeDelivery applies a step that a person asked for, and writes it to the audit log.
func (s *Store) ChangeDelivery(ctx context.Context, who engine.Actor, id engine.DeliveryID, c engine.Change) (engine.Delivery, error) {
	d, err := change(ctx, s.writer, func(t *tx) (engine.Delivery, error) {
		if err := t.mayChange(id, c); err != nil {
			return engine.Delivery{}, err
		}
		d, err := step(t, id, c)
		if err != nil {
			return d, err
		}
		return d, t.audit(who, "delivery."+string(c.Step), id.String(), c.Reason)
	})
	if err != nil {
		return engine.Delivery{}, fmt.Errorf("change delivery: %w", err)
	}
	return d, nil
}

func scanBytes(row scanner) (data []byte, err error) { return data, row.Scan(&data) }

// mayChange returns an engine.Conflict when a person cannot have that step: what is out of use or has lost its bodies is
// not sent again, and what is about to be cancelled is not made due.
func (t *tx) mayChange(id engine.DeliveryID, c engine.Change) error {
	resends := c.Step == engine.StepResend
	if !resends && (c.Step != engine.StepHasten || len(t.cancelling) == 0) {
		return nil
	}
	d, err := getDelivery(t, id)
	if err == nil && resends {
		var gone time.Time
		if gone, err = t.bodyGone(d.EventID); err == nil {
			err = t.directory.MayResend(&d, gone, c.Now)
		}
	}
	if err != nil {
		return err
	}
	if cancelled, ok := t.cancelling[d.WebhookID]; ok && id <= cancelled.last {
		return engine.Conflict("What waited when the webhook went off is still being cancelled. Try again in a moment.")
	}
	return nil
}

// bodyGone returns when the data of an event were deleted, zero: they are there.
func (t *tx) bodyGone(id engine.EventID) (time.Time, error) {
	mark, err := get(t, scanBytes, "SELECT CASE WHEN "+bodyGone+" THEN e.data END FROM events e WHERE e.id = ?", int64(id))
	at, _ := goneAt(mark)
	return at, err
}

// selectWaiting walks over the webhooks of the due queue: each step of the recursion is one seek to the next webhook,
// so a million waiting deliveries cost no more than one for each webhook.
const selectWaiting = `WITH RECURSIVE waiting (webhook) AS (
		SELECT (SELECT webhook FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL ORDER BY webhook LIMIT 1)
		UNION ALL
		SELECT (SELECT d.webhook FROM deliveries d INDEXED BY deliveries_due
			WHERE d.due_at IS NOT NULL AND d.webhook > waiting.webhook ORDER BY d.webhook LIMIT 1)
		FROM waiting WHERE waiting.webhook IS NOT NULL
	)
	SELECT webhook, (SELECT d.due_at FROM deliveries d INDEXED BY deliveries_due
		WHERE d.due_at IS NOT NULL AND d.webhook = waiting.webhook ORDER BY d.due_at LIMIT 1)
	FROM waiting WHERE webhook IS NOT NULL`

// NextDue returns for every webhook with waiting deliveries when the first of them is due.
func (s *Store) NextDue(ctx context.Context) (map[engine.WebhookID]time.Time, error) {
	next, err := listMap(ctx, s, func(row scanner, id *engine.WebhookID, due *time.Time) error {
		return row.Scan(id, at(due))
	}, selectWaiting)
	if err != nil {
		return nil, fmt.Errorf("read next due times: %w", err)
	}
	return next, nil
}

// Checkpoint moves the write-ahead log into the database file and empties it. A reader that is busy for seconds keeps
// it from doing so; the next call does it then.
func (s *Store) Checkpoint(ctx context.Context) error {
	err := s.writer.wait(ctx, operation{outside: true, run: func(t *tx) error {
		busy, err := get(t, func(row scanner) (busy bool, err error) {
			var pages, moved int
			return busy, row.Scan(&busy, &pages, &moved)
		}, "PRAGMA wal_checkpoint(TRUNCATE)")
		if busy {
			s.log.Warn("checkpoint incomplete")
		}
		return err
	}})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
