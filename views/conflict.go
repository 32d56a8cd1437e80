package views

import (
	"maps"
	"slices"
	"time"

	"labhook/engine"
)

// Conflict is the page for something that was changed while somebody else edited it.
type Conflict struct {
	Page Page
	What string // "API consumer"
	Name string // as it is stored now
	// By and At are who stored it, and when; empty where that is in the audit log alone.
	By string
	At time.Time
	// Object is its name in the audit log.
	Object       string
	Mine, Theirs []Setting
	Edit         string // its form, to begin anew
	Action       string // where the form is posted
	// Posted is the form as it was sent, to be sent again with the mark Seen of what is stored.
	Posted map[string][]string
	Seen   string
}

// SettingPair is a setting that differs.
type SettingPair struct{ Label, Mine, Theirs string }

// differentSettings lists the settings in which the two sides differ, those that one side lacks included.
func differentSettings(mine, theirs []Setting) []SettingPair {
	of := map[string]string{}
	for _, s := range theirs {
		of[s.Label] = s.Value
	}
	var pairs []SettingPair
	for _, s := range mine {
		if s.Value != of[s.Label] {
			pairs = append(pairs, SettingPair{Label: s.Label, Mine: s.Value, Theirs: of[s.Label]})
		}
		delete(of, s.Label)
	}
	for _, s := range theirs {
		if value := of[s.Label]; value != "" {
			pairs = append(pairs, SettingPair{Label: s.Label, Theirs: value})
		}
	}
	return pairs
}

// hidden are the posted values that Use mine sends again.
func (c Conflict) hidden() []Option {
	seen := Option{Label: "seen", Value: c.Seen}
	return append([]Option{seen}, postedAgain(c.Posted, func(name string) bool { return name != "seen" })...)
}

// postedAgain lists the posted values whose names keep lets through, by name.
func postedAgain(posted map[string][]string, keep func(name string) bool) []Option {
	var list []Option
	for _, name := range slices.Sorted(maps.Keys(posted)) {
		if !keep(name) {
			continue
		}
		for _, value := range posted[name] {
			list = append(list, Option{Label: name, Value: value})
		}
	}
	return list
}

// ConsumerSettings lists what the form of an API consumer sets, in its order.
func ConsumerSettings(p Page, c engine.APIConsumer) []Setting {
	expires := "Never"
	if !c.Expires.IsZero() {
		expires = clock(p.Now, c.Expires, p.Zone)
	}
	return []Setting{
		{Label: "Name", Value: c.Name},
		{Label: "Description", Value: c.Description},
		{Label: "External ID", Value: c.ExternalID},
		{Label: "Default Organization", Value: c.DefaultOrganization},
		{Label: "Consuming Platform", Value: c.ConsumingPlatform},
		{Label: "Consuming Platform Version", Value: c.ConsumingPlatformVersion},
		{Label: "Technical contact", Value: c.TechnicalContact},
		{Label: "One send per URL", Value: yesNo(c.OneSendPerURL)},
		{Label: "Enabled", Value: yesNo(c.Enabled)},
		{Label: "Expires", Value: expires},
	}
}

// UserSettings lists what an administrator sets of a user.
func UserSettings(u engine.User) []Setting {
	return []Setting{{Label: "Name", Value: u.Name}, {Label: "Role", Value: RoleWord(u.Role)}}
}

// EventTypeSettings lists what the form of an event type sets, in its order.
func EventTypeSettings(o engine.OwnEventType) []Setting {
	return []Setting{
		{Label: "Name", Value: o.Label},
		{Label: "Description", Value: o.Description},
		{Label: "Example data", Value: o.Sample, Code: true},
		{Label: "Subject field", Value: o.SubjectField},
		{Label: "JSON Schema", Value: o.Schema, Code: true},
	}
}
