package db

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

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
		"delivery": int64(second.ID), "lane": lane, "closed_at": 1, "opens_by": 2, "opened_at": 2, "opening": "failed",
		"opened_by": "", "reason": "", "released": 0,
	}
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
		{"a streak of none", "streaks", row{"webhook": int64(b.plain.ID), "failed": 0, "since": 1}},
		{"a streak of no webhook", "streaks", row{"webhook": 1, "failed": 1, "since": 1}},
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
		{"streaks", row{"webhook": int64(b.plain.ID), "failed": 1, "since": 1}},
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
		{selectNextLate, nil, "SCAN gates USING INDEX gates_opens_by"},      // its first entry
		{selectCancelledGates, []any{1}, "SCAN g USING INDEX gates_closed"}, // as many as lanes that wait
		{selectOfEvent, []any{1, 1}, ""},
		{selectLaneKey, []any{1}, ""},
		{selectClosedLanes, nil, "SCAN g USING INDEX gates_closed"}, // as many as lanes that wait, at start
		{skipHeld, []any{1, "Why.", 1, sentAtEnd}, ""},
		{cancelDue, []any{1, "Why.", 1}, ""},
		{cancelHeld, []any{1, "Why.", 1}, ""},
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

// TestLanesComeToAnOldDatabase opens a database of before there were lanes.
func TestLanesComeToAnOldDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, err := sql.Open("sqlite", writerDSN(filepath.Join(dir, fileName), "OFF"))
	must(t, err)
	text, err := migrations.ReadFile("migrations/0001_start.sql")
	must(t, err)
	for _, statement := range []string{
		string(text),
		"PRAGMA user_version = 1",
		`INSERT INTO consumers (id, name, description, default_organization, consuming_platform, consuming_platform_version,
			technical_contact, enabled, created_at, created_by, updated_at, updated_by) VALUES (1, 'LMS', '', '', '', '', '', 1, 1, '', 1, '')`,
		`INSERT INTO webhooks (id, consumer, name, events, verb, url, headers, send_lab_details, content, enabled, blocking, delay, timeout,
			retries, error_action, content_type, notification_text, retry_policy, description, position, version, created_at, created_by,
			updated_at, updated_by) VALUES (2, 1, 'Gradebook', '["lab.scored"]', 'POST', 'https://hooks.example.com/lab', '[]', 1, '', 1, 1,
			0, 30, 3, 'end_lab', '', '', 'studio', '', 1, 1, 1, '', 1, '')`,
		`INSERT INTO events (id, type, subject, occurred_at, accepted_at, trace_parent, source, source_ip, data)
			VALUES (3, 'lab.scored', '7', 1, 1, '', '', '', CAST('{}' AS BLOB))`,
		`INSERT INTO deliveries (id, event, consumer, webhook, state, blocking, trigger, attempts, due_at, reason, last_class, created_at)
			VALUES (4, 3, 1, 2, 'queued', 1, 'automatic', 0, 1, '', '', 1)`,
		`INSERT INTO deliveries (id, event, consumer, webhook, state, blocking, trigger, attempts, finished_at, reason, last_class, last_status,
			created_at) VALUES (5, 3, 1, 2, 'failed', 1, 'automatic', 1, 2, '', 'status', 500, 1)`,
	} {
		_, err := old.ExecContext(t.Context(), statement)
		must(t, err)
	}
	must(t, old.Close())

	s := open(t, Options{Dir: dir})
	if schema, err := s.Version(t.Context()); err != nil || schema < 2 {
		t.Fatalf("schema %d, %v", schema, err)
	}
	b := &laneBench{bench: &bench{Store: s}}
	b.consumer, err = s.Consumer(t.Context(), 1)
	must(t, err)
	b.gate, err = s.Webhook(t.Context(), 2)
	must(t, err)
	if b.gate.Name != "Gradebook" || b.gate.ErrorAction != engine.ErrorActionEndLab || b.gate.EndLabConfirmed {
		t.Errorf("the webhook is %+v", b.gate)
	}
	for id, want := range map[engine.DeliveryID]engine.DeliveryState{4: engine.StateQueued, 5: engine.StateFailed} {
		d, err := s.Delivery(t.Context(), id)
		must(t, err)
		if d.State != want || d.Lane != 0 || d.ErrorAction != "" || !d.Blocking {
			t.Errorf("delivery %d is %+v, want %s without lane and error action", id, d.Delivery, want)
		}
	}
	// What was blocking then holds nothing: it has no gate. It ends as any other, and what comes now has lanes.
	now := b.post(t, engine.LabScored, "7", b.gate, b.gate)
	if now[0].State != engine.StateSending || now[1].State != engine.StateHeld {
		t.Errorf("deliveries of today are %s and %s, want sending and held", now[0].State, now[1].State)
	}
	claims, err := s.ClaimDue(t.Context(), time.UnixMilli(1), []engine.Want{{WebhookID: 2, Limit: 1}})
	must(t, err)
	b.record(t, attempt(claims[0].Taken[0].Delivery, b.gate, b.gate.AttemptsInAll(), 500))
	if a, b := b.state(t, 4), b.state(t, now[1].ID); a != engine.StateFailed || b != engine.StateSkipped {
		t.Errorf("after the old delivery failed it is %s and what is held %s, want failed and skipped", a, b)
	}
}
