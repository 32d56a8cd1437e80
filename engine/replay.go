package engine

import (
	"context"
	"fmt"
	"time"
)

// NewReplay returns a delivery of an event for a webhook that has none of it, as a person asked for one. It has all the
// retries, but no delay, and neither holds a lane nor waits in one: the lab has gone on since.
func NewReplay(e *Event, w *Webhook, now time.Time) Delivery {
	return Delivery{
		ID: NewID[DeliveryID](), EventID: e.ID, ConsumerID: w.ConsumerID, WebhookID: w.ID,
		State: StateQueued, DueAt: now, Trigger: TriggerManual, CreatedAt: now,
	}
}

// MayReplay returns a Conflict that says why an event cannot be sent to a webhook at that time, nil when it can, whether
// the webhook listens to such events or not. Events of one consumer are for its webhooks alone.
func (d *Directory) MayReplay(e *Event, id WebhookID, now time.Time) error {
	if e.Test {
		return Conflict("The event was made to test one webhook: test the webhook instead.")
	}
	if !e.BodyGoneAt.IsZero() {
		return BodyGone(e.BodyGoneAt)
	}
	if w := d.webhooks[id]; w != nil && e.ConsumerID != 0 && e.ConsumerID != w.ConsumerID {
		return Conflict("The event is for another API consumer.")
	}
	if reason := d.Unusable(id, now); reason != "" {
		return Conflict(reason)
	}
	return nil
}

// Replay sends an event that was accepted before to a webhook. A delivery that the webhook has of it gets one more
// attempt under its id, by which the receiver knows it; else it gets one. Errors are ErrNotFound when there is no such
// event, ErrStopping, and a Conflict as of MayReplay, or when the delivery has not ended yet.
func (e *Engine) Replay(ctx context.Context, who Actor, event EventID, webhook WebhookID) (Delivery, error) {
	e.life.RLock()
	defer e.life.RUnlock()
	if e.state != running {
		return Delivery{}, ErrStopping
	}
	d, err := e.store.Replay(context.WithoutCancel(ctx), who, time.Now().Truncate(time.Millisecond), event, webhook)
	if err != nil {
		return d, fmt.Errorf("replay event: %w", err)
	}
	return e.askedFor(ctx, d)
}
