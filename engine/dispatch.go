package engine

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// dispatcher decides what is sent next. Deliveries reach it in two ways: handed over from the commit that made
// them due, or claimed from the database when their time has come or there is room again. What it holds in memory
// is bounded; the rest waits on disk, where it is stored anyway.
//
// Fairness: webhooks with something ready take turns, and each has only as many requests in the air as its receiver
// has shown to answer. Receivers of which nothing is known, those that are late and those that are lame, for they are
// silent, take their turns in rings of their own, with half of the senders and of the room in memory, and requests that
// take long move to a pool of their own. So whatever such receivers do, half of everything is free for those that answer,
// and lame ones leave a share of the other half to those that are late but succeed.
type dispatcher struct {
	limits Limits
	store  Store
	log    *slog.Logger
	// send makes one attempt; it is called on a goroutine of its own, many at a time.
	send func(*Sending) sendResult

	mu      sync.Mutex
	queues  map[WebhookID]*queue
	rings   [standings][]*queue // queues that may send now, in turn, by the standing of their receivers
	turns   int                 // taken
	due     dueHeap             // queues with deliveries on disk, by when the loop must look after them
	held    map[DeliveryID]int  // what is ready, being sent or being recorded, with the claim
	ready   load                // in all queues, reserved ones included
	aside   share               // of that, what stands aside but for lame receivers
	lame    share               // of that, what stands ready for lame receivers
	full    bool                // the loop found no room
	changed bool                // the configuration, since the loop looked at it
	stopped bool
	left    []*Sending // taken from the queues of receivers that do not answer, to be put back

	senders  int            // running, slow ones not counted
	resting  int            // goroutines of senders that wait to be called
	call     *sync.Cond     // for them, with mu
	serving  [standings]int // how many of those serve receivers of that standing
	slow     [standings]int // senders whose request takes longer than slowAfter, by the standing when it began
	air      flights
	pace     *rate.Limiter // of requests to lame receivers
	pacing   bool          // a timer lets the next one begin
	watching bool          // a timer looks for requests that become slow

	wake    chan struct{}      // the loop looks again
	rescues chan chan struct{} // asks the loop to put back what nobody holds
	idle    sync.WaitGroup     // senders, and outcomes being recorded
}

// Limits bound what the dispatcher does at once. Zero fields take the defaults.
type Limits struct {
	Senders           int // requests in the air, slow ones not counted; default 256
	SendersPerWebhook int // requests in the air for one webhook; default 64
	LeastSenders      int // the same for one whose receiver gives no answers; default 4
	// Slow is how many requests may take long at once before receivers that are late or lame have to wait for one to end;
	// default 1024. A quarter is kept for those whose last answer was a success, if a slow one.
	Slow            int
	Ready           int // deliveries in memory; default 8192
	ReadyPerWebhook int // deliveries in memory for one webhook; default 512
	ReadyBytes      int // bytes of event data in memory; default 64 MiB
	Claim           int // deliveries claimed in one transaction; default 256
}

// defaultLimits are those that administrators may change.
var defaultLimits = Limits{Senders: 256, SendersPerWebhook: 64}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		value *int
		is    int
	}{
		{&l.Senders, defaultLimits.Senders},
		{&l.SendersPerWebhook, defaultLimits.SendersPerWebhook},
		{&l.LeastSenders, 4},
		{&l.Slow, 1024},
		{&l.Ready, 8192},
		{&l.ReadyPerWebhook, 512},
		{&l.ReadyBytes, 64 << 20},
		{&l.Claim, 256},
	} {
		if *f.value <= 0 {
			*f.value = f.is
		}
	}
	l.LeastSenders = min(l.LeastSenders, l.SendersPerWebhook)
	return l
}

// lamePerSecond is how many requests to lame receivers may begin in a second: one that refuses at once would otherwise have
// its backlog sent and recorded as fast as this host can, until it is paused. lameBurst is how many may begin at once.
const (
	lamePerSecond = 200
	lameBurst     = 64
)

// othersEvery is how many turns go by before receivers that are not proven have one, while proven ones wait as well.
const othersEvery = 4

func newDispatcher(limits Limits, store Store, log *slog.Logger, send func(*Sending) sendResult) *dispatcher {
	d := &dispatcher{
		limits: limits.withDefaults(), store: store, log: log, send: send,
		queues: map[WebhookID]*queue{}, held: map[DeliveryID]int{},
		pace: rate.NewLimiter(lamePerSecond, lameBurst),
		wake: make(chan struct{}, 1), rescues: make(chan chan struct{}),
	}
	d.call = sync.NewCond(&d.mu)
	return d
}

