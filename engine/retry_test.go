package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

func TestStudioPolicyWaits(t *testing.T) {
	t.Parallel()
	want := []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	for i, wait := range want {
		if n := i - 1; engine.StudioPolicy.Wait(n) != wait {
			t.Errorf("wait before retry %d: %s, want %s", n, engine.StudioPolicy.Wait(n), wait)
		}
	}
	if got := (&engine.RetryPolicy{}).Wait(1); got != 0 {
		t.Errorf("a policy without waits waits %s", got)
	}
	if p, ok := engine.RetryPolicyNamed("studio"); !ok || p.MaxRetries != 5 || len(p.Waits) != 5 {
		t.Errorf("policy named studio: %+v, %t", p, ok)
	}
	if p, ok := engine.RetryPolicyNamed("Studio"); ok {
		t.Errorf("a label is no name: %+v", p)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	s := time.Second
	plan, earliest, latest := engine.StudioPolicy.Plan(3*s, 30*s, 3)
	want := []engine.Planned{
		{Attempt: 1, Earliest: 3 * s, Latest: 3 * s},
		{Attempt: 2, Earliest: 4 * s, Latest: 34 * s},
		{Attempt: 3, Earliest: 6 * s, Latest: 66 * s},
		{Attempt: 4, Earliest: 9 * s, Latest: 99 * s},
	}
	if diff := cmp.Diff(want, plan); diff != "" || earliest != 9*s || latest != 129*s {
		t.Errorf("ends from %s to %s, plan (-want +got):\n%s", earliest, latest, diff)
	}
}

func TestPlanFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, least, most int) time.Duration {
			return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Second
		}
		policy := engine.RetryPolicy{}
		for range rapid.IntRange(0, 8).Draw(t, "waits") {
			policy.Waits = append(policy.Waits, seconds("wait", 0, 3600))
		}
		delay, timeout, retries := seconds("delay", 0, 86400), seconds("timeout", 1, 300), rapid.IntRange(0, 60).Draw(t, "retries")
		jitter := func(n int) time.Duration {
			if wait := policy.Wait(n); wait > time.Minute {
				return wait / 10
			}
			return 0
		}
		plan, earliest, latest := policy.Plan(delay, timeout, retries)
		if len(plan) != retries+1 {
			t.Fatalf("%d attempts planned, want %d", len(plan), retries+1)
		}
		first, last := delay, delay
		for i, p := range plan {
			if i > 0 {
				first += policy.Wait(i) - jitter(i)
				last += policy.Wait(i) + jitter(i)
			}
			if want := (engine.Planned{Attempt: i + 1, Earliest: first, Latest: last + time.Duration(i)*timeout}); p != want {
				t.Fatalf("planned %+v, want %+v", p, want)
			}
		}
		if earliest != first || latest != last+time.Duration(retries+1)*timeout {
			t.Fatalf("ends from %s to %s", earliest, latest)
		}
	})
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait time.Duration
		by   float64
		want time.Duration
	}{
		{time.Second, 1, time.Second},
		{time.Minute, -1, time.Minute},
		{61 * time.Second, 1, 67100 * time.Millisecond},
		{61 * time.Second, -1, 54900 * time.Millisecond},
		{time.Hour, 0, time.Hour},
		{time.Hour, -1, 54 * time.Minute},
		{time.Hour, 1, 66 * time.Minute},
		{time.Hour, 0.123456789, time.Hour + 44444*time.Millisecond},
	} {
		if got := engine.Spread(tt.wait, tt.by); got != tt.want {
			t.Errorf("%s by %g: %s, want %s", tt.wait, tt.by, got, tt.want)
		}
	}
}
