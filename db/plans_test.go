package db

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// plan returns what SQLite would do for a query, a step a line.
func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	steps, err := list(t.Context(), s, func(row scanner) (detail string, err error) {
		var id, parent, unused int
		return detail, row.Scan(&id, &parent, &unused, &detail)
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	return strings.Join(steps, "\n")
}

// checkPlan fails when a query reads a whole table or sorts.
func checkPlan(t *testing.T, name, steps string, allowed ...string) {
	t.Helper()
	for step := range strings.Lines(steps) {
		step = strings.TrimSpace(step)
		bad := strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "VIRTUAL TABLE")
		for _, a := range allowed {
			bad = bad && step != a
		}
		if bad {
			t.Errorf("%s: %q in the plan\n%s", name, step, steps)
		}
	}
}

func TestListPlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	waiting := engine.WaitingStates
	// Reading along the primary key with a LIMIT is what an unfiltered list is.
	const alongKey = "SCAN r"
	deliveries := map[string]struct {
		filter  engine.DeliveryFilter
		allowed string
	}{
		"all":                       {engine.DeliveryFilter{}, alongKey},
		"a time":                    {engine.DeliveryFilter{Since: start, Until: start.Add(time.Hour)}, ""},
		"of an event":               {engine.DeliveryFilter{EventID: 1}, ""},
		"of a webhook":              {engine.DeliveryFilter{WebhookID: 1}, ""},
		"of a consumer":             {engine.DeliveryFilter{ConsumerID: 1}, ""},
		"of a webhook and consumer": {engine.DeliveryFilter{WebhookID: 1, ConsumerID: 1, Since: start}, ""},
		"failed":                    {engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateFailed}}, ""},
		"waiting":                   {engine.DeliveryFilter{States: waiting}, ""},
		"waiting of a webhook":      {engine.DeliveryFilter{States: waiting, WebhookID: 1}, ""},
		"waiting of a consumer":     {engine.DeliveryFilter{States: waiting, ConsumerID: 1}, ""},
		"delivered":                 {engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateDelivered}}, alongKey},
		"delivered of a webhook":    {engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateDelivered}, WebhookID: 1}, ""},
		"that are tests":            {engine.DeliveryFilter{Test: new(true), States: waiting, WebhookID: 1}, ""},
		"that are none":             {engine.DeliveryFilter{Test: new(false), States: waiting, WebhookID: 1}, ""},
		"answered 503":              {engine.DeliveryFilter{Result: engine.Result{Status: 503}}, ""},
		"answered 204":              {engine.DeliveryFilter{Result: engine.Result{Status: 204}}, ""},
		"answered 200":              {engine.DeliveryFilter{Result: engine.Result{Status: 200}}, alongKey},
		"answered 5xx of a webhook": {engine.DeliveryFilter{Result: engine.Result{Status: 5}, WebhookID: 1}, ""},
		"answered 2xx":              {engine.DeliveryFilter{Result: engine.Result{Status: 2}}, alongKey},
		"timed out":                 {engine.DeliveryFilter{Result: engine.Result{Class: engine.ClassTimeout}}, ""},
		"timed out of a webhook":    {engine.DeliveryFilter{Result: engine.Result{Class: engine.ClassTimeout}, WebhookID: 1}, ""},
		"of an event type":          {engine.DeliveryFilter{EventType: engine.LabScored}, ""},
		"failed of an event type":   {engine.DeliveryFilter{EventType: engine.LabScored, States: []engine.DeliveryState{engine.StateFailed}, Since: start}, ""},
		"of a type and webhook":     {engine.DeliveryFilter{EventType: engine.LabScored, WebhookID: 1, Since: start, Until: start}, ""},
		// A lab instance has few deliveries; they are sorted.
		"of a subject":         {engine.DeliveryFilter{Subject: "1"}, "USE TEMP B-TREE FOR ORDER BY"},
		"failed of a subject":  {engine.DeliveryFilter{Subject: "1", States: []engine.DeliveryState{engine.StateFailed}}, "USE TEMP B-TREE FOR ORDER BY"},
		"type of a subject":    {engine.DeliveryFilter{Subject: "1", EventType: engine.LabScored}, "USE TEMP B-TREE FOR ORDER BY"},
		"everything of it all": {engine.DeliveryFilter{States: waiting, ConsumerID: 1, WebhookID: 1, EventType: engine.LabScored, Since: start}, ""},
	}
	for name, tt := range deliveries {
		checkLists(t, s, "deliveries "+name, deliveryArms(tt.filter, false), tt.allowed)
		checkLists(t, s, "deliveries of a rare type "+name, deliveryArms(tt.filter, true), tt.allowed)
	}
	events := map[string]struct {
		filter  engine.EventFilter
		allowed string
	}{
		"all":           {engine.EventFilter{}, alongKey},
		"of a type":     {engine.EventFilter{Type: engine.LabScored, Since: start}, ""},
		"that are none": {engine.EventFilter{Type: engine.LabScored, ConsumerID: 1, Test: new(false)}, ""},
		"of a subject":  {engine.EventFilter{Subject: "1", Type: engine.LabScored, ConsumerID: 1}, ""},
		"of a consumer": {engine.EventFilter{ConsumerID: 1, Until: start}, ""},
	}
	for name, tt := range events {
		checkLists(t, s, "events "+name, eventArms(tt.filter), tt.allowed)
	}
}

