package views

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"labhook/engine"
)

// anyPolicy draws a webhook with any delay and timeout, and with any policy that it may have.
func anyPolicy(t *rapid.T) engine.Webhook {
	w := engine.NewWebhook(0)
	policy := rapid.SampledFrom(engine.RetryPolicies).Draw(t, "policy")
	w.RetryPolicy = policy.Name
	if policy.Name == engine.CustomPolicyName {
		w.Custom = policy
		w.Custom.Waits = nil
		for _, wait := range rapid.SliceOfN(rapid.IntRange(1, 86400), 1, engine.MaxWaits).Draw(t, "waits") {
			w.Custom.Waits = append(w.Custom.Waits, time.Duration(wait)*time.Second)
		}
	}
	w.Retries = rapid.IntRange(0, policy.MaxRetries).Draw(t, "retries")
	w.Delay = time.Duration(rapid.IntRange(0, 86400).Draw(t, "delay")) * time.Second
	w.Timeout = time.Duration(rapid.IntRange(1, 300).Draw(t, "timeout")) * time.Second
	return w
}

// The drawing shows the engine's own plan: every attempt, in order, inside the frame, and neither rings nor times over
// each other.
func TestRetryTimeline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := anyPolicy(t)
		timeline := NewRetryTimeline(engine.BuiltIn, &w)
		plan, earliest, latest := w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
		if timeline.Earliest != earliest || timeline.Latest != latest || len(timeline.marks()) != len(plan) {
			t.Fatalf("%+v is not the plan %+v", timeline, plan)
		}
		at, ring, label := 0, 0, 0
		for i, m := range timeline.marks() {
			if m.Attempt != i+1 || m.X < at || m.X < timelineLeft || m.X > timelineRight {
				t.Fatalf("mark %d: %+v after %d", i, m, at)
			}
			at = m.X
			if !m.Ring {
				if m.Time != "" {
					t.Fatalf("a stroke has the time %q", m.Time)
				}
				continue
			}
			if ring > 0 && m.X-ring < timelineApart {
				t.Fatalf("ring %d lies over the one before: %d after %d", i, m.X, ring)
			}
			if ring = m.X; m.Time == "" {
				continue
			}
			if m.left() < label || m.right() > timelineWidth {
				t.Fatalf("time %q from %d to %d runs into its neighbour, which ends at %d", m.Time, m.left(), m.right(), label)
			}
			label = m.right()
		}
		strokes, crowded := timeline.strokes()
		for i, x := range strokes {
			if i > 0 && x-strokes[i-1] < timelineStroke {
				t.Fatalf("strokes at %v run together", strokes)
			}
		}
		if crowded != (len(strokes)+len(timeline.rings()) < len(plan)) {
			t.Fatalf("%d strokes and %d rings for %d attempts, crowded: %t", len(strokes), len(timeline.rings()), len(plan), crowded)
		}
		if first, last := timeline.marks()[0], timeline.marks()[len(plan)-1]; !last.Ring || last.Time == "" || !first.Ring && len(plan) > 1 && last.X-first.X >= timelineApart {
			t.Fatal("the first or the last attempt is not shown")
		}
		if got := timeline.sentence(); !strings.Contains(got, exactly(earliest)) || !strings.Contains(got, exactly(latest)) {
			t.Fatalf("%q does not say %s and %s", got, exactly(earliest), exactly(latest))
		}
	})
}

// The table has every attempt, in a row of its own or in one with others whose pause is the same, and stays short.
func TestTimelineTable(t *testing.T) {
	t.Parallel()
	w := engine.NewWebhook(0)
	w.RetryPolicy, w.Retries, w.Timeout = engine.SkilljarPolicy.Name, 60, 30*time.Second
	timeline := NewRetryTimeline(engine.BuiltIn, &w)
	rows := timeline.rows()
	if len(rows) != 15 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	for i, want := range map[int]timelineRow{
		0:  {"1", "–", "+0 s", "+0 s"},
		1:  {"2", "2 s", "+2 s", "+32 s"},
		6:  {"7", "1 min 4 s ±10 %", "+1 min 59 s", "+5 min 12 s"},
		12: {"13 to 60", "each 1 h ±10 %", "…", "…"},
		13: {"61", "1 h ±10 %", "+1 d 21 h 7 min 30 s", "+2 d 7 h 38 min 57 s"},
	} {
		if rows[i] != want {
			t.Errorf("row %d is %+v, want %+v", i, rows[i], want)
		}
	}
	if last := rows[14]; last.Attempts != "Given up" || last.Latest != "+"+exactly(timeline.Latest) {
		t.Errorf("the last row is %+v", last)
	}
	if got := timeline.scale(); !strings.Contains(got, "logarithmic") || !strings.Contains(got, "±10 %") {
		t.Errorf("the scale is %q", got)
	}
	if got := timeline.description(); len(got) > 200 || !strings.HasPrefix(got, "61 attempts, 0 s, 2 s, ") {
		t.Errorf("the picture in words: %q", got)
	}
	w = engine.NewWebhook(0)
	if got := NewRetryTimeline(engine.BuiltIn, &w).scale(); got != "The pauses between attempts are to scale." {
		t.Errorf("of a short plan the scale is %q", got)
	}
}

func TestTimelineTableHasEveryAttempt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := anyPolicy(t)
		timeline := NewRetryTimeline(engine.BuiltIn, &w)
		next := 1
		for i, r := range timeline.rows()[:len(timeline.rows())-1] {
			var first, last int
			if n, _ := sscan(r.Attempts, &first, &last); n == 1 {
				last = first
			}
			if first != next {
				t.Fatalf("row %d begins with attempt %d after %d", i, first, next-1)
			}
			next = last + 1
		}
		if next != w.Retries+2 {
			t.Fatalf("the table ends with attempt %d of %d", next-1, w.Retries+1)
		}
	})
}

// sscan reads "7" or "13 to 60".
func sscan(text string, first, last *int) (int, error) {
	return fmt.Sscanf(text, "%d to %d", first, last)
}

// A label stands over its ring by classes alone, and at the ends of the drawing begins or ends with it.
func TestTimelineLabels(t *testing.T) {
	t.Parallel()
	w := engine.NewWebhook(0)
	w.RetryPolicy, w.Retries = engine.SkilljarPolicy.Name, 60
	for delay, want := range map[time.Duration]string{
		0:         "from 1 +0 s, t4 u6 8 +3 min 54 s, to 61 +1 d 21 h",
		time.Hour: "t1 u6 1 +1 h, t4 u4 6 +1 h 1 min, to 61 +1 d 22 h",
	} {
		w.Delay = delay
		var labels []string
		for _, m := range NewRetryTimeline(engine.BuiltIn, &w).rings() {
			if m.Time != "" {
				labels = append(labels, fmt.Sprintf("%s %d %s", m.at(), m.Attempt, m.Time))
			}
		}
		if got := strings.Join(labels, ", "); got != want {
			t.Errorf("after a delay of %s the labels are %q, want %q", delay, got, want)
		}
	}
}
