package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// fail applies the error action of a delivery that has failed for good, and raises what there is to tell. The
// delivery's row is written by the caller. An action is applied once: a resend that fails again applies none.
func (t *tx) fail(d *engine.Delivery, now time.Time) error {
	w := t.directory.Webhook(d.WebhookID)
	if w == nil || d.ErrorAction != "" {
		return nil
	}
	e, err := get(t, scanEvent, "SELECT "+eventColumns+" FROM events e WHERE e.id = ?", int64(d.EventID))
	if err != nil {
		return fmt.Errorf("event of %s: %w", d.ID, err)
	}
	if engine.Catalog.System(e.Type) {
		d.ErrorAction = engine.ErrorActionLog // no cascades
		return nil
	}
	d.ErrorAction = w.ErrorAction
	news := engine.SystemEvent{
		Type: engine.SystemDeliveryFailed, Consumer: w.ConsumerID.String(), Webhook: w.ID.String(), WebhookName: w.Name,
		Subject: e.Subject, Event: e.PublicID(), EventType: e.Type, Delivery: d.ID.String(), Attempts: d.Attempts,
		FailureClass: string(d.LastClass), Status: d.LastStatus, ErrorAction: string(d.ErrorAction),
	}
	if err := t.raise(news, w.ConsumerID, now); err != nil {
		return err
	}
	switch w.ErrorAction {
	case engine.ErrorActionNotifyUser:
		d.Notification = w.Notification(&e)
		news.Type, news.Notification = engine.SystemLabNotification, d.Notification
		return t.raise(news, w.ConsumerID, now)
	case engine.ErrorActionEndLab:
		news.Type = engine.SystemLabEndRequested
		if err := t.raise(news, w.ConsumerID, now); err != nil {
			return err
		}
		return t.skipLane(w, &e, now)
	}
	return nil
}

// skipLane skips the held deliveries of a lab that is to be ended, in one statement however many they are.
func (t *tx) skipLane(w *engine.Webhook, e *engine.Event, now time.Time) error {
	if e.Subject == "" {
		return nil
	}
	lane, err := findLane(t, laneKey{w.ConsumerID, e.Subject})
	if err != nil || lane == 0 {
		return err
	}
	t.writes++ // as for makeLane
	skipped, err := find(t, number, skipHeld, millis(now), engine.SkipReason(w, e), int64(lane), sentAtEnd)
	if err != nil {
		return fmt.Errorf("skip held deliveries: %w", err)
	}
	for _, event := range slices.Compact(skipped) {
		t.ended = append(t.ended, engine.EventID(event))
	}
	return nil
}

const skipHeld = `UPDATE deliveries INDEXED BY deliveries_held SET state = 'skipped', finished_at = ?, reason = ?
	WHERE lane = ? AND state = 'held'
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = deliveries.event AND e.type IN (SELECT value FROM json_each(?)))
	RETURNING event`

// sentAtEnd are the event types that skipLane leaves alone, as a JSON list.
var sentAtEnd = func() string {
	var codes []string
	for _, kind := range engine.Catalog {
		if !engine.SkippedAtEnd(kind.Code) {
			codes = append(codes, strconv.Quote(kind.Code))
		}
	}
	return "[" + strings.Join(codes, ",") + "]"
}()

// raise stores a system event for the webhooks of a consumer that name it. One that nobody listens to is not stored.
func (t *tx) raise(news engine.SystemEvent, consumer engine.ConsumerID, now time.Time) error {
	e, err := engine.NewSystemEvent(news, consumer, now)
	if err != nil {
		return err
	}
	webhooks := t.directory.Match(e, now)
	if len(webhooks) == 0 {
		return nil
	}
	if _, err := insertEvent(t, e); err != nil {
		return err
	}
	for _, w := range webhooks {
		// System events have no lane: they tell of lanes, and must not wait in one.
		d := engine.NewDelivery(e, w, now)
		d.Blocking = false
		if err := insertDelivery(t, &d); err != nil {
			return err
		}
		t.due = append(t.due, d)
	}
	return nil
}

// streak keeps count of a webhook's deliveries that failed in a row, and tells when it starts or stops failing. Those of
// system events do not count, as what they come to raises no other.
func (t *tx) streak(d *engine.Delivery, now time.Time) error {
	failed := d.State == engine.StateFailed
	if !failed && (d.State != engine.StateDelivered || !t.writer.store.streaks[d.WebhookID]) {
		return nil
	}
	kind, err := get(t, scanText, "SELECT e.type FROM events e WHERE e.id = ?", int64(d.EventID))
	switch {
	case err != nil:
		return fmt.Errorf("event of %s: %w", d.ID, err)
	case engine.Catalog.System(kind):
		return nil
	case failed:
		return t.lengthenStreak(d, now)
	}
	return t.endStreak(d, now)
}

func scanText(row scanner) (text string, err error) { return text, row.Scan(&text) }

func (t *tx) lengthenStreak(d *engine.Delivery, now time.Time) error {
	remember := func() { t.writer.store.streaks[d.WebhookID] = true }
	remember()
	t.onCommit(remember) // again, as another operation of the group may have ended the streak before this one
	t.writes++           // as for makeLane
	failed, err := get(t, number, `INSERT INTO streaks (webhook, failed, since) VALUES (?, 1, ?)
		ON CONFLICT (webhook) DO UPDATE SET failed = failed + 1 RETURNING failed`, int64(d.WebhookID), millis(now))
	if err != nil || failed != engine.FailingAfter {
		return err
	}
	return t.raiseHealth(engine.SystemWebhookFailing, d, now)
}

func (t *tx) endStreak(d *engine.Delivery, now time.Time) error {
	t.writes++
	failed, err := get(t, number, "DELETE FROM streaks WHERE webhook = ? RETURNING failed", int64(d.WebhookID))
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	t.onCommit(func() { delete(t.writer.store.streaks, d.WebhookID) })
	if err != nil || failed < engine.FailingAfter {
		return err
	}
	return t.raiseHealth(engine.SystemWebhookRecovered, d, now)
}

// loadStreaks remembers which webhooks have a streak.
func (s *Store) loadStreaks(ctx context.Context) error {
	s.streaks = map[engine.WebhookID]bool{}
	ids, err := list(ctx, s, number, "SELECT webhook FROM streaks")
	for _, id := range ids {
		s.streaks[engine.WebhookID(id)] = true
	}
	return err
}

// raiseDeactivated tells that a person switched a webhook off.
func (t *tx) raiseDeactivated(w *engine.Webhook) error {
	return t.raise(engine.SystemEvent{
		Type: engine.SystemWebhookDeactivated, Consumer: w.ConsumerID.String(), Webhook: w.ID.String(), WebhookName: w.Name,
		Reason: engine.DeactivatedByHand,
	}, w.ConsumerID, t.now)
}

func (t *tx) raiseHealth(kind string, d *engine.Delivery, now time.Time) error {
	w := t.directory.Webhook(d.WebhookID)
	if w == nil {
		return nil
	}
	return t.raise(engine.SystemEvent{
		Type: kind, Consumer: w.ConsumerID.String(), Webhook: w.ID.String(), WebhookName: w.Name,
		FailureClass: string(d.LastClass), Status: d.LastStatus,
	}, w.ConsumerID, now)
}
