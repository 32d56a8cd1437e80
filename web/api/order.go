package api

import (
	"context"
	"fmt"

	"labhook/engine"
)

// orderWebhooks puts the webhooks of a consumer into the order in which they take their turns, and answers with them.
func (s *server) orderWebhooks(ctx context.Context, in *consumerPath) (*answer[List[Webhook]], error) {
	c := callOf(ctx)
	owner, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	var sent OrderInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	var bad engine.InvalidError
	ids := make([]engine.WebhookID, len(sent.Webhooks))
	for i, text := range sent.Webhooks {
		if ids[i], err = engine.ParseID[engine.WebhookID](text); err != nil {
			bad = append(bad, invalid(fmt.Sprintf("webhooks[%d]", i), "%s", err)...)
		}
	}
	if len(bad) > 0 {
		return nil, bad
	}
	if err := s.Store.OrderWebhooks(ctx, c.actor(), owner.ID, ids); err != nil {
		return nil, err
	}
	write, err := s.webhookWriter(ctx)
	if err != nil {
		return nil, err
	}
	return wholeList(s.Store.Directory().Webhooks(owner.ID), write), nil
}

// moveWebhook exchanges a webhook with its neighbour, and answers with it. At the end of the list it stays.
func (s *server) moveWebhook(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	c := callOf(ctx)
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	var sent MoveInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	if sent.Direction != "up" && sent.Direction != "down" {
		return nil, invalid("direction", "Choose one of up and down")
	}
	if err := s.Store.MoveWebhook(ctx, c.actor(), found.ID, sent.Direction == "up"); err != nil {
		return nil, err
	}
	moved, err := s.Store.Webhook(ctx, found.ID)
	if err != nil {
		return nil, err
	}
	return s.webhookAnswer(ctx, &moved)
}
