package db

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

const consumerColumns = `id, name, coalesce(external_id, ''), description, default_organization, consuming_platform,
	consuming_platform_version, technical_contact, enabled, expires_at, one_send_per_url, created_at, created_by, updated_at, updated_by, deleted_at`

func scanConsumer(row scanner) (c engine.APIConsumer, err error) {
	return c, row.Scan(&c.ID, &c.Name, &c.ExternalID, &c.Description, &c.DefaultOrganization, &c.ConsumingPlatform,
		&c.ConsumingPlatformVersion, &c.TechnicalContact, &c.Enabled, at(&c.Expires), &c.OneSendPerURL,
		at(&c.CreatedAt), &c.CreatedBy, at(&c.UpdatedAt), &c.UpdatedBy, at(&c.DeletedAt))
}

// Consumer returns one API consumer, also a deleted one; engine.ErrNotFound when there never was one.
func (s *Store) Consumer(_ context.Context, id engine.ConsumerID) (engine.APIConsumer, error) {
	d := s.Directory()
	if c := cmp.Or(d.Consumer(id), d.Deleted(id)); c != nil {
		return *c, nil
	}
	return engine.APIConsumer{}, engine.ErrNotFound
}

// CreateConsumer stores a new API consumer and returns it with what the store filled in. The error is an
// engine.InvalidError when a field breaks a rule or the external id is taken.
func (s *Store) CreateConsumer(ctx context.Context, who engine.Actor, c engine.APIConsumer) (engine.APIConsumer, error) {
	if err := c.Validate(); err != nil {
		return engine.APIConsumer{}, err
	}
	c.ID = engine.NewID[engine.ConsumerID]()
	stored, err := change(ctx, s.writer, func(t *tx) (after engine.APIConsumer, err error) {
		err = t.exec(`INSERT INTO consumers (id, name, external_id, description, default_organization, consuming_platform,
				consuming_platform_version, technical_contact, enabled, expires_at, one_send_per_url, created_at, created_by, updated_at, updated_by)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?12, ?13)`,
			c.ID, c.Name, orNull(c.ExternalID), c.Description, c.DefaultOrganization, c.ConsumingPlatform,
			c.ConsumingPlatformVersion, c.TechnicalContact, c.Enabled, millis(c.Expires), c.OneSendPerURL, t.now.UnixMilli(), who.Name)
		if err != nil {
			return after, consumerError(err, c)
		}
		if err := s.reload(t, c.ID); err != nil {
			return after, err
		}
		after = *t.directory.Consumer(c.ID)
		return after, t.audit(who, "consumer.create", c.ID.String(), diffConsumers(engine.APIConsumer{}, after).String())
	})
	if err != nil {
		return engine.APIConsumer{}, fmt.Errorf("create consumer: %w", err)
	}
	return stored, nil
}

// UpdateConsumer stores every field of c but those the store fills in, and returns the consumer as it is now. When
// it cannot be used any more, its waiting deliveries are cancelled.
func (s *Store) UpdateConsumer(ctx context.Context, who engine.Actor, c engine.APIConsumer) (engine.APIConsumer, error) {
	return s.ReviseConsumer(ctx, who, c.ID, func(next *engine.APIConsumer) error {
		*next = c
		return nil
	})
}

// ReviseConsumer is UpdateConsumer for a change that depends on what the consumer is when it is made: revise gets it
// and changes it, or refuses with an error. It must not call the store.
func (s *Store) ReviseConsumer(ctx context.Context, who engine.Actor, id engine.ConsumerID, revise func(*engine.APIConsumer) error) (engine.APIConsumer, error) {
	stored, err := change(ctx, s.writer, func(t *tx) (after engine.APIConsumer, err error) {
		before := t.directory.Consumer(id)
		if before == nil {
			return after, engine.ErrNotFound
		}
		c := *before
		if err := revise(&c); err != nil {
			return after, err
		}
		if err := c.Validate(); err != nil {
			return after, err
		}
		err = t.exec(`UPDATE consumers SET name = ?, external_id = ?, description = ?, default_organization = ?,
				consuming_platform = ?, consuming_platform_version = ?, technical_contact = ?, enabled = ?, expires_at = ?,
				one_send_per_url = ?, updated_at = ?, updated_by = ?
			WHERE id = ?`,
			c.Name, orNull(c.ExternalID), c.Description, c.DefaultOrganization,
			c.ConsumingPlatform, c.ConsumingPlatformVersion, c.TechnicalContact, c.Enabled, millis(c.Expires),
			c.OneSendPerURL, t.now.UnixMilli(), who.Name, id)
		if err != nil {
			return after, consumerError(err, c)
		}
		if err := s.reload(t, id); err != nil {
			return after, err
		}
		after = *t.directory.Consumer(id)
		if err := t.cancelOfConsumer(after, t.now); err != nil {
			return after, err
		}
		return after, t.audit(who, "consumer.update", id.String(), diffConsumers(*before, after).String())
	})
	if err != nil {
		return engine.APIConsumer{}, fmt.Errorf("update consumer: %w", err)
	}
	return stored, nil
}

// cancelOfConsumer cancels what waits when the consumer is out of use. For a time of expiry that comes later the engine
// calls CancelExpired.
func (t *tx) cancelOfConsumer(after engine.APIConsumer, now time.Time) error {
	var reason string
	switch after.State(now) {
	case engine.ConsumerActive:
		return nil
	case engine.ConsumerExpired:
		reason = "The API consumer has expired."
	default:
		reason = "The API consumer was disabled."
	}
	var webhooks []engine.WebhookID
	for _, w := range t.directory.Webhooks(after.ID) {
		webhooks = append(webhooks, w.ID)
	}
	return t.cancelWaiting(reason, webhooks...)
}

// CancelExpired cancels what waits for consumers that expired after since and by now.
func (s *Store) CancelExpired(ctx context.Context, since, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		for _, c := range t.directory.Consumers() {
			if c.State(now) != engine.ConsumerExpired || !c.Expires.After(since) {
				continue
			}
			if err := t.cancelOfConsumer(*c, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cancel what waits for expired consumers: %w", err)
	}
	return nil
}

func consumerError(err error, c engine.APIConsumer) error {
	if taken(err, "consumers.external_id") {
		return invalid("external_id", "Another API consumer has the external ID %s", c.ExternalID)
	}
	return err
}

func diffConsumers(a, b engine.APIConsumer) *diff {
	d := &diff{}
	d.field("name", a.Name, b.Name)
	d.field("external_id", a.ExternalID, b.ExternalID)
	d.field("description", a.Description, b.Description)
	d.field("default_organization", a.DefaultOrganization, b.DefaultOrganization)
	d.field("consuming_platform", a.ConsumingPlatform, b.ConsumingPlatform)
	d.field("consuming_platform_version", a.ConsumingPlatformVersion, b.ConsumingPlatformVersion)
	d.field("technical_contact", a.TechnicalContact, b.TechnicalContact)
	d.field("enabled", a.Enabled, b.Enabled)
	d.field("expires", a.Expires, b.Expires)
	d.field("one_send_per_url", a.OneSendPerURL, b.OneSendPerURL)
	return d
}
