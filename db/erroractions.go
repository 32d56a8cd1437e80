package db

import (
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
	if engine.BuiltIn.System(e.Type) {
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
	skipped, err := find(t, number, skipHeld, millis(now), engine.SkipReason(t.directory.Catalog(), w, e), int64(lane), sentAtEnd)
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
	for _, kind := range engine.BuiltIn.All() {
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
