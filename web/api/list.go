package api

import (
	"context"
	"encoding"
	"slices"
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
	After  string    `query:"after" doc:"Cursor: newer ones"`
	Before string    `query:"before" doc:"Cursor: older ones"`
	Limit  pageLimit `query:"limit"`
}

// Window are the parameters of a list that is ordered newest first.
type Window struct {
	Since  time.Time `query:"since" doc:"From this time on"`
	Until  time.Time `query:"until" doc:"Before this time"`
	Before string    `query:"before" doc:"Cursor: older ones"`
	After  string    `query:"after" doc:"Cursor: newer ones"`
	Limit  pageLimit `query:"limit"`
}

// listAnswer is a part of a list that goes on.
type listAnswer[T any] struct {
	Link string `header:"Link" doc:"Where the list begins and goes on: rel first, next and prev (RFC 8288)"`
	Body List[T]
}

// part is what an answer shows of a list, in the order of the list.
type part[R any] struct {
	rows []R
	// next and prev report whether rows follow and precede.
	next, prev bool
}

// partOf cuts out of all, which is ordered by id, oldest first, what the cursors choose.
func partOf[R any, ID ~int64](all []R, id func(R) ID, before, after int64, limit pageLimit) part[R] {
	from := 0
	to, _ := slices.BinarySearchFunc(all, after, func(row R, after int64) int {
		if int64(id(row)) <= after {
			return -1
		}
		return 1
	})
	if from = to; before != 0 {
		to, _ = slices.BinarySearchFunc(all, before, func(row R, before int64) int { return int(min(1, max(-1, int64(id(row))-before))) })
		from = max(0, to-limit.rows())
	} else {
		to = min(len(all), from+limit.rows())
	}
	return part[R]{rows: all[from:to], next: to < len(all), prev: from > 0}
}

// oldestFirst writes a part of a list that is ordered oldest first.
func oldestFirst[R, T any, ID ~int64](ctx context.Context, k listKind, p part[R], id func(R) ID, write func(R) T) *listAnswer[T] {
	return listOf(ctx, k, p, id, write, "after", "before")
}

// newestFirst writes a page.
func newestFirst[R, T any, ID ~int64](ctx context.Context, k listKind, page engine.Page[R], id func(R) ID, write func(R) T) *listAnswer[T] {
	return listOf(ctx, k, part[R]{page.Rows, page.Older, page.Newer}, id, write, "before", "after")
}

// listOf writes rows in the form of the API; next and prev are the parameters that take the cursors.
func listOf[R, T any, ID ~int64](ctx context.Context, k listKind, p part[R], id func(R) ID, write func(R) T, next, prev string) *listAnswer[T] {
	out := &listAnswer[T]{Body: listBody(p.rows, write)}
	u := callOf(ctx).url
	var to links
	to.add(u, "first", "", "")
	if p.next && len(p.rows) > 0 {
		cursor := k.cursor(int64(id(p.rows[len(p.rows)-1])))
		out.Body.Next = &cursor
		to.add(u, "next", next, cursor)
	}
	if p.prev && len(p.rows) > 0 {
		to.add(u, "prev", prev, k.cursor(int64(id(p.rows[0]))))
	}
	out.Link = to.String()
	return out
}

// wholeList writes a list that comes in one piece.
func wholeList[R, T any](rows []R, write func(R) T) *answer[List[T]] {
	return &answer[List[T]]{listBody(rows, write)}
}

func listBody[R, T any](rows []R, write func(R) T) List[T] {
	out := List[T]{Data: make([]T, len(rows))}
	for i, row := range rows {
		out.Data[i] = write(row)
	}
	return out
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
