package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// reflow fails when the page scrolls sideways as a whole.
func (b *tab) reflow(name string) {
	b.t.Helper()
	wide := evaluate[int64](b, "document.documentElement.scrollWidth")
	if wide <= b.screen.width {
		return
	}
	culprits := evaluate[[]string](b, fmt.Sprintf(`[...document.querySelectorAll("body *")]
		.filter((e) => e.getBoundingClientRect().right > %d).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))`, b.screen.width))
	b.t.Errorf("%s %s: the page is %d px wide and scrolls sideways; beyond the edge: %s", b.screen, name, wide, strings.Join(culprits, "\n"))
}

// smallTargets returns what is to be hit, is smaller than 24 by 24 pixels, and is exempt by nothing of WCAG 2.5.8. The
// target of a box is its label, too. Exempt are links within a sentence, which are those laid out inline, in a block that
// has other text than links and buttons; and what has so much room that a circle of 24 pixels around its middle
// touches no other target, nor the circle of another small one. What cannot be seen, as the skip link without the
// focus, cannot be hit.
const smallTargets = `(() => {
	const least = 23.99;
	const union = (e) => {
		const all = [e, ...(e.labels ?? [])].flatMap((e) => [...e.getClientRects()]);
		const left = Math.min(...all.map((b) => b.left)), right = Math.max(...all.map((b) => b.right));
		const top = Math.min(...all.map((b) => b.top)), bottom = Math.max(...all.map((b) => b.bottom));
		const small = right - left < least || bottom - top < least;
		return {e, left, right, top, bottom, small, x: (left + right) / 2, y: (top + bottom) / 2};
	};
	const inSentence = (e) => {
		if (e.tagName !== "A" || getComputedStyle(e).display !== "inline") return false;
		let block = e.parentElement;
		while (getComputedStyle(block).display === "inline") block = block.parentElement;
		const rest = block.cloneNode(true);
		rest.querySelectorAll("a, button, .visually-hidden").forEach((link) => link.remove());
		return /[\p{L}\p{N}]/u.test(rest.textContent);
	};
	const near = (a, b) => {
		const x = Math.max(b.left - a.x, 0, a.x - b.right), y = Math.max(b.top - a.y, 0, a.y - b.bottom);
		return Math.hypot(x, y) < 12 || b.small && Math.hypot(a.x - b.x, a.y - b.y) < 24;
	};
	const targets = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
		.filter((e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true, contentVisibilityAuto: true}) && !e.closest(".visually-hidden"))
		.map(union).filter((t) => t.right > 0 && t.bottom > 0);
	return targets.filter((a) => a.small && !inSentence(a.e) && targets.some((b) => a !== b && !a.e.contains(b.e) && !b.e.contains(a.e) && near(a, b)))
		.map((t) => Math.round(t.right - t.left) + "×" + Math.round(t.bottom - t.top) + " " + t.e.outerHTML.slice(0, 160));
})()`

// TestU11Reflow looks at every screen as it is on a telephone, and on a wide screen at 400 %, which has room for 320 pixels.
func TestU11Reflow(t *testing.T) {
	t.Parallel()
	walk(t, func(b *tab, name string) {
		for _, width := range []int64{1280, 360, 320} {
			b.look(screen{width: width})
			b.reflow(name)
			for _, small := range evaluate[[]string](b, smallTargets) {
				b.t.Errorf("%s %s: smaller than 24 pixels: %s", b.screen, name, small)
			}
		}
	})
}
