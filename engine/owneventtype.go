package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Limits of the event types of administrators.
const (
	MaxOwnEventTypes = 200      // event types
	MaxEventCode     = 100      // characters
	MaxEventLabel    = 100      // characters
	MaxEventSample   = 64 << 10 // bytes
	MaxSubjectField  = 100      // characters
)

// eventCode is the form of a code: dots alone would be a step in the path of an address.
var eventCode = regexp.MustCompile(`^[._-]*[A-Za-z0-9][A-Za-z0-9._-]*$`)

// reservedCodes begin the codes that Labhook keeps for what it ships.
var reservedCodes = []string{"lab.", "webhook.", "delivery."}

// OwnEventType is an event type as an administrator enters it.
type OwnEventType struct {
	Code         string // letters, digits and . _ -; it stays what it is
	Label        string
	Description  string // may be empty
	Sample       string // a JSON object
	Schema       string // a JSON Schema; empty: none
	SubjectField string // see EventType; empty: none
}

// Entered returns an administrator's event type as it was entered.
func (t EventType) Entered() OwnEventType {
	return OwnEventType{
		Code: t.Code, Label: t.Label, Description: t.Description, Sample: string(t.Example), Schema: t.Schema.Text(), SubjectField: t.SubjectField,
	}
}

// EventType returns the event type that was entered. The error is an InvalidError that names every field that breaks a
// rule. The catalog is the one that the event type comes into.
func (o OwnEventType) EventType(c *Catalog) (EventType, error) {
	var bad InvalidError
	t := EventType{
		Code: o.Code, Label: o.Label, Group: GroupOwn, Platform: PlatformOwn, Description: o.Description, SubjectField: o.SubjectField,
		Example: json.RawMessage(strings.TrimSpace(o.Sample)),
	}
	if invalid, ok := errors.AsType[InvalidError](o.CheckNames(c)); ok {
		bad = invalid
	}
	bad.checkText("description", "Description", o.Description, MaxDescription)
	sampled := o.checkSample(&bad)
	var err error
	if schema := strings.TrimSpace(o.Schema); schema != "" {
		if t.Schema, err = CompileSchema(schema); err != nil {
			bad = append(bad, err.(InvalidError)...) // it returns no other
		} else if sampled {
			t.Schema.check(&bad, "sample", t.Example)
		}
	}
	bad.checkLine("subject_field", "Subject field", o.SubjectField, MaxSubjectField)
	if sampled {
		if subject, _ := t.subjectOf(t.Example); o.SubjectField != "" && subject == "" {
			bad.add("subject_field", "The sample has no field %q that is a text or a number", o.SubjectField)
		}
		t.Fields = fieldsOf(t.Example)
	}
	return t, bad.orNil()
}

// CheckNames returns an InvalidError unless code and label are as they must be and no other event type of the catalog
// goes by them.
func (o OwnEventType) CheckNames(c *Catalog) error {
	var bad InvalidError
	clash := func(name string) bool {
		other, ok := c.Find(name)
		return ok && (!other.Own() || other.Code != o.Code)
	}
	reserved := func(prefix string) bool { return strings.HasPrefix(strings.ToLower(o.Code), prefix) }
	switch {
	case o.Code == "":
		bad.add("code", "Enter a code, such as badge.awarded")
	case len(o.Code) > MaxEventCode || !eventCode.MatchString(o.Code):
		bad.add("code", "The code may have at most %d letters, digits and . _ -, and must have one of the first two", MaxEventCode)
	case slices.ContainsFunc(reservedCodes, reserved):
		bad.add("code", "The code must not start with %s, which Labhook keeps for its own events", strings.Join(reservedCodes, " or "))
	case clash(o.Code):
		bad.add("code", "Another event type goes by the name %q", o.Code)
	}
	if strings.TrimSpace(o.Label) == "" {
		bad.add("label", "Enter a name")
	} else if clash(o.Label) {
		bad.add("label", "Another event type goes by the name %q", o.Label)
	}
	bad.checkLine("label", "Name", o.Label, MaxEventLabel)
	return bad.orNil()
}

// checkSample adds a message unless the sample is what an event's data may be. It reports whether it is.
func (o OwnEventType) checkSample(bad *InvalidError) bool {
	text := strings.TrimSpace(o.Sample)
	_, deep := readChecked([]byte(text), maxCheckedNesting)
	problem := JSONProblem(text)
	switch {
	case text == "":
		bad.add("sample", "Enter example data, a JSON object")
	case len(text) > MaxEventSample:
		bad.add("sample", "The sample may have at most %d bytes, this one has %d", MaxEventSample, len(text))
	case problem != "":
		bad.add("sample", "The sample is not JSON: %s", problem)
	case text[0] != '{':
		bad.add("sample", "The sample must be a JSON object")
	case deep != "":
		bad.add("sample", "The data %s", deep)
	default:
		return true
	}
	return false
}

// fieldsOf describes the fields that example data have, in their order. The data are a JSON object.
func fieldsOf(data json.RawMessage) []Field {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	return objectFields(decoder, "")
}

// objectFields reads the fields of an object whose beginning was read.
func objectFields(decoder *json.Decoder, prefix string) []Field {
	var fields []Field
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fields
		}
		text, _ := name.(string)
		fields = append(fields, valueFields(decoder, prefix+text)...)
	}
	_, _ = decoder.Token() // the end of the object, which is there: it is valid JSON
	return fields
}

// valueFields reads a value: itself, or the fields within. Of a list the first item stands for all.
func valueFields(decoder *json.Decoder, name string) []Field {
	token, err := decoder.Token()
	if err != nil {
		return nil
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			if fields := objectFields(decoder, name+"."); len(fields) > 0 {
				return fields
			}
			return []Field{{Name: name, Type: "object"}}
		}
		fields := []Field{{Name: name, Type: "array"}}
		for first := true; decoder.More(); first = false {
			if item := valueFields(decoder, name+"[]"); first {
				fields = append(fields, item...)
			}
		}
		_, _ = decoder.Token()
		return fields
	case string:
		return []Field{{Name: name, Type: "string"}}
	case bool:
		return []Field{{Name: name, Type: "boolean"}}
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return []Field{{Name: name, Type: "number"}}
		}
		return []Field{{Name: name, Type: "integer"}}
	}
	return []Field{{Name: name, Type: "any", Null: true}}
}
