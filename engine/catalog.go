package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Catalog is a set of event types in the order of lists. It never changes and is safe for concurrent use.
type Catalog struct {
	types  []EventType
	byCode map[string]int // places in types
	byName map[string]int // by code and label, both in lower case
}

// BuiltIn is the catalog that Labhook ships: the event types of the platforms, and the system events.
var BuiltIn = newCatalog(slices.Concat(
	studioEventTypes(), skilljarEventTypes(), tmsEventTypes(), instruqtEventTypes(), liveEventTypes(), systemEventTypes()))

// example returns example data on one line, in which nothing else is changed. It panics on what is no JSON object.
func example(text string) json.RawMessage {
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(text)); err != nil || line.Bytes()[0] != '{' {
		panic(fmt.Sprintf("engine: no example data (%v): %s", err, text))
	}
	return line.Bytes()
}

// newCatalog returns a catalog of types whose codes and labels differ.
func newCatalog(types []EventType) *Catalog {
	c := &Catalog{types: types, byCode: make(map[string]int, len(types)), byName: make(map[string]int, 2*len(types))}
	for i, t := range types {
		c.byCode[t.Code], c.byName[strings.ToLower(t.Code)], c.byName[strings.ToLower(t.Label)] = i, i, i
	}
	return c
}

// With returns a catalog in which the administrators' event types are the given ones, by their codes and before the
// system events. One that goes by a name of a built-in type is left out: a later Labhook may have brought that type.
func (c *Catalog) With(own []EventType) *Catalog {
	types := slices.DeleteFunc(slices.Clone(c.types), EventType.Own)
	at := slices.IndexFunc(types, func(t EventType) bool { return t.Group == GroupSystem })
	own = slices.SortedFunc(slices.Values(own), func(a, b EventType) int { return strings.Compare(a.Code, b.Code) })
	for _, t := range own {
		if !BuiltIn.names(t.Code) && !BuiltIn.names(t.Label) {
			types = slices.Insert(types, at, t)
			at++
		}
	}
	return newCatalog(types)
}

// names reports whether a code or label is taken.
func (c *Catalog) names(name string) bool {
	_, ok := c.Find(name)
	return ok
}

// Find returns the event type with that code or label, in any case.
func (c *Catalog) Find(name string) (EventType, bool) {
	if t := c.find(name); t != nil {
		return *t, true
	}
	return EventType{}, false
}

// find is Find without a copy, which must not be changed; nil: there is none.
func (c *Catalog) find(name string) *EventType {
	i, ok := c.byName[strings.ToLower(name)]
	if !ok {
		return nil
	}
	return &c.types[i]
}

// Codes returns the codes of event types named by code or label. A name that the catalog does not know stays as it
// is, and so does AllEvents.
func (c *Catalog) Codes(names []string) []string {
	if names == nil {
		return nil
	}
	codes := make([]string, len(names))
	for i, name := range names {
		codes[i] = name
		if t, ok := c.Find(name); ok {
			codes[i] = t.Code
		}
	}
	return codes
}

// System reports whether the code is that of a system event.
func (c *Catalog) System(code string) bool {
	i, ok := c.byCode[code]
	return ok && c.types[i].Group == GroupSystem
}

// Label returns the label of a code, or the code itself when the catalog does not know it.
func (c *Catalog) Label(code string) string {
	if i, ok := c.byCode[code]; ok {
		return c.types[i].Label
	}
	return code
}

// Groups returns the names of the groups in order.
func (c *Catalog) Groups() []string {
	var names []string
	for _, t := range c.types {
		if len(names) == 0 || names[len(names)-1] != t.Group {
			names = append(names, t.Group)
		}
	}
	return names
}

// InGroup returns the event types of one group in order.
func (c *Catalog) InGroup(group string) []EventType {
	return slices.DeleteFunc(slices.Clone(c.types), func(t EventType) bool { return t.Group != group })
}

// All returns every event type in order. The slice must not be changed.
func (c *Catalog) All() []EventType { return c.types }
