package engine

import (
	"fmt"
	"time"
)

// DeliveryState is where a delivery stands. The words are those of the screens and the API.
type DeliveryState string

// The states. The last four are final.
const (
	StateScheduled DeliveryState = "scheduled" // its delay runs
	StateHeld      DeliveryState = "held"      // waits behind a gate of its lane
	StateQueued    DeliveryState = "queued"    // due, waits for a sender
	StateSending   DeliveryState = "sending"   // a sender has it, or it stands first in line for one
	StateRetrying  DeliveryState = "retrying"  // an attempt failed, the next one has its time
	StateDelivered DeliveryState = "delivered"
	StateFailed    DeliveryState = "failed"    // given up
	StateCancelled DeliveryState = "cancelled" // by a person, or because its webhook or consumer is out of use
	StateSkipped   DeliveryState = "skipped"   // not sent because of an error action
)

// DeliveryStates lists the states in the order of lists.
var DeliveryStates = []DeliveryState{
	StateScheduled, StateHeld, StateQueued, StateSending, StateRetrying,
	StateDelivered, StateFailed, StateCancelled, StateSkipped,
}

// WaitingStates are those that "waiting" names on screens: a delivery in one of them has not had its attempt yet. One that
// failed and is tried again is retrying.
var WaitingStates = []DeliveryState{StateScheduled, StateHeld, StateQueued, StateSending}

// DueStates are those in which a delivery has a due time.
var DueStates = []DeliveryState{StateScheduled, StateQueued, StateRetrying}

// Final reports whether nothing more happens by itself.
func (s DeliveryState) Final() bool {
	switch s {
	case StateDelivered, StateFailed, StateCancelled, StateSkipped:
		return true
	}
	return false
}

// Trigger tells why an attempt is made.
type Trigger string

// The triggers.
const (
	TriggerAutomatic Trigger = "automatic" // the event, or the retry policy
	TriggerManual    Trigger = "manual"    // a person or a client asked for it
	TriggerTest      Trigger = "test"      // a person or a client tests the webhook
)

// Delivery is one event for one webhook. Its id is the webhook-id on the wire, the same for all attempts.
type Delivery struct {
	ID         DeliveryID
	EventID    EventID
	ConsumerID ConsumerID
	WebhookID  WebhookID
	State      DeliveryState
	Blocking   bool // as the webhook was when the event was accepted
	// Test: it was made to test the webhook. It is tried once, and neither counted nor acted upon.
	Test bool
	// Lane is set while the delivery is held, and from then on; and on a blocking one whose event has a subject.
	Lane    LaneID
	Trigger Trigger // of the attempt that is due or runs; of the last one when final
	// Claim counts how often a sender took it. What an attempt comes to decides only while its claim is the
	// latest: after a cancel and a resend an older attempt may still run.
	Claim int
	// Attempts counts the attempts that were recorded. One that a shutdown interrupted is not counted.
	Attempts int
	// RoundStart is how many of them were made before the delivery got the policy's whole number of retries again.
	RoundStart int
	// DueAt is when the next attempt may start. Set in StateScheduled, StateQueued and StateRetrying, else zero.
	DueAt time.Time
	// FinishedAt is set in the final states, else zero.
	FinishedAt time.Time
	// Reason says why it was cancelled or skipped; else empty.
	Reason string
	// LastClass and LastStatus are the failure class and HTTP status of the latest attempt.
	LastClass  FailureClass
	LastStatus int
	// ErrorAction is the one that was applied when the delivery failed for good; empty: none was.
	ErrorAction ErrorAction
	// Notification is what the lab's user is told, when that was ErrorActionNotifyUser.
	Notification string
	CreatedAt    time.Time
}

// Step is what happens to a delivery.
type Step string

// The steps. Transition says which leads where.
const (
	StepHold      Step = "hold"      // a gate of its lane is closed
	StepRelease   Step = "release"   // the gate opened; the delay starts
	StepSend      Step = "send"      // a sender takes it
	StepDeliver   Step = "deliver"   // the attempt succeeded
	StepRetry     Step = "retry"     // the attempt failed and another one follows
	StepFail      Step = "fail"      // the attempt failed and was the last one
	StepInterrupt Step = "interrupt" // the server stopped during the attempt, which is not counted
	StepCancel    Step = "cancel"
	StepSkip      Step = "skip"    // an error action ended the lab
	StepResend    Step = "resend"  // a person wants one more attempt
	StepRecover   Step = "recover" // a person wants what the receiver missed, with all retries again
	StepHasten    Step = "hasten"  // a person does not want to wait for the next attempt
)

