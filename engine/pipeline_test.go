package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
)

// arrival is a request as the receiver of these tests saw it.
type arrival struct {
	at     time.Time
	id     string // webhook-id
	header http.Header
	body   string
}

// wire is a transport without a network: it notes what arrives and answers with the status that answer gives.
// Used where time is virtual; the other tests use real HTTP.
type wire struct {
	mu       sync.Mutex
	arrivals []arrival
	// answer is called with the arrival and how many came for that delivery, from 1.
	answer func(ctx context.Context, a arrival, nth int) (int, error)
	// header is that of every answer.
	header http.Header
	// through sends the request on; nil: answer decides.
	through http.RoundTripper
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.through != nil {
		return w.through.RoundTrip(req)
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	a := arrival{at: time.Now(), id: req.Header.Get("Webhook-Id"), header: req.Header, body: string(body)}
	w.mu.Lock()
	w.arrivals = append(w.arrivals, a)
	nth := 0
	for _, other := range w.arrivals {
		if other.id == a.id {
			nth++
		}
	}
	w.mu.Unlock()
	status, err := http.StatusOK, error(nil)
	if w.answer != nil {
		status, err = w.answer(req.Context(), a, nth)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Proto: "HTTP/1.1", StatusCode: status, Header: w.header.Clone(), Body: io.NopCloser(strings.NewReader("")), Request: req,
	}, nil
}

func (w *wire) seen() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.arrivals)
}

// bench is a store with one consumer, and an engine that sends over a wire.
type bench struct {
	t        *testing.T
	store    *db.Store
	engine   *engine.Engine
	wire     *wire
	consumer engine.APIConsumer
	chance   func() float64 // nil: the engine's own
	log      *slog.Logger   // of the engines that start begins
}

func setup(t *testing.T, limits engine.Limits) *bench {
	t.Helper()
	return setupWithChance(t, limits, nil)
}

func setupWithChance(t *testing.T, limits engine.Limits, chance func() float64) *bench {
	t.Helper()
	b := &bench{t: t, store: dbtest.Open(t), wire: &wire{}, chance: chance, log: slog.New(slog.DiscardHandler)}
	c, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	b.consumer = c
	b.start(limits)
	return b
}

// start begins a new engine on the bench's store.
func (b *bench) start(limits engine.Limits) {
	b.t.Helper()
	e := engine.New(engine.Config{
		Guard: enginetest.StrictGuard(), Log: b.log, Transport: b.wire, Limits: limits, Grace: 5 * time.Second,
		Chance: b.chance,
	}, b.store)
	if err := e.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.engine = e
	b.t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			b.t.Error(err)
		}
	})
}

func (b *bench) webhook(change func(*engine.Webhook)) engine.Webhook {
	b.t.Helper()
	w := engine.NewWebhook(b.consumer.ID)
	w.Name = fmt.Sprintf("hook %d", len(b.store.Directory().Webhooks(b.consumer.ID)))
	w.Events = []string{engine.LabScored}
	w.URL = "http://receiver.example/hook"
	if change != nil {
		change(&w)
	}
	w, err := b.store.CreateWebhook(b.t.Context(), engine.System, w)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) post(id string) engine.Accepted {
	b.t.Helper()
	acc, err := b.engine.Accept(b.t.Context(), &engine.Event{SenderID: id, Type: engine.LabScored, Data: engine.SampleLabDetails().Body()})
	if err != nil {
		b.t.Fatal(err)
	}
	return acc
}

