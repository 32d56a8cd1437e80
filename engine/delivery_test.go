package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
	"labhook/engine/enginetest"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// transitions is the whole state machine: what each step makes of each state; a step that is not there is refused.
var transitions = map[engine.DeliveryState]map[engine.Step]engine.DeliveryState{
	engine.StateScheduled: {
		engine.StepHold:   engine.StateHeld,
		engine.StepSend:   engine.StateSending,
		engine.StepCancel: engine.StateCancelled,
		engine.StepHasten: engine.StateQueued,
	},
	engine.StateHeld: {
		engine.StepRelease: engine.StateScheduled, // queued where no delay is left
		engine.StepCancel:  engine.StateCancelled,
		engine.StepSkip:    engine.StateSkipped,
	},
	engine.StateQueued: {
		engine.StepHold:   engine.StateHeld,
		engine.StepSend:   engine.StateSending,
		engine.StepCancel: engine.StateCancelled,
	},
	engine.StateSending: {
		engine.StepDeliver:   engine.StateDelivered,
		engine.StepRetry:     engine.StateRetrying,
		engine.StepFail:      engine.StateFailed,
		engine.StepInterrupt: engine.StateQueued,
		engine.StepCancel:    engine.StateCancelled,
	},
	engine.StateRetrying: {
		engine.StepSend:   engine.StateSending,
		engine.StepCancel: engine.StateCancelled,
		engine.StepHasten: engine.StateQueued,
	},
	engine.StateDelivered: {engine.StepResend: engine.StateQueued},
	engine.StateFailed:    {engine.StepResend: engine.StateQueued, engine.StepRecover: engine.StateQueued},
	engine.StateCancelled: {engine.StepResend: engine.StateQueued, engine.StepRecover: engine.StateQueued},
	engine.StateSkipped:   {engine.StepResend: engine.StateQueued},
}

// changeFor returns what the engine gives along with a step.
func changeFor(step engine.Step, now time.Time, wait time.Duration) engine.Change {
	c := engine.Change{Step: step, Now: now, DueAt: now.Add(wait), Reason: "The lab was ended."}
	if step == engine.StepRetry || step == engine.StepFail {
		c.Class, c.Status = engine.ClassStatus, 503
	}
	if step == engine.StepDeliver {
		c.Status = 200
	}
	return c
}

// inState returns a delivery that is in the state by rights.
func inState(s engine.DeliveryState) engine.Delivery {
	d := engine.Delivery{ID: engine.NewID[engine.DeliveryID](), State: s, Trigger: engine.TriggerAutomatic, CreatedAt: noon}
	switch {
	case s == engine.StateScheduled || s == engine.StateQueued || s == engine.StateRetrying:
		d.DueAt = noon
	case s.Final():
		d.FinishedAt = noon
	}
	switch s {
	case engine.StateCancelled, engine.StateSkipped:
		d.Reason = "The webhook was deleted."
	case engine.StateRetrying, engine.StateFailed:
		d.Attempts, d.LastClass = 1, engine.ClassRefused
	case engine.StateDelivered:
		d.Attempts, d.LastStatus = 1, 200
	}
	return d
}

func TestTransitionTable(t *testing.T) {
	t.Parallel()
	if len(engine.DeliveryStates) != 9 || len(engine.Steps) != 12 || len(transitions) != 9 {
		t.Fatal("the table does not cover every state and step")
	}
	now := noon.Add(time.Hour)
	for _, state := range engine.DeliveryStates {
		for _, step := range engine.Steps {
			before := inState(state)
			after, err := before.Transition(changeFor(step, now, time.Minute))
			want, possible := transitions[state][step]
			switch {
			case !possible && !errors.Is(err, engine.ErrConflict):
				t.Errorf("%s + %s: %v, want ErrConflict", state, step, err)
			case !possible && !cmp.Equal(before, after):
				t.Errorf("%s + %s is refused but changed: %s", state, step, cmp.Diff(before, after))
			case possible && (err != nil || after.State != want):
				t.Errorf("%s + %s = %s, %v, want %s", state, step, after.State, err, want)
			}
			if problem := broken(after); problem != "" {
				t.Errorf("%s + %s: %s", state, step, problem)
			}
		}
	}
}