// Steps lists them, for tests and documents.
var Steps = []Step{
	StepHold, StepRelease, StepSend, StepDeliver, StepRetry, StepFail, StepInterrupt, StepCancel, StepSkip, StepResend, StepRecover, StepHasten,
}

// Change carries what a step needs to know.
type Change struct {
	Step   Step
	Now    time.Time
	DueAt  time.Time    // StepRelease and StepRetry: when the next attempt is due; StepInterrupt: when it was, if not now
	Reason string       // StepCancel and StepSkip
	Class  FailureClass // StepRetry and StepFail; StepDeliver: empty
	Status int          // of the answer to the attempt; 0: none
}

// NewDelivery returns a delivery of e for w whose delay starts now.
func NewDelivery(e *Event, w *Webhook, now time.Time) Delivery {
	d := Delivery{
		ID: NewID[DeliveryID](), EventID: e.ID, ConsumerID: w.ConsumerID, WebhookID: w.ID,
		Blocking: w.Blocking, Trigger: TriggerAutomatic, CreatedAt: now,
	}
	d.State, d.DueAt = dueState(now.Add(w.Delay), now)
	return d
}

// testInterrupted is why a test is cancelled that ended without a result.
const testInterrupted = "The server stopped during the test, or could not store its result."

func dueState(due, now time.Time) (DeliveryState, time.Time) {
	if due.After(now) {
		return StateScheduled, due
	}
	return StateQueued, now
}

// Transition is the whole state machine. It returns the delivery after the change, or an error when that step
// cannot follow from the delivery's state; the package comment draws it.
func (d Delivery) Transition(c Change) (Delivery, error) {
	waiting := d.State == StateScheduled || d.State == StateQueued || d.State == StateRetrying
	switch c.Step {
	case StepHold:
		if d.State != StateScheduled && d.State != StateQueued || d.Attempts > 0 {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt = StateHeld, time.Time{}
	case StepRelease:
		if d.State != StateHeld {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt = dueState(c.DueAt, c.Now)
	case StepSend:
		if !waiting {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt = StateSending, time.Time{}
		d.Claim++
	case StepDeliver, StepRetry, StepFail:
		if d.State != StateSending {
			return d, d.refuse(c.Step)
		}
		d.Attempts++
		d.LastClass, d.LastStatus = c.Class, c.Status
		switch c.Step {
		case StepDeliver:
			d.finish(StateDelivered, c)
			d.LastClass = ""
		case StepFail:
			d.finish(StateFailed, c)
		default:
			d.State, d.DueAt, d.Trigger = StateRetrying, c.DueAt, TriggerAutomatic
		}
	case StepInterrupt:
		if d.State != StateSending {
			return d, d.refuse(c.Step)
		}
		if d.Test {
			// Nobody waits for its result any more, and a request that comes later would puzzle the receiver.
			c.Reason = testInterrupted
			d.finish(StateCancelled, c)
			break
		}
		d.State, d.DueAt = StateQueued, c.Now
		if !c.DueAt.IsZero() && c.DueAt.Before(c.Now) {
			d.DueAt = c.DueAt
		}
	case StepCancel:
		// A running attempt is let go of: its outcome is recorded on the attempt, the delivery stays cancelled.
		if !waiting && d.State != StateHeld && d.State != StateSending {
			return d, d.refuse(c.Step)
		}
		d.finish(StateCancelled, c)
	case StepSkip:
		if d.State != StateHeld {
			return d, d.refuse(c.Step)
		}
		d.finish(StateSkipped, c)
	case StepResend:
		if !d.State.Final() || d.Test {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt, d.FinishedAt, d.Reason, d.Trigger = StateQueued, c.Now, time.Time{}, "", TriggerManual
	case StepRecover:
		if d.State != StateFailed && d.State != StateCancelled || d.Test {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt, d.FinishedAt, d.Reason, d.Trigger = StateQueued, c.Now, time.Time{}, "", TriggerManual
		d.RoundStart = d.Attempts
	case StepHasten:
		if d.State != StateScheduled && d.State != StateRetrying {
			return d, d.refuse(c.Step)
		}
		d.State, d.DueAt, d.Trigger = StateQueued, c.Now, TriggerManual
	default:
		return d, d.refuse(c.Step)
	}
	return d, nil
}

func (d Delivery) refuse(step Step) error {
	return fmt.Errorf("delivery %s is %s: %s is not possible: %w", d.ID, d.State, step, ErrConflict)
}

func (d *Delivery) finish(state DeliveryState, c Change) {
	d.State, d.DueAt, d.FinishedAt, d.Reason = state, time.Time{}, c.Now, ""
	if state == StateCancelled || state == StateSkipped {
		d.Reason = c.Reason
	}
}
