package engine

import "time"

// SettingList describes all settings of the site, group by group in the order of their pages.
var SettingList = []SiteSetting{
	{
		Group: GeneralSettings, Name: "name", Label: "Name", Zero: "Labhook",
		About: "Tells this installation from others, in the top bar and in titles, such as Labhook – Staging.",
		field: func(s *SiteSettings) settingField { return textField{&s.Name, siteName} },
	},
	{
		Group: GeneralSettings, Name: "public_url", Label: "Base URL", Zero: "The address of each request", NeedsRestart: true,
		About: "The address under which people reach the server, such as https://hooks.example.com. With https: cookies are sent over TLS only: make sure that it works before you enter it.",
		field: func(s *SiteSettings) settingField { return textField{&s.PublicURL, CheckPublicURL} },
	},
	{
		Group: GeneralSettings, Name: "time_zone", Label: "Time zone", Zero: "UTC",
		About: "For people who chose none, and whose browser tells none, such as Europe/Vienna.",
		field: func(s *SiteSettings) settingField { return textField{&s.TimeZone, timeZone} },
	},

	{
		Group: DeliverySettings, Name: "new_policy", Label: "Retry policy of a new webhook", Kind: ChoiceKind, Choices: presets(),
		About: "What the form of a new webhook begins with, and what the API takes where a field is absent. Webhooks that are there keep what they have.",
		field: func(s *SiteSettings) settingField { return textField{&s.NewPolicy, presetName} },
	},
	{
		Group: DeliverySettings, Name: "new_timeout", Label: "Timeout of a new webhook", Kind: NumberKind, Unit: "seconds",
		About: "How long one attempt may take, the reading of the answer included.",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{&s.NewTimeout, time.Second, int(MinTimeout / time.Second), int(MaxTimeout / time.Second), false}
		},
	},
	{
		Group: DeliverySettings, Name: "new_retries", Label: "Retries of a new webhook", Kind: NumberKind, Unit: "retries", Zero: "None",
		About: "How many attempts follow the first one.",
		field: func(s *SiteSettings) settingField { return countField[int]{&s.NewRetries, 1, 0, MaxRetries, false} },
	},
	{
		Group: DeliverySettings, Name: "senders", Label: "Requests at once, in all", Kind: NumberKind, Unit: "requests",
		About: "How many requests may be under way, those left out that take longer than a second.",
		field: func(s *SiteSettings) settingField { return countField[int]{&s.Senders, 1, 1, MaxSenders, false} },
	},
	{
		Group: DeliverySettings, Name: "senders_per_webhook", Label: "Requests at once, for one webhook", Kind: NumberKind, Unit: "requests",
		About: "At most so many; a receiver that does not answer gets fewer.",
		field: func(s *SiteSettings) settingField {
			return countField[int]{&s.SendersPerWebhook, 1, 1, MaxSenders, false}
		},
	},
	{
		Group: DeliverySettings, Name: "pause_attempts", Label: "Pause a webhook after", Kind: NumberKind, Unit: "failed attempts", Zero: "Never",
		About: "So many in a row, of several deliveries. A paused webhook is tried now and then, its deliveries wait. 0: none is paused.",
		field: func(s *SiteSettings) settingField { return countField[int]{&s.PauseAttempts, 1, 2, 10_000, true} },
	},
	{
		Group: DeliverySettings, Name: "pause_after", Label: "But not before", Kind: NumberKind, Unit: "seconds", Zero: "At once",
		About: "For so long nothing must have got through.",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{&s.PauseAfter, time.Second, 0, 86_400, false}
		},
	},
	{
		Group: DeliverySettings, Name: "deactivate_after", Label: "Deactivate a webhook after", Kind: NumberKind, Unit: "days", Zero: "Never",
		About: "For so long nothing got through. What waits for it is cancelled, and can be recovered. 0: none is, beyond what its retry policy does.",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{&s.DeactivateAfter, day, 1, 365, true}
		},
	},
	{
		Group: DeliverySettings, Name: "user_agent", Label: "User agent", Zero: "Labhook and its version",
		About: "The header User-Agent of requests, where a webhook has none of its own.",
		field: func(s *SiteSettings) settingField { return textField{&s.UserAgent, userAgent} },
	},

	{
		Group: SecuritySettings, Name: "allow_networks", Label: "Allowed networks", Zero: "Public addresses only",
		About: "Networks that webhooks may call although they are not public, such as 10.20.0.0/16,192.168.7.20. Allow as little as you need: who may add webhooks can then reach what is there.",
		field: func(s *SiteSettings) settingField { return textField{&s.AllowNetworks, networkList} },
	},
	{
		Group: SecuritySettings, Name: "require_https", Label: "Require HTTPS", Kind: SwitchKind,
		About: "Webhooks may call https:// only. Those with http:// fail from now on.",
		field: func(s *SiteSettings) settingField { return switchField{&s.RequireHTTPS} },
	},
	{
		Group: SecuritySettings, Name: "session_idle", Label: "Session, without a click", Kind: NumberKind, Unit: "hours",
		About: "How long somebody stays signed in without doing anything. Whoever is signed in keeps the time until the next click.",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{&s.SessionIdle, time.Hour, 1, int(MaxSessionIdle / time.Hour), false}
		},
	},
	{
		Group: SecuritySettings, Name: "session_life", Label: "Session, in all", Kind: NumberKind, Unit: "days",
		About: "After so long everybody has to sign in again.",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{&s.SessionLife, day, 1, int(MaxSessionLife / day), false}
		},
	},
	{
		Group: SecuritySettings, Name: "hide_bodies", Label: "Hide bodies from viewers", Kind: SwitchKind,
		About: "Viewers do not see what events, requests and answers carry. Developers and administrators do.",
		field: func(s *SiteSettings) settingField { return switchField{&s.HideBodies} },
	},

	keepSetting("keep_events", "Events with their deliveries", "Counted from the end of an event's last delivery. What waits is never deleted. An id that a sender gave can then be used again.",
		func(s *SiteSettings) *time.Duration { return &s.KeepEvents }),
	keepSetting("keep_bodies", "Bodies", "What events, requests and answers carry. Such a delivery cannot be sent again.",
		func(s *SiteSettings) *time.Duration { return &s.KeepBodies }),
	keepSetting("keep_audit", "Audit log", "Who changed what.",
		func(s *SiteSettings) *time.Duration { return &s.KeepAudit }),
	keepSetting("keep_totals", "Totals by the hour", "What Activity and Site Administration count. They do not need the deliveries, and take little room.",
		func(s *SiteSettings) *time.Duration { return &s.KeepTotals }),
}

func keepSetting(name, label, about string, value func(*SiteSettings) *time.Duration) SiteSetting {
	return SiteSetting{
		Group: RetentionSettings, Name: name, Label: label, About: about + " 0: for ever.", Kind: NumberKind, Unit: "days", Zero: "For ever",
		field: func(s *SiteSettings) settingField {
			return countField[time.Duration]{value(s), day, 1, MaxKeptDays, true}
		},
	}
}
