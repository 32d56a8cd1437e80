package engine

import (
	"context"
	"fmt"
	"time"
)

// MaxCounted is where the count of what can be recovered stops.
const MaxCounted = 10_000

// Recovery sends again what a webhook's receiver missed since a time: the deliveries accepted since then that failed or
// were cancelled, in the order of their acceptance, but no tests and nothing that an error action skipped. Each keeps its
// id, gets the whole number of retries again, and holds no lane.
type Recovery struct {
	ID        RecoveryID
	WebhookID WebhookID
	Since     time.Time // deliveries accepted from then on
	Last      DeliveryID
	Next      DeliveryID // to go on from; what is newer than Last was accepted after it began
	Sent      int        // deliveries that were made due again so far
	CreatedAt time.Time
	CreatedBy string
	// FinishedAt is set once all are due again, or when Stopped says why not all are.
	FinishedAt time.Time
	Stopped    string
}

// Running reports whether it goes on.
func (r *Recovery) Running() bool { return r.FinishedAt.IsZero() }

// Recover begins to send again what the receiver of a webhook missed since a time. It returns when the first pieces are
// on disk; the rest follows in small transactions, also after a restart. Errors are InvalidError on the field "since",
// ErrNotFound, ErrStopping, and a Conflict when the webhook is out of use or another recovery of it runs.
func (e *Engine) Recover(ctx context.Context, who Actor, id WebhookID, since time.Time) (Recovery, error) {
	return e.startRecovery(ctx, who, id, since, false)
}

// EnableAndRecover is Recover for a webhook that may be switched off: it is switched on with the beginning of the recovery,
// or, with an error, not at all.
func (e *Engine) EnableAndRecover(ctx context.Context, who Actor, id WebhookID, since time.Time) (Recovery, error) {
	return e.startRecovery(ctx, who, id, since, true)
}

func (e *Engine) startRecovery(ctx context.Context, who Actor, id WebhookID, since time.Time, enable bool) (Recovery, error) {
	e.life.RLock()
	defer e.life.RUnlock()
	if e.state != running {
		return Recovery{}, ErrStopping
	}
	now := time.Now().Truncate(time.Millisecond)
	var bad InvalidError
	switch {
	case since.IsZero():
		bad.add("since", "Say since when deliveries are to be sent again")
	case since.After(now):
		bad.add("since", "Choose a time that has passed")
	}
	if len(bad) > 0 {
		return Recovery{}, bad
	}
	r, err := e.store.StartRecovery(context.WithoutCancel(ctx), who, id, since, now, enable)
	if err != nil {
		return r, fmt.Errorf("recover: %w", err)
	}
	return r, nil
}
