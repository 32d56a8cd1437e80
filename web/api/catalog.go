package api

import (
	"context"
	"net/url"

	"labhook/engine"
)

// listEventTypes answers with the whole catalog.
func (s *server) listEventTypes(context.Context, *none) (*answer[List[EventType]], error) {
	return wholeList(s.Store.Directory().Catalog().All(), eventTypeOut), nil
}

type eventTypePath struct {
	Code string `path:"code" doc:"Code or label"`
}

// readEventType answers with one event type.
func (s *server) readEventType(_ context.Context, in *eventTypePath) (*answer[EventType], error) {
	t, ok := s.Store.Directory().Catalog().Find(in.Code)
	if !ok {
		return nil, engine.ErrNotFound
	}
	return &answer[EventType]{eventTypeOut(t)}, nil
}

// createEventType adds an event type to the catalog.
func (s *server) createEventType(ctx context.Context, _ *none) (*created[EventType], error) {
	c := callOf(ctx)
	var sent EventTypeInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	made, err := s.Store.CreateEventType(ctx, c.actor(), sent.entered(sent.Code))
	if err != nil {
		return nil, err
	}
	return &created[EventType]{Location: Prefix + "/event-types/" + url.PathEscape(made.Code), Body: eventTypeOut(made)}, nil
}

// replaceEventType gives an event type of the administrators all its fields anew.
func (s *server) replaceEventType(ctx context.Context, in *eventTypePath) (*answer[EventType], error) {
	c := callOf(ctx)
	found, err := s.ownEventType(in.Code)
	if err != nil {
		return nil, err
	}
	var sent EventTypeInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	if sent.Code != "" && sent.Code != found.Code {
		return nil, invalid("code", "The code of an event type stays what it is; add another one")
	}
	changed, err := s.Store.UpdateEventType(ctx, c.actor(), sent.entered(found.Code))
	if err != nil {
		return nil, err
	}
	return &answer[EventType]{eventTypeOut(changed)}, nil
}

// deleteEventType takes an event type of the administrators away.
func (s *server) deleteEventType(ctx context.Context, in *eventTypePath) (*none, error) {
	found, err := s.ownEventType(in.Code)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteEventType(ctx, callOf(ctx).actor(), found.Code)
}

// ownEventType finds the event type that a path names. The built-in ones cannot be changed.
func (s *server) ownEventType(name string) (engine.EventType, error) {
	found, ok := s.Store.Directory().Catalog().Find(name)
	if !ok {
		return found, engine.ErrNotFound
	}
	if !found.Own() {
		return found, invalid("code", "%s is built in and stays what it is", found.Code)
	}
	return found, nil
}

// entered returns what was sent, for the event type with that code.
func (in *EventTypeInput) entered(code string) engine.OwnEventType {
	return engine.OwnEventType{
		Code: code, Label: in.Label, Description: in.Description, Sample: string(in.Sample), Schema: string(in.Schema), SubjectField: in.SubjectField,
	}
}

// readVersion answers with the version of the program and of its database schema.
func (s *server) readVersion(ctx context.Context, _ *none) (*answer[Version], error) {
	schema, err := s.Store.Version(ctx)
	if err != nil {
		return nil, err
	}
	return &answer[Version]{Version{Version: s.Version, Schema: schema}}, nil
}