// broken says which rule a delivery breaks, "" when none. The database holds the same rules as constraints.
func broken(d engine.Delivery) string {
	waiting := d.State == engine.StateScheduled || d.State == engine.StateQueued || d.State == engine.StateRetrying
	switch {
	case waiting == d.DueAt.IsZero():
		return "DueAt is not set exactly while it waits"
	case d.State.Final() == d.FinishedAt.IsZero():
		return "FinishedAt is not set exactly when it is final"
	case (d.State == engine.StateCancelled || d.State == engine.StateSkipped) == (d.Reason == ""):
		return "Reason is not set exactly when it was cancelled or skipped"
	case d.State == engine.StateRetrying && d.Attempts == 0:
		return "it retries without an attempt"
	case (d.State == engine.StateDelivered || d.State == engine.StateFailed) && d.Attempts == 0:
		return "it ended without an attempt"
	case d.State == engine.StateDelivered && d.LastClass != "":
		return "it is delivered and has a failure class"
	case d.State == engine.StateFailed && d.LastClass == "":
		return "it failed without a failure class"
	}
	return ""
}

// TestTransitionHistories walks deliveries through random steps, possible and impossible ones: 400 histories of 50
// steps each.
func TestTransitionHistories(t *testing.T) {
	t.Parallel()
	seen := map[engine.DeliveryState]int{}
	for range 4 { // rapid makes 100 histories each time
		rapid.Check(t, func(t *rapid.T) {
			now := noon
			delay := time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Second
			e := enginetest.Event()
			w := enginetest.Webhook(func(w *engine.Webhook) { w.Delay = delay })
			d := engine.NewDelivery(&e, &w, now)
			attempts := 0
			for range 50 {
				now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
				step := draw(t, d.State)
				wait := time.Duration(rapid.IntRange(0, 5).Draw(t, "wait")) * time.Second
				d, attempts = walk(t, d, attempts, changeFor(step, now, wait))
				seen[d.State]++
			}
		})
	}
	for _, s := range engine.DeliveryStates {
		if seen[s] == 0 {
			t.Errorf("no history came to %s", s)
		}
	}
}

// draw chooses a step, more often than not one that the table allows.
func draw(t *rapid.T, s engine.DeliveryState) engine.Step {
	steps := engine.Steps
	if rapid.IntRange(0, 9).Draw(t, "any") < 7 {
		steps = nil
		for _, step := range engine.Steps { // in order, for the same draw must give the same step
			if _, ok := transitions[s][step]; ok {
				steps = append(steps, step)
			}
		}
	}
	return rapid.SampledFrom(steps).Draw(t, "step")
}

