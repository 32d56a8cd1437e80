package engine

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// claimPause is how long the loop waits after the database refused a claim.
const claimPause = time.Second

// refill lets the loop claim more for a queue that waits on disk once half of its room is free, and for those that found
// no room at all.
func (d *dispatcher) refill(q *queue) {
	if len(q.ready)+q.reserved <= q.roomFor(d.limits.ReadyPerWebhook)/2 {
		d.await(q)
	}
	d.makeRoom()
}

// makeRoom lets the loop look again once half of the room that was wanting is free.
func (d *dispatcher) makeRoom() {
	if d.full && !d.ready.atLeast(d.limits, 2) {
		d.full = false
		d.poke()
	}
	for _, s := range []*share{&d.aside, &d.lame} {
		if len(s.crowded) == 0 || s.atLeast(d.limits, 2*sharePart) {
			continue
		}
		crowded := s.crowded
		s.crowded = nil
		for _, q := range crowded {
			q.crowded = false
			d.await(q)
		}
	}
}

// await puts a queue with deliveries on disk into the heap, and wakes the loop when it is the first.
func (d *dispatcher) await(q *queue) {
	if q.place >= 0 || q.claiming || q.crowded || q.nextDue.IsZero() || d.stopped {
		return
	}
	heap.Push(&d.due, q)
	if d.due[0] == q {
		d.poke()
	}
}

// announceDue tells that a delivery of the webhook is on disk and due at t.
func (d *dispatcher) announceDue(id WebhookID, t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.announce(d.queue(id), t)
}

func (d *dispatcher) announce(q *queue, t time.Time) {
	if d.stopped {
		return // the heap is gone; the next start finds it on disk
	}
	if q.claiming && (q.dueMeanwhile.IsZero() || t.Before(q.dueMeanwhile)) {
		q.dueMeanwhile = t
	}
	if q.nextDue.IsZero() || t.Before(q.nextDue) {
		q.nextDue = t
		if q.place >= 0 {
			heap.Fix(&d.due, q.place)
			if d.due[0] == q {
				d.poke()
			}
		}
	}
	d.refill(q)
}

// poke makes the loop look again.
func (d *dispatcher) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// release forgets a delivery whose outcome is on disk, or that another start will find there, unless it was taken
// again since.
func (d *dispatcher) release(dl *Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[dl.ID] == dl.Claim {
		delete(d.held, dl.ID)
	}
	if q := d.queues[dl.WebhookID]; q != nil && q.probe == dl.ID {
		q.probe = 0
		d.await(q)
	}
}

// run claims what is due until ctx ends. Claims and rescues happen here alone, so that a rescue never sees a
// delivery that was claimed but is not yet held.
func (d *dispatcher) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.configure(time.Now())
		d.putBackLeft()
		wants, sleep := d.wants(time.Now())
		if len(wants) > 0 {
			if d.claim(ctx, wants) {
				continue
			}
			sleep = claimPause
		}
		timer.Reset(sleep)
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		case done := <-d.rescues:
			d.rescue(ctx)
			close(done)
		}
	}
}

// wants returns what to claim now, and how long to sleep when that is nothing.
func (d *dispatcher) wants(now time.Time) ([]Want, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var wants []Want
	left := min(d.limits.Claim, d.limits.Ready-d.ready.deliveries)
	wanted := map[*share]int{}
	for len(d.due) > 0 && !d.stopped {
		q := d.due[0]
		if wait := q.wakeAt().Sub(now); wait > 0 {
			return wants, wait
		}
		if d.ready.atLeast(d.limits, 1) {
			d.full = true
			break
		}
		if left <= 0 {
			break
		}
		heap.Pop(&d.due)
		limit := min(left, q.roomFor(d.limits.ReadyPerWebhook)-len(q.ready)-q.reserved)
		share := d.share(q)
		if share != nil {
			free := max(1, d.limits.Ready/sharePart) - share.deliveries - wanted[share]
			// Who found no room before has the next.
			if len(share.crowded) > 0 || free <= 0 || share.atLeast(d.limits, sharePart) {
				q.crowded = true
				share.crowded = append(share.crowded, q)
				continue
			}
			limit = min(limit, free)
		}
		if q.paused() {
			limit = min(limit, 1)
			if q.probe != 0 {
				limit = 0 // release looks after it
			}
		}
		if limit <= 0 {
			// refill puts it back when there is room.
			continue
		}
		q.claiming, q.dueMeanwhile = true, time.Time{}
		wants = append(wants, Want{WebhookID: q.webhook, Limit: limit})
		left -= limit
		wanted[share] += limit
	}
	return wants, time.Hour
}

