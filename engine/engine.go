package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"labhook/engine/egress"
)

// DefaultGrace is how long Stop lets running sends finish.
const DefaultGrace = 10 * time.Second

// Config is what an Engine needs to know. Guard and Log are required.
type Config struct {
	Guard     *egress.Guard
	Log       *slog.Logger
	Grace     time.Duration // 0: DefaultGrace
	UserAgent string        // "": Labhook
	Limits    Limits
	// Transport sends the requests; nil: the guard's, which knows about client certificates.
	Transport http.RoundTripper
	// Chance returns a random number from -1 to 1 for the jitter of each wait; nil: math/rand's. Several goroutines
	// call it.
	Chance func() float64
}

// Engine takes events, and sends them. Make one with New, Start it once and Stop it once.
type Engine struct {
	cfg        Config
	store      Store
	log        *slog.Logger
	transport  http.RoundTripper
	client     *egress.Client // what transport is, unless the configuration has one
	dispatcher *dispatcher
	gatekeeper *gatekeeper
	errands    *errands
	waiting    *waitingRoom
	janitor    *janitor
	tests      tests
	inForce    atomic.Pointer[SiteSettings] // what useSettings was last told

	// life is held for reading by whoever accepts work, so that Stop can wait for them.
	life  sync.RWMutex
	state engineState

	order     sync.Mutex     // held while ids are made and their event is queued
	loop      sync.WaitGroup // of the dispatcher, the gatekeeper and the errands
	stopLoop  context.CancelFunc
	sendCtx   context.Context // cancelled when the grace period is over
	interrupt context.CancelCauseFunc
	mu        sync.Mutex
	putBack   []*Sending // interrupted sends
}

type engineState int

const (
	created engineState = iota
	running
	stopped
)

// New returns an engine that works on store. It panics when a required part of the configuration is missing.
func New(cfg Config, store Store) *Engine {
	if cfg.Guard == nil || cfg.Log == nil || store == nil {
		panic("engine: New needs a guard, a log and a store")
	}
	if cfg.Grace <= 0 {
		cfg.Grace = DefaultGrace
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "Labhook"
	}
	if cfg.Chance == nil {
		cfg.Chance = func() float64 { return 2*rand.Float64() - 1 }
	}
	e := &Engine{cfg: cfg, store: store, log: cfg.Log, transport: cfg.Transport}
	if e.transport == nil {
		e.client = cfg.Guard.Client(MaxAnswerHeaders)
		e.transport = e.client
	}
	e.dispatcher = newDispatcher(cfg.Limits.orThose(store.Settings()), store, cfg.Log, e.send)
	e.gatekeeper = newGatekeeper(store, cfg.Log)
	e.errands = newErrands(store, cfg.Log)
	e.waiting = newWaitingRoom()
	e.janitor = newJanitor(cfg.Log)
	e.inForce.Store(store.Settings())
	cfg.Guard.SetPolicy(store.Settings().Networks(), store.Settings().RequireHTTPS)
	store.Watch(watcher{e})
	e.sendCtx, e.interrupt = context.WithCancelCause(context.Background())
	return e
}

// Start puts back what an earlier process left unfinished, and begins to send. ctx bounds the start only.
func (e *Engine) Start(ctx context.Context) error {
	e.life.Lock()
	defer e.life.Unlock()
	if e.state != created {
		return errors.New("engine: started before")
	}
	now := time.Now().Truncate(time.Millisecond)
	if _, err := e.store.PutBackAbandoned(ctx, now, func(DeliveryID) bool { return false }); err != nil {
		return fmt.Errorf("put back what was being sent: %w", err)
	}
	if err := e.store.CancelExpired(ctx, time.Time{}, now); err != nil {
		return err
	}
	e.gatekeeper.expired = now
	if err := e.store.ReleaseLanes(ctx, now, nil); err != nil {
		return fmt.Errorf("release lanes: %w", err)
	}
	paused, err := e.store.Pauses(ctx)
	if err != nil {
		return err
	}
	for _, streak := range paused {
		e.dispatcher.pause(streak.WebhookID, streak.PausedUntil)
	}
	if err := e.sweep(ctx); err != nil {
		return err
	}
	loopCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stopLoop = stop
	e.loop.Go(func() { e.dispatcher.run(loopCtx) })
	e.loop.Go(func() { e.gatekeeper.run(loopCtx) })
	e.loop.Go(func() { e.errands.run(loopCtx) })
	if err := e.janitor.start(loopCtx, e.maintenance()); err != nil {
		stop()
		return fmt.Errorf("start maintenance: %w", err)
	}
	e.state = running
	return nil
}

// Running reports whether events are taken and sent.
func (e *Engine) Running() bool {
	e.life.RLock()
	defer e.life.RUnlock()
	return e.state == running
}

// Stop takes no more work, lets running sends finish for the grace period, or until ctx ends, and puts the rest
// back without counting an attempt. It returns when every outcome is on disk. Calling it again does nothing.
func (e *Engine) Stop(ctx context.Context) error {
	e.life.Lock()
	was := e.state
	e.state = stopped
	e.life.Unlock()
	if was != running {
		return nil
	}
	e.StopWaiting()
	e.stopLoop()
	e.janitor.stop()
	e.loop.Wait()
	unsent := e.dispatcher.stop()

	finished := make(chan struct{})
	go func() {
		e.dispatcher.idle.Wait()
		close(finished)
	}()
	grace := time.NewTimer(e.cfg.Grace)
	defer grace.Stop()
	select {
	case <-finished:
	case <-grace.C:
	case <-ctx.Done():
	}
	e.interrupt(errInterrupted)
	<-finished
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
	unsent = append(unsent, e.putBack...)
	if len(unsent) == 0 {
		return nil
	}
	now := time.Now().Truncate(time.Millisecond)
	if err := e.store.PutBack(context.WithoutCancel(ctx), now, unsent); err != nil {
		return fmt.Errorf("put back %d unfinished deliveries: %w", len(unsent), err)
	}
	e.log.Info("sends put back", "deliveries", len(unsent))
	return nil
}

