package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db"
	"labhook/engine"
)

// dana is who tests.
var dana = engine.Actor{Name: "Dana Ortiz", IP: "192.0.2.7"}

// silent lets the receiver answer nothing until the request is given up.
func silent(ctx context.Context, _ arrival, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestTestSendsAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return http.StatusServiceUnavailable, nil }
		w := b.webhook(func(w *engine.Webhook) {
			w.Delay, w.Retries, w.Blocking, w.ErrorAction = time.Hour, 5, true, engine.ErrorActionNotifyUser
		})
		other := b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.AllEvents, engine.SystemDeliveryFailed}[:1] })
		b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.SystemDeliveryFailed, engine.SystemWebhookFailing} })

		tested, err := b.engine.Test(t.Context(), dana, w.ID, engine.Example{})
		if err != nil {
			t.Fatal(err)
		}
		d, a := tested.Delivery, tested.Attempt
		if d.State != engine.StateFailed || d.LastStatus != 503 || d.LastClass != engine.ClassStatus || d.ErrorAction != "" || d.Attempts != 1 {
			t.Errorf("delivery %+v, want one that failed with 503 and no error action", d)
		}
		if a.Number != 1 || a.Trigger != engine.TriggerTest || a.Outcome.Kind != engine.OutcomeGiveUp || !a.Outcome.RetryAt.IsZero() || a.Answer == nil {
			t.Errorf("attempt %+v, want the only one", a)
		}
		if ev := tested.Event; !ev.Test || ev.Type != engine.LabScored || ev.Source != dana.Name || ev.SourceIP != dana.IP || ev.ConsumerID != b.consumer.ID || ev.Subject == "" {
			t.Errorf("event %+v", ev)
		}
		settle(24 * time.Hour)

		stored := b.delivery(d.ID)
		if !stored.Test || stored.Blocking || stored.Lane != 0 || stored.State != engine.StateFailed || stored.AttemptsInAll != 1 {
			t.Errorf("a day later the delivery is %+v", stored)
		}
		if seen := b.wire.seen(); len(seen) != 1 || seen[0].id != d.ID.String() || seen[0].body != string(engine.SampleLabDetails().Body()) {
			t.Errorf("requests %+v, want the test's alone", seen)
		}
		if streak, err := b.store.Streak(t.Context(), w.ID); err != nil || streak.Attempts != 0 {
			t.Errorf("streak %+v, %v, want none", streak, err)
		}
		health, err := b.store.WebhookHealth(t.Context(), b.consumer.ID, time.Now())
		if err != nil || len(health) != 0 {
			t.Errorf("health %+v, %v, want that of webhooks never used", health, err)
		}
		if list := b.list(engine.DeliveryFilter{WebhookID: other.ID}); len(list) != 0 {
			t.Errorf("another webhook got %+v", list)
		}
		if _, err := b.store.LabInstance(t.Context(), tested.Event.Subject); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("the lab instance of a test: %v, want none", err)
		}
		if _, err := b.engine.Resend(t.Context(), dana, d.ID); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("sending a test again: %v, want ErrConflict", err)
		}
	})
}

// list returns the newest deliveries that a filter chooses.
func (b *bench) list(f engine.DeliveryFilter) []engine.DeliveryRow {
	b.t.Helper()
	page, err := b.store.ListDeliveries(b.t.Context(), f)
	if err != nil {
		b.t.Fatal(err)
	}
	return page.Rows
}

// TestTestsChangeNothingAboutTheWebhook fails tests in every way that would have a real delivery switch the webhook off.
func TestTestsChangeNothingAboutTheWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		status := 0
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return status, nil }
		for _, policy := range engine.RetryPolicies {
			if policy.Name == engine.CustomPolicyName {
				continue
			}
			w := b.webhook(func(w *engine.Webhook) { w.RetryPolicy = policy.Name })
			for _, status = range []int{410, 400, 404, 429, 500} {
				tested, err := b.engine.Test(t.Context(), dana, w.ID, engine.Example{})
				if err != nil || tested.Delivery.State != engine.StateFailed || tested.Attempt.Outcome.Deactivate != "" {
					t.Errorf("%s, answer %d: %+v, %v, want a failed test", policy.Name, status, tested, err)
				}
			}
			for range engine.PauseAttempts {
				if _, err := b.engine.Ping(t.Context(), dana, w.ID); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
			}
			if now := b.store.Directory().Webhook(w.ID); !now.Enabled || now.Version != w.Version {
				t.Errorf("%s: the webhook became %+v", policy.Name, now)
			}
		}
		if pauses, err := b.store.Pauses(t.Context()); err != nil || len(pauses) != 0 {
			t.Errorf("paused %+v, %v, want none", pauses, err)
		}
	})
}

