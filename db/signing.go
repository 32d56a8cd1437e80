package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

// RotateSecret replaces the signing secret of a webhook by next, or by a new one when next is empty, and returns the
// webhook as it is now. The secret before signs, too, for the grace period. The error is an engine.InvalidError on
// "secret" or "grace", or engine.ErrNotFound.
func (s *Store) RotateSecret(ctx context.Context, who engine.Actor, id engine.WebhookID, next engine.Secret, grace time.Duration) (engine.Webhook, error) {
	after, err := s.changeWebhook(ctx, who, id, "webhook.rotate_secret", func(old *engine.Webhook) (*engine.Webhook, error) {
		w := *old
		var err error
		w.Signing, err = old.Signing.Rotate(next, grace, time.Now())
		return &w, err
	})
	if err != nil {
		return engine.Webhook{}, fmt.Errorf("rotate secret: %w", err)
	}
	return after, nil
}

// RevealSecret returns the signing secret of a webhook, once it is in the audit log who asked for it. The error is
// engine.ErrNotFound when there is no such webhook, or it does not sign.
func (s *Store) RevealSecret(ctx context.Context, who engine.Actor, id engine.WebhookID) (engine.Secret, error) {
	secret, err := change(ctx, s.writer, func(t *tx) (engine.Secret, error) {
		w := t.directory.Webhook(id)
		if w == nil || w.Signing.Secret == "" {
			return "", engine.ErrNotFound
		}
		return w.Signing.Secret, t.audit(who, "webhook.reveal_secret", id.String(), w.Name)
	})
	if err != nil {
		return "", fmt.Errorf("reveal secret: %w", err)
	}
	return secret, nil
}
