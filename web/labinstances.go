package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"labhook/engine"
	"labhook/views"
)

// handleLabInstances shows the lab instances that the address asks for.
func (s *Server) handleLabInstances(w http.ResponseWriter, r *http.Request) {
	f := engine.LabFilter{Text: askedText(r.FormValue("q")), Gated: r.FormValue("gated") != ""}
	rows, err := s.store.ListLabInstances(r.Context(), f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	title := "Lab instances"
	if f.Gated {
		title = "Labs with a closed gate"
	}
	if f.Text != "" {
		title += ": " + f.Text
	}
	l := views.LabInstanceList{Page: s.page(r, title, "labs"), Filter: f, Rows: rows}
	if len(rows) == 0 {
		l.Empty = noLabInstances(f)
		if before, at := s.store.Retention().Before(); !before.IsZero() && !f.Gated {
			l.Empty.Text += goneNote(before, at, l.Page.Zone)
		}
	}
	if isHTMX(r) {
		w.Header().Set("HX-Push-Url", views.LabInstancesQuery(f))
	}
	s.render(w, r, http.StatusOK, views.LabInstances(l))
}

// noLabInstances says why there are none.
func noLabInstances(f engine.LabFilter) views.EmptyList {
	clear := views.Link{Text: "Clear", URL: views.LabInstancesURL()}
	among := "among the newest " + views.Number(engine.LabSearchDepth) + " events about lab instances and other subjects"
	switch {
	case f.Gated && f.Text == "":
		return views.EmptyList{Title: "No gate is closed", Text: "No lab instance waits for a blocking webhook now."}
	case f.Gated:
		return views.EmptyList{
			Title: "Nothing matches", Text: fmt.Sprintf("No lab instance with a closed gate has “%s” in its ID, user, lab profile or class.", f.Text), Action: clear,
		}
	case f.Text == "":
		return views.EmptyList{
			Title:  "No lab instances yet",
			Text:   "A lab instance appears here with the first event about it that a lab platform posts to /api/v1/events.",
			Action: views.Link{Text: "To the API consumers and their keys", URL: views.ConsumersURL()},
		}
	case strings.Trim(f.Text, "0123456789") == "":
		return views.EmptyList{
			Title:  "Nothing is kept about " + f.Text,
			Text:   "No event about a lab instance of that ID was accepted, or its events are no longer kept. No other ID " + among + " contains it.",
			Action: clear,
		}
	}
	return views.EmptyList{
		Title:  "Nothing matches",
		Text:   fmt.Sprintf("No lab instance %s has “%s” in its ID, user, lab profile or class. An older one is found by its whole ID.", among, f.Text),
		Action: clear,
	}
}

// handleLabInstance shows what happened to one lab instance, in order, and what holds it.
func (s *Server) handleLabInstance(w http.ResponseWriter, r *http.Request) {
	lab, err := s.store.LabInstance(r.Context(), r.PathValue("subject"))
	if err != nil {
		s.failOrGone(w, r, "This lab instance", 0, err)
		return
	}
	d := views.LabInstanceDetail{Lab: lab}
	if d.Closed, err = s.closedGates(r.Context(), &lab); err != nil {
		s.fail(w, r, err)
		return
	}
	d.Page = s.page(r, d.Heading()+" "+lab.Subject, "labs",
		views.Crumb{Label: "Lab instances", URL: views.LabInstancesURL()}, views.Crumb{Label: lab.Subject})
	s.live(w, r, views.LabInstance(d), "lab")
}

// closedGates finds the gates that hold deliveries of a lab instance.
func (s *Server) closedGates(ctx context.Context, lab *engine.LabInstance) (map[engine.LaneID]views.ClosedGate, error) {
	closed, looked := map[engine.LaneID]views.ClosedGate{}, map[engine.LaneID]bool{0: true}
	for _, e := range lab.Events {
		for _, row := range e.Deliveries {
			if looked[row.Lane] || row.State.Final() {
				continue
			}
			looked[row.Lane] = true
			c, err := s.closedGate(ctx, row.Lane)
			if errors.Is(err, engine.ErrNotFound) {
				continue // it opened since the deliveries were read, or a long lane is being let go
			}
			if err != nil {
				return nil, err
			}
			closed[row.Lane] = c
		}
	}
	return closed, nil
}

// closedGate returns the gate that holds a lane, with what it holds; engine.ErrNotFound when none does.
func (s *Server) closedGate(ctx context.Context, lane engine.LaneID) (views.ClosedGate, error) {
	var c views.ClosedGate
	var err error
	if c.Gate, err = s.store.ClosedGate(ctx, lane); err != nil {
		return c, err
	}
	if c.Row, err = s.store.Delivery(ctx, c.DeliveryID); err != nil {
		return c, err
	}
	c.Deliveries, c.Events, err = s.store.Held(ctx, lane)
	return c, err
}
