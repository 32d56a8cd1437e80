package db

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"labhook/engine"

	"pgregory.net/rapid"
)

// listedDelivery is what the model of the list knows of a delivery.
type listedDelivery struct {
	engine.Delivery
	eventType, subject string
}

// listBench fills a store with deliveries of every kind, oldest first.
func listBench(t *testing.T) (*bench, []listedDelivery, []*engine.Event) {
	t.Helper()
	b := setup(t)
	other := b.newConsumer(t, "Other platform")
	webhooks := []engine.Webhook{b.webhook, b.newWebhook(t, b.consumer.ID, "Second"), b.newWebhook(t, other.ID, "Third")}
	types := []string{engine.LabScored, engine.LabSaved, engine.LabTornDown}
	states := []engine.DeliveryState{
		engine.StateScheduled, engine.StateQueued, engine.StateSending, engine.StateRetrying, engine.StateDelivered, engine.StateFailed, engine.StateCancelled,
	}
	var (
		all    []listedDelivery
		events []*engine.Event
	)
	for i := range 120 {
		e := newEvent()
		e.Type, e.Subject = types[i%len(types)], fmt.Sprint(i%4)
		if i%4 == 0 {
			e.Subject = ""
		}
		if i%5 == 0 {
			e.ConsumerID = webhooks[i%2*2].ConsumerID
		}
		var deliveries []engine.Delivery
		for n := range i % 4 {
			d := newDelivery(e, webhooks[(i+n)%3], engine.StateSending, time.Time{})
			into(&d, states[(i*3+n)%len(states)])
			d.Test = (i+n)%5 == 0
			deliveries = append(deliveries, d)
			all = append(all, listedDelivery{d, e.Type, e.Subject})
		}
		_, err := insertAll(b, e, deliveries)
		must(t, err)
		events = append(events, e)
	}
	return b, all, events
}

// into gives a delivery a state with what belongs to it.
func into(d *engine.Delivery, state engine.DeliveryState) {
	d.State = state
	switch state {
	case engine.StateScheduled, engine.StateQueued:
		d.DueAt = start
	case engine.StateRetrying:
		d.DueAt, d.Attempts, d.LastClass = start, 1, engine.ClassTimeout
	case engine.StateDelivered:
		d.FinishedAt, d.Attempts, d.LastStatus = start, 1, []int{200, 200, 204}[d.ID%3]
	case engine.StateFailed:
		d.FinishedAt, d.Attempts, d.LastClass = start, 1, engine.ClassDNS
		if d.ID%2 == 0 {
			d.LastClass, d.LastStatus = engine.ClassStatus, 503
		}
	case engine.StateCancelled:
		d.FinishedAt, d.Reason = start, "Wrong lab."
	}
}

func (d listedDelivery) matches(f engine.DeliveryFilter) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, d.State)) &&
		(f.Result.Class == "" || f.Result.Class == d.LastClass) && (f.Result.Status == 0 || f.Result.Status == d.LastStatus || f.Result.Status == d.LastStatus/100) &&
		(f.ConsumerID == 0 || f.ConsumerID == d.ConsumerID) && (f.WebhookID == 0 || f.WebhookID == d.WebhookID) &&
		(f.EventID == 0 || f.EventID == d.EventID) && (f.EventType == "" || f.EventType == d.eventType) &&
		(f.Subject == "" || f.Subject == d.subject) && (f.Test == nil || *f.Test == d.Test) &&
		(f.Since.IsZero() || !d.ID.Time().Before(f.Since)) && (f.Until.IsZero() || d.ID.Time().Before(f.Until))
}

func TestListDeliveriesEqualsModel(t *testing.T) {
	t.Parallel()
	b, all, events := listBench(t)
	rapid.Check(t, func(t *rapid.T) {
		f := engine.DeliveryFilter{Limit: rapid.IntRange(1, 20).Draw(t, "limit")}
		some := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, "filter "+name) == 0 }
		pick := rapid.SampledFrom(all)
		if some("states") {
			f.States = rapid.SliceOfNDistinct(rapid.SampledFrom(engine.DeliveryStates), 1, 4, rapid.ID[engine.DeliveryState]).Draw(t, "states")
		}
		if some("consumer") {
			f.ConsumerID = pick.Draw(t, "consumer of").ConsumerID
		}
		if some("webhook") {
			f.WebhookID = pick.Draw(t, "webhook of").WebhookID
		}
		if some("event") {
			f.EventID = rapid.SampledFrom(events).Draw(t, "event").ID
		}
		if some("type") {
			f.EventType = pick.Draw(t, "type of").eventType
		}
		if some("subject") {
			f.Subject = pick.Draw(t, "subject of").subject
		}
		if some("test") {
			f.Test = new(rapid.Bool().Draw(t, "test"))
		}
		if some("since") {
			f.Since = pick.Draw(t, "since").ID.Time()
		}
		if some("until") {
			f.Until = pick.Draw(t, "until").ID.Time()
		}
		if some("result") {
			f.Result = rapid.SampledFrom([]engine.Result{{Status: 2}, {Status: 5}, {Status: 200}, {Status: 204}, {Status: 503}, {Class: engine.ClassTimeout}, {Class: engine.ClassDNS}}).Draw(t, "result")
		}
		rare := rapid.Bool().Draw(t, "rare")
		var want []engine.DeliveryID // newest first
		for _, d := range slices.Backward(all) {
			if d.matches(f) {
				want = append(want, d.ID)
			}
		}
		if n, more, err := b.CountDeliveries(context.Background(), f, 10); err != nil || n != min(10, len(want)) || more != (len(want) > 10) {
			t.Fatalf("counted %d, more %t (%v), want %d", n, more, err, len(want))
		}
		walk(t, want, f.Limit, func(before, after int64) ([]engine.DeliveryID, bool, bool) {
			page, err := listPage(context.Background(), b.Store, deliveryArms(f, rare), keyset{before, after, f.Limit}, b.deliveryRows)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]engine.DeliveryID, len(page.Rows))
			for i, r := range page.Rows {
				ids[i] = r.ID
			}
			return ids, page.Older, page.Newer
		})
	})
}

