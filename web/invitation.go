package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"labhook/engine"
	"labhook/views"
)

// unusableHash is the hash of a password that nobody knows.
func unusableHash() (string, error) { return HashPassword(rand.Text()) }

// invited returns the user who has the link with the token. It answers and returns false when the link does not work.
func (s *Server) invited(w http.ResponseWriter, r *http.Request, token string) (engine.User, bool) {
	if !s.hasUsers(w, r) {
		return engine.User{}, false
	}
	u, err := s.store.Invited(r.Context(), hashToken(token), time.Now())
	switch {
	case errors.Is(err, engine.ErrNotFound):
		s.invitationEnded(w, r)
	case err != nil:
		s.fail(w, r, err)
	}
	return u, err == nil
}

func (s *Server) invitationEnded(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusNotFound, views.InvitationEndedPage(s.page(r, "This link does not work", "")))
}

// handleInvitation asks an invited user for a password.
func (s *Server) handleInvitation(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	if u, ok := s.invited(w, r, token); ok {
		s.invitationForm(w, r, http.StatusOK, u, token, nil)
	}
}

func (s *Server) invitationForm(w http.ResponseWriter, r *http.Request, status int, u engine.User, token string, problems []engine.Invalid) {
	p := s.page(r, "Choose a password", "")
	p.Problems = problems
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, status, views.InvitationPage(views.InvitationForm{Page: p, User: u, Token: token}))
}

// handleInvitationAccepted stores the password, and signs the user in.
func (s *Server) handleInvitationAccepted(w http.ResponseWriter, r *http.Request) {
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	u, ok := s.invited(w, r, token)
	if !ok {
		return
	}
	if problems := problemsOf(engine.ValidatePassword(password)); problems != nil {
		s.invitationForm(w, r, http.StatusUnprocessableEntity, u, token, problems)
		return
	}
	hash, err := HashPassword(password)
	if err == nil {
		u, err = s.store.AcceptInvitation(r.Context(), visitOf(r).ip, hashToken(token), hash)
	}
	if errors.Is(err, engine.ErrNotFound) {
		s.invitationEnded(w, r)
		return
	}
	if err == nil {
		err = s.signIn(w, r, &u)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.AdminURL(), "Your password was stored, and you are signed in.")
}