func (b *bench) delivery(id engine.DeliveryID) engine.DeliveryRow {
	b.t.Helper()
	d, err := b.store.Delivery(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

func (b *bench) attempts(id engine.DeliveryID) []engine.Attempt {
	b.t.Helper()
	list, err := b.store.Attempts(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// settle lets virtual time pass.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestDelayAndStudioWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return http.StatusServiceUnavailable, nil }
		b.webhook(func(w *engine.Webhook) { w.Delay, w.Retries = 7*time.Second, 5 })
		accepted := time.Now()
		acc := b.post("")
		if got := acc.Deliveries[0].State; got != engine.StateScheduled {
			t.Fatalf("state after accept = %s, want scheduled", got)
		}
		settle(time.Minute)

		var after []time.Duration
		for _, a := range b.wire.seen() {
			after = append(after, a.at.Sub(accepted).Round(10*time.Millisecond))
		}
		want := []time.Duration{7 * time.Second, 8 * time.Second, 10 * time.Second, 13 * time.Second, 17 * time.Second, 22 * time.Second}
		if !slices.Equal(after, want) {
			t.Errorf("attempts after %v, want %v", after, want)
		}
		d := b.delivery(acc.Deliveries[0].ID)
		if d.State != engine.StateFailed || d.Attempts != 6 || d.LastStatus != 503 || d.LastClass != engine.ClassStatus {
			t.Errorf("delivery = %+v, want failed after 6 attempts with 503", d.Delivery)
		}
		for i, a := range b.attempts(d.ID) {
			wantKind := engine.OutcomeRetry
			if i == 5 {
				wantKind = engine.OutcomeGiveUp
			}
			if a.Number != i+1 || a.Outcome.Kind != wantKind {
				t.Errorf("attempt %d = number %d, %s; want %s", i+1, a.Number, a.Outcome.Kind, wantKind)
			}
		}
	})
}

func TestFailsTwiceThenSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(_ context.Context, _ arrival, nth int) (int, error) {
			if nth <= 2 {
				return http.StatusInternalServerError, nil
			}
			return http.StatusNoContent, nil
		}
		b.webhook(nil)
		acc := b.post("")
		settle(time.Minute)
		seen := b.wire.seen()
		if len(seen) != 3 {
			t.Fatalf("%d requests, want 3", len(seen))
		}
		for i, a := range seen {
			if a.id != acc.Deliveries[0].ID.String() || a.header.Get("Labhook-Attempt") != fmt.Sprint(i+1) {
				t.Errorf("request %d has webhook-id %s and attempt %s", i+1, a.id, a.header.Get("Labhook-Attempt"))
			}
			if a.body != string(engine.SampleLabDetails().Body()) {
				t.Errorf("request %d has body %s", i+1, a.body)
			}
		}
		if d := b.delivery(acc.Deliveries[0].ID); d.State != engine.StateDelivered || d.Attempts != 3 || d.LastClass != "" {
			t.Errorf("delivery = %+v, want delivered after 3 attempts", d.Delivery)
		}
	})
}

func TestTimeoutEndsAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(ctx context.Context, _ arrival, _ int) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		b.webhook(func(w *engine.Webhook) { w.Timeout, w.Retries = 9*time.Second, 0 })
		acc := b.post("")
		settle(8 * time.Second)
		if d := b.delivery(acc.Deliveries[0].ID); d.State != engine.StateSending {
			t.Fatalf("state before the timeout = %s, want sending", d.State)
		}
		settle(2 * time.Second)
		d := b.delivery(acc.Deliveries[0].ID)
		if d.State != engine.StateFailed || d.LastClass != engine.ClassTimeout {
			t.Errorf("delivery = %+v, want failed with timeout", d.Delivery)
		}
		if a := b.attempts(d.ID)[0]; a.Duration() < 9*time.Second || a.Duration() > 9*time.Second+100*time.Millisecond {
			t.Errorf("attempt took %s, want 9 s", a.Duration())
		}
	})
}

func TestStopFinishesWithinGraceAndPutsTheRestBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		takes := map[string]time.Duration{"short": 3 * time.Second, "long": time.Hour}
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			select {
			case <-time.After(takes[a.header.Get("Labhook-Event-Id")]):
				return http.StatusOK, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		b.webhook(func(w *engine.Webhook) { w.Timeout = engine.MaxTimeout })
		short, long := b.post("short"), b.post("long")
		synctest.Wait()
		if err := b.engine.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.LabScored, Data: []byte(`{}`)}); !errors.Is(err, engine.ErrStopping) {
			t.Errorf("Accept after Stop = %v, want ErrStopping", err)
		}
		if d := b.delivery(short.Deliveries[0].ID); d.State != engine.StateDelivered {
			t.Errorf("short send is %s, want delivered", d.State)
		}
		d := b.delivery(long.Deliveries[0].ID)
		if d.State != engine.StateQueued || d.Attempts != 0 {
			t.Errorf("long send is %s with %d attempts, want queued with none counted", d.State, d.Attempts)
		}

		takes["long"] = 0
		b.start(engine.Limits{})
		settle(time.Second)
		if d := b.delivery(d.ID); d.State != engine.StateDelivered || d.Attempts != 1 {
			t.Errorf("after the second start it is %s with %d attempts, want delivered with 1", d.State, d.Attempts)
		}
	})
}

func TestNextStartSendsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(nil)
		// The rows that a process leaves that dies between its commit and its answer.
		ev := &engine.Event{ID: engine.NewID[engine.EventID](), Type: engine.LabScored, Data: engine.SampleLabDetails().Body()}
		if err := ev.Prepare(engine.BuiltIn, time.Now()); err != nil {
			t.Fatal(err)
		}
		d := engine.NewDelivery(ev, &w, time.Now())
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored := make(chan error, 1)
		b.store.InsertEvent(ev, []engine.Offer{{Delivery: d, Room: true}}, func(_ engine.Inserted, err error) { stored <- err })
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
		b.start(engine.Limits{})
		settle(time.Second)
		if got := b.delivery(d.ID); got.State != engine.StateDelivered {
			t.Errorf("delivery is %s, want delivered", got.State)
		}
	})
}
