package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// LabDetails is Studio's description of a lab instance: 25 fields in a fixed order, each kept as it was spelled.
type LabDetails struct {
	values [len(labFields)]json.RawMessage
}

// labField is one field of the lab details.
type labField struct {
	name string
	kind labKind
	// null: Studio documents that it may be null. Labhook takes every field as null.
	null bool
	// meaning in our own words, for the catalog.
	meaning string
	// sample is the value in Studio's documents.
	sample string
}

// labKind is the JSON type of a field; null is always allowed.
type labKind string

const (
	labInteger labKind = "a whole number"
	labNumber  labKind = "a number"
	labText    labKind = "a text"
	labBool    labKind = "true or false"
)

// labFields are the fields in Studio's order (its page "Set Up Your Studio Webhook"). Times are Unix seconds.
// The type of CustomData is not published; Labhook takes it for a text.
var labFields = [...]labField{
	{"Id", labInteger, false, "The lab instance", `998592321`},
	{"UserId", labInteger, false, "The user in the platform", `5023932`},
	{"UserExternalId", labText, false, "The user in your own system", `"Example.User"`},
	{"UserFirstName", labText, false, "The user's first name", `"Example"`},
	{"UserLastName", labText, false, "The user's last name", `"User"`},
	{"LabProfileId", labInteger, false, "The lab profile", `19376`},
	{"LabProfileName", labText, false, "The lab profile's name", `"Example Lab"`},
	{"LabProfileNumber", labText, false, "The lab profile's number, a text", `"ABC"`},
	{"LabSeriesId", labInteger, true, "The lab series", `10296`},
	{"LabSeriesName", labText, true, "The lab series' name", `"Example Series"`},
	{"ClassId", labInteger, true, "The class in the platform", `null`},
	{"ClassExternalId", labText, true, "The class in your own system", `null`},
	{"ClassName", labText, true, "The class's name", `null`},
	{"Start", labInteger, false, "When the lab was started", `1671565852`},
	{"End", labInteger, true, "When the lab ended", `null`},
	{"Expires", labInteger, false, "When the lab expires", `1671587452`},
	{"LastActivity", labInteger, true, "When the learner was last active", `null`},
	{"LastSave", labInteger, true, "When the lab was last saved", `null`},
	{"State", labInteger, false, "What the lab instance is doing", `20`},
	{"CompletionStatus", labInteger, false, "How far the learner has come", `2`},
	{"CustomData", labText, true, "A text of your own", `null`},
	{"ExamPassed", labBool, true, "Whether the learner passed; set once activities were scored", `null`},
	{"ExamScore", labNumber, true, "The score; set once activities were scored", `null`},
	{"ExamMaxPossibleScore", labNumber, true, "The highest score that can be reached", `10`},
	{"ExamPassingScore", labNumber, true, "The score needed to pass", `7`},
}

// labFieldIndex finds a field's place by its exact name.
var labFieldIndex = func() map[string]int {
	m := make(map[string]int, len(labFields))
	for i, f := range labFields {
		m[f.name] = i
	}
	return m
}()

// ParseLabDetails picks the 25 fields out of an event's data. A missing field is null and other fields are
// passed over; of one that is given twice the last value counts. Fields of a wrong type make an InvalidError that names
// each one; any other error is a syntax error.
func ParseLabDetails(data json.RawMessage) (LabDetails, error) {
	var lab LabDetails
	next := 0 // in Studio's order, in which the fields mostly come
	err := JSONFields(data, func(name []byte, value json.RawMessage) error {
		i, ok := next, next < len(labFields) && labFields[next].name == string(name)
		if !ok {
			i, ok = labFieldIndex[string(name)]
		}
		if ok {
			lab.values[i], next = value, i+1
		}
		return nil
	})
	if err != nil {
		return LabDetails{}, err
	}
	var bad InvalidError
	for i := range labFields {
		f := &labFields[i]
		if raw := lab.values[i]; raw != nil && !f.kind.holds(raw) {
			bad.add("data."+f.name, "%s must be %s or null", f.name, f.kind)
			lab.values[i] = nil
		}
	}
	return lab, bad.orNil()
}

// holds reports whether raw, a valid JSON value, is of the kind or null.
func (k labKind) holds(raw json.RawMessage) bool {
	if string(raw) == "null" {
		return true
	}
	switch k {
	case labInteger:
		_, err := strconv.ParseInt(string(raw), 10, 64)
		return err == nil
	case labNumber:
		return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	case labBool:
		return raw[0] == 't' || raw[0] == 'f'
	}
	return raw[0] == '"'
}

