package api

import (
	"context"
	"net/http"
	"time"

	"labhook/engine"
)

type listConsumersInput struct{ Onward }

// listConsumers answers with the consumers that the key sees, oldest first.
func (s *server) listConsumers(ctx context.Context, in *listConsumersInput) (*listAnswer[Consumer], error) {
	var (
		bad  engine.InvalidError
		seen []*engine.APIConsumer
	)
	before, after := consumerList.readCursors(&bad, in.Before, in.After)
	if len(bad) > 0 {
		return nil, bad
	}
	for _, c := range s.Store.Directory().Consumers() {
		if callOf(ctx).sees(c.ID) {
			seen = append(seen, c)
		}
	}
	id := func(c *engine.APIConsumer) engine.ConsumerID { return c.ID }
	return oldestFirst(ctx, consumerList, partOf(seen, id, before, after, in.Limit), id, consumerOut), nil
}

// createConsumer makes a consumer.
func (s *server) createConsumer(ctx context.Context, _ *none) (*created[Consumer], error) {
	c := callOf(ctx)
	sent := newConsumerInput()
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	var next engine.APIConsumer
	sent.set(&next)
	made, err := s.Store.CreateConsumer(ctx, c.actor(), next)
	if err != nil {
		return nil, err
	}
	return &created[Consumer]{Location: Prefix + "/consumers/" + made.ID.String(), Body: consumerOut(&made)}, nil
}

type consumerPath struct {
	Con string `path:"con" doc:"Id or external id"`
}

// readConsumer answers with one consumer.
func (s *server) readConsumer(ctx context.Context, in *consumerPath) (*answer[Consumer], error) {
	found, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	return &answer[Consumer]{consumerOut(found)}, nil
}

// replaceConsumer gives a consumer all its fields anew; what is absent becomes what it is in a new one.
func (s *server) replaceConsumer(ctx context.Context, in *consumerPath) (*answer[Consumer], error) {
	c := callOf(ctx)
	found, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	sent := newConsumerInput()
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	changed, err := s.Store.ReviseConsumer(ctx, c.actor(), found.ID, func(next *engine.APIConsumer) error {
		before := *next
		sent.set(next)
		return c.mayTurn(&before, next)
	})
	if err != nil {
		return nil, err
	}
	return &answer[Consumer]{consumerOut(&changed)}, nil
}

// deleteConsumer takes a consumer away, with its webhooks and keys; its deliveries and events stay readable.
func (s *server) deleteConsumer(ctx context.Context, in *consumerPath) (*none, error) {
	found, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteConsumer(ctx, callOf(ctx).actor(), found.ID)
}

// mayTurn returns a problem when the key of a consumer would change whether, or how long, the consumer is in use. It is
// asked as the change is made: the consumer may have been disabled since the key was checked.
func (c *call) mayTurn(before, after *engine.APIConsumer) error {
	if c.key.ConsumerID == 0 {
		return nil
	}
	if err := inUse(before); err != nil {
		return err
	}
	var fields []FieldProblem
	if after.Enabled != before.Enabled {
		fields = append(fields, FieldProblem{"enabled", "Only a platform key can change enabled; send it as it is"})
	}
	if !after.Expires.Truncate(time.Millisecond).Equal(before.Expires) {
		fields = append(fields, FieldProblem{"expires", "Only a platform key can change expires; send it as it is"})
	}
	if len(fields) == 0 {
		return nil
	}
	return newProblem(http.StatusForbidden, fields[0].Message, fields...)
}

// consumerAt finds the consumer that a path names, ErrNotFound when there is none or the key does not see it.
func (s *server) consumerAt(ctx context.Context, name string) (*engine.APIConsumer, error) {
	found := s.Store.Directory().ConsumerNamed(name)
	if found == nil || !callOf(ctx).sees(found.ID) {
		return nil, engine.ErrNotFound
	}
	return found, nil
}

// newConsumerInput returns the values that absent fields have.
func newConsumerInput() ConsumerInput { return ConsumerInput{Enabled: true} }

// set puts what was sent into c.
func (in *ConsumerInput) set(c *engine.APIConsumer) {
	c.Name, c.ExternalID, c.Description = in.Name, in.ExternalID, in.Description
	c.DefaultOrganization, c.TechnicalContact = in.DefaultOrganization, in.TechnicalContact
	c.ConsumingPlatform, c.ConsumingPlatformVersion = in.ConsumingPlatform, in.ConsumingPlatformVersion
	c.Enabled, c.Expires, c.OneSendPerURL = in.Enabled, timeOrZero(in.Expires), in.OneSendPerURL
}

func consumerOut(c *engine.APIConsumer) Consumer {
	return Consumer{
		ID: c.ID.String(), Name: c.Name, ExternalID: c.ExternalID, Description: c.Description,
		DefaultOrganization: c.DefaultOrganization, TechnicalContact: c.TechnicalContact,
		ConsumingPlatform: c.ConsumingPlatform, ConsumingPlatformVersion: c.ConsumingPlatformVersion,
		Enabled: c.Enabled, Expires: timeOrNull(c.Expires), OneSendPerURL: c.OneSendPerURL, State: string(c.State(time.Now())),
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
}
