package api

import (
	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// The document's limits, choices and defaults come from the engine's constants, so that they cannot say something else. huma
// shows them and does not check them.

func describeConsumer(s *huma.Schema) *huma.Schema {
	choices(s, "state", engine.ConsumerActive, engine.ConsumerExpired, engine.ConsumerDisabled)
	maxLengths(s, map[string]int{
		"name": engine.MaxConsumerName, "external_id": engine.MaxExternalID, "description": engine.MaxDescription,
		"default_organization": engine.MaxShortText, "consuming_platform": engine.MaxShortText,
		"consuming_platform_version": engine.MaxShortText, "technical_contact": engine.MaxShortText,
	})
	return s
}

// TransformSchema adds the engine's limits.
func (Consumer) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return describeConsumer(s)
}

// TransformSchema adds the engine's limits; what has a default may be left out.
func (ConsumerInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"name"}
	s.Properties["enabled"].Default = newConsumerInput().Enabled
	s.Properties["one_send_per_url"].Default = newConsumerInput().OneSendPerURL
	return describeConsumer(s)
}

func describeKey(s *huma.Schema) *huma.Schema {
	choices(s, "scope", engine.ScopeRead, engine.ScopeSend, engine.ScopeManage)
	maxLengths(s, map[string]int{"description": engine.MaxShortText})
	return s
}

// TransformSchema adds the engine's limits.
func (Key) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema { return describeKey(s) }

// TransformSchema adds the engine's limits; what has a default may be left out.
func (KeyInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"description"}
	s.Properties["scope"].Default = newKeyInput().Scope
	return describeKey(s)
}

// TransformSchema adds the engine's limits; what has a default may be left out.
func (EventInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"type", "data"}
	s.Properties["data"].Type = huma.TypeObject
	s.Properties["data"].AdditionalProperties = true
	maxLengths(s, map[string]int{"id": engine.MaxSenderID, "subject": engine.MaxSubject})
	return s
}

// TransformSchema says what data are, and names the actions.
func (EventDetail) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["data"].Type = huma.TypeObject
	s.Properties["data"].AdditionalProperties = true
	return describeVerdict(s)
}

// TransformSchema says what details are.
func (LabHead) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["details"].Type = huma.TypeObject
	s.Properties["details"].AdditionalProperties = true
	return s
}

// TransformSchema makes the reason optional.
func (CancelInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	maxLengths(s, map[string]int{"reason": engine.MaxShortText})
	return s
}

// TransformSchema names the states.
func (EventDelivery) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	choices(s, "state", engine.DeliveryStates...)
	return s
}

// TransformSchema names the states and the failure classes.
func (Delivery) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	choices(s, "state", engine.DeliveryStates...)
	choices(s, "failure_class", "")
	choices(s, "failure_class", engine.FailureClasses...)
	return s
}

// TransformSchema names the actions.
func (Verdict) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return describeVerdict(s)
}

func describeVerdict(s *huma.Schema) *huma.Schema {
	choices(s, "action", engine.ActionContinue, engine.ActionNotifyUser, engine.ActionEndLab)
	return s
}

// TransformSchema names the ways in which a gate opens.
func (Gate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	choices(s, "opening", "", engine.OpenedDelivered, engine.OpenedFailed, engine.OpenedCancelled, engine.OpenedByHand, engine.OpenedLate)
	maxLengths(s, map[string]int{"reason": engine.MaxReason})
	return s
}

// TransformSchema adds the engine's limit.
func (OpenGateInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	maxLengths(s, map[string]int{"reason": engine.MaxReason})
	return s
}

func choices[T ~string](s *huma.Schema, field string, values ...T) {
	for _, v := range values {
		s.Properties[field].Enum = append(s.Properties[field].Enum, string(v))
	}
}

func maxLengths(s *huma.Schema, limits map[string]int) {
	for field, limit := range limits {
		s.Properties[field].MaxLength = &limit
	}
}

func between(s *huma.Schema, field string, least, most float64) {
	s.Properties[field].Minimum, s.Properties[field].Maximum = &least, &most
}
