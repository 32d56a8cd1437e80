package engine

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// stepLimit is where counting ends: even the smallest data would be too much.
const stepLimit = maxSchemaWork

// countSteps bounds, by the levels that data have, how often a validator looks at one place of them. Parts that a schema
// names several times multiply, so that a short one can ask for more steps than anybody can wait for. The error, which
// goes on after "The schema", says why nothing can be known.
func countSteps(root *jsonschema.Schema) (steps [maxCheckedNesting + 1]int, err error) {
	parts := map[*jsonschema.Schema]schemaParts{}
	if err := gather(root, parts); err != nil {
		return steps, err
	}
	var below map[*jsonschema.Schema]int // the steps with one level less
	for level := range steps {
		c := stepCounter{parts: parts, below: below, steps: make(map[*jsonschema.Schema]int, len(parts)), open: map[*jsonschema.Schema]bool{}}
		for s := range parts {
			if c.count(s); c.circle {
				return steps, errors.New("has a part that refers to itself and leads no further")
			}
		}
		steps[level], below = c.steps[root], c.steps
	}
	return steps, nil
}

// schemaParts are the parts of a schema by the place of the data that they look at.
type schemaParts struct {
	own  int                  // steps of the schema itself
	same []*jsonschema.Schema // those that look at the same place

	// Those that look at a field: one at that of its name, and the others at each. Likewise for the items of lists.
	oneField, eachField []*jsonschema.Schema
	oneItem, eachItem   []*jsonschema.Schema
}

// gather finds the parts of a schema, and theirs.
func gather(s *jsonschema.Schema, found map[*jsonschema.Schema]schemaParts) error {
	if _, ok := found[s]; ok {
		return nil
	}
	if s.DynamicRef != nil || s.RecursiveRef != nil {
		return errors.New("must not use $dynamicRef or $recursiveRef; use $ref")
	}
	p := partsOf(s)
	found[s] = p
	for _, list := range [][]*jsonschema.Schema{p.same, p.oneField, p.eachField, p.oneItem, p.eachItem} {
		for _, part := range list {
			if err := gather(part, found); err != nil {
				return err
			}
		}
	}
	return nil
}

func partsOf(s *jsonschema.Schema) schemaParts {
	p := schemaParts{own: ownSteps(s)}
	add := func(list *[]*jsonschema.Schema, parts ...any) {
		for _, part := range parts {
			if part, ok := part.(*jsonschema.Schema); ok && part != nil {
				*list = append(*list, part)
			}
		}
	}
	add(&p.same, s.Ref, s.Not, s.If, s.Then, s.Else, s.ContentSchema)
	p.same = append(append(append(p.same, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, part := range s.DependentSchemas {
		add(&p.same, part)
	}
	for _, part := range s.Dependencies {
		add(&p.same, part)
	}
	for _, part := range s.Properties {
		add(&p.oneField, part)
	}
	for _, part := range s.PatternProperties {
		add(&p.eachField, part)
	}
	add(&p.eachField, s.AdditionalProperties, s.UnevaluatedProperties, s.PropertyNames)
	p.oneItem = append(p.oneItem, s.PrefixItems...)
	if list, ok := s.Items.([]*jsonschema.Schema); ok {
		p.oneItem = append(p.oneItem, list...)
	}
	add(&p.eachItem, s.Items, s.Items2020, s.Contains, s.AdditionalItems, s.UnevaluatedItems)
	return p
}

// ownSteps is what a schema asks for without its parts.
func ownSteps(s *jsonschema.Schema) int {
	const light = 10 // so many comparisons, or instructions of a regular expression, take as long as a step
	n := light + len(s.Required)
	if s.Enum != nil {
		n += size(s.Enum.Values)
	}
	if s.Const != nil {
		n += size(*s.Const)
	}
	if p, ok := s.Pattern.(pattern); ok {
		n += p.size
	}
	for key := range s.PatternProperties {
		if p, ok := key.(pattern); ok {
			n += p.size
		}
	}
	for _, names := range s.DependentRequired {
		n += len(names)
	}
	return n / light
}

// size returns how many values a JSON value is made of.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			n += size(child)
		}
	case []any:
		for _, child := range v {
			n += size(child)
		}
	}
	return n
}

// stepCounter counts the steps for data of one depth.
type stepCounter struct {
	parts  map[*jsonschema.Schema]schemaParts
	below  map[*jsonschema.Schema]int // for data with one level less; nil: there is nothing below
	steps  map[*jsonschema.Schema]int
	open   map[*jsonschema.Schema]bool
	circle bool // a schema looks at the same place again and again
}

// count returns the steps of a schema at one place, and at one place below it.
func (c *stepCounter) count(s *jsonschema.Schema) int {
	if n, ok := c.steps[s]; ok || c.open[s] {
		c.circle = c.circle || c.open[s]
		return n
	}
	c.open[s] = true
	p := c.parts[s]
	n := min(p.own+max(c.most(p.oneField)+c.sum(p.eachField), c.most(p.oneItem)+c.sum(p.eachItem)), stepLimit)
	for _, part := range p.same {
		n = min(n+c.count(part), stepLimit)
	}
	delete(c.open, s)
	c.steps[s] = n
	return n
}

func (c *stepCounter) most(parts []*jsonschema.Schema) int {
	n := 0
	for _, part := range parts {
		n = max(n, c.below[part])
	}
	return n
}

func (c *stepCounter) sum(parts []*jsonschema.Schema) int {
	n := 0
	for _, part := range parts {
		n = min(n+c.below[part], stepLimit)
	}
	return n
}
