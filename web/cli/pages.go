package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"labhook/engine"
)

// Rows that a list prints: unless told otherwise, and at most.
const (
	defaultRows = 100
	maxRows     = 100_000
)

// query is what a list is asked for: the flags of its filters by the names that the API has for them.
type query struct {
	*apiFlags
	texts        map[string]*string
	since, until moment
	limit        int
}

// newQuery returns the flags of a list that is ordered by time.
func newQuery(env Env, command, summary string) *query {
	q := &query{apiFlags: newAPIFlags(env, command, summary), texts: map[string]*string{}}
	q.Var(&q.since, "since", "from this `TIME` on: 2h or 7d ago, 2026-11-20, or 2026-11-20T08:00:00Z")
	q.Var(&q.until, "until", "before this `TIME`")
	q.IntVar(&q.limit, "limit", defaultRows, "the `NUMBER` of rows, newest first")
	return q
}

// text adds a flag whose value the API filters by.
func (q *query) text(name, usage string) { q.texts[name] = q.String(name, "", usage) }

// values returns the filters as the API takes them.
func (q *query) values() (url.Values, error) {
	if q.limit < 1 || q.limit > maxRows {
		return nil, q.problem("--limit must be a whole number from 1 to %d", maxRows)
	}
	values := url.Values{}
	for name, text := range q.texts {
		if *text != "" {
			values.Set(name, *text)
		}
	}
	for name, when := range map[string]moment{"since": q.since, "until": q.until} {
		if !when.IsZero() {
			values.Set(name, when.String())
		}
	}
	return values, nil
}

// list prints what the API lists at path, page by page: a JSON object a line, or the rows of a table.
func (q *query) list(ctx context.Context, c *client, path string, values url.Values, head []string, row func(*table, json.RawMessage) error) error {
	t := &table{paint: painter(q.env.Colour)}
	t.add(head...)
	more, err := eachRow(ctx, c, path, values, q.limit, func(raw json.RawMessage) error {
		if q.asJSON {
			return printLine(q.env.Stdout, raw)
		}
		return row(t, raw)
	})
	if err != nil {
		return err
	}
	if !q.asJSON {
		if err := t.print(q.env.Stdout, ""); err != nil {
			return err
		}
	}
	if more {
		fmt.Fprintf(q.env.Stderr, "There are more: --limit shows up to %d, --until older ones.\n", maxRows)
	}
	return nil
}

// eachRow calls show with what a list of the API holds, newest first, up to limit, and reports whether there is more.
func eachRow(ctx context.Context, c *client, path string, values url.Values, limit int, show func(json.RawMessage) error) (more bool, err error) {
	for shown := 0; ; {
		values.Set("limit", strconv.Itoa(min(limit-shown, engine.MaxPageSize)))
		var page struct {
			Data []json.RawMessage `json:"data"`
			Next *string           `json:"next"`
		}
		if _, err := c.do(ctx, http.MethodGet, path+"?"+values.Encode(), nil, &page); err != nil {
			return false, err
		}
		for _, raw := range page.Data {
			if err := show(raw); err != nil {
				return false, err
			}
		}
		shown += len(page.Data)
		if page.Next == nil || len(page.Data) == 0 || shown >= limit {
			return page.Next != nil, nil
		}
		values.Set("before", *page.Next)
	}
}

// printLine prints a JSON value in one line.
func printLine(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if err := out.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// moment is a flag with a moment in the past: "2h" and "7d" ago, "2026-11-20" or an RFC 3339 time. Zero is not given.
type moment struct{ time.Time }

func (m *moment) String() string { return timeText(m.Time) }

// Set reads the moment; spans count back from now, and a date is the beginning of that day on this host.
func (m *moment) Set(text string) error {
	if span, err := readSpan(text); err == nil && span >= 0 {
		m.Time = time.Now().Add(-span).Truncate(time.Second)
		return nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		m.Time = day
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("%q is not a time such as 2h, 7d, 2026-11-20 or 2026-11-20T08:00:00Z", text)
	}
	m.Time = t
	return nil
}

// readSpan reads a span such as 90m, 12h or 7d.
func readSpan(text string) (time.Duration, error) {
	var days int
	if n, err := fmt.Sscanf(text+"\n", "%dd\n", &days); err == nil && n == 1 && days <= 36500 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}
