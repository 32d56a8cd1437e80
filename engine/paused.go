package engine

import (
	"container/heap"
	"context"
	"time"
)

// pause stops sending for a webhook until the time of its next probe; the zero time ends the pause.
func (d *dispatcher) pause(id WebhookID, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(id)
	q.pausedUntil = until
	if until.IsZero() {
		q.pass, q.probe = 0, 0
		d.enter(q)
		d.start()
	} else {
		d.left = append(d.left, d.empty(q)...)
	}
	if q.place >= 0 {
		heap.Fix(&d.due, q.place)
	} else {
		d.await(q)
	}
	d.makeRoom()
	d.poke()
}

// expected stands in held for the claim of a delivery that is about to be taken outside of the loop.
const expected = -1

// expect keeps a rescue from touching a delivery that is about to be taken outside of the loop.
func (d *dispatcher) expect(id DeliveryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.held[id]; !ok {
		d.held[id] = expected
	}
}

// forget takes that back.
func (d *dispatcher) forget(id DeliveryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[id] == expected {
		delete(d.held, id)
	}
}

// sendNow makes a delivery ready that a person asked for, also when its webhook is paused.
func (d *dispatcher) sendNow(s *Sending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(s.Delivery.WebhookID)
	d.hold(q, s.Delivery.ID, s.Delivery.Claim, len(s.Event.Data))
	d.push(q, s, true)
}

// paused reports whether a webhook is paused.
func (d *dispatcher) paused(id WebhookID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[id]
	return q != nil && q.paused()
}

// putBackLeft puts back what was ready for webhooks that were paused. What cannot be stored now the rescue finds.
func (d *dispatcher) putBackLeft() {
	d.mu.Lock()
	left := d.left
	d.left = nil
	d.mu.Unlock()
	if len(left) == 0 {
		return
	}
	now := time.Now().Truncate(time.Millisecond)
	ids := make([]DeliveryID, len(left))
	for i, s := range left {
		ids[i] = s.Delivery.ID
	}
	if err := d.store.PutBack(context.Background(), now, ids); err != nil {
		d.log.Error("put back failed", "deliveries", len(ids), "error", err)
	}
	for _, s := range left {
		d.release(&s.Delivery)
		d.announceDue(s.Delivery.WebhookID, now)
	}
}
