package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// latestDeliveries is how many deliveries a webhook's page shows.
const latestDeliveries = 5

// webhook returns the webhook that the path names, deleted or not, as the reader may see it, or answers and returns false.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) (engine.Webhook, bool) {
	var id engine.WebhookID
	if err := pathID(r, "wh", &id); err != nil {
		s.fail(w, r, err)
		return engine.Webhook{}, false
	}
	hook, err := s.store.Webhook(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return hook, false
	}
	return shown(r, hook), true
}

// webhookInUse is webhook for those that change it: a deleted one leads to its page, which says so.
func (s *Server) webhookInUse(w http.ResponseWriter, r *http.Request) (engine.Webhook, bool) {
	hook, ok := s.webhook(w, r)
	if ok && !hook.DeletedAt.IsZero() {
		s.redirect(w, r, views.WebhookURL(hook.ID), "The webhook was deleted. It cannot be changed any more.")
		return hook, false
	}
	return hook, ok
}

// webhookCrumbs lead to a webhook's page by way of its consumer.
func (s *Server) webhookCrumbs(hook *engine.Webhook, more ...views.Crumb) []views.Crumb {
	crumbs := consumersCrumbs(
		views.Crumb{Label: consumerName(s.store.Directory(), hook.ConsumerID), URL: views.ConsumerURL(hook.ConsumerID)},
		views.Crumb{Label: hook.Name},
	)
	if len(more) > 0 {
		crumbs[len(crumbs)-1].URL = views.WebhookURL(hook.ID)
	}
	return append(crumbs, more...)
}

// handleWebhook shows one webhook: how it does, its latest deliveries and its settings.
func (s *Server) handleWebhook(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhook(w, r)
	if !ok {
		return
	}
	d, err := s.webhookDetail(r, hook)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.Webhook(d), "latest")
}

// isPaused reports whether a webhook fails so often that it is only tried now and then.
func (s *Server) isPaused(ctx context.Context, id engine.WebhookID) (bool, error) {
	streak, err := s.store.Streak(ctx, id)
	return streak.Paused(), err
}

func (s *Server) webhookDetail(r *http.Request, hook engine.Webhook) (views.WebhookDetail, error) {
	p := s.page(r, hook.Name, "admin", s.webhookCrumbs(&hook)...)
	d := views.WebhookDetail{Page: p, Webhook: hook, Unusable: s.store.Directory().Unusable(hook.ID, p.Now)}
	var err error
	if d.Consumer, err = s.store.Consumer(r.Context(), hook.ConsumerID); err != nil {
		return d, err
	}
	if d.Streak, err = s.store.Streak(r.Context(), hook.ID); err != nil {
		return d, err
	}
	if d.Recovery, err = s.runningRecovery(r.Context(), hook.ID); err != nil {
		return d, err
	}
	health, err := s.store.HealthOf(r.Context(), []engine.WebhookID{hook.ID}, p.Now)
	if err != nil {
		return d, err
	}
	h := health[hook.ID]
	hours, err := s.store.WebhookHours(r.Context(), hook.ID, p.Now.Add((1-db.HealthHours)*time.Hour), p.Now)
	if err != nil {
		return d, err
	}
	for _, hour := range hours {
		d.Durations.Add(hour.Durations)
	}
	d.Health = views.WebhookHealth{Counts: h.Counts, LastStatus: h.LastStatus, LastClass: h.LastClass, LastAt: h.LastAt}
	latest, err := s.store.ListDeliveries(r.Context(), engine.DeliveryFilter{WebhookID: hook.ID, Limit: latestDeliveries})
	d.Latest = views.DeliveryTable{Page: p, ID: "latest-table", Caption: "Latest deliveries", Rows: latest.Rows, HideWebhook: true, List: listQuery{preset: hook.ID}.list()}
	return d, err
}

// handleWebhookEnable lets the webhook be sent again.
func (s *Server) handleWebhookEnable(w http.ResponseWriter, r *http.Request) {
	s.switchWebhook(w, r, true, "was enabled. Recover failed sends again what it missed.")
}

// handleWebhookDisable stops the webhook; what waits is cancelled.
func (s *Server) handleWebhookDisable(w http.ResponseWriter, r *http.Request) {
	s.switchWebhook(w, r, false, "was disabled. Deliveries that were waiting are cancelled.")
}

func (s *Server) switchWebhook(w http.ResponseWriter, r *http.Request, enabled bool, what string) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	if _, err := s.store.SetWebhookEnabled(r.Context(), s.actor(r), hook.ID, enabled); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.WebhookURL(hook.ID), "Webhook "+hook.Name+" "+what)
}

// handleWebhookResume ends the pause of a webhook.
func (s *Server) handleWebhookResume(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	done := "Webhook " + hook.Name + " was resumed. What waits is sent now."
	err := s.engine.ResumeWebhook(r.Context(), s.actor(r), hook.ID)
	if errors.Is(err, engine.ErrConflict) {
		done = "Nothing was changed: the pause is over."
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.WebhookURL(hook.ID), done)
}

// handleWebhookDelete asks before a webhook is deleted.
func (s *Server) handleWebhookDelete(w http.ResponseWriter, r *http.Request) {
	if hook, ok := s.webhookInUse(w, r); ok {
		p := s.page(r, "Delete Webhook "+hook.Name, "admin", s.webhookCrumbs(&hook, views.Crumb{Label: "Delete"})...)
		s.render(w, r, http.StatusOK, views.WebhookDelete(p, hook))
	}
}

// handleWebhookDeleted deletes a webhook.
func (s *Server) handleWebhookDeleted(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	if err := s.store.DeleteWebhook(r.Context(), s.actor(r), hook.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.ConsumerURL(hook.ConsumerID), "Webhook "+hook.Name+" was deleted.")
}
