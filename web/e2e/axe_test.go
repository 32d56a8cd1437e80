package e2e

import (
	_ "embed"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe is axe-core 4.14.1 as released (npm pack axe-core@4.14.1, axe.min.js), under the licence beside it.
//
//go:embed testdata/axe.min.js
var axe string

// finding is what axe found at one place.
type finding struct {
	Rule, Help, HTML, Summary string
	// Uncertain: axe cannot tell whether it is wrong.
	Uncertain bool
}

// axeRun returns what breaks the rules that every page must keep, or may do so.
const axeRun = `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations", "incomplete"]})
	.then((r) => ["violations", "incomplete"].flatMap((kind) => r[kind].flatMap((rule) => rule.nodes
		.map((n) => ({rule: rule.id, help: rule.help, html: n.html.slice(0, 300), summary: n.failureSummary + " " + n.target, uncertain: kind === "incomplete"})))))`

// axe lets axe-core look at the page as it is.
func (b *tab) axe(name string) {
	b.t.Helper()
	if !evaluate[bool](b, `typeof axe === "object"`) {
		evaluate[chromedp.Void](b, axe+";undefined")
	}
	for _, f := range evaluate[[]finding](b, axeRun, chromedp.EvalAwaitPromise) {
		kind := "broken"
		if f.Uncertain {
			kind = "may be broken"
		}
		b.t.Errorf("%s %s: axe %s is %s: %s\n%s\n%s", b.screen, name, f.Rule, kind, f.Help, f.HTML, f.Summary)
	}
}

// TestU1Axe lets axe look at every screen in every state, in light and dark, on a wide and on a small screen. It takes
// the pictures, too.
func TestU1Axe(t *testing.T) {
	t.Parallel()
	walk(t, func(b *tab, name string) {
		for _, look := range screens {
			b.look(look)
			b.picture(name)
			b.axe(name)
		}
	})
}