// claim takes due deliveries from the database and makes them ready. It reports whether that worked.
func (d *dispatcher) claim(ctx context.Context, wants []Want) bool {
	// The answer is awaited even when ctx ends, for what was claimed must be held.
	claims, err := d.store.ClaimDue(context.WithoutCancel(ctx), time.Now().Truncate(time.Millisecond), wants)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.log.Error("claim failed", "error", err)
		for _, want := range wants {
			q := d.queue(want.WebhookID)
			q.claiming = false
			d.await(q)
		}
		return false
	}
	now := time.Now()
	for _, c := range claims {
		d.claimed(d.queue(c.WebhookID), c, now)
	}
	return true
}

// claimed makes ready what was claimed for one webhook.
func (d *dispatcher) claimed(q *queue, c Claim, now time.Time) {
	for _, s := range c.Taken {
		d.hold(q, s.Delivery.ID, s.Delivery.Claim, len(s.Event.Data))
		if q.paused() && q.probe == 0 && !now.Before(q.pausedUntil) {
			q.probe = s.Delivery.ID
		}
		d.push(q, s)
	}
	q.claiming = false
	q.nextDue = c.NextDue
	if !q.dueMeanwhile.IsZero() && (q.nextDue.IsZero() || q.dueMeanwhile.Before(q.nextDue)) {
		q.nextDue = q.dueMeanwhile
	}
	if len(q.ready)+q.reserved < q.roomFor(d.limits.ReadyPerWebhook) && q.probe == 0 {
		d.await(q)
	}
	d.makeRoom()
}

// rescue puts back what is marked as being sent but held by nobody: the trace of a lost commit answer.
func (d *dispatcher) rescue(ctx context.Context) {
	now := time.Now().Truncate(time.Millisecond)
	webhooks, err := d.store.PutBackAbandoned(context.WithoutCancel(ctx), now, func(id DeliveryID) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		_, ok := d.held[id]
		return ok
	})
	if err != nil {
		d.log.Error("rescue failed", "error", err)
		return
	}
	for _, id := range webhooks {
		d.announceDue(id, now)
	}
}

// configChanged makes the loop look at the configuration again.
func (d *dispatcher) configChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed = true
	d.poke()
}

// configure takes over changed rate limits, and cancels what is ready for webhooks that went out of use.
func (d *dispatcher) configure(now time.Time) {
	for reason, ids := range d.takeOutOfUse(now) {
		d.cancel(now, ids, reason)
	}
}

// takeOutOfUse takes what is ready for webhooks out of use from their queues, by the reason.
func (d *dispatcher) takeOutOfUse(now time.Time) map[string][]DeliveryID {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.changed {
		return nil
	}
	d.changed = false
	taken := map[string][]DeliveryID{}
	dir := d.store.Directory()
	for id, q := range d.queues {
		d.adapt(q, func() { q.setRate(dir.Webhook(id)) })
		if dir.Webhook(id) == nil && q.unused() {
			delete(d.queues, id)
			continue
		}
		if len(q.ready) == 0 {
			continue
		}
		reason := dir.Unusable(id, now)
		if reason == "" {
			continue
		}
		for _, s := range d.empty(q) {
			taken[reason] = append(taken[reason], s.Delivery.ID)
		}
		d.refill(q)
	}
	return taken
}

// cancel ends deliveries that are held here and must not be sent any more. What cannot be stored now is put back by
// the rescue, and comes here again.
func (d *dispatcher) cancel(now time.Time, ids []DeliveryID, reason string) {
	if err := d.store.CancelUnusable(context.Background(), now.Truncate(time.Millisecond), ids, reason); err != nil {
		d.log.Error("cancel failed", "deliveries", len(ids), "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.held, id)
	}
	for _, q := range d.queues {
		if q.probe != 0 && slices.Contains(ids, q.probe) {
			q.probe = 0
			d.await(q)
		}
	}
}

// dueHeap orders queues by when the loop must look after them.
type dueHeap []*queue

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].wakeAt().Before(h[j].wakeAt()) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push adds a queue.
func (h *dueHeap) Push(x any) {
	q := x.(*queue)
	q.place = len(*h)
	*h = append(*h, q)
}

// Pop removes the last queue.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	q := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	q.place = -1
	return q
}