// What an answer or a failure is filtered with beside stands in the index: no row is read that the list does not show.
func TestFailuresAreFilteredInTheIndex(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for _, f := range []engine.DeliveryFilter{
		{Result: engine.Result{Status: 503}, WebhookID: 1},
		{Result: engine.Result{Status: 5}, ConsumerID: 1, EventType: engine.LabScored},
		{Result: engine.Result{Class: engine.ClassTimeout}, EventType: engine.LabScored, Test: new(false)},
		{Result: engine.Result{Class: engine.ClassTimeout}, States: []engine.DeliveryState{engine.StateDelivered}, Since: start},
	} {
		query, args := selectIDs(deliveryArms(f, false), "r.id < ?", 1, "DESC", 50)
		if steps := plan(t, s, query, args...); !strings.HasPrefix(steps, "SEARCH r USING COVERING INDEX") {
			t.Errorf("%+v reads rows:\n%s", f, steps)
		}
	}
}

func TestAuditPlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for name, f := range map[string]AuditFilter{
		"all": {}, "who": {Who: "x"}, "action": {Action: "x"}, "object": {Object: "x"}, "both": {Who: "x", Object: "y"},
	} {
		checkLists(t, s, "audit "+name, []arm{auditArm(f)}, "SCAN r")
	}
	checkPlan(t, "audit by time", plan(t, s, selectAuditAt, 1))
	checkPlan(t, "audit rows", plan(t, s, selectAuditRows, "[]"))
}

// checkLists checks a list in both directions, from its end and from within.
func checkLists(t *testing.T, s *Store, name string, arms []arm, allowed string) {
	t.Helper()
	for _, order := range []string{"ASC", "DESC"} {
		for _, bound := range []string{"", "r.id < ?", "r.id > ?"} {
			query, args := selectIDs(arms, bound, 1, order, 50)
			checkPlan(t, fmt.Sprintf("%s %s %s", name, bound, order), plan(t, s, query, args...), allowed)
		}
	}
}

func TestPipelinePlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	queries := []struct {
		query string
		args  []any
	}{
		{selectDue, []any{1, 1, 1}},
		{selectNextDue, []any{1}},
		{selectSending, nil},
		{"SELECT " + deliveryColumns + " FROM deliveries d WHERE d.id = ?", []any{1}},
		{selectBySenderID, []any{"a", 1}},
		{selectByKey, []any{"a", 1}},
		{selectElsewhere, []any{"a", 1}},
		{selectDeliveryRows, []any{"[]"}},
		{selectEventRows, []any{"[]"}},
		{selectFanout, []any{"[]", 1}},
		{selectClosedGate, []any{1}},
		{selectHeldIDs, []any{1, 1}},
		{selectLabEvents, []any{"1", 1, 1}},
		{"SELECT user FROM sessions WHERE token_hash = ? AND expires_at > ?", []any{"a", 1}},
		{selectRequest, []any{1, "a"}},
		{deleteSurplus, []any{1, 1}},
		{deleteOldAnswers, []any{1, 1}},
		{"DELETE FROM sessions WHERE expires_at <= ?", []any{1}},
		{selectNextSubject, []any{"a", "b"}},
		{selectSameID, []any{"a", 1}},
		{selectInvited, []any{"a", 1}},
		{"SELECT " + keyColumns + " FROM api_keys WHERE hash = ?", []any{"a"}},
		{"SELECT " + keyColumns + " FROM api_keys WHERE consumer IS ? ORDER BY id DESC", []any{1}},
		{"SELECT " + webhookColumns + " FROM webhooks WHERE consumer = ? AND deleted_at IS NULL ORDER BY position", []any{1}},
	}
	for _, q := range queries {
		checkPlan(t, q.query, plan(t, s, q.query, q.args...))
	}
	// One seek for each webhook, whatever waits: the recursion itself is what is scanned.
	steps := plan(t, s, selectWaiting)
	checkPlan(t, "next due", steps, "SCAN waiting", "SCAN deliveries USING COVERING INDEX deliveries_due", "SCAN CONSTANT ROW")
	checkPlan(t, "newest deliveries", plan(t, s, selectNewestDeliveries), "SCAN c", "SCAN c USING COVERING INDEX consumers_external_id")
	checkPlan(t, "count of closed gates", plan(t, s, selectGateCount), "SCAN gates USING INDEX gates_opens_by")
	checkPlan(t, "oldest gates", plan(t, s, selectOldestGates, 1), "SCAN gates USING INDEX gates_opens_by", "SCAN g", "USE TEMP B-TREE FOR ORDER BY")
	checkPlan(t, "streaks", plan(t, s, selectStreaks, 1), "SCAN streaks")
}

func TestReplayAndTypePlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	checkPlan(t, "events of types", plan(t, s, countTypes, "[]", 1, 2), "SCAN (subquery-1)") // of at most that many rows
	checkPlan(t, "event", plan(t, s, selectEvent, 1))
	checkPlan(t, "delivery of an event to a webhook", plan(t, s, selectDeliveryTo, 1, 1))
}
