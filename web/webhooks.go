package web

import (
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// latestDeliveries is how many deliveries a webhook's page shows.
const latestDeliveries = 10

// webhook returns the webhook that the path names, deleted or not, or answers and returns false.
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
	return hook, true
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
	consumer, err := s.store.Consumer(r.Context(), hook.ConsumerID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := s.page(r, hook.Name, "admin", s.webhookCrumbs(&hook)...)
	health, err := s.store.WebhookHealth(r.Context(), hook.ConsumerID, p.Now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	latest, err := s.store.ListDeliveries(r.Context(), engine.DeliveryFilter{WebhookID: hook.ID, Limit: latestDeliveries})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := health[hook.ID]
	s.live(w, r, views.Webhook(views.WebhookDetail{
		Page: p, Webhook: hook, Consumer: consumer, Unusable: s.store.Directory().Unusable(hook.ID, p.Now),
		Health: views.WebhookHealth{Counts: h.Counts, LastStatus: h.LastStatus, LastClass: h.LastClass, LastAt: h.LastAt},
		Latest: views.DeliveryTable{Page: p, ID: "latest-table", Caption: "Latest deliveries", Rows: latest.Rows, HideWebhook: true},
	}), "latest")
}

// handleWebhookEnable lets the webhook be sent again.
func (s *Server) handleWebhookEnable(w http.ResponseWriter, r *http.Request) {
	s.switchWebhook(w, r, true, "was enabled.")
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

// handleWebhookDelete asks before a webhook is deleted.
func (s *Server) handleWebhookDelete(w http.ResponseWriter, r *http.Request) {
	if hook, ok := s.webhookInUse(w, r); ok {
		p := s.page(r, "Delete webhook "+hook.Name, "admin", s.webhookCrumbs(&hook, views.Crumb{Label: "Delete"})...)
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
