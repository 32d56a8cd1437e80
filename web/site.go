package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"labhook/engine"
	"labhook/views"
)

// hiddenBody stands for what viewers must not see.
var hiddenBody = []byte("Hidden from viewers by a setting.")

// hidesBodies reports whether the reader must not see what events, requests and answers carry.
func (s *Server) hidesBodies(r *http.Request) bool {
	return s.site.Load().HideBodies && !visitOf(r).user.Role.Allows(engine.RoleDeveloper)
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

// handleSettingsEdit shows the form that changes the settings of the site.
func (s *Server) handleSettingsEdit(w http.ResponseWriter, r *http.Request) {
	site, err := s.store.Site(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.siteForm(w, r, http.StatusOK, views.SiteForm{Site: site, SessionIdle: views.Hours(site.SessionIdle)}, nil)
}

// handleSettingsSave changes the settings of the site, which hold from now on.
func (s *Server) handleSettingsSave(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	f := views.SiteForm{SessionIdle: formText(form, "session_idle"), Site: engine.SiteSettings{
		Name: formText(form, "name"), TimeZone: formText(form, "time_zone"), HideBodies: form.Get("hide_bodies") != "",
	}}
	f.Site.Version, _ = strconv.Atoi(form.Get("version"))  // anything else is a conflict
	hours, err := strconv.ParseUint(f.SessionIdle, 10, 16) // more hours than that are refused in any case
	if err == nil {
		f.Site.SessionIdle = time.Duration(hours) * time.Hour
	}
	stored, err := s.store.SetSite(r.Context(), s.actor(r), f.Site)
	switch problems := problemsOf(err); {
	case err == nil:
		s.site.Store(&stored)
		s.redirect(w, r, views.SettingsURL(), "The settings were saved.")
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
	stored, err := s.store.Site(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f.Stored, f.Site.Version = &stored, stored.Version
	w.Header().Set("Cache-Control", "no-store")
	s.siteForm(w, r, http.StatusConflict, f, []engine.Invalid{{Message: "Somebody changed the settings meanwhile; nothing was saved yet"}})
}

func (s *Server) siteForm(w http.ResponseWriter, r *http.Request, status int, f views.SiteForm, problems []engine.Invalid) {
	f.Page = s.page(r, "Edit settings", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()},
		views.Crumb{Label: "Settings", URL: views.SettingsURL()}, views.Crumb{Label: "Edit"})
	f.Page.Problems = problems
	s.render(w, r, status, views.SiteFormPage(f))
}
