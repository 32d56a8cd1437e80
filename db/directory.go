package db

import (
	"context"
	"fmt"

	"labhook/engine"
)

// Directory returns the consumers, webhooks and event types as of the latest committed change.
func (s *Store) Directory() *engine.Directory { return s.directory.Load() }

// loadDirectory reads all consumers, webhooks and event types at start.
func (s *Store) loadDirectory(ctx context.Context) error {
	consumers, err := list(ctx, s, scanConsumer, "SELECT "+consumerColumns+" FROM consumers ORDER BY id")
	if err != nil {
		return fmt.Errorf("load consumers: %w", err)
	}
	webhooks, err := list(ctx, s, s.scanWebhook,
		"SELECT "+webhookColumns+" FROM webhooks WHERE deleted_at IS NULL ORDER BY consumer, position")
	if err != nil {
		return fmt.Errorf("load webhooks: %w", err)
	}
	of := map[engine.ConsumerID][]*engine.Webhook{}
	for i := range webhooks {
		of[webhooks[i].ConsumerID] = append(of[webhooks[i].ConsumerID], &webhooks[i])
	}
	own, err := s.loadEventTypes(ctx)
	if err != nil {
		return err
	}
	d := engine.NewDirectory().WithEventTypes(own)
	for i := range consumers {
		if consumers[i].DeletedAt.IsZero() {
			d = d.With(&consumers[i], of[consumers[i].ID])
		} else {
			d = d.WithDeleted(&consumers[i])
		}
	}
	s.directory.Store(d)
	return nil
}

// reload takes a consumer and its webhooks into the transaction's directory, which is published after the commit.
func (s *Store) reload(t *tx, id engine.ConsumerID) error {
	c, err := get(t, scanConsumer, "SELECT "+consumerColumns+" FROM consumers WHERE id = ?", id)
	if err != nil {
		return fmt.Errorf("reload consumer: %w", err)
	}
	webhooks, err := find(t, s.scanWebhook,
		"SELECT "+webhookColumns+" FROM webhooks WHERE consumer = ? AND deleted_at IS NULL ORDER BY position", id)
	if err != nil {
		return fmt.Errorf("reload webhooks: %w", err)
	}
	pointers := make([]*engine.Webhook, len(webhooks))
	for i := range webhooks {
		pointers[i] = &webhooks[i]
	}
	t.directory = t.directory.With(&c, pointers)
	return nil
}
