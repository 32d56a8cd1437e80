package db

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// load makes deliveries for two webhooks of one consumer, and returns the store opened again.
func load(t testing.TB, b Bulk) (*Store, []engine.Webhook) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	c := (&bench{Store: s}).newConsumer(t, "Lab platform")
	var webhooks []engine.Webhook
	for _, name := range []string{"Gradebook", "Mail"} {
		w := engine.NewWebhook(c.ID)
		w.Name, w.URL, w.Events = name, "https://hooks.example.com/"+name, []string{engine.LabScored}
		w, err := s.CreateWebhook(t.Context(), dana, w)
		must(t, err)
		webhooks, b.Webhooks = append(webhooks, w), append(b.Webhooks, w.ID)
	}
	must(t, s.Close())
	number := fmt.Sprintf("%012d.%019d", 0, 0)
	lab := engine.SampleLabDetails().With(map[string]any{"Id": 1_000_000_000, "CustomData": number}).Body()
	b.Head, b.Middle, _ = strings.Cut(string(lab), "1000000000")
	b.Middle, b.Tail, _ = strings.Cut(b.Middle, number)
	must(t, Load(t.Context(), dir, b, func(int) {}))
	return open(t, Options{Dir: dir}), webhooks
}

// TestLoadHistory reads what was loaded as screens and API do, and checks that it is what the server would have written.
func TestLoadHistory(t *testing.T) {
	t.Parallel()
	const rows = 2000
	until := time.Now().Truncate(time.Hour).Add(-30 * time.Minute)
	s, webhooks := load(t, Bulk{Rows: rows, From: until.Add(-20 * time.Hour), Until: until, First: 4_000_000_000})
	checkFile(t, s)

	states := map[engine.DeliveryState]int{}
	attempts := 0
	f := engine.DeliveryFilter{Limit: engine.MaxPageSize}
	for {
		page, err := s.ListDeliveries(t.Context(), f)
		must(t, err)
		for _, d := range page.Rows {
			states[d.State]++
			attempts += d.Attempts
			if !d.ID.Time().Equal(d.CreatedAt) || d.EventType != engine.LabScored || d.WebhookName == "" || d.FinishedAt.Before(d.CreatedAt) {
				t.Fatalf("%+v", d)
			}
		}
		if !page.Older {
			break
		}
		f.Before = page.Rows[len(page.Rows)-1].ID
	}
	want := map[engine.DeliveryState]int{engine.StateCancelled: 20, engine.StateFailed: 40, engine.StateDelivered: 1940}
	if fmt.Sprint(states) != fmt.Sprint(want) {
		t.Errorf("states %v, want %v", states, want)
	}
	checkFailed(t, s)

	health, err := s.WebhookHealth(t.Context(), webhooks[0].ConsumerID, until)
	must(t, err)
	var sum engine.Counts
	for _, h := range health {
		sum.Add(h.Counts)
	}
	if len(health) != 2 || sum != (engine.Counts{Delivered: 1940, Failed: 40, Attempts: int64(attempts)}) {
		t.Errorf("hourly counters %+v of %d webhooks, %d attempts", sum, len(health), attempts)
	}
	labs, err := s.ListLabInstances(t.Context(), engine.LabFilter{ConsumerID: webhooks[0].ConsumerID})
	must(t, err)
	if len(labs) == 0 {
		t.Error("no lab instances")
	}
}

// checkFile fails when the database breaks one of its own rules.
func checkFile(t *testing.T, s *Store) {
	t.Helper()
	for _, pragma := range []string{"foreign_key_check", "integrity_check"} {
		found, err := list(t.Context(), s, func(row scanner) (text string, err error) { return text, row.Scan(&text) }, "SELECT * FROM pragma_"+pragma)
		if err != nil || strings.Join(found, "") != "" && strings.Join(found, "") != "ok" {
			t.Errorf("%s: %v, %v", pragma, found, err)
		}
	}
}

