package views

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"labhook/engine"
)

// The drawing shows the engine's own plan: every attempt, in order, inside the frame, and no time over another.
func TestRetryTimeline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := engine.NewWebhook(0)
		w.Retries = rapid.IntRange(0, engine.StudioPolicy.MaxRetries).Draw(t, "retries")
		w.Delay = time.Duration(rapid.IntRange(0, 86400).Draw(t, "delay")) * time.Second
		w.Timeout = time.Duration(rapid.IntRange(1, 300).Draw(t, "timeout")) * time.Second
		timeline := NewRetryTimeline(&w)
		plan, earliest, latest := w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
		if timeline.Earliest != earliest || timeline.Latest != latest || len(timeline.marks()) != len(plan) {
			t.Fatalf("%+v is not the plan %+v", timeline, plan)
		}
		at, label := 0, 0
		for i, m := range timeline.marks() {
			if m.Attempt != i+1 || m.X < at || m.X < timelineLeft || m.X > timelineRight {
				t.Fatalf("mark %d: %+v after %d", i, m, at)
			}
			if i > 0 && m.X-at < 2*timelineRing-2 {
				t.Fatalf("mark %d lies over the one before: %d after %d", i, m.X, at)
			}
			if m.Time != "" && (m.left() < label || m.right() > 340+timelineLetter) {
				t.Fatalf("time %q from %d to %d runs into its neighbour, which ends at %d", m.Time, m.left(), m.right(), label)
			}
			if at = m.X; m.Time != "" {
				label = m.right()
			}
		}
		if last := timeline.marks()[len(plan)-1]; last.Time == "" {
			t.Fatal("the last attempt has no time")
		}
		if !strings.Contains(timeline.sentence(), exactly(latest)) {
			t.Fatalf("%q does not say %s", timeline.sentence(), exactly(latest))
		}
	})
}
