package engine

import (
	"container/heap"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// dispatcher decides what is sent next. Deliveries reach it in two ways: handed over from the commit that made
// them due, or claimed from the database when their time has come or there is room again. What it holds in memory
// is bounded; the rest waits on disk, where it is stored anyway.
//
// Fairness: webhooks with something ready stand in a ring and take turns; one webhook has at most
// SendersPerWebhook requests in the air.
type dispatcher struct {
	limits Limits
	store  Store
	log    *slog.Logger
	// send makes one attempt; it is called on a goroutine of its own, many at a time.
	send func(*Sending)

	mu      sync.Mutex
	queues  map[WebhookID]*queue
	ring    []*queue           // queues that may send now, in turn
	due     dueHeap            // queues with deliveries on disk, by when the first is due
	held    map[DeliveryID]int // what is ready, being sent or being recorded, with the claim
	ready   int                // deliveries in all queues, reserved ones included
	bytes   int                // of their events' data
	senders int                // running
	full    bool               // the loop found no room
	changed bool               // the configuration, since the loop looked at it
	stopped bool

	wake    chan struct{}      // the loop looks again
	rescues chan chan struct{} // asks the loop to put back what nobody holds
	idle    sync.WaitGroup     // senders, and outcomes being recorded
}

// queue is what is ready to be sent for one webhook.
type queue struct {
	webhook  WebhookID
	ready    []*Sending
	reserved int // deliveries that are being committed and will be ready
	sending  int
	inRing   bool

	// nextDue is when the first delivery on disk is due; zero: none is there. place is its index in the
	// heap, -1 when it is not in it: nothing is due, or there is no room to claim more.
	nextDue time.Time
	place   int
	// claiming: the loop reads from disk. dueMeanwhile is the earliest due time announced since.
	claiming     bool
	dueMeanwhile time.Time
}

// Limits bound what the dispatcher does at once. Zero fields take the defaults.
type Limits struct {
	Senders           int // requests in the air; default 256
	SendersPerWebhook int // requests in the air for one webhook; default 64
	Ready             int // deliveries in memory; default 8192
	ReadyPerWebhook   int // deliveries in memory for one webhook; default 512
	ReadyBytes        int // bytes of event data in memory; default 64 MiB
	Claim             int // deliveries claimed in one transaction; default 256
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		value *int
		is    int
	}{
		{&l.Senders, 256},
		{&l.SendersPerWebhook, 64},
		{&l.Ready, 8192},
		{&l.ReadyPerWebhook, 512},
		{&l.ReadyBytes, 64 << 20},
		{&l.Claim, 256},
	} {
		if *f.value <= 0 {
			*f.value = f.is
		}
	}
	return l
}

// claimPause is how long the loop waits after the database refused a claim.
const claimPause = time.Second

func newDispatcher(limits Limits, store Store, log *slog.Logger, send func(*Sending)) *dispatcher {
	return &dispatcher{
		limits: limits.withDefaults(), store: store, log: log, send: send,
		queues: map[WebhookID]*queue{}, held: map[DeliveryID]int{},
		wake: make(chan struct{}, 1), rescues: make(chan chan struct{}),
	}
}

func (d *dispatcher) queue(id WebhookID) *queue {
	q := d.queues[id]
	if q == nil {
		q = &queue{webhook: id, place: -1}
		d.queues[id] = q
	}
	return q
}

// reserve asks for room for a delivery that is about to be committed. Without room, or when older deliveries of
// the webhook wait on disk, the answer is no, and the delivery waits on disk behind them.
func (d *dispatcher) reserve(dl *Delivery, size int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(dl.WebhookID)
	backlog := !q.nextDue.IsZero() && !q.nextDue.After(dl.CreatedAt)
	if d.stopped || backlog || !d.room(q) {
		return false
	}
	q.reserved++
	d.hold(dl.ID, dl.Claim+1, size)
	return true
}

func (d *dispatcher) room(q *queue) bool {
	return d.ready < d.limits.Ready && d.bytes < d.limits.ReadyBytes && len(q.ready)+q.reserved < d.limits.ReadyPerWebhook
}

func (d *dispatcher) hold(id DeliveryID, claim, size int) {
	d.held[id] = claim
	d.ready++
	d.bytes += size
}

// handOver takes the deliveries of an event whose commit is on disk, and takes back the reservations of those that
// are held, or that were not stored at all: then stored is empty.
func (d *dispatcher) handOver(e *Event, offers []Offer, stored []Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range offers {
		q := d.queue(offers[i].Delivery.WebhookID)
		if offers[i].Room {
			q.reserved--
			if len(stored) > 0 && stored[i].State == StateSending {
				d.push(q, &Sending{Delivery: stored[i], Event: e})
				continue
			}
			delete(d.held, offers[i].Delivery.ID)
			d.ready--
			d.bytes -= len(e.Data)
		}
		if len(stored) > 0 && !stored[i].DueAt.IsZero() {
			d.announce(q, stored[i].DueAt)
		}
	}
}

// push makes a delivery ready that is already counted by hold.
func (d *dispatcher) push(q *queue, s *Sending) {
	q.ready = append(q.ready, s)
	d.enter(q)
	if d.senders < d.limits.Senders && len(d.ring) > 0 && !d.stopped {
		d.senders++
		d.idle.Go(d.sender)
	}
}

// enter puts a queue into the ring when it may send.
func (d *dispatcher) enter(q *queue) {
	if !q.inRing && len(q.ready) > 0 && q.sending < d.limits.SendersPerWebhook {
		q.inRing = true
		d.ring = append(d.ring, q)
	}
}