// Resend asks for one more attempt of a delivery that has ended, under the same id. Directory.MayResend says what is
// refused.
func (e *Engine) Resend(ctx context.Context, who Actor, id DeliveryID) (Delivery, error) {
	return e.change(ctx, who, id, Change{Step: StepResend})
}

// Hasten makes a delivery due that waits for its delay or its next attempt.
func (e *Engine) Hasten(ctx context.Context, who Actor, id DeliveryID) (Delivery, error) {
	return e.change(ctx, who, id, Change{Step: StepHasten})
}

// Cancel ends a delivery that has not ended. An attempt that runs is not broken off, but decides nothing any more.
func (e *Engine) Cancel(ctx context.Context, who Actor, id DeliveryID, reason string) (Delivery, error) {
	return e.change(ctx, who, id, Change{Step: StepCancel, Reason: reason})
}

func (e *Engine) change(ctx context.Context, who Actor, id DeliveryID, c Change) (Delivery, error) {
	e.life.RLock()
	defer e.life.RUnlock()
	if e.state != running {
		return Delivery{}, ErrStopping
	}
	c.Now = time.Now().Truncate(time.Millisecond)
	d, err := e.store.ChangeDelivery(context.WithoutCancel(ctx), who, id, c)
	if err != nil {
		return d, fmt.Errorf("%s delivery: %w", c.Step, err)
	}
	if d.State.Final() {
		e.dispatcher.drop(d.WebhookID, d.ID)
		return d, nil
	}
	return e.askedFor(ctx, d)
}

// askedFor sends a delivery that a person made due.
func (e *Engine) askedFor(ctx context.Context, d Delivery) (Delivery, error) {
	if e.dispatcher.passes(d.WebhookID) {
		return e.sendNow(ctx, d)
	}
	e.dispatcher.announceDue(d.WebhookID, d.DueAt)
	return d, nil
}

// sendNow sends a delivery that a person asked for though its webhook is paused.
func (e *Engine) sendNow(ctx context.Context, d Delivery) (Delivery, error) {
	e.dispatcher.expect(d.ID)
	s, err := e.store.ClaimDelivery(context.WithoutCancel(ctx), time.Now().Truncate(time.Millisecond), d.ID)
	if err != nil {
		e.dispatcher.forget(d.ID)
		if errors.Is(err, ErrConflict) {
			err = nil // it was claimed or cancelled meanwhile
		}
		return d, err
	}
	e.dispatcher.sendNow(s)
	return s.Delivery, nil
}

// ResumeWebhook ends the pause of a webhook by hand: all that waits for it is sent. ErrConflict when it is not paused.
func (e *Engine) ResumeWebhook(ctx context.Context, who Actor, id WebhookID) error {
	return e.store.ResumeWebhook(context.WithoutCancel(ctx), who, id)
}

// InLine reports whether a delivery in StateSending still waits for a sender.
func (e *Engine) InLine(d *Delivery) bool { return e.dispatcher.inLine(d.WebhookID, d.ID) }

// OpenGate opens the gate of a delivery by hand, with a reason for the audit log: its lane goes on, and so does
// the delivery itself. InvalidError without a reason, ErrNotFound when it has no gate, ErrConflict when it is open.
func (e *Engine) OpenGate(ctx context.Context, who Actor, id DeliveryID, reason string) (Gate, error) {
	if err := ValidateReason(reason); err != nil {
		return Gate{}, err
	}
	return e.store.OpenGate(context.WithoutCancel(ctx), who, time.Now().Truncate(time.Millisecond), id, reason)
}

// watcher passes on what commits bring about.
type watcher struct{ *Engine }

// Due tells the dispatcher.
func (w watcher) Due(deliveries []Delivery) {
	for i := range deliveries {
		w.dispatcher.announceDue(deliveries[i].WebhookID, deliveries[i].DueAt)
	}
}

// Ended wakes the senders that wait.
func (w watcher) Ended(ids []EventID) { w.waiting.call(ids) }

// GateClosed tells the gatekeeper.
func (w watcher) GateClosed(opensBy time.Time) { w.gatekeeper.announce(opensBy) }

// ConfigChanged tells the dispatcher and the gatekeeper.
func (w watcher) ConfigChanged() {
	w.dispatcher.configChanged()
	w.gatekeeper.poke()
	w.dropIdentities()
	w.useSettings()
}

// Paused tells the dispatcher.
func (w watcher) Paused(id WebhookID, until time.Time) { w.dispatcher.pause(id, until) }

// LaneLeft tells the gatekeeper.
func (w watcher) LaneLeft(lane LaneID) { w.gatekeeper.left(lane) }

// Unfinished tells the errands.
func (w watcher) Unfinished() { w.errands.more() }

// AddMaintenance adds a recurring piece of work of another package. Call it before Start.
func (e *Engine) AddMaintenance(name string, every time.Duration, run func(context.Context) error) {
	e.janitor.add(upkeep{name: name, every: every, run: run})
}
