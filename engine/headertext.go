package engine

import (
	"net/http"
	"slices"
	"strings"
)

// headerFields are the header of a request while it is made. The values share one array.
type headerFields struct {
	http.Header
	values []string
}

// newHeaderFields returns a header with room for n fields.
func newHeaderFields(n int) headerFields {
	return headerFields{Header: make(http.Header, n), values: make([]string, 0, n)}
}

// set sets a field, whose name is canonical.
func (h *headerFields) set(name, value string) {
	h.values = append(h.values, value)
	end := len(h.values)
	h.Header[name] = h.values[end-1 : end : end]
}

// add is set for a field that may be there already: then it has both values.
func (h *headerFields) add(name, value string) {
	if before, ok := h.Header[name]; ok {
		h.Header[name] = append(before, value)
		return
	}
	h.set(name, value)
}

// setDefault is set unless the field is there already.
func (h *headerFields) setDefault(name, value string) {
	if _, ok := h.Header[name]; !ok {
		h.set(name, value)
	}
}

// headerText writes header lines, "Name: value", which share one text.
type headerText struct {
	text  strings.Builder
	lines []string
}

// newHeaderText returns a text with room for so many lines of a common length.
func newHeaderText(lines int) *headerText {
	const common = 48
	t := &headerText{lines: make([]string, 0, lines)}
	t.text.Grow(common * lines)
	return t
}

// line writes one line.
func (t *headerText) line(name, value string) {
	start := t.text.Len()
	t.text.WriteString(name)
	t.text.WriteString(": ")
	t.text.WriteString(value)
	t.lines = append(t.lines, t.text.String()[start:])
}

// headerLines returns a header as sorted lines; mask says whose values are hidden.
func headerLines(h http.Header, mask func(name string) bool) []string {
	t := newHeaderText(len(h))
	t.sorted(h, "", mask)
	return t.lines
}

// sorted writes a header but one of its fields in the order of the names; mask says whose values are hidden.
func (t *headerText) sorted(h http.Header, but string, mask func(name string) bool) {
	var room [16]string
	names := room[:0]
	for name := range h {
		if name != but {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		masked := mask(name)
		for _, value := range h[name] {
			if masked {
				value = Mask
			}
			t.line(name, value)
		}
	}
}