func (d *dispatcher) queue(id WebhookID) *queue {
	q := d.queues[id]
	if q == nil {
		q = newQueue(id)
		q.setRate(d.store.Directory().Webhook(id))
		q.limit = min(q.limit, d.limits.SendersPerWebhook)
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
	if d.stopped || backlog || q.paused() || !d.room(q) {
		return false
	}
	q.reserved++
	d.hold(q, dl.ID, dl.Claim+1, size)
	return true
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
				d.push(q, &Sending{Delivery: stored[i], Event: e, DueAt: stored[i].CreatedAt})
				continue
			}
			delete(d.held, offers[i].Delivery.ID)
			d.add(q, -1, -len(e.Data))
			d.refill(q)
		}
		if len(stored) > 0 && !stored[i].DueAt.IsZero() {
			d.announce(q, stored[i].DueAt)
		}
	}
	d.makeRoom()
}

// push makes a delivery ready that is already counted by hold.
func (d *dispatcher) push(q *queue, s *Sending) {
	if q.paused() && !s.asked && q.probe != s.Delivery.ID {
		// The pause began while it was on its way.
		d.add(q, -1, -len(s.Event.Data))
		d.left = append(d.left, s)
		d.poke()
		return
	}
	q.ready = append(q.ready, s)
	d.enter(q)
	d.start()
}

// sender sends whenever something is ready.
func (d *dispatcher) sender() {
	for {
		f, s := d.next()
		if s == nil {
			return
		}
		if !d.landed(f, d.send(s)) {
			return
		}
	}
}

// next takes the first delivery of the queue whose turn it is; nil when the sender is of no more use.
func (d *dispatcher) next() (*flight, *Sending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		q := d.nextQueue()
		if q != nil && d.senders > d.limits.Senders { // the limit was lowered
			d.enter(q)
			d.senders--
			return nil, nil
		}
		if q == nil {
			if !d.callable() {
				return nil, nil
			}
			continue
		}
		if d.rest(q) {
			continue
		}
		return d.take(q)
	}
}

// maxResting is how many goroutines of senders are kept for later.
const maxResting = 64

// callable lets a sender that found nothing wait until start calls it, as a new goroutine would have to grow its stack
// first. It reports false when the sender should end.
func (d *dispatcher) callable() bool {
	d.senders--
	if d.stopped || d.resting >= maxResting {
		return false
	}
	d.resting++
	d.call.Wait()
	return true
}

// take begins the flight of a queue's first delivery.
func (d *dispatcher) take(q *queue) (*flight, *Sending) {
	s := q.ready[0]
	q.ready[0] = nil
	q.ready = q.ready[1:]
	d.add(q, -1, -len(s.Event.Data))
	f := &flight{queue: q, started: time.Now(), standing: q.standing()}
	d.serving[f.standing]++
	if f.standing == lame {
		d.pace.Allow()
	}
	q.sending++
	d.air.add(f)
	d.watch()
	d.enter(q)
	d.refill(q)
	if f.standing != proven {
		d.start() // it may have been called for a receiver that answers, which must not wait for this one
	}
	return f, s
}

// landed notes that a request came to its end, and reports whether its sender may go on.
func (d *dispatcher) landed(f *flight, r sendResult) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := f.queue
	q.sending--
	d.adapt(q, func() { q.learn(r, d.limits.LeastSenders, d.limits.SendersPerWebhook) })
	if !f.slow {
		d.air.remove(f)
		d.serving[f.standing]--
		d.enter(q)
		return true
	}
	d.slow[f.standing]--
	d.enter(q)
	if d.senders >= d.limits.Senders {
		return false
	}
	d.senders++
	return true
}

// watch looks after requests that become slow, while there are any in the air.
func (d *dispatcher) watch() {
	if d.watching || d.air.first == nil {
		return
	}
	d.watching = true
	time.AfterFunc(time.Until(d.air.first.started.Add(slowAfter)), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.watching = false
		for now := time.Now(); d.air.first != nil && now.Sub(d.air.first.started) >= slowAfter; {
			d.slowDown(d.air.first)
		}
		d.watch()
	})
}

// slowDown moves a request to the pool of the slow ones, and lets another sender take its place.
func (d *dispatcher) slowDown(f *flight) {
	d.air.remove(f)
	f.slow = true
	d.slow[f.standing]++
	d.senders--
	d.serving[f.standing]--
	d.adapt(f.queue, func() { f.queue.lame = !f.queue.late })
	d.start()
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
		d.add(q, -1, -len(s.Event.Data))
		delete(d.held, id)
		if q.probe == id {
			q.probe = 0
		}
		if !q.maySend() {
			d.leave(q)
		}
		d.refill(q)
		return
	}
}

// empty takes what is ready from a queue.
func (d *dispatcher) empty(q *queue) []*Sending {
	taken := q.ready
	for _, s := range taken {
		d.add(q, -1, -len(s.Event.Data))
	}
	q.ready = nil
	d.leave(q)
	return taken
}

// stop keeps senders from taking more and returns what was ready and not sent.
func (d *dispatcher) stop() []*Sending {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.senders, d.resting = d.senders+d.resting, 0 // they find nothing, and end
	d.call.Broadcast()
	unsent := d.left
	for _, q := range d.queues {
		unsent = append(unsent, q.ready...)
		q.ready = nil
	}
	d.rings, d.due, d.aside.crowded, d.lame.crowded, d.left = [standings][]*queue{}, nil, nil, nil, nil
	return unsent
}
