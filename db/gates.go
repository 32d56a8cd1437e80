package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

const selectClosedGate = "SELECT " + gateColumns + " FROM gates AS g INDEXED BY gates_closed WHERE g.lane = ? AND g.opened_at IS NULL"

// ClosedGate returns the gate that holds a lane; engine.ErrNotFound when none does.
func (s *Store) ClosedGate(ctx context.Context, lane engine.LaneID) (engine.Gate, error) {
	return one(s.read.QueryRowContext(ctx, selectClosedGate, int64(lane)), scanGate)
}

const selectHeldIDs = `SELECT id FROM deliveries INDEXED BY deliveries_held
	WHERE lane = ? AND state = 'held' ORDER BY id LIMIT ?`

// HeldDeliveries returns the first deliveries that a lane holds, in the order in which they will be let go.
func (s *Store) HeldDeliveries(ctx context.Context, lane engine.LaneID, limit int) ([]engine.DeliveryRow, error) {
	ids, err := list(ctx, s, number, selectHeldIDs, int64(lane), limit)
	if err != nil {
		return nil, fmt.Errorf("list held deliveries: %w", err)
	}
	rows, err := s.deliveryRows(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list held deliveries: %w", err)
	}
	held := make([]engine.DeliveryRow, 0, len(ids))
	for _, id := range ids {
		if row, ok := rows[id]; ok {
			held = append(held, row)
		}
	}
	return held, nil
}

const selectGateCount = "SELECT count(*), min(closed_at) FROM gates INDEXED BY gates_opens_by WHERE opened_at IS NULL"

// countGates counts the closed gates, and returns since when the first of them is. They are as many as the labs that
// wait, which is few even where much is sent.
func (s *Store) countGates(ctx context.Context) (n int, since time.Time, err error) {
	err = s.read.QueryRowContext(ctx, selectGateCount).Scan(&n, at(&since))
	if err != nil {
		return 0, since, fmt.Errorf("count closed gates: %w", err)
	}
	return n, since, nil
}
