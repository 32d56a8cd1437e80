package engine

import (
	"context"
	"fmt"
	"time"
)

// Accepted is what became of an event that was posted.
type Accepted struct {
	Event *Event
	// Deliveries are those of the event in the order of the webhooks, in the state they were stored in.
	Deliveries []Delivery
	// Duplicate: the same event was accepted before; Event is the first one, Deliveries is empty.
	Duplicate bool
}

// Accept checks an event, matches it to the webhooks and stores it with a delivery for each, all in one
// transaction. When it returns without an error the commit is on disk. Errors are InvalidError, ErrConflict when
// the sender's id or idempotency key was used for another event, and ErrStopping. A caller that goes away does
// not undo what is being stored.
func (e *Engine) Accept(_ context.Context, ev *Event) (Accepted, error) {
	e.life.RLock()
	defer e.life.RUnlock()
	return e.begin(ev)()
}

// AcceptAll accepts several events at once, which share commits, in their order. Each is accepted or refused by itself,
// as Accept does it: the errors stand at the places of their events, nil where there is none.
func (e *Engine) AcceptAll(_ context.Context, events []*Event) ([]Accepted, []error) {
	e.life.RLock()
	defer e.life.RUnlock()
	waiting := make([]func() (Accepted, error), len(events))
	for i, ev := range events {
		waiting[i] = e.begin(ev)
	}
	accepted, errs := make([]Accepted, len(events)), make([]error, len(events))
	for i, wait := range waiting {
		accepted[i], errs[i] = wait()
	}
	return accepted, errs
}

// begin checks an event, matches it and queues it for the store. The function that it returns waits for the commit.
func (e *Engine) begin(ev *Event) func() (Accepted, error) {
	refuse := func(err error) func() (Accepted, error) {
		return func() (Accepted, error) { return Accepted{}, err }
	}
	if e.state != running {
		return refuse(ErrStopping)
	}
	now := time.Now().Truncate(time.Millisecond)
	dir := e.store.Directory()
	if err := ev.Prepare(dir.Catalog(), now); err != nil {
		return refuse(err)
	}
	if ev.ConsumerID != 0 && dir.Consumer(ev.ConsumerID) == nil {
		return refuse(InvalidError{{Field: "consumer", Message: "There is no such API consumer"}})
	}
	wait := e.insert(ev, dir.Match(ev, now), now)
	return func() (Accepted, error) {
		in, err := wait()
		switch {
		case err != nil:
			return Accepted{}, fmt.Errorf("store event: %w", err)
		case in.First == nil:
			return Accepted{Event: ev, Deliveries: in.Deliveries}, nil
		case !in.First.SameAs(ev):
			return Accepted{}, fmt.Errorf("the id or Idempotency-Key was used for another event (%s): %w", in.First.PublicID(), ErrConflict)
		}
		return Accepted{Event: in.First, Duplicate: true}, nil
	}
}

// insert queues an event with a delivery for each webhook. The function that it returns waits for the commit, and must
// be called.
func (e *Engine) insert(ev *Event, webhooks []*Webhook, now time.Time) func() (Inserted, error) {
	type answer struct {
		Inserted
		err error
	}
	stored := make(chan answer, 1)
	offers := make([]Offer, len(webhooks))
	// Ids are made and queued in one go, so that the order of ids is the order of acceptance, which lanes keep.
	e.order.Lock()
	ev.ID = NewID[EventID]()
	for i, w := range webhooks {
		d := NewDelivery(ev, w, now)
		offers[i] = Offer{Delivery: d, Room: d.State == StateQueued && e.dispatcher.reserve(&d, len(ev.Data))}
	}
	e.store.InsertEvent(ev, offers, func(in Inserted, err error) { stored <- answer{in, err} })
	e.order.Unlock()
	return func() (Inserted, error) {
		a := <-stored
		e.dispatcher.handOver(ev, offers, a.Deliveries)
		return a.Inserted, a.err
	}
}
