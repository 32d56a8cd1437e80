package views

import "time"

// FindResults are what Find found, in groups.
type FindResults struct {
	Page   Page
	Text   string
	Groups []FindGroup
	// Kept is for how long events and deliveries are kept; 0: for ever.
	Kept time.Duration
}

// FindGroup is what was found of one kind.
type FindGroup struct {
	Name string
	Hits []FindHit
	More Link // to the rest; its URL is empty when all are shown
}

// FindHit is one thing that was found.
type FindHit struct {
	Link
	About string // what tells it from others of that name
}

// KeyHelp is one line of the map of the keyboard.
type KeyHelp struct{ Keys, What, Where string }

// keyHelp are all shortcuts. app.js acts on them.
var keyHelp = []KeyHelp{
	{"/", "Find", "Everywhere"},
	{"?", "This list", "Everywhere"},
	{"g a", "Site Administration", "Everywhere"},
	{"g c", "API Consumers", "Everywhere"},
	{"g e", "Events", "Everywhere"},
	{"g d", "Deliveries", "Everywhere"},
	{"g l", "Lab instances", "Everywhere"},
	{"j", "Next row", "Lists"},
	{"k", "Previous row", "Lists"},
	{"Enter", "Open the row", "Lists"},
	{"f", "Filters", "Lists"},
	{"n", "Older rows", "Lists"},
	{"p", "Newer rows", "Lists"},
	{"x", "Select the row, or begin to select", "Deliveries"},
	{"r", "Resend", "A delivery"},
	{"c", "Copy as cURL", "A delivery"},
	{"[", "Previous delivery of the list", "A delivery"},
	{"]", "Next delivery of the list", "A delivery"},
	{"1 … 9", "Attempt of that number", "A delivery"},
	{"Ctrl Enter", "OK", "Forms"},
}
