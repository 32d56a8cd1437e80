package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// handleWebhookPreview answers with the part of the form that shows what it would do. Nothing is saved.
func (s *Server) handleWebhookPreview(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
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

// handleWebhookCheck answers with one row of the form, and what is wrong with it. An empty row is left alone: it may be
// filled yet. Nothing is saved.
func (s *Server) handleWebhookCheck(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	field := r.URL.Query().Get("field")
	before, err := s.edited(r, c.ID)
	if err == nil && !slices.Contains(views.CheckedRows, field) {
		err = engine.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f := readWebhookForm(r.PostForm)
	f.ID, f.Consumer, f.Page = before.ID, c, s.page(r, "Webhook", "admin")
	if strings.TrimSpace(r.PostForm.Get(field)) != "" {
		hook, problems := s.webhookOf(f, before)
		problems = append(problems, s.nameTaken(&hook)...)
		f.Page.Problems = slices.DeleteFunc(problems, func(p engine.Invalid) bool { return p.Field != field })
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusOK, views.FormRow(f, field))
}

// nameTaken says so where another webhook of the consumer has the name.
func (s *Server) nameTaken(hook *engine.Webhook) []engine.Invalid {
	for _, other := range s.store.Directory().Webhooks(hook.ConsumerID) {
		if other.ID != hook.ID && other.Name == hook.Name {
			return []engine.Invalid{{Field: "name", Message: "Another webhook of this API consumer is called " + hook.Name}}
		}
	}
	return nil
}

// edited returns the webhook that a posted form edits, or a new one of the consumer.
func (s *Server) edited(r *http.Request, consumer engine.ConsumerID) (engine.Webhook, error) {
	var id engine.WebhookID
	if id.UnmarshalText([]byte(r.PostFormValue("webhook"))) != nil || id == 0 {
		hook, _ := s.newWebhook(r, consumer)
		return hook, nil
	}
	hook, err := s.store.Webhook(r.Context(), id)
	if err == nil && hook.ConsumerID != consumer {
		err = engine.ErrNotFound
	}
	return hook, err
}

// newWebhook returns a new webhook of the consumer: as Studio's form opens with, or like the model that the request
// names.
func (s *Server) newWebhook(r *http.Request, consumer engine.ConsumerID) (hook engine.Webhook, model engine.WebhookID) {
	if model.UnmarshalText([]byte(r.FormValue("copy"))) != nil {
		return s.store.Settings().NewWebhook(consumer), 0
	}
	hook, err := s.store.Webhook(r.Context(), model)
	if err != nil || hook.ConsumerID != consumer || !hook.DeletedAt.IsZero() {
		return s.store.Settings().NewWebhook(consumer), 0
	}
	hook.ID, hook.Version, hook.Position = 0, 0, 0
	hook.DeactivateReason, hook.DeactivatedAt = "", time.Time{}
	hook.CreatedAt, hook.CreatedBy, hook.UpdatedAt, hook.UpdatedBy = time.Time{}, "", time.Time{}, ""
	// Each webhook has a signing secret of its own.
	hook.Signing.Secret, hook.Signing.OldSecret, hook.Signing.OldUntil = "", "", time.Time{}
	return hook, model
}

// webhookPreview draws what a form would do, as far as it is right.
func (s *Server) webhookPreview(f views.WebhookForm, before engine.Webhook) views.WebhookPreview {
	hook, problems := s.webhookOf(f, before)
	directory := s.store.Directory()
	var p views.WebhookPreview
	if c := directory.Consumer(hook.ConsumerID); c != nil {
		p.Warnings = views.WebhookWarnings(directory.Catalog(), *c, &hook, directory.Webhooks(c.ID))
	}
	if msg := firstProblem(problems, "delay", "timeout", "retries", "retry_policy", "custom.waits"); msg != "" {
		p.Problem = "There is no timeline yet: " + msg + "."
	} else {
		p.Timeline = views.NewRetryTimeline(directory.Catalog(), &hook)
	}
	msg := firstProblem(problems, "events", "verb", "url", "headers", "content", "content_type",
		"basic_auth.username", "basic_auth.password", "signing.scheme", "signing.names", "signing.header", "signing.secret")
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
	catalog := s.store.Directory().Catalog()
	kind, _ := catalog.Find(engine.LabScored)
	if len(hook.Events) > 0 && hook.Events[0] != engine.AllEvents {
		kind, _ = catalog.Find(hook.Events[0])
	}
	e := engine.Event{ID: engine.NewID[engine.EventID](), Type: kind.Code, Data: kind.Sample(), OccurredAt: time.Now()}
	if kind.Sendable() {
		if err := e.Prepare(catalog, e.OccurredAt); err != nil {
			return err.Error()
		}
	}
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
