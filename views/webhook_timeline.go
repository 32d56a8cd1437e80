package views

import (
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// The retry timeline's drawing, in its own units: a line from left to right, and a delay of fixed width before it.
const (
	timelineLeft   = 14
	timelineRight  = 326
	timelineDelay  = 48 // width of the block that stands for the delay
	timelineRing   = 9  // radius of an attempt's ring
	timelineLetter = 6  // width of a letter, at most
)

// RetryTimeline is the picture of what a webhook's delay, timeout and retries mean, before they are saved.
type RetryTimeline struct {
	Plan             []engine.Planned
	Earliest, Latest time.Duration
	Delay, Timeout   time.Duration
	Hold             HoldPreview
}

// NewRetryTimeline draws the plan of the engine itself.
func NewRetryTimeline(w *engine.Webhook) RetryTimeline {
	t := RetryTimeline{Delay: w.Delay, Timeout: w.Timeout, Hold: NewHoldPreview(w)}
	t.Plan, t.Earliest, t.Latest = w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
	return t
}

// timelineMark is one attempt in the drawing.
type timelineMark struct {
	X       int
	Attempt int
	Time    string // "" where it would run into its neighbour's
	TimeX   int
	Anchor  string // of Time
}

// marks places the attempts, each at its earliest time. The waits between them are to scale.
func (t RetryTimeline) marks() []timelineMark {
	start := timelineLeft
	if t.Delay > 0 {
		start += timelineDelay
	}
	span := t.Earliest - t.Delay
	marks := make([]timelineMark, len(t.Plan))
	for i, p := range t.Plan {
		m := timelineMark{X: start, Attempt: p.Attempt, Time: "+" + exactly(p.Earliest), Anchor: "middle"}
		if span > 0 {
			m.X += int((p.Earliest - t.Delay) * time.Duration(timelineRight-start) / span)
		}
		m.TimeX = m.X
		marks[i] = m
	}
	last := len(marks) - 1
	if last > 0 {
		marks[last].Anchor, marks[last].TimeX = "end", marks[last].X+timelineRing
	}
	if t.Delay == 0 {
		marks[0].Anchor, marks[0].TimeX = "start", marks[0].X-timelineRing
	}
	end := marks[last].left()
	for i, free := 0, 0; i < last; i++ {
		if marks[i].left() < free || marks[i].right() > end {
			marks[i].Time = ""
			continue
		}
		free = marks[i].right()
	}
	return marks
}

// left and right are where the mark's time begins and ends, a little space included.
func (m timelineMark) left() int {
	switch m.Anchor {
	case "start":
		return m.TimeX
	case "end":
		return m.TimeX - m.width()
	}
	return m.TimeX - m.width()/2
}

func (m timelineMark) right() int { return m.left() + m.width() }
func (m timelineMark) width() int { return (len(m.Time) + 1) * timelineLetter }

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
	times := make([]string, len(t.Plan))
	for i, p := range t.Plan {
		times[i] = exactly(p.Earliest)
	}
	return fmt.Sprintf("%s, %s after the event if each fails at once.", Plural(len(t.Plan), "attempt", "attempts"), strings.Join(times, ", "))
}

// viewBox is that of the drawing, with room for the gate of a blocking webhook.
func (t RetryTimeline) viewBox() string {
	if t.Hold.shown() {
		return "0 0 340 110"
	}
	return "0 0 340 76"
}

// closedGate draws the two bars at each end of the time in which the gate is closed.
func (t RetryTimeline) closedGate() string {
	return fmt.Sprintf("M%d 75V91M%d 75V91M%d 75V91M%d 75V91", timelineLeft-4, timelineLeft+1, timelineRight-1, timelineRight+4)
}
