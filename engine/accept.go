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
func (e *Engine) Accept(ctx context.Context, ev *Event) (Accepted, error) {
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
	ev.ID = NewID[EventID]()
	matched := dir.Match(ev, now)
	deliveries := make([]Delivery, len(matched))
	for i, w := range matched {
		d := NewDelivery(ev, w, now)
		if d.State == StateQueued && e.dispatcher.reserve(&d, len(ev.Data)) {
			// There is room in memory: it is stored as taken and handed over after the commit.
			d, _ = d.Transition(Change{Step: StepSend, Now: now})
		}
		deliveries[i] = d
	}
	first, err := e.store.InsertEvent(context.WithoutCancel(ctx), ev, deliveries)
	if err != nil || first != nil {
		e.dispatcher.giveUp(deliveries, len(ev.Data))
	}
	switch {
	case err != nil:
		return Accepted{}, fmt.Errorf("store event: %w", err)
	case first == nil:
		e.dispatcher.handOver(ev, deliveries)
		return Accepted{Event: ev, Deliveries: deliveries}, nil
	case !first.SameAs(ev):
		return Accepted{}, fmt.Errorf("the id or Idempotency-Key was used for another event (%s): %w", first.PublicID(), ErrConflict)
	}
	return Accepted{Event: first, Duplicate: true}, nil
}
