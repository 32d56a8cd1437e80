package db

import (
	"context"
	"fmt"

	"labhook/engine"
)

// siteKey is the setting with the engine.StoredSettings.
const siteKey = "site"

// storedSite is an engine.StoredSettings as its setting holds it.
type storedSite struct {
	Values   map[string]string           `json:"values,omitempty"`
	Versions map[engine.SettingGroup]int `json:"versions,omitempty"`
}

// Settings returns the settings of the site that are in force. It does not block.
func (s *Store) Settings() *engine.SiteSettings { return s.settings.Load() }

// Given returns the settings that the store was opened with, which win over the stored ones.
func (s *Store) Given() map[string]engine.GivenSetting { return s.given }

// StoredSettings returns what was set on the screens.
func (s *Store) StoredSettings(ctx context.Context) (engine.StoredSettings, error) {
	var stored storedSite
	if err := s.settingJSON(ctx, siteKey, &stored); err != nil {
		return engine.StoredSettings{}, fmt.Errorf("read settings: %w", err)
	}
	return engine.StoredSettings(stored), nil
}

func (s *Store) loadSite(ctx context.Context) error {
	stored, err := s.StoredSettings(ctx)
	if err == nil {
		s.useSite(stored)
	}
	return err
}

// useSite puts settings in force.
func (s *Store) useSite(stored engine.StoredSettings) {
	site := stored.Site(s.given)
	s.settings.Store(&site)
}

// ChangeSettings stores the settings of a group in the place of those of that version, and puts them in force. The values
// are those of a form: text by name. What changes nothing is not audited. The error is an engine.InvalidError when a field
// breaks a rule, and engine.ErrConflict when somebody else changed the group meanwhile.
func (s *Store) ChangeSettings(ctx context.Context, who engine.Actor, group engine.SettingGroup, version int, values map[string]string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		var stored storedSite
		if err := s.settingJSONIn(t, siteKey, &stored); err != nil {
			return err
		}
		before := engine.StoredSettings(stored)
		after, err := before.With(group, values, s.given)
		if err != nil {
			return err
		}
		if before.Versions[group] != version {
			return fmt.Errorf("the settings were changed meanwhile: %w", engine.ErrConflict)
		}
		changes := s.diffSites(before, after, group)
		if changes == "" {
			return nil
		}
		if err := s.saveSettingJSON(t, siteKey, storedSite(after)); err != nil {
			return err
		}
		t.onCommit(func() { s.useSite(after) })
		t.configChanged = true
		return t.audit(who, "settings.update", string(group), changes)
	})
	if err != nil {
		return fmt.Errorf("change settings: %w", err)
	}
	return nil
}

// diffSites writes what differs in a group, as it is in force.
func (s *Store) diffSites(a, b engine.StoredSettings, group engine.SettingGroup) string {
	var d diff
	was, is := a.Site(s.given), b.Site(s.given)
	for _, one := range group.Settings() {
		d.field(one.Name, settingValue(one, &was), settingValue(one, &is))
	}
	return d.String()
}

// settingValue is a value for the audit log: a text in quotes, the rest in words.
func settingValue(one *engine.SiteSetting, site *engine.SiteSettings) any {
	text := one.Text(site)
	if one.Kind == engine.TextKind {
		return text
	}
	return plainValue(one.Words(text))
}

// plainValue is written to the audit log without quotes.
type plainValue string
