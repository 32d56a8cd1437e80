package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

const (
	selectEvent = "SELECT " + eventColumns + " FROM events e WHERE e.id = ?"
	// selectDeliveryTo finds the latest delivery of an event to a webhook.
	selectDeliveryTo = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_event
		WHERE d.event = ? AND d.webhook = ? ORDER BY d.id DESC LIMIT 1`
)

// Replay sends an event to a webhook: the delivery that the webhook has of it again, else a new one, which waits for a
// sender. It is written to the audit log. Errors are engine.ErrNotFound when there is no such event, and an
// engine.Conflict as of Directory.MayReplay or when the delivery has not ended.
func (s *Store) Replay(ctx context.Context, who engine.Actor, now time.Time, event engine.EventID, webhook engine.WebhookID) (engine.Delivery, error) {
	d, err := change(ctx, s.writer, func(t *tx) (engine.Delivery, error) {
		e, err := get(t, scanEvent, selectEvent, int64(event))
		if err != nil {
			return engine.Delivery{}, err
		}
		if err := t.directory.MayReplay(&e, webhook, now); err != nil {
			return engine.Delivery{}, err
		}
		d, err := t.replay(&e, webhook, now)
		if err != nil {
			return d, err
		}
		return d, t.audit(who, "event.replay", event.String(), fmt.Sprintf("to %s as %s", t.directory.Webhook(webhook).Name, d.ID))
	})
	if err != nil {
		return engine.Delivery{}, fmt.Errorf("replay: %w", err)
	}
	return d, nil
}

// replay makes the delivery due.
func (t *tx) replay(e *engine.Event, webhook engine.WebhookID, now time.Time) (engine.Delivery, error) {
	before, err := get(t, scanDelivery, selectDeliveryTo, int64(e.ID), int64(webhook))
	if errors.Is(err, engine.ErrNotFound) {
		d := engine.NewReplay(e, t.directory.Webhook(webhook), now)
		return d, insertDelivery(t, &d)
	}
	again := engine.Change{Step: engine.StepResend, Now: now}
	if err == nil {
		err = t.mayChange(before.ID, again)
	}
	if err != nil {
		return before, err
	}
	return step(t, before.ID, again)
}
