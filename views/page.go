package views

import (
	"strings"
	"time"

	"labhook/engine"
)

// Crumb is one step of the breadcrumb above a page.
type Crumb struct{ Label, URL string }

// Page is what the frame of every page needs.
type Page struct {
	Title    string           // the page's own part of the title; its h1 is the page's business
	Nav      string           // the entry of the top bar that is current: "events", "deliveries", "labs", "admin"
	User     *engine.User     // nil: nobody is signed in
	Crumbs   []Crumb          // the last one is the page itself and has no URL
	Site     string           // name of the installation; empty: Labhook
	Find     string           // what was looked for, for the field of the top bar
	Flash    string           // one sentence about what was just done
	Problems []engine.Invalid // what is wrong with the form on the page
	Zone     *time.Location
	Now      time.Time
	Catalog  *engine.Catalog

	RequestID string
}

// Can reports whether the person may do what needs that role.
func (p Page) Can(need engine.Role) bool { return p.User != nil && p.User.Role.Allows(need) }

// fullTitle is the text of the title element.
func (p Page) fullTitle() string {
	title := p.Title + " · " + siteName(p.Site)
	if len(p.Problems) > 0 {
		title = "Error: " + title
	}
	return title
}

// theme is the value of data-theme; empty: as the system has it.
func (p Page) theme() string {
	if p.User == nil {
		return ""
	}
	return p.User.Theme
}

// problemAnchor is the id of the form field that a problem is about: "headers[2]" is in "headers".
func problemAnchor(field string) string {
	name, _, _ := strings.Cut(field, "[")
	return name
}
