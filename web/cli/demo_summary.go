package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/receiver"
)

// maxUnexpected is how many unexpected things are printed.
const maxUnexpected = 20

// arrivals remembers what the receiver got, by delivery.
type arrivals struct {
	mu   sync.Mutex
	byID map[string]arrival
}

// arrival is the requests of one delivery.
type arrival struct {
	first    time.Time
	requests int
}

func newArrivals() *arrivals { return &arrivals{byID: map[string]arrival{}} }

func (a *arrivals) note(req receiver.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := req.DeliveryID()
	one := a.byID[id]
	if one.requests == 0 {
		one.first = req.At
	}
	one.requests++
	a.byID[id] = one
}

func (a *arrivals) of(id engine.DeliveryID) arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byID[id.String()]
}

// demoResult is what a demo with an end came to.
type demoResult struct {
	events, types, deliveries, attempts int
	delivered, failed                   int
	unexpected                          []string
	latencies                           []time.Duration // sorted
}

// judge compares every accepted event's deliveries with the script of the webhooks.
func (d *demo) judge(ctx context.Context) (demoResult, error) {
	p := d.platform
	r := demoResult{events: len(p.accepted), types: len(p.counts), unexpected: p.failures}
	deliveries, err := allDeliveries(ctx, d.server.store)
	if err != nil {
		return r, err
	}
	acceptedAt, err := acceptTimes(ctx, d.server.store)
	if err != nil {
		return r, err
	}
	webhooks := map[string]*demoWebhook{}
	for i := range d.webhooks {
		webhooks[d.webhooks[i].Name] = &d.webhooks[i]
	}
	missing := map[[2]string]bool{} // event and webhook that should have a delivery
	for _, e := range p.accepted {
		for _, name := range sentTo(d.webhooks, demoSender(e.eventType), e.eventType) {
			missing[[2]string{e.id, name}] = true
		}
	}
	for _, row := range deliveries {
		key := [2]string{row.EventName, row.WebhookName}
		if !missing[key] {
			r.wrong("event %s has a delivery for %s that should not be", row.EventName, row.WebhookName)
			continue
		}
		delete(missing, key)
		w := webhooks[row.WebhookName]
		got := d.arrivals.of(row.ID)
		r.count(row, w, got)
		if w.Delay == 0 && got.requests > 0 {
			r.latencies = append(r.latencies, max(0, got.first.Sub(acceptedAt[row.EventID])))
		}
	}
	for key := range missing {
		r.wrong("event %s has no delivery for %s", key[0], key[1])
	}
	slices.Sort(r.latencies)
	return r, nil
}

// count takes one delivery into the totals, and notes where it went otherwise than its webhook's script.
func (r *demoResult) count(row engine.DeliveryRow, w *demoWebhook, got arrival) {
	r.deliveries++
	r.attempts += row.Attempts
	switch {
	case row.State != w.state || row.Attempts != w.attempts:
		r.wrong("delivery %s of %s for %s is %s after %d attempts instead of %s after %d",
			row.ID, row.EventName, w.Name, row.State, row.Attempts, w.state, w.attempts)
	case got.requests != row.Attempts:
		r.wrong("delivery %s of %s for %s has %d attempts, but its receiver got %d requests",
			row.ID, row.EventName, w.Name, row.Attempts, got.requests)
	case row.State == engine.StateDelivered:
		r.delivered++
	default:
		r.failed++
	}
}

func (r *demoResult) wrong(format string, args ...any) {
	r.unexpected = append(r.unexpected, fmt.Sprintf(format, args...))
}

func (r *demoResult) print(w io.Writer) {
	fmt.Fprintf(w, "\n  events accepted     %6d   of %d types\n", r.events, r.types)
	fmt.Fprintf(w, "  deliveries          %6d\n", r.deliveries)
	fmt.Fprintf(w, "  attempts            %6d\n", r.attempts)
	fmt.Fprintf(w, "  delivered           %6d\n", r.delivered)
	fmt.Fprintf(w, "  failed as scripted  %6d\n", r.failed)
	fmt.Fprintf(w, "  unexpected          %6d\n", len(r.unexpected))
	fmt.Fprintf(w, "  accepted → received        p50 %s, p99 %s (first attempts of webhooks without delay)\n",
		percentile(r.latencies, 50), percentile(r.latencies, 99))
	for i, text := range r.unexpected {
		if i == maxUnexpected {
			fmt.Fprintf(w, "  … and %d more\n", len(r.unexpected)-i)
			break
		}
		fmt.Fprintf(w, "  ! %s\n", text)
	}
}

// percentile returns the value that p of 100 do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	at := (len(sorted)*p + 99) / 100
	return sorted[max(at, 1)-1].Round(100 * time.Microsecond)
}

// allDeliveries reads every delivery there is.
func allDeliveries(ctx context.Context, store *db.Store) ([]engine.DeliveryRow, error) {
	var all []engine.DeliveryRow
	f := engine.DeliveryFilter{Limit: engine.MaxPageSize}
	for {
		page, err := store.ListDeliveries(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		all = append(all, page.Rows...)
		if !page.Older || len(page.Rows) == 0 {
			return all, nil
		}
		f.Before = page.Rows[len(page.Rows)-1].ID
	}
}

// acceptTimes reads when each event was accepted.
func acceptTimes(ctx context.Context, store *db.Store) (map[engine.EventID]time.Time, error) {
	times := map[engine.EventID]time.Time{}
	f := engine.EventFilter{Limit: engine.MaxPageSize}
	for {
		page, err := store.ListEvents(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		for _, row := range page.Rows {
			times[row.ID] = row.AcceptedAt
		}
		if !page.Older || len(page.Rows) == 0 {
			return times, nil
		}
		f.Before = page.Rows[len(page.Rows)-1].ID
	}
}
