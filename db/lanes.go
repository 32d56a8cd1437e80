package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// releaseAtOnce is how many held deliveries one transaction lets go, whatever the number of lanes, so that those who
// need the writer for other lanes do not wait long.
const releaseAtOnce = 500

// aftermath is what a transaction brought about that the engine must hear of once it is committed.
type aftermath struct {
	due   []engine.Delivery
	ended []engine.EventID
	// endedMany: more deliveries ended than are worth naming.
	endedMany bool
	opensBy   time.Time // of the gate closed by this transaction that opens first; zero: none closed
	released  int       // held deliveries that were let go, or cancelled in their turn
	// cancelled and gatesEnded count what was cancelled because webhooks went out of use.
	cancelled, gatesEnded int
	recovered             int // deliveries that were made due again
	// unfinished: there is something left for GoOn.
	unfinished bool
	laneLeft   []engine.LaneID
	paused     []engine.Streak // of webhooks whose pause began, grew or ended
	// configChanged: there is another directory.
	configChanged bool
}

// tell passes the aftermath of a committed transaction on.
func (a *aftermath) tell(w engine.Watcher) {
	if w == nil {
		return
	}
	if a.configChanged {
		w.ConfigChanged()
	}
	if len(a.due) > 0 {
		w.Due(a.due)
	}
	switch {
	case a.endedMany:
		w.Ended(nil)
	case len(a.ended) > 0:
		w.Ended(a.ended)
	}
	if !a.opensBy.IsZero() {
		w.GateClosed(a.opensBy)
	}
	for _, lane := range a.laneLeft {
		w.LaneLeft(lane)
	}
	for _, s := range a.paused {
		w.Paused(s.WebhookID, s.PausedUntil)
	}
	if a.unfinished {
		w.Unfinished()
	}
}

// Watch sets who is told what commits bring about.
func (s *Store) Watch(w engine.Watcher) { s.watcher = w }

const gateColumns = "g.delivery, g.webhook, g.lane, g.closed_at, g.opens_by, g.opened_at, g.opening, g.opened_by, g.reason, g.released"

func scanGate(row scanner) (g engine.Gate, err error) {
	return g, row.Scan(&g.DeliveryID, &g.WebhookID, &g.Lane, at(&g.ClosedAt), at(&g.OpensBy), at(&g.OpenedAt), orZero(&g.Opening),
		&g.OpenedBy, &g.Reason, &g.Released)
}

// closeGate stores the gate of a blocking delivery whose turn came.
func (t *tx) closeGate(d *engine.Delivery, now time.Time) error {
	g := engine.NewGate(d, t.directory.Webhook(d.WebhookID), now)
	if t.opensBy.IsZero() || g.OpensBy.Before(t.opensBy) {
		t.opensBy = g.OpensBy
	}
	if err := t.unpause(g.WebhookID); err != nil {
		return err
	}
	return t.exec("INSERT INTO gates (delivery, webhook, lane, closed_at, opens_by, opened_by, reason, released) VALUES (?, ?, ?, ?, ?, '', '', 0)",
		int64(g.DeliveryID), int64(g.WebhookID), int64(g.Lane), millis(g.ClosedAt), millis(g.OpensBy))
}

// openGate stores that a gate opened, and lets its lane go on.
func (t *tx) openGate(g engine.Gate) (engine.Gate, error) {
	args := func() []any {
		return []any{millis(g.OpenedAt), string(g.Opening), g.OpenedBy, g.Reason, g.Released, int64(g.DeliveryID)}
	}
	if err := t.exec(openGate, args()...); err != nil {
		return g, err
	}
	var err error
	left := len(t.laneLeft)
	if g.Released, err = t.release(g.Lane, g.OpenedAt); err != nil {
		return g, err
	}
	if len(t.laneLeft) > left {
		// The rest of a long lane goes in later transactions, and is counted now.
		rest, err := get(t, number, selectGoing, int64(g.Lane))
		if err != nil {
			return g, err
		}
		g.Released += int(rest)
	}
	if g.Released == 0 {
		return g, nil
	}
	return g, t.exec(openGate, args()...)
}

