package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine/egress"
)

// SettingGroup is the settings of one page.
type SettingGroup string

// The groups, in the order of their pages.
const (
	GeneralSettings   SettingGroup = "general"
	DeliverySettings  SettingGroup = "delivery"
	SecuritySettings  SettingGroup = "security"
	RetentionSettings SettingGroup = "retention"
)

// SettingGroups lists them.
var SettingGroups = []SettingGroup{GeneralSettings, DeliverySettings, SecuritySettings, RetentionSettings}

// Label is the name of the group on the screen.
func (g SettingGroup) Label() string { return strings.ToUpper(string(g[:1])) + string(g[1:]) }

// Settings are those of the group.
func (g SettingGroup) Settings() []*SiteSetting {
	var list []*SiteSetting
	for i := range SettingList {
		if SettingList[i].Group == g {
			list = append(list, &SettingList[i])
		}
	}
	return list
}

// SettingKind is how a setting is entered.
type SettingKind int

// The kinds. Every value is a text: of a switch "true" or "", of a number its digits.
const (
	TextKind SettingKind = iota
	NumberKind
	SwitchKind
	ChoiceKind
)

// SiteSetting describes one of the SiteSettings: how it is called, entered and read.
type SiteSetting struct {
	Group        SettingGroup
	Name         string // as in the form of the screen, the audit log and, with hyphens, in a flag: "session_idle"
	Label        string
	About        string // one or two sentences
	Kind         SettingKind
	Unit         string      // of a number: "days"
	Zero         string      // what 0, or nothing, means; empty: it means nothing special
	Choices      [][2]string // of a choice: values and labels
	NeedsRestart bool        // a change takes effect at the next start

	field func(*SiteSettings) settingField
}

// settingField reads and writes the field of a setting as text.
type settingField interface {
	text() string
	set(text string) (problem string)
}

// Text is the value as it is entered.
func (s *SiteSetting) Text(site *SiteSettings) string { return s.field(site).text() }

func (s *SiteSetting) set(site *SiteSettings, text string) (problem string) {
	return s.field(site).set(strings.TrimSpace(text))
}

// Words writes a value for a person.
func (s *SiteSetting) Words(text string) string {
	switch {
	case s.Kind == SwitchKind && text == "true":
		return "Yes"
	case s.Kind == SwitchKind:
		return "No"
	case s.Zero != "" && (text == "" || text == "0"):
		return s.Zero
	case s.Kind == NumberKind && text == "1":
		return text + " " + strings.TrimSuffix(s.Unit, "s")
	case s.Kind == NumberKind:
		return text + " " + s.Unit
	}
	for _, c := range s.Choices {
		if c[0] == text {
			return c[1]
		}
	}
	return text
}

// textField is a line of text with a check that may change it.
type textField struct {
	value *string
	check func(string) (clean, problem string)
}

func (f textField) text() string { return *f.value }

func (f textField) set(text string) string {
	clean, problem := f.check(text)
	if problem == "" {
		*f.value = clean
	}
	return problem
}

// switchField is on or off.
type switchField struct{ value *bool }

func (f switchField) text() string {
	if *f.value {
		return "true"
	}
	return ""
}

func (f switchField) set(text string) string {
	*f.value = text == "true"
	return ""
}

// countField is a whole number of units: 1 for a plain number. none: 0 is right beside from to to.
type countField[T ~int | ~int64] struct {
	value    *T
	unit     T
	from, to int
	none     bool
}

func (f countField[T]) text() string { return strconv.FormatInt(int64(*f.value/f.unit), 10) }

func (f countField[T]) set(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || (n < f.from || n > f.to) && (n != 0 || !f.none) {
		if f.none {
			return fmt.Sprintf("Enter 0 or a whole number from %d to %d", f.from, f.to)
		}
		return fmt.Sprintf("Enter a whole number from %d to %d", f.from, f.to)
	}
	*f.value = T(n) * f.unit
	return ""
}

// day is the unit of what is kept.
const day = 24 * time.Hour

func siteName(text string) (string, string) {
	var bad InvalidError
	bad.checkLine("", "Name", text, MaxSiteName)
	return text, bad.first()
}

func (e InvalidError) first() string {
	if len(e) == 0 {
		return ""
	}
	return e[0].Message
}

func timeZone(text string) (string, string) {
	if _, err := time.LoadLocation(text); err != nil || text == "Local" {
		return text, fmt.Sprintf("There is no time zone %q; names are such as Europe/Vienna", text)
	}
	return text, ""
}

// CheckPublicURL returns the address of a site without a slash at its end; problem says what is wrong with it.
func CheckPublicURL(text string) (clean, problem string) {
	text = strings.TrimSuffix(text, "/")
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		return text, fmt.Sprintf("%q is not the address of a site, such as https://hooks.example.com", text)
	}
	return text, ""
}

const maxUserAgent = 200 // characters

func userAgent(text string) (string, string) {
	if len(text) > maxUserAgent || !isASCIIText(text) {
		return text, fmt.Sprintf("Enter at most %d letters, digits and signs of ASCII", maxUserAgent)
	}
	return text, ""
}

func isASCIIText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

func networkList(text string) (string, string) {
	list, err := egress.ParseNetworks(text)
	if err != nil {
		return text, upperFirst(err.Error())
	}
	return egress.FormatNetworks(list), ""
}

// presetName reads the name of a retry policy that needs no rules of its own.
func presetName(text string) (string, string) {
	if !slices.ContainsFunc(presets(), func(c [2]string) bool { return c[0] == text }) {
		return text, "Choose one of the policies"
	}
	return text, ""
}

func presets() (list [][2]string) {
	for _, p := range RetryPolicies {
		if p.Name != CustomPolicyName {
			list = append(list, [2]string{p.Name, p.Label})
		}
	}
	return list
}
