package e2e

import (
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mouse clicks at places on the screen, and types where it clicked.
type mouse struct{}

// click presses the middle of the control, which must be what one sees there.
func (mouse) click(p *person, t target) {
	p.t.Helper()
	at := evaluate[[]float64](p.tab, t.script(`(() => {
		it.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
		const r = it.getClientRects()[0], x = r.x + r.width / 2, y = r.y + r.height / 2, top = document.elementFromPoint(x, y);
		return it.contains(top) ? [x, y] : [];
	})()`))
	if len(at) == 0 {
		p.t.Fatalf("%q is covered by something", t.name)
	}
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

func (m mouse) activate(p *person, t target) { m.click(p, t) }
func (m mouse) tick(p *person, t target)     { m.click(p, t) }

func (m mouse) write(p *person, t target, text string) {
	p.t.Helper()
	m.click(p, t)
	p.replace(text)
}

// choose opens the list with a click. The list itself is no part of the page: its entries are reached with the keys.
func (m mouse) choose(p *person, t target, by int) {
	p.t.Helper()
	m.click(p, t)
	p.arrows(by)
	p.keys(kb.Enter)
}

func (m mouse) find(p *person, text string) {
	p.t.Helper()
	field := p.look("#find", "Find by name or ID")
	m.write(p, field, text)
	p.leaving(target{kind: ".find button", name: "Find"}, func() { p.keys(kb.Enter) })
}

// keys presses keys one after the other, as a keyboard does: what a press leads to by itself comes of it no second time
// from the character that it stands for.
func (p *person) keys(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...), func(e *input.DispatchKeyEventParams) {
		if e.Type == input.DispatchKeyEventTypeKeyDown {
			e.Type = input.DispatchKeyEventTypeRawKeyDown
		}
	}))
}

// replace types in the place of what the field with the focus has.
func (p *person) replace(text string) {
	p.t.Helper()
	p.keys("a", chromedp.ModifierCtrl)
	p.keys(kb.Delete)
	p.keys(text)
}

// arrows goes down a list, or up.
func (p *person) arrows(by int) {
	p.t.Helper()
	key := kb.ArrowDown
	if by < 0 {
		key, by = kb.ArrowUp, -by
	}
	p.keys(strings.Repeat(key, by))
}

// keyboard goes from control to control with Tab.
type keyboard struct{}

// stops is how many stops of Tab a page may have.
const stops = 400

// reach presses Tab, or Shift and Tab where that leads there, until the control has the focus. Each stop on the way must
// show that it has it.
func (keyboard) reach(p *person, t target) {
	p.t.Helper()
	for range stops {
		at := evaluate[struct {
			There, Behind bool
			Bare          string
		}](p.tab, t.script(`(() => {
			const on = document.activeElement, radio = it.type === "radio" && on.name === it.name && on.form === it.form;
			return {there: on === it || radio, behind: on !== document.body && !!(on.compareDocumentPosition(it) & Node.DOCUMENT_POSITION_PRECEDING),
				bare: (`+bareFocus+`)(on)};
		})()`))
		if at.Bare != "" {
			p.t.Errorf("%s: the focus cannot be seen on %s", p.address(), at.Bare)
		}
		if at.There {
			return
		}
		if at.Behind {
			p.keys(kb.Tab, chromedp.ModifierShift)
		} else {
			p.keys(kb.Tab)
		}
	}
	p.t.Fatalf("Tab does not reach %q", t.name)
}

// bareFocus returns the beginning of an element that has the focus and does not show it. The page itself, its main
// part and the error summary are no stops: they get the focus so that one goes on from there.
const bareFocus = `(e) => {
	const s = getComputedStyle(e), seen = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && !/^(transparent|rgba\(.*, 0\))$/.test(s.outlineColor);
	return seen || e === document.body || e === document.documentElement || e.tabIndex < 0 ? "" : e.outerHTML.slice(0, 120);
}`

func (k keyboard) activate(p *person, t target) {
	p.t.Helper()
	k.reach(p, t)
	p.keys(kb.Enter)
}

func (k keyboard) write(p *person, t target, text string) {
	p.t.Helper()
	k.reach(p, t)
	p.replace(text)
}

func (k keyboard) choose(p *person, t target, by int) {
	p.t.Helper()
	k.reach(p, t)
	p.arrows(by)
}

// tick goes to the box, or to the group of radio buttons and there with the arrows.
func (k keyboard) tick(p *person, t target) {
	p.t.Helper()
	k.reach(p, t)
	if !evaluate[bool](p.tab, t.script(`it.type === "radio"`)) {
		p.keys(" ")
		return
	}
	for range stops {
		if evaluate[bool](p.tab, t.script("it === document.activeElement && it.checked")) {
			return
		}
		p.keys(kb.ArrowDown)
	}
	p.t.Fatalf("the arrows do not reach %q", t.name)
}

// find begins with the shortcut.
func (keyboard) find(p *person, text string) {
	p.t.Helper()
	p.keys("/")
	p.keys(text)
	p.leaving(target{kind: ".find button", name: "Find"}, func() { p.keys(kb.Enter) })
}
