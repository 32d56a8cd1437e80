package web

import (
	"context"
	"net/http"

	"labhook/engine"
	"labhook/views"
	"labhook/web/api"
)

// Setting is something that the server was started with, for the settings pages and the API. The server itself does not
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

// handleSettings leads to the pages of settings.
func (s *Server) handleSettings(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, "Settings", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Settings"})
	s.render(w, r, http.StatusOK, views.SettingsPage(p))
}

// handleSettingsOf shows the settings of one group.
func (s *Server) handleSettingsOf(w http.ResponseWriter, r *http.Request) {
	group := views.SettingsGroup(r.PathValue("group"))
	if group.Label() == "" {
		s.fail(w, r, engine.ErrNotFound)
		return
	}
	all, err := s.allSettings(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := views.SettingList{Page: s.settingsPage(r, group, group.Label()+" settings"), Group: group}
	for _, one := range all {
		if one.Group == group.Label() {
			list.Rows = append(list.Rows, one)
		}
	}
	list.CanEdit = list.Page.Can(engine.RoleAdmin) && len(engine.SettingGroup(group).Settings()) > 0
	if err := s.aboutGroup(r.Context(), &list); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, views.SettingsOfPage(list))
}

func (s *Server) settingsPage(r *http.Request, group views.SettingsGroup, title string, more ...views.Crumb) views.Page {
	crumbs := []views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "Settings", URL: views.SettingsURL()}}
	here := views.Crumb{Label: group.Label()}
	if len(more) > 0 {
		here.URL = views.SettingsOfURL(group)
	}
	return s.page(r, title, "admin", append(append(crumbs, here), more...)...)
}

// aboutGroup adds what a page shows beside the settings.
func (s *Server) aboutGroup(ctx context.Context, list *views.SettingList) (err error) {
	switch list.Group {
	case views.RetentionGroup:
		list.Room, err = s.room(ctx, list.Page)
	case views.StorageGroup:
		list.Backup, err = s.backupState(ctx)
	}
	return err
}

// allSettings are the settings of the site and those that the server was started with, group by group.
func (s *Server) allSettings(ctx context.Context) ([]views.ServerSetting, error) {
	stored, err := s.store.StoredSettings(ctx)
	if err != nil {
		return nil, err
	}
	given, started := s.store.Given(), map[string]Setting{}
	for _, one := range s.settings {
		started[one.Name] = one
	}
	var list []views.ServerSetting
	site := stored.Site(given)
	for _, group := range views.SettingsGroups {
		for _, one := range engine.SettingGroup(group).Settings() {
			name := views.SettingName(one.Name)
			flag := started[name]
			delete(started, name)
			list = append(list, views.ServerSetting{
				Group: group.Label(), Name: name, Label: one.Label, About: one.About, Value: one.Words(one.Text(&site)),
				Source: stored.Source(one.Name, given), Flag: flag.Flag, Env: flag.Env, OnScreen: true,
				Pending: one.NeedsRestart && one.Text(&site) != one.Text(&s.startedWith),
			})
		}
		for _, one := range s.settings {
			if _, left := started[one.Name]; left && one.Group == group.Label() {
				list = append(list, views.ServerSetting{
					Group: one.Group, Name: one.Name, Label: one.Label, Value: one.Value, About: one.About,
					Source: engine.SettingSource(one.Source), Flag: one.Flag, Env: one.Env,
				})
			}
		}
	}
	return list, nil
}

// apiSettings are the settings in the form of the API.
func (s *Server) apiSettings(ctx context.Context) ([]api.Setting, error) {
	all, err := s.allSettings(ctx)
	list := make([]api.Setting, len(all))
	for i, one := range all {
		list[i] = api.Setting{
			Group: one.Group, Name: one.Name, Label: one.Label, Value: one.Value, Source: string(one.Source),
			Flag: one.Flag, Env: one.Env, About: one.About, NeedsRestart: one.Pending,
		}
	}
	return list, err
}
