package db

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"labhook/engine"
)

// laneBench is a bench whose webhook is blocking, with a second one that is not.
type laneBench struct {
	*bench
	gate, plain engine.Webhook
}

func setupLane(t testing.TB) *laneBench {
	t.Helper()
	b := &laneBench{bench: setup(t)}
	w := b.webhook
	w.Blocking, w.Retries = true, 0
	w.Events = []string{engine.LabPreBuild}
	var err error
	b.gate, err = b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	b.plain = b.newWebhook(t, b.consumer.ID, "Plain")
	return b
}

// post stores an event about a lab instance with a delivery for each webhook, and returns them as they were stored.
func (b *laneBench) post(t testing.TB, kind, subject string, webhooks ...engine.Webhook) []engine.Delivery {
	t.Helper()
	e := newEvent()
	e.Type, e.Subject = kind, subject
	offers := make([]engine.Offer, len(webhooks))
	for i := range webhooks {
		d := engine.NewDelivery(e, &webhooks[i], start)
		offers[i] = engine.Offer{Delivery: d, Room: d.State == engine.StateQueued}
	}
	type answer struct {
		in  engine.Inserted
		err error
	}
	done := make(chan answer, 1)
	b.InsertEvent(e, offers, func(in engine.Inserted, err error) { done <- answer{in, err} })
	a := <-done
	must(t, a.err)
	return a.in.Deliveries
}

// hold fills a lane: n deliveries behind a gate, which is returned.
func (b *laneBench) hold(t testing.TB, subject string, n int) engine.Delivery {
	t.Helper()
	gate := b.post(t, engine.LabPreBuild, subject, b.gate)[0]
	done := make(chan error, n)
	for range n {
		e := newEvent()
		e.Subject = subject
		offer := engine.Offer{Delivery: engine.NewDelivery(e, &b.plain, start), Room: true}
		b.InsertEvent(e, []engine.Offer{offer}, func(_ engine.Inserted, err error) { done <- err })
	}
	for range n {
		must(t, <-done)
	}
	return gate
}

func (b *laneBench) count(t testing.TB, state engine.DeliveryState) int {
	t.Helper()
	n, _, err := b.CountDeliveries(t.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{state}}, 1_000_000)
	must(t, err)
	return n
}

// hearsay is a watcher that notes what it is told.
type hearsay struct {
	mu         sync.Mutex
	left       []engine.LaneID
	ended      []engine.EventID
	all        int // times that the end of any events was told
	due        int
	unfinished int
}

func (h *hearsay) Due(deliveries []engine.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due += len(deliveries)
}

func (h *hearsay) Ended(ids []engine.EventID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ids == nil {
		h.all++
	}
	h.ended = append(h.ended, ids...)
}

func (h *hearsay) ConfigChanged() {}

func (h *hearsay) GateClosed(time.Time) {}

func (h *hearsay) Paused(engine.WebhookID, time.Time) {}

func (h *hearsay) Unfinished() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unfinished++
}

func (h *hearsay) LaneLeft(lane engine.LaneID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = append(h.left, lane)
}

// take returns the lanes with more to release, and forgets them.
func (h *hearsay) take() []engine.LaneID {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := h.left
	h.left = nil
	return left
}

// longLane is how many deliveries a long lane holds; a multiple of releaseAtOnce.
func longLane() int {
	if testing.Short() {
		return 4 * releaseAtOnce
	}
	return 10_000
}

func TestLongLaneIsReleasedInPieces(t *testing.T) {
	t.Parallel()
	b, held := setupLane(t), longLane()
	gate := b.hold(t, "1", held-1)
	heard := &hearsay{}
	b.Watch(heard)
	pieces := 0
	release := func(run func()) {
		t.Helper()
		before := b.writer.commits.Load()
		run()
		pieces++
		if n := b.writer.commits.Load() - before; n != 1 {
			t.Fatalf("piece %d took %d transactions", pieces, n)
		}
		if n, want := b.count(t, engine.StateQueued), pieces*releaseAtOnce; n != want {
			t.Fatalf("after %d pieces %d deliveries are released, want %d", pieces, n, want)
		}
	}
	release(func() { b.record(t, attempt(gate, b.gate, 1, 200)) })
	if d := b.post(t, engine.LabTornDown, "1", b.plain)[0]; d.State != engine.StateHeld {
		t.Errorf("an event that comes while older ones wait to be released is %s, want held", d.State)
	}
	for left := heard.take(); len(left) > 0; left = heard.take() {
		// Between two pieces others have their turn.
		if d := b.post(t, engine.LabScored, "2", b.plain)[0]; d.State != engine.StateSending {
			t.Fatalf("a delivery of another lane is %s, want sending", d.State)
		}
		release(func() { must(t, b.ReleaseLanes(t.Context(), start, left)) })
	}
	if want := held / releaseAtOnce; pieces != want || heard.due != held {
		t.Errorf("%d pieces made %d deliveries due, want %d and %d", pieces, heard.due, want, held)
	}
	if n := b.count(t, engine.StateHeld); n != 0 {
		t.Errorf("%d deliveries are still held", n)
	}
}

