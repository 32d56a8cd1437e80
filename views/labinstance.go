package views

import (
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// LabInstanceDetail is the page of a lab instance, or other subject.
type LabInstanceDetail struct {
	Page Page
	Lab  engine.LabInstance
	// Closed has the closed gates by their lanes.
	Closed map[engine.LaneID]ClosedGate
}

// subjectWord is what the subject of an event of that type is called.
func subjectWord(eventType string) string {
	if kind, ok := engine.BuiltIn.Find(eventType); ok && kind.LabDetails {
		return "lab instance"
	}
	return "subject"
}

// subjectHeading is subjectWord as a heading.
func subjectHeading(eventType string) string {
	word := subjectWord(eventType)
	return strings.ToUpper(word[:1]) + word[1:]
}

// Heading names the page: events that are not about labs have other subjects.
func (d LabInstanceDetail) Heading() string {
	for i := range d.Lab.Events {
		if subjectWord(d.Lab.Events[i].Event.Type) == "lab instance" {
			return "Lab instance"
		}
	}
	return "Subject"
}

// How much of a lab instance its page shows at once: events with their deliveries, and deliveries of one event. A page
// of more than 1,500 nodes is slow on a small machine.
const (
	labShown           = 110
	labDeliveriesShown = 12
)

// shownEvents are the places of the events that the page shows, oldest first: the newest ones, and older ones whose
// gate is closed, as that is why the lab waits.
func (d LabInstanceDetail) shownEvents() []int {
	var places []int
	used := 0
	for i := len(d.Lab.Events) - 1; i >= 0; i-- {
		e := d.Lab.Events[i]
		used += 1 + min(len(e.Deliveries), labDeliveriesShown)
		if used <= labShown || len(places) == 0 || hasClosedGate(e) {
			places = append(places, i)
		}
	}
	slices.Reverse(places)
	return places
}

// hasClosedGate reports whether an event waits for a gate of its own.
func hasClosedGate(e engine.LabEvent) bool {
	for _, g := range e.Gates {
		if g.Closed() {
			return true
		}
	}
	return false
}

// shownDeliveries are those of an event that the page shows, and how many it leaves out: none that holds the lab.
func shownDeliveries(e engine.LabEvent) (rows []engine.DeliveryRow, left int) {
	for i, row := range e.Deliveries {
		if g, ok := e.Gates[row.ID]; i < labDeliveriesShown || ok && g.Closed() {
			rows = append(rows, row)
		}
	}
	return rows, len(e.Deliveries) - len(rows)
}

// closed returns a closed gate with what is known of it.
func (d LabInstanceDetail) closed(row engine.DeliveryRow, g engine.Gate) ClosedGate {
	if c, ok := d.Closed[g.Lane]; ok && c.DeliveryID == g.DeliveryID {
		return c
	}
	return ClosedGate{Gate: g, Row: row}
}

// underway reports whether something on the page is to happen by itself soon.
func (d LabInstanceDetail) underway() bool {
	for _, e := range d.Lab.Events {
		for _, row := range e.Deliveries {
			if !row.State.Final() {
				return true
			}
		}
	}
	return len(d.Closed) > 0
}

// consumers counts the API consumers to which deliveries on the page go. Each has a lane of its own.
func (d LabInstanceDetail) consumers() int {
	seen := map[engine.ConsumerID]bool{}
	for _, e := range d.Lab.Events {
		for _, row := range e.Deliveries {
			seen[row.ConsumerID] = true
		}
	}
	return len(seen)
}

// waitsFor returns the closed gates that hold deliveries of an event, in the order of the deliveries.
func (d LabInstanceDetail) waitsFor(e engine.LabEvent) []ClosedGate {
	var gates []ClosedGate
	for _, row := range e.Deliveries {
		c, ok := d.Closed[row.Lane]
		if row.State != engine.StateHeld || !ok || slices.ContainsFunc(gates, func(g ClosedGate) bool { return g.Lane == c.Lane }) {
			continue
		}
		gates = append(gates, c)
	}
	return gates
}

// held reports whether an event waits as a whole: something of it is held, and none of its own gates is what holds.
func held(e engine.LabEvent) bool {
	any := false
	for _, row := range e.Deliveries {
		any = any || row.State == engine.StateHeld
		if g, ok := e.Gates[row.ID]; ok && g.Closed() {
			return false
		}
	}
	return any
}

// eventLook is the class of an event's mark on the timeline.
func eventLook(e engine.LabEvent) string {
	look := "ok"
	for _, row := range e.Deliveries {
		g, gated := e.Gates[row.ID]
		switch {
		case row.State == engine.StateHeld, gated && g.Closed():
			return "held"
		case row.State == engine.StateFailed:
			look = "fail"
		case !row.State.Final() && look == "ok":
			look = ""
		}
	}
	return look
}

// outside says of an event that it does not belong to the life cycle of a lab; "" when it does, or is about no lab.
func outside(eventType string) string {
	switch kind, _ := engine.BuiltIn.Find(eventType); kind.Group {
	case engine.GroupOutsideLifeCycle:
		return "outside the life cycle"
	case engine.GroupSystem:
		return "system event"
	}
	return ""
}

// mainSteps are the steps that every lab goes through that runs to its end.
var mainSteps = []string{engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable, engine.LabTearingDown, engine.LabTornDown}

// lastPlace is the place of Torn Down: what stands behind it in the catalog may happen at any time.
var lastPlace = place(engine.LabTornDown)

func place(eventType string) int {
	kind, _ := engine.BuiltIn.Find(eventType)
	return kind.Place
}

// notYet are the main steps that are still to come.
func (d LabInstanceDetail) notYet() []string {
	furthest := 0
	for _, e := range d.Lab.Events {
		if p := place(e.Event.Type); p <= lastPlace {
			furthest = max(furthest, p)
		}
	}
	var steps []string
	for _, code := range mainSteps {
		if furthest > 0 && place(code) > furthest {
			steps = append(steps, code)
		}
	}
	return steps
}

// gap says how long after the one before it an event was received.
func (d LabInstanceDetail) gap(i int) string {
	gap := d.Lab.Events[i].Event.AcceptedAt.Sub(d.Lab.Events[i-1].Event.AcceptedAt)
	if gap <= 0 {
		return "at the same time"
	}
	return Duration(gap) + " later"
}

// late reports whether an event was received noticeably after it had happened.
func late(e engine.Event) bool { return e.AcceptedAt.Sub(e.OccurredAt).Abs() >= time.Second }

// userName is how the lab's user is called: the name, and the id in the user's own system.
func userName(l engine.LabDetails) string {
	name := strings.TrimSpace(l.Text("UserFirstName") + " " + l.Text("UserLastName"))
	return withNumber(name, l.Text("UserExternalId"))
}

// profileName is how the lab profile is called: its name and number.
func profileName(l engine.LabDetails) string {
	return withNumber(l.Text("LabProfileName"), l.Text("LabProfileNumber"))
}

// withNumber writes a name and, in brackets, the number or id that goes with it; each alone where the other is empty.
func withNumber(name, number string) string {
	switch {
	case name == "":
		return number
	case number == "":
		return name
	}
	return name + " (" + number + ")"
}

// className is how the class is called.
func className(l engine.LabDetails) string {
	if name := l.Text("ClassName"); name != "" {
		return name
	}
	return l.Text("ClassExternalId")
}

// labTime is a field of the lab details that is a time in Unix seconds; zero when there is none.
func labTime(l engine.LabDetails, field string) time.Time {
	if n, ok := l.Integer(field); ok && n != 0 {
		return time.Unix(n, 0)
	}
	return time.Time{}
}

// deliveryNote says about a delivery without a gate what its badge does not.
func deliveryNote(p Page, row engine.DeliveryRow) string {
	switch row.State {
	case engine.StateRetrying, engine.StateScheduled:
		return "next attempt " + Due(p.Now, row.DueAt)
	case engine.StateHeld:
		if row.Blocking {
			return "closes a gate when its turn comes"
		}
	case engine.StateFailed:
		return appliedAction(row.ErrorAction)
	}
	return row.Reason
}