// TestTestPassesGates tests a webhook while a gate of the same lab instance is closed, and posts an event of it while a
// test of a blocking webhook runs.
func TestTestPassesGates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		gate := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Delay = true, time.Hour })
		b.post("")
		if tested, err := b.engine.Test(t.Context(), dana, gate.ID, engine.Example{}); err != nil || tested.Delivery.State != engine.StateDelivered {
			t.Errorf("behind a closed gate: %+v, %v, want delivered", tested, err)
		}
		settle(2 * time.Hour)

		b.wire.answer = silent
		running, err := b.engine.StartTest(dana, gate.ID, engine.Example{})
		if err != nil {
			t.Fatal(err)
		}
		if acc := b.post(""); acc.Deliveries[0].State != engine.StateScheduled || running.Delivery.Blocking {
			t.Errorf("beside a running test the next delivery is %s, want scheduled", acc.Deliveries[0].State)
		}
		synctest.Wait()
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(func(w *engine.Webhook) { w.Enabled, w.Name = false, "Scores" })
		now := time.Now()
		tested, err := b.engine.Ping(t.Context(), dana, w.ID)
		if err != nil || tested.Delivery.State != engine.StateDelivered {
			t.Fatalf("ping of a disabled webhook: %+v, %v", tested, err)
		}
		a := b.wire.seen()[0]
		var data engine.SystemEvent
		if err := json.Unmarshal([]byte(a.body), &data); err != nil {
			t.Fatal(err)
		}
		want := engine.SystemEvent{
			Type: "webhook.ping", EventType: "PING", Timestamp: now.UTC(), Consumer: b.consumer.ID.String(),
			Webhook: w.ID.String(), WebhookName: "Scores",
		}
		if data != want || a.header.Get("Labhook-Event") != "webhook.ping" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("sent %s with %v, want %+v", a.body, a.header, want)
		}
	})
}

// TestTestOf looks at what is sent for what was asked for.
func TestTestOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		scored := b.webhook(nil)
		all := b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} })
		system := b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.SystemDeliveryFailed} })
		disabled := b.webhook(func(w *engine.Webhook) { w.Enabled = false })
		deleted := b.webhook(nil)
		if err := b.store.DeleteWebhook(t.Context(), dana, deleted.ID); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			webhook engine.WebhookID
			example engine.Example
			kind    string // of the event that is sent; empty: it is refused
			subject string
			field   string // that is refused; empty: the webhook
		}{
			"first event":           {webhook: scored.ID, kind: engine.LabScored, subject: "998592321"},
			"all events":            {webhook: all.ID, kind: engine.BuiltIn.All()[0].Code, subject: "998592321"},
			"system event":          {webhook: system.ID, kind: engine.SystemDeliveryFailed},
			"label":                 {webhook: scored.ID, example: engine.Example{Type: "Scored"}, kind: engine.LabScored},
			"another event":         {webhook: scored.ID, example: engine.Example{Type: engine.LabSaved}, kind: engine.LabSaved, subject: "998592321"},
			"own data":              {webhook: scored.ID, example: engine.Example{Data: []byte(`{"Id": 7}`)}, kind: engine.LabScored, subject: "7"},
			"own subject":           {webhook: scored.ID, example: engine.Example{Subject: "lab 8"}, kind: engine.LabScored, subject: "lab 8"},
			"forced":                {webhook: disabled.ID, example: engine.Example{Force: true}, kind: engine.LabScored, subject: "998592321"},
			"disabled":              {webhook: disabled.ID, field: "force"},
			"no such type":          {webhook: scored.ID, example: engine.Example{Type: "nothing"}, field: "type"},
			"no object":             {webhook: scored.ID, example: engine.Example{Data: []byte(`[]`)}, field: "data"},
			"wrong lab details":     {webhook: scored.ID, example: engine.Example{Data: []byte(`{"Id": "x"}`)}, field: "data.Id"},
			"long subject":          {webhook: scored.ID, example: engine.Example{Subject: strings.Repeat("x", engine.MaxSubject+1)}, field: "subject"},
			"disabled, wrong event": {webhook: disabled.ID, example: engine.Example{Type: "nothing"}, field: "type"},
			"deleted":               {webhook: deleted.ID},
			"no webhook":            {webhook: engine.NewID[engine.WebhookID]()},
		} {
			before := len(b.wire.seen())
			tested, err := b.engine.Test(t.Context(), dana, tt.webhook, tt.example)
			if tt.kind != "" {
				if err != nil || tested.Event.Type != tt.kind || tested.Event.Subject != tt.subject && tt.subject != "" || tested.Delivery.State != engine.StateDelivered {
					t.Errorf("%s: %+v, %v", name, tested, err)
				}
				continue
			}
			bad, invalid := errors.AsType[engine.InvalidError](err)
			if invalid != (tt.field != "") || invalid && bad[0].Field != tt.field || !invalid && !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("%s: %v, want a problem of %q", name, err, tt.field)
			}
			if len(b.wire.seen()) != before {
				t.Errorf("%s: something was sent", name)
			}
		}
	})
}

