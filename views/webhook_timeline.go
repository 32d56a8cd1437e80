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
	timelineLabels = 44 // the least distance between two times written below the line
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
		m := timelineMark{X: start, Attempt: p.Attempt, Time: "+" + Duration(p.Earliest), Anchor: "middle"}
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
	for i, shown := 1, marks[0].X; i <= last; i++ {
		if marks[i].X-shown < timelineLabels || i < last && marks[last].X-marks[i].X < 2*timelineLabels {
			marks[i].Time = ""
			continue
		}
		shown = marks[i].X
	}
	return marks
}

// sentence says in words when the webhook gives up.
func (t RetryTimeline) sentence() string {
	gives := "Gives up"
	if len(t.Plan) == 1 {
		gives = "Makes one attempt and gives up"
	}
	return fmt.Sprintf("%s between %s and %s after the event: at the earliest when every attempt fails at once, at the latest when every attempt uses its whole timeout of %s.",
		gives, Duration(t.Earliest), Duration(t.Latest), Duration(t.Timeout))
}

// description is the drawing in words, for those who do not see it.
func (t RetryTimeline) description() string {
	times := make([]string, len(t.Plan))
	for i, p := range t.Plan {
		times[i] = Duration(p.Earliest)
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
