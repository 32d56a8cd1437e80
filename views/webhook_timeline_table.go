package views

import (
	"fmt"
	"time"

	"labhook/engine"
)

// timelineRun is how many attempts with the same pause before them stand in rows of their own; more are one row.
const timelineRun = 4

// timelineRow is a row of the timeline's table: one attempt, or several with the same pause before each.
type timelineRow struct{ Attempts, Wait, Earliest, Latest string }

// rows are the table of the plan. Where the same pause comes over and over, the attempts between the first and the last
// one are one row.
func (t RetryTimeline) rows() []timelineRow {
	var rows []timelineRow
	for i := 0; i < len(t.Plan); i++ {
		rows = append(rows, t.row(i))
		if end := t.run(i); end-i > timelineRun {
			rows = append(rows, timelineRow{
				Attempts: fmt.Sprintf("%d to %d", t.Plan[i+1].Attempt, t.Plan[end-1].Attempt),
				Wait:     "each " + pauseWord(t.Waits[i]), Earliest: "…", Latest: "…",
			})
			i = end - 1
		}
	}
	return append(rows, timelineRow{"Given up", "", "+" + exactly(t.Earliest), "+" + exactly(t.Latest)})
}

// run returns the last of the attempts, counted from 0, that have the same pause before them as the one after i.
func (t RetryTimeline) run(i int) int {
	end := i
	for end < len(t.Waits) && t.Waits[end] == t.Waits[i] {
		end++
	}
	return end
}

func (t RetryTimeline) row(i int) timelineRow {
	p := t.Plan[i]
	r := timelineRow{Attempts: fmt.Sprint(p.Attempt), Wait: "–", Earliest: "+" + exactly(p.Earliest), Latest: "+" + exactly(p.Latest)}
	if i > 0 {
		r.Wait = pauseWord(t.Waits[i-1])
	}
	return r
}

// pauseWord writes a pause with its jitter.
func pauseWord(wait time.Duration) string {
	if wait > engine.JitterAbove {
		return fmt.Sprintf("%s ±%d %%", exactly(wait), int(100*engine.Jitter))
	}
	return exactly(wait)
}
