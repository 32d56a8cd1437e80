package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// usersCrumbs lead to the users; the page itself is appended.
func usersCrumbs(page string) []views.Crumb {
	return []views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "Users", URL: views.UsersURL()}, {Label: page}}
}

// handleUsers lists the users.
func (s *Server) handleUsers(w http.ResponseWriter, r *http.Request) {
	users, err := s.store.Users(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := s.page(r, "Users", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Users"})
	s.render(w, r, http.StatusOK, views.UsersPage(views.UserList{Page: p, Users: users}))
}

// handleUserNew shows the form that adds a user.
func (s *Server) handleUserNew(w http.ResponseWriter, r *http.Request) {
	s.userForm(w, r, http.StatusOK, engine.User{Role: engine.RoleViewer}, nil)
}

// handleUserCreate adds a user and shows the link to choose a password, for the only time, as handleKeyCreate does
// with a key.
func (s *Server) handleUserCreate(w http.ResponseWriter, r *http.Request) {
	u := engine.User{
		Login: formText(r.PostForm, "login"), Name: formText(r.PostForm, "name"), Role: engine.Role(r.PostFormValue("role")), Enabled: true,
	}
	problems := problemsOf(u.Validate())
	if len(problems) == 0 {
		if !s.takeOnce(w, r, views.UserNewURL(), views.UsersURL(), "The link was shown then; Reset password makes another one.") {
			return
		}
		hash, err := unusableHash()
		var added engine.User
		if err == nil {
			added, err = s.store.CreateUser(r.Context(), s.actor(r), u, hash)
		}
		if err == nil {
			s.invite(w, r, added, "User added")
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.userForm(w, r, http.StatusUnprocessableEntity, u, problems)
}

func (s *Server) userForm(w http.ResponseWriter, r *http.Request, status int, u engine.User, problems []engine.Invalid) {
	p := s.page(r, "Add user", "admin", usersCrumbs("Add user")...)
	p.Problems = problems
	s.render(w, r, status, views.UserNewPage(views.UserForm{Page: p, User: u, Token: s.onceForms.token()}))
}

// user returns the user in the path. It answers and returns false when there is none.
func (s *Server) user(w http.ResponseWriter, r *http.Request) (engine.User, bool) {
	var id engine.UserID
	err := pathID(r, "usr", &id)
	var u engine.User
	if err == nil {
		u, err = s.store.User(r.Context(), id)
	}
	if err != nil {
		s.fail(w, r, err)
	}
	return u, err == nil
}

// handleUser shows a user.
func (s *Server) handleUser(w http.ResponseWriter, r *http.Request) {
	if u, ok := s.user(w, r); ok {
		s.userPage(w, r, http.StatusOK, views.UserForm{User: u, Seen: seenUser(u)}, u.Name, nil)
	}
}

// handleUserSave changes a user's name and role.
func (s *Server) handleUserSave(w http.ResponseWriter, r *http.Request) {
	u, ok := s.user(w, r)
	if !ok {
		return
	}
	title, name, role := u.Name, formText(r.PostForm, "name"), engine.Role(r.PostFormValue("role"))
	seen, changed := r.PostFormValue(seenField), false
	saved, err := s.store.ChangeUser(r.Context(), s.actor(r), u.ID, "user.update", func(u *engine.User) {
		if changed = seenUser(*u) != seen; !changed {
			u.Name, u.Role = name, role
		}
	})
	problems := problemsOf(err)
	if refused, ok := errors.AsType[engine.Conflict](err); ok {
		problems = []engine.Invalid{{Field: "role", Message: refused.Error()}}
	}
	switch {
	case problems != nil:
		u.Name, u.Role = name, role
		s.userPage(w, r, http.StatusUnprocessableEntity, views.UserForm{User: u, Seen: seen}, title, problems)
	case err != nil:
		s.fail(w, r, err)
	case changed:
		s.userConflict(w, r, saved, engine.User{Name: name, Role: role})
	default:
		s.redirect(w, r, views.UsersURL(), "User "+saved.Name+" was saved.")
	}
}

func (s *Server) userPage(w http.ResponseWriter, r *http.Request, status int, f views.UserForm, title string, problems []engine.Invalid) {
	f.Page = s.page(r, title, "admin", usersCrumbs(title)...)
	f.Page.Problems = problems
	s.render(w, r, status, views.UserPage(f))
}

// userConflict shows both sides when the user changed while an administrator edited it.
func (s *Server) userConflict(w http.ResponseWriter, r *http.Request, now, mine engine.User) {
	s.conflict(w, r, views.Conflict{
		Page: s.page(r, "Conflict: "+now.Name, "admin", usersCrumbs("Conflict")...),
		What: "user", Name: now.Name, Object: now.Login, Mine: views.UserSettings(mine), Theirs: views.UserSettings(now),
		Edit: views.UserURL(now.ID), Action: views.UserURL(now.ID), Seen: seenUser(now),
	}, "name", "role")
}

// handleUserEnable lets a user sign in again.
func (s *Server) handleUserEnable(w http.ResponseWriter, r *http.Request) { s.switchUser(w, r, true) }

// handleUserDisable signs a user out and refuses further sign-ins.
func (s *Server) handleUserDisable(w http.ResponseWriter, r *http.Request) { s.switchUser(w, r, false) }

func (s *Server) switchUser(w http.ResponseWriter, r *http.Request, enabled bool) {
	u, ok := s.user(w, r)
	if !ok {
		return
	}
	done := "User " + u.Name + " may sign in again."
	switch {
	case enabled:
	case u.ID == visitOf(r).user.ID:
		s.redirect(w, r, views.UserURL(u.ID), "Nothing was changed: you cannot disable yourself.")
		return
	default:
		done = "User " + u.Name + " was disabled and signed out."
	}
	_, err := s.store.SetEnabled(r.Context(), s.actor(r), u.ID, enabled)
	if refused, ok := errors.AsType[engine.Conflict](err); ok {
		done = "Nothing was changed. " + refused.Error() + "."
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.UserURL(u.ID), done)
}

// handleUserInvite asks before a user's password is reset.
func (s *Server) handleUserInvite(w http.ResponseWriter, r *http.Request) {
	if u, ok := s.user(w, r); ok {
		p := s.page(r, "Reset password", "admin", usersCrumbs("Reset password")...)
		s.render(w, r, http.StatusOK, views.UserInvitePage(views.UserForm{Page: p, User: u, Token: s.onceForms.token()}))
	}
}

// handleUserInvited takes a user's password away and shows the link to choose another.
func (s *Server) handleUserInvited(w http.ResponseWriter, r *http.Request) {
	u, ok := s.user(w, r)
	if !ok {
		return
	}
	if !s.takeOnce(w, r, views.UserInviteURL(u.ID), views.UserURL(u.ID), "The link was shown then; Reset password makes another one.") {
		return
	}
	s.invite(w, r, u, "Password reset")
}

// inviteTime is how long the link to choose a password is valid.
const inviteTime = 72 * time.Hour

func (s *Server) invite(w http.ResponseWriter, r *http.Request, u engine.User, title string) {
	token := strings.ToLower(rand.Text())
	hash, err := unusableHash()
	if err == nil {
		err = s.store.Invite(r.Context(), s.actor(r), u.ID, hash, hashToken(token), time.Now().Add(inviteTime))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusOK, views.UserInvitedPage(views.UserInvited{
		Page: s.page(r, title, "admin", usersCrumbs(title)...), User: u,
		Link: s.baseURL(r) + views.InvitationURL(token), Hours: int(inviteTime / time.Hour),
	}))
}

// handleUserDelete asks before a user is deleted.
func (s *Server) handleUserDelete(w http.ResponseWriter, r *http.Request) {
	u, ok := s.user(w, r)
	if !ok {
		return
	}
	if u.Enabled {
		s.redirect(w, r, views.UserURL(u.ID), "Only a disabled user can be deleted; disable it first.")
		return
	}
	p := s.page(r, "Delete user", "admin", usersCrumbs("Delete user")...)
	s.render(w, r, http.StatusOK, views.UserDeletePage(views.UserForm{Page: p, User: u}))
}

// handleUserDeleted deletes a user.
func (s *Server) handleUserDeleted(w http.ResponseWriter, r *http.Request) {
	u, ok := s.user(w, r)
	if !ok {
		return
	}
	if err := s.store.DeleteUser(r.Context(), s.actor(r), u.ID); err != nil {
		if refused, ok := errors.AsType[engine.Conflict](err); ok {
			s.redirect(w, r, views.UserURL(u.ID), refused.Error()+".")
			return
		}
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.UsersURL(), "User "+u.Name+" was deleted.")
}
