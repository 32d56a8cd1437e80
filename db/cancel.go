package db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"labhook/engine"
)

// How much of what goes out of use one transaction deals with, so that others need not wait long for the writer.
const (
	cancelAtOnce = 2000 // waiting deliveries
	gatesAtOnce  = 200  // closed gates
	// cancelPause is how long a webhook of which more is to be cancelled is not looked at by those who send.
	cancelPause = 100 * time.Millisecond
)

// cancellation is what waited for a webhook when it went out of use: its deliveries up to the last one that there was.
// While it is not done, nothing is claimed for the webhook, and what is held closes no gate. It is done to its end though
// the webhook may be in use again: what a person saw cancelled is not sent by surprise.
type cancellation struct {
	webhook engine.WebhookID
	last    engine.DeliveryID
	reason  string
}

func scanCancellation(row scanner) (c cancellation, err error) {
	return c, row.Scan(&c.webhook, &c.last, &c.reason)
}

// cancelWaiting cancels all that waits for some webhooks, which are out of use in the transaction's directory, and opens
// their gates. What is being sent at the moment ends as it ends, and holds nothing any more. What is too much for one
// transaction is left to GoOn.
func (t *tx) cancelWaiting(reason string, webhooks ...engine.WebhookID) error {
	var begun []cancellation
	for _, id := range webhooks {
		last, err := get(t, number, selectLastOf, int64(id))
		if errors.Is(err, engine.ErrNotFound) {
			continue // nothing was ever sent to it
		}
		if err != nil {
			return err
		}
		begun = append(begun, cancellation{id, engine.DeliveryID(last), reason})
	}
	return t.cancelPiece(begun)
}

// cancelPiece does a part of some cancellations. All rows come before all gates: a gate that opened earlier would let
// go what is cancelled next.
func (t *tx) cancelPiece(list []cancellation) error {
	done := make([]bool, len(list))
	for i, c := range list {
		var err error
		if done[i], err = t.cancelRows(c); err != nil {
			return fmt.Errorf("cancel waiting deliveries: %w", err)
		}
	}
	for i, c := range list {
		opened, err := t.endGatesOf(c)
		if err != nil {
			return err
		}
		done[i] = done[i] && opened
	}
	for i, c := range list {
		if err := t.note(c, done[i]); err != nil {
			return err
		}
	}
	return nil
}

// cancelRows cancels as many waiting deliveries as are left for this transaction, and reports whether those were all.
func (t *tx) cancelRows(c cancellation) (all bool, err error) {
	for _, update := range []string{cancelDue, cancelHeld} {
		limit := cancelAtOnce - t.cancelled
		if limit <= 0 {
			return false, nil
		}
		n, err := t.do(update, t.now.UnixMilli(), c.reason, int64(c.webhook), int64(c.last), limit)
		if err != nil {
			return false, err
		}
		t.cancelled += int(n)
		t.endedMany = t.endedMany || n > 0
		if int(n) == limit {
			return false, nil
		}
	}
	return true, nil
}

// The conditions on state that repeat those of the partial indexes cannot be concluded by SQLite.
const (
	cancelDue = `UPDATE deliveries SET state = 'cancelled', due_at = NULL, finished_at = ?, reason = ?
		WHERE id IN (SELECT id FROM deliveries INDEXED BY deliveries_due
			WHERE webhook = ? AND due_at IS NOT NULL AND id <= ? LIMIT ?)`
	cancelHeld = `UPDATE deliveries SET state = 'cancelled', finished_at = ?, reason = ?
		WHERE id IN (SELECT id FROM deliveries INDEXED BY deliveries_webhook_state
			WHERE webhook = ? AND state = 'held' AND state NOT IN ('sending', 'delivered') AND id <= ? LIMIT ?)`
	selectLastOf = "SELECT id FROM deliveries INDEXED BY deliveries_webhook WHERE webhook = ? ORDER BY id DESC LIMIT 1"
)

// endGatesOf opens the closed gates that deliveries of a cancellation hold, as many as are left for this transaction, and
// reports whether those were all. A delivery that waits yet is cancelled with its gate.
func (t *tx) endGatesOf(c cancellation) (all bool, err error) {
	limit := gatesAtOnce - t.gatesEnded
	if limit <= 0 {
		return false, nil
	}
	holding, err := find(t, scanDelivery, selectHolding, int64(c.webhook), int64(c.last), limit)
	if err != nil {
		return false, err
	}
	for _, d := range holding {
		t.gatesEnded++
		if d.State == engine.StateSending || d.State.Final() {
			err = t.end(&d, t.now)
		} else {
			_, err = step(t, d.ID, engine.Change{Step: engine.StepCancel, Now: t.now, Reason: c.reason})
		}
		if err != nil {
			return false, err
		}
	}
	return len(holding) < limit, nil
}

const selectHolding = "SELECT " + deliveryColumns + ` FROM gates g INDEXED BY gates_webhook
	CROSS JOIN deliveries d ON d.id = g.delivery
	WHERE g.webhook = ? AND g.opened_at IS NULL AND g.delivery <= ? LIMIT ?`

// note keeps a cancellation for GoOn, or forgets it when it is done.
func (t *tx) note(c cancellation, done bool) error {
	before, known := t.cancelling[c.webhook]
	switch {
	case !done:
		t.unfinished = true
		if known && before == c {
			return nil
		}
		t.cancelling = maps.Clone(t.cancelling)
		if t.cancelling == nil {
			t.cancelling = map[engine.WebhookID]cancellation{}
		}
		t.cancelling[c.webhook] = c
		return t.exec("INSERT OR REPLACE INTO cancellations (webhook, last, reason) VALUES (?, ?, ?)",
			int64(c.webhook), int64(c.last), c.reason)
	case known:
		t.cancelling = maps.Clone(t.cancelling)
		delete(t.cancelling, c.webhook)
		return t.exec("DELETE FROM cancellations WHERE webhook = ?", int64(c.webhook))
	}
	return nil
}

// outOfUse says why a waiting delivery is to be cancelled instead of taking its turn; "" when it may.
func (t *tx) outOfUse(d *engine.Delivery, now time.Time) string {
	if c, ok := t.cancelling[d.WebhookID]; ok && d.ID <= c.last {
		return c.reason
	}
	return t.directory.Unusable(d.WebhookID, now)
}

// loadCancelling remembers what is left to be cancelled.
func (s *Store) loadCancelling(ctx context.Context) error {
	s.cancelling = map[engine.WebhookID]cancellation{}
	left, err := list(ctx, s, scanCancellation, "SELECT webhook, last, reason FROM cancellations")
	if err != nil {
		return fmt.Errorf("load cancellations: %w", err)
	}
	for _, c := range left {
		s.cancelling[c.webhook] = c
	}
	return nil
}

// cancellationsAtOnce is how many webhooks GoOn looks at in one transaction.
const cancellationsAtOnce = 50

// GoOn does a piece of what was too much for the transaction that began it, and reports whether more is left.
func (s *Store) GoOn(ctx context.Context, now time.Time) (more bool, err error) {
	more, err = change(ctx, s.writer, func(t *tx) (bool, error) {
		var list []cancellation
		for _, id := range slices.Sorted(maps.Keys(t.cancelling)) {
			if len(list) < cancellationsAtOnce {
				list = append(list, t.cancelling[id])
			}
		}
		if err := t.cancelPiece(list); err != nil {
			return false, err
		}
		recovering, err := t.recoverPiece(now)
		return recovering || len(t.cancelling) > 0, err
	})
	if err != nil {
		return false, fmt.Errorf("go on: %w", err)
	}
	return more, nil
}
