package db

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"labhook/engine"

	"pgregory.net/rapid"
)

// keep sets the days for which events and bodies are kept.
func (b *bench) keep(t testing.TB, events, bodies string) {
	t.Helper()
	values := map[string]string{"keep_events": events, "keep_bodies": bodies, "keep_audit": "0", "keep_totals": "0"}
	stored, err := b.StoredSettings(t.Context())
	must(t, err)
	must(t, b.ChangeSettings(t.Context(), dana, engine.RetentionSettings, stored.Versions[engine.RetentionSettings], values))
}

// acceptAt stores an event of that age with a delivery in that state.
func (b *bench) acceptAt(t testing.TB, at time.Time, state engine.DeliveryState, finished time.Time) engine.Delivery {
	t.Helper()
	e := newEvent()
	e.AcceptedAt = at
	e.ID = engine.EventID(engine.IDAt(at)) + e.ID%(1<<20)
	d := newDelivery(e, b.webhook, state, time.Time{})
	d.ID = engine.DeliveryID(engine.IDAt(at)) + d.ID%(1<<20)
	d.FinishedAt = finished
	switch state {
	case engine.StateQueued, engine.StateScheduled, engine.StateRetrying:
		d.DueAt = at
	case engine.StateCancelled, engine.StateSkipped:
		d.Reason = "because"
	}
	switch state {
	case engine.StateRetrying, engine.StateFailed:
		d.Attempts, d.LastClass, d.LastStatus = 1, engine.ClassStatus, 503
	case engine.StateDelivered:
		d.Attempts, d.LastStatus = 1, 200
	}
	err := b.writer.do(t.Context(), func(tx *tx) error {
		if _, err := insertEvent(tx, e); err != nil {
			return err
		}
		if state == engine.StateHeld {
			lane, err := findOrMakeLane(tx, laneKey{d.ConsumerID, e.Subject})
			if err != nil {
				return err
			}
			d.Lane = lane
		}
		if err := insertDelivery(tx, &d); err != nil {
			return err
		}
		if d.Attempts == 0 {
			return nil
		}
		r := attempt(d, b.webhook, 1, 200)
		r.Attempt.Request.Body = []byte("own content")
		r.EventBody = false
		return insertAttempt(tx, r, 1)
	})
	must(t, err)
	return d
}

func (b *bench) count(t testing.TB, table string) int {
	t.Helper()
	return b.countQuery(t, "SELECT count(*) FROM "+table)
}

func (b *bench) retain(t testing.TB, now time.Time) {
	t.Helper()
	must(t, b.Retain(t.Context(), now))
}

func TestNothingIsDeletedByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.acceptAt(t, start.AddDate(-9, 0, 0), engine.StateDelivered, start.AddDate(-9, 0, 0))
	b.retain(t, start)
	if got := b.state(t, d.ID); got != engine.StateDelivered || !b.Retention().At.IsZero() {
		t.Errorf("the delivery is %s, and a run is noted: %+v", got, b.Retention())
	}
}

// TestRetentionTakesBodiesThenRows follows one delivery to its end.
func TestRetentionTakesBodiesThenRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, "90", "30")
	now := start
	d := b.acceptAt(t, now.AddDate(0, 0, -31), engine.StateFailed, now.AddDate(0, 0, -31).Add(time.Minute))
	young := b.acceptAt(t, now.AddDate(0, 0, -29), engine.StateFailed, now.AddDate(0, 0, -29))
	b.retain(t, now)

	row, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	e, err := b.Event(t.Context(), d.EventID)
	must(t, err)
	attempts, err := b.Attempts(t.Context(), d.ID)
	must(t, err)
	if !row.BodyGoneAt.Equal(now) || !e.BodyGoneAt.Equal(now) || e.Data != nil || len(attempts) != 1 {
		t.Fatalf("delivery %+v, event %+v, %d attempts", row, e, len(attempts))
	}
	if a := attempts[0]; !a.BodyGoneAt.Equal(now) || a.Request.Body != nil || a.Answer.Body != nil || a.Answer.StatusCode != 200 {
		t.Errorf("attempt %+v", a)
	}
	_, err = b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepResend, Now: now})
	if !errors.Is(err, engine.ErrConflict) || !strings.Contains(err.Error(), "deleted by retention on 2026-03-02") {
		t.Errorf("resend: %v", err)
	}
	if n, _, err := b.CountRecoverable(t.Context(), b.webhook.ID, now.AddDate(-1, 0, 0), time.Time{}); n != 1 || err != nil {
		t.Errorf("%d can be recovered, want the young one alone (%v)", n, err)
	}
	same := newEvent()
	same.SenderID, same.Data = e.SenderID, []byte(`{"other": 1}`)
	if same.OccurredAt = e.OccurredAt; !e.SameAs(same) {
		t.Error("the event posted again is taken for another one, though nobody knows what was in it")
	}
	if row, err := b.Delivery(t.Context(), young.ID); err != nil || !row.BodyGoneAt.IsZero() {
		t.Errorf("the young one: %+v, %v", row, err)
	}

	b.retain(t, now.AddDate(0, 0, 60))
	if _, err := b.Delivery(t.Context(), d.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("after 91 days it is there: %v", err)
	}
	if at := b.Retention().GoneAt(int64(d.ID)); !at.Equal(now.AddDate(0, 0, 60)) {
		t.Errorf("it went at %s", at)
	}
	if at := b.Retention().GoneAt(int64(young.ID)); !at.IsZero() {
		t.Errorf("the young one went at %s", at)
	}
	if events, attempts := b.count(t, "events"), b.count(t, "attempts"); events != 1 || attempts != 1 {
		t.Errorf("%d events and %d attempts are left", events, attempts)
	}
}