// TestTestsAreBounded starts as many as may run at once.
func TestTestsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = silent
		var ids []engine.WebhookID
		for range engine.MaxTests/engine.MaxTestsPerWebhook + 1 {
			ids = append(ids, b.webhook(nil).ID)
		}
		start := func(id engine.WebhookID) error {
			_, err := b.engine.StartTest(dana, id, engine.Example{})
			return err
		}
		for _, id := range ids[1:] {
			for range engine.MaxTestsPerWebhook {
				if err := start(id); err != nil {
					t.Fatal(err)
				}
			}
			if err := start(id); !errors.Is(err, engine.BusyError{Running: engine.MaxTestsPerWebhook}) {
				t.Errorf("one more of a webhook: %v, want BusyError", err)
			}
		}
		if err := start(ids[0]); !errors.Is(err, engine.BusyError{Running: engine.MaxTests, All: true}) {
			t.Errorf("one more of all: %v, want BusyError", err)
		}
		settle(engine.DefaultTimeout + time.Second)
		for range engine.MaxTestsPerWebhook {
			if err := start(ids[0]); err != nil {
				t.Errorf("when the others have ended: %v", err)
			}
		}
		if n := len(b.list(engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateFailed}})); n != engine.MaxTests {
			t.Errorf("%d tests ended, want %d", n, engine.MaxTests)
		}
	})
}

// TestRunningTestIsLeftAlone lets several rescues pass, and the client go away.
func TestRunningTestIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(ctx context.Context, _ arrival, _ int) (int, error) {
			select {
			case <-time.After(4 * time.Minute):
				return http.StatusOK, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		w := b.webhook(func(w *engine.Webhook) { w.Timeout = engine.MaxTimeout })
		ctx, gone := context.WithTimeout(t.Context(), time.Second)
		defer gone()
		tested, err := b.engine.Test(ctx, dana, w.ID, engine.Example{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a client that went away: %v", err)
		}
		if _, err := b.store.SetWebhookEnabled(t.Context(), dana, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settle(3 * time.Minute)
		if d := b.delivery(tested.Delivery.ID); d.State != engine.StateSending || b.engine.InLine(&d.Delivery) {
			t.Errorf("after three rescues it is %s, want sending", d.State)
		}
		settle(2 * time.Minute)
		if d := b.delivery(tested.Delivery.ID); d.State != engine.StateDelivered || len(b.attempts(d.ID)) != 1 {
			t.Errorf("at the end it is %s, want delivered", d.State)
		}
	})
}

func TestStopInterruptsTests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		takes := map[string]time.Duration{}
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			b.wire.mu.Lock()
			wait := takes[a.header.Get("Labhook-Event")]
			b.wire.mu.Unlock()
			select {
			case <-time.After(wait):
				return http.StatusOK, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		takes[engine.LabScored], takes[engine.LabSaved] = 3*time.Second, time.Hour
		w := b.webhook(func(w *engine.Webhook) { w.Timeout = engine.MaxTimeout })
		short, err := b.engine.StartTest(dana, w.ID, engine.Example{})
		if err != nil {
			t.Fatal(err)
		}
		long, err := b.engine.StartTest(dana, w.ID, engine.Example{Type: engine.LabSaved})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if tested, err := short.Wait(t.Context()); err != nil || tested.Delivery.State != engine.StateDelivered {
			t.Errorf("within the grace period: %+v, %v, want delivered", tested, err)
		}
		if _, err := long.Wait(t.Context()); !errors.Is(err, engine.ErrStopping) {
			t.Errorf("beyond it: %v, want ErrStopping", err)
		}
		if _, err := b.engine.Ping(t.Context(), dana, w.ID); !errors.Is(err, engine.ErrStopping) {
			t.Errorf("after the stop: %v, want ErrStopping", err)
		}
		b.wantInterrupted(long.Delivery.ID)
		b.start(engine.Limits{})
		settle(time.Hour)
		b.wantInterrupted(long.Delivery.ID)
		if n := len(b.wire.seen()); n != 2 {
			t.Errorf("%d requests, want that of each test", n)
		}
	})
}

