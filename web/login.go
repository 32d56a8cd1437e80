package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// loginProblem is the one answer to every failed sign-in: it does not tell which half was wrong.
const loginProblem = "The user name or the password is not right"

// nobody is who the audit log names for what people do that are not signed in.
const nobody = "not signed in"

// handleRoot leads to Site Administration.
func (s *Server) handleRoot(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, views.AdminURL(), http.StatusSeeOther)
}

// handleLogin shows the sign-in form.
func (s *Server) handleLogin(w http.ResponseWriter, r *http.Request) {
	if !s.hasUsers(w, r) {
		return
	}
	next := safeNext(r.FormValue("next"))
	if visitOf(r).user != nil {
		http.Redirect(w, r, afterLogin(next), http.StatusSeeOther)
		return
	}
	p := s.page(r, "Sign in", "")
	if r.FormValue("signed-out") != "" {
		p.Flash = "You are signed out."
	}
	s.render(w, r, http.StatusOK, views.LoginPage(p, views.LoginForm{Next: next}))
}

// handleLoginCheck signs in.
func (s *Server) handleLoginCheck(w http.ResponseWriter, r *http.Request) {
	if !s.hasUsers(w, r) {
		return
	}
	form := views.LoginForm{Login: strings.TrimSpace(r.PostFormValue("login")), Next: safeNext(r.PostFormValue("next"))}
	account, ip, now := strings.ToLower(form.Login), visitOf(r).ip, time.Now()
	if wait := s.failures.attempt(account, ip, now); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		s.loginAgain(w, r, http.StatusTooManyRequests, form, tooManyFailures(wait))
		return
	}
	user, hash, err := s.store.UserByLogin(r.Context(), form.Login)
	if errors.Is(err, engine.ErrNotFound) {
		hash = nobodysHash()
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	if right := passwordMatches(r.PostFormValue("password"), hash); err != nil || !right || !user.Enabled {
		s.loginRefused(w, r, form, user)
		return
	}
	s.failures.succeeded(account, ip)
	if err := s.signIn(w, r, &user); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, afterLogin(form.Next), http.StatusSeeOther)
}

// loginRefused notes a sign-in that failed, and answers. user is whom it was for; zero: nobody has the name. Attempts
// that have to wait come to no password, and are not noted: whoever guesses cannot fill the audit log.
func (s *Server) loginRefused(w http.ResponseWriter, r *http.Request, form views.LoginForm, user engine.User) {
	s.log.Warn("sign-in failed", "request", visitOf(r).requestID, "ip", visitOf(r).ip)
	why := "The password was wrong."
	switch {
	case user.ID == 0:
		why = "Nobody has the name that was entered." // it is not kept: people type passwords there, too
	case !user.Enabled:
		why = "The user is disabled."
	}
	who := engine.Actor{Name: nobody, IP: visitOf(r).ip}
	if err := s.store.Audit(r.Context(), who, "user.sign_in_failed", user.Login, why); err != nil {
		s.fail(w, r, err)
		return
	}
	s.loginAgain(w, r, http.StatusUnprocessableEntity, form, loginProblem)
}

func (s *Server) loginAgain(w http.ResponseWriter, r *http.Request, status int, form views.LoginForm, problem string) {
	p := s.page(r, "Sign in", "")
	p.Problems = []engine.Invalid{{Field: "login", Message: problem}}
	s.render(w, r, status, views.LoginPage(p, form))
}

// handleLogout ends the session and lets the browser forget the pages it keeps.
func (s *Server) handleLogout(w http.ResponseWriter, r *http.Request) {
	session, user := visitOf(r).session, visitOf(r).user
	if user != nil {
		if err := s.store.Audit(r.Context(), s.actor(r), "user.sign_out", user.Login, ""); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	session.Options.MaxAge = -1
	if err := session.Save(r, w); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, views.SignedOutURL(), http.StatusSeeOther)
}

// safeNext returns next when it is a path on this server, else "". Browsers read a backslash as a slash and drop
// tabs and line ends, so that "/\example.com" would lead away.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		u.IsAbs() || u.Host != "" || strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return ""
	}
	return next
}

func afterLogin(next string) string {
	if next == "" {
		return views.AdminURL()
	}
	return next
}

// secretFields are the names of form fields that are never shown again, also as the last part of a name:
// "signing.secret".
var secretFields = []string{"password", "current_password", "token", "headers", "secret", "key"}

// isSecretField reports whether what a form field holds is never shown again.
func isSecretField(name string) bool {
	return slices.Contains(secretFields, name[strings.LastIndexByte(name, '.')+1:])
}

// hiddenFields are the names of form fields that people do not fill.
var hiddenFields = []string{seenField, "version", "op", "webhook", "copy", "next", "username", "shown_type", "shown_from"}

// keptValues returns what people filled a form with, without secrets, by name.
func keptValues(form url.Values) []views.KeptValue {
	var list []views.KeptValue
	for name, values := range form {
		for _, value := range values {
			if value != "" && !isSecretField(name) && !slices.Contains(hiddenFields, name) {
				list = append(list, views.KeptValue{Name: name, Value: value})
			}
		}
	}
	slices.SortFunc(list, func(a, b views.KeptValue) int { return strings.Compare(a.Name, b.Name) })
	return list
}
