package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"labhook/web"
)

// state is what a screen has to show.
type state string

// The states.
const (
	empty   state = "empty"   // nothing yet
	filled  state = "filled"  // something
	problem state = "problem" // something that is wrong, missing or matches nothing
)

// reader is who looks at a screen, and on which site.
type reader string

// The readers.
const (
	before    reader = "before"    // of a site without users
	first     reader = "first"     // the administrator of a site on which nothing is set up
	stopped   reader = "stopped"   // the administrator of a site that sends nothing
	nobody    reader = "nobody"    // who did not sign in
	admin     reader = "admin"     // and the others of the stage
	developer reader = "developer" //
	viewer    reader = "viewer"    //
)

// logins are what the readers sign in with.
var logins = map[reader]string{first: login, stopped: login, admin: login, developer: "ben@contoso.example", viewer: "vi"}

// entry is a screen in one state. See matrix.
type entry struct {
	name   string
	state  state
	reader reader
	path   string
	steps  []step
}

// step is what the reader does on the page.
type step func(*tab)

func does(steps ...step) []step { return steps }

func again(times int, steps ...step) []step { return slices.Repeat(steps, times) }

// fill types into fields: id, text, id, text.
func fill(fields ...string) step {
	return func(b *tab) {
		for pair := range slices.Chunk(fields, 2) {
			if !evaluate[bool](b, fmt.Sprintf("document.getElementById(%q) !== null", pair[0])) { // which it would wait for
				b.t.Fatalf("fill %s: there is no such field", pair[0])
			}
			if err := chromedp.Do(b.ctx, chromedp.SetValue(chromedp.CSS(fmt.Sprintf("[id=%q]", pair[0])), pair[1])); err != nil {
				b.t.Fatalf("fill %s: %v", pair[0], err)
			}
		}
	}
}

// press follows a button or link to the page behind it.
func press(selector string) step { return func(b *tab) { b.follow(selector) } }

// submit presses the page's own button.
func submit(b *tab) { b.follow("main button[type=submit]:is(.primary, .danger)") }

// click clicks on what leads to no other page.
func click(selector string) step {
	return func(b *tab) { b.do(chromedp.Click(chromedp.CSS(selector))) }
}

// wait waits until a script is true.
func wait(script string) step { return func(b *tab) { b.until(script) } }

// oldVersion makes the form one that was loaded before somebody else saved.
func oldVersion(b *tab) {
	evaluate[chromedp.Void](b, `document.querySelector("[name=version]").value = "99"; undefined`)
}

// unfold opens everything that is folded, but for menus, which cover other things.
func unfold(b *tab) {
	evaluate[chromedp.Void](b, `for (const d of document.querySelectorAll("main details")) d.open = !d.matches(".menu, .choice"); undefined`)
}

// signOut lets the session end while the page is open.
func signOut(b *tab) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
	b.reader = nobody
}

// look shows the page with another width or theme, as turning a telephone or the evening does: the page is not loaded again.
func (b *tab) look(s screen, features ...*emulation.MediaFeature) {
	b.t.Helper()
	b.screen = s
	theme := "light"
	if s.dark {
		theme = "dark"
	}
	b.do(chromedp.EmulateViewport(s.width, 800))
	features = append(features, &emulation.MediaFeature{Name: "prefers-color-scheme", Value: theme})
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		b.t.Fatal(err)
	}
}

// sites are those of the readers.
type sites struct {
	fresh, bare, halted *site
	stage               *stage
}

func newSites(t *testing.T) *sites {
	t.Helper()
	w := &sites{fresh: newSite(t), bare: newSite(t), halted: newStillSite(t, withBackups), stage: newStage(t)}
	w.bare.addUser(t)
	w.halted.addUser(t)
	failed := lastBackup()
	failed.At, failed.FailedAt, failed.Problem = failed.At.Add(-24*time.Hour), failed.At, "write /backup/labhook-20260302T020000Z.tar: no space left on device"
	if err := w.halted.store.SetBackupState(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	_, w.stage.names["token"], _ = strings.Cut(w.fresh.setup, "token=")
	return w
}

// of returns the site that a reader looks at.
func (w *sites) of(r reader) *site {
	switch r {
	case before:
		return w.fresh
	case first:
		return w.bare
	case stopped:
		return w.halted
	}
	return w.stage.site
}

// browsers is how many go through the matrix at a time, each through its part.
const browsers = 2

// walkPatience is how long each may take, on a host that has other things to do.
const walkPatience = 10 * time.Minute

// entryPatience is how long one entry may take: a step that waits for what is not there fails by itself.
const entryPatience = time.Minute

// walk goes to every entry of the matrix and lets see look at it.
func walk(t *testing.T, see func(b *tab, name string)) {
	t.Helper()
	browserPath(t) // skips
	sites := newSites(t)
	list := slices.SortedStableFunc(slices.Values(matrix), func(a, b entry) int { return strings.Compare(string(a.reader), string(b.reader)) })
	part := (len(list) + browsers - 1) / browsers
	n := 0
	for entries := range slices.Chunk(list, part) {
		n++
		t.Run(fmt.Sprint("browser-", n), func(t *testing.T) {
			t.Parallel()
			b := newPatientTab(t, nil, screens[0], walkPatience)
			browser := b.ctx
			for _, e := range entries {
				t.Run(e.name, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(browser, entryPatience)
					defer cancel()
					b.t, b.ctx = t, ctx
					b.arrive(sites, e)
					see(b, e.name)
					b.complain(e.name)
				})
			}
		})
	}
}

// arrive goes to where an entry of the matrix is seen.
func (b *tab) arrive(sites *sites, e entry) {
	b.t.Helper()
	b.site = sites.of(e.reader)
	b.look(screens[0])
	if b.reader != e.reader {
		signOut(b)
		if name := logins[e.reader]; name != "" {
			b.signInAs(name)
		}
		b.reader = e.reader
	}
	path := sites.stage.fill(e.path)
	if strings.Contains(path, "{") {
		b.t.Fatalf("%s: nothing on the stage is called so: %s", e.name, path)
	}
	b.open(path)
	for _, do := range e.steps {
		do(b)
	}
}

// TestMatrixIsWhole checks that every route with a page stands in the matrix, and every entry leads to one.
func TestMatrixIsWhole(t *testing.T) {
	t.Parallel()
	patterns := (&web.Server{}).Patterns()
	mux := http.NewServeMux()
	missing := map[string]bool{}
	for _, pattern := range patterns {
		mux.Handle(pattern, http.NotFoundHandler())
		missing[pattern] = strings.HasPrefix(pattern, "GET ")
	}
	for pattern := range notPages {
		if !missing[pattern] {
			t.Errorf("there is no route %s", pattern)
		}
		delete(missing, pattern)
	}
	names := map[string]bool{}
	for _, e := range matrix {
		if names[e.name] {
			t.Errorf("two entries are called %s", e.name)
		}
		names[e.name] = true
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.NewReplacer("{", "", "}", "").Replace(e.path), nil)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		_, pattern := mux.Handler(r)
		if pattern == "" && e.name != "not-found" {
			t.Errorf("%s: no route leads to %s", e.name, e.path)
		}
		delete(missing, pattern)
	}
	for _, pattern := range slices.Sorted(maps.Keys(missing)) {
		if missing[pattern] {
			t.Errorf("%s has no entry in the matrix: add a line for each of its states", pattern)
		}
	}
}
