package api

import (
	"context"

	"labhook/engine"
)

// listEventTypes answers with the whole catalog.
func (s *server) listEventTypes(context.Context, *none) (*answer[List[EventType]], error) {
	return listOf(engine.Catalog, eventTypeOut, false, nil), nil
}

func eventTypeOut(t engine.EventType) EventType {
	return EventType{
		Code: t.Code, Label: t.Label, Group: t.Group, Description: t.Description, Place: t.Place,
		LabDetails: t.LabDetails, Sample: t.Sample(),
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
