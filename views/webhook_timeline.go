package views

import (
	"fmt"
	"math"
	"strings"
	"time"

	"labhook/engine"
)

// The retry timeline's drawing, in its own units: a line from left to right, and a delay of fixed width before it. Its
// labels stand above it in HTML, so that they are as large as other text on every screen.
const (
	timelineWidth  = 340
	timelineLeft   = 8
	timelineRight  = timelineWidth - timelineLeft
	timelineDelay  = 48 // width of the block that stands for the delay
	timelineRing   = 6  // radius of an attempt's ring
	timelineApart  = 14 // from ring to ring at least
	timelineSparse = 20 // the same on a logarithmic scale, on which the strokes between them lie close
	timelineStroke = 4  // from stroke to stroke at least
	timelineLetter = 10 // width of a letter, at most: that of a label where the drawing is as small as it gets
)

// timelineLinear is how long a plan may be to be drawn to scale. In a longer one the first retries would lie on each
// other.
const timelineLinear = 10 * time.Minute

// RetryTimeline is the picture of what a webhook's delay, timeout and retries mean, before they are saved.
type RetryTimeline struct {
	Plan             []engine.Planned
	Waits            []time.Duration // before each attempt but the first, without their jitter
	Earliest, Latest time.Duration
	Delay, Timeout   time.Duration
	Hold             HoldPreview
}

// NewRetryTimeline draws the plan of the engine itself.
func NewRetryTimeline(catalog *engine.Catalog, w *engine.Webhook) RetryTimeline {
	t := RetryTimeline{Delay: w.Delay, Timeout: w.Timeout, Hold: NewHoldPreview(catalog, w)}
	t.Plan, t.Earliest, t.Latest = w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
	for n := 1; n <= w.Retries; n++ {
		t.Waits = append(t.Waits, w.Policy().Wait(n))
	}
	return t
}

// timelineMark is one attempt in the drawing.
type timelineMark struct {
	X       int
	Attempt int
	Ring    bool   // it is a ring; else there is no room, and it is a stroke
	Time    string // of a ring that has a label; "" where the label would run into its neighbour's
	Side    string // the class of a label that begins or ends with the drawing; "" where its middle is at X
}

// The classes of labels at the ends of the drawing.
const (
	timelineFrom = "from"
	timelineTo   = "to"
)

// span is how long the part of the plan is that is drawn to a scale.
func (t RetryTimeline) span() time.Duration { return t.Earliest - t.Delay }

// linear reports whether that part is drawn to scale; else the scale is logarithmic.
func (t RetryTimeline) linear() bool { return t.span() < timelineLinear }

// place returns where on the way from 0 to 1 an attempt lies that comes so long after the first one.
func (t RetryTimeline) place(after time.Duration) float64 {
	if t.span() <= 0 {
		return 0
	}
	if t.linear() {
		return after.Seconds() / t.span().Seconds()
	}
	return math.Log1p(after.Seconds()) / math.Log1p(t.span().Seconds())
}

// marks places the attempts, each at its earliest time.
func (t RetryTimeline) marks() []timelineMark {
	start := timelineLeft
	if t.Delay > 0 {
		start += timelineDelay
	}
	marks := make([]timelineMark, len(t.Plan))
	for i, p := range t.Plan {
		x := start + int(t.place(p.Earliest-t.Delay)*float64(timelineRight-start))
		marks[i] = timelineMark{X: x, Attempt: p.Attempt, Time: "+" + t.label(p.Earliest)}
	}
	apart := timelineApart
	if !t.linear() {
		apart = timelineSparse
	}
	chooseRings(marks, apart)
	turnEnds(marks)
	chooseTimes(marks)
	return marks
}

// label writes when an attempt is made. On a long way the small units are left out.
func (t RetryTimeline) label(at time.Duration) string {
	if t.linear() {
		return exactly(at)
	}
	return Duration(at.Truncate(time.Second))
}

// chooseRings makes rings of the last attempt and, from the first on, of all that have room for one.
func chooseRings(marks []timelineMark, apart int) {
	last := len(marks) - 1
	marks[last].Ring = true
	free := 0
	for i := range marks[:last] {
		if marks[i].X >= free && (i == 0 || marks[i].X+apart <= marks[last].X) {
			marks[i].Ring = true
			free = marks[i].X + apart
		}
	}
}

// turnEnds turns the labels at both ends inwards.
func turnEnds(marks []timelineMark) {
	last := len(marks) - 1
	if last > 0 {
		marks[last].Side = timelineTo
	}
	if marks[0].left() < 0 || marks[0].X == timelineLeft {
		marks[0].Side = timelineFrom
	}
}

// chooseTimes keeps the times at both ends and, between them, those nearest to the middle that have a ring and room.
func chooseTimes(marks []timelineMark) {
	last := len(marks) - 1
	if last > 0 && marks[0].right() > marks[last].left() {
		marks[0].Time = ""
	}
	chooseBetween(marks)
}

