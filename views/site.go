package views

import (
	"strconv"
	"time"

	"labhook/engine"
)

// SiteForm is the form that changes the settings of the site.
type SiteForm struct {
	Page        Page
	Site        engine.SiteSettings
	SessionIdle string               // hours, as they were typed
	Stored      *engine.SiteSettings // what somebody else stored meanwhile; nil: nothing
}

// siteRow is a setting of the site on the settings page.
type siteRow struct{ Name, Label, About, Value string }

func siteRows(s engine.SiteSettings) []siteRow {
	zone, bodies := s.TimeZone, "Viewers see them"
	if zone == "" {
		zone = "UTC"
	}
	if s.HideBodies {
		bodies = "Hidden from viewers"
	}
	return []siteRow{
		{"site-name", "Name", "Tells this installation from others, in the top bar and in titles.", siteName(s.Name)},
		{"site-time-zone", "Time zone", "For people who chose none, and whose browser tells none.", zone},
		{"site-session-idle", "Session", "How long somebody stays signed in without doing anything; 7 days in all.", Duration(s.SessionIdle)},
		{"site-bodies", "Bodies", "What events, requests and answers carry.", bodies},
	}
}

// siteName is the name of the installation.
func siteName(name string) string {
	if name == "" {
		return "Labhook"
	}
	return name
}

// Hours writes whole hours for a form.
func Hours(d time.Duration) string { return strconv.Itoa(int(d / time.Hour)) }
