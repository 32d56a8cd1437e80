package db

import (
	"fmt"
	"testing"

	"labhook/engine"
)

// TestLabInstanceShowsOldGate: the gate that a long lane waits for may be older than all events that are shown.
func TestLabInstanceShowsOldGate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook
	w.Blocking = true
	w, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	other := b.newConsumer(t, "Other platform")
	events := make([]*engine.Event, engine.MaxLabEvents+5)
	for i := range events {
		e := newEvent()
		d := newDelivery(e, w, engine.StateQueued, start)
		_, err := insertAll(b, e, []engine.Delivery{d})
		must(t, err)
		events[i] = e
	}

	lab, err := b.LabInstance(t.Context(), events[0].Subject)
	must(t, err)
	if !lab.Earlier || lab.ClosedGates() != 1 || len(lab.Events) != engine.MaxLabEvents+1 || lab.Events[0].Event.ID != events[0].ID ||
		lab.Events[1].Event.ID != events[5].ID {
		t.Errorf("%d events with %d closed gates, earlier %v", len(lab.Events), lab.ClosedGates(), lab.Earlier)
	}
	seen, err := b.LabInstanceOf(t.Context(), events[0].Subject, other.ID)
	must(t, err)
	if len(seen.Events) != engine.MaxLabEvents || len(seen.Events[0].Deliveries) != 0 {
		t.Errorf("another consumer sees %d events, with deliveries %v", len(seen.Events), seen.Events[0].Deliveries)
	}
}

func TestLabInstancePlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for name, tt := range map[string]struct {
		query   string
		args    []any
		allowed []string
	}{
		"events of a lab":    {selectLabEvents, []any{"7", 1, 1}, nil},
		"verdict":            {selectOfEvent, []any{1, 1}, nil},
		"gates":              {selectGates, []any{"[]"}, nil},
		"exact lab":          {selectExactLab, []any{1, 1, "7"}, nil},
		"labs":               {selectLabs, []any{1, 0}, []string{"SCAN e"}},
		"labs of a consumer": {selectLabsOfConsumer, []any{1, 1}, nil},
		// Closed gates are as few as the labs that wait.
		"labs with a gate":   {selectGatedLabs, []any{1, 1}, []string{"SCAN g USING INDEX gates_opens_by"}},
		"events with a gate": {selectGatedLabEvents, []any{"7", 1, 1}, []string{"SCAN g USING INDEX gates_opens_by", "USE TEMP B-TREE FOR ORDER BY"}},
	} {
		checkPlan(t, fmt.Sprintf("%s: %s", name, tt.query), plan(t, s, tt.query, tt.args...), tt.allowed...)
	}
}
