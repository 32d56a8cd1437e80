package engine

import "slices"

// load is deliveries in memory and the bytes of their events' data.
type load struct{ deliveries, bytes int }

// sharePart is which part of the room in memory a share has.
const sharePart = 4

// share is what is in memory of queues that may have only a part of the room.
type share struct {
	load
	crowded []*queue // those that find no room
}

// room reports whether one more delivery may stand ready for the webhook.
func (d *dispatcher) room(q *queue) bool {
	if s := d.share(q); s != nil && s.atLeast(d.limits, sharePart) {
		return false
	}
	return !d.ready.atLeast(d.limits, 1) && len(q.ready)+q.reserved < q.roomFor(d.limits.ReadyPerWebhook)
}

// share returns the share of the room in memory that a queue is kept to; nil: to none.
func (d *dispatcher) share(q *queue) *share {
	switch {
	case q.lame:
		return &d.lame
	case q.aside():
		return &d.aside
	}
	return nil
}

// atLeast reports whether the load has reached the part-th part of what may be in memory.
func (l load) atLeast(limits Limits, part int) bool {
	return l.deliveries >= max(1, limits.Ready/part) || l.bytes >= max(1, limits.ReadyBytes/part)
}

func (l *load) add(deliveries, bytes int) {
	l.deliveries += deliveries
	l.bytes += bytes
}

// hold counts a delivery that is ready, or will be.
func (d *dispatcher) hold(q *queue, id DeliveryID, claim, size int) {
	d.held[id] = claim
	d.add(q, 1, size)
}

// add counts deliveries of a queue into memory, or out of it.
func (d *dispatcher) add(q *queue, deliveries, bytes int) {
	q.bytes += bytes
	d.ready.add(deliveries, bytes)
	if s := d.share(q); s != nil {
		s.add(deliveries, bytes)
	}
}

// adapt changes what decides on the share of a queue, and counts what it holds anew.
func (d *dispatcher) adapt(q *queue, change func()) {
	before, standing := d.share(q), q.standing()
	change()
	if q.inRing && q.standing() != standing {
		d.leave(q)
		d.enter(q)
		d.start()
	}
	if after := d.share(q); after != before {
		held := len(q.ready) + q.reserved
		if before != nil {
			before.add(-held, -q.bytes)
			before.letIn(d, q)
		}
		if after != nil {
			after.add(held, q.bytes)
		}
	}
	if q.standing() != standing && (q.late || q.lame) {
		d.trim(q)
	}
}

// letIn lets a queue look for room elsewhere that found none in the share.
func (s *share) letIn(d *dispatcher, q *queue) {
	if i := slices.Index(s.crowded, q); i >= 0 {
		s.crowded = slices.Delete(s.crowded, i, i+1)
		q.crowded = false
		d.await(q)
	}
}

// trim gives back what stands ready for a receiver that has become late or lame, down to the room that it has as such.
func (d *dispatcher) trim(q *queue) {
	keep := q.roomFor(d.limits.ReadyPerWebhook)
	if d.share(q).atLeast(d.limits, sharePart) {
		keep = 0
	}
	if len(q.ready) <= keep || q.paused() {
		return
	}
	for _, s := range q.ready[keep:] {
		d.add(q, -1, -len(s.Event.Data))
		d.left = append(d.left, s)
	}
	q.ready = slices.Delete(q.ready, keep, len(q.ready))
	if keep == 0 {
		d.leave(q)
	}
	d.refill(q)
	d.poke()
}