// wantInterrupted fails the test unless the delivery of a test ended without a result.
func (b *bench) wantInterrupted(id engine.DeliveryID) {
	b.t.Helper()
	d := b.delivery(id)
	if d.State != engine.StateCancelled || d.Attempts != 0 || !strings.HasPrefix(d.Reason, "The server stopped during the test") {
		b.t.Errorf("the interrupted test is %s because %q", d.State, d.Reason)
	}
}

func TestTransitionOfTests(t *testing.T) {
	t.Parallel()
	d := inState(engine.StateSending)
	d.Test = true
	after, err := d.Transition(changeFor(engine.StepInterrupt, noon.Add(time.Hour), time.Minute))
	if err != nil || after.State != engine.StateCancelled || broken(after) != "" {
		t.Errorf("interrupted: %+v, %v, %s", after, err, broken(after))
	}
	for _, state := range engine.DeliveryStates {
		d := inState(state)
		d.Test = true
		if after, err := d.Transition(changeFor(engine.StepResend, noon, time.Minute)); !errors.Is(err, engine.ErrConflict) || after != d {
			t.Errorf("%s, sent again: %+v, %v, want ErrConflict", state, after, err)
		}
	}
}

// TestNextStartCancelsTests stores what a crash leaves of a test, and starts again.
func TestNextStartCancelsTests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(nil)
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		ev := &engine.Event{ID: engine.NewID[engine.EventID](), Type: engine.LabScored, Data: engine.SampleLabDetails().Body(), Test: true}
		if err := ev.Prepare(engine.BuiltIn, time.Now()); err != nil {
			t.Fatal(err)
		}
		d := engine.NewDelivery(ev, &w, ev.AcceptedAt)
		d.State, d.DueAt, d.Test, d.Trigger, d.Claim = engine.StateSending, time.Time{}, true, engine.TriggerTest, 1
		if err := b.store.InsertTest(t.Context(), dana, ev, d); err != nil {
			t.Fatal(err)
		}
		b.start(engine.Limits{})
		b.wantInterrupted(d.ID)
		settle(time.Hour)
		if n := len(b.wire.seen()); n != 0 {
			t.Errorf("%d requests, want none", n)
		}
	})
}

// TestPanickingTestEnds has the transport panic: the test ends with an error, and the rescue cancels what it left.
func TestPanickingTestEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) { panic("a mistake") }
		w := b.webhook(nil)
		tested, err := b.engine.Test(t.Context(), dana, w.ID, engine.Example{})
		if err == nil {
			t.Fatalf("it came to %+v", tested)
		}
		settle(2 * time.Minute)
		b.wantInterrupted(tested.Delivery.ID)
		b.wire.answer = nil
		if tested, err := b.engine.Test(t.Context(), dana, w.ID, engine.Example{}); err != nil || tested.Delivery.State != engine.StateDelivered {
			t.Errorf("the next test: %+v, %v", tested, err)
		}
	})
}

// TestCancelledTestStaysCancelled cancels a test by hand while its request is on the way.
func TestCancelledTestStaysCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			time.Sleep(10 * time.Second)
			return http.StatusOK, nil
		}
		running, err := b.engine.StartTest(dana, b.webhook(nil).ID, engine.Example{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := b.engine.Cancel(t.Context(), dana, running.Delivery.ID, "No need."); err != nil {
			t.Fatal(err)
		}
		tested, err := running.Wait(t.Context())
		if err != nil || tested.Delivery.State != engine.StateCancelled || tested.Attempt.Answer == nil {
			t.Errorf("it came to %+v, %v, want cancelled, with what the receiver answered", tested, err)
		}
	})
}

// TestTestsAreAudited looks for who tested what.
func TestTestsAreAudited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(nil)
		tested, err := b.engine.Test(t.Context(), dana, w.ID, engine.Example{})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := b.store.ListAudit(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(entries, func(e db.AuditEntry) bool {
			return e.Action == "webhook.test" && e.Who == dana && e.Object == w.ID.String() && strings.Contains(e.Detail, tested.Delivery.ID.String())
		}) {
			t.Errorf("audit log %+v", entries)
		}
	})
}