// TestReleaseGoesOnAfterCrash: which lanes have more to release is told to the engine only, so a new one looks.
func TestReleaseGoesOnAfterCrash(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	waiting := b.hold(t, "1", 1)
	gate := b.hold(t, "2", releaseAtOnce+2)
	b.record(t, attempt(gate, b.gate, 1, 200))
	must(t, b.ReleaseLanes(t.Context(), start, nil))
	if n := b.count(t, engine.StateHeld); n != 1 {
		t.Errorf("%d deliveries are held, want the one behind the gate of %s", n, waiting.ID)
	}
}

// TestManyLanesAreReleasedInPieces opens all gates of a webhook at once.
func TestManyLanesAreReleasedInPieces(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	w := b.gate
	w.Delay = time.Hour
	var err error
	b.gate, err = b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	const lanes, each = 30, 40
	for i := range lanes {
		b.hold(t, fmt.Sprint(i), each)
	}
	heard := &hearsay{}
	b.Watch(heard)
	_, err = b.SetWebhookEnabled(t.Context(), dana, b.gate.ID, false)
	must(t, err)
	for released := releaseAtOnce; released < lanes*each; released += releaseAtOnce {
		if n := b.count(t, engine.StateQueued); n != released {
			t.Fatalf("%d deliveries are released, want %d", n, released)
		}
		must(t, b.ReleaseLanes(t.Context(), start, heard.take()))
	}
	if n := b.count(t, engine.StateQueued); n != lanes*each || len(heard.take()) > 0 {
		t.Errorf("%d deliveries are released in the end, want %d", n, lanes*each)
	}
}

func TestEndLabSkipsLongLane(t *testing.T) {
	t.Parallel()
	b, held := setupLane(t), longLane()
	w := b.gate
	w.ErrorAction = engine.ErrorActionEndLab
	gate, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	closed := b.hold(t, "1", held)
	down := b.post(t, engine.LabTearingDown, "1", b.plain)[0]
	other := b.hold(t, "2", 1)
	heard := &hearsay{}
	b.Watch(heard)
	before := b.writer.commits.Load()
	b.record(t, attempt(closed, gate, 1, 500))
	if n := b.writer.commits.Load() - before; n != 1 {
		t.Errorf("the lab was ended in %d transactions", n)
	}
	if n := b.count(t, engine.StateSkipped); n != held {
		t.Errorf("%d deliveries are skipped, want %d", n, held)
	}
	if state := b.state(t, down.ID); state != engine.StateQueued {
		t.Errorf("Tearing Down is %s, want queued", state)
	}
	if n := b.count(t, engine.StateHeld); n != 1 || b.state(t, other.ID) != engine.StateSending {
		t.Errorf("%d deliveries of the other lab are held, want 1", n)
	}
	if n := len(heard.ended); n != held+1 || heard.all != 0 {
		t.Errorf("the ends of %d events were told, want %d", n, held+1)
	}
}

// TestLaneFillsAgainInOneTransaction empties a lane and closes its next gate in the same transaction.
func TestLaneFillsAgainInOneTransaction(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	gate := b.hold(t, "1", 0)
	resume := pause(t, b.writer)
	b.RecordAttempt(attempt(gate, b.gate, 1, 200), func(_ engine.Delivery, err error) { must(t, err) })
	before := b.writer.commits.Load()
	e := newEvent()
	e.Type, e.Subject = engine.LabPreBuild, "1"
	next := engine.NewDelivery(e, &b.gate, start)
	stored := make(chan error, 1)
	b.InsertEvent(e, []engine.Offer{{Delivery: next, Room: true}}, func(in engine.Inserted, err error) {
		if err == nil {
			next = in.Deliveries[0]
		}
		stored <- err
	})
	resume()
	must(t, <-stored)
	if n := b.writer.commits.Load() - before; n != 1 {
		t.Fatalf("%d transactions, want 1", n)
	}
	if d := b.post(t, engine.LabScored, "1", b.plain)[0]; d.State != engine.StateHeld {
		t.Errorf("behind the second gate a delivery is %s, want held", d.State)
	}
	b.record(t, attempt(next, b.gate, 1, 200))
	if d := b.post(t, engine.LabScored, "1", b.plain)[0]; d.State != engine.StateSending {
		t.Errorf("in an empty lane a delivery is %s, want sending", d.State)
	}
	if n := len(b.writer.store.busy); n != 0 {
		t.Errorf("%d lanes are taken for busy, want none", n)
	}
}