// checkFailed reads the newest loaded delivery that failed, with its event and attempts.
func checkFailed(t *testing.T, s *Store) {
	t.Helper()
	page, err := s.ListDeliveries(t.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateFailed}, Limit: 1})
	must(t, err)
	if len(page.Rows) != 1 {
		t.Fatal("no failed delivery")
	}
	d := page.Rows[0]
	e, err := s.Event(t.Context(), d.EventID)
	must(t, err)
	if lab, err := engine.ParseLabDetails(e.Data); err != nil || lab.InstanceID() != e.Subject || !e.AcceptedAt.Equal(d.CreatedAt) {
		t.Errorf("event about %s: %s: %v", e.Subject, e.Data, err)
	}
	attempts, err := s.Attempts(t.Context(), d.ID)
	must(t, err)
	if len(attempts) != 3 || attempts[2].Outcome.Kind != engine.OutcomeGiveUp || attempts[0].Outcome.Kind != engine.OutcomeRetry ||
		len(attempts[0].Request.Headers) != 10 || attempts[0].Request.Headers[9] != fmt.Sprint("Webhook-Timestamp: ", attempts[0].StartedAt.Unix()) ||
		attempts[0].Answer == nil || attempts[0].Answer.StatusCode != 503 || string(attempts[0].Request.Body) != string(e.Data) {
		t.Errorf("%+v", attempts)
	}
	rows, err := s.ListEvents(t.Context(), engine.EventFilter{Subject: e.Subject})
	must(t, err)
	if len(rows.Rows) != 1 || rows.Rows[0].Fanout[engine.StateFailed] != 1 {
		t.Errorf("%+v", rows.Rows)
	}
}

// TestLoadWaiting loads deliveries that wait, which are due in order and can be claimed.
func TestLoadWaiting(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Millisecond)
	for state, attempts := range map[engine.DeliveryState]int{engine.StateRetrying: 1, engine.StateScheduled: 0} {
		s, webhooks := load(t, Bulk{
			Rows: 100, State: state, From: now.Add(-time.Minute), Until: now, DueFrom: now.Add(-time.Second), DueUntil: now.Add(time.Second),
		})
		checkFile(t, s)
		next, err := s.NextDue(t.Context())
		must(t, err)
		if len(next) != 2 || !next[webhooks[0].ID].Equal(now.Add(-time.Second)) {
			t.Errorf("%s: due %v, now is %v", state, next, now)
		}
		claims, err := s.ClaimDue(t.Context(), now, []engine.Want{{WebhookID: webhooks[0].ID, Limit: 100}})
		must(t, err)
		if len(claims) != 1 || len(claims[0].Taken) != 26 { // those of every 40 ms from a second ago until now
			t.Fatalf("%s: claimed %+v", state, claims)
		}
		d := claims[0].Taken[0].Delivery
		got, err := s.Attempts(t.Context(), d.ID)
		must(t, err)
		if d.Attempts != attempts || len(got) != attempts {
			t.Errorf("%s: %+v with attempts %+v", state, d, got)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Exclusive: true})
	c := (&bench{Store: s}).newConsumer(t, "Lab platform")
	w := (&bench{Store: s}).newWebhook(t, c.ID, "Gradebook")
	b := Bulk{Rows: 10, Webhooks: []engine.WebhookID{w.ID}, From: start, Until: start}
	if err := Load(t.Context(), dir, b, func(int) {}); !errors.Is(err, ErrServed) {
		t.Errorf("a directory in use: %v", err)
	}
	must(t, s.Close())
	b.Webhooks = append(b.Webhooks, 1)
	if err := Load(t.Context(), dir, b, func(int) {}); err == nil || !strings.Contains(err.Error(), "1 of 2 webhooks") {
		t.Errorf("an unknown webhook: %v", err)
	}
	b.Rows = 1_000_000
	if err := Load(t.Context(), dir, b, func(int) {}); err == nil {
		t.Error("a million in no time")
	}
}
