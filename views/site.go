package views

import (
	"strings"

	"labhook/engine"
)

// SiteForm is the form that changes a group of settings.
type SiteForm struct {
	Page    Page
	Group   engine.SettingGroup
	Version int
	Values  map[string]string    // as they were typed, by name
	Fixed   map[string]string    // those that are set elsewhere, by name, with what sets them
	Stored  *engine.SiteSettings // what somebody else stored meanwhile; nil: nothing
}

// settingLabel is what the form calls a setting: with the unit, unless its name has it.
func settingLabel(one *engine.SiteSetting) string {
	if one.Kind != engine.NumberKind || strings.Contains(strings.ToLower(one.Label), one.Unit) {
		return one.Label
	}
	return one.Label + " (" + one.Unit + ")"
}

// field is the row of the form for a setting.
func (f SiteForm) field(one *engine.SiteSetting) Field {
	field := Field{
		ID: one.Name, Label: settingLabel(one), Hint: one.About, Value: f.Values[one.Name], Checked: f.Values[one.Name] == "true",
		Autocomplete: "off", Problems: f.Page.Problems,
	}
	if one.NeedsRestart {
		field.Hint += " A change takes effect at the next start."
	}
	if one.Kind == engine.NumberKind {
		field.Short, field.InputMode = true, "numeric"
	}
	for _, c := range one.Choices {
		field.Options = append(field.Options, Option{Value: c[0], Label: c[1]})
	}
	if by, ok := f.Fixed[one.Name]; ok {
		field.ReadOnly, field.Hint = true, "Set by "+by+". Change it there."
		if one.Kind == engine.SwitchKind {
			field.Value = one.Words(field.Value)
		}
	}
	return field
}

// siteName is the name of the installation.
func siteName(name string) string {
	if name == "" {
		return "Labhook"
	}
	return name
}
