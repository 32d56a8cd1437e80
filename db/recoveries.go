package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// recoverAtOnce is how many deliveries one transaction makes due again.
const recoverAtOnce = 500

const recoveryColumns = "id, webhook, since, next, last, sent, created_at, created_by, finished_at, stopped"

func scanRecovery(row scanner) (r engine.Recovery, err error) {
	return r, row.Scan(&r.ID, &r.WebhookID, at(&r.Since), &r.Next, &r.Last, &r.Sent, at(&r.CreatedAt), &r.CreatedBy, at(&r.FinishedAt), &r.Stopped)
}

// StartRecovery begins to send again what the receiver of a webhook missed since a time, with the first piece. The audit
// log says how many deliveries that are, up to engine.MaxCounted. enable: the webhook is switched on with it.
// engine.ErrNotFound when there is no such webhook, an engine.Conflict when it is out of use or another recovery of it runs;
// then nothing was changed.
func (s *Store) StartRecovery(ctx context.Context, who engine.Actor, id engine.WebhookID, since, now time.Time, enable bool) (engine.Recovery, error) {
	r, err := change(ctx, s.writer, func(t *tx) (engine.Recovery, error) {
		if w := t.directory.Webhook(id); enable && w != nil && !w.Enabled {
			if _, err := s.editWebhook(t, who, id, actionEnable, enabledAs(true)); err != nil {
				return engine.Recovery{}, err
			}
		}
		r := engine.Recovery{ID: engine.NewID[engine.RecoveryID](), WebhookID: id, Since: since, CreatedAt: now, CreatedBy: who.Name}
		if err := t.mayRecover(id, now); err != nil {
			return r, err
		}
		last, err := get(t, number, selectLastOf, int64(id))
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return r, err
		}
		r.Next, r.Last = engine.DeliveryID(engine.IDAt(since)), engine.DeliveryID(last)
		n, err := get(t, number, countMissed, int64(id), int64(r.Next), last, engine.MaxCounted+1)
		if err != nil {
			return r, err
		}
		if err := t.audit(who, "webhook.recover", id.String(), recoveryDetail(since, n)); err != nil {
			return r, err
		}
		err = t.exec("INSERT INTO recoveries ("+recoveryColumns+") VALUES (?, ?, ?, ?, ?, 0, ?, ?, NULL, '')",
			int64(r.ID), int64(id), millis(since), int64(r.Next), int64(r.Last), millis(now), who.Name)
		if err != nil {
			return r, err
		}
		return r, t.goOnRecovering(&r, now)
	})
	if err != nil {
		return engine.Recovery{}, fmt.Errorf("start recovery: %w", err)
	}
	return r, nil
}

func recoveryDetail(since time.Time, n int64) string {
	if n > engine.MaxCounted {
		return fmt.Sprintf("since %s: more than %d deliveries", diffValue(since), engine.MaxCounted)
	}
	return fmt.Sprintf("since %s: %d deliveries", diffValue(since), n)
}

// mayRecover returns why no recovery of the webhook can begin.
func (t *tx) mayRecover(id engine.WebhookID, now time.Time) error {
	if _, err := get(t, number, "SELECT id FROM webhooks WHERE id = ?", int64(id)); err != nil {
		return err
	}
	if reason := t.directory.Unusable(id, now); reason != "" {
		return engine.Conflict(reason + " Nothing can be sent to it.")
	}
	if _, ok := t.cancelling[id]; ok {
		return engine.Conflict("What waited when the webhook went off is still being cancelled. Try again in a moment.")
	}
	running, err := exists(t, "SELECT id FROM recoveries INDEXED BY recoveries_running WHERE webhook = ? AND finished_at IS NULL", int64(id))
	if err == nil && running {
		err = engine.Conflict("A recovery of this webhook runs already. Wait until it has ended.")
	}
	return err
}

