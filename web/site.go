package web

import (
	"errors"
	"net/http"
	"strconv"

	"labhook/engine"
	"labhook/views"
)

// hiddenBody stands for what viewers must not see.
var hiddenBody = []byte("Hidden from viewers by a setting.")

// hidesBodies reports whether the reader must not see what events, requests and answers carry.
func (s *Server) hidesBodies(r *http.Request) bool {
	return s.store.Settings().HideBodies && !visitOf(r).user.Role.Allows(engine.RoleDeveloper)
}

// hideBodies takes the bodies out of attempts.
func hideBodies(attempts []engine.Attempt) {
	for i := range attempts {
		if len(attempts[i].Request.Body) > 0 {
			attempts[i].Request.Body = hiddenBody
		}
		if answer := attempts[i].Answer; answer != nil && len(answer.Body) > 0 {
			hidden := *answer
			hidden.Body, hidden.Truncated = hiddenBody, false
			attempts[i].Answer = &hidden
		}
	}
}

// hidesQueries reports whether the reader must not see the values in the query of a webhook's URL. They may be secrets, and
// are for those who may change the webhook.
func hidesQueries(r *http.Request) bool { return !visitOf(r).user.Role.Allows(engine.RoleDeveloper) }

// shown returns a webhook as the reader may see it.
func shown(r *http.Request, hook engine.Webhook) engine.Webhook {
	if hidesQueries(r) {
		hook.URL = engine.MaskQuery(hook.URL)
	}
	return hook
}

// attempts returns the attempts of a delivery as the reader may see them, but for their bodies.
func (s *Server) attempts(r *http.Request, id engine.DeliveryID) ([]engine.Attempt, error) {
	attempts, err := s.store.Attempts(r.Context(), id)
	if hidesQueries(r) {
		for i := range attempts {
			attempts[i].HideQuery()
		}
	}
	return attempts, err
}

// settingGroup is the group that the path names; "" when it has no form.
func settingGroup(r *http.Request) engine.SettingGroup {
	group := engine.SettingGroup(r.PathValue("group"))
	if len(group.Settings()) == 0 {
		return ""
	}
	return group
}

// handleSettingsEdit shows the form that changes a group of settings.
func (s *Server) handleSettingsEdit(w http.ResponseWriter, r *http.Request) {
	group := settingGroup(r)
	stored, err := s.store.StoredSettings(r.Context())
	if group == "" {
		err = engine.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f := views.SiteForm{Group: group, Version: stored.Versions[group], Values: map[string]string{}}
	site := stored.Site(s.store.Given())
	for _, one := range group.Settings() {
		f.Values[one.Name] = one.Text(&site)
	}
	s.siteForm(w, r, http.StatusOK, f, nil)
}

// handleSettingsSave changes a group of settings.
func (s *Server) handleSettingsSave(w http.ResponseWriter, r *http.Request) {
	group := settingGroup(r)
	if group == "" {
		s.fail(w, r, engine.ErrNotFound)
		return
	}
	f := views.SiteForm{Group: group, Values: map[string]string{}}
	f.Version, _ = strconv.Atoi(r.PostForm.Get("version")) // anything else is a conflict
	for _, one := range group.Settings() {
		f.Values[one.Name] = formText(r.PostForm, one.Name)
	}
	err := s.store.ChangeSettings(r.Context(), s.actor(r), group, f.Version, f.Values)
	switch problems := problemsOf(err); {
	case err == nil:
		s.redirect(w, r, views.SettingsOfURL(views.SettingsGroup(group)), "The settings were saved.")
	case errors.Is(err, engine.ErrConflict):
		s.siteConflict(w, r, f)
	case problems != nil:
		s.siteForm(w, r, http.StatusUnprocessableEntity, f, problems)
	default:
		s.fail(w, r, err)
	}
}

// siteConflict shows the form again, with what somebody else has stored meanwhile. Posting it again replaces that.
func (s *Server) siteConflict(w http.ResponseWriter, r *http.Request, f views.SiteForm) {
	stored, err := s.store.StoredSettings(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	site := stored.Site(s.store.Given())
	f.Stored, f.Version = &site, stored.Versions[f.Group]
	w.Header().Set("Cache-Control", "no-store")
	s.siteForm(w, r, http.StatusConflict, f, []engine.Invalid{{Message: "Somebody changed the settings meanwhile; nothing was saved yet"}})
}

func (s *Server) siteForm(w http.ResponseWriter, r *http.Request, status int, f views.SiteForm, problems []engine.Invalid) {
	f.Page = s.settingsPage(r, views.SettingsGroup(f.Group), "Edit "+string(f.Group)+" settings", views.Crumb{Label: "Edit"})
	f.Page.Problems, f.Fixed = problems, map[string]string{}
	for name, given := range s.store.Given() {
		f.Fixed[name] = s.givenBy(name, given.Source)
	}
	s.render(w, r, status, views.SiteFormPage(f))
}

// givenBy says what sets a setting that the server was started with.
func (s *Server) givenBy(name string, source engine.SettingSource) string {
	for _, one := range s.settings {
		if one.Name != views.SettingName(name) {
			continue
		}
		switch source {
		case engine.FromEnvironment:
			return "the environment variable " + one.Env
		case engine.FromFile:
			return "the file that " + one.Env + "_FILE names"
		}
		return "the flag " + one.Flag
	}
	return "what the server was started with"
}
