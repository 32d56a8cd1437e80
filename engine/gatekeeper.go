package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// lateGates is how many gates are opened in one transaction because their time has come.
const lateGates = 100

// gatekeeper does what time does to lanes: it opens gates whose latest opening time comes, lets long lanes go in
// pieces, and ends what waits for a consumer that expires. Like the dispatcher it
// remembers only when to look; which gates those are is on disk.
type gatekeeper struct {
	store Store
	log   *slog.Logger

	mu    sync.Mutex
	next  time.Time           // the earliest opening time known; zero: none
	lanes map[LaneID]struct{} // with more to release
	wake  chan struct{}

	// Only the loop uses these once it runs.
	expired    time.Time  // consumers that expired by then were dealt with
	read       *Directory // in which nextExpiry was looked up
	nextExpiry time.Time  // of a consumer; zero: none
}

func newGatekeeper(store Store, log *slog.Logger) *gatekeeper {
	return &gatekeeper{store: store, log: log, lanes: map[LaneID]struct{}{}, wake: make(chan struct{}, 1)}
}

// announce tells that a gate must be open by t.
func (g *gatekeeper) announce(t time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next.IsZero() || t.Before(g.next) {
		g.next = t
		g.poke()
	}
}

// left tells that a lane has more to release.
func (g *gatekeeper) left(lane LaneID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lanes[lane] = struct{}{}
	g.poke()
}

func (g *gatekeeper) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends.
func (g *gatekeeper) run(ctx context.Context) {
	g.announce(time.Now()) // what closed before this start
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		sleep := g.work(time.Now())
		timer.Reset(sleep)
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		case <-timer.C:
		}
	}
}

// work does what is to be done now and returns how long nothing will be.
func (g *gatekeeper) work(now time.Time) time.Duration {
	g.mu.Lock()
	var lanes []LaneID
	for lane := range g.lanes {
		lanes = append(lanes, lane)
	}
	clear(g.lanes)
	next := g.next
	late := !next.IsZero() && !next.After(now)
	if late {
		g.next = time.Time{} // what is announced from here on counts beside the answer
	}
	g.mu.Unlock()

	at := now.Truncate(time.Millisecond)
	var failed []LaneID
	if len(lanes) > 0 {
		if err := g.store.ReleaseLanes(context.Background(), at, lanes); err != nil {
			g.log.Error("release failed", "error", err)
			failed = lanes
		}
	}
	if late {
		following, err := g.store.OpenLateGates(context.Background(), at, lateGates)
		if err != nil {
			g.log.Error("opening late gates failed", "error", err)
			following = now.Add(claimPause)
		}
		if !following.IsZero() {
			g.announce(following)
		}
	}
	return min(g.sleep(now, failed), g.expire(now))
}

// expire cancels what waits for consumers that expired since it last looked, and returns how long no other one will.
func (g *gatekeeper) expire(now time.Time) time.Duration {
	if dir := g.store.Directory(); dir != g.read {
		g.read, g.nextExpiry = dir, dir.NextExpiry(g.expired)
	}
	if !g.nextExpiry.IsZero() && !g.nextExpiry.After(now) {
		at := now.Truncate(time.Millisecond)
		if err := g.store.CancelExpired(context.Background(), g.expired, at); err != nil {
			g.log.Error("cancelling for expired consumers failed", "error", err)
			return claimPause
		}
		g.expired, g.nextExpiry = at, g.read.NextExpiry(at)
	}
	if g.nextExpiry.IsZero() {
		return time.Hour
	}
	return max(0, g.nextExpiry.Sub(now))
}

// sleep returns how long there is nothing to do; lanes that could not be released wait a moment.
func (g *gatekeeper) sleep(now time.Time, failed []LaneID) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	sleep := time.Hour
	if !g.next.IsZero() {
		sleep = max(0, g.next.Sub(now))
	}
	switch {
	case len(failed) > 0:
		for _, lane := range failed {
			g.lanes[lane] = struct{}{}
		}
		sleep = min(sleep, claimPause)
	case len(g.lanes) > 0:
		sleep = 0
	}
	return sleep
}
