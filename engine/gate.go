package engine

import (
	"strings"
	"time"
)

// LaneID names a lane: the deliveries of one API consumer about one lab instance, or other subject, in the order
// in which their events were accepted and, within an event, in the order of the webhooks. Zero: no lane.
type LaneID int64

// Gate is a blocking delivery whose turn came: until the gate opens it holds everything after it in its lane.
//
// It opens when the delivery ends, when a person opens it, and at the latest at OpensBy, whatever keeps the
// delivery waiting. A delivery whose gate was opened goes on without holding anything.
type Gate struct {
	DeliveryID DeliveryID
	WebhookID  WebhookID
	Lane       LaneID
	ClosedAt   time.Time
	OpensBy    time.Time // at the latest
	OpenedAt   time.Time // zero: closed
	Opening    Opening   // why it opened; empty while it is closed
	OpenedBy   string    // the person, for OpenedByHand
	Reason     string    // what the person gave as the reason
	Released   int       // deliveries that were let go when it opened
}

// Closed reports whether the gate holds its lane.
func (g *Gate) Closed() bool { return g.OpenedAt.IsZero() }

// Opening tells why a gate opened.
type Opening string

// Why gates open.
const (
	OpenedDelivered Opening = "delivered"
	OpenedFailed    Opening = "failed"    // given up; the error action was applied
	OpenedCancelled Opening = "cancelled" // by a person, or as its webhook or consumer is out of use
	OpenedByHand    Opening = "by_hand"
	OpenedLate      Opening = "late" // its latest opening time came
)

// openingOf returns why the gate of a delivery in a final state opened.
func openingOf(s DeliveryState) Opening {
	switch s {
	case StateDelivered:
		return OpenedDelivered
	case StateFailed:
		return OpenedFailed
	}
	return OpenedCancelled
}

// attemptOverhead is what an attempt may take beside its timeout on a busy host, to be claimed and to be recorded.
// Without it the gate of a receiver that never answers would open as late before its last failure is on disk, and
// End Lab would find nothing held.
const attemptOverhead = 250 * time.Millisecond

// NewGate returns the gate of a blocking delivery whose turn came now, with the settings that w has now; nil stands
// for a webhook that is no more, whose delivery is about to be cancelled.
func NewGate(d *Delivery, w *Webhook, now time.Time) Gate {
	g := Gate{DeliveryID: d.ID, WebhookID: d.WebhookID, Lane: d.Lane, ClosedAt: now, OpensBy: now}
	if w != nil {
		g.OpensBy = now.Add(w.LongestHold() + time.Duration(w.AttemptsInAll())*attemptOverhead)
	}
	return g
}

// Open returns the gate opened by the end of its delivery.
func (g Gate) Open(d *Delivery, now time.Time) Gate {
	g.OpenedAt, g.Opening = now, openingOf(d.State)
	return g
}

// LongestHold is how long the webhook may hold a lane: its delay, the timeout of every attempt and the waits between.
func (w *Webhook) LongestHold() time.Duration {
	_, _, latest := w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
	return latest
}

// MaxReason is how many characters the reason for opening a gate may have.
const MaxReason = 500

// ValidateReason returns an InvalidError unless a person may give that reason for opening a gate.
func ValidateReason(reason string) error {
	var bad InvalidError
	if strings.TrimSpace(reason) == "" {
		bad.add("reason", "Say why the gate is opened; it is kept in the audit log")
	}
	bad.checkText("reason", "Reason", reason, MaxReason)
	return bad.orNil()
}