// selectGoing counts what a lane whose gate is open lets go: up to and including the next blocking delivery.
const selectGoing = `SELECT count(*) FROM deliveries INDEXED BY deliveries_held WHERE lane = ?1 AND state = 'held'
	AND id <= ifnull((SELECT b.id FROM deliveries b INDEXED BY deliveries_held
		WHERE b.lane = ?1 AND b.state = 'held' AND b.blocking = 1 ORDER BY b.id LIMIT 1), 9223372036854775807)`

const openGate = "UPDATE gates SET opened_at = ?, opening = ?, opened_by = ?, reason = ?, released = ? WHERE delivery = ?"

// release lets held deliveries of a lane go, up to and including the next blocking one, which closes the next gate. Those
// whose webhook is out of use are cancelled in their turn.
func (t *tx) release(lane engine.LaneID, now time.Time) (n int, err error) {
	last := func(d engine.Delivery) bool { return d.Blocking && t.outOfUse(&d, now) == "" }
	held, err := findUntil(t, scanDelivery, last, selectHeld, int64(lane), releaseAtOnce-t.released+1)
	if err != nil {
		return 0, err
	}
	for _, d := range held {
		if t.released == releaseAtOnce {
			t.laneLeft = append(t.laneLeft, lane)
			return n, nil
		}
		t.released++
		if reason := t.outOfUse(&d, now); reason != "" {
			if _, err := step(t, d.ID, engine.Change{Step: engine.StepCancel, Now: now, Reason: reason}); err != nil {
				return n, err
			}
			continue
		}
		if err := t.letGo(d, now); err != nil {
			return n, err
		}
		n++
		if d.Blocking {
			return n, nil
		}
	}
	return n, t.empty(lane)
}

// letGo gives a held delivery its turn.
func (t *tx) letGo(d engine.Delivery, now time.Time) error {
	due := now
	if w := t.directory.Webhook(d.WebhookID); w != nil {
		due = now.Add(w.Delay)
	}
	d, err := d.Transition(engine.Change{Step: engine.StepRelease, Now: now, DueAt: due})
	if err != nil {
		return err
	}
	if err := updateDelivery(t, &d); err != nil {
		return err
	}
	t.due = append(t.due, d)
	if d.Blocking {
		return t.closeGate(&d, now)
	}
	return nil
}