// The conditions on state that repeat those of the partial index cannot be concluded by SQLite.
const (
	selectMissed = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_webhook_state
			WHERE d.webhook = ?1 AND d.state = 'failed' AND d.state NOT IN ('sending', 'delivered') AND d.id BETWEEN ?2 AND ?3 AND d.test = 0` + bodyThere + `
		UNION ALL SELECT ` + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_webhook_state
			WHERE d.webhook = ?1 AND d.state = 'cancelled' AND d.state NOT IN ('sending', 'delivered') AND d.id BETWEEN ?2 AND ?3 AND d.test = 0` + bodyThere + `
		ORDER BY id LIMIT ?4`
	countMissed = `SELECT count(*) FROM (SELECT 1 FROM deliveries d INDEXED BY deliveries_webhook_state
		WHERE d.webhook = ? AND d.state IN ('failed', 'cancelled') AND d.state NOT IN ('sending', 'delivered') AND d.id BETWEEN ? AND ? AND d.test = 0` + bodyThere + ` LIMIT ?)`
	// bodyThere leaves out what cannot be sent again because retention deleted its bodies.
	bodyThere = " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = d.event AND " + bodyGone + ")"
)

// goOnRecovering makes as much due again as is left for this transaction.
func (t *tx) goOnRecovering(r *engine.Recovery, now time.Time) error {
	limit := recoverAtOnce - t.recovered
	if r.Stopped = t.directory.Unusable(r.WebhookID, now); r.Stopped != "" {
		r.FinishedAt = now
		return t.putRecovery(r)
	}
	// What is still being cancelled must not be cancelled again after it was made due.
	if _, cancelling := t.cancelling[r.WebhookID]; cancelling || limit <= 0 {
		t.unfinished = true
		return nil
	}
	missed, err := find(t, scanDelivery, selectMissed, int64(r.WebhookID), int64(r.Next), int64(r.Last), limit)
	if err != nil {
		return err
	}
	for _, d := range missed {
		r.Next = d.ID + 1
		t.uncount(d)
		if d, err = d.Transition(engine.Change{Step: engine.StepRecover, Now: now}); err != nil {
			return err
		}
		if err := updateDelivery(t, &d); err != nil {
			return err
		}
		t.due = append(t.due, d)
	}
	t.recovered += len(missed)
	r.Sent += len(missed)
	if len(missed) < limit {
		r.FinishedAt = now
	} else {
		t.unfinished = true
	}
	return t.putRecovery(r)
}

func (t *tx) putRecovery(r *engine.Recovery) error {
	return t.exec("UPDATE recoveries SET next = ?, sent = ?, finished_at = ?, stopped = ? WHERE id = ?",
		int64(r.Next), r.Sent, millis(r.FinishedAt), r.Stopped, int64(r.ID))
}

// recoverPiece does a part of the recoveries that run, and reports whether more is left.
func (t *tx) recoverPiece(now time.Time) (more bool, err error) {
	running, err := find(t, scanRecovery, selectRunning)
	if err != nil {
		return false, err
	}
	for i := range running {
		if err := t.goOnRecovering(&running[i], now); err != nil {
			return false, err
		}
		more = more || running[i].Running()
	}
	return more, nil
}

const selectRunning = "SELECT " + recoveryColumns + " FROM recoveries INDEXED BY recoveries_running WHERE finished_at IS NULL"

// CountRecoverable counts what a recovery since a time would send again, up to engine.MaxCounted; more: there is more
// than that. until bounds the time of acceptance, too; zero: now.
func (s *Store) CountRecoverable(ctx context.Context, id engine.WebhookID, since, until time.Time) (n int, more bool, err error) {
	last := int64(1<<63 - 1)
	if !until.IsZero() {
		last = engine.IDAt(until) - 1
	}
	if err := s.read.QueryRowContext(ctx, countMissed, int64(id), engine.IDAt(since), last, engine.MaxCounted+1).Scan(&n); err != nil {
		return 0, false, fmt.Errorf("count recoverable deliveries: %w", err)
	}
	return min(n, engine.MaxCounted), n > engine.MaxCounted, nil
}

// Recoveries returns the latest recoveries of a webhook, newest first.
func (s *Store) Recoveries(ctx context.Context, id engine.WebhookID, limit int) ([]engine.Recovery, error) {
	recoveries, err := list(ctx, s, scanRecovery, selectRecoveries, int64(id), limit)
	if err != nil {
		return nil, fmt.Errorf("list recoveries: %w", err)
	}
	return recoveries, nil
}

const selectRecoveries = "SELECT " + recoveryColumns + " FROM recoveries INDEXED BY recoveries_webhook WHERE webhook = ? ORDER BY id DESC LIMIT ?"
