package engine

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// value is what a token stands for: a text of Labhook's, or JSON as the event spells it.
type value struct {
	text string
	raw  json.RawMessage // nil: text
}

// String returns the value as a person reads it: texts without their quotes, nothing for null, other JSON as it is.
func (v value) String() string {
	if v.raw == nil {
		return v.text
	}
	var text string
	if v.raw[0] == '"' && json.Unmarshal(v.raw, &text) == nil {
		return text
	}
	if string(v.raw) == "null" {
		return ""
	}
	return string(v.raw)
}

// fill looks a value up; false when the event does not have it.
type fill func(*source) (value, bool)

// source is where values come from: one event, and the webhook it is sent to. The data are read when a token first
// asks for them.
type source struct {
	event   *Event
	webhook WebhookID // zero: no webhook's request
	read    bool
	fields  map[string]json.RawMessage // of the data
	// opened are the objects and lists in the data that a path led into, by where they begin: each is read once.
	opened map[*byte]opened
}

type opened struct {
	fields map[string]json.RawMessage
	items  []json.RawMessage
}

// field returns a field of the data.
func (s *source) field(name string) (json.RawMessage, bool) {
	if !s.read {
		s.read = true
		_ = json.Unmarshal(s.event.Data, &s.fields) // data that are no object have no fields
	}
	raw, ok := s.fields[name]
	return raw, ok
}

// hasLabDetails reports whether events of that type carry them. Event types of administrators never do.
func hasLabDetails(code string) bool {
	kind, ok := BuiltIn.Find(code)
	return ok && kind.LabDetails
}

// ofLab makes a fill that only events with lab details have.
func ofLab(f fill) fill {
	return func(s *source) (value, bool) {
		if !hasLabDetails(s.event.Type) {
			return value{}, false
		}
		return f(s)
	}
}

// labDetail gives a field of the lab details. One that the sender left out is null, as in the body.
func labDetail(name string) fill {
	return ofLab(func(s *source) (value, bool) {
		raw, ok := s.field(name)
		if !ok {
			raw = json.RawMessage("null")
		}
		return value{raw: raw}, true
	})
}

// labExtra gives a key that a sender may add to the lab details.
func labExtra(name string) fill {
	return ofLab(func(s *source) (value, bool) {
		raw, ok := s.field(name)
		return value{raw: raw}, ok
	})
}

// The tokens of Studio's list that an event can fill, without @lab. Studio's lab details have no e-mail address,
// organization, tag or variables: a sender adds them to the data under the keys UserEmail, OrganizationId,
// OrganizationName, Tag and Variables, which are not sent on in the body. The names of these keys are Labhook's own.
var labTokens = map[string]fill{
	"LabInstance.Id":         labDetail("Id"),
	"LabInstance.GlobalId":   ofLab(globalID),
	"LabInstance.StartDate":  ofLab(startDate),
	"LabProfile.Id":          labDetail("LabProfileId"),
	"User.Id":                labDetail("UserId"),
	"User.ExternalId":        labDetail("UserExternalId"),
	"User.FirstName":         labDetail("UserFirstName"),
	"User.LastName":          labDetail("UserLastName"),
	"User.Email":             labExtra("UserEmail"),
	"User.Organization.Id":   labExtra("OrganizationId"),
	"User.Organization.Name": labExtra("OrganizationName"),
	"Tag":                    ofLab(tag),
}

// globalID writes "lod" before the lab instance's id, as the examples in Studio's documents do.
func globalID(s *source) (value, bool) {
	raw, ok := s.field("Id")
	if !ok || string(raw) == "null" {
		return value{}, false
	}
	return value{text: "lod" + value{raw: raw}.String()}, true
}

// startDate is the day in UTC, yyyyMMdd.
func startDate(s *source) (value, bool) {
	raw, _ := s.field("Start")
	start, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || start < 0 || start > lastSecond {
		return value{}, false
	}
	return value{text: time.Unix(start, 0).UTC().Format("20060102")}, true
}

// lastSecond is the end of the year 9999, after which a day has more digits.
const lastSecond = 253402300799

func tag(s *source) (value, bool) {
	if raw, ok := s.field("Tag"); ok {
		return value{raw: raw}, true
	}
	return labDetail("CustomData")(s)
}

