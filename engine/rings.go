package engine

import (
	"slices"
	"time"
)

// enter puts a queue into a ring when it may send.
func (d *dispatcher) enter(q *queue) {
	if q.inRing || !q.maySend() {
		return
	}
	q.inRing = true
	d.rings[q.standing()] = append(d.rings[q.standing()], q)
}

// leave takes a queue from its ring.
func (d *dispatcher) leave(q *queue) {
	if !q.inRing {
		return
	}
	q.inRing = false
	for s, ring := range d.rings {
		if i := slices.Index(ring, q); i >= 0 {
			d.rings[s] = slices.Delete(ring, i, i+1)
		}
	}
}

// start calls a sender when one is of use.
func (d *dispatcher) start() {
	if d.senders < d.limits.Senders && !d.stopped && (d.mayGo(proven) || slices.ContainsFunc(unproven[:], d.mayGo)) {
		d.senders++
		if d.resting > 0 {
			d.resting--
			d.call.Signal()
			return
		}
		d.idle.Go(d.sender)
	}
}

// mayGo reports whether a receiver of that standing waits for its turn and may have it. Those that are not proven have
// half of the senders, the late and the lame ones no more than half of that each. Of the slow requests a quarter is kept
// for receivers that are late: however many hang, those that succeed go on.
func (d *dispatcher) mayGo(s standing) bool {
	half, quarter, reserve := max(1, d.limits.Senders/2), max(1, d.limits.Senders/4), d.limits.Slow/4
	hanging := d.slow[proven] + d.slow[fresh] + d.slow[lame] // for all that is known
	switch {
	case len(d.rings[s]) == 0:
		return false
	case s == proven:
		return true
	case d.serving[fresh]+d.serving[late]+d.serving[lame] >= half:
		return false
	case s == late:
		return d.serving[late] < quarter && (d.slow[late] < reserve || d.slow[late]+hanging < d.limits.Slow)
	case s == lame:
		return d.serving[lame] < quarter && hanging < d.limits.Slow-reserve && d.slow[late]+hanging < d.limits.Slow && d.inPace()
	}
	return true
}

// inPace reports whether a request to a lame receiver may begin now. If not, a timer starts senders when they may.
func (d *dispatcher) inPace() bool {
	if d.pace.Tokens() >= 1 {
		return true
	}
	d.goOnInPace()
	return false
}

// goOnInPace starts a sender at the pace of lame receivers, as long as any of them wait.
func (d *dispatcher) goOnInPace() {
	if d.pacing {
		return
	}
	d.pacing = true
	time.AfterFunc(time.Second/lamePerSecond, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.pacing = false
		if d.stopped {
			return
		}
		d.start()
		if len(d.rings[lame]) > 0 {
			d.goOnInPace()
		}
	})
}

// nextQueue takes the queue from its ring whose turn it is; nil when there is none.
func (d *dispatcher) nextQueue() *queue {
	if d.stopped {
		return nil
	}
	order := [standings]standing{proven}
	for i := range unproven { // these alternate
		order[1+i] = unproven[(d.turns/othersEvery+i)%len(unproven)]
	}
	if d.turns%othersEvery == 0 {
		order = [standings]standing{order[1], order[2], order[3], proven}
	}
	i := slices.IndexFunc(order[:], d.mayGo)
	if i < 0 {
		return nil
	}
	ring := &d.rings[order[i]]
	d.turns++
	q := (*ring)[0]
	(*ring)[0] = nil
	*ring = (*ring)[1:]
	q.inRing = false
	return q
}

// rest lets a queue wait that has used up its rate, and reports whether it must.
func (d *dispatcher) rest(q *queue) bool {
	if q.limiter == nil {
		return false
	}
	r := q.limiter.Reserve()
	wait := r.Delay()
	if wait == 0 {
		return false
	}
	r.Cancel()
	q.resting = true
	time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		q.resting = false
		d.enter(q)
		d.start()
	})
	return true
}
