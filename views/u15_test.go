package views

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"labhook/engine"
)

// walk lets the engine decide attempt by attempt what follows when each fails after so long, with the jitter at one
// end. It returns when each attempt is made and, last, when the delivery is given up, after the event.
func walk(t *rapid.T, w *engine.Webhook, took time.Duration, chance float64) []time.Duration {
	start := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)
	d := engine.Delivery{State: engine.StateSending, Trigger: engine.TriggerAutomatic}
	at := start.Add(w.Delay)
	times := []time.Duration{at.Sub(start)}
	for {
		ended := at.Add(took)
		o := engine.Decide(w, engine.Ended{Delivery: &d, Class: engine.ClassTimeout, At: ended, Chance: chance})
		d.Attempts++
		if o.Kind != engine.OutcomeRetry {
			return append(times, ended.Sub(start))
		}
		if d.Attempts > engine.MaxRetries {
			t.Fatal("the engine does not give up")
		}
		at = o.RetryAt
		times = append(times, at.Sub(start))
	}
}

// The times in the preview are those at which the engine makes the attempts, for 200 random settings: the earliest ones
// when each attempt fails at once, and the latest ones when each uses its whole timeout.
func TestU15PreviewTimes(t *testing.T) {
	t.Parallel()
	for range 2 { // of 100 settings each
		rapid.Check(t, func(t *rapid.T) {
			w := anyPolicy(t)
			timeline := NewRetryTimeline(engine.BuiltIn, &w)
			earliest, latest := walk(t, &w, 0, -1), walk(t, &w, w.Timeout, 1)
			if len(timeline.Plan) != len(earliest)-1 || len(timeline.Plan) != len(latest)-1 {
				t.Fatalf("%d attempts in the preview, the engine makes %d", len(timeline.Plan), len(earliest)-1)
			}
			for i, p := range timeline.Plan {
				if p.Earliest != earliest[i] || p.Latest != latest[i] {
					t.Fatalf("attempt %d is drawn from %s to %s, the engine makes it from %s to %s", i+1, p.Earliest, p.Latest, earliest[i], latest[i])
				}
			}
			for _, row := range timeline.rows() {
				i := len(earliest) - 1
				if row.Attempts != "Given up" {
					if _, err := fmt.Sscanf(row.Attempts, "%d", &i); err != nil {
						t.Fatal(err)
					}
					i--
				}
				if row.Earliest != "…" && (row.Earliest != "+"+exactly(earliest[i]) || row.Latest != "+"+exactly(latest[i])) {
					t.Fatalf("row %+v, the engine has %s and %s", row, earliest[i], latest[i])
				}
			}
		})
	}
}
