package views

import (
	"fmt"
	"time"

	"labhook/engine"
)

// ClosedGate is a gate that holds its lane, with the delivery that keeps it closed and what stands behind it.
type ClosedGate struct {
	engine.Gate
	Row                engine.DeliveryRow
	Deliveries, Events int // that it holds
}

// gateWord says in a few words where a gate stands, and gateLook how the badge with them looks.
func gateWord(g *engine.Gate, row *engine.DeliveryRow) string {
	switch {
	case g.Closed() && row.State == engine.StateSending:
		return "Closed, sending"
	case g.Closed() && row.State == engine.StateRetrying:
		return "Closed, retrying"
	case g.Closed() && row.State == engine.StateScheduled:
		return "Closed, its delay runs"
	case g.Closed():
		return "Closed, waits for a sender"
	}
	switch g.Opening {
	case engine.OpenedDelivered:
		return "Opened after " + Duration(g.OpenedAt.Sub(g.ClosedAt))
	case engine.OpenedFailed:
		if row.ErrorAction == "" {
			return "Opened, its delivery failed"
		}
		return "Opened by the error action " + row.ErrorAction.Label()
	case engine.OpenedByHand:
		return "Opened by " + g.OpenedBy
	case engine.OpenedLate:
		return "Opened at its latest time"
	}
	return "Opened, its delivery was cancelled"
}

func gateLook(g *engine.Gate, row *engine.DeliveryRow) Look {
	if g.Closed() {
		return StateLook(row.State)
	}
	switch g.Opening {
	case engine.OpenedDelivered:
		return LookOK
	case engine.OpenedFailed:
		return LookFail
	case engine.OpenedByHand:
		return LookSend
	case engine.OpenedLate:
		return LookWarn
	}
	return LookOff
}

// attempts says which attempt keeps the gate closed, and when the next one is made.
func (c ClosedGate) attempts(p Page) string {
	next := "Attempt " + attemptsWord(c.Row.Attempts+1, c.Row.AttemptsInAll)
	switch c.Row.State {
	case engine.StateSending:
		return next + " is on its way."
	case engine.StateScheduled:
		return fmt.Sprintf("%s %s.", next, follows(p, c.Row.DueAt))
	case engine.StateRetrying:
		return fmt.Sprintf("%s %s; the last one ended in %s.", next, follows(p, c.Row.DueAt), AnswerWord(c.Row.LastClass, c.Row.LastStatus))
	}
	return next + " is due and waits for a sender."
}

// hastens reports whether the next attempt can be made at once.
func (c ClosedGate) hastens() bool {
	return c.Row.State == engine.StateScheduled || c.Row.State == engine.StateRetrying
}

// heldWords counts what a gate holds: "3 deliveries of 2 events".
func heldWords(deliveries, events int) string {
	return Plural(deliveries, "delivery", "deliveries") + " of " + Plural(events, "event", "events")
}

// heldFor says what a gate that is open now held, and for how long.
func heldFor(g *engine.Gate) string {
	took := Duration(g.OpenedAt.Sub(g.ClosedAt))
	if g.Released == 0 && g.Opening == engine.OpenedCancelled {
		return "It was closed for " + took + "." // what waited may have been cancelled with it
	}
	if g.Released == 0 {
		return "It was closed for " + took + " and nothing waited behind it."
	}
	return fmt.Sprintf("It was closed for %s; %s waited behind it.", took, Plural(g.Released, "delivery", "deliveries"))
}

// latestAttempt says in a few words what came of a delivery's attempts so far: "2 attempts, 503".
func latestAttempt(row *engine.DeliveryRow) string {
	if row.Attempts == 0 {
		return "no attempt yet"
	}
	return Plural(row.Attempts, "attempt", "attempts") + ", " + AnswerWord(row.LastClass, row.LastStatus)
}

// appliedAction says which error action a failed delivery had, "" when none was applied.
func appliedAction(a engine.ErrorAction) string {
	if a == "" {
		return ""
	}
	return "Error Action: " + a.Label() + "."
}

// GateOpen is the page that asks before a gate is opened.
type GateOpen struct {
	Page    Page
	Subject string
	Gate    ClosedGate
	Held    []engine.DeliveryRow // the first ones that it holds, in their order
	Reason  string               // as it was typed
}

// heldListed is how many held deliveries the page names.
const heldListed = 10

// released counts the deliveries that go when the gate opens: up to and including the next blocking one. known is false
// when that one is beyond those that were read.
func (o GateOpen) released() (n int, known bool) {
	for i, d := range o.Held {
		if d.Blocking {
			return i + 1, true
		}
	}
	return len(o.Held), len(o.Held) >= o.Gate.Deliveries
}

// sentence says what opening the gate does.
func (o GateOpen) sentence() string {
	if o.Gate.Deliveries == 0 {
		return "Nothing waits behind it at the moment."
	}
	n, known := o.released()
	text := fmt.Sprintf("%s are let go at once.", CappedNumber(n, !known)+" deliveries")
	if n == 1 {
		text = "1 delivery is let go at once."
	}
	rest := o.Gate.Deliveries - n
	if known && o.Held[n-1].Blocking {
		text += fmt.Sprintf(" The last of them, %q, is blocking and closes the next gate.", o.Held[n-1].WebhookName)
		if rest > 0 {
			text += " " + Plural(rest, "delivery stays", "deliveries stay") + " held behind that."
		}
	}
	return text
}

// follows says when an attempt is made that is or will be due at that time.
func follows(p Page, due time.Time) string {
	if due.Before(p.Now) {
		return "is due"
	}
	return "follows " + Relative(p.Now, due)
}

// until writes a time with how far off it is.
func until(p Page, t time.Time) string {
	return clock(p.Now, t, p.Zone) + " (" + Relative(p.Now, t) + ")"
}
