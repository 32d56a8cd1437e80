package engine

import "time"

// Limits of the settings of a site.
const (
	MaxSiteName    = 30 // characters
	MinSessionIdle = time.Hour
	MaxSessionIdle = 7 * 24 * time.Hour
)

// SiteSettings are what administrators set on the screens; the rest a server is started with.
type SiteSettings struct {
	Name        string        // tells this installation from others; empty: Labhook
	TimeZone    string        // IANA name, for people who chose none and whose browser tells none; empty: UTC
	SessionIdle time.Duration // without a request, until a session ends; whole hours
	// HideBodies keeps what events, requests and answers carry from viewers.
	HideBodies bool
	Version    int // counts the changes; 0: never changed
}

// DefaultSite is what holds until somebody changes it.
var DefaultSite = SiteSettings{SessionIdle: 12 * time.Hour}

// Validate returns an InvalidError that names every field that breaks a rule.
func (s *SiteSettings) Validate() error {
	var bad InvalidError
	bad.checkLine("name", "Name", s.Name, MaxSiteName)
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		bad.add("time_zone", "There is no time zone %q; names are such as Europe/Vienna", s.TimeZone)
	}
	if s.SessionIdle < MinSessionIdle || s.SessionIdle > MaxSessionIdle || s.SessionIdle%time.Hour != 0 {
		bad.add("session_idle", "Enter a whole number of hours from 1 to %d", MaxSessionIdle/time.Hour)
	}
	return bad.orNil()
}
