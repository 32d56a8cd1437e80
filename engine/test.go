package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How many tests may run at once: a test waits for its receiver, and that may take MaxTimeout.
const (
	MaxTests           = 16
	MaxTestsPerWebhook = 4
)

// errTestLost: the attempt was made, or not, and nobody knows what came of it.
var errTestLost = errors.New("the result of the test was lost")

// BusyError says that as many tests run as may at once. Nothing was stored or sent.
type BusyError struct {
	Running int
	All     bool // of all webhooks together, else of one
}

// Error says what to do.
func (e BusyError) Error() string {
	of := "this webhook"
	if e.All {
		of = "webhooks"
	}
	return fmt.Sprintf("%d tests of %s run already, which is the most at once; try again when one has ended", e.Running, of)
}

// Example is what a test of a webhook sends.
type Example struct {
	Type    string          // code or label of an event type; empty: the first one that the webhook listens to
	Data    json.RawMessage // a JSON object; empty: the type's sample
	Subject string          // what the event is about; empty: as the data say
	Force   bool            // send it though the webhook, or its API consumer, is out of use
}

// Tested is a test and what came of it.
type Tested struct {
	Event    *Event
	Delivery Delivery
	Attempt  Attempt // zero until it has ended
}

// RunningTest is a test that is on disk and whose attempt is being made.
type RunningTest struct {
	Event    *Event
	Delivery Delivery // in StateSending

	done    chan struct{}
	outcome Tested // with err: to be read once done is closed
	err     error
}

// Wait returns what came of the test: its attempt, which may have failed. An error is one of this host alone:
// ErrStopping when a shutdown interrupted the test. When ctx ends before the test does, Wait returns the error of ctx,
// and the test goes on.
func (t *RunningTest) Wait(ctx context.Context) (Tested, error) {
	select {
	case <-t.done:
		return t.outcome, t.err
	case <-ctx.Done():
		return Tested{Event: t.Event, Delivery: t.Delivery}, ctx.Err()
	}
}

// Test sends an example to a webhook and waits for what comes of it. See StartTest.
func (e *Engine) Test(ctx context.Context, who Actor, id WebhookID, x Example) (Tested, error) {
	t, err := e.StartTest(who, id, x)
	if err != nil {
		return Tested{}, err
	}
	return t.Wait(ctx)
}

// Ping asks the receiver of a webhook, in use or not, whether it answers, with an event SystemWebhookPing. See StartTest.
func (e *Engine) Ping(ctx context.Context, who Actor, id WebhookID) (Tested, error) {
	return e.Test(ctx, who, id, PingExample())
}

// PingExample is what Ping sends.
func PingExample() Example { return Example{Type: SystemWebhookPing, Force: true} }

// StartTest stores an event that concerns one webhook alone, with its delivery, and makes one attempt at once, past
// all queues, lanes, pauses and delays. Whatever comes of it, it is not tried again, not counted, applies no error
// action and changes nothing about the webhook. It returns when the test is on disk. Errors are InvalidError,
// ErrNotFound, BusyError and ErrStopping.
func (e *Engine) StartTest(who Actor, id WebhookID, x Example) (*RunningTest, error) {
	e.life.RLock()
	defer e.life.RUnlock()
	if e.state != running {
		return nil, ErrStopping
	}
	now := time.Now().Truncate(time.Millisecond)
	dir := e.store.Directory()
	w := dir.Webhook(id)
	if w == nil {
		return nil, ErrNotFound
	}
	ev, err := newTestEvent(dir, w, who, x, now)
	if err != nil {
		return nil, err
	}
	if err := e.tests.enter(id); err != nil {
		return nil, err
	}
	t := &RunningTest{Event: ev, Delivery: newTestDelivery(ev, w, now), done: make(chan struct{})}
	e.dispatcher.expect(t.Delivery.ID)
	if err := e.store.InsertTest(context.Background(), who, ev, t.Delivery); err != nil {
		e.dispatcher.forget(t.Delivery.ID)
		e.tests.leave(id)
		return nil, fmt.Errorf("store test: %w", err)
	}
	e.dispatcher.idle.Go(func() { e.runTest(t, w) })
	return t, nil
}

