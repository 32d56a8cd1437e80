package api

import (
	"context"
	"fmt"
	"slices"

	"labhook/engine"
)

type listEventsInput struct {
	Type     string `query:"type" doc:"Code or label of an event type"`
	Consumer string `query:"consumer" doc:"Id or external id of an API consumer"`
	Subject  string `query:"subject" doc:"What the event is about"`
	Test     choice `query:"test" doc:"Only events that were made to test a webhook, or only others"`
	Window
}

// listEvents answers with the events that the key sees, newest first.
func (s *server) listEvents(ctx context.Context, in *listEventsInput) (*listAnswer[EventRow], error) {
	owner, err := s.consumerIn(callOf(ctx), in.Consumer)
	if err != nil {
		return nil, err
	}
	f := engine.EventFilter{ConsumerID: owner, Subject: in.Subject, Since: in.Since, Until: in.Until, Limit: in.Limit.rows()}
	var bad engine.InvalidError
	f.Type = eventTypeIn(&bad, s.Store.Directory().Catalog(), in.Type)
	f.Test = in.Test.bool()
	before, after := eventList.readCursors(&bad, in.Before, in.After)
	f.Before, f.After = engine.EventID(before), engine.EventID(after)
	if len(bad) > 0 {
		return nil, bad
	}
	page, err := s.Store.ListEvents(ctx, f)
	if err != nil {
		return nil, err
	}
	write := func(row engine.EventRow) EventRow {
		// The counts are of all consumers' deliveries.
		return eventRowOut(row, callOf(ctx).sees(row.ConsumerID))
	}
	return newestFirst(ctx, eventList, page, func(row engine.EventRow) engine.EventID { return row.ID }, write), nil
}

type eventPath struct {
	Evt string `path:"evt" doc:"Labhook's id, or the sender's: of the key's own ids first, then of another sender's where it is the only one"`
}

// readEvent answers with one event, its data and its deliveries.
func (s *server) readEvent(ctx context.Context, in *eventPath) (*answer[EventDetail], error) {
	ev, err := s.eventAt(ctx, in.Evt)
	if err != nil {
		return nil, err
	}
	page, err := s.deliveriesOf(ctx, ev.ID)
	if err != nil {
		return nil, err
	}
	out := EventDetail{
		Event: eventOut(&ev), Source: ev.Source, TraceParent: textOrNull(ev.TraceParent), Data: ev.Data, DataGoneAt: timeOrNull(ev.BodyGoneAt), MoreDeliveries: page.Older,
	}
	if out.Deliveries, err = s.gated(ctx, page.Rows); err != nil {
		return nil, err
	}
	verdict, err := s.Store.Verdict(ctx, ev.ID, callOf(ctx).key.ConsumerID)
	if err != nil {
		return nil, err
	}
	out.Verdict = verdictOut(&verdict)
	return &answer[EventDetail]{out}, nil
}

// eventAt finds the event that a client names, ErrNotFound when there is none or the key does not see it. What was sent
// to every consumer is seen by every key.
func (s *server) eventAt(ctx context.Context, name string) (engine.Event, error) {
	c := callOf(ctx)
	ev, err := s.Store.EventNamed(ctx, name, c.key.ConsumerID)
	if err == nil && ev.ConsumerID != 0 && !c.sees(ev.ConsumerID) {
		err = engine.ErrNotFound
	}
	return ev, err
}

// deliveriesOf returns the deliveries of an event that the key sees, at most a page and oldest first.
func (s *server) deliveriesOf(ctx context.Context, id engine.EventID) (engine.Page[engine.DeliveryRow], error) {
	page, err := s.Store.ListDeliveries(ctx, engine.DeliveryFilter{
		EventID: id, ConsumerID: callOf(ctx).key.ConsumerID, Limit: engine.MaxPageSize,
	})
	if err != nil {
		return page, fmt.Errorf("list deliveries of event %s: %w", id, err)
	}
	slices.Reverse(page.Rows)
	return page, nil
}

func eventOut(e *engine.Event) Event {
	return Event{
		ID: e.PublicID(), LabhookID: e.ID.String(), Type: e.Type, Consumer: textOrNull(e.ConsumerID.String()), Subject: e.Subject,
		Test: e.Test, OccurredAt: e.OccurredAt.UTC(), AcceptedAt: e.AcceptedAt.UTC(),
	}
}

func eventRowOut(row engine.EventRow, withStates bool) EventRow {
	out := EventRow{Event: eventOut(&row.Event)}
	if !withStates {
		return out
	}
	out.DeliveryStates = make(map[string]int, len(row.Fanout))
	for state, n := range row.Fanout {
		out.DeliveryStates[string(state)] = n
	}
	return out
}
