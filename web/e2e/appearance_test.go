package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// moving returns what moves, or would when something changes.
const moving = `[...new Set([...document.querySelectorAll("*")].flatMap((e) => [e, "::before", "::after"].map((part) => {
	const s = part === e ? getComputedStyle(e) : getComputedStyle(e, part);
	const moves = s.animationName !== "none" || s.transitionDuration.split(", ").some((d) => d !== "0s") || s.scrollBehavior === "smooth";
	return moves ? e.outerHTML.slice(0, 80) : "";
})).filter(Boolean))]`

// unreadable returns texts that do not stand out against what is behind them.
const unreadable = `(() => {
	const parts = (colour) => {
		const c = colour.match(/[\d.]+/g).map(Number);
		return colour.startsWith("color(") ? [c[0] * 255, c[1] * 255, c[2] * 255, c[3] ?? 1] : [c[0], c[1], c[2], c[3] ?? 1];
	};
	const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
		const v = c[i] / 255;
		return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	}, 0);
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const c = parts(getComputedStyle(e).backgroundColor);
			if (c[3] > 0) return c;
		}
		return parts(getComputedStyle(document.documentElement).colorScheme === "dark" ? "rgb(0, 0, 0)" : "rgb(255, 255, 255)");
	};
	const list = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
		if (!text || !e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) || e.closest("svg title, svg desc, option")) continue;
		const s = getComputedStyle(e);
		const front = light(parts(e.closest("svg") ? s.fill : s.color)), back = light(ground(e));
		const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
		if (contrast < 4.5) list.push(contrast.toFixed(1) + " " + text.slice(0, 60) + " in " + e.outerHTML.slice(0, 120));
	}
	return list;
})()`

// TestU19ForcedColoursAndReducedMotion looks at every screen as people see it who chose the colours themselves, or who
// want nothing to move. What axe says about light and dark is TestU1Axe's part.
func TestU19ForcedColoursAndReducedMotion(t *testing.T) {
	t.Parallel()
	walk(t, func(b *tab, name string) {
		for _, look := range []screen{{1280, false}, {360, true}} {
			b.look(look, &emulation.MediaFeature{Name: "forced-colors", Value: "active"}, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
			if !evaluate[bool](b, `matchMedia("(forced-colors: active) and (prefers-reduced-motion: reduce)").matches`) {
				b.t.Fatal("the browser does not emulate these")
			}
			for _, text := range evaluate[[]string](b, unreadable) {
				b.t.Errorf("%s %s: cannot be read in forced colours: %s", b.screen, name, text)
			}
			for _, e := range evaluate[[]string](b, moving) {
				b.t.Errorf("%s %s: moves: %s", b.screen, name, e)
			}
		}
	})
}