const selectHeld = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_held
	WHERE d.lane = ? AND d.state = 'held' ORDER BY d.id LIMIT ?`

// end does what follows when a delivery reaches a final state: its gate opens, and whoever waits for its event is told.
func (t *tx) end(d *engine.Delivery, now time.Time) error {
	if !d.Blocking {
		return nil
	}
	t.ended = append(t.ended, d.EventID)
	if d.Lane == 0 {
		return nil
	}
	g, err := get(t, scanGate, selectClosedGateOf, int64(d.ID))
	if errors.Is(err, engine.ErrNotFound) {
		return nil // opened before, or it was held and never had one
	}
	if err == nil {
		_, err = t.openGate(g.Open(d, now))
	}
	return err
}

const selectClosedGateOf = "SELECT " + gateColumns + " FROM gates g WHERE g.delivery = ? AND g.opened_at IS NULL"

// OpenGate opens the gate of a delivery by hand and lets its lane go on.
func (s *Store) OpenGate(ctx context.Context, who engine.Actor, now time.Time, id engine.DeliveryID, reason string) (engine.Gate, error) {
	g, err := change(ctx, s.writer, func(t *tx) (engine.Gate, error) {
		g, err := get(t, scanGate, "SELECT "+gateColumns+" FROM gates g WHERE g.delivery = ?", int64(id))
		if err != nil {
			return g, err
		}
		if !g.Closed() {
			return g, fmt.Errorf("the gate of %s is open: %w", id, engine.ErrConflict)
		}
		g.OpenedAt, g.Opening, g.OpenedBy, g.Reason = now, engine.OpenedByHand, who.Name, reason
		if g, err = t.openGate(g); err != nil {
			return g, err
		}
		return g, t.audit(who, "gate.open", id.String(), reason)
	})
	if err != nil {
		return engine.Gate{}, fmt.Errorf("open gate: %w", err)
	}
	return g, nil
}

// OpenLateGates opens up to limit gates whose latest opening time has come, and returns when the next one's comes.
func (s *Store) OpenLateGates(ctx context.Context, now time.Time, limit int) (time.Time, error) {
	next, err := change(ctx, s.writer, func(t *tx) (next time.Time, err error) {
		late, err := find(t, scanGate, selectLateGates, now.UnixMilli(), limit)
		if err != nil {
			return next, err
		}
		for _, g := range late {
			g.OpenedAt, g.Opening = now, engine.OpenedLate
			if _, err := t.openGate(g); err != nil {
				return next, err
			}
		}
		next, err = get(t, scanTimeOnly, selectNextLate)
		if errors.Is(err, engine.ErrNotFound) {
			err = nil
		}
		return next, err
	})
	if err != nil {
		return next, fmt.Errorf("open late gates: %w", err)
	}
	return next, nil
}

const (
	selectLateGates = "SELECT " + gateColumns + ` FROM gates g INDEXED BY gates_opens_by
		WHERE g.opened_at IS NULL AND g.opens_by <= ? ORDER BY g.opens_by LIMIT ?`
	selectNextLate = "SELECT opens_by FROM gates INDEXED BY gates_opens_by WHERE opened_at IS NULL ORDER BY opens_by LIMIT 1"
)

// ReleaseLanes lets held deliveries of those lanes go that stand behind no gate; without lanes it looks in all.
func (s *Store) ReleaseLanes(ctx context.Context, now time.Time, lanes []engine.LaneID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		candidates := lanes
		if len(candidates) == 0 {
			var err error
			if candidates, err = find(t, scanLane, selectHeldLanes); err != nil {
				return err
			}
		}
		for _, lane := range candidates {
			if t.released == releaseAtOnce {
				t.laneLeft = append(t.laneLeft, lane)
				continue
			}
			closed, err := exists(t, selectLaneClosed, int64(lane))
			if err != nil {
				return err
			}
			if closed {
				continue
			}
			if _, err := t.release(lane, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("release lanes: %w", err)
	}
	return nil
}

const selectLaneClosed = "SELECT 1 FROM gates WHERE lane = ? AND opened_at IS NULL"

func scanLane(row scanner) (id engine.LaneID, err error) { return id, row.Scan(&id) }

// selectHeldLanes walks from lane to lane like selectWaiting from webhook to webhook.
const selectHeldLanes = `WITH RECURSIVE held (lane) AS (
		SELECT (SELECT lane FROM deliveries INDEXED BY deliveries_held WHERE state = 'held' ORDER BY lane LIMIT 1)
		UNION ALL
		SELECT (SELECT d.lane FROM deliveries d INDEXED BY deliveries_held
			WHERE d.state = 'held' AND d.lane > held.lane ORDER BY d.lane LIMIT 1)
		FROM held WHERE held.lane IS NOT NULL
	)
	SELECT lane FROM held WHERE lane IS NOT NULL`

// Verdict returns what the blocking deliveries of an event came to: those of one consumer, or all for zero.
func (s *Store) Verdict(ctx context.Context, id engine.EventID, consumer engine.ConsumerID) (engine.Verdict, error) {
	deliveries, err := list(ctx, s, scanDelivery, selectOfEvent, int64(id), int64(consumer))
	if err != nil {
		return engine.Verdict{}, fmt.Errorf("read verdict: %w", err)
	}
	return engine.NewVerdict(deliveries), nil
}

const selectOfEvent = "SELECT " + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_event
	WHERE d.event = ?1 AND (?2 = 0 OR d.consumer = ?2) ORDER BY d.id`
