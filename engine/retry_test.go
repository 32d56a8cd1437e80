package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestStudioPolicyWaits(t *testing.T) {
	t.Parallel()
	want := []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	for i, wait := range want {
		if n := i - 1; engine.StudioPolicy.Wait(n) != wait {
			t.Errorf("wait before retry %d: %s, want %s", n, engine.StudioPolicy.Wait(n), wait)
		}
	}
	if got := (engine.RetryPolicy{}).Wait(1); got != 0 {
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
		var waits time.Duration
		for n := 1; n <= retries; n++ {
			waits += policy.Wait(n)
		}
		plan, earliest, latest := policy.Plan(delay, timeout, retries)
		if earliest != delay+waits || latest != delay+time.Duration(retries+1)*timeout+waits {
			t.Fatalf("ends from %s to %s", earliest, latest)
		}
		if len(plan) != retries+1 {
			t.Fatalf("%d attempts planned, want %d", len(plan), retries+1)
		}
		for i, p := range plan {
			if p.Attempt != i+1 || p.Latest-p.Earliest != time.Duration(i)*timeout {
				t.Fatalf("attempt %d: %+v", i+1, p)
			}
			if i > 0 && p.Earliest-plan[i-1].Earliest != policy.Wait(i) {
				t.Fatalf("attempt %d follows after %s, want %s", i+1, p.Earliest-plan[i-1].Earliest, policy.Wait(i))
			}
		}
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	w := enginetest.Webhook(func(w *engine.Webhook) { w.Retries = 2 })
	later := func(d time.Duration) engine.Outcome {
		return engine.Outcome{Kind: engine.OutcomeRetry, Class: engine.ClassTimeout, RetryAt: noon.Add(d)}
	}
	tests := []struct {
		attempts int
		class    engine.FailureClass
		want     engine.Outcome
		step     engine.Step
	}{
		{1, "", engine.Outcome{Kind: engine.OutcomeDelivered}, engine.StepDeliver},
		{9, "", engine.Outcome{Kind: engine.OutcomeDelivered}, engine.StepDeliver},
		{1, engine.ClassTimeout, later(time.Second), engine.StepRetry},
		{2, engine.ClassTimeout, later(2 * time.Second), engine.StepRetry},
		{3, engine.ClassTimeout, engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassTimeout}, engine.StepFail},
		{4, engine.ClassTimeout, engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassTimeout}, engine.StepFail},
		{1, engine.ClassBlocked, engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassBlocked}, engine.StepFail},
		{1, engine.ClassRequest, engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassRequest}, engine.StepFail},
	}
	for _, tt := range tests {
		got := engine.Decide(&w, tt.attempts, tt.class, noon)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("attempt %d, %q (-want +got):\n%s", tt.attempts, tt.class, diff)
		}
		want := engine.Change{Step: tt.step, Now: noon, DueAt: tt.want.RetryAt, Class: tt.class, Status: 7}
		if diff := cmp.Diff(want, got.Change(noon, 7)); diff != "" {
			t.Errorf("attempt %d, %q: change (-want +got):\n%s", tt.attempts, tt.class, diff)
		}
	}
	interrupted := engine.Outcome{Kind: engine.OutcomeInterrupted}
	if got := interrupted.Change(noon, 0).Step; got != engine.StepInterrupt {
		t.Errorf("interrupted: %s", got)
	}
}
