package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"labhook/engine"
	"labhook/views"
)

// handleAdmin shows Site Administration: whether delivery is healthy, and the way to every screen.
func (s *Server) handleAdmin(w http.ResponseWriter, r *http.Request) {
	admin := views.Admin{Page: s.page(r, "Site Administration", "admin"), Version: s.version}
	if err := s.notReady(r.Context()); err != nil {
		admin.Stopped = err.Error()
	}
	var err error
	if admin.Health, err = s.adminHealth(r.Context(), admin.Page.Now); err != nil {
		s.fail(w, r, err)
		return
	}
	if admin.Steps, err = s.firstSteps(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if admin.FreeSpace, err = s.store.FreeSpace(); err != nil {
		s.fail(w, r, err)
		return
	}
	if admin.Backup, err = s.backupState(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if admin.Attention, err = s.attention(r.Context(), admin.Page, admin.FreeSpace); err != nil {
		s.fail(w, r, err)
		return
	}
	admin.Attention = append(backupAttention(admin.Backup, admin.Page.Now), admin.Attention...)
	admin.Recent = s.recentlyChanged()
	if admin.Egress, err = s.egressWarning(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if admin.DatabaseSize, err = s.store.Size(); err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.AdminPage(admin), "health")
}

func (s *Server) adminHealth(ctx context.Context, now time.Time) (views.Health, error) {
	h, err := s.store.Health(ctx, now)
	if err != nil {
		return views.Health{}, err
	}
	return views.Health{
		Delivered: h.Last24h.Delivered, Failed: h.Last24h.Failed,
		Waiting: h.Waiting, WaitingMore: h.WaitingMore, Retrying: h.Retrying, RetryingMore: h.RetryingMore, OldestDue: h.OldestDue,
		ClosedGates: h.ClosedGates, GateClosedAt: h.GateClosedAt, Hours: barsOf(h.Last24h.Hours[:], now),
	}, nil
}

// barsOf makes a bar of each hour, of which the last is the one that runs; none while nothing was sent.
func barsOf(hours []engine.Counts, now time.Time) []views.ActivityBar {
	var sum engine.Counts
	bars := make([]views.ActivityBar, len(hours))
	for i, c := range hours {
		sum.Add(c)
		bars[i] = views.ActivityBar{From: now.Truncate(time.Hour).Add(-time.Duration(len(hours)-1-i) * time.Hour), Counts: c}
	}
	if sum.Attempts == 0 {
		return nil
	}
	return bars
}

// firstSteps tells how far somebody who has just installed Labhook has come.
func (s *Server) firstSteps(ctx context.Context) (views.FirstSteps, error) {
	var steps views.FirstSteps
	directory := s.store.Directory()
	for _, c := range directory.Consumers() {
		steps.Consumer = c.ID
		if hooks := directory.Webhooks(c.ID); len(hooks) > 0 {
			steps.Webhook = hooks[0].ID
			break
		}
	}
	events, err := s.store.ListEvents(ctx, engine.EventFilter{Limit: 1})
	if err != nil {
		return steps, err
	}
	steps.HasEvent = len(events.Rows) > 0
	_, err = s.store.Setting(ctx, firstStepsHidden)
	steps.Hidden = err == nil
	if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	return steps, err
}

// firstStepsHidden is the setting that stands once somebody has put the list of first steps away.
const firstStepsHidden = "first_steps_hidden"

// handleFirstStepsHide puts the list of first steps away, for everybody: it is about the installation.
func (s *Server) handleFirstStepsHide(w http.ResponseWriter, r *http.Request) {
	if err := s.store.SetSetting(r.Context(), firstStepsHidden, "true"); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.AdminURL(), "The first steps are hidden.")
}
