package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"labhook/engine"
	"labhook/views"
)

// latestRecoveries is how many recoveries a webhook's page of them shows.
const latestRecoveries = 10

// handleWebhookRecover shows what a recovery would send again, and how those before went.
func (s *Server) handleWebhookRecover(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	choice := r.FormValue("since")
	if _, ok := periodStart(&hook, choice, time.Now()); !ok {
		choice = views.SinceDay
		if !hook.DeactivatedAt.IsZero() {
			choice = views.SinceDeactivated
		}
	}
	d, err := s.recoverDetail(r, hook, choice, "")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.WebhookRecoverPage(d), "recoveries")
}

// handleWebhookRecovered counts anew, or sends again what was counted.
func (s *Server) handleWebhookRecovered(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	if r.PostFormValue("op") == "recover" {
		s.startRecovery(w, r, hook)
		return
	}
	d, err := s.recoverDetail(r, hook, r.PostFormValue("since"), formText(r.PostForm, "from"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if len(d.Page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	if isHTMX(r) {
		s.render(w, r, status, views.RecoverCount(d))
		return
	}
	s.render(w, r, status, views.WebhookRecoverPage(d))
}

// startRecovery sends again what failed since the time that was counted from. A webhook that is switched off is
// switched on with it, as the button says, or stays off when no recovery can begin.
func (s *Server) startRecovery(w http.ResponseWriter, r *http.Request, hook engine.Webhook) {
	since, err := time.Parse(time.RFC3339Nano, r.PostFormValue("at"))
	if err != nil {
		s.errorPage(w, r, http.StatusBadRequest)
		return
	}
	done := "The recovery of " + hook.Name + " began."
	begin := s.engine.Recover
	if !hook.Enabled {
		begin = s.engine.EnableAndRecover
		done = "Webhook " + hook.Name + " was enabled, and its recovery began."
	}
	_, err = begin(r.Context(), s.actor(r), hook.ID, since)
	if why, ok := errors.AsType[engine.Conflict](err); ok {
		done = "Nothing was changed, and no recovery began. " + why.Error()
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.WebhookRecoverURL(hook.ID), done)
}

// recoverDetail counts what failed in a period. Page.Problems says why it could not be counted.
func (s *Server) recoverDetail(r *http.Request, hook engine.Webhook, choice, from string) (views.WebhookRecover, error) {
	d := views.WebhookRecover{
		Page:    s.page(r, "Recover failed deliveries of "+hook.Name, "admin", s.webhookCrumbs(&hook, views.Crumb{Label: "Recover failed"})...),
		Webhook: hook, Choice: choice, From: from,
	}
	d.Unusable = s.store.Directory().Unusable(hook.ID, d.Page.Now)
	var err error
	if d.Latest, err = s.store.Recoveries(r.Context(), hook.ID, latestRecoveries); err != nil {
		return d, err
	}
	since, ok := periodStart(&hook, choice, d.Page.Now)
	switch {
	case ok:
	case choice != views.SinceCustom:
		d.Page.Problems = []engine.Invalid{{Field: "since", Message: "Choose one of the periods"}}
	default:
		since, d.Page.Problems = customStart(from, d.Page.Zone, d.Page.Now)
	}
	if len(d.Page.Problems) > 0 {
		return d, nil
	}
	d.Since = since
	d.Count, d.More, err = s.store.CountRecoverable(r.Context(), hook.ID, since, time.Time{})
	return d, err
}

// periodStart returns when one of the periods began that need no more to be said.
func periodStart(hook *engine.Webhook, choice string, now time.Time) (time.Time, bool) {
	switch choice {
	case views.SinceHour:
		return now.Add(-time.Hour), true
	case views.SinceDay:
		return now.Add(-24 * time.Hour), true
	case views.SinceWeek:
		return now.Add(-7 * 24 * time.Hour), true
	case views.SinceDeactivated:
		// What waited when it was switched off had been accepted before: as long ago as a delivery may take.
		return hook.DeactivatedAt.Add(-hook.LongestHold()), !hook.DeactivatedAt.IsZero()
	}
	return time.Time{}, false
}

// customStart reads a time that was typed.
func customStart(from string, zone *time.Location, now time.Time) (time.Time, []engine.Invalid) {
	if from == "" {
		return time.Time{}, []engine.Invalid{{Field: "from", Message: "Enter the time since when to look"}}
	}
	since, err := time.ParseInLocation(timeLayout, from, zone)
	switch {
	case err != nil:
		return since, []engine.Invalid{{Field: "from", Message: "Enter a date and time such as 2026-06-30T18:00"}}
	case since.After(now):
		return since, []engine.Invalid{{Field: "from", Message: "Choose a time that has passed"}}
	}
	return since, nil
}

// runningRecovery returns the recovery of a webhook that goes on, nil when none does.
func (s *Server) runningRecovery(ctx context.Context, id engine.WebhookID) (*engine.Recovery, error) {
	latest, err := s.store.Recoveries(ctx, id, 1)
	if err != nil || len(latest) == 0 || !latest[0].Running() {
		return nil, err
	}
	return &latest[0], nil
}
