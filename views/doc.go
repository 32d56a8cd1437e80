// Package views holds the pages: templ components that turn values into HTML. They know the words of engine, but
// neither a request nor the database; web gathers what they show. Nothing in them runs in the browser: no inline
// script, style or handler, which the content security policy refuses anyway.
//
// The parts that all pages share are layout.templ (the frame), nav.templ, form.templ, table.templ, badge.templ,
// icons.templ and live.go; urls.go has every path, format.go every way to write a time or a number. The other files
// have one family of screens each and are named like their handlers in web.
//
// Place in the flow: engine ← views ← web.
package views

//go:generate go tool templ generate -include-version=false -path .
