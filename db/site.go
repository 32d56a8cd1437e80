package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// siteKey is the setting with the engine.SiteSettings.
const siteKey = "site"

// storedSite is an engine.SiteSettings as its setting holds it.
type storedSite struct {
	Name        string `json:"name,omitempty"`
	TimeZone    string `json:"time_zone,omitempty"`
	SessionIdle int    `json:"session_idle_hours"`
	HideBodies  bool   `json:"hide_bodies,omitempty"`
	Version     int    `json:"version"`
}

// Site returns the settings of the site; engine.DefaultSite until somebody changes them.
func (s *Store) Site(ctx context.Context) (engine.SiteSettings, error) {
	text, err := s.Setting(ctx, siteKey)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return engine.SiteSettings{}, fmt.Errorf("read settings: %w", err)
	}
	return parseSite(text)
}

func parseSite(text string) (engine.SiteSettings, error) {
	if text == "" {
		return engine.DefaultSite, nil
	}
	var stored storedSite
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return engine.SiteSettings{}, fmt.Errorf("read settings: %w", err)
	}
	return engine.SiteSettings{
		Name: stored.Name, TimeZone: stored.TimeZone, SessionIdle: time.Duration(stored.SessionIdle) * time.Hour,
		HideBodies: stored.HideBodies, Version: stored.Version,
	}, nil
}

// SetSite stores the settings in the place of those whose version they name, and returns them as they are now. What
// changes nothing is not audited. The error is an engine.InvalidError when a field breaks a rule, and
// engine.ErrConflict when somebody else changed them meanwhile.
func (s *Store) SetSite(ctx context.Context, who engine.Actor, site engine.SiteSettings) (engine.SiteSettings, error) {
	if err := site.Validate(); err != nil {
		return engine.SiteSettings{}, err
	}
	stored, err := change(ctx, s.writer, func(t *tx) (engine.SiteSettings, error) {
		text, err := get(t, s.settingScan(siteKey), selectSetting, siteKey)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return site, err
		}
		before, err := parseSite(text)
		switch {
		case err != nil:
			return site, err
		case before.Version != site.Version:
			return site, fmt.Errorf("the settings were changed meanwhile: %w", engine.ErrConflict)
		case before == site:
			return site, nil
		}
		site.Version++
		err = s.saveSettingJSON(t, siteKey, storedSite{
			Name: site.Name, TimeZone: site.TimeZone, SessionIdle: int(site.SessionIdle / time.Hour), HideBodies: site.HideBodies, Version: site.Version,
		})
		if err != nil {
			return site, err
		}
		return site, t.audit(who, "settings.update", "", diffSites(before, site).String())
	})
	if err != nil {
		return engine.SiteSettings{}, fmt.Errorf("change settings: %w", err)
	}
	return stored, nil
}

func diffSites(a, b engine.SiteSettings) *diff {
	var d diff
	d.field("name", a.Name, b.Name)
	d.field("time_zone", a.TimeZone, b.TimeZone)
	d.field("session_idle", a.SessionIdle, b.SessionIdle)
	d.field("hide_bodies", a.HideBodies, b.HideBodies)
	return &d
}
