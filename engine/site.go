package engine

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine/egress"
)

// Limits of the settings of a site.
const (
	MaxSiteName    = 30 // characters
	MinSessionIdle = time.Hour
	MaxSessionIdle = 7 * 24 * time.Hour
	MaxSessionLife = 30 * 24 * time.Hour
	MaxKeptDays    = 3650
	MaxSenders     = 4096
)

// SiteSettings are what holds for the whole installation and administrators may set on the screens, as it is in force: with
// what the server was started with, which wins over what was stored.
type SiteSettings struct {
	Name      string // tells this installation from others; empty: Labhook
	PublicURL string // address that people use, without a slash at the end; empty: taken from each request
	TimeZone  string // IANA name, for people who chose none and whose browser tells none; empty: UTC

	NewPolicy  string        // retry policy that the form of a new webhook begins with
	NewTimeout time.Duration // the same for Timeout
	NewRetries int           // the same for Retries

	Senders           int // as in Limits
	SendersPerWebhook int // as in Limits
	// PauseAttempts is how many attempts in a row must have failed before a webhook is paused, PauseAfter for how long nothing
	// must have got through. 0 attempts: none is paused.
	PauseAttempts int
	PauseAfter    time.Duration
	// DeactivateAfter is for how long nothing must have got through before a webhook is deactivated; 0: none is.
	DeactivateAfter time.Duration
	UserAgent       string // of requests; empty: Labhook and its version

	AllowNetworks string        // networks that webhooks may call although they are not public, separated by commas
	RequireHTTPS  bool          // webhooks may call https:// only
	SessionIdle   time.Duration // without a request, until a session ends; whole hours
	SessionLife   time.Duration // whatever happens, until a session ends; whole days
	// HideBodies keeps what events, requests and answers carry from viewers.
	HideBodies bool

	// How long is kept what has ended; 0: for ever. KeepEvents is for events with their deliveries, KeepBodies for what
	// they carry, KeepAudit for the audit log and KeepTotals for the totals by the hour. Whole days.
	KeepEvents, KeepBodies, KeepAudit, KeepTotals time.Duration
}

// DefaultSite is what holds until somebody changes it. Nothing is deleted by itself.
var DefaultSite = SiteSettings{
	NewPolicy: StudioPolicy.Name, NewTimeout: DefaultTimeout, NewRetries: StudioPolicy.Retries,
	Senders: defaultLimits.Senders, SendersPerWebhook: defaultLimits.SendersPerWebhook,
	PauseAttempts: PauseAttempts, PauseAfter: PauseAfter,
	SessionIdle: 12 * time.Hour, SessionLife: 7 * 24 * time.Hour,
}

// NewWebhook returns a webhook with the values that the form of a new one opens with here.
func (s *SiteSettings) NewWebhook(consumer ConsumerID) Webhook {
	w := NewWebhook(consumer)
	w.RetryPolicy, w.Timeout, w.Retries = s.NewPolicy, s.NewTimeout, s.NewRetries
	return w
}

// Networks are the networks of AllowNetworks.
func (s *SiteSettings) Networks() []netip.Prefix {
	list, _ := egress.ParseNetworks(s.AllowNetworks) // it was checked when it was set
	return list
}

// SettingSource says where the value of a setting comes from.
type SettingSource string

// Where values come from. What a server was started with wins.
const (
	FromFlag        SettingSource = "flag"
	FromEnvironment SettingSource = "environment"
	FromFile        SettingSource = "file" // that a variable names
	FromScreen      SettingSource = "screen"
	FromDefault     SettingSource = "default"
)

// GivenSetting is a value that a server was started with.
type GivenSetting struct {
	Value  string
	Source SettingSource
}

// StoredSettings are what was set on the screens, as text.
type StoredSettings struct {
	Values   map[string]string    // by the name of the setting; those that nobody set are not there
	Versions map[SettingGroup]int // count the changes of a group
}

// Site returns the settings as they are in force beside those that the server was started with.
func (s StoredSettings) Site(given map[string]GivenSetting) SiteSettings {
	site := DefaultSite
	for i := range SettingList {
		one := &SettingList[i]
		if value, ok := s.Values[one.Name]; ok {
			one.set(&site, value) // what is wrong was refused when it was stored
		}
		if g, ok := given[one.Name]; ok {
			one.set(&site, g.Value)
		}
	}
	return site
}

// Source says where the value of a setting comes from.
func (s StoredSettings) Source(name string, given map[string]GivenSetting) SettingSource {
	if g, ok := given[name]; ok {
		return g.Source
	}
	if _, ok := s.Values[name]; ok {
		return FromScreen
	}
	return FromDefault
}

// With returns the settings after a change of a group to the values, which are those of a form: text by name. A setting
// that was given to the server is not changed, and one that is its default is not kept. The error is an InvalidError
// that names every field that breaks a rule.
func (s StoredSettings) With(group SettingGroup, values map[string]string, given map[string]GivenSetting) (StoredSettings, error) {
	next := StoredSettings{Values: maps.Clone(s.Values), Versions: maps.Clone(s.Versions)}
	if next.Values == nil {
		next.Values, next.Versions = map[string]string{}, map[SettingGroup]int{}
	}
	site := s.Site(given)
	var bad InvalidError
	for _, one := range group.Settings() {
		if _, fixed := given[one.Name]; fixed {
			continue
		}
		if problem := one.set(&site, values[one.Name]); problem != "" {
			if one.Kind == NumberKind { // several of a form have the same limits
				problem = one.Label + ": enter" + strings.TrimPrefix(strings.Replace(problem, "whole number", "whole number of "+one.Unit, 1), "Enter")
			}
			bad.add(one.Name, "%s", problem)
			continue
		}
		if text := one.Text(&site); text == one.Text(&DefaultSite) {
			delete(next.Values, one.Name)
		} else {
			next.Values[one.Name] = text
		}
	}
	site.checkTogether(&bad, group)
	if !maps.Equal(next.Values, s.Values) {
		next.Versions[group]++
	}
	return next, bad.orNil()
}

// checkTogether adds what is wrong with settings of a group beside each other, where each alone is right.
func (s *SiteSettings) checkTogether(bad *InvalidError, group SettingGroup) {
	wrong := func(field string) bool {
		return slices.ContainsFunc(*bad, func(i Invalid) bool { return i.Field == field })
	}
	policy, _ := RetryPolicyNamed(s.NewPolicy)
	switch group {
	case DeliverySettings:
		if s.NewRetries > policy.MaxRetries && !wrong("new_retries") && !wrong("new_policy") {
			bad.add("new_retries", "The policy %s allows at most %d retries", policy.Label, policy.MaxRetries)
		}
		if s.SendersPerWebhook > s.Senders && !wrong("senders") && !wrong("senders_per_webhook") {
			bad.add("senders_per_webhook", "Enter no more than the %d requests in all", s.Senders)
		}
	case SecuritySettings:
		if s.SessionIdle > s.SessionLife && !wrong("session_idle") && !wrong("session_life") {
			bad.add("session_idle", "Enter no more than the %s of a whole session", strconv.Itoa(int(s.SessionLife/time.Hour))+" hours")
		}
	case RetentionSettings:
		if s.KeepEvents > 0 && s.KeepBodies >= s.KeepEvents && !wrong("keep_events") && !wrong("keep_bodies") {
			bad.add("keep_bodies", "Enter fewer days than for the events themselves, or 0: bodies go with their events in any case")
		}
	}
}