// TestLateEndsAreFoundAgain checks that what waited when retention came by loses its bodies once it has ended.
func TestLateEndsAreFoundAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, "0", "10")
	d := b.acceptAt(t, start.AddDate(0, 0, -20), engine.StateQueued, time.Time{})
	b.acceptAt(t, start.AddDate(0, 0, -15), engine.StateDelivered, start.AddDate(0, 0, -15))
	b.retain(t, start)
	if row, err := b.Delivery(t.Context(), d.ID); err != nil || !row.BodyGoneAt.IsZero() {
		t.Fatalf("what waits lost its bodies: %+v, %v", row, err)
	}
	_, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "over"})
	must(t, err)
	b.retain(t, start.AddDate(0, 0, 9))
	b.retain(t, start.AddDate(0, 0, 11))
	if row, err := b.Delivery(t.Context(), d.ID); err != nil || !row.BodyGoneAt.Equal(start.AddDate(0, 0, 11)) {
		t.Errorf("11 days after its end: %+v, %v", row, err)
	}
}

// TestRetentionProperty deletes among random deliveries: nothing goes that waits or is young, all goes that is old, also
// when runs are cut short, and the file stays whole.
func TestRetentionProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		b := &bench{Store: open(t, Options{Dir: dir})}
		b.consumer = b.newConsumer(t, "Lab platform")
		b.webhook = b.newWebhook(t, b.consumer.ID, "Gradebook")
		keepDays := rapid.IntRange(1, 40).Draw(rt, "days")
		b.keep(t, strconv.Itoa(keepDays), strconv.Itoa(rapid.IntRange(0, keepDays-1).Draw(rt, "body days")))
		cutoff := start.AddDate(0, 0, -keepDays)
		type made struct {
			d    engine.Delivery
			goes bool
		}
		var all []made
		for i := range rapid.IntRange(1, 60).Draw(rt, "deliveries") {
			at := start.Add(-time.Duration(rapid.IntRange(0, 80*24).Draw(rt, "hours")) * time.Hour).Add(time.Duration(i) * time.Millisecond)
			state := rapid.SampledFrom(engine.DeliveryStates).Draw(rt, "state")
			var finished time.Time
			if state.Final() {
				finished = at.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(rt, "hours to the end")) * time.Hour)
			}
			d := b.acceptAt(t, at, state, finished)
			all = append(all, made{d, state.Final() && at.Before(cutoff) && finished.Before(cutoff)})
		}
		for range rapid.IntRange(0, 3).Draw(rt, "runs cut short") {
			left := rapid.IntRange(0, 40).Draw(rt, "until it stops")
			must(t, b.Retain(shortly{context.Background(), &left}, start))
			if rapid.Bool().Draw(rt, "restart") {
				must(t, b.Close())
				must(t, CheckFile(t.Context(), b.path))
				b.Store = open(t, Options{Dir: dir})
			}
		}
		b.retain(t, start)
		for _, m := range all {
			_, err := b.Delivery(t.Context(), m.d.ID)
			if gone := errors.Is(err, engine.ErrNotFound); gone != m.goes {
				rt.Errorf("%s since %s, ended %s, kept %d days: gone is %t", m.d.State, m.d.CreatedAt, m.d.FinishedAt, keepDays, gone)
			}
		}
		if orphans := b.countQuery(t, `SELECT count(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = a.delivery)`); orphans != 0 {
			rt.Errorf("%d attempts without a delivery", orphans)
		}
		if lanes, events := b.count(t, "lanes"), b.count(t, "events"); events == 0 && lanes != 0 {
			rt.Errorf("%d lanes are left of nothing", lanes)
		}
		must(t, b.Close())
		must(t, CheckFile(t.Context(), b.path))
	})
}

// shortly is a context that ends after it was asked so many times whether it has.
type shortly struct {
	context.Context
	left *int
}

func (s shortly) Err() error {
	if *s.left--; *s.left < 0 {
		return context.Canceled
	}
	return nil
}

func (b *bench) countQuery(t testing.TB, query string) (n int) {
	t.Helper()
	must(t, b.read.QueryRow(query).Scan(&n))
	return n
}

