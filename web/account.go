package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// handleAccount shows what concerns the reader alone.
func (s *Server) handleAccount(w http.ResponseWriter, r *http.Request) {
	s.accountPage(w, r, http.StatusOK, *visitOf(r).user, nil)
}

func (s *Server) accountPage(w http.ResponseWriter, r *http.Request, status int, u engine.User, problems []engine.Invalid) {
	p := s.page(r, "Account", "account")
	p.Problems = problems
	s.render(w, r, status, views.AccountPage(views.Account{Page: p, User: u}))
}

// handleAccountSave changes the reader's name and how things look for them.
func (s *Server) handleAccountSave(w http.ResponseWriter, r *http.Request) {
	u := *visitOf(r).user
	alter := func(u *engine.User) {
		u.Name = formText(r.PostForm, "name")
		u.TimeZone, u.Theme = formText(r.PostForm, "time_zone"), r.PostFormValue("theme")
		u.Compact, u.NoShortcuts = r.PostFormValue("compact") != "", r.PostFormValue("shortcuts") == ""
	}
	_, err := s.store.ChangeUser(r.Context(), s.actor(r), u.ID, "user.account", alter)
	switch problems := problemsOf(err); {
	case problems != nil:
		alter(&u)
		s.accountPage(w, r, http.StatusUnprocessableEntity, u, problems)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.redirect(w, r, views.AccountURL(), "Your account was saved.")
	}
}

// handleAccountPassword changes the reader's password. It guards the current one as the sign-in page does, and all
// other sessions end.
func (s *Server) handleAccountPassword(w http.ResponseWriter, r *http.Request) {
	u, ip := *visitOf(r).user, visitOf(r).ip
	password := r.PostFormValue("password")
	problems := problemsOf(engine.ValidatePassword(password))
	if len(problems) == 0 {
		account := strings.ToLower(u.Login)
		if wait := s.failures.attempt(account, ip, time.Now()); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			s.accountPage(w, r, http.StatusTooManyRequests, u, []engine.Invalid{{Field: "current_password", Message: tooManyFailures(wait)}})
			return
		}
		hash, err := s.store.PasswordHash(r.Context(), u.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if passwordMatches(r.PostFormValue("current_password"), hash) {
			s.failures.succeeded(account, ip)
			s.changePassword(w, r, &u, password)
			return
		}
		problems = []engine.Invalid{{Field: "current_password", Message: "This is not your current password"}}
	}
	s.accountPage(w, r, http.StatusUnprocessableEntity, u, problems)
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, u *engine.User, password string) {
	hash, err := HashPassword(password)
	if err == nil {
		err = s.store.SetPassword(r.Context(), s.actor(r), u.ID, hash)
	}
	if err == nil {
		err = s.startSession(w, r, u) // every session ended, this one too
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.AccountURL(), "Your password was changed. Your other sessions have ended.")
}

// tooManyFailures tells how long sign-ins of an account have to wait.
func tooManyFailures(wait time.Duration) string {
	return fmt.Sprintf("There were too many failed attempts. Try again in %s", views.Duration(wait.Truncate(time.Second)+time.Second))
}
