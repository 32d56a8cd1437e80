package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// eventHeaders describes the headers that POST /events reads.
var eventHeaders = []*huma.Param{
	{
		Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(int(engine.MaxIdempotencyKey))},
		Description: "The same key, sent again with the same event, gets the first answer",
	},
	{Name: "traceparent", In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Description: "W3C trace context, passed on to receivers"},
}

// postEvent takes an event. The answer is written when the event is on disk.
func (s *server) postEvent(w http.ResponseWriter, r *http.Request) {
	out, err := s.acceptEvent(r)
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	w.Header().Set("Location", Prefix+"/events/"+out.ID)
	writeJSON(w, http.StatusAccepted, "application/json", out)
}

func (s *server) acceptEvent(r *http.Request) (*AcceptedEvent, error) {
	ctx, c := r.Context(), callOf(r.Context())
	var sent EventInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	consumer, err := s.consumerIn(c, sent.Consumer)
	if err != nil {
		return nil, err
	}
	accepted, err := s.Engine.Accept(ctx, &engine.Event{
		SenderID: sent.ID, IdempotencyKey: r.Header.Get("Idempotency-Key"), Type: sent.Type, ConsumerID: consumer,
		Subject: sent.Subject, OccurredAt: timeOrZero(sent.OccurredAt), Data: sent.Data,
		TraceParent: traceParent(r.Header.Get("traceparent")), Source: c.actor().Name, SourceIP: c.ip,
	})
	if err != nil {
		return nil, conflict(err, "The id or the Idempotency-Key was used for another event before; nothing was accepted")
	}
	out := &AcceptedEvent{Event: eventOut(accepted.Event), Duplicate: accepted.Duplicate}
	if accepted.Duplicate {
		page, err := s.deliveriesOf(ctx, accepted.Event.ID)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Rows {
			accepted.Deliveries = append(accepted.Deliveries, d.Delivery)
		}
		out.MoreDeliveries = page.Older
	} else if len(accepted.Deliveries) > engine.MaxPageSize {
		accepted.Deliveries, out.MoreDeliveries = accepted.Deliveries[:engine.MaxPageSize], true
	}
	out.Deliveries = make([]EventDelivery, len(accepted.Deliveries))
	for i, d := range accepted.Deliveries {
		out.Deliveries[i] = EventDelivery{ID: d.ID.String(), Webhook: d.WebhookID.String(), State: string(d.State)}
	}
	return out, nil
}

// traceParent returns a trace context that is well-formed. Any other is to be passed over, says the standard: an event is
// not refused for it.
func traceParent(sent string) string {
	if !engine.IsTraceParent(sent) {
		return ""
	}
	return sent
}

type listEventsInput struct {
	Type     string `query:"type" doc:"Code or label of an event type"`
	Consumer string `query:"consumer" doc:"Id or external id of an API consumer"`
	Subject  string `query:"subject" doc:"What the event is about"`
	Window
}

// listEvents answers with the events that the key sees, newest first.
func (s *server) listEvents(ctx context.Context, in *listEventsInput) (*answer[List[EventRow]], error) {
	owner, err := s.consumerIn(callOf(ctx), in.Consumer)
	if err != nil {
		return nil, err
	}
	f := engine.EventFilter{ConsumerID: owner, Subject: in.Subject, Since: in.Since, Until: in.Until, Limit: in.Limit.rows()}
	var bad engine.InvalidError
	f.Type = eventTypeIn(&bad, in.Type)
	in.cursors(&bad, &f.Before, &f.After)
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
	return listOf(page.Rows, write, page.Older, func(row engine.EventRow) string { return row.ID.String() }), nil
}

type eventPath struct {
	Evt string `path:"evt" doc:"Id, or the sender's id"`
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
		Event: eventOut(&ev), Source: ev.Source, TraceParent: textOrNull(ev.TraceParent), Data: ev.Data,
		Deliveries: make([]Delivery, len(page.Rows)), MoreDeliveries: page.Older,
	}
	for i, d := range page.Rows {
		out.Deliveries[i] = deliveryOut(d)
	}
	return &answer[EventDetail]{out}, nil
}

// eventAt finds the event that a client names, ErrNotFound when there is none or the key does not see it. What was sent
// to every consumer is seen by every key.
func (s *server) eventAt(ctx context.Context, name string) (engine.Event, error) {
	ev, err := s.Store.EventNamed(ctx, name)
	if err == nil && ev.ConsumerID != 0 && !callOf(ctx).sees(ev.ConsumerID) {
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
		ID: e.PublicID(), Type: e.Type, Consumer: textOrNull(e.ConsumerID.String()), Subject: e.Subject,
		OccurredAt: e.OccurredAt.UTC(), AcceptedAt: e.AcceptedAt.UTC(),
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
