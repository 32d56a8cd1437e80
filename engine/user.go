package engine

import (
	"slices"
	"strings"
	"time"
)

// Limits of a user of the screens.
const (
	MaxLogin    = 100 // characters
	MinPassword = 12  // characters
	MaxPassword = 200 // characters
)

// Role is what a signed-in person may do. Each includes the ones before it.
type Role string

// The roles.
const (
	RoleViewer    Role = "viewer"    // reads
	RoleDeveloper Role = "developer" // changes webhooks, tests, sends again
	RoleAdmin     Role = "admin"     // everything
)

// Roles lists them, the weakest first.
var Roles = []Role{RoleViewer, RoleDeveloper, RoleAdmin}

// Allows reports whether someone of role r may do what needs the role need.
func (r Role) Allows(need Role) bool {
	least := slices.Index(Roles, need)
	return least >= 0 && slices.Index(Roles, r) >= least
}

// User is a person who signs in to the screens.
type User struct {
	ID       UserID
	Login    string // e-mail address or user name, unique in any case
	Name     string
	Role     Role
	Enabled  bool
	TimeZone string // IANA name; empty: UTC
	Theme    string // "light", "dark" or empty for the system's
	Compact  bool   // lower rows in tables
	// NoShortcuts: single keys do nothing.
	NoShortcuts bool
	CreatedAt   time.Time
	SignedInAt  time.Time // the last time; zero: never
}

// Themes are what a user may choose; the empty one follows the system.
var Themes = []string{"", "light", "dark"}

// Validate returns an InvalidError that names every field that breaks a rule.
func (u *User) Validate() error {
	var bad InvalidError
	if strings.TrimSpace(u.Login) == "" || strings.ContainsAny(u.Login, " \t\r\n") {
		bad.add("login", "Enter an e-mail address or a user name without spaces")
	}
	bad.checkLine("login", "User name", u.Login, MaxLogin)
	if strings.TrimSpace(u.Name) == "" {
		bad.add("name", "Enter a name")
	}
	bad.checkLine("name", "Name", u.Name, MaxShortText)
	if !slices.Contains(Roles, u.Role) {
		bad.add("role", "Role must be one of %s, %s and %s", RoleViewer, RoleDeveloper, RoleAdmin)
	}
	// "Local" would be the zone of whatever host the server runs on.
	if _, err := time.LoadLocation(u.TimeZone); err != nil || u.TimeZone == "Local" {
		bad.add("time_zone", "There is no time zone %q; names are such as Europe/Vienna", u.TimeZone)
	}
	if !slices.Contains(Themes, u.Theme) {
		bad.add("theme", "Choose light, dark or that of the system")
	}
	return bad.orNil()
}

// ValidatePassword returns an InvalidError unless the password may be chosen. Only its length is judged.
func ValidatePassword(password string) error {
	var bad InvalidError
	if n := len([]rune(password)); n < MinPassword || n > MaxPassword {
		bad.add("password", "Enter a password of %d to %d characters", MinPassword, MaxPassword)
	}
	return bad.orNil()
}

// Actor is who changes something, for the audit log.
type Actor struct {
	Name string // "Dana Ortiz", "key lhk_ab12cd (lab platform)", "system"
	IP   string // without port; empty: none
}

// System is the actor of what the server does by itself.
var System = Actor{Name: "system"}
