package views

import (
	"slices"
	"strings"

	"labhook/engine"
)

// KeptValue is a value of a form that could not be saved.
type KeptValue struct{ Name, Value string }

// keptLabels are the labels of the fields that are not called as they are posted.
var keptLabels = map[string]string{
	"addresses":                  "Addresses and networks",
	"all_events":                 "All events",
	"basic_auth.username":        "User",
	"body":                       "Content",
	"client_cert.certificate":    "Client certificate",
	"consuming_platform":         "Consuming Platform",
	"consuming_platform_version": "Consuming Platform Version",
	"content":                    "Text",
	"content_type":               "Content Type",
	"custom.gone_deactivates":    "410 Gone deactivates the webhook",
	"custom.on_4xx":              "An answer from 400 to 499",
	"custom.on_exhausted":        "When the last retry has failed",
	"custom.success":             "Success",
	"custom.waits":               "Waits",
	"default_organization":       "Default Organization",
	"delay":                      "Delay (Seconds)",
	"echo_url":                   "Echo URL",
	"error_action":               "Error Action",
	"events":                     "Event",
	"external_id":                "External ID",
	"from":                       "Time",
	"grace":                      "Both sign for",
	"login":                      "User name or e-mail address",
	"notification_text":          "Notification Text",
	"rate_burst":                 "Burst",
	"rate_limit":                 "Rate limit (requests a second)",
	"sample":                     "Example data",
	"schema":                     "JSON Schema",
	"scope":                      "The key may",
	"shortcuts":                  "Keyboard shortcuts",
	"signing.header":             "Signature header",
	"signing.names":              "Header names",
	"signing.scheme":             "Signature",
	"theme":                      "Colours",
	"timeout":                    "Timeout (Seconds)",
	"type":                       "Event",
	"url":                        "URL",
}

// label is what the form calls the field.
func (v KeptValue) label() string {
	if label, ok := keptLabels[v.Name]; ok {
		return label
	}
	i := slices.IndexFunc(engine.SettingList, func(one engine.SiteSetting) bool { return one.Name == v.Name })
	if i >= 0 {
		return settingLabel(&engine.SettingList[i])
	}
	return upper(strings.ReplaceAll(v.Name, "_", " "))
}
