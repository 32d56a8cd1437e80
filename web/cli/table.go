package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"labhook/engine"
)

// dateAndTime is how moments are printed for a person, in the zone of the host.
const dateAndTime = "2006-01-02 15:04:05"

// table is rows of cells that are printed for a person, the first row being the head.
type table struct {
	paint painter
	rows  [][]cell
}

// cell is a text with the colour that it is printed in; empty: none.
type cell struct{ text, colour string }

// add appends a row of cells without colour.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i].text = text
	}
	t.rows = append(t.rows, row)
}

// colour gives a cell of the latest row a colour.
func (t *table) colour(column int, colour string) { t.rows[len(t.rows)-1][column].colour = colour }

// print writes the rows in columns. Control characters are replaced, and a cell is one line.
func (t *table) print(w io.Writer, before string) error {
	var widths []int
	for _, row := range t.rows {
		for i := range row {
			row[i].text = strings.ReplaceAll(printable(row[i].text), "\n", " ")
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var line strings.Builder
	for _, row := range t.rows {
		line.Reset()
		line.WriteString(before)
		for i, c := range row {
			text := c.text
			if c.colour != "" {
				text = t.paint.paint(c.colour, text)
			}
			line.WriteString(text)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// local writes a moment for a person; zero is nothing.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(dateAndTime)
}

// stateColour is the colour of a delivery's state.
func stateColour(state string) string {
	switch engine.DeliveryState(state) {
	case engine.StateDelivered:
		return green
	case engine.StateFailed:
		return red
	case engine.StateRetrying, engine.StateHeld:
		return yellow
	case engine.StateCancelled, engine.StateSkipped:
		return dim
	}
	return ""
}
