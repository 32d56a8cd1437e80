package api

import (
	"encoding"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// pageLimit is how many rows an answer may have at most; zero: not said.
type pageLimit int

// Schema describes the parameter by the engine's constants.
func (pageLimit) Schema(huma.Registry) *huma.Schema {
	least, most := 1.0, float64(engine.MaxPageSize)
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: engine.PageSize}
}

// rows returns the limit as a number of rows.
func (l pageLimit) rows() int {
	if l == 0 {
		return engine.PageSize
	}
	return int(l)
}

// Onward are the parameters of a list that is ordered oldest first. Like Window it is exported because huma looks into
// exported structs only.
type Onward struct {
	After string    `query:"after" doc:"Cursor: go on behind it"`
	Limit pageLimit `query:"limit"`
}

// listAfter cuts a part out of all, which is ordered by id, oldest first.
func listAfter[T any, ID ~int64](all []T, id func(T) ID, after ID, limit pageLimit) (part []T, more bool) {
	for _, row := range all {
		switch {
		case id(row) <= after:
		case len(part) == limit.rows():
			return part, true
		default:
			part = append(part, row)
		}
	}
	return part, false
}

// listOf writes rows in the form of the API; next is the cursor when there are more.
func listOf[R, T any](rows []R, write func(R) T, more bool, next func(R) string) *answer[List[T]] {
	out := &answer[List[T]]{Body: List[T]{Data: make([]T, len(rows))}}
	for i, row := range rows {
		out.Body.Data[i] = write(row)
	}
	if more && len(rows) > 0 {
		out.Body.Next = new(next(rows[len(rows)-1]))
	}
	return out
}

// Window are the parameters of a list that is ordered newest first.
type Window struct {
	Since  time.Time `query:"since" doc:"From this time on"`
	Until  time.Time `query:"until" doc:"Before this time"`
	Before string    `query:"before" doc:"Cursor: older ones"`
	After  string    `query:"after" doc:"Cursor: newer ones"`
	Limit  pageLimit `query:"limit"`
}

// cursors reads the two cursors into ids.
func (w *Window) cursors(bad *engine.InvalidError, before, after encoding.TextUnmarshaler) {
	if w.Before != "" && w.After != "" {
		*bad = append(*bad, invalid("after", "Send before or after, not both")...)
	}
	readID(bad, "before", w.Before, before)
	readID(bad, "after", w.After, after)
}

// readID reads an id out of a parameter; empty is none.
func readID(bad *engine.InvalidError, field, text string, into encoding.TextUnmarshaler) {
	if err := into.UnmarshalText([]byte(text)); err != nil {
		*bad = append(*bad, invalid(field, "%s", err)...)
	}
}

// eventTypeIn reads the code or label of an event type; empty is none.
func eventTypeIn(bad *engine.InvalidError, catalog *engine.Catalog, name string) string {
	if name == "" {
		return ""
	}
	t, ok := catalog.Find(name)
	if !ok {
		*bad = append(*bad, invalid("type", "There is no event type %q; GET %s/event-types lists them", name, Prefix)...)
	}
	return t.Code
}

// timeOrNull writes a time, null for zero.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// timeOrZero reads what timeOrNull writes.
func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// textOrNull writes a text, null for none.
func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
