package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of an event.
const (
	MaxEventData      = 256 << 10 // bytes of data
	MaxSenderID       = 64        // characters of the id that a sender gives
	MaxSubject        = 200       // characters
	MaxIdempotencyKey = 200       // characters of an Idempotency-Key
)

// Event is one occurrence. It is accepted once and never changed.
type Event struct {
	ID EventID
	// Scope is whose id and key the next two are: the consumer of the API key that posted the event; zero: the
	// platform. Each has its own, so that no consumer's ids can collide with another's.
	Scope ConsumerID
	// SenderID is the id the sender gave, unique in its scope where set: the same one again is the same event.
	SenderID string
	// IdempotencyKey is what the sender gave beside the event, unique in its scope where set.
	IdempotencyKey string
	Type           string     // code of an EventType
	ConsumerID     ConsumerID // zero: every consumer
	Subject        string     // what it is about: the lab instance of lab events; empty: nothing in particular
	OccurredAt     time.Time  // when it happened, as the sender says
	AcceptedAt     time.Time
	// Data is the JSON object as it was sent, byte for byte.
	Data json.RawMessage
	// BodyGoneAt is when retention deleted the data, and the bodies of all attempts with it; zero: they are there.
	BodyGoneAt  time.Time
	TraceParent string // W3C trace context of the sender; empty: none
	Source      string // who posted it, in words: an API key or a person
	SourceIP    string
	// Test: it was made to test one webhook, and concerns no other.
	Test bool

	// labBody is what is sent of lab details, where Prepare has read them: Data itself when it is in Studio's form.
	labBody []byte
}

// PublicID is the id that senders and receivers see: the sender's own where it gave one.
func (e *Event) PublicID() string {
	if e.SenderID != "" {
		return e.SenderID
	}
	return e.ID.String()
}

// SameAs reports whether other, a prepared event under the same id or key, is this event posted again. A time that
// the sender did not give was filled in by Prepare and differs each time.
func (e *Event) SameAs(other *Event) bool {
	gone := !e.BodyGoneAt.IsZero() || !other.BodyGoneAt.IsZero() // nobody knows any more what was in it
	undated := e.OccurredAt.Equal(e.AcceptedAt) && other.OccurredAt.Equal(other.AcceptedAt)
	return e.SenderID == other.SenderID && e.Type == other.Type && e.ConsumerID == other.ConsumerID &&
		e.Subject == other.Subject && (undated || e.OccurredAt.Equal(other.OccurredAt)) && (bytes.Equal(e.Data, other.Data) || gone)
}

// Prepare checks the event against the catalog and fills what follows from the rest: the code of its type where it
// was named by its label, what it is about, and the time it occurred. The error is an InvalidError.
func (e *Event) Prepare(c *Catalog, now time.Time) error {
	var bad InvalidError
	kind := c.find(e.Type)
	switch {
	case e.Type == "":
		bad.add("type", "Name the event type, such as %s", LabScored)
	case kind == nil:
		bad.add("type", "There is no event type %q; GET /api/v1/event-types lists them", e.Type)
	case !kind.Sendable() && !e.Test:
		bad.add("type", "%s is a system event, which Labhook raises itself", kind.Code)
	default:
		e.Type = kind.Code
	}
	if kind == nil {
		kind = &EventType{} // the data are judged all the same
	}
	if e.SenderID != "" && (len(e.SenderID) > MaxSenderID || !isToken(e.SenderID)) {
		bad.add("id", "The id may have at most %d letters, digits and . _ - :", MaxSenderID)
	} else if e.SenderID == "." || e.SenderID == ".." {
		bad.add("id", "The id must not be . or .., which clients leave out of a URL")
	} else if strings.HasPrefix(e.SenderID, eventKind{}.prefix()) {
		bad.add("id", "The id must not start with %s, which marks Labhook's own ids", eventKind{}.prefix())
	}
	bad = append(bad, CheckIdempotencyKey(e.IdempotencyKey)...)
	bad.checkLine("subject", "Subject", e.Subject, MaxSubject)
	// Times are kept to the millisecond, so that a stored event compares equal to the one that was posted.
	e.AcceptedAt = now.Truncate(time.Millisecond)
	if e.OccurredAt.IsZero() {
		e.OccurredAt = e.AcceptedAt
	}
	e.OccurredAt = e.OccurredAt.Truncate(time.Millisecond)
	if e.TraceParent != "" && !IsTraceParent(e.TraceParent) {
		bad.add("traceparent", "This is no W3C trace context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	}
	e.checkData(&bad, kind)
	return bad.orNil()
}

// traceParent is the form of a W3C trace context of version 00.
var traceParent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// IsTraceParent reports whether s is a W3C trace context of version 00. One of zeros alone stands for none.
func IsTraceParent(s string) bool {
	return len(s) == 55 && traceParent.MatchString(s) && !strings.Contains(s, "-00000000000000000000000000000000-") && !strings.Contains(s, "-0000000000000000-")
}

func (e *Event) checkData(bad *InvalidError, kind *EventType) {
	data := bytes.TrimSpace(e.Data)
	switch {
	case len(data) > MaxEventData:
		bad.add("data", "Data may have at most %d bytes, these are %d", MaxEventData, len(data))
		return
	case len(data) == 0 || string(data) == "null":
		bad.add("data", "Send the event's data as a JSON object")
		return
	case data[0] != '{':
		bad.add("data", "Data must be a JSON object")
		return
	case !utf8.Valid(data):
		bad.add("data", "Data must be UTF-8")
		return
	}
	e.Data = json.RawMessage(data)
	subject, err := "", error(nil)
	if kind.LabDetails {
		subject, err = e.readLabDetails()
	} else {
		subject, err = kind.subjectOf(data)
	}
	if invalid, ok := errors.AsType[InvalidError](err); ok {
		*bad = append(*bad, invalid...)
		return
	}
	if err != nil {
		bad.add("data", "Data is not JSON: %s", cmp.Or(JSONProblem(string(data)), err.Error()))
		return
	}
	kind.Schema.check(bad, "data", e.Data)
	if e.Subject == "" {
		e.Subject = subject
	}
}

// readLabDetails makes of the data what is sent of them, and returns the lab instance's id. The error is that of
// ParseLabDetails.
func (e *Event) readLabDetails() (string, error) {
	lab, err := ParseLabDetails(e.Data)
	if err != nil {
		return "", err
	}
	e.labBody = lab.bodyOr(e.Data)
	return lab.InstanceID(), nil
}

// isJSONType reports whether a media type is JSON.
func isJSONType(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

// JSONProblem says what is wrong with a JSON text, and where; "" when nothing is.
func JSONProblem(text string) string {
	var any json.RawMessage
	err := json.Unmarshal([]byte(text), &any)
	if err == nil {
		return ""
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := text[:min(int(syntax.Offset), len(text))]
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndexByte(before, '\n') - 1
		return fmt.Sprintf("%s (line %d, column %d)", syntax, line, column)
	}
	return err.Error()
}

// CheckIdempotencyKey says what is wrong with an Idempotency-Key; empty is none.
func CheckIdempotencyKey(key string) (bad InvalidError) {
	if len(key) > MaxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		bad.add("Idempotency-Key", "The key may have at most %d visible ASCII characters", MaxIdempotencyKey)
	}
	return bad
}