// walk makes one step of a history and checks what must hold of it.
func walk(t *rapid.T, before engine.Delivery, attempts int, c engine.Change) (engine.Delivery, int) {
	after, err := before.Transition(c)
	if err != nil {
		if !errors.Is(err, engine.ErrConflict) || !cmp.Equal(before, after) {
			t.Fatalf("%s is refused with %v and changes %s", c.Step, err, cmp.Diff(before, after))
		}
		return before, attempts
	}
	if problem := broken(after); problem != "" {
		t.Fatalf("%s from %s: %s: %+v", c.Step, before.State, problem, after)
	}
	if before.State.Final() && c.Step != engine.StepResend && c.Step != engine.StepRecover {
		t.Fatalf("%s left the final state %s", c.Step, before.State)
	}
	if before.Attempts > 0 && after.State == engine.StateHeld {
		t.Fatal("a delivery that was attempted was held")
	}
	switch c.Step {
	case engine.StepDeliver, engine.StepRetry, engine.StepFail:
		attempts++
		if after.LastStatus != c.Status || after.LastClass != c.Class {
			t.Fatalf("%s does not note what came of it: %+v", c.Step, after)
		}
	case engine.StepResend, engine.StepRecover, engine.StepHasten:
		if after.Trigger != engine.TriggerManual || !after.DueAt.Equal(c.Now) {
			t.Fatalf("%s does not make the next attempt one by hand, due now: %+v", c.Step, after)
		}
	case engine.StepRelease:
		if wait := c.DueAt.After(c.Now); wait != (after.State == engine.StateScheduled) || wait && !after.DueAt.Equal(c.DueAt) {
			t.Fatalf("released at %s, due at %s: %+v", c.Now, c.DueAt, after)
		}
	}
	if c.Step == engine.StepRetry && (after.Trigger != engine.TriggerAutomatic || !after.DueAt.Equal(c.DueAt)) {
		t.Fatalf("a retry follows from the policy: %+v", after)
	}
	if after.Attempts != attempts {
		t.Fatalf("%d attempts counted, %d were made", after.Attempts, attempts)
	}
	if start := map[bool]int{true: after.Attempts, false: before.RoundStart}[c.Step == engine.StepRecover]; after.RoundStart != start {
		t.Fatalf("after %s the round began after %d attempts, want %d", c.Step, after.RoundStart, start)
	}
	same := after
	same.RoundStart = before.RoundStart
	same.State, same.DueAt, same.FinishedAt, same.Reason, same.Attempts = before.State, before.DueAt, before.FinishedAt, before.Reason, before.Attempts
	if claimed := after.Claim - before.Claim; (claimed == 1) != (c.Step == engine.StepSend) {
		t.Fatalf("%s changed the claim from %d to %d", c.Step, before.Claim, after.Claim)
	}
	same.Claim, same.Trigger, same.LastClass, same.LastStatus = before.Claim, before.Trigger, before.LastClass, before.LastStatus
	if !cmp.Equal(before, same) {
		t.Fatalf("%s changed what never changes: %s", c.Step, cmp.Diff(before, same))
	}
	return after, attempts
}

func TestTransitionRefusesUnknownStep(t *testing.T) {
	t.Parallel()
	for _, state := range engine.DeliveryStates {
		d := inState(state)
		after, err := d.Transition(engine.Change{Step: "explode", Now: noon})
		if !errors.Is(err, engine.ErrConflict) || !cmp.Equal(d, after) {
			t.Errorf("%s: %v, %v", state, after, err)
		}
	}
}

func TestHoldIsForUnattemptedDeliveries(t *testing.T) {
	t.Parallel()
	d := inState(engine.StateQueued)
	d.Attempts = 1 // it was interrupted, or is sent again
	if _, err := d.Transition(engine.Change{Step: engine.StepHold, Now: noon}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("held after an attempt: %v", err)
	}
}

func TestNewDelivery(t *testing.T) {
	t.Parallel()
	e := enginetest.Event()
	w := enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID, w.Blocking = engine.NewID[engine.ConsumerID](), true })
	want := engine.Delivery{
		EventID: e.ID, ConsumerID: w.ConsumerID, WebhookID: w.ID, State: engine.StateQueued, Blocking: true,
		Trigger: engine.TriggerAutomatic, DueAt: noon, CreatedAt: noon,
	}
	d := engine.NewDelivery(&e, &w, noon)
	want.ID = d.ID
	if diff := cmp.Diff(want, d); diff != "" || d.ID == 0 {
		t.Errorf("without delay (-want +got):\n%s", diff)
	}
	w.Delay = 3 * time.Second
	want.State, want.DueAt = engine.StateScheduled, noon.Add(3*time.Second)
	d = engine.NewDelivery(&e, &w, noon)
	want.ID = d.ID
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("with delay (-want +got):\n%s", diff)
	}
}
