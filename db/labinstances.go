package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"labhook/engine"
)

// LabInstance returns what happened to a lab instance; engine.ErrNotFound when no event was about it.
func (s *Store) LabInstance(ctx context.Context, subject string) (engine.LabInstance, error) {
	return s.LabInstanceOf(ctx, subject, 0)
}

// LabInstanceOf returns what one consumer may know of a lab instance: the events that were for it or for every
// consumer, with its own deliveries. Zero: everything.
func (s *Store) LabInstanceOf(ctx context.Context, subject string, consumer engine.ConsumerID) (engine.LabInstance, error) {
	lab := engine.LabInstance{Subject: subject}
	events, err := list(ctx, s, scanEvent, selectLabEvents, subject, int64(consumer), engine.MaxLabEvents+1)
	if err != nil {
		return lab, fmt.Errorf("read lab instance: %w", err)
	}
	if len(events) == 0 {
		return lab, engine.ErrNotFound
	}
	if lab.Earlier = len(events) > engine.MaxLabEvents; lab.Earlier {
		// A gate holds what comes after it: the one that all these wait for may be older than they are.
		gated, err := list(ctx, s, scanEvent, selectGatedLabEvents, subject, int64(consumer), int64(events[engine.MaxLabEvents-1].ID))
		if err != nil {
			return lab, fmt.Errorf("read lab instance: %w", err)
		}
		events = append(events[:engine.MaxLabEvents], gated...)
	}
	for i := range events {
		if details, err := engine.ParseLabDetails(events[i].Data); err == nil && !details.Empty() {
			lab.Details = details
			break
		}
	}
	slices.Reverse(events)
	lab.Events, err = s.labEvents(ctx, events, consumer)
	if err != nil {
		return lab, fmt.Errorf("read lab instance: %w", err)
	}
	return lab, nil
}

const (
	selectLabEvents = "SELECT " + eventColumns + ` FROM events e INDEXED BY events_subject
		WHERE e.subject = ?1 AND e.subject <> '' AND e.test = 0 AND (?2 = 0 OR e.consumer = ?2 OR e.consumer IS NULL) ORDER BY e.id DESC LIMIT ?3`
	// There are as many closed gates as labs that wait.
	selectGatedLabEvents = "SELECT " + eventColumns + ` FROM events e WHERE e.id < ?3 AND e.id IN (
			SELECT d.event FROM gates g INDEXED BY gates_opens_by
				CROSS JOIN lanes l ON l.id = g.lane CROSS JOIN deliveries d ON d.id = g.delivery
			WHERE g.opened_at IS NULL AND l.subject = ?1 AND (?2 = 0 OR l.consumer = ?2)
		) ORDER BY e.id DESC`
)

// labEvents adds to events what became of them.
func (s *Store) labEvents(ctx context.Context, events []engine.Event, consumer engine.ConsumerID) ([]engine.LabEvent, error) {
	place := make(map[engine.EventID]int, len(events))
	ids := make([]int64, len(events))
	labEvents := make([]engine.LabEvent, len(events))
	for i, e := range events {
		place[e.ID], ids[i] = i, int64(e.ID)
		labEvents[i] = engine.LabEvent{Event: e, Gates: map[engine.DeliveryID]engine.Gate{}}
	}
	deliveries, err := list(ctx, s, number, `SELECT d.id FROM json_each(?) AS ids
		CROSS JOIN deliveries AS d INDEXED BY deliveries_event ON d.event = ids.value
		WHERE ?2 = 0 OR d.consumer = ?2`, jsonIDs(ids), int64(consumer))
	if err != nil {
		return nil, err
	}
	slices.Sort(deliveries)
	rows, err := s.deliveryRows(ctx, deliveries)
	if err != nil {
		return nil, err
	}
	for _, id := range deliveries {
		if row, ok := rows[id]; ok {
			e := &labEvents[place[row.EventID]]
			e.Deliveries = append(e.Deliveries, row)
		}
	}
	gates, err := s.gates(ctx, deliveries)
	for id, g := range gates {
		labEvents[place[rows[int64(id)].EventID]].Gates[id] = g
	}
	return labEvents, err
}

// ListLabInstances returns lab instances, those with the newest events first.
func (s *Store) ListLabInstances(ctx context.Context, f engine.LabFilter) ([]engine.LabRow, error) {
	closed, err := s.closedGates(ctx, f.ConsumerID)
	if err != nil {
		return nil, fmt.Errorf("list lab instances: %w", err)
	}
	if f.Gated {
		return s.labRows(ctx, f, closed, selectGatedLabs)
	}
	if f.Text != "" {
		exact, err := s.labRows(ctx, engine.LabFilter{ConsumerID: f.ConsumerID}, closed, selectExactLab, f.Text)
		if err != nil || len(exact) > 0 {
			return exact, err
		}
	}
	if f.ConsumerID != 0 {
		return s.labRows(ctx, f, closed, selectLabsOfConsumer)
	}
	return s.labRows(ctx, f, closed, selectLabs)
}

