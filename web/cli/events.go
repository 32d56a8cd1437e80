package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// eventCommands are those below events.
var eventCommands = []Command{
	{Name: "list", Summary: "list events, newest first", Run: listEvents},
	{Name: "show", Summary: "show an event with its data and deliveries", Run: showEvent},
}

// listedEvent is what is printed of an event.
type listedEvent struct {
	ID             string         `json:"id"`
	LabhookID      string         `json:"labhook_id"`
	Type           string         `json:"type"`
	Consumer       *string        `json:"consumer"`
	Subject        string         `json:"subject"`
	AcceptedAt     time.Time      `json:"accepted_at"`
	DeliveryStates map[string]int `json:"delivery_states"`
}

func listEvents(ctx context.Context, env Env, args []string) error {
	q := newQuery(env, "events list", "list the events of a server, newest first")
	q.text("type", "only those of a `TYPE`: a code such as lab.scored, or a label")
	q.text("consumer", "only those of the API consumer with this `NAME` (id or external id)")
	q.text("subject", "only those about this `TEXT`, such as a lab instance's id")
	q.example = "labhook events list --type lab.scored --since 2h"
	q.choices["type"] = codes()
	c, err := q.parse(args)
	if err != nil {
		return err
	}
	values, err := q.values()
	if err != nil {
		return err
	}
	return q.list(ctx, c, "/api/v1/events", values, []string{"ACCEPTED", "ID", "TYPE", "SUBJECT", "DELIVERIES"}, addEvent)
}

// addEvent appends an event to a table.
func addEvent(t *table, raw json.RawMessage) error {
	var e listedEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	t.add(local(e.AcceptedAt), e.ID, e.Type, e.Subject, stateCounts(e.DeliveryStates))
	if e.DeliveryStates[string(engine.StateFailed)] > 0 {
		t.colour(4, red)
	}
	return nil
}

// stateCounts writes how many deliveries are in which state: "2 delivered, 1 failed".
func stateCounts(states map[string]int) string {
	var parts []string
	for _, state := range engine.DeliveryStates {
		if n := states[string(state)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

func showEvent(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "events show", "show an event with its data and what became of its deliveries")
	f.example = "labhook events show exam-4711"
	return f.show(ctx, args, "/api/v1/events/", func(answer json.RawMessage) error { return printEvent(env, answer) })
}

// printEvent prints an event for a person.
func printEvent(env Env, answer json.RawMessage) error {
	var e struct {
		listedEvent
		Source        string           `json:"source"`
		Action        string           `json:"action"`
		Ended         bool             `json:"ended"`
		Notifications []string         `json:"notifications"`
		Data          json.RawMessage  `json:"data"`
		Deliveries    []listedDelivery `json:"deliveries"`
		More          bool             `json:"more_deliveries"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	verdict := e.Action
	if !e.Ended {
		verdict += ", not ended yet"
	}
	paint := painter(env.Colour)
	fmt.Fprintf(env.Stdout, "%s  %s\n\n", paint.paint(bold, printable(e.Type)), printable(e.ID))
	rows := [][2]string{{"accepted", local(e.AcceptedAt)}, {"subject", e.Subject}, {"source", e.Source}, {"verdict", verdict}}
	if e.LabhookID != e.ID {
		rows = slices.Insert(rows, 0, [2]string{"labhook id", e.LabhookID})
	}
	for _, text := range e.Notifications {
		rows = append(rows, [2]string{"tell user", text})
	}
	printRows(env.Stdout, paint, rows)
	fmt.Fprintf(env.Stdout, "\n%s\n\n", indent(pretty(e.Data), "  "))
	t := &table{paint: paint}
	t.add(deliveryHead...)
	for _, d := range e.Deliveries {
		d.add(t)
	}
	if len(e.Deliveries) == 0 {
		fmt.Fprintln(env.Stdout, "No webhook listened to it.")
		return nil
	}
	if e.More {
		defer fmt.Fprintf(env.Stderr, "There are more: labhook deliveries list --event %s\n", e.LabhookID)
	}
	return t.print(env.Stdout, "")
}
