package db

import (
	"context"
	"fmt"

	"labhook/engine"
)

// DeleteConsumer takes an API consumer out of use for good, with its webhooks and keys: what waits is cancelled, its gates
// open, and its keys open nothing any more. It stays readable for its deliveries and events, and its external id is free
// for another one. engine.ErrNotFound when there is no such consumer, or it was deleted already.
func (s *Store) DeleteConsumer(ctx context.Context, who engine.Actor, id engine.ConsumerID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		c, webhooks := t.directory.Consumer(id), t.directory.Webhooks(id)
		if c == nil {
			return engine.ErrNotFound
		}
		if err := s.dropParts(t, who, id, webhooks); err != nil {
			return err
		}
		err := t.exec("UPDATE consumers SET deleted_at = ?1, updated_at = ?1, updated_by = ?2 WHERE id = ?3", t.now.UnixMilli(), who.Name, id)
		if err != nil {
			return err
		}
		gone, err := get(t, scanConsumer, "SELECT "+consumerColumns+" FROM consumers WHERE id = ?", id)
		if err != nil {
			return err
		}
		t.directory = t.directory.WithDeleted(&gone)
		waiting := make([]engine.WebhookID, len(webhooks))
		for i, w := range webhooks {
			waiting[i] = w.ID
		}
		if err := t.cancelWaiting("The API consumer was deleted.", waiting...); err != nil {
			return err
		}
		return t.audit(who, "consumer.delete", id.String(), c.Name)
	})
	if err != nil {
		return fmt.Errorf("delete consumer: %w", err)
	}
	return nil
}

// dropParts deletes the webhooks of a consumer and revokes its keys.
func (s *Store) dropParts(t *tx, who engine.Actor, id engine.ConsumerID, webhooks []*engine.Webhook) error {
	for _, w := range webhooks {
		if err := t.dropWebhook(who, w); err != nil {
			return err
		}
	}
	keys, err := find(t, scanKey, "SELECT "+keyColumns+" FROM api_keys WHERE consumer = ? AND enabled = 1", id)
	if err != nil {
		return err
	}
	for i := range keys {
		if err := s.revoke(t, who, &keys[i]); err != nil {
			return err
		}
	}
	return nil
}