// chooseBetween keeps, of the times between the first and the last mark, the one nearest to the middle of the room that
// these leave, and so on in the rooms on both sides of it. A time that says the same as a neighbour is of no use.
func chooseBetween(marks []timelineMark) {
	if len(marks) < 3 {
		return
	}
	first, last := marks[0], marks[len(marks)-1]
	middle := (first.right() + last.left()) / 2
	off := func(m timelineMark) int { return max(m.X-middle, middle-m.X) }
	best := 0
	for i, m := range marks[:len(marks)-1] {
		fits := m.Ring && m.left() >= first.right() && m.right() <= last.left() && m.Time != first.Time && m.Time != last.Time
		if i > 0 && fits && (best == 0 || off(m) < off(marks[best])) {
			best = i
		}
	}
	if best == 0 {
		for i := range marks[1 : len(marks)-1] {
			marks[i+1].Time = ""
		}
		return
	}
	chooseBetween(marks[:best+1])
	chooseBetween(marks[best:])
}

// left and right are where the mark's label begins and ends, a little space included.
func (m timelineMark) left() int {
	switch m.Side {
	case timelineFrom:
		return 0
	case timelineTo:
		return timelineWidth - m.width()
	}
	return m.X - m.width()/2
}

func (m timelineMark) right() int { return m.left() + m.width() }
func (m timelineMark) width() int { return (len(m.Time) + 1) * timelineLetter }

// at are the classes that put the label over its ring: inline styles are forbidden, so tens and ones of the per cent
// have a class each.
func (m timelineMark) at() string {
	if m.Side != "" {
		return m.Side
	}
	percent := (100*m.X + timelineWidth/2) / timelineWidth
	return fmt.Sprintf("t%d u%d", percent/10, percent%10)
}

// rings are the marks that are more than a stroke.
func (t RetryTimeline) rings() []timelineMark {
	var rings []timelineMark
	for _, m := range t.marks() {
		if m.Ring {
			rings = append(rings, m)
		}
	}
	return rings
}

// strokes are where the other marks are drawn. Of those that would run together only one is.
func (t RetryTimeline) strokes() (at []int, crowded bool) {
	free := 0
	for _, m := range t.marks() {
		switch {
		case m.Ring:
		case m.X < free:
			crowded = true
		default:
			at = append(at, m.X)
			free = m.X + timelineStroke
		}
	}
	return at, crowded
}

// ticks draws the strokes.
func (t RetryTimeline) ticks() string {
	var path strings.Builder
	at, _ := t.strokes()
	for _, x := range at {
		fmt.Fprintf(&path, "M%d 4V16", x)
	}
	return path.String()
}

// exactly writes a time of whole seconds with all its units: a day must not hide the seconds behind it.
func exactly(d time.Duration) string {
	if d < time.Second {
		return "0 s"
	}
	var parts []string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.length; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
		}
		d %= unit.length
	}
	return strings.Join(parts, " ")
}

// sentence says in words when the webhook gives up.
func (t RetryTimeline) sentence() string {
	gives := "Gives up"
	if len(t.Plan) == 1 {
		gives = "Makes one attempt and gives up"
	}
	return fmt.Sprintf("%s between %s and %s after the event: at the earliest when every attempt fails at once, at the latest when every attempt uses its whole timeout of %s.",
		gives, exactly(t.Earliest), exactly(t.Latest), exactly(t.Timeout))
}

// description is the drawing in words, for those who do not see it.
func (t RetryTimeline) description() string {
	var times []string
	for i, p := range t.Plan {
		if len(t.Plan) > 16 && i == 8 {
			times = append(times, "and so on")
		}
		if len(t.Plan) <= 16 || i < 8 || i == len(t.Plan)-1 {
			times = append(times, exactly(p.Earliest))
		}
	}
	return fmt.Sprintf("%s, %s after the event if each fails at once.", Plural(len(t.Plan), "attempt", "attempts"), strings.Join(times, ", "))
}

// scale says how the drawing is to be read.
func (t RetryTimeline) scale() string {
	text := "The pauses between attempts are to scale."
	if !t.linear() {
		text = "The scale is logarithmic: the further to the right, the longer the pauses."
	}
	if t.Delay > 0 {
		text += " The delay is not to scale."
	}
	if _, crowded := t.strokes(); crowded {
		text += " Where attempts lie close together, one stroke stands for several."
	}
	for _, wait := range t.Waits {
		if wait > engine.JitterAbove {
			return text + fmt.Sprintf(" Pauses longer than %s vary by ±%d %%.", Duration(engine.JitterAbove), int(100*engine.Jitter))
		}
	}
	return text
}

// height is that of the drawing, with room for the gate of a blocking webhook.
func (t RetryTimeline) height() int {
	if t.Hold.shown() {
		return 46
	}
	return 20
}

// closedGate draws the two bars at each end of the time in which the gate is closed.
func (t RetryTimeline) closedGate() string {
	return fmt.Sprintf("M%d 27V43M%d 27V43M%d 27V43M%d 27V43", timelineLeft-4, timelineLeft+1, timelineRight-1, timelineRight+4)
}
