package engine

import (
	"context"
	"fmt"
	"sync"
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
	a, err := e.begin(ev)
	if err != nil {
		return Accepted{}, err
	}
	return e.finish(a)
}

// AcceptAll accepts several events at once, which share commits, in their order. Each is accepted or refused by itself,
// as Accept does it: the errors stand at the places of their events, nil where there is none.
func (e *Engine) AcceptAll(_ context.Context, events []*Event) ([]Accepted, []error) {
	e.life.RLock()
	defer e.life.RUnlock()
	begun, accepted, errs := make([]*acceptance, len(events)), make([]Accepted, len(events)), make([]error, len(events))
	for i, ev := range events {
		begun[i], errs[i] = e.begin(ev)
	}
	for i, a := range begun {
		if errs[i] == nil {
			accepted[i], errs[i] = e.finish(a)
		}
	}
	return accepted, errs
}

// acceptance is an event on its way into the store.
type acceptance struct {
	event  *Event
	offers []Offer

	stored sync.WaitGroup // until what follows is there
	in     Inserted
	err    error
}

// done takes the answer of the store.
func (a *acceptance) done(in Inserted, err error) {
	a.in, a.err = in, err
	a.stored.Done()
}

// begin checks an event, matches it and queues it for the store. What it returns must be given to finish.
func (e *Engine) begin(ev *Event) (*acceptance, error) {
	if e.state != running {
		return nil, ErrStopping
	}
	now := time.Now().Truncate(time.Millisecond)
	dir := e.store.Directory()
	if err := ev.Prepare(dir.Catalog(), now); err != nil {
		return nil, err
	}
	if ev.ConsumerID != 0 && dir.Consumer(ev.ConsumerID) == nil {
		return nil, InvalidError{{Field: "consumer", Message: "There is no such API consumer"}}
	}
	webhooks := dir.Match(ev, now)
	a := &acceptance{event: ev, offers: make([]Offer, len(webhooks))}
	a.stored.Add(1)
	// Ids are made and queued in one go, so that the order of ids is the order of acceptance, which lanes keep.
	e.order.Lock()
	defer e.order.Unlock()
	ev.ID = NewID[EventID]()
	for i, w := range webhooks {
		d := NewDelivery(ev, w, now)
		a.offers[i] = Offer{Delivery: d, Room: d.State == StateQueued && e.dispatcher.reserve(&d, len(ev.Data))}
	}
	e.store.InsertEvent(ev, a.offers, a.done)
	return a, nil
}

// finish waits for the commit.
func (e *Engine) finish(a *acceptance) (Accepted, error) {
	a.stored.Wait()
	e.dispatcher.handOver(a.event, a.offers, a.in.Deliveries)
	switch {
	case a.err != nil:
		return Accepted{}, fmt.Errorf("store event: %w", a.err)
	case a.in.First == nil:
		return Accepted{Event: a.event, Deliveries: a.in.Deliveries}, nil
	case !a.in.First.SameAs(a.event):
		return Accepted{}, fmt.Errorf("the id or Idempotency-Key was used for another event (%s): %w", a.in.First.PublicID(), ErrConflict)
	}
	return Accepted{Event: a.in.First, Duplicate: true}, nil
}
