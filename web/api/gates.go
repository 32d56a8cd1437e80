package api

import (
	"context"
	"errors"
	"net/http"

	"labhook/engine"
)

// openGate opens the gate of a delivery by hand.
func (s *server) openGate(ctx context.Context, in *deliveryPath) (*answer[GatedDelivery], error) {
	c := callOf(ctx)
	found, err := s.deliveryAt(ctx, in.Dlv)
	if err != nil {
		return nil, err
	}
	var sent OpenGateInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	gate, err := s.Engine.OpenGate(ctx, c.actor(), found.ID, sent.Reason)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil, newProblem(http.StatusNotFound, "The delivery has no gate: it is not blocking, or its turn has not come")
	case err != nil:
		return nil, conflict(err, "The gate is open already")
	}
	out := GatedDelivery{Delivery: deliveryOut(found), Gate: gateOut(gate)}
	return &answer[GatedDelivery]{out}, nil
}

// gated returns deliveries with their gates.
func (s *server) gated(ctx context.Context, rows []engine.DeliveryRow) ([]GatedDelivery, error) {
	var blocking []engine.DeliveryID
	for _, d := range rows {
		if d.Blocking && d.Lane != 0 {
			blocking = append(blocking, d.ID)
		}
	}
	var gates map[engine.DeliveryID]engine.Gate
	if len(blocking) > 0 {
		var err error
		if gates, err = s.Store.Gates(ctx, blocking); err != nil {
			return nil, err
		}
	}
	return s.withGates(ctx, rows, gates)
}

// withGates returns deliveries with those of the gates that are theirs.
func (s *server) withGates(ctx context.Context, rows []engine.DeliveryRow, gates map[engine.DeliveryID]engine.Gate) ([]GatedDelivery, error) {
	out := make([]GatedDelivery, len(rows))
	for i, d := range rows {
		out[i].Delivery = deliveryOut(d)
		gate, ok := gates[d.ID]
		if !ok {
			continue
		}
		out[i].Gate = gateOut(gate)
		if !gate.Closed() {
			continue
		}
		var err error
		if out[i].Gate.HeldDeliveries, out[i].Gate.HeldEvents, err = s.Store.Held(ctx, gate.Lane); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func gateOut(g engine.Gate) *Gate {
	return &Gate{
		ClosedAt: g.ClosedAt.UTC(), OpensBy: g.OpensBy.UTC(), OpenedAt: timeOrNull(g.OpenedAt), Opening: string(g.Opening),
		OpenedBy: g.OpenedBy, Reason: g.Reason, Released: g.Released,
	}
}
