package web

import (
	"net/http"

	"labhook/views"
)

// handleWebhookMove changes the order in which the webhooks of one event take their turns.
func (s *Server) handleWebhookMove(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	to := r.PostFormValue("to")
	if to != "up" && to != "down" {
		s.errorPage(w, r, http.StatusBadRequest)
		return
	}
	if err := s.store.MoveWebhook(r.Context(), s.actor(r), hook.ID, to == "up"); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.ConsumerURL(hook.ConsumerID)+"#webhooks", "Webhook "+hook.Name+" was moved "+to+".")
}
