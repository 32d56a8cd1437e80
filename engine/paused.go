package engine

import (
	"container/heap"
	"context"
	"time"
)

// pause stops sending for a webhook until the time of its next probe, but for what a person asked for; the zero time ends
// the pause.
func (d *dispatcher) pause(id WebhookID, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(id)
	q.pausedUntil = until
	if until.IsZero() {
		q.probe = 0
		d.enter(q)
		d.start()
	} else {
		for _, s := range d.empty(q) {
			if !s.asked {
				d.left = append(d.left, s)
				continue
			}
			d.add(q, 1, len(s.Event.Data))
			q.ready = append(q.ready, s)
		}
		d.enter(q)
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
	s.asked = true
	d.push(q, s)
}

// passes reports whether a delivery that a person asks for must pass the others of its webhook to be sent, for that is
// paused. Without room in memory it waits with them.
func (d *dispatcher) passes(id WebhookID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[id]
	return q != nil && q.paused() && len(q.ready) < d.limits.ReadyPerWebhook && !d.ready.atLeast(d.limits, 1)
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
	if err := d.store.PutBack(context.Background(), now, left); err != nil {
		d.log.Error("put back failed", "deliveries", len(left), "error", err)
	}
	for _, s := range left {
		d.release(&s.Delivery)
		d.announceDue(s.Delivery.WebhookID, s.DueAt)
	}
}
