package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PageSize is how many rows a list shows unless it is told otherwise; MaxPageSize is the most.
const (
	PageSize    = 50
	MaxPageSize = 200
)

// Page is a part of a list that is ordered newest first.
type Page[T any] struct {
	Rows []T
	// Older reports whether rows follow, Newer whether rows precede.
	Older, Newer bool
}

// DeliveryFilter chooses deliveries; zero fields choose all.
type DeliveryFilter struct {
	States     []DeliveryState
	ConsumerID ConsumerID
	WebhookID  WebhookID
	EventID    EventID
	EventType  string
	Subject    string // the lab instance
	Test       *bool  // only those that test a webhook, or only others
	Result     Result
	Since      time.Time
	Until      time.Time // exclusive
	// Before and After page: rows older than Before, or newer than After. At most one is set.
	Before, After DeliveryID
	Limit         int // 0: PageSize
}

// Result chooses deliveries by what their latest attempt came to; zero: all.
type Result struct {
	Class  FailureClass
	Status int // HTTP status, or its first digit for all that begin so; 0: any
}

// ParseResult reads what people and clients write for a result: 503, 5xx, or a failure class such as timeout. Empty is
// all.
func ParseResult(text string) (Result, error) {
	if class := FailureClass(text); text == "" || slices.Contains(FailureClasses, class) {
		return Result{Class: class}, nil
	}
	digits, group := strings.CutSuffix(strings.ToLower(text), "xx")
	least, most := 100, 599
	if group {
		least, most = 1, 5
	}
	n, err := strconv.Atoi(digits)
	classes := make([]string, len(FailureClasses))
	for i, class := range FailureClasses {
		classes[i] = string(class)
	}
	if err != nil || n < least || n > most || strconv.Itoa(n) != digits {
		return Result{}, fmt.Errorf("%q is no HTTP status such as 503 or 5xx, and no failure class: %s", text, strings.Join(classes, ", "))
	}
	return Result{Status: n}, nil
}

// String writes a result as ParseResult reads it.
func (r Result) String() string {
	switch {
	case r.Status == 0:
		return string(r.Class)
	case r.Status < 10:
		return strconv.Itoa(r.Status) + "xx"
	}
	return strconv.Itoa(r.Status)
}

// Range returns the statuses that are chosen, both ends included; zeros: any, and none.
func (r Result) Range() (least, most int) {
	if r.Status > 0 && r.Status < 100 {
		return r.Status * 100, r.Status*100 + 99
	}
	return r.Status, r.Status
}

// DeliveryRow is a delivery with what a list shows beside it.
type DeliveryRow struct {
	Delivery
	EventType    string
	EventName    string // the event's public id
	Subject      string
	WebhookName  string
	ConsumerName string
	// ConsumerDeleted: the API consumer was deleted since.
	ConsumerDeleted bool
	// AttemptsInAll is how many attempts are made before the delivery is given up, as its webhook is set now; those of
	// earlier rounds included.
	AttemptsInAll int
	BodyGoneAt    time.Time // as of the event
}

// EventFilter chooses events; zero fields choose all.
type EventFilter struct {
	Type          string
	ConsumerID    ConsumerID
	Subject       string
	Test          *bool // made to test a webhook, or not; nil: both
	Since, Until  time.Time
	Before, After EventID
	Limit         int // 0: PageSize
}

// EventRow is an event, without its data, with what became of it.
type EventRow struct {
	Event
	Fanout map[DeliveryState]int
}

// Counts are totals over a time, kept by the hour with each change and never made by counting rows.
type Counts struct {
	Delivered int64 // deliveries that ended delivered
	Failed    int64 // deliveries that were given up
	Attempts  int64
}

// Add adds other to c.
func (c *Counts) Add(other Counts) {
	c.Delivered += other.Delivered
	c.Failed += other.Failed
	c.Attempts += other.Attempts
}

// MaxLabEvents is how many of a lab instance's events its page shows, the newest ones.
const MaxLabEvents = 200

// LabInstance is what happened to one lab instance, or other subject.
type LabInstance struct {
	Subject string
	// Details are those of the newest event that carried any.
	Details LabDetails
	// Events are in the order of acceptance; Earlier: older ones were left out, but for those with a closed gate.
	Events  []LabEvent
	Earlier bool
}

// LabEvent is an event of a lab instance with its deliveries in their order, and the gates among them.
type LabEvent struct {
	Event      Event
	Deliveries []DeliveryRow
	Gates      map[DeliveryID]Gate
}

// ClosedGates counts the gates that hold something.
func (l *LabInstance) ClosedGates() int {
	n := 0
	for _, e := range l.Events {
		for _, g := range e.Gates {
			if g.Closed() {
				n++
			}
		}
	}
	return n
}

// LabRow is a lab instance in a list.
type LabRow struct {
	Subject     string
	Details     LabDetails // those of the newest event that carried any
	LastType    string
	LastAt      time.Time
	ClosedGates int
}

// LabFilter chooses lab instances.
type LabFilter struct {
	// Text is searched for in the id, the user's names and ids and the lab profile's; empty: all.
	Text string
	// Gated: only those with a closed gate.
	Gated bool
	// ConsumerID: only what this consumer's key may know of; zero: everything.
	ConsumerID ConsumerID
}

// MaxLabRows is how many lab instances a list shows; LabSearchDepth is among how many of the newest events about
// lab instances it looks for them. An exact id is found however old it is.
const (
	MaxLabRows     = 50
	LabSearchDepth = 5000
)
