package db

import (
	"fmt"

	"labhook/engine"
)

// deactivate switches a webhook off because of what an attempt for it came to. An attempt that was made with other
// settings than those of now says nothing about these: someone may have mended them since, or switched the webhook on
// again.
func (t *tx) deactivate(a *engine.Attempt, d *engine.Delivery) error {
	w := t.directory.Webhook(d.WebhookID)
	if w == nil || w.Version != a.WebhookVersion {
		return nil
	}
	return t.switchOff(w, a.Outcome.Deactivate, d)
}

// switchOff deactivates a webhook, if it is on, because of a delivery.
func (t *tx) switchOff(w *engine.Webhook, reason engine.DeactivateReason, d *engine.Delivery) error {
	if !w.Enabled {
		return nil
	}
	next := *w
	next.Enabled, next.DeactivateReason = false, reason
	after, err := t.writer.store.putWebhook(t, engine.System, "webhook.deactivate", w, &next)
	if err != nil {
		return err
	}
	kind, err := get(t, scanText, "SELECT e.type FROM events e WHERE e.id = ?", int64(d.EventID))
	switch {
	case err != nil:
		return fmt.Errorf("event of %s: %w", d.ID, err)
	case engine.BuiltIn.System(kind):
		return nil // no cascades
	}
	return t.raiseDeactivated(&after, d)
}

// raiseDeactivated tells that a webhook was switched off, and by which delivery when no person did it.
func (t *tx) raiseDeactivated(w *engine.Webhook, d *engine.Delivery) error {
	news := engine.SystemEvent{
		Type: engine.SystemWebhookDeactivated, Consumer: w.ConsumerID.String(), Webhook: w.ID.String(), WebhookName: w.Name,
		Reason: string(w.DeactivateReason),
	}
	if d != nil {
		news.Delivery, news.Attempts, news.FailureClass, news.Status = d.ID.String(), d.Attempts, string(d.LastClass), d.LastStatus
	}
	return t.raise(news, w.ConsumerID, t.now)
}

// resume ends the pause of a webhook that a person switched on again, and what led to it.
func (t *tx) resume(id engine.WebhookID) error {
	s, err := getStreak(t, id)
	if err != nil || s.Attempts == 0 {
		return err
	}
	if s.Paused() {
		t.paused = append(t.paused, engine.Streak{WebhookID: id})
	}
	return t.putStreak(s.Resume(t.now))
}
