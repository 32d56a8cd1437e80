package web

import (
	"context"
	"errors"
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// handleWebhookNew shows the form that adds a webhook. The address may name the event that it begins with, or another
// webhook of the consumer that it is to be like.
func (s *Server) handleWebhookNew(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	hook, model := s.newWebhook(r, c.ID)
	if t, ok := s.store.Directory().Catalog().Find(r.FormValue("event")); ok {
		hook.Events = []string{t.Code}
	}
	f := fillWebhookForm(&hook)
	if model != 0 {
		f.Name = copyName(hook.Name)
	}
	s.webhookForm(w, r, http.StatusOK, f, &hook, nil)
}

// handleWebhookCreate adds a webhook, or shows what the form would do.
func (s *Server) handleWebhookCreate(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	before, _ := s.newWebhook(r, c.ID)
	f := readWebhookForm(r.PostForm)
	if r.PostFormValue("op") == "preview" {
		s.webhookForm(w, r, http.StatusOK, f, &before, nil)
		return
	}
	hook, warning, problems := s.checkedWebhook(r.Context(), f, before)
	if len(problems) == 0 {
		created, err := s.store.CreateWebhook(r.Context(), s.actor(r), hook)
		if err == nil {
			s.redirect(w, r, views.WebhookTestingURL(created.ID), "Webhook "+created.Name+" was added."+warning+" Send an example to check it.")
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.webhookForm(w, r, http.StatusUnprocessableEntity, f, &before, problems)
}

// checkedWebhook is webhookOf, and looks up the URL's name where nothing else is wrong. warning is a sentence for who saves
// the webhook, "" for none.
func (s *Server) checkedWebhook(ctx context.Context, f views.WebhookForm, before engine.Webhook) (hook engine.Webhook, warning string, problems []engine.Invalid) {
	if hook, problems = s.webhookOf(f, before); len(problems) == 0 {
		problems, warning = s.refusedName(ctx, hook.URL)
	}
	return hook, warning, problems
}

// handleWebhookEdit shows the form that changes a webhook.
func (s *Server) handleWebhookEdit(w http.ResponseWriter, r *http.Request) {
	if hook, ok := s.webhookInUse(w, r); ok {
		s.webhookForm(w, r, http.StatusOK, fillWebhookForm(&hook), &hook, nil)
	}
}

// handleWebhookSave changes a webhook, or shows what the form would do.
func (s *Server) handleWebhookSave(w http.ResponseWriter, r *http.Request) {
	before, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	f := readWebhookForm(r.PostForm)
	if r.PostFormValue("op") == "preview" {
		s.webhookForm(w, r, http.StatusOK, f, &before, nil)
		return
	}
	hook, warning, problems := s.checkedWebhook(r.Context(), f, before)
	if len(problems) == 0 {
		saved, err := s.store.UpdateWebhook(r.Context(), s.actor(r), hook)
		switch {
		case err == nil:
			s.redirect(w, r, views.WebhookURL(saved.ID), "Webhook "+saved.Name+" was saved."+warning)
			return
		case errors.Is(err, engine.ErrConflict):
			s.webhookConflict(w, r, hook)
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.webhookForm(w, r, http.StatusUnprocessableEntity, f, &before, problems)
}

// webhookForm answers with the form. before is the webhook as it is stored, or a new one.
func (s *Server) webhookForm(w http.ResponseWriter, r *http.Request, status int, f views.WebhookForm, before *engine.Webhook, problems []engine.Invalid) {
	consumer, err := s.store.Consumer(r.Context(), before.ConsumerID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	title := "Add Webhook"
	crumbs := consumersCrumbs(views.Crumb{Label: consumer.Name, URL: views.ConsumerURL(consumer.ID)}, views.Crumb{Label: title})
	if before.ID == 0 {
		_, f.Model = s.newWebhook(r, consumer.ID)
	} else {
		title = "Edit Webhook"
		crumbs = s.webhookCrumbs(before, views.Crumb{Label: title})
		title += " " + before.Name
	}
	f.ID, f.Consumer = before.ID, consumer
	f.Page = s.page(r, title, "admin", crumbs...)
	f.Preview = s.webhookPreview(f, *before)
	again := f.HideSecrets()
	if f.Page.Problems = problems; len(problems) > 0 {
		f.Page.Problems = withRetyped(problems, again)
	}
	if r.Method == http.MethodPost { // what was typed may hold a secret that is not stored anywhere
		w.Header().Set("Cache-Control", "no-store")
	}
	s.render(w, r, status, views.WebhookEdit(f))
}

// webhookConflict shows both sides when the webhook changed while it was edited.
func (s *Server) webhookConflict(w http.ResponseWriter, r *http.Request, mine engine.Webhook) {
	now, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusConflict, views.WebhookConflicted(views.WebhookConflict{
		Page:    s.page(r, "Conflict: "+now.Name, "admin", s.webhookCrumbs(&now, views.Crumb{Label: "Conflict"})...),
		Webhook: now, Mine: mine, Posted: r.PostForm,
	}))
}

// withRetyped adds that secrets must be entered again, where nothing else is to be said about them.
func withRetyped(problems, again []engine.Invalid) []engine.Invalid {
	for _, p := range again {
		if firstProblem(problems, p.Field) == "" {
			problems = append(problems, p)
		}
	}
	sortProblems(problems)
	return problems
}

// copyName names the copy of a webhook.
func copyName(name string) string {
	const before = "Copy of "
	runes := []rune(before + name)
	return string(runes[:min(len(runes), engine.MaxWebhookName)])
}
