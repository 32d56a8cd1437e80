package web

import (
	"net/http"
	"strconv"
	"time"

	"labhook/engine"
	"labhook/views"
)

// handleWebhookSecret shows how a webhook's requests are signed, the secret as dots.
func (s *Server) handleWebhookSecret(w http.ResponseWriter, r *http.Request) {
	if hook, ok := s.webhookInUse(w, r); ok {
		s.secretPage(w, r, http.StatusOK, views.WebhookSecret{Webhook: hook})
	}
}

// handleWebhookReveal shows the secret. That is no redirect, which would have to keep the secret somewhere in between.
func (s *Server) handleWebhookReveal(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	secret, err := s.store.RevealSecret(r.Context(), s.actor(r), hook.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.secretPage(w, r, http.StatusOK, views.WebhookSecret{Webhook: hook, Revealed: secret})
}

// handleWebhookRotate gives the webhook another secret and shows it. Loading that page again posts the form again,
// which rotates no second time.
func (s *Server) handleWebhookRotate(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	grace := time.Duration(-1) // what is no number is no grace period
	if n, err := strconv.Atoi(r.PostFormValue("grace")); err == nil && n >= 0 && n <= int(engine.MaxRotationGrace/time.Second) {
		grace = time.Duration(n) * time.Second
	}
	next := engine.Secret(formText(r.PostForm, "secret"))
	if _, err := hook.Signing.Rotate(next, grace, time.Now()); err != nil {
		s.secretProblem(w, r, hook, err)
		return
	}
	if !s.takeOnce(w, r, views.WebhookSecretURL(hook.ID), views.WebhookSecretURL(hook.ID), "Reveal shows the secret.") {
		return
	}
	after, err := s.store.RotateSecret(r.Context(), s.actor(r), hook.ID, next, grace)
	if err != nil {
		s.secretProblem(w, r, hook, err)
		return
	}
	s.secretPage(w, r, http.StatusOK, views.WebhookSecret{Webhook: after, Revealed: after.Signing.Secret, Rotated: true})
}

// secretProblem shows the page again with what is wrong.
func (s *Server) secretProblem(w http.ResponseWriter, r *http.Request, hook engine.Webhook, err error) {
	problems := problemsOf(err)
	if problems == nil {
		s.fail(w, r, err)
		return
	}
	s.secretPage(w, r, http.StatusUnprocessableEntity, views.WebhookSecret{
		Webhook: hook, Page: views.Page{Problems: problems}, Grace: r.PostFormValue("grace"),
	})
}

// secretPage answers with the page, which no cache keeps. Problems are in d.Page.
func (s *Server) secretPage(w http.ResponseWriter, r *http.Request, status int, d views.WebhookSecret) {
	problems := d.Page.Problems
	d.Page = s.page(r, "Signing secret of "+d.Webhook.Name, "admin", s.webhookCrumbs(&d.Webhook, views.Crumb{Label: "Secret"})...)
	d.Page.Problems = problems
	d.Token = s.onceForms.token()
	if d.Grace == "" {
		d.Grace = seconds(engine.DefaultRotationGrace)
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, status, views.WebhookSecretPage(d))
}
