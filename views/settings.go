package views

import "labhook/engine"

// ServerSetting is something that the server was started with.
type ServerSetting struct {
	Group  string // what it is about: "Delivery"
	Name   string // as in an address: "allow-networks"
	Label  string
	Value  string // as it was given, secrets masked; empty: nothing was given
	Source string // "flag", "environment", "file" or "default"
	Flag   string // that sets it
	Env    string // variable that sets it
	About  string // one sentence
}

// groups returns the settings in runs of one group each.
func (l SettingList) groups() [][]ServerSetting {
	var runs [][]ServerSetting
	for i, s := range l.Settings {
		if i == 0 || s.Group != l.Settings[i-1].Group {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], s)
	}
	return runs
}

// origin says in words where the value comes from.
func (s ServerSetting) origin() string {
	switch s.Source {
	case "flag":
		return "Flag"
	case "environment":
		return "Environment"
	case "file":
		return "File"
	}
	return "Default"
}

// SettingList is the page of the settings.
type SettingList struct {
	Page     Page
	Site     engine.SiteSettings // what is set on the screens
	CanEdit  bool
	Settings []ServerSetting // those of a group in a row
}
