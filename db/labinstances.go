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
	lab := engine.LabInstance{Subject: subject}
	events, err := list(ctx, s, scanEvent, "SELECT "+eventColumns+` FROM events e INDEXED BY events_subject
		WHERE e.subject = ? AND e.subject <> '' ORDER BY e.id DESC LIMIT ?`, subject, engine.MaxLabEvents+1)
	if err != nil {
		return lab, fmt.Errorf("read lab instance: %w", err)
	}
	if len(events) == 0 {
		return lab, engine.ErrNotFound
	}
	if lab.Earlier = len(events) > engine.MaxLabEvents; lab.Earlier {
		events = events[:engine.MaxLabEvents]
	}
	for i := range events {
		if details, err := engine.ParseLabDetails(events[i].Data); err == nil && !details.Empty() {
			lab.Details = details
			break
		}
	}
	slices.Reverse(events)
	lab.Events, err = s.labEvents(ctx, events)
	if err != nil {
		return lab, fmt.Errorf("read lab instance: %w", err)
	}
	return lab, nil
}

// labEvents adds to events what became of them.
func (s *Store) labEvents(ctx context.Context, events []engine.Event) ([]engine.LabEvent, error) {
	place := make(map[engine.EventID]int, len(events))
	ids := make([]int64, len(events))
	labEvents := make([]engine.LabEvent, len(events))
	for i, e := range events {
		place[e.ID], ids[i] = i, int64(e.ID)
		labEvents[i] = engine.LabEvent{Event: e, Gates: map[engine.DeliveryID]engine.Gate{}}
	}
	deliveries, err := list(ctx, s, number, `SELECT d.id FROM json_each(?) AS ids
		CROSS JOIN deliveries AS d INDEXED BY deliveries_event ON d.event = ids.value`, jsonIDs(ids))
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
	gates, err := list(ctx, s, scanGate, "SELECT "+gateColumns+" FROM json_each(?) AS ids CROSS JOIN gates AS g ON g.delivery = ids.value",
		jsonIDs(deliveries))
	for _, g := range gates {
		e := &labEvents[place[rows[int64(g.DeliveryID)].EventID]]
		e.Gates[g.DeliveryID] = g
	}
	return labEvents, err
}

// ListLabInstances returns lab instances, those with the newest events first.
func (s *Store) ListLabInstances(ctx context.Context, f engine.LabFilter) ([]engine.LabRow, error) {
	closed, err := s.closedGates(ctx)
	if err != nil {
		return nil, fmt.Errorf("list lab instances: %w", err)
	}
	if f.Gated {
		return s.labRows(ctx, f, closed, `SELECT `+eventColumns+` FROM gates AS g INDEXED BY gates_opens_by
			CROSS JOIN deliveries AS d ON d.id = g.delivery CROSS JOIN events AS e ON e.id = d.event
			WHERE g.opened_at IS NULL ORDER BY g.opens_by LIMIT ?`)
	}
	if f.Text != "" {
		// An exact id is found by its index, however old it is.
		exact, err := s.labRows(ctx, engine.LabFilter{}, closed, "SELECT "+eventColumns+` FROM events AS e INDEXED BY events_subject
			WHERE e.subject = ?2 AND e.subject <> '' ORDER BY e.id DESC LIMIT min(1, ?1)`, f.Text)
		if err != nil || len(exact) > 0 {
			return exact, err
		}
	}
	return s.labRows(ctx, f, closed, "SELECT "+eventColumns+` FROM events AS e NOT INDEXED
		WHERE e.subject <> '' ORDER BY e.id DESC LIMIT ?`)
}

// labRows makes one row for each subject among the events of a query whose first argument is how many to look at.
func (s *Store) labRows(ctx context.Context, f engine.LabFilter, closed map[string]int, query string, args ...any) ([]engine.LabRow, error) {
	events, err := s.read.QueryContext(ctx, query, append([]any{engine.LabSearchDepth}, args...)...)
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
		rows = append(rows, engine.LabRow{
			Subject: e.Subject, Details: details, LastType: e.Type, LastAt: e.AcceptedAt, ClosedGates: closed[e.Subject],
		})
	}
	return rows, events.Err()
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

// closedGates counts the closed gates by subject. There are as many as labs that wait, not as labs that were.
func (s *Store) closedGates(ctx context.Context) (map[string]int, error) {
	closed := map[string]int{}
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		var subject string
		if err = row.Scan(&subject); err == nil {
			closed[subject]++
		}
		return none, err
	}, "SELECT l.subject FROM gates AS g INDEXED BY gates_opens_by CROSS JOIN lanes AS l ON l.id = g.lane WHERE g.opened_at IS NULL")
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

// Gate returns the gate of a delivery; engine.ErrNotFound when it has none.
func (s *Store) Gate(ctx context.Context, id engine.DeliveryID) (engine.Gate, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT "+gateColumns+" FROM gates g WHERE g.delivery = ?", int64(id)), scanGate)
}
