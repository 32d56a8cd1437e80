package engine

import (
	"time"

	"golang.org/x/time/rate"
)

// slowAfter is how long an attempt may take before its sender is counted among the slow ones, for which there is a pool
// of its own: whoever hangs occupies nothing that receivers who answer need.
const slowAfter = time.Second

const (
	// firstSenders is how many requests may be in the air for a webhook of which nothing is known yet. Each success adds
	// one, and a failure to get any answer halves the number, down to Limits.LeastSenders.
	firstSenders = 16
	// readyPerSender is how many deliveries may stand ready in memory for each request that may be in the air.
	readyPerSender = 8
)

// queue is what is ready to be sent for one webhook.
type queue struct {
	webhook  WebhookID
	ready    []*Sending
	reserved int // deliveries that are being committed and will be ready
	bytes    int // of the event data of both
	sending  int
	inRing   bool

	limit int // requests that may be in the air now
	// proven: an attempt succeeded since the start. late: the last one did, but it was slow. lame: it gave no answer, or
	// was slow without a success.
	proven, late, lame bool
	// limiter keeps to the webhook's rate limit; nil: it has none. resting: it must not send before a timer ends.
	limiter *rate.Limiter
	resting bool

	// pausedUntil is when the next probe may go; zero: the webhook is not paused. While it is, what is ready is no more than
	// the probe and what a person asked for. probe is the delivery that is the probe.
	pausedUntil time.Time
	probe       DeliveryID

	// nextDue is when the first delivery on disk is due; zero: none is there. place is its index in the
	// heap, -1 when it is not in it: nothing is due, or there is no room to claim more.
	nextDue time.Time
	place   int
	// claiming: the loop reads from disk. dueMeanwhile is the earliest due time announced since. crowded: it waits for
	// room among those that stand aside.
	claiming     bool
	dueMeanwhile time.Time
	crowded      bool
}

// standing is what is known of a webhook's receiver.
type standing int

const (
	proven standing = iota // it answers
	fresh                  // nothing is known
	late                   // its last answer was a success, but slow
	lame                   // it gave no answer the last time, or a slow one that was no success
	standings
)

// unproven are the standings but the first.
var unproven = [...]standing{fresh, late, lame}

// standing returns what is known of the receiver.
func (q *queue) standing() standing {
	switch {
	case q.lame:
		return lame
	case q.late:
		return late
	case q.proven:
		return proven
	}
	return fresh
}

func newQueue(id WebhookID) *queue {
	return &queue{webhook: id, place: -1, limit: firstSenders}
}

// aside reports whether what is ready may use only a share of the room in memory: that of webhooks which are not sent as
// fast as events come in. Half of the room is always free for those which are.
func (q *queue) aside() bool { return q.standing() != proven || q.limiter != nil }

func (q *queue) paused() bool { return !q.pausedUntil.IsZero() }

// unused reports whether nothing is known of the queue that would be lost with it.
func (q *queue) unused() bool {
	return len(q.ready) == 0 && q.reserved == 0 && q.sending == 0 && q.place < 0 && !q.claiming && !q.resting && !q.crowded &&
		q.probe == 0
}

// maySend reports whether the queue may have its turn.
func (q *queue) maySend() bool {
	return len(q.ready) > 0 && q.sending < q.limit && !q.resting
}

// wakeAt is when the loop must look after what waits on disk.
func (q *queue) wakeAt() time.Time {
	if q.paused() && q.pausedUntil.After(q.nextDue) {
		return q.pausedUntil
	}
	return q.nextDue
}

// roomFor is how many deliveries may stand ready.
func (q *queue) roomFor(most int) int {
	n := q.limit * readyPerSender
	switch {
	case q.late || q.lame:
		n = 2 * q.limit
	case !q.proven:
		n = firstSenders
	}
	if q.limiter != nil {
		n = min(n, max(readyPerSender, int(q.limiter.Limit())))
	}
	return min(n, most)
}

// setRate takes over the rate limit of the webhook as it is configured now.
func (q *queue) setRate(w *Webhook) {
	if w == nil || w.RateLimit == 0 {
		q.limiter = nil
		return
	}
	burst := w.RateBurst
	if burst == 0 {
		burst = w.RateLimit
	}
	if q.limiter == nil {
		q.limiter = rate.NewLimiter(rate.Limit(w.RateLimit), burst)
		return
	}
	if q.limiter.Limit() != rate.Limit(w.RateLimit) {
		q.limiter.SetLimit(rate.Limit(w.RateLimit))
	}
	if q.limiter.Burst() != burst {
		q.limiter.SetBurst(burst)
	}
}

// learn adapts the queue to how an attempt went.
func (q *queue) learn(r sendResult, least, most int) {
	if !r.sent {
		return
	}
	answered := r.class == "" || r.class == ClassStatus || r.class == ClassRedirect || r.class == ClassBody
	slow := r.took >= slowAfter
	q.late = r.class == "" && slow
	q.lame = !answered || r.class != "" && slow
	switch {
	case r.class == "":
		q.proven = true
		q.limit = min(q.limit+1, most)
	case !answered && r.class != ClassBlocked && r.class != ClassRequest:
		q.limit = max(least, q.limit/2)
	}
}

// sendResult is how an attempt went, as far as the dispatcher must know.
type sendResult struct {
	sent  bool // an attempt was made and not interrupted
	class FailureClass
	took  time.Duration
}

// flight is one request in the air.
type flight struct {
	queue      *queue
	started    time.Time
	standing   standing // of the receiver when it began
	slow       bool     // it is counted among the slow ones instead
	prev, next *flight
}

// flights lists the requests in the air that are not slow yet, in the order in which they were begun.
type flights struct{ first, last *flight }

func (l *flights) add(f *flight) {
	f.prev = l.last
	if l.last != nil {
		l.last.next = f
	} else {
		l.first = f
	}
	l.last = f
}

func (l *flights) remove(f *flight) {
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		l.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		l.last = f.prev
	}
	f.prev, f.next = nil, nil
}
