package engine

import (
	"encoding/json"
	"time"
)

// EventType is a kind of event.
type EventType struct {
	Code        string // what senders post and webhooks name
	Label       string // the platform's own name
	Group       string
	Platform    string // whose event it is
	Description string // in Labhook's own words, a sentence
	// Place is the position in the lab instance life cycle, from 1; 0: outside it.
	Place int
	// Moment says when a webhook on it is typically made to block; empty: it is not.
	Moment string
	// LabDetails: the data are Studio's lab details, and the event is about a lab instance.
	LabDetails bool
	// SubjectField names the field of the data that says what the event is about when the sender does not. Events with
	// a subject queue in its lane. Empty: only a sender gives a subject.
	SubjectField string
	// Fields describe the data in their order; nil: they are not known.
	Fields []Field
	// Statuses are what the event tells of by one field of its data; nil: it has none.
	Statuses []Status
	// Proposal says what of the code and the data is Labhook's own choice, as the platform publishes nothing; empty:
	// nothing is.
	Proposal string
	// Advice says how a webhook for it is best set up; empty: nothing special.
	Advice string
	// Example is example data; nil: Studio's lab details.
	Example json.RawMessage

	// What follows is set for event types of administrators alone.

	Schema               *Schema // what data must look like; nil: any JSON object will do
	CreatedAt, UpdatedAt time.Time
	CreatedBy, UpdatedBy string
}

// Field is one field of an event's data.
type Field struct {
	Name    string // with the names around it where it is nested: "user.id"; "[]" stands for each item of a list
	Type    string // in words: "integer", "string"
	Null    bool   // may be null
	Meaning string
}

// Status is one of the things that an event type tells of.
type Status struct {
	Name  string          // in words
	Value string          // as it is spelled in the data: "Started", 4
	Data  json.RawMessage // example data
}

// The groups of event types, in the order of lists.
const (
	GroupLifeCycle        = "Lab instance life cycle"
	GroupOutsideLifeCycle = "Outside the life cycle"
	GroupTraining         = "Training"
	GroupCourseAndClass   = "Course and class"
	GroupTrack            = "Track"
	GroupSandbox          = "Sandbox"
	GroupInvite           = "Invite"
	GroupReview           = "Review"
	GroupLiveEvents       = "Live events"
	GroupOwn              = "Own event types" // of administrators
	GroupSystem           = "System"
)

// The platforms whose events Labhook knows.
const (
	PlatformStudio     = "Skillable Studio"
	PlatformSkilljar   = "Skilljar"
	PlatformTMS        = "Skillable TMS"
	PlatformInstruqt   = "Instruqt"
	PlatformLiveEvents = "Live event webhooks"
	PlatformLabhook    = "Labhook"
	PlatformOwn        = "Own"
)

// Own reports whether an administrator added the event type.
func (t EventType) Own() bool { return t.Group == GroupOwn }

// Sendable reports whether senders may post it: system events are raised by Labhook itself.
func (t EventType) Sendable() bool { return t.Group != GroupSystem }

// Sample returns example data of the event type, a JSON object. It must not be changed.
func (t EventType) Sample() json.RawMessage {
	if t.Example != nil {
		return t.Example
	}
	return SampleLabDetails().Body()
}

// subjectOf returns what the data, a JSON object, say the event is about: a string or number in the subject field; ""
// when it is neither, empty or longer than MaxSubject. The error is about the syntax of the data.
func (t *EventType) subjectOf(data json.RawMessage) (string, error) {
	var subject json.RawMessage
	err := JSONFields(data, func(name []byte, value json.RawMessage) error {
		if string(name) == t.SubjectField {
			subject = value
		}
		return nil
	})
	if err != nil || t.SubjectField == "" {
		return "", err
	}
	return subjectText(subject), nil
}

// subjectText reads a subject out of a valid JSON value, or none.
func subjectText(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0:
	case raw[0] == '"':
		_ = json.Unmarshal(raw, &text) // it is valid
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		text = string(raw)
	}
	var bad InvalidError
	if bad.checkLine("subject", "Subject", text, MaxSubject); len(bad) > 0 {
		return ""
	}
	return text
}
