package cli

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"

	"labhook/engine"
	"labhook/web"
)

// masked stands for what must not be shown.
const masked = "••••"

// settingText is what the settings page says about a flag of serve.
type settingText struct {
	flag, group, label, about string
	show                      func(string) string // what is shown of the value; nil: all of it
}

// settingTexts has every flag of serve, group by group, in the order of the page.
var settingTexts = []settingText{
	{"public-url", "General", "Public URL", "The address under which people reach the server; without it links take the address of each request.", nil},
	{"listen", "General", "Listen address", "The address and port that the server listens on.", nil},
	{"log-level", "General", "Log level", "The least important messages that are logged.", nil},
	{"log-format", "General", "Log format", "How the log is written on standard error.", nil},

	{"grace", "Delivery", "Grace period", "How long a stop lets requests finish that are being sent.", nil},

	{"trusted-proxies", "Security", "Trusted proxies", "The networks of proxies whose X-Forwarded-For is believed; with a public URL this host is one of them.", nil},
	{"api-rate-limit", "Security", "API rate limit", "How many requests a second the key of an API consumer may make, and four times as many at once; 0 is no limit. Platform keys have none.", nil},

	{"allow-networks", "Egress", "Allowed networks", "The networks that webhooks may call although they are not public.", nil},
	{"allow-ports", "Egress", "Allowed ports", "The only ports that webhooks may call; without it any port will do.", nil},
	{"require-https", "Egress", "Require HTTPS", "Whether webhooks may be sent over TLS only.", nil},
	{"proxy", "Egress", "Forward proxy", "The proxy through which all requests leave, asked for addresses that were checked here; without it none is used, whatever the environment says.", maskUser},
	{"ca-file", "Egress", "CA file", "The file with certificate authorities that receivers are trusted by, besides the system's.", nil},
	{"source-address", "Egress", "Source address", "The addresses of this host that requests come from; without it the system chooses.", nil},

	{"data", "Storage", "Data directory", "The directory of the database and its sealing key.", absolute},
	{"backup-dir", "Storage", "Backup directory", "Where a backup is made now and then; without it none is.", nil},
	{"backup-every", "Storage", "Backup every", "The time between two backups.", nil},
	{"backup-keep", "Storage", "Backups kept", "How many of the newest backups are kept.", nil},
	{"sync", "Storage", "Durability", "When a change counts as stored: full survives a loss of power, normal may lose the last moments, off more.", nil},
}

// siteFlags are the flags of settings that are otherwise set on the screens.
var siteFlags = []string{"public-url", "allow-networks", "require-https"}

// siteGiven are the settings of the site that flags or variables set.
func (f *flags) siteGiven() map[string]engine.GivenSetting {
	given := map[string]engine.GivenSetting{}
	for _, name := range siteFlags {
		if source := f.source(name); source != "default" {
			given[strings.ReplaceAll(name, "-", "_")] = engine.GivenSetting{
				Value: f.Lookup(name).Value.String(), Source: engine.SettingSource(source),
			}
		}
	}
	return given
}

// settings lists the flags with their values for the settings page. One that settingTexts lacks comes last, with the
// text of its help, and its value hidden: nobody has said yet that it may be shown.
func (f *flags) settings() []web.Setting {
	var list []web.Setting
	known := map[string]bool{}
	for _, text := range settingTexts {
		if one := f.Lookup(text.flag); one != nil {
			list = append(list, f.setting(text, one))
			known[text.flag] = true
		}
	}
	f.VisitAll(func(one *flag.Flag) {
		if !known[one.Name] {
			_, usage := flag.UnquoteUsage(one)
			hide := func(string) string { return masked }
			list = append(list, f.setting(settingText{one.Name, "Other", one.Name, usage, hide}, one))
		}
	})
	return list
}

func (f *flags) setting(text settingText, one *flag.Flag) web.Setting {
	s := web.Setting{
		Group: text.group, Name: one.Name, Label: text.label, About: text.about,
		Value: one.Value.String(), Source: f.source(one.Name), Flag: "--" + one.Name,
	}
	if slices.Contains(f.fromEnv, one.Name) {
		s.Env = envName(one.Name)
	}
	if s.Value != "" && text.show != nil {
		s.Value = text.show(s.Value)
	}
	return s
}

// maskUser hides the user and the password of a URL.
func maskUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return masked
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = masked + rest[at:]
	}
	return scheme + "://" + rest
}

// absolute writes a path so that it does not depend on where the server was started.
func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return full
}