// sender sends until nothing is ready.
func (d *dispatcher) sender() {
	for {
		q, s := d.next()
		if s == nil {
			return
		}
		d.send(s)
		d.mu.Lock()
		q.sending--
		d.enter(q)
		d.mu.Unlock()
	}
}

// next takes the first delivery of the queue whose turn it is.
func (d *dispatcher) next() (*queue, *Sending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ring) == 0 || d.stopped {
		d.senders--
		return nil, nil
	}
	q := d.ring[0]
	d.ring[0] = nil
	d.ring = d.ring[1:]
	q.inRing = false
	s := q.ready[0]
	q.ready[0] = nil
	q.ready = q.ready[1:]
	q.sending++
	d.ready--
	d.bytes -= len(s.Event.Data)
	d.enter(q)
	d.refill(q)
	return q, s
}

// refill lets the loop claim more for a queue that waits on disk once half of its room is free.
func (d *dispatcher) refill(q *queue) {
	if q.place < 0 && !q.claiming && !q.nextDue.IsZero() && len(q.ready) <= d.limits.ReadyPerWebhook/2 {
		heap.Push(&d.due, q)
		d.poke()
	}
	if d.full && d.ready <= d.limits.Ready/2 && d.bytes <= d.limits.ReadyBytes/2 {
		d.full = false
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
	if !q.nextDue.IsZero() && !t.Before(q.nextDue) {
		return
	}
	q.nextDue = t
	switch {
	case q.claiming:
	case q.place >= 0:
		heap.Fix(&d.due, q.place)
	case len(q.ready)+q.reserved < d.limits.ReadyPerWebhook:
		heap.Push(&d.due, q)
	}
	if len(d.due) > 0 && d.due[0] == q {
		d.poke()
	}
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
func (d *dispatcher) release(id DeliveryID, claim int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[id] == claim {
		delete(d.held, id)
	}
}

// configChanged makes the loop look for deliveries in memory whose webhook went out of use.
func (d *dispatcher) configChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed = true
	d.poke()
}

// cancelOutOfUse cancels what is ready for webhooks that went out of use.
func (d *dispatcher) cancelOutOfUse(now time.Time) {
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
		if len(q.ready) == 0 {
			continue
		}
		reason := dir.Unusable(id, now)
		if reason == "" {
			continue
		}
		for _, s := range q.ready {
			taken[reason] = append(taken[reason], s.Delivery.ID)
			d.ready--
			d.bytes -= len(s.Event.Data)
		}
		q.ready = nil
		d.leave(q)
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
}

// inLine reports whether a delivery stands ready and is not yet being sent.
func (d *dispatcher) inLine(webhook WebhookID, id DeliveryID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[webhook]
	return q != nil && slices.ContainsFunc(q.ready, func(s *Sending) bool { return s.Delivery.ID == id })
}

// drop removes a delivery that is ready but not yet being sent.
func (d *dispatcher) drop(webhook WebhookID, id DeliveryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(webhook)
	for i, s := range q.ready {
		if s.Delivery.ID != id {
			continue
		}
		q.ready = append(q.ready[:i], q.ready[i+1:]...)
		d.ready--
		d.bytes -= len(s.Event.Data)
		delete(d.held, id)
		if len(q.ready) == 0 && q.inRing {
			d.leave(q)
		}
		return
	}
}

func (d *dispatcher) leave(q *queue) {
	for i := range d.ring {
		if d.ring[i] == q {
			d.ring = append(d.ring[:i], d.ring[i+1:]...)
			q.inRing = false
			return
		}
	}
}

// run claims what is due until ctx ends. Claims and rescues happen here alone, so that a rescue never sees a
// delivery that was claimed but is not yet held.
func (d *dispatcher) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.cancelOutOfUse(time.Now())
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
	for left := d.limits.Claim; len(d.due) > 0 && left > 0 && !d.stopped; {
		q := d.due[0]
		if wait := q.nextDue.Sub(now); wait > 0 {
			return wants, wait
		}
		if d.ready >= d.limits.Ready || d.bytes >= d.limits.ReadyBytes {
			d.full = true
			break
		}
		heap.Pop(&d.due)
		limit := min(left, d.limits.ReadyPerWebhook-len(q.ready)-q.reserved)
		if limit <= 0 {
			// refill puts it back when there is room.
			continue
		}
		q.claiming, q.dueMeanwhile = true, time.Time{}
		wants = append(wants, Want{WebhookID: q.webhook, Limit: limit})
		left -= limit
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
			heap.Push(&d.due, q)
		}
		return false
	}
	for _, c := range claims {
		q := d.queue(c.WebhookID)
		for _, s := range c.Taken {
			d.hold(s.Delivery.ID, s.Delivery.Claim, len(s.Event.Data))
			d.push(q, s)
		}
		q.claiming = false
		q.nextDue = c.NextDue
		if !q.dueMeanwhile.IsZero() && (q.nextDue.IsZero() || q.dueMeanwhile.Before(q.nextDue)) {
			q.nextDue = q.dueMeanwhile
		}
		if !q.nextDue.IsZero() && len(q.ready)+q.reserved < d.limits.ReadyPerWebhook {
			heap.Push(&d.due, q)
		}
	}
	return true
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

// stop keeps senders from taking more and returns what was ready and not sent.
func (d *dispatcher) stop() []DeliveryID {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	var ids []DeliveryID
	for _, q := range d.queues {
		for _, s := range q.ready {
			ids = append(ids, s.Delivery.ID)
		}
		q.ready = nil
	}
	d.ring, d.due = nil, nil
	return ids
}

// dueHeap orders queues by when the first delivery on disk is due.
type dueHeap []*queue

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].nextDue.Before(h[j].nextDue) }
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