// TestRetentionTakesOthers deletes old lines of the audit log and old totals, and leaves the rest.
func TestRetentionTakesOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	hour := now.Truncate(time.Hour)
	must(t, b.writer.do(t.Context(), func(tx *tx) error {
		for _, age := range []int{0, 3, 9, 40} {
			at := hour.AddDate(0, 0, -age)
			if err := tx.exec("INSERT INTO audit (at, actor, ip, action, object, detail) VALUES (?, 'x', '', 'old', '', '')", at.UnixMilli()); err != nil {
				return err
			}
			if err := tx.exec("INSERT INTO hourly (hour, webhook, delivered, failed, attempts, last_at, last_class) VALUES (?, ?, 1, 0, 1, ?, '')",
				at.UnixMilli(), int64(b.webhook.ID), at.UnixMilli()); err != nil {
				return err
			}
			if err := tx.exec(addFailures, at.UnixMilli(), int64(b.webhook.ID), "status", 503, 1); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, b.ChangeSettings(t.Context(), dana, engine.RetentionSettings, 0,
		map[string]string{"keep_events": "0", "keep_bodies": "0", "keep_audit": "7", "keep_totals": "30"}))
	b.retain(t, now)
	for table, want := range map[string]int{"audit WHERE action = 'old'": 2, "hourly": 3, "hourly_failures": 3} {
		if got := b.count(t, table); got != want {
			t.Errorf("%d rows are left in %s, want %d", got, table, want)
		}
	}
	if done := b.Retention().Deleted; done.Audit != 2 || done.Totals != 2 {
		t.Errorf("noted: %+v", done)
	}
	b.retain(t, now.Add(time.Hour))
	if done := b.Retention().Deleted; done != (engine.Purged{}) {
		t.Errorf("the next run found %+v", done)
	}
}

// TestLanesGoWithTheLastEvent keeps the lane of a lab instance of which an event is left.
func TestLanesGoWithTheLastEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, "10", "0")
	old := b.acceptAt(t, start.AddDate(0, 0, -20), engine.StateHeld, time.Time{})
	_, err := b.ChangeDelivery(t.Context(), dana, old.ID, engine.Change{Step: engine.StepCancel, Now: start.AddDate(0, 0, -20), Reason: "over"})
	must(t, err)
	b.acceptAt(t, start, engine.StateDelivered, start)
	b.retain(t, start)
	if b.count(t, "deliveries") != 1 || b.count(t, "lanes") != 1 {
		t.Errorf("%d deliveries and %d lanes are left", b.count(t, "deliveries"), b.count(t, "lanes"))
	}
	b.retain(t, start.AddDate(0, 0, 11))
	if b.count(t, "deliveries") != 0 || b.count(t, "lanes") != 0 || b.Retention().Deleted.Lanes != 1 {
		t.Errorf("in the end %d deliveries and %d lanes", b.count(t, "deliveries"), b.count(t, "lanes"))
	}
}

// TestLargeEventsGoInPieces deletes an event with more deliveries than one transaction takes.
func TestLargeEventsGoInPieces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, "10", "5")
	at := start.AddDate(0, 0, -7)
	first := b.acceptAt(t, at, engine.StateDelivered, at)
	must(t, b.writer.do(t.Context(), func(tx *tx) error {
		for i := range 3*retainedDeliveriesAtOnce - 1 {
			d := first
			d.ID += engine.DeliveryID(i + 1)
			if err := insertDelivery(tx, &d); err != nil {
				return err
			}
			for n := range 9 {
				r := attempt(d, b.webhook, 1, 200)
				if err := insertAttempt(tx, r, n+1); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	b.retain(t, start)
	if n := b.count(t, "attempts WHERE answer_body IS NOT NULL"); n != 0 || b.Retention().Deleted.Bodies != 1 {
		t.Errorf("%d attempts have their bodies", n)
	}
	b.retain(t, start.AddDate(0, 0, 4))
	if b.count(t, "events") != 0 || b.count(t, "deliveries") != 0 || b.count(t, "attempts") != 0 {
		t.Errorf("%d events, %d deliveries, %d attempts are left", b.count(t, "events"), b.count(t, "deliveries"), b.count(t, "attempts"))
	}
}

func TestRetentionPlans(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for _, q := range []struct {
		query string
		args  []any
	}{
		{selectEnded, []any{1, 2, 3, 4}},
		{selectEndedOne, []any{1, 2, 3}},
		{emptyAttempts, []any{1, 2}},
		{deleteAttemptsOf, []any{"[]"}},
		{deleteGatesOf, []any{"[]"}},
		{deleteDeliveries, []any{"[]"}},
		{deleteAudit, []any{1, 2}},
		{deleteHour, []any{1, 2}},
		{deleteFailures, []any{1, 2}},
		{selectLanesLeft, []any{1, 2}},
		{deleteLanes, []any{"[]"}},
	} {
		checkPlan(t, q.query, plan(t, s, q.query, q.args...))
	}
	checkPlan(t, "sample", plan(t, s, selectSample, 1), "SCAN events", "SCAN sample", "SCAN made", "SCAN sent", "SCAN CONSTANT ROW")
	checkPlan(t, "oldest event", plan(t, s, selectOldestEvent), "SCAN events")
	checkPlan(t, "oldest line", plan(t, s, selectOldestAudit), "SCAN audit")
}
