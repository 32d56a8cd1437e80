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
	if e.state != running {
		return Accepted{}, ErrStopping
	}
	now := time.Now().Truncate(time.Millisecond)
	if err := ev.Prepare(now); err != nil {
		return Accepted{}, err
	}
	dir := e.store.Directory()
	if ev.ConsumerID != 0 && dir.Consumer(ev.ConsumerID) == nil {
		return Accepted{}, InvalidError{{Field: "consumer", Message: "There is no such API consumer"}}
	}
	in, err := e.insert(ev, dir.Match(ev, now), now)
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

// insert stores an event with a delivery for each webhook, and waits for the commit.
func (e *Engine) insert(ev *Event, webhooks []*Webhook, now time.Time) (Inserted, error) {
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
	a := <-stored
	e.dispatcher.handOver(ev, offers, a.Deliveries)
	return a.Inserted, a.err
}
