package db

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// Webhook returns a webhook, also a deleted one; engine.ErrNotFound when there never was one.
func (s *Store) Webhook(ctx context.Context, id engine.WebhookID) (engine.Webhook, error) {
	if w := s.Directory().Webhook(id); w != nil {
		return copyWebhook(w), nil
	}
	return one(s.read.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks WHERE id = ?", id), s.scanWebhook)
}

// WebhookVersion returns a webhook with the settings it had in one of its versions.
func (s *Store) WebhookVersion(ctx context.Context, id engine.WebhookID, version int) (engine.Webhook, error) {
	w, err := s.Webhook(ctx, id)
	if err != nil {
		return engine.Webhook{}, err
	}
	return one(s.read.QueryRowContext(ctx,
		"SELECT settings, created_at, created_by FROM webhook_versions WHERE webhook = ? AND version = ?", id, version),
		func(row scanner) (engine.Webhook, error) { return s.scanVersion(row, w, version) })
}

// CreateWebhook stores a new webhook behind the consumer's other ones, and returns it with what the store filled in.
// The error is an engine.InvalidError when a field breaks a rule or the name is taken, engine.ErrNotFound when there
// is no such consumer.
func (s *Store) CreateWebhook(ctx context.Context, who engine.Actor, w engine.Webhook) (engine.Webhook, error) {
	if err := w.Validate(s.Directory().Catalog()); err != nil {
		return engine.Webhook{}, err
	}
	w.ID = engine.NewID[engine.WebhookID]()
	stored, err := change(ctx, s.writer, func(t *tx) (after engine.Webhook, err error) {
		if t.directory.Consumer(w.ConsumerID) == nil {
			return after, engine.ErrNotFound
		}
		others := t.directory.Webhooks(w.ConsumerID)
		if len(others) >= engine.MaxWebhooksPerConsumer {
			return after, invalid("name", "The API consumer has %d webhooks, which is the most", len(others))
		}
		next := w
		next.Signing.Fill()
		next.Position, next.Version = 1, 1
		if len(others) > 0 {
			next.Position = others[len(others)-1].Position + 1
		}
		next.CreatedAt, next.CreatedBy, next.UpdatedAt, next.UpdatedBy = t.now, who.Name, t.now, who.Name
		next.DeactivateReason = engine.DeactivatedByHand
		switched(true, &next, t.now)
		if err := s.insertWebhook(t, &next); err != nil {
			return after, webhookError(err, &next)
		}
		if after, err = s.webhookChanged(t, &next); err != nil {
			return after, err
		}
		return after, t.audit(who, "webhook.create", w.ID.String(), diffWebhooks(&engine.Webhook{}, &after).String())
	})
	if err != nil {
		return engine.Webhook{}, fmt.Errorf("create webhook: %w", err)
	}
	return stored, nil
}

// UpdateWebhook stores the settings of w as its next version, and returns the webhook as it is now. w.Version says
// which version was edited: engine.ErrConflict when the webhook was changed meanwhile. A webhook that is disabled by
// this has its waiting deliveries cancelled. Consumer and position stay as they are, and why and since when it is off is
// not for w to say. A signing secret that w does not give stays, too; RotateSecret replaces it without a break.
func (s *Store) UpdateWebhook(ctx context.Context, who engine.Actor, w engine.Webhook) (engine.Webhook, error) {
	if err := w.Validate(s.Directory().Catalog()); err != nil {
		return engine.Webhook{}, err
	}
	after, err := s.changeWebhook(ctx, who, w.ID, "webhook.update", func(old *engine.Webhook) (*engine.Webhook, error) {
		if old.Version != w.Version {
			return nil, fmt.Errorf("version %d was changed by %s: %w", w.Version, old.UpdatedBy, engine.ErrConflict)
		}
		next := w
		next.KeepMasked(old)
		next.Signing.Fill()
		next.ConsumerID, next.Position = old.ConsumerID, old.Position
		return &next, nil
	})
	if err != nil {
		return engine.Webhook{}, fmt.Errorf("update webhook: %w", err)
	}
	return after, nil
}

// SetWebhookEnabled switches a webhook on or off. Its waiting deliveries are cancelled when it is switched off.
func (s *Store) SetWebhookEnabled(ctx context.Context, who engine.Actor, id engine.WebhookID, enabled bool) (engine.Webhook, error) {
	action := "webhook.disable"
	if enabled {
		action = actionEnable
	}
	after, err := s.changeWebhook(ctx, who, id, action, enabledAs(enabled))
	if err != nil {
		return engine.Webhook{}, fmt.Errorf("%s: %w", action, err)
	}
	return after, nil
}

// actionEnable is what the audit log calls it when a webhook is switched on.
const actionEnable = "webhook.enable"

// enabledAs returns the edit that switches a webhook on or off.
func enabledAs(enabled bool) func(old *engine.Webhook) (*engine.Webhook, error) {
	return func(old *engine.Webhook) (*engine.Webhook, error) {
		next := *old
		next.Enabled = enabled
		return &next, nil
	}
}

// changeWebhook stores what edit makes of a webhook as its next version.
func (s *Store) changeWebhook(ctx context.Context, who engine.Actor, id engine.WebhookID, action string,
	edit func(old *engine.Webhook) (*engine.Webhook, error),
) (engine.Webhook, error) {
	return change(ctx, s.writer, func(t *tx) (engine.Webhook, error) { return s.editWebhook(t, who, id, action, edit) })
}

// editWebhook is changeWebhook as a part of a transaction.
func (s *Store) editWebhook(t *tx, who engine.Actor, id engine.WebhookID, action string,
	edit func(old *engine.Webhook) (*engine.Webhook, error),
) (after engine.Webhook, err error) {
	old := t.directory.Webhook(id)
	if old == nil {
		return after, engine.ErrNotFound
	}
	next, err := edit(old)
	if err != nil {
		return after, err
	}
	next.DeactivateReason = engine.DeactivatedByHand // if it goes off
	if after, err = s.putWebhook(t, who, action, old, next); err != nil {
		return after, err
	}
	switch {
	case old.Enabled && !after.Enabled:
		err = t.raiseDeactivated(&after, nil)
	case !old.Enabled && after.Enabled:
		err = t.resume(id)
	}
	return after, err
}

// putWebhook stores the next version of a webhook. When it goes off, for the reason that next gives, what waits for it is
// cancelled.
func (s *Store) putWebhook(t *tx, who engine.Actor, action string, old, next *engine.Webhook) (after engine.Webhook, err error) {
	next.Version, next.UpdatedAt, next.UpdatedBy = old.Version+1, t.now, who.Name
	if !old.Enabled {
		next.DeactivateReason, next.DeactivatedAt = old.DeactivateReason, old.DeactivatedAt
	}
	switched(old.Enabled, next, t.now)
	if err := s.updateWebhook(t, next); err != nil {
		return after, webhookError(err, next)
	}
	if after, err = s.webhookChanged(t, next); err != nil {
		return after, err
	}
	if old.Enabled && !after.Enabled {
		if err := t.cancelWaiting(after.DeactivateReason.CancelReason(), after.ID); err != nil {
			return after, err
		}
	}
	return after, t.audit(who, action, after.ID.String(), diffWebhooks(old, &after).String())
}

// switched notes since when a webhook is off that was on before, and forgets why and since when it was off when it is on.
func switched(before bool, w *engine.Webhook, now time.Time) {
	switch {
	case w.Enabled:
		w.DeactivateReason, w.DeactivatedAt = "", time.Time{}
	case before:
		w.DeactivatedAt = now
	}
}

// webhookChanged stores the new version and takes it into the directory.
func (s *Store) webhookChanged(t *tx, w *engine.Webhook) (engine.Webhook, error) {
	if err := s.insertVersion(t, w); err != nil {
		return engine.Webhook{}, err
	}
	if err := s.reload(t, w.ConsumerID); err != nil {
		return engine.Webhook{}, err
	}
	return copyWebhook(t.directory.Webhook(w.ID)), nil
}

// copyWebhook returns a copy that may be edited: those in a directory must not be changed.
func copyWebhook(w *engine.Webhook) engine.Webhook {
	c := *w
	c.Events, c.Headers = slices.Clone(w.Events), slices.Clone(w.Headers)
	return c
}

// DeleteWebhook takes a webhook out of use and cancels its waiting deliveries. It stays readable for its deliveries.
func (s *Store) DeleteWebhook(ctx context.Context, who engine.Actor, id engine.WebhookID) error {
	return s.DeleteWebhookSeen(ctx, who, id, 0)
}

// DeleteWebhookSeen is DeleteWebhook for one who has seen a version; when there is a newer one nothing is deleted and the
// error is ErrConflict. Zero: any version.
func (s *Store) DeleteWebhookSeen(ctx context.Context, who engine.Actor, id engine.WebhookID, version int) error {
	err := s.writer.do(ctx, func(t *tx) error {
		w := t.directory.Webhook(id)
		if w == nil {
			return engine.ErrNotFound
		}
		if version != 0 && version != w.Version {
			return engine.ErrConflict
		}
		if err := t.dropWebhook(who, w); err != nil {
			return err
		}
		if err := s.reload(t, w.ConsumerID); err != nil {
			return err
		}
		return t.cancelWaiting("The webhook was deleted.", id)
	})
	if err != nil {
		return fmt.Errorf("delete webhook: %w", err)
	}
	return nil
}

// dropWebhook marks a webhook as deleted. The caller takes it out of the directory and cancels what waits for it.
func (t *tx) dropWebhook(who engine.Actor, w *engine.Webhook) error {
	err := t.exec("UPDATE webhooks SET deleted_at = ?1, updated_at = ?1, updated_by = ?2 WHERE id = ?3", t.now.UnixMilli(), who.Name, w.ID)
	if err != nil {
		return err
	}
	if err := t.forgetStreak(engine.Streak{WebhookID: w.ID}); err != nil {
		return err
	}
	return t.audit(who, "webhook.delete", w.ID.String(), w.Name)
}

func webhookError(err error, w *engine.Webhook) error {
	if taken(err, "webhooks.name") {
		return invalid("name", "Another webhook of this API consumer is called %s", w.Name)
	}
	return err
}

// MoveWebhook exchanges a webhook's place with that of its neighbour, towards the first when up. The order is that in
// which the webhooks of one event take their turns. At the end of the list it changes nothing.
func (s *Store) MoveWebhook(ctx context.Context, who engine.Actor, id engine.WebhookID, up bool) error {
	err := s.writer.do(ctx, func(t *tx) error {
		w := t.directory.Webhook(id)
		if w == nil {
			return engine.ErrNotFound
		}
		order := t.directory.Webhooks(w.ConsumerID)
		at := slices.Index(order, w)
		to := at + 1
		if up {
			to = at - 1
		}
		if to < 0 || to >= len(order) {
			return nil
		}
		order = slices.Clone(order)
		order[at], order[to] = order[to], order[at]
		return s.reorder(t, who, w.ConsumerID, order)
	})
	if err != nil {
		return fmt.Errorf("move webhook: %w", err)
	}
	return nil
}

// OrderWebhooks puts a consumer's webhooks into the given order, which must name each of them once.
func (s *Store) OrderWebhooks(ctx context.Context, who engine.Actor, consumer engine.ConsumerID, ids []engine.WebhookID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		if t.directory.Consumer(consumer) == nil {
			return engine.ErrNotFound
		}
		var order []*engine.Webhook
		for _, id := range ids {
			if w := t.directory.Webhook(id); w != nil && w.ConsumerID == consumer && !slices.Contains(order, w) {
				order = append(order, w)
			}
		}
		if len(order) != len(ids) || len(order) != len(t.directory.Webhooks(consumer)) {
			return invalid("webhooks", "Name each webhook of the API consumer once")
		}
		return s.reorder(t, who, consumer, order)
	})
	if err != nil {
		return fmt.Errorf("order webhooks: %w", err)
	}
	return nil
}

// reorder stores the order. A webhook's version does not count it: what is sent stays the same.
func (s *Store) reorder(t *tx, who engine.Actor, consumer engine.ConsumerID, order []*engine.Webhook) error {
	names := make([]string, len(order))
	for i, w := range order {
		if err := t.exec("UPDATE webhooks SET position = ? WHERE id = ?", i+1, int64(w.ID)); err != nil {
			return err
		}
		names[i] = w.Name
	}
	if err := s.reload(t, consumer); err != nil {
		return err
	}
	return t.audit(who, "webhook.order", consumer.String(), strings.Join(names, ", "))
}
