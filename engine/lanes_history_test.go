package engine_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
)

const (
	modelHistories = 3_000 // random histories in all
	modelPerStore  = 100   // histories that share a database, each with a consumer of its own
	modelSteps     = 16    // random steps of one history

	// soon is how long what follows from a step may take: an outcome waits 10 ms for company.
	soon = 20 * time.Millisecond
	// clearance is how far from a step nothing else may happen by itself, so that it is known what came first.
	clearance = 3 * soon
)

// theatre is a store with an engine that many histories use one after the other.
type theatre struct {
	*testing.T
	store      *db.Store
	deliveries *sql.Stmt // reads all of a consumer's at once
	mortal     *mortalStore
	engine     *engine.Engine
	stage      *stage
}

func openTheatre(t *testing.T) *theatre {
	dir := t.TempDir()
	store, err := db.Open(t.Context(), db.Options{Dir: dir, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "labhook.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	deliveries, err := rows.Prepare(selectStored)
	if err != nil {
		t.Fatal(err)
	}
	th := &theatre{T: t, store: store, deliveries: deliveries, stage: newStage()}
	th.start()
	t.Cleanup(func() {
		if err := errors.Join(th.engine.Stop(context.Background()), deliveries.Close(), rows.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return th
}

func (th *theatre) start() {
	th.mortal = &mortalStore{Store: th.store}
	th.engine = engine.New(engine.Config{
		Guard: enginetest.StrictGuard(), Log: slog.New(slog.DiscardHandler), Transport: th.stage, Grace: time.Nanosecond,
		Limits: engine.Limits{LeastSenders: 64}, // the model does not take it slowly with receivers that give no answers
	}, th.mortal)
	if err := th.engine.Start(th.Context()); err != nil {
		th.Fatal(err)
	}
}

// history plays random steps on a consumer of its own and compares the engine with the model after each.
type history struct {
	*theatre
	rng     *rand.Rand
	model   laneModel
	ids     []engine.DeliveryID // of the model's deliveries
	events  int
	waiters map[int]*waiter // by event
	log     []string
	failed  string
}

// waiter is a sender that waits for the end of an event.
type waiter struct {
	id      engine.EventID
	verdict chan engine.Verdict
	err     chan error
}

// TestLanesLikeTheModel plays random histories. A failure names the seed and the steps of its history.
func TestLanesLikeTheModel(t *testing.T) {
	t.Parallel()
	histories := modelHistories
	if testing.Short() {
		histories = modelPerStore
	}
	for part := range uint64(histories / modelPerStore) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				th := openTheatre(t)
				for n := range uint64(modelPerStore) {
					playHistory(th, part, n)
				}
			})
		})
	}
}

