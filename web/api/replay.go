package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// maxReplay is to how many webhooks one request sends an event.
const maxReplay = engine.MaxPageSize

// ReplayInput names webhooks.
type ReplayInput struct {
	Webhooks []string `json:"webhooks" nullable:"false" doc:"Webhooks that the event is sent to, each once, whether they listen to such events or not"`
}

// ReplayItem is what became of the event for one webhook.
type ReplayItem struct {
	Webhook  string   `json:"webhook"`
	Status   int      `json:"status" doc:"200: it is sent; 404: there is no such webhook; 409: it cannot be sent to it"`
	Delivery string   `json:"delivery,omitempty" doc:"The delivery that it is sent as: the one that the webhook has of the event, or a new one"`
	State    string   `json:"state,omitempty" doc:"Its state now"`
	Problem  *Problem `json:"problem,omitempty" doc:"Why it is not sent"`
}

// Replayed is the answer to a request to replay.
type Replayed struct {
	Sent    int          `json:"sent" doc:"To how many of the webhooks it is sent"`
	Results []ReplayItem `json:"results" nullable:"false" doc:"In the order of webhooks"`
}

// TransformSchema adds the limits.
func (ReplayInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["webhooks"].MinItems, s.Properties["webhooks"].MaxItems = new(1), new(int(maxReplay))
	return s
}

// replayEvent sends an event that was accepted before to webhooks of the client's choice. Each is sent to or refused by
// itself; what a client that has gone away asked for is done all the same.
func (s *server) replayEvent(ctx context.Context, in *eventPath) (*answer[Replayed], error) {
	ev, err := s.eventAt(ctx, in.Evt)
	if err != nil {
		return nil, err
	}
	var sent ReplayInput
	if err := decode(callOf(ctx).body, &sent); err != nil {
		return nil, err
	}
	if bad := sent.check(); len(bad) > 0 {
		return nil, bad
	}
	ctx = context.WithoutCancel(ctx)
	out := Replayed{Results: make([]ReplayItem, len(sent.Webhooks))}
	for i, name := range sent.Webhooks {
		if out.Results[i] = s.replayTo(ctx, ev.ID, name); out.Results[i].Problem == nil {
			out.Sent++
		}
	}
	return &answer[Replayed]{out}, nil
}

func (in *ReplayInput) check() (bad engine.InvalidError) {
	switch {
	case len(in.Webhooks) == 0:
		return invalid("webhooks", "Name the webhooks that the event is to be sent to")
	case len(in.Webhooks) > maxReplay:
		return invalid("webhooks", "At most %d webhooks can be named at once, these are %d", maxReplay, len(in.Webhooks))
	}
	for i, id := range in.Webhooks {
		if slices.Contains(in.Webhooks[:i], id) {
			bad = append(bad, invalid(fmt.Sprintf("webhooks[%d]", i), "%s is named twice", id)...)
		}
	}
	return bad
}

// replayTo sends an event to one of several webhooks.
func (s *server) replayTo(ctx context.Context, event engine.EventID, name string) ReplayItem {
	found, err := s.webhookAt(ctx, name)
	var d engine.Delivery
	if err == nil {
		d, err = s.Engine.Replay(ctx, callOf(ctx).actor(), event, found.ID)
	}
	if err != nil {
		p := s.problemOf(ctx, err)
		return ReplayItem{Webhook: name, Status: p.Status, Problem: p}
	}
	return ReplayItem{Webhook: name, Status: http.StatusOK, Delivery: d.ID.String(), State: string(d.State)}
}
