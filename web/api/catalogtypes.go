package api

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// EventType is a kind of event.
type EventType struct {
	Code         string          `json:"code"`
	Label        string          `json:"label" doc:"The platform's own name; taken wherever a code is"`
	Group        string          `json:"group"`
	Platform     string          `json:"platform"`
	Description  string          `json:"description"`
	Place        int             `json:"place" doc:"Place in the life cycle of a lab instance, from 1; 0: outside it"`
	Moment       *string         `json:"moment" doc:"When a webhook on it is typically made to block; null: it is not"`
	Sendable     bool            `json:"sendable" doc:"Senders may post it; system events are raised by the server alone"`
	Own          bool            `json:"own" doc:"It was added to this server, and can be changed"`
	LabDetails   bool            `json:"lab_details" doc:"The data are Studio's lab details"`
	SubjectField *string         `json:"subject_field" doc:"Field of the data that says what the event is about when the sender does not; null: only the sender says"`
	Fields       []EventField    `json:"fields" nullable:"false"`
	Statuses     []EventStatus   `json:"statuses" nullable:"false" doc:"What the event tells of by one field of its data"`
	Proposal     *string         `json:"proposal" doc:"What of the code and the data is Labhook's own choice; null: nothing is"`
	Advice       *string         `json:"advice" doc:"How a webhook for it is best set up"`
	Sample       json.RawMessage `json:"sample" doc:"Example data"`
	Schema       json.RawMessage `json:"schema" nullable:"true" doc:"JSON Schema that the data of posted events must satisfy; null: none"`
	CreatedAt    *time.Time      `json:"created_at" doc:"null: it is built in"`
	UpdatedAt    *time.Time      `json:"updated_at"`
}

// EventField is a field of an event's data.
type EventField struct {
	Name    string `json:"name" doc:"With the names around it where it is nested: user.id"`
	Type    string `json:"type"`
	Null    bool   `json:"null" doc:"May be null"`
	Meaning string `json:"meaning"`
}

// EventStatus is one of the things that an event type tells of.
type EventStatus struct {
	Name   string          `json:"name"`
	Value  json.RawMessage `json:"value" doc:"As it is in the data"`
	Sample json.RawMessage `json:"sample" doc:"Example data"`
}

// EventTypeInput is an event type of your own.
type EventTypeInput struct {
	Code         string          `json:"code" doc:"Letters, digits and . _ -; it stays what it is, and may be left out in a change" example:"badge.awarded"`
	Label        string          `json:"label" example:"Badge awarded"`
	Description  string          `json:"description"`
	Sample       json.RawMessage `json:"sample" doc:"Example data"`
	Schema       json.RawMessage `json:"schema" nullable:"true" doc:"JSON Schema that the sample and posted events must satisfy; it may refer to its own parts alone"`
	SubjectField string          `json:"subject_field" doc:"Field of the data that says what the event is about; events about the same queue behind blocking webhooks"`
}

// TransformSchema says what the raw parts are.
func (EventType) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	anyObject(s, "sample", "schema")
	return s
}

// TransformSchema says what the raw parts are: any value, and an object.
func (EventStatus) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	anyObject(s, "sample")
	s.Properties["value"] = &huma.Schema{Description: s.Properties["value"].Description}
	return s
}

// TransformSchema adds the engine's limits; what has a default may be left out.
func (EventTypeInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"label", "sample"}
	anyObject(s, "sample", "schema")
	maxLengths(s, map[string]int{
		"code": engine.MaxEventCode, "label": engine.MaxEventLabel, "description": engine.MaxDescription, "subject_field": engine.MaxSubjectField,
	})
	return s
}

// anyObject describes fields that hold a JSON object of any shape.
func anyObject(s *huma.Schema, fields ...string) {
	for _, field := range fields {
		s.Properties[field].Type = huma.TypeObject
		s.Properties[field].AdditionalProperties = true
	}
}

func eventTypeOut(t engine.EventType) EventType {
	out := EventType{
		Code: t.Code, Label: t.Label, Group: t.Group, Platform: t.Platform, Description: t.Description, Place: t.Place,
		Moment: textOrNull(t.Moment), Sendable: t.Sendable(), Own: t.Own(), LabDetails: t.LabDetails, SubjectField: textOrNull(t.SubjectField),
		Fields: make([]EventField, len(t.Fields)), Statuses: make([]EventStatus, len(t.Statuses)),
		Proposal: textOrNull(t.Proposal), Advice: textOrNull(t.Advice), Sample: t.Sample(), Schema: json.RawMessage("null"),
		CreatedAt: timeOrNull(t.CreatedAt), UpdatedAt: timeOrNull(t.UpdatedAt),
	}
	for i, f := range t.Fields {
		out.Fields[i] = EventField(f)
	}
	for i, status := range t.Statuses {
		out.Statuses[i] = EventStatus{Name: status.Name, Value: json.RawMessage(status.Value), Sample: status.Data}
	}
	if text := t.Schema.Text(); text != "" {
		out.Schema = json.RawMessage(text)
	}
	return out
}
