package web

import (
	"fmt"
	"net/http"
	"strconv"

	"labhook/views"
)

// handleWebhookChanges compares a webhook with one of its versions, that before the current one unless the address names
// another.
func (s *Server) handleWebhookChanges(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhook(w, r)
	if !ok {
		return
	}
	since, err := strconv.Atoi(r.FormValue("since"))
	if err != nil {
		since = max(hook.Version-1, 1)
	}
	then, err := s.store.WebhookVersion(r.Context(), hook.ID, since)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	title := fmt.Sprintf("Since version %d", since)
	s.render(w, r, http.StatusOK, views.WebhookChangesPage(views.WebhookChanges{
		Page: s.page(r, hook.Name+": "+title, "admin", s.webhookCrumbs(&hook, views.Crumb{Label: title})...),
		Then: shown(r, then), Now: hook,
	}))
}