// labVariable gives one of the variables that a sender adds.
func labVariable(name string) fill {
	return ofLab(func(s *source) (value, bool) {
		raw, ok := s.field("Variables")
		if !ok {
			return value{}, false
		}
		raw, ok = s.within(raw, name)
		return value{raw: raw}, ok
	})
}

// eventTokens are those of the event itself, without @event.
var eventTokens = map[string]fill{
	"Type":    func(s *source) (value, bool) { return value{text: s.event.Type}, true },
	"Id":      func(s *source) (value, bool) { return value{text: s.event.PublicID()}, true },
	"Subject": func(s *source) (value, bool) { return value{text: s.event.Subject}, true },
	"Time": func(s *source) (value, bool) {
		return value{text: s.event.OccurredAt.UTC().Format(time.RFC3339Nano)}, true
	},
	"Data": func(s *source) (value, bool) { return value{raw: s.event.Data}, len(s.event.Data) > 0 },
}

// eventData gives what a path leads to in the data.
func eventData(path []string) fill {
	return func(s *source) (value, bool) {
		raw, ok := s.field(path[0])
		for _, key := range path[1:] {
			if !ok {
				break
			}
			raw, ok = s.within(raw, key)
		}
		return value{raw: raw}, ok
	}
}

// within returns what a key of an object, or an index of a list, leads to.
func (s *source) within(raw json.RawMessage, key string) (json.RawMessage, bool) {
	if raw[0] != '{' && raw[0] != '[' {
		return nil, false
	}
	in, ok := s.opened[&raw[0]]
	if !ok {
		into := any(&in.fields)
		if raw[0] == '[' {
			into = &in.items
		}
		_ = json.Unmarshal(raw, into) // it is a part of valid JSON
		if s.opened == nil {
			s.opened = map[*byte]opened{}
		}
		s.opened[&raw[0]] = in
	}
	if n, err := strconv.Atoi(key); err == nil && n >= 0 && n < len(in.items) {
		return in.items[n], true
	}
	found, ok := in.fields[key]
	return found, ok
}

// fillOf finds a token by its name; nil when nothing can fill it. lab: only events with lab details can.
func fillOf(name string) (f fill, lab bool) {
	if name, ok := strings.CutPrefix(name, "@lab."); ok {
		if variable, ok := strings.CutPrefix(name, "Variable("); ok && strings.HasSuffix(variable, ")") {
			return labVariable(strings.TrimSuffix(variable, ")")), true
		}
		f = labTokens[name]
		return f, f != nil
	}
	name, ok := strings.CutPrefix(name, "@event.")
	if !ok {
		return nil, false
	}
	if path := dataPath(name); path != nil {
		return eventData(path), false
	}
	return eventTokens[name], false
}

// maxPath is how many steps a path into the data may have.
const maxPath = 20

var dataStep = regexp.MustCompile(`\.([A-Za-z0-9_]+)|\[([^\[\]]+)\]`)

// dataPath returns the keys of Data.user[0].id, nil when it is no such path.
func dataPath(name string) []string {
	rest, ok := strings.CutPrefix(name, "Data")
	if !ok || rest == "" {
		return nil
	}
	var path []string
	length := 0
	for _, step := range dataStep.FindAllStringSubmatch(rest, -1) {
		length += len(step[0])
		path = append(path, step[1]+step[2])
	}
	if length != len(rest) || len(path) > maxPath {
		return nil
	}
	return path
}

// braceTokens are the names that a URL may hold in braces and only events with lab details fill.
var braceTokens = func() map[string]fill {
	m := make(map[string]fill, 2*len(labFields))
	for _, f := range labFields {
		m[f.name] = labDetail(f.name)
		m[strings.ToLower(f.name[:1])+f.name[1:]] = m[f.name]
	}
	return m
}()

// fillOfBraces finds what stands between braces, as fillOf.
func fillOfBraces(name string) (f fill, lab bool) {
	switch name {
	case "event", "Event":
		return eventTokens["Type"], false
	case "webhookId", "WebhookId":
		return func(s *source) (value, bool) { return value{text: s.webhook.String()}, s.webhook != 0 }, false
	}
	if strings.HasPrefix(name, "@") {
		return fillOf(name)
	}
	f = braceTokens[name]
	return f, f != nil
}

// jsonText writes a text as a JSON string, quotes and all.
func jsonText(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a text can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
