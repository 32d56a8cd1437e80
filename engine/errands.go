package engine

import (
	"context"
	"log/slog"
	"time"
)

// errands does in the background what was too much for one transaction: it cancels what waits for webhooks that went
// out of use, and goes on with recoveries. What is to be done is on disk, so a restart goes on with it.
type errands struct {
	store Store
	log   *slog.Logger
	wake  chan struct{}
}

func newErrands(store Store, log *slog.Logger) *errands {
	return &errands{store: store, log: log, wake: make(chan struct{}, 1)}
}

// more tells that a transaction left something to be done.
func (r *errands) more() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run works piece by piece until ctx ends. Others use the database between two pieces.
func (r *errands) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		switch more, err := r.store.GoOn(context.Background(), time.Now().Truncate(time.Millisecond)); {
		case err != nil:
			r.log.Error("errand failed", "error", err)
			timer.Reset(claimPause)
		case more:
			r.more()
		}
	}
}
