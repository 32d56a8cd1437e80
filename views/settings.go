package views

import (
	"slices"
	"strings"

	"labhook/engine"
)

// SettingsGroup is a page of settings: an engine.SettingGroup, or one of what is set elsewhere.
type SettingsGroup string

// The pages of which not all settings are of the site.
const (
	RetentionGroup = SettingsGroup(engine.RetentionSettings)
	EgressGroup    = SettingsGroup("egress")
	StorageGroup   = SettingsGroup("storage")
)

// SettingsGroups lists the pages in their order.
var SettingsGroups = []SettingsGroup{
	SettingsGroup(engine.GeneralSettings), SettingsGroup(engine.DeliverySettings), SettingsGroup(engine.SecuritySettings), RetentionGroup,
	EgressGroup, StorageGroup,
}

// Label is the name of the page; empty: there is no such page.
func (g SettingsGroup) Label() string {
	if !slices.Contains(SettingsGroups, g) {
		return ""
	}
	return engine.SettingGroup(g).Label()
}

// about says in a sentence what is set on the page.
func (g SettingsGroup) about() string {
	switch engine.SettingGroup(g) {
	case engine.GeneralSettings:
		return "Name, address and time zone of this installation, and its log."
	case engine.DeliverySettings:
		return "What a new webhook begins with, how much is sent at once, and what becomes of receivers that do not answer."
	case engine.SecuritySettings:
		return "Where webhooks may lead, how long people stay signed in, and who sees bodies."
	case engine.RetentionSettings:
		return "How long events, bodies, the audit log and totals are kept, and the room that they take."
	case engine.SettingGroup(EgressGroup):
		return "The way on which requests leave this host, and the addresses that receivers must allow."
	}
	return "The database, and its backups."
}

// ServerSetting is a setting as the pages show it.
type ServerSetting struct {
	Group  string // label of its page
	Name   string // as in an address: "allow-networks"
	Label  string
	About  string // one or two sentences
	Value  string // in words, secrets masked; empty: nothing was given
	Source engine.SettingSource
	// Flag and Env are the flag and the environment variable that set it; empty: none does.
	Flag, Env string
	OnScreen  bool // it is changed on the screen, unless it comes from elsewhere
	Pending   bool // it takes effect at the next start
}

// SettingName is the name of a setting of the site as in an address.
func SettingName(name string) string { return strings.ReplaceAll(name, "_", "-") }

// settingField is the reverse of SettingName: the name of a setting as in a form.
func settingField(name string) string { return strings.ReplaceAll(name, "-", "_") }

// origin says in words where the value comes from.
func (s ServerSetting) origin() string {
	switch s.Source {
	case engine.FromFlag:
		return "Flag"
	case engine.FromEnvironment:
		return "Environment"
	case engine.FromFile:
		return "File"
	case engine.FromScreen:
		return "Set here"
	}
	return "Default"
}

// changedHere reports whether the value is changed on this page.
func (s ServerSetting) changedHere() bool {
	return s.OnScreen && (s.Source == engine.FromScreen || s.Source == engine.FromDefault)
}

// SettingList is the page of a group of settings.
type SettingList struct {
	Page    Page
	Group   SettingsGroup
	CanEdit bool
	Rows    []ServerSetting
	Room    Room   // on the page about retention
	Backup  Backup // on the page about storage
}

func (l SettingList) anyPending() bool {
	return slices.ContainsFunc(l.Rows, func(s ServerSetting) bool { return s.Pending })
}