// playHistory plays the history of that seed.
func playHistory(th *theatre, part, n uint64) {
	h := &history{theatre: th, rng: rand.New(rand.NewPCG(part, n)), waiters: map[int]*waiter{}}
	h.furnish()
	for step := 0; step < modelSteps && h.failed == ""; step++ {
		h.step()
	}
	if h.failed == "" {
		h.finish()
	}
	if h.failed != "" {
		h.Fatalf("history of seed %d, %d: %s\n%s", part, n, h.failed, strings.Join(h.log, "\n"))
	}
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, time.Now().UTC().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

func (h *history) fail(format string, args ...any) {
	if h.failed == "" {
		h.failed = fmt.Sprintf(format, args...)
	}
}

// must ends the history when the engine refuses what it should do.
func (h *history) must(err error) {
	if err != nil {
		h.fail("%v", err)
	}
}

// one returns a random element.
func oneOf[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

var modelKinds = []string{
	engine.LabPreBuild, engine.LabFirstDisplayable, engine.LabScored, engine.LabTearingDown, engine.LabTornDown, engine.LabProfileChanged,
}

// furnish makes the consumer and its webhooks.
func (h *history) furnish() {
	var err error
	h.model.consumer, err = h.store.CreateConsumer(h.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	h.must(err)
	for i := range 3 + h.rng.IntN(3) {
		w := engine.NewWebhook(h.model.consumer.ID)
		w.Name, w.URL = string(rune('A'+i)), "http://receiver.example/hook"
		h.dice(&w)
		switch h.rng.IntN(4) {
		case 0:
			w.Events = []string{engine.AllEvents}
		case 1:
			w.Events = []string{oneOf(h.rng, modelKinds...), engine.SystemDeliveryFailed, engine.SystemLabEndRequested, engine.SystemLabNotification}
		default:
			kinds := slices.Clone(modelKinds)
			h.rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
			w.Events = kinds[:1+h.rng.IntN(len(kinds))]
		}
		w, err = h.store.CreateWebhook(h.Context(), engine.System, w)
		h.must(err)
		h.model.webhooks = append(h.model.webhooks, &modelWebhook{Webhook: w})
		h.note("webhook %s", describe(&w))
	}
}

// dice sets what blocking is about.
func (h *history) dice(w *engine.Webhook) {
	w.Blocking, w.EndLabConfirmed = h.rng.IntN(5) < 3, true
	w.Delay = oneOf[time.Duration](h.rng, 0, 0, 0, 1, 3) * time.Second
	w.Timeout = oneOf[time.Duration](h.rng, 2, 5, 9) * time.Second
	w.Retries = h.rng.IntN(3)
	w.ErrorAction = oneOf(h.rng, engine.ErrorActionLog, engine.ErrorActionNotifyUser, engine.ErrorActionEndLab)
}

func describe(w *engine.Webhook) string {
	return fmt.Sprintf("%s: blocking %t, delay %s, timeout %s, retries %d, %s, %v", w.Name, w.Blocking, w.Delay, w.Timeout, w.Retries, w.ErrorAction, w.Events)
}

// step does one random thing.
func (h *history) step() {
	h.part()
	h.clear()
	n := h.rng.IntN(1000)
	for _, s := range []struct {
		weight int
		do     func()
	}{
		{240, h.post},
		{290, h.answerOne},
		{130, h.jump},
		{70, h.edit},
		{25, h.move},
		{45, h.toggleWebhook},
		{10, h.deleteWebhook},
		{40, h.toggleConsumer},
		{105, h.changeDelivery},
		{38, h.openGate},
		{3, h.restart}, // few, as the scheduler of the recurring work stops slowly
		{4, h.crash},
	} {
		if n -= s.weight; n < 0 {
			s.do()
			break
		}
	}
	h.compare()
}

// jump lets time pass: to the next thing that happens by itself, or over many.
func (h *history) jump() {
	for range oneOf(h.rng, 1, 1, 2, 3, 10) {
		h.part()
		h.pass()
	}
}

// pass lets time pass until the next thing has happened by itself, and what would happen too near to it to tell.
func (h *history) pass() {
	list := h.model.deadlines()
	if len(list) == 0 {
		return
	}
	until := list[0].at.Add(soon)
	for _, m := range list {
		if m.at.Before(until.Add(clearance)) {
			until = m.at.Add(soon)
		}
	}
	time.Sleep(time.Until(until))
	h.model.pass(until)
	h.note("time passes")
	h.compare()
}

// clear lets time pass while something would happen by itself too near to the next step.
func (h *history) clear() {
	for list := h.model.deadlines(); len(list) > 0 && time.Until(list[0].at) < clearance && h.failed == ""; list = h.model.deadlines() {
		h.pass()
	}
}

// part answers requests whose timeouts would come together with something else that moves a lane, as nobody could tell
// which was first.
func (h *history) part() {
	for h.failed == "" {
		m, found := h.collision()
		if !found {
			return
		}
		h.clear()
		if slices.Contains(m.delivery.air, m.request) {
			h.answer(m.delivery, m.request, h.rng.IntN(2) == 0)
			h.compare()
		}
	}
}

// collision returns the first timeout that comes together with something else that moves a lane.
func (h *history) collision() (m moment, found bool) {
	var before moment
	for _, m := range h.model.deadlines() {
		sends := m.request == nil && !m.opens && h.model.unusable(m.delivery, m.at) == ""
		if sends {
			continue
		}
		if before.delivery != nil && m.at.Sub(before.at) < clearance {
			switch {
			case m.request != nil:
				return m, true
			case before.request != nil:
				return before, true
			}
		}
		before = m
	}
	return m, false
}

// finish answers everything, and expects that nothing is left.
func (h *history) finish() {
	h.note("finish")
	for range 1000 {
		list := h.model.deadlines()
		if len(list) == 0 || h.failed != "" {
			break
		}
		h.part()
		h.clear()
		if at := slices.IndexFunc(h.model.deadlines(), func(m moment) bool { return m.request != nil }); at >= 0 {
			m := h.model.deadlines()[at]
			h.answer(m.delivery, m.request, true)
		} else {
			h.pass()
		}
		h.compare()
	}
	for i, d := range h.model.deliveries {
		if !d.state.Final() || d.closed {
			h.fail("delivery %d is stuck: %s, its gate is closed: %t", i, d.state, d.closed)
		}
	}
	if len(h.waiters) > 0 {
		h.fail("%d senders wait though everything has ended", len(h.waiters))
	}
	h.checkOrder()
}