// Body returns the lab details as they are sent: one line, Studio's order, nulls kept, values as they were spelled.
func (l LabDetails) Body() []byte { return l.appendBody(make([]byte, 0, 768)) }

func (l *LabDetails) appendBody(b []byte) []byte {
	for i, raw := range l.values {
		b = append(b, labFieldStarts[i]...)
		if raw == nil {
			b = append(b, "null"...)
		} else {
			b = append(b, raw...)
		}
	}
	return append(b, '}')
}

// labFieldStarts is what stands before the values in the Body.
var labFieldStarts = func() (starts [len(labFields)]string) {
	before := `{"`
	for i := range labFields {
		starts[i] = before + labFields[i].name + `":`
		before = `,"`
	}
	return starts
}()

// bodyOr returns the Body, and data itself when that is the same: then it is not held twice.
func (l *LabDetails) bodyOr(data []byte) []byte {
	var room [1 << 10]byte // most bodies are the same as the data, and are forgotten here
	if body := l.appendBody(room[:0]); !bytes.Equal(body, data) {
		return bytes.Clone(body)
	}
	return data
}

// InstanceID returns the lab instance's id, "" when there is none.
func (l LabDetails) InstanceID() string {
	id := string(l.values[labFieldIndex["Id"]])
	if id == "null" {
		return ""
	}
	return id
}

// set replaces a field's value; the field must exist.
func (l *LabDetails) set(name string, raw json.RawMessage) { l.values[labFieldIndex[name]] = raw }

// With returns a copy with the named fields replaced by the JSON of values. It panics on a name or value that
// cannot be: it is for samples and tests.
func (l LabDetails) With(values map[string]any) LabDetails {
	for name, v := range values {
		i, ok := labFieldIndex[name]
		raw, err := json.Marshal(v)
		if !ok || err != nil || !labFields[i].kind.holds(raw) {
			panic(fmt.Sprintf("engine: lab details have no field %s of the kind of %v", name, v))
		}
		l.values[i] = raw
	}
	return l
}

// SampleLabDetails returns the example of Studio's documents.
func SampleLabDetails() LabDetails {
	var lab LabDetails
	for i, f := range labFields {
		lab.values[i] = json.RawMessage(f.sample)
	}
	return lab
}

// labStates are Studio's words for the states, under numbers that Studio does not publish: only 20 is attested,
// the others are Labhook's own choice.
var labStates = map[int64]string{
	0: "Off", 5: "Provisioning Storage", 10: "Building", 12: "Building (Displayable)", 15: "Starting", 20: "Running",
	30: "Saving", 40: "Saved", 50: "Resuming", 60: "Creating Snapshot", 70: "Applying Snapshot", 80: "Updating Lab Profile",
	90: "Tearing Down", 100: "Cloning", 110: "Creating As Clone", 120: "Moving (Running)", 130: "Moving (Saved)",
	140: "Creating New Lab Profile", 150: "Scoring", 160: "Scheduled",
}

// completionStatuses are Studio's words and numbers, from the description of its API; 0 is Labhook's own choice.
var completionStatuses = map[int64]string{
	0: "Scheduled", 1: "Cancelled", 2: "No Show", 3: "Incomplete", 4: "Complete", 10: "Storage Provisioning Failed",
	20: "Lab Creation Failed", 30: "Resume Failed", 40: "Save Failed", 50: "Submitted For Grading", 60: "Grading In Progress",
}

// State returns the lab's state in words with its number, "State N" for a number that is not known, "" for none.
func (l LabDetails) State() string { return l.inWords("State", labStates) }

// CompletionStatus returns the completion status in words with its number, in the same way.
func (l LabDetails) CompletionStatus() string {
	return l.inWords("CompletionStatus", completionStatuses)
}

func (l LabDetails) inWords(field string, words map[int64]string) string {
	n, ok := l.Integer(field)
	if !ok {
		return ""
	}
	if word, ok := words[n]; ok {
		return fmt.Sprintf("%s (%d)", word, n)
	}
	return fmt.Sprintf("%s %d", field, n)
}

// Integer returns a field that is a whole number; false when it is null or of another kind.
func (l LabDetails) Integer(field string) (int64, bool) {
	n, err := strconv.ParseInt(string(l.values[labFieldIndex[field]]), 10, 64)
	return n, err == nil
}

// Text returns a field as a person reads it, "" for null.
func (l LabDetails) Text(field string) string {
	raw := l.values[labFieldIndex[field]]
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return text
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// Empty reports whether every field is null.
func (l LabDetails) Empty() bool {
	for _, raw := range l.values {
		if raw != nil && string(raw) != "null" {
			return false
		}
	}
	return true
}