// The events to look for lab instances among: ?1 is how many, ?2 whose, with 0 for everybody, ?3 the text.
const (
	selectGatedLabs = "SELECT " + eventColumns + ` FROM gates AS g INDEXED BY gates_opens_by
		CROSS JOIN deliveries AS d ON d.id = g.delivery CROSS JOIN events AS e ON e.id = d.event
		WHERE g.opened_at IS NULL AND (?2 = 0 OR d.consumer = ?2) ORDER BY g.opens_by LIMIT ?1`
	// An exact id is found by its index, however old it is.
	selectExactLab = "SELECT " + eventColumns + ` FROM events AS e INDEXED BY events_subject
		WHERE e.subject = ?3 AND e.subject <> '' AND e.test = 0 AND (?2 = 0 OR e.consumer = ?2 OR e.consumer IS NULL) ORDER BY e.id DESC LIMIT min(1, ?1)`
	selectLabs = "SELECT " + eventColumns + ` FROM events AS e NOT INDEXED
		WHERE e.subject <> '' AND e.test = 0 AND ?2 = 0 ORDER BY e.id DESC LIMIT ?1`
	selectLabsOfConsumer = "SELECT " + eventColumns + ` FROM events AS e INDEXED BY events_consumer WHERE e.consumer = ?2 AND e.subject <> '' AND e.test = 0
		UNION ALL SELECT ` + eventColumns + ` FROM events AS e INDEXED BY events_consumer WHERE e.consumer IS NULL AND e.subject <> '' AND e.test = 0
		ORDER BY id DESC LIMIT ?1`
)

// labRows makes one row for each subject among the events of a query.
func (s *Store) labRows(ctx context.Context, f engine.LabFilter, closed map[string]int, query string, args ...any) ([]engine.LabRow, error) {
	events, err := s.read.QueryContext(ctx, query, append([]any{engine.LabSearchDepth, int64(f.ConsumerID)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("list lab instances: %w", err)
	}
	defer events.Close()
	var rows []engine.LabRow
	seen := map[string]bool{}
	for events.Next() && len(rows) < engine.MaxLabRows {
		e, err := scanEvent(events)
		if err != nil {
			return nil, fmt.Errorf("list lab instances: %w", err)
		}
		details, _ := engine.ParseLabDetails(e.Data) // what is no lab details is shown by its subject alone
		if seen[e.Subject] || !labMatches(f.Text, e.Subject, details) {
			continue
		}
		seen[e.Subject] = true
		rows = append(rows, engine.LabRow{Subject: e.Subject, ClosedGates: closed[e.Subject]})
	}
	if err := events.Err(); err != nil {
		return nil, fmt.Errorf("list lab instances: %w", err)
	}
	for i := range rows {
		if err := s.describeLab(ctx, &rows[i], f.ConsumerID); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// detailsDepth is how many of a lab instance's newest events are searched for one that carries lab details: system
// events do not.
const detailsDepth = 10

// describeLab fills in the latest event of a lab instance and the latest lab details, as far as a consumer may know
// of them.
func (s *Store) describeLab(ctx context.Context, row *engine.LabRow, consumer engine.ConsumerID) error {
	events, err := list(ctx, s, scanEvent, selectLabEvents, row.Subject, int64(consumer), detailsDepth)
	if err != nil {
		return fmt.Errorf("describe lab instance: %w", err)
	}
	for i, e := range events {
		if i == 0 {
			row.LastType, row.LastAt = e.Type, e.AcceptedAt
		}
		if details, err := engine.ParseLabDetails(e.Data); err == nil && !details.Empty() {
			row.Details = details
			break
		}
	}
	return nil
}

// labMatches reports whether one of the texts that people know a lab instance by holds text.
func labMatches(text, subject string, l engine.LabDetails) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" || strings.Contains(strings.ToLower(subject), text) {
		return true
	}
	for _, field := range []string{"UserId", "UserExternalId", "LabProfileId", "LabProfileName", "LabProfileNumber", "ClassName"} {
		if strings.Contains(strings.ToLower(l.Text(field)), text) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(l.Text("UserFirstName")+" "+l.Text("UserLastName")), text)
}

// closedGates counts the closed gates of a consumer, or with 0 of all, by subject. There are as many as labs that
// wait, not as labs that were.
func (s *Store) closedGates(ctx context.Context, consumer engine.ConsumerID) (map[string]int, error) {
	closed := map[string]int{}
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		var subject string
		if err = row.Scan(&subject); err == nil {
			closed[subject]++
		}
		return none, err
	}, `SELECT l.subject FROM gates AS g INDEXED BY gates_opens_by CROSS JOIN lanes AS l ON l.id = g.lane
		WHERE g.opened_at IS NULL AND (?1 = 0 OR l.consumer = ?1)`, int64(consumer))
	return closed, err
}

// Held counts what a lane holds: deliveries, and the events they are of.
func (s *Store) Held(ctx context.Context, lane engine.LaneID) (deliveries, events int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT event) FROM deliveries INDEXED BY deliveries_held
		WHERE lane = ? AND state = 'held'`, int64(lane)).Scan(&deliveries, &events)
	if err != nil {
		return 0, 0, fmt.Errorf("count held deliveries: %w", err)
	}
	return deliveries, events, nil
}

// Gates returns the gates of those deliveries that have one.
func (s *Store) Gates(ctx context.Context, ids []engine.DeliveryID) (map[engine.DeliveryID]engine.Gate, error) {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	gates, err := s.gates(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read gates: %w", err)
	}
	return gates, nil
}

func (s *Store) gates(ctx context.Context, deliveries []int64) (map[engine.DeliveryID]engine.Gate, error) {
	found, err := list(ctx, s, scanGate, selectGates, jsonIDs(deliveries))
	gates := make(map[engine.DeliveryID]engine.Gate, len(found))
	for _, g := range found {
		gates[g.DeliveryID] = g
	}
	return gates, err
}

const selectGates = "SELECT " + gateColumns + " FROM json_each(?) AS ids CROSS JOIN gates AS g ON g.delivery = ids.value"

// Gate returns the gate of a delivery; engine.ErrNotFound when it has none.
func (s *Store) Gate(ctx context.Context, id engine.DeliveryID) (engine.Gate, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT "+gateColumns+" FROM gates g WHERE g.delivery = ?", int64(id)), scanGate)
}
