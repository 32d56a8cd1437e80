package db

import (
	"context"
	"fmt"

	"labhook/engine"
)

// InsertTest stores the event of a test and its delivery, and writes to the audit log who asked for it. It stands in no
// lane, so gates do not matter to it. engine.ErrNotFound when the webhook was deleted meanwhile.
func (s *Store) InsertTest(ctx context.Context, who engine.Actor, e *engine.Event, d engine.Delivery) error {
	err := s.writer.do(ctx, func(t *tx) error {
		if t.directory.Webhook(d.WebhookID) == nil {
			return engine.ErrNotFound
		}
		if _, err := insertEvent(t, e); err != nil {
			return err
		}
		if err := insertDelivery(t, &d); err != nil {
			return err
		}
		return t.audit(who, "webhook.test", d.WebhookID.String(), fmt.Sprintf("%s as %s", e.Type, d.ID))
	})
	if err != nil {
		return fmt.Errorf("insert test: %w", err)
	}
	return nil
}
