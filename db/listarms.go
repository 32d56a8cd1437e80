package db

import (
	"context"
	"slices"
	"strings"

	"labhook/engine"
)

// notDelivered are the states that have an index.
var notDelivered = slices.DeleteFunc(slices.Clone(engine.DeliveryStates), func(s engine.DeliveryState) bool { return s == engine.StateDelivered })

// deliveryArms chooses the index that a list of deliveries follows. SQLite has no statistics to choose by, so each is
// named. rare: there are so few events of the type that the others are not looked at.
func deliveryArms(f engine.DeliveryFilter, rare bool) []arm {
	if f.Result.Class != "" && len(f.States) == 0 && (f.WebhookID != 0 || f.ConsumerID != 0) {
		f.States = notDelivered // what was delivered has no failure class
	}
	a := deliveryConditions(f)
	least, most := f.Result.Range()
	switch {
	case f.Subject != "":
		// A lab instance has few deliveries: they are found through its events, and sorted.
		a.from = "events AS e INDEXED BY events_subject CROSS JOIN deliveries AS r INDEXED BY deliveries_event ON r.event = e.id"
		a.and("e.subject = ? AND e.subject <> ''", f.Subject)
	case f.EventID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_event"
	case f.Test != nil && *f.Test:
		a.from = "deliveries AS r INDEXED BY deliveries_tests"
	case f.EventType != "" && rare:
		return []arm{typeArm(f, a)}
	case len(f.States) > 0 && !slices.Contains(f.States, engine.StateDelivered):
		return stateArms(f, a)
	case f.Result.Class != "":
		a.from = "deliveries AS r INDEXED BY deliveries_class"
		a.and("r.last_class <> ''")
	case least != 0 && least == most && least != 200:
		a.from = "deliveries AS r INDEXED BY deliveries_status"
		a.and("r.last_status <> 200")
	case least != 0 && least/100 != 2:
		a.from = "deliveries AS r INDEXED BY deliveries_answer"
		a.and("r.last_status / 100 = ? AND r.last_status NOT BETWEEN 200 AND 299", least/100)
	case f.WebhookID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_webhook"
	case f.ConsumerID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_consumer"
	case f.EventType != "":
		return []arm{typeArm(f, a)}
	default:
		a.from = "deliveries AS r NOT INDEXED"
	}
	return []arm{a.ofStates(f.States).ofType(f)}
}

// typeArm follows the events of a type.
func typeArm(f engine.DeliveryFilter, a arm) arm {
	a.byEvent = true
	a.from = "events AS e INDEXED BY events_type CROSS JOIN deliveries AS r INDEXED BY deliveries_event ON r.event = e.id"
	a.and("e.type = ?", f.EventType)
	if !f.Since.IsZero() {
		a.and("e.id > ?", engine.IDAt(f.Since.Add(-madeWithin)))
	}
	if !f.Until.IsZero() {
		a.and("e.id < ?", engine.IDAt(f.Until))
	}
	return a.ofStates(f.States)
}

func (a arm) ofStates(states []engine.DeliveryState) arm {
	if len(states) == 0 {
		return a
	}
	values := make([]any, len(states))
	for i, state := range states {
		values[i] = string(state)
	}
	return a.with("r.state IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
}

// ofType asks for the type of each delivery's event, which the index tells without the event being read.
func (a arm) ofType(f engine.DeliveryFilter) arm {
	switch {
	case f.EventType == "":
		return a
	case f.Subject != "":
		return a.with("e.type = ?", f.EventType)
	}
	return a.with("EXISTS (SELECT 1 FROM events AS e INDEXED BY events_type WHERE e.type = ? AND e.id = r.event)", f.EventType)
}

// rareUpTo is how many events of a type are few.
const rareUpTo = 5000

const selectTypeCount = "SELECT count(*) FROM (SELECT 1 FROM events INDEXED BY events_type WHERE type = ? LIMIT ?)"

// arms chooses the indexes that a list of deliveries follows.
func (s *Store) arms(ctx context.Context, f engine.DeliveryFilter) ([]arm, error) {
	if f.EventType == "" {
		return deliveryArms(f, false), nil
	}
	n, err := one(s.read.QueryRowContext(ctx, selectTypeCount, f.EventType, rareUpTo+1), number)
	return deliveryArms(f, n <= rareUpTo), err
}

// deliveryConditions returns the conditions on columns of the delivery itself, but for its state.
func deliveryConditions(f engine.DeliveryFilter) (a arm) {
	if f.EventID != 0 {
		a.and("r.event = ?", int64(f.EventID))
	}
	if f.WebhookID != 0 {
		a.and("r.webhook = ?", int64(f.WebhookID))
	}
	if f.ConsumerID != 0 {
		a.and("r.consumer = ?", int64(f.ConsumerID))
	}
	if f.Result.Class != "" {
		a.and("r.last_class = ?", string(f.Result.Class))
	}
	if least, most := f.Result.Range(); least != most {
		a.and("r.last_status BETWEEN ? AND ?", least, most)
	} else if least != 0 {
		a.and("r.last_status = ?", least)
	}
	switch {
	case f.Test == nil:
	case *f.Test:
		a.and("r.test = 1") // to the letter that of the partial index
	default:
		a.and("r.test = 0")
	}
	a.between(f.Since, f.Until)
	return a
}

// stateArms makes an arm for each state. The condition of a partial index is repeated to the letter: SQLite cannot
// conclude it.
func stateArms(f engine.DeliveryFilter, a arm) []arm {
	a = a.ofType(f)
	var arms []arm
	for _, state := range slices.Compact(slices.Sorted(slices.Values(f.States))) {
		index, partial := "deliveries_state", "r.state <> 'delivered'"
		if state != engine.StateSending && (f.WebhookID != 0 || f.ConsumerID != 0) {
			index, partial = "deliveries_consumer_state", "r.state NOT IN ('sending', 'delivered')"
			if f.WebhookID != 0 {
				index = "deliveries_webhook_state"
			}
		}
		a.from = "deliveries AS r INDEXED BY " + index
		arms = append(arms, a.with("r.state = ? AND "+partial, string(state)))
	}
	return arms
}