// newTestEvent returns the event of a test.
func newTestEvent(dir *Directory, w *Webhook, who Actor, x Example, now time.Time) (*Event, error) {
	catalog := dir.Catalog()
	ev := &Event{
		ID: NewID[EventID](), Type: x.Type, ConsumerID: w.ConsumerID, Subject: x.Subject, Data: x.Data,
		Source: who.Name, SourceIP: who.IP, Test: true,
	}
	if ev.Type == "" {
		ev.Type = w.FirstEvent(catalog)
	}
	if kind, ok := catalog.Find(ev.Type); ok && len(ev.Data) == 0 {
		ev.Data = kind.Sample()
		if kind.Code == SystemWebhookPing {
			ev.Data = pingData(w, now)
		}
	}
	var bad InvalidError
	if reason := dir.Unusable(w.ID, now); reason != "" && !x.Force {
		bad.add("force", "%s Force the test to send the example all the same", reason)
	}
	err := ev.Prepare(catalog, now)
	if invalid, ok := errors.AsType[InvalidError](err); ok {
		bad = append(invalid, bad...)
	} else if err != nil {
		return nil, err
	}
	return ev, bad.orNil()
}

// pingData are the data of a ping.
func pingData(w *Webhook, now time.Time) json.RawMessage {
	data, err := json.Marshal(SystemEvent{
		Type: SystemWebhookPing, Timestamp: now.UTC(), Consumer: w.ConsumerID.String(), Webhook: w.ID.String(),
		WebhookName: w.Name, EventType: SkilljarPing,
	})
	if err != nil {
		panic(err) // nothing in it can fail to be written
	}
	return data
}

// FirstEvent returns the code of the first event type that the webhook listens to.
func (w *Webhook) FirstEvent(c *Catalog) string {
	if len(w.Events) > 0 && w.Events[0] != AllEvents {
		return w.Events[0]
	}
	return c.All()[0].Code
}

// newTestDelivery returns the delivery of a test, as a sender has it. It has no lane and is not blocking.
func newTestDelivery(ev *Event, w *Webhook, now time.Time) Delivery {
	return Delivery{
		ID: NewID[DeliveryID](), EventID: ev.ID, ConsumerID: w.ConsumerID, WebhookID: w.ID, State: StateSending, Test: true,
		Trigger: TriggerTest, Claim: 1, CreatedAt: now,
	}
}

// runTest makes the attempt of a test and waits until its outcome is on disk.
func (e *Engine) runTest(t *RunningTest, w *Webhook) {
	s := &Sending{Delivery: t.Delivery, Event: t.Event}
	defer close(t.done)
	defer e.tests.leave(w.ID)
	defer e.dispatcher.forget(t.Delivery.ID)
	defer e.keepGoing(s)
	t.outcome, t.err = Tested{Event: t.Event, Delivery: t.Delivery}, errTestLost
	r := e.attempt(e.sendCtx, w, s)
	if r.Change.Step == StepInterrupt {
		t.err = ErrStopping
		e.mu.Lock()
		defer e.mu.Unlock()
		e.putBack = append(e.putBack, s)
		return
	}
	once(&r)
	e.logAttempt(s, &r)
	stored := make(chan struct{})
	e.store.RecordAttempt(r, func(d Delivery, err error) {
		t.outcome.Delivery, t.outcome.Attempt, t.err = d, r.Attempt, err
		close(stored)
	})
	<-stored
	if t.err != nil {
		// The row still says that it is being sent: the rescue cancels it.
		t.outcome = Tested{Event: t.Event, Delivery: t.Delivery}
		e.log.Error("record failed", "delivery", t.Delivery.ID.String(), "error", t.err)
	}
}

// once makes what the webhook's policy would do next the end of a test.
func once(r *Record) {
	o := &r.Attempt.Outcome
	if o.Kind == OutcomeRetry {
		o.Kind = OutcomeGiveUp
	}
	o.RetryAt, o.Deactivate = time.Time{}, ""
	r.Change = o.Change(r.Change.Now, r.Change.Status)
}

// tests counts those that run. The zero value is ready to be used.
type tests struct {
	mu      sync.Mutex
	running map[WebhookID]int
	all     int
}

// enter counts one more test of a webhook, or returns a BusyError.
func (t *tests) enter(id WebhookID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.running[id] >= MaxTestsPerWebhook:
		return BusyError{Running: MaxTestsPerWebhook}
	case t.all >= MaxTests:
		return BusyError{Running: MaxTests, All: true}
	case t.running == nil:
		t.running = map[WebhookID]int{}
	}
	t.running[id]++
	t.all++
	return nil
}

// leave takes one off the count.
func (t *tests) leave(id WebhookID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.running[id]--; t.running[id] == 0 {
		delete(t.running, id)
	}
}
