package web

import (
	"context"
	"errors"
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// heldRead is how many held deliveries are read to tell how far a lane goes on.
const heldRead = 200

const gateIsOpen = "Nothing was changed: the gate opened meanwhile."

// gate returns the gate that the path names. It answers and returns false when there is none, or it is open.
func (s *Server) gate(w http.ResponseWriter, r *http.Request) (views.ClosedGate, bool) {
	var c views.ClosedGate
	err := pathID(r, "dlv", &c.DeliveryID)
	if err == nil {
		c.Row, err = s.store.Delivery(r.Context(), c.DeliveryID)
	}
	if err == nil && c.Row.Subject != r.PathValue("subject") {
		err = engine.ErrNotFound
	}
	if err == nil {
		c.Gate, err = s.store.Gate(r.Context(), c.DeliveryID)
	}
	if err == nil && !c.Closed() {
		s.redirect(w, r, views.LabInstanceURL(c.Row.Subject), gateIsOpen)
		return c, false
	}
	if err == nil {
		c.Deliveries, c.Events, err = s.store.Held(r.Context(), c.Lane)
	}
	if err != nil {
		s.fail(w, r, err)
	}
	return c, err == nil
}

// gatesOf returns a delivery's own gate and the one that holds it, each nil when there is none.
func (s *Server) gatesOf(ctx context.Context, row engine.DeliveryRow) (own, by *views.ClosedGate, err error) {
	if row.Lane == 0 {
		return nil, nil, nil
	}
	if row.State == engine.StateHeld {
		c, err := s.closedGate(ctx, row.Lane)
		if errors.Is(err, engine.ErrNotFound) {
			return nil, nil, nil // it opened since the delivery was read
		}
		return nil, &c, err
	}
	c := views.ClosedGate{Row: row}
	if c.Gate, err = s.store.Gate(ctx, row.ID); errors.Is(err, engine.ErrNotFound) {
		return nil, nil, nil
	}
	if err == nil && c.Closed() {
		c.Deliveries, c.Events, err = s.store.Held(ctx, row.Lane)
	}
	return &c, nil, err
}

// handleGateOpen asks before a gate is opened.
func (s *Server) handleGateOpen(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.gate(w, r); ok {
		s.gateForm(w, r, http.StatusOK, c, "", nil)
	}
}

// handleGateOpened opens a gate.
func (s *Server) handleGateOpened(w http.ResponseWriter, r *http.Request) {
	c, ok := s.gate(w, r)
	if !ok {
		return
	}
	reason := formText(r.PostForm, "reason")
	opened, err := s.engine.OpenGate(r.Context(), s.actor(r), c.DeliveryID, reason)
	if problems := problemsOf(err); problems != nil {
		s.gateForm(w, r, http.StatusUnprocessableEntity, c, reason, problems)
		return
	}
	done := "The gate of " + c.Row.WebhookName + " was opened. " + letGo(opened.Released)
	if errors.Is(err, engine.ErrConflict) {
		done = gateIsOpen
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.LabInstanceURL(c.Row.Subject), done)
}

func letGo(n int) string {
	if n == 0 {
		return "Nothing waited behind it."
	}
	return views.Plural(n, "delivery was", "deliveries were") + " let go."
}

func (s *Server) gateForm(w http.ResponseWriter, r *http.Request, status int, c views.ClosedGate, reason string, problems []engine.Invalid) {
	held, err := s.store.HeldDeliveries(r.Context(), c.Lane, heldRead)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := s.page(r, "Open gate: "+c.Row.WebhookName, "labs", views.Crumb{Label: "Lab instances", URL: views.LabInstancesURL()},
		views.Crumb{Label: c.Row.Subject, URL: views.LabInstanceURL(c.Row.Subject)}, views.Crumb{Label: "Open gate"})
	p.Problems = problems
	s.render(w, r, status, views.GateOpenPage(views.GateOpen{Page: p, Subject: c.Row.Subject, Gate: c, Held: held, Reason: reason}))
}

// handleGateHasten makes the next attempt of the delivery that keeps a gate closed at once.
func (s *Server) handleGateHasten(w http.ResponseWriter, r *http.Request) {
	c, ok := s.gate(w, r)
	if !ok {
		return
	}
	done := "The next attempt is made now."
	_, err := s.engine.Hasten(r.Context(), s.actor(r), c.DeliveryID)
	if errors.Is(err, engine.ErrConflict) {
		done = "Nothing was changed: the delivery went on meanwhile."
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.LabInstanceURL(c.Row.Subject), done)
}