// TestLanesAreKnownAfterReopen: a store that comes to a database with a closed gate holds what comes next, also when no
// webhook is blocking any more.
func TestLanesAreKnownAfterReopen(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	dir := filepath.Dir(b.path)
	gate := b.hold(t, "1", 0)
	w := b.gate
	w.Blocking = false
	_, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	must(t, b.Close())
	b.Store = open(t, Options{Dir: dir})
	if d := b.post(t, engine.LabScored, "1", b.plain)[0]; d.State != engine.StateHeld {
		t.Errorf("behind a closed gate a delivery is %s, want held", d.State)
	}
	if d := b.post(t, engine.LabScored, "2", b.plain)[0]; d.State != engine.StateSending || d.Lane != 0 {
		t.Errorf("of a lab that nothing blocks a delivery is %s in lane %d, want sending in none", d.State, d.Lane)
	}
	b.record(t, attempt(gate, b.gate, 1, 200))
	if n := b.count(t, engine.StateHeld); n != 0 {
		t.Errorf("%d deliveries are held after the gate opened", n)
	}
}

// TestStreakInOneGroup ends a webhook's streak and begins the next one in the same transaction.
func TestStreakInOneGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook
	w.Retries = 0
	w, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	finish := func(status int) func() {
		d := b.accept(t, w, engine.StateSending, time.Time{})
		return func() { b.RecordAttempt(attempt(d, w, 1, status), func(_ engine.Delivery, err error) { must(t, err) }) }
	}
	finish(500)()
	delivered, failed := finish(200), finish(500)
	resume := pause(t, b.writer)
	delivered()
	failed()
	resume()
	finish(200)()
	b.accept(t, w, engine.StateSending, time.Time{}) // the writer has done the others when it answers
	n, err := list(t.Context(), b.Store, number, "SELECT attempts FROM streaks")
	must(t, err)
	if len(n) != 0 {
		t.Errorf("a webhook whose latest delivery succeeded has failed %v times in a row", n)
	}
}

// TestSystemEventsRaiseNone: deliveries of system events fail without raising another.
func TestSystemEventsRaiseNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook
	w.Retries, w.Events = 0, []string{engine.LabScored, engine.SystemDeliveryFailed, engine.SystemWebhookFailing, engine.SystemWebhookRecovered}
	w, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	b.record(t, attempt(b.accept(t, w, engine.StateSending, time.Time{}), w, 1, 500))
	for range 2 * engine.FailingAfter {
		claims, err := b.ClaimDue(t.Context(), time.Now(), []engine.Want{{WebhookID: w.ID, Limit: 100}})
		must(t, err)
		for _, s := range claims[0].Taken {
			b.record(t, attempt(s.Delivery, w, 1, 500))
			_, err := b.ChangeDelivery(t.Context(), dana, s.Delivery.ID, engine.Change{Step: engine.StepResend, Now: start})
			must(t, err)
		}
	}
	events, err := b.ListEvents(t.Context(), engine.EventFilter{})
	must(t, err)
	var kinds []string
	for _, e := range events.Rows {
		kinds = append(kinds, e.Type)
	}
	if want := []string{engine.SystemDeliveryFailed, engine.LabScored}; !slices.Equal(kinds, want) {
		t.Errorf("events are %v, want %v", kinds, want)
	}
}

// TestOutOfUseSinceMatched: a webhook is disabled between the matching of an event and its commit.
func TestOutOfUseSinceMatched(t *testing.T) {
	t.Parallel()
	b := setupLane(t)
	_, err := b.SetWebhookEnabled(t.Context(), dana, b.gate.ID, false)
	must(t, err)
	late := b.post(t, engine.LabPreBuild, "1", b.gate, b.plain) // b.gate is what it was
	if late[0].State != engine.StateCancelled || late[0].Reason == "" || late[1].State != engine.StateSending {
		t.Errorf("deliveries are %s because %q and %s, want cancelled and sending", late[0].State, late[0].Reason, late[1].State)
	}
}
