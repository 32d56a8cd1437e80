package db

import (
	"errors"
	"testing"
	"time"

	"labhook/engine"
)

func TestWhatAGateHolds(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	health := func() Health {
		t.Helper()
		h, err := b.Health(t.Context(), start)
		must(t, err)
		return h
	}
	if h := health(); h.ClosedGates != 0 || !h.GateClosedAt.IsZero() {
		t.Errorf("without gates: %d, since %s", h.ClosedGates, h.GateClosedAt)
	}
	gate := b.hold(t, "4711", 5)
	b.hold(t, "4712", 1)
	g, err := b.ClosedGate(t.Context(), gate.Lane)
	if err != nil || g.DeliveryID != gate.ID {
		t.Errorf("the gate is that of %s, %v", g.DeliveryID, err)
	}
	held, err := b.HeldDeliveries(t.Context(), gate.Lane, 3)
	must(t, err)
	if len(held) != 3 {
		t.Fatalf("%d held deliveries were read, want 3 of 5", len(held))
	}
	for i, d := range held {
		if d.Subject != "4711" || d.State != engine.StateHeld || d.WebhookName != "Plain" || i > 0 && d.ID <= held[i-1].ID {
			t.Errorf("held delivery %d is %s of %s, %s", i, d.ID, d.Subject, d.State)
		}
	}
	if h := health(); h.ClosedGates != 2 || !h.GateClosedAt.Equal(g.ClosedAt) {
		t.Errorf("with gates: %d, since %s", h.ClosedGates, h.GateClosedAt)
	}
	_, err = b.OpenGate(t.Context(), dana, start.Add(time.Second), gate.ID, "The receiver is down")
	must(t, err)
	if _, err := b.ClosedGate(t.Context(), gate.Lane); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an open gate: %v", err)
	}
	if held, err := b.HeldDeliveries(t.Context(), gate.Lane, 3); err != nil || len(held) != 0 {
		t.Errorf("an open gate holds %d, %v", len(held), err)
	}
}

// The list shows the latest event of a lab, whatever event it was found by, and the latest lab details.
func TestLabRowsDescribeTheLatest(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	b.hold(t, "4711", 2)
	later := newEvent()
	later.Type, later.Subject, later.Data = engine.SystemDeliveryFailed, "4711", []byte(`{"type": "delivery.failed"}`)
	if _, err := insertAll(b.Store, later, nil); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]engine.LabFilter{
		"all": {}, "by id": {Text: "4711"}, "gated": {Gated: true}, "of the consumer": {ConsumerID: b.consumer.ID}, "by a part of the id": {Text: "471"},
	} {
		rows, err := b.ListLabInstances(t.Context(), f)
		if err != nil || len(rows) != 1 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
			continue
		}
		if row := rows[0]; row.LastType != engine.SystemDeliveryFailed || row.Details.Empty() || row.ClosedGates != 1 {
			t.Errorf("%s: last event %s, details %v, %d closed gates", name, row.LastType, row.Details.Empty(), row.ClosedGates)
		}
	}
}
