package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// MaxWait is how long a sender may wait for the end of an event at most.
const MaxWait = 10 * time.Minute

// Action is what a lab platform is to do once the blocking deliveries of an event have ended.
type Action string

// The actions, the mildest first.
const (
	ActionContinue   Action = "continue"
	ActionNotifyUser Action = "notify_user"
	ActionEndLab     Action = "end_lab"
)

// Verdict is what the deliveries of an event came to, for the sender.
type Verdict struct {
	// Ended: no blocking delivery of the event is left to end; until then Action is preliminary.
	Ended         bool
	Action        Action
	Notifications []string // for the lab's user, in the order of the deliveries
	Deliveries    []Delivery
}

// NewVerdict draws the verdict from the deliveries of one event in their order.
func NewVerdict(deliveries []Delivery) Verdict {
	v := Verdict{Ended: true, Action: ActionContinue, Deliveries: deliveries}
	for i := range deliveries {
		d := &deliveries[i]
		if d.Blocking && !d.State.Final() {
			v.Ended = false
		}
		if d.State == StateSkipped {
			v.Action = ActionEndLab // an earlier event of the lab came to that
		}
		if d.State == StateDelivered {
			continue // it was sent again, and what its failure asked for is past
		}
		switch d.ErrorAction {
		case ErrorActionNotifyUser:
			v.Notifications = append(v.Notifications, d.Notification)
			if v.Action == ActionContinue {
				v.Action = ActionNotifyUser
			}
		case ErrorActionEndLab:
			v.Action = ActionEndLab
		}
	}
	return v
}

// waitingRoom is where senders wait for the ends of events. A sender that waits costs a channel and no queries:
// the store tells of every end.
type waitingRoom struct {
	mu     sync.Mutex
	chairs map[EventID][]chan struct{}
	closed chan struct{}
	// close closes closed, once.
	close func()
}

func newWaitingRoom() *waitingRoom {
	closed := make(chan struct{})
	return &waitingRoom{
		chairs: map[EventID][]chan struct{}{}, closed: closed, close: sync.OnceFunc(func() { close(closed) }),
	}
}

// enter returns a channel that gets a value when something of the event has ended, and how to leave.
func (r *waitingRoom) enter(id EventID) (<-chan struct{}, func()) {
	chair := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chairs[id] = append(r.chairs[id], chair)
	return chair, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.chairs[id] = slices.DeleteFunc(r.chairs[id], func(c chan struct{}) bool { return c == chair })
		if len(r.chairs[id]) == 0 {
			delete(r.chairs, id)
		}
	}
}

// call wakes who waits for those events, or everybody when none is named.
func (r *waitingRoom) call(ids []EventID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ids == nil {
		for _, chairs := range r.chairs {
			knock(chairs)
		}
	}
	for _, id := range ids {
		knock(r.chairs[id])
	}
}

func knock(chairs []chan struct{}) {
	for _, chair := range chairs {
		select {
		case chair <- struct{}{}:
		default:
		}
	}
}

// StopWaiting sends those away who are in Wait, and who come later, unless their event has ended. It is for the
// beginning of a stop, which would else wait for them; Stop does it, too. Calling it again does nothing.
func (e *Engine) StopWaiting() { e.waiting.close() }

// Wait returns the verdict on an event once all its blocking deliveries have ended, or the preliminary one when
// ctx ends first. It returns ErrStopping when the server stops meanwhile; whoever asks again with the same event
// after the restart waits on. Waiting changes nothing about the deliveries, nor does going away.
func (e *Engine) Wait(ctx context.Context, id EventID) (Verdict, error) {
	ended, leave := e.waiting.enter(id)
	defer leave()
	for {
		v, err := e.store.Verdict(context.WithoutCancel(ctx), id, 0)
		if err != nil || v.Ended {
			return v, err
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return v, nil
		case <-e.waiting.closed:
			return v, ErrStopping
		}
	}
}
