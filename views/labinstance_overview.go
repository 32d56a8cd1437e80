package views

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// overviewRows is how many events the overview shows, the newest ones.
const overviewRows = 24

// overviewRowHeight is the height of one event in the overview, in pixels; the style sheet has the same for the names.
const overviewRowHeight = 24

// overview is a lab instance at a glance: a row for each event, time to the right. Long pauses are drawn shorter than
// they are, or a gate of two seconds would not be seen in a lab of two hours.
type overview struct {
	Rows []overviewRow
}

// overviewRow is one event.
type overviewRow struct {
	Event engine.Event
	At    string // where it was received, in percent
	Y     int    // of the row's middle
	// Closed are the times in which a gate of the event held the lane, and Held those in which the event waited.
	Closed, Held []span
}

// span is a part of time in the overview.
type span struct {
	From, To time.Time
	Open     bool // it is not over: To is now
	X, Width string
}

// newOverview arranges the events of a lab instance.
func newOverview(d LabInstanceDetail) overview {
	var o overview
	events := d.Lab.Events[max(0, len(d.Lab.Events)-overviewRows):]
	gates := lanesOf(d.Lab.Events)
	instants := []time.Time{}
	for i, e := range events {
		row := overviewRow{Event: e.Event, Y: i*overviewRowHeight + overviewRowHeight/2}
		instants = append(instants, e.Event.AcceptedAt)
		for _, delivery := range e.Deliveries {
			if g, ok := e.Gates[delivery.ID]; ok {
				row.Closed = append(row.Closed, span{From: g.ClosedAt, To: orNow(g.OpenedAt, d.Page.Now), Open: g.Closed()})
			}
			if s, ok := heldSpan(delivery, gates[delivery.Lane], d.Page.Now); ok {
				row.Held = widest(row.Held, s)
			}
		}
		for _, s := range append(row.Closed, row.Held...) {
			instants = append(instants, s.From, s.To)
		}
		o.Rows = append(o.Rows, row)
	}
	o.place(newScale(instants))
	return o
}

// place computes where everything stands.
func (o *overview) place(s scale) {
	for i := range o.Rows {
		row := &o.Rows[i]
		row.At = percent(s.at(row.Event.AcceptedAt))
		for _, list := range [][]span{row.Closed, row.Held} {
			for j := range list {
				from := s.at(list[j].From)
				list[j].X, list[j].Width = percent(from), percent(max(s.at(list[j].To)-from, scaleLeast))
			}
		}
	}
}

// height is that of the drawing in pixels.
func (o overview) height() string { return strconv.Itoa(len(o.Rows) * overviewRowHeight) }

// lanesOf collects the gates on the page by their lanes.
func lanesOf(events []engine.LabEvent) map[engine.LaneID][]engine.Gate {
	lanes := map[engine.LaneID][]engine.Gate{}
	for _, e := range events {
		for _, g := range e.Gates {
			lanes[g.Lane] = append(lanes[g.Lane], g)
		}
	}
	return lanes
}

// heldSpan is the time in which a delivery was held: from its beginning until its own gate closed, which was its turn,
// until the last gate before it in its lane opened, or until it was cancelled or skipped.
func heldSpan(row engine.DeliveryRow, gates []engine.Gate, now time.Time) (span, bool) {
	s := span{From: row.CreatedAt, Open: row.State == engine.StateHeld}
	for _, g := range gates {
		if opened := orNow(g.OpenedAt, now); g.DeliveryID < row.ID && opened.After(s.To) {
			s.To = opened
		}
	}
	for _, g := range gates {
		if g.DeliveryID == row.ID {
			s.To = g.ClosedAt
		}
	}
	switch {
	case row.Lane == 0:
		return s, false
	case s.Open:
		s.To = now
	case !row.FinishedAt.IsZero() && row.FinishedAt.Before(s.To):
		s.To = row.FinishedAt
	}
	return s, s.To.After(s.From)
}

// widest keeps one span that covers those of an event's deliveries.
func widest(list []span, s span) []span {
	if len(list) == 0 {
		return []span{s}
	}
	list[0].Open = list[0].Open || s.Open
	if s.To.After(list[0].To) {
		list[0].To = s.To
	}
	return list
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// The scale runs from scaleLeft to scaleRight percent; what is narrower than scaleLeast would not be seen.
const (
	scaleLeft  = 1.0
	scaleRight = 99.0
	scaleLeast = 0.8
)

// scale places instants: the room between two of them grows with the logarithm of the time between them.
type scale struct {
	instants []time.Time
	places   []float64
}

func newScale(instants []time.Time) scale {
	slices.SortFunc(instants, time.Time.Compare)
	s := scale{instants: slices.CompactFunc(instants, time.Time.Equal)}
	total := 0.0
	for i, t := range s.instants {
		if i > 0 {
			total += math.Log1p(t.Sub(s.instants[i-1]).Seconds())
		}
		s.places = append(s.places, total)
	}
	for i := range s.places {
		if total > 0 {
			s.places[i] *= (scaleRight - scaleLeft) / total
		}
		s.places[i] += scaleLeft
	}
	return s
}

// at returns the place of one of the instants in percent.
func (s scale) at(t time.Time) float64 {
	i, _ := slices.BinarySearchFunc(s.instants, t, time.Time.Compare)
	return s.places[min(i, len(s.places)-1)]
}

// percent writes a place in steps of half a percent, so that a poll a moment later finds the drawing unchanged.
func percent(v float64) string {
	return strconv.FormatFloat(math.Round(v*2)/2, 'f', -1, 64) + "%"
}

// spanWords writes spans for the table: "2.1 s", "since 14:02:11 UTC".
func spanWords(p Page, list []span) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = Duration(s.To.Sub(s.From))
		if s.Open {
			words[i] = "since " + clock(p.Now, s.From, p.Zone)
		}
	}
	return orDash(strings.Join(words, ", "))
}
