package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// turn decides for the deliveries of a new event, which come in the order of sending, whether they may go or stand
// behind a gate. It keeps the lane of the consumer at hand, as the deliveries of one consumer follow each other.
type turn struct {
	t       *tx
	subject string
	now     time.Time

	consumer engine.ConsumerID
	lane     engine.LaneID // zero: there is none yet
	blocked  bool
}

// take returns the delivery as it is to be stored: held, taken by a sender, waiting, or cancelled when its webhook went
// out of use since the event was matched.
func (u *turn) take(o engine.Offer) (engine.Delivery, error) {
	d := o.Delivery
	if reason := u.t.directory.Unusable(d.WebhookID, u.now); reason != "" {
		return d.Transition(engine.Change{Step: engine.StepCancel, Now: u.now, Reason: reason})
	}
	if u.subject != "" {
		if err := u.enter(d.ConsumerID); err != nil {
			return d, err
		}
	}
	if u.blocked {
		d.Lane = u.lane
		return d.Transition(engine.Change{Step: engine.StepHold, Now: u.now})
	}
	if d.Blocking && u.subject != "" {
		var err error
		if u.lane, err = findOrMakeLane(u.t, laneKey{d.ConsumerID, u.subject}); err != nil {
			return d, err
		}
		d.Lane, u.blocked = u.lane, true
	}
	if o.Room {
		return d.Transition(engine.Change{Step: engine.StepSend, Now: u.now})
	}
	return d, nil
}

// enter looks up the consumer's lane. For lanes in which nothing waits it costs no query.
func (u *turn) enter(consumer engine.ConsumerID) (err error) {
	if u.consumer == consumer {
		return nil
	}
	u.consumer, u.lane, u.blocked = consumer, 0, false
	key := laneKey{consumer, u.subject}
	if !u.t.writer.store.busy[key] {
		return nil
	}
	if u.lane, err = findLane(u.t, key); err != nil || u.lane == 0 {
		return err
	}
	u.blocked, err = exists(u.t, selectBlocked, int64(u.lane), int64(u.lane))
	return err
}

// laneKey is what a lane is the lane of.
type laneKey struct {
	consumer engine.ConsumerID
	subject  string
}

func scanLaneKey(row scanner) (k laneKey, err error) { return k, row.Scan(&k.consumer, &k.subject) }

const selectBlocked = `SELECT 1 WHERE EXISTS (SELECT 1 FROM gates WHERE lane = ? AND opened_at IS NULL)
	OR EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_held WHERE lane = ? AND state = 'held')`

// findLane returns a lane, zero when there is none.
func findLane(t *tx, key laneKey) (engine.LaneID, error) {
	id, err := get(t, number, selectLane, int64(key.consumer), key.subject)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, nil
	}
	return engine.LaneID(id), err
}

const selectLane = "SELECT id FROM lanes WHERE consumer = ? AND subject = ?"

// findOrMakeLane returns a lane in which something is about to wait.
func findOrMakeLane(t *tx, key laneKey) (engine.LaneID, error) {
	remember := func() { t.writer.store.busy[key] = true }
	remember()
	t.onCommit(remember) // again, as the lane may have emptied earlier in this transaction
	if lane, err := findLane(t, key); err != nil || lane != 0 {
		return lane, err
	}
	t.writes++ // the row that is asked back keeps do from counting it
	id, err := get(t, number, "INSERT INTO lanes (consumer, subject) VALUES (?, ?) RETURNING id", int64(key.consumer), key.subject)
	return engine.LaneID(id), err
}

// empty notes that nothing waits in a lane any more.
func (t *tx) empty(lane engine.LaneID) error {
	key, err := get(t, scanLaneKey, selectLaneKey, int64(lane))
	if err != nil {
		return fmt.Errorf("read lane: %w", err)
	}
	t.onCommit(func() { delete(t.writer.store.busy, key) })
	return nil
}

const selectLaneKey = "SELECT consumer, subject FROM lanes WHERE id = ?"

// loadBusy remembers in which lanes something waits.
func (s *Store) loadBusy(ctx context.Context) error {
	s.busy = map[laneKey]bool{}
	for _, query := range []string{selectClosedLanes, selectHeldLaneKeys} {
		keys, err := list(ctx, s, scanLaneKey, query)
		if err != nil {
			return fmt.Errorf("load lanes: %w", err)
		}
		for _, key := range keys {
			s.busy[key] = true
		}
	}
	return nil
}

const (
	selectClosedLanes = `SELECT l.consumer, l.subject FROM gates g INDEXED BY gates_closed
		CROSS JOIN lanes l ON l.id = g.lane WHERE g.opened_at IS NULL`
	selectHeldLaneKeys = "SELECT consumer, subject FROM lanes WHERE id IN (" + selectHeldLanes + ")"
)
