package web

import (
	"net/http"
	"time"

	"labhook/engine"
	"labhook/views"
)

// platformCrumbs lead to the platform keys; the page itself is appended.
func platformCrumbs(more ...views.Crumb) []views.Crumb {
	return append([]views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "Platform keys", URL: views.KeysURL(0)}}, more...)
}

// handlePlatformKeys shows the keys that belong to no consumer.
func (s *Server) handlePlatformKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.store.Keys(r.Context(), 0)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := s.page(r, "Platform keys", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Platform keys"})
	s.render(w, r, http.StatusOK, views.PlatformKeysPage(views.KeyList{Page: p, Keys: keys, BaseURL: s.baseURL(r)}))
}

// handleKeyNew shows the form that creates a key.
func (s *Server) handleKeyNew(w http.ResponseWriter, r *http.Request) {
	if owner, ok := s.keyOwner(w, r); ok {
		s.keyForm(w, r, http.StatusOK, owner, engine.APIKey{Scope: engine.ScopeSend}, "", nil)
	}
}

// handleKeyCreate creates a key and shows it, for the only time. The answer to the POST is that page itself: a
// redirect would have to keep the key somewhere in between. Loading that page again posts the form again, which makes
// no second key.
func (s *Server) handleKeyCreate(w http.ResponseWriter, r *http.Request) {
	owner, ok := s.keyOwner(w, r)
	if !ok {
		return
	}
	k := engine.APIKey{
		ConsumerID: owner.ID, Description: formText(r.PostForm, "description"), Scope: engine.Scope(r.PostFormValue("scope")),
	}
	expires, problems := readTime(r.PostForm, "expires", &k.Expires, zoneOf(r, visitOf(r).user))
	problems = append(problemsOf(k.ValidateNew(time.Now())), problems...)
	if len(problems) == 0 {
		if !s.takeOnce(w, r, views.KeyNewURL(owner.ID), views.KeysURL(owner.ID), "The key was made and shown then; it cannot be shown again.") {
			return
		}
		created, secret, err := s.store.CreateKey(r.Context(), s.actor(r), k)
		if err == nil {
			s.keyCreated(w, r, owner, created, secret)
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.keyForm(w, r, http.StatusUnprocessableEntity, owner, k, expires, problems)
}

func (s *Server) keyCreated(w http.ResponseWriter, r *http.Request, owner engine.APIConsumer, k engine.APIKey, secret engine.Secret) {
	p := s.page(r, "Key created", "admin", keyCrumbs(owner, "Key created")...)
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusOK, views.KeyCreatedPage(views.KeyCreated{Page: p, Owner: owner, Key: k, Secret: secret.Reveal(), BaseURL: s.baseURL(r)}))
}

func (s *Server) keyForm(w http.ResponseWriter, r *http.Request, status int, owner engine.APIConsumer, k engine.APIKey, expires string, problems []engine.Invalid) {
	p := s.page(r, "New key", "admin", keyCrumbs(owner, "New key")...)
	p.Problems = problems
	s.render(w, r, status, views.KeyFormPage(views.KeyForm{Page: p, Owner: owner, Key: k, Expires: expires, Token: s.onceForms.token()}))
}

// handleKeyRevoke asks before a key is revoked.
func (s *Server) handleKeyRevoke(w http.ResponseWriter, r *http.Request) {
	owner, k, ok := s.key(w, r)
	if !ok {
		return
	}
	p := s.page(r, "Revoke key", "admin", keyCrumbs(owner, "Revoke key")...)
	s.render(w, r, http.StatusOK, views.KeyRevokePage(p, owner, k))
}

// handleKeyRevoked revokes a key.
func (s *Server) handleKeyRevoked(w http.ResponseWriter, r *http.Request) {
	owner, k, ok := s.key(w, r)
	if !ok {
		return
	}
	if err := s.store.RevokeKey(r.Context(), s.actor(r), k.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.KeysURL(owner.ID), "Key "+k.Prefix+"… was revoked.")
}

func keyCrumbs(owner engine.APIConsumer, page string) []views.Crumb {
	if owner.ID == 0 {
		return platformCrumbs(views.Crumb{Label: page})
	}
	return consumersCrumbs(views.Crumb{Label: owner.Name, URL: views.ConsumerURL(owner.ID)}, views.Crumb{Label: page})
}

// keyOwner returns the consumer in the path, or the zero consumer, which stands for the platform.
func (s *Server) keyOwner(w http.ResponseWriter, r *http.Request) (engine.APIConsumer, bool) {
	if r.PathValue("con") == "" {
		return engine.APIConsumer{}, true
	}
	return s.consumerInUse(w, r)
}

// key returns the key in the path and its owner. A key under the path of another owner is not found.
func (s *Server) key(w http.ResponseWriter, r *http.Request) (engine.APIConsumer, engine.APIKey, bool) {
	owner, ok := s.keyOwner(w, r)
	if !ok {
		return owner, engine.APIKey{}, false
	}
	var id engine.KeyID
	if err := pathID(r, "key", &id); err != nil {
		s.fail(w, r, err)
		return owner, engine.APIKey{}, false
	}
	k, err := s.store.Key(r.Context(), id)
	if err == nil && (k.ConsumerID != owner.ID || !k.Enabled) {
		err = engine.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return owner, k, false
	}
	return owner, k, true
}