func TestListEventsEqualsModel(t *testing.T) {
	t.Parallel()
	b, all, events := listBench(t)
	type of struct {
		event    engine.EventID
		consumer engine.ConsumerID
	}
	fanout := map[of]int{} // consumer 0: all
	for _, d := range all {
		fanout[of{d.EventID, d.ConsumerID}]++
		fanout[of{d.EventID, 0}]++
	}
	rapid.Check(t, func(t *rapid.T) {
		f := engine.EventFilter{Limit: rapid.IntRange(1, 20).Draw(t, "limit")}
		some := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, "filter "+name) == 0 }
		pick := rapid.SampledFrom(events)
		if some("consumer") {
			f.ConsumerID = rapid.SampledFrom(all).Draw(t, "consumer of").ConsumerID
		}
		if some("type") {
			f.Type = pick.Draw(t, "type of").Type
		}
		if some("subject") {
			f.Subject = pick.Draw(t, "subject of").Subject
		}
		if some("since") {
			f.Since = pick.Draw(t, "since").ID.Time()
		}
		var want []engine.EventID
		for _, e := range slices.Backward(events) {
			if (f.ConsumerID == 0 || e.ConsumerID == 0 || e.ConsumerID == f.ConsumerID) && (f.Type == "" || e.Type == f.Type) &&
				(f.Subject == "" || e.Subject == f.Subject) && (f.Since.IsZero() || !e.ID.Time().Before(f.Since)) {
				want = append(want, e.ID)
			}
		}
		walk(t, want, f.Limit, func(before, after int64) ([]engine.EventID, bool, bool) {
			f.Before, f.After = engine.EventID(before), engine.EventID(after)
			page, err := b.ListEvents(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]engine.EventID, len(page.Rows))
			for i, r := range page.Rows {
				ids[i] = r.ID
				sum := 0
				for _, n := range r.Fanout {
					sum += n
				}
				if sum != fanout[of{r.ID, f.ConsumerID}] || len(r.Data) != 0 {
					t.Fatalf("event %s has %d deliveries and %d bytes of data in the list, want %d and none", r.ID, sum, len(r.Data), fanout[of{r.ID, f.ConsumerID}])
				}
			}
			return ids, page.Older, page.Newer
		})
	})
}

// walk pages through a list, from the newest to the end and back, and from within, and compares it with want.
func walk[ID ~int64](t *rapid.T, want []ID, limit int, read func(before, after int64) (ids []ID, older, newer bool)) {
	check := func(what string, ids []ID, older, newer bool, from, to int) {
		from, to = max(from, 0), min(to, len(want))
		if !slices.Equal(ids, want[from:to]) || older != (to < len(want)) || newer != (from > 0) {
			t.Fatalf("%s: got %v, older %t, newer %t\nwant %v, older %t, newer %t",
				what, ids, older, newer, want[from:to], to < len(want), from > 0)
		}
	}
	ids, older, newer := read(0, 0)
	check("newest", ids, older, newer, 0, limit)
	at := 0
	for older {
		at += len(ids)
		ids, older, newer = read(int64(ids[len(ids)-1]), 0)
		check("older", ids, older, newer, at, at+limit)
	}
	for newer {
		ids, older, newer = read(0, int64(ids[0]))
		check("newer", ids, older, newer, at-limit, at)
		at -= len(ids)
	}
	if len(want) == 0 {
		return
	}
	// From an id that is in no row, as when it was deleted meanwhile.
	i := rapid.IntRange(0, len(want)-1).Draw(t, "from")
	ids, older, newer = read(int64(want[i])+1, 0)
	check("before what is gone", ids, older, newer, i, i+limit)
	ids, older, newer = read(0, int64(want[i])-1)
	check("after what is gone", ids, older, newer, i+1-limit, i+1)
	// Past both ends.
	ids, older, newer = read(1, 0)
	check("before everything", ids, older, newer, len(want), len(want))
	ids, older, newer = read(0, int64(want[0])+1)
	check("after everything", ids, older, newer, 0, 0)
}

func TestListSizes(t *testing.T) {
	t.Parallel()
	b, all, _ := listBench(t)
	for limit, want := range map[int]int{0: engine.PageSize, -1: engine.PageSize, 7: 7, 100_000: min(len(all), engine.MaxPageSize)} {
		page, err := b.ListDeliveries(t.Context(), engine.DeliveryFilter{Limit: limit})
		must(t, err)
		if len(page.Rows) != want {
			t.Errorf("a list of %d has %d rows, want %d", limit, len(page.Rows), want)
		}
	}
}
