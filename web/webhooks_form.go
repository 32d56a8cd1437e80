package web

import (
	"errors"
	"net/http"
	"net/url"

	"labhook/engine"
	"labhook/views"
)

// handleWebhookNew shows the form that adds a webhook. The address may name the event that it begins with.
func (s *Server) handleWebhookNew(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumer(w, r)
	if !ok {
		return
	}
	hook := engine.NewWebhook(c.ID)
	if t, ok := engine.Catalog.Find(r.FormValue("event")); ok {
		hook.Events = []string{t.Code}
	}
	s.webhookForm(w, r, http.StatusOK, fillWebhookForm(&hook), &hook, nil)
}

// handleWebhookCreate adds a webhook, or shows what the form would do.
func (s *Server) handleWebhookCreate(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumer(w, r)
	if !ok {
		return
	}
	before := engine.NewWebhook(c.ID)
	f := readWebhookForm(r.PostForm)
	if r.PostFormValue("op") == "preview" {
		s.webhookForm(w, r, http.StatusOK, f, &before, nil)
		return
	}
	hook, problems := s.webhookOf(f, before)
	if len(problems) == 0 {
		created, err := s.store.CreateWebhook(r.Context(), s.actor(r), hook)
		if err == nil {
			s.redirect(w, r, views.WebhookURL(created.ID), "Webhook "+created.Name+" was added.")
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.webhookForm(w, r, http.StatusUnprocessableEntity, f, &before, problems)
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
	hook, problems := s.webhookOf(f, before)
	if len(problems) == 0 {
		saved, err := s.store.UpdateWebhook(r.Context(), s.actor(r), hook)
		switch {
		case err == nil:
			s.redirect(w, r, views.WebhookURL(saved.ID), "Webhook "+saved.Name+" was saved.")
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
	if before.ID != 0 {
		title = "Edit Webhook"
		crumbs = s.webhookCrumbs(before, views.Crumb{Label: title})
		title += " " + before.Name
	}
	f.ID, f.Consumer = before.ID, consumer
	f.Page = s.page(r, title, "admin", crumbs...)
	f.Page.Problems = problems
	f.Preview = s.webhookPreview(f, *before)
	// What was typed may hold a secret that is not stored anywhere.
	w.Header().Set("Cache-Control", "no-store")
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

// handleWebhookPreview answers with the part of the form that shows what it would do. Nothing is saved.
func (s *Server) handleWebhookPreview(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumer(w, r)
	if !ok {
		return
	}
	before, err := s.edited(r, c.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusOK, views.WebhookPreviewPart(s.webhookPreview(readWebhookForm(r.PostForm), before)))
}

// edited returns the webhook that a posted form edits, or a new one of the consumer.
func (s *Server) edited(r *http.Request, consumer engine.ConsumerID) (engine.Webhook, error) {
	var id engine.WebhookID
	if id.UnmarshalText([]byte(r.PostFormValue("webhook"))) != nil || id == 0 {
		return engine.NewWebhook(consumer), nil
	}
	hook, err := s.store.Webhook(r.Context(), id)
	if err == nil && hook.ConsumerID != consumer {
		err = engine.ErrNotFound
	}
	return hook, err
}

// webhookPreview draws what a form would do, as far as it is right.
func (s *Server) webhookPreview(f views.WebhookForm, before engine.Webhook) views.WebhookPreview {
	hook, problems := s.webhookOf(f, before)
	var p views.WebhookPreview
	if msg := firstProblem(problems, "delay", "timeout", "retries", "retry_policy"); msg != "" {
		p.Problem = "There is no timeline yet: " + msg + "."
	} else {
		p.Timeline = views.NewRetryTimeline(&hook)
	}
	msg := firstProblem(problems, "events", "verb", "url", "headers", "content", "content_type")
	if msg == "" {
		msg = s.previewRequest(&p, &hook)
	}
	if msg != "" {
		p.RequestProblem = "There is no request yet: " + msg + "."
	}
	return p
}

// previewRequest renders the request as the engine would, for an example of the first event. It returns why it
// cannot, "" when it could.
func (s *Server) previewRequest(p *views.WebhookPreview, hook *engine.Webhook) string {
	kind, _ := engine.Catalog.Find(engine.LabScored)
	if len(hook.Events) > 0 && hook.Events[0] != engine.AllEvents {
		kind, _ = engine.Catalog.Find(hook.Events[0])
	}
	e := engine.Event{ID: engine.NewID[engine.EventID](), Type: kind.Code, Data: kind.Sample()}
	sent, err := s.engine.Preview(hook, &e)
	if err != nil {
		return err.Error()
	}
	p.SetRequest(sent, kind.Label)
	return ""
}

// firstProblem returns the first message about one of the fields.
func firstProblem(problems []engine.Invalid, fields ...string) string {
	for _, field := range fields {
		for _, problem := range problems {
			if problem.Field == field {
				return problem.Message
			}
		}
	}
	return ""
}

// posted reports whether a box of a form is ticked.
func posted(form url.Values, name string) bool { return form.Get(name) != "" }
