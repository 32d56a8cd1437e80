package db

import (
	"testing"

	"labhook/engine"
)

func TestIllegalLaneRowsAreRefused(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	first := b.post(t, engine.LabPreBuild, "1", b.gate)[0] // has made the lane and closed the gate
	second := b.post(t, engine.LabPreBuild, "1", b.gate)[0]
	third := b.post(t, engine.LabPreBuild, "2", b.gate)[0]
	lane, consumer := int64(first.Lane), int64(b.consumer.ID)
	gate := row{
		"delivery": int64(second.ID), "webhook": int64(b.gate.ID), "lane": lane, "closed_at": 1, "opens_by": 2, "opened_at": 2, "opening": "failed",
		"opened_by": "", "reason": "", "released": 0,
	}
	streak := row{
		"webhook": int64(b.plain.ID), "since": 1, "attempts": 1, "deliveries": 1, "delivery": 1, "given_up": 0, "told": 0, "spell": 0,
	}
	recovery := row{
		"webhook": int64(b.plain.ID), "since": 1, "next": 1, "last": 2, "sent": 0, "created_at": 1, "created_by": "", "stopped": "",
	}
	must(t, insertRow(b.bench, t, "recoveries", recovery.but("webhook", int64(b.gate.ID))))
	byHand := gate.but("opening", "by_hand", "opened_by", "Dana", "reason", "The learner waits.")
	tests := []struct {
		name, table string
		row         row
	}{
		{"a second closed gate in a lane", "gates", gate.but("opened_at", nil, "opening", nil)},
		{"a second gate of a delivery", "gates", gate.but("delivery", int64(first.ID))},
		{"open for no reason", "gates", gate.but("opening", nil)},
		{"opened at no time", "gates", gate.but("opened_at", nil)},
		{"opened for an unknown reason", "gates", gate.but("opening", "bored")},
		{"opened by hand by nobody", "gates", byHand.but("opened_by", "", "reason", "")},
		{"opened by somebody, not by hand", "gates", gate.but("opened_by", "Dana")},
		{"a reason of nobody", "gates", gate.but("reason", "The learner waits.")},
		{"fewer than none released", "gates", gate.but("released", -1)},
		{"no latest opening time", "gates", gate.but("opens_by", nil)},
		{"a gate of no delivery", "gates", gate.but("delivery", 1)},
		{"a gate in no lane", "gates", gate.but("lane", 99)},
		{"a lane twice", "lanes", row{"consumer": consumer, "subject": "1"}},
		{"a lane of nothing", "lanes", row{"consumer": consumer, "subject": ""}},
		{"a lane of nobody", "lanes", row{"consumer": 1, "subject": "1"}},
		{"a streak of none", "streaks", streak.but("attempts", 0)},
		{"a streak of no webhook", "streaks", streak.but("webhook", 1)},
		{"a pause before the first spell", "streaks", streak.but("paused_until", 2)},
		{"a cancellation for no reason", "cancellations", row{"webhook": int64(b.plain.ID), "last": 1, "reason": ""}},
		{"a recovery that was stopped and goes on", "recoveries", recovery.but("stopped", "The webhook is disabled.")},
		{"a second recovery at once", "recoveries", recovery.but("webhook", int64(b.gate.ID))},
	}
	for _, tt := range tests {
		if insertRow(b.bench, t, tt.table, tt.row) == nil {
			t.Errorf("an illegal row was stored in %s: %s", tt.table, tt.name)
		}
	}
	legal := []struct {
		table string
		row   row
	}{
		{"gates", gate},
		{"lanes", row{"consumer": consumer, "subject": "3"}},
		{"streaks", streak},
		{"recoveries", recovery},
	}
	for _, l := range legal {
		if err := insertRow(b.bench, t, l.table, l.row); err != nil {
			t.Errorf("a legal row of %s was refused: %v", l.table, err)
		}
	}
	updates := map[string]string{
		"an unknown error action of a delivery": "UPDATE deliveries SET error_action = 'shout'",
		"a confirmation that is neither":        "UPDATE webhooks SET end_lab_confirmed = 2",
		"held in no lane":                       "UPDATE deliveries SET lane = NULL WHERE state = 'held'",
	}
	for name, update := range updates {
		if b.writer.do(t.Context(), func(tx *tx) error { return tx.exec(update) }) == nil {
			t.Errorf("an illegal change was stored: %s", name)
		}
	}
	if state := b.state(t, third.ID); state != engine.StateSending {
		t.Errorf("the gate of another lane is %s, want sending", state)
	}
}

func TestLanePlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	queries := []struct {
		query   string
		args    []any
		allowed string
	}{
		{selectBlocked, []any{1, 1}, "SCAN CONSTANT ROW"},
		{selectLane, []any{1, "1"}, ""},
		{selectHeld, []any{1, 1}, ""},
		{selectClosedGateOf, []any{1}, ""},
		{selectLaneClosed, []any{1}, ""},
		{selectLateGates, []any{1, 1}, ""},
		{selectNextLate, nil, "SCAN gates USING INDEX gates_opens_by"}, // its first entry
		{selectHolding, []any{1, 1, 1}, ""},
		{selectOfEvent, []any{1, 1}, ""},
		{selectLaneKey, []any{1}, ""},
		{selectClosedLanes, nil, "SCAN g USING INDEX gates_closed"}, // as many as lanes that wait, at start
		{skipHeld, []any{1, "Why.", 1, sentAtEnd}, ""},
		{cancelDue, []any{1, "Why.", 1, 1, 1}, ""},
		{cancelHeld, []any{1, "Why.", 1, 1, 1}, ""},
		{selectLastOf, []any{1}, ""},
		{selectMissed, []any{1, 1, 1, 1}, ""},
		{countMissed, []any{1, 1, 1, 1}, "SCAN (subquery-2)"},
		{selectRunning, nil, "SCAN recoveries USING INDEX recoveries_running"}, // as many as run
		{selectRecoveries, []any{1, 1}, ""},
		{openGate, []any{1, "late", "", "", 0, 1}, ""},
	}
	for _, q := range queries {
		checkPlan(t, q.query, plan(t, s, q.query, q.args...), q.allowed)
	}
	// One seek for each lane that holds something: the recursion itself is what is scanned.
	for _, query := range []string{selectHeldLanes, selectHeldLaneKeys} {
		checkPlan(t, query, plan(t, s, query), "SCAN held", "SCAN deliveries USING COVERING INDEX deliveries_held", "SCAN CONSTANT ROW")
	}
}
