package web

import (
	"net/http"

	"labhook/engine"
	"labhook/views"
	"labhook/web/api"
)

// Setting is something that the server was started with, for the settings page and the API. The server itself does not
// act on it.
type Setting struct {
	Group  string // what it is about: "Delivery"; those of a group stand in a row
	Name   string // as in an address: "allow-networks"
	Label  string
	Value  string // as it was given, secrets masked; empty: nothing was given
	Source string // "flag", "environment", "file" or "default"
	Flag   string // that sets it: "--allow-networks"
	Env    string // variable that sets it: "LABHOOK_ALLOW_NETWORKS"
	About  string // one sentence
}

// handleSettings shows what is set on the screens, and what the server was started with.
func (s *Server) handleSettings(w http.ResponseWriter, r *http.Request) {
	list := views.SettingList{
		Page: s.page(r, "Settings", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Settings"}),
	}
	list.Site, list.CanEdit = *s.site.Load(), list.Page.Can(engine.RoleAdmin)
	for _, one := range s.settings {
		list.Settings = append(list.Settings, views.ServerSetting(one))
	}
	s.render(w, r, http.StatusOK, views.SettingsPage(list))
}

// apiSettings are the settings in the form of the API.
func apiSettings(settings []Setting) []api.Setting {
	list := make([]api.Setting, len(settings))
	for i, one := range settings {
		list[i] = api.Setting(one)
	}
	return list
}
