package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// hand is how a person works a page: with the mouse or with the keyboard. Both act through input events alone.
type hand interface {
	// activate presses a button or a link, or opens what folds.
	activate(p *person, t target)
	// write replaces what stands in a field.
	write(p *person, t target, text string)
	// choose goes to another entry of a list, so many further down.
	choose(p *person, t target, by int)
	// tick changes a box, or takes a radio button.
	tick(p *person, t target)
	// find types into the field of the top bar and sends it.
	find(p *person, text string)
}

// person does on a tab what a task says in words. What is meant goes by the words that a person reads on it.
type person struct {
	*tab
	hand     hand
	noScript bool
	pressed  int // buttons and links; filling in a form does not count
}

// hands are the three ways in which every task can be done.
var hands = []struct {
	name     string
	hand     hand
	noScript bool
}{
	{"mouse", mouse{}, false},
	{"keyboard", keyboard{}, false},
	{"without script", mouse{}, true},
}

// newPerson starts a browser for somebody who works with that hand.
func newPerson(t *testing.T, s *site, by hand, noScript bool) *person {
	t.Helper()
	p := &person{tab: newTab(t, s, screens[0]), hand: by, noScript: noScript}
	if noScript {
		p.disableScripts()
	}
	return p
}

// disableScripts switches the pages' scripts off, as a browser's setting does.
func (b *tab) disableScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err != nil {
		b.t.Fatal(err)
	}
}

// part runs a part of a test as a test of its own, on the same tab.
func (p *person) part(name string, do func(t *testing.T)) {
	p.t.Helper()
	whole := p.t
	whole.Run(name, func(t *testing.T) {
		p.t = t
		defer func() { p.t = whole }()
		do(t)
	})
}

// signsIn signs in as the person of addUser, by hand.
func (p *person) signsIn() {
	p.t.Helper()
	p.open("/login")
	p.fill("User name or e-mail address", login)
	p.fill("Password", password)
	p.press("OK")
	p.sees("Site Administration")
}

// press presses a button or a link, or opens what folds. Its name is what one reads on it, or how that begins. The row
// or the part of the page in which it is may be named where there are several.
func (p *person) press(name string, in ...string) {
	p.t.Helper()
	t := p.look("a[href], button, summary", name, in...)
	p.pressed++
	p.leaving(t, func() { p.hand.activate(p, t) })
}

// fill writes into the field with that label.
func (p *person) fill(label, text string) {
	p.t.Helper()
	p.hand.write(p, p.look("input, textarea", label), text)
}

// choose takes the entry of a list that begins with those words.
func (p *person) choose(label, entry string) {
	p.t.Helper()
	t := p.look("select", label)
	by := evaluate[*int](p.tab, t.script(fmt.Sprintf(`(() => {
		const i = [...it.options].findIndex((o) => o.label.startsWith(%q));
		return i < 0 ? null : i - it.selectedIndex;
	})()`, entry)))
	if by == nil {
		p.t.Fatalf("the list %q has no entry %q", label, entry)
	}
	p.hand.choose(p, t, *by)
}

// tick changes a box, or takes a radio button.
func (p *person) tick(label string, in ...string) {
	p.t.Helper()
	t := p.look("input[type=checkbox], input[type=radio]", label, in...)
	before := evaluate[bool](p.tab, t.script("it.checked"))
	p.hand.tick(p, t)
	if evaluate[bool](p.tab, t.script("it.checked")) == before {
		p.t.Fatalf("%q did not change", label)
	}
}

// reads returns what stands in the field with that label.
func (p *person) reads(label string) string {
	p.t.Helper()
	return evaluate[string](p.tab, p.look("input, textarea", label).script("it.value"))
}

// finds goes through the field of the top bar.
func (p *person) finds(text string) {
	p.t.Helper()
	p.hand.find(p, text)
}

// sees waits until the page says all of that. Who has no script loads it anew until it does.
func (p *person) sees(texts ...string) {
	p.t.Helper()
	p.waitFor(fmt.Sprintf(`%s.every((text) => document.querySelector("main").innerText.includes(text))`, inJS(texts)),
		func() { p.t.Fatalf("waited for %q on %s; the page says:\n%s", texts, p.address(), p.text("main")) })
}

// seesNo waits until the page does not say that.
func (p *person) seesNo(text string) {
	p.t.Helper()
	p.waitFor(fmt.Sprintf(`!document.querySelector("main").innerText.includes(%s)`, inJS(text)),
		func() { p.t.Fatalf("waited until %q was gone; the page says:\n%s", text, p.text("main")) })
}

// reloads is how often somebody without a script loads a page anew before giving up.
const reloads = 500

func (p *person) waitFor(script string, gaveUp func()) {
	p.t.Helper()
	if !p.noScript {
		if err := p.poll(script); err != nil {
			gaveUp()
		}
		return
	}
	for range reloads {
		if evaluate[bool](p.tab, script) {
			return
		}
		p.do(chromedp.Reload())
	}
	gaveUp()
}

// address is that of the page.
func (b *tab) address() string {
	b.t.Helper()
	return evaluate[string](b, "location.pathname + location.search")
}

// leaving does something, and waits for the page that comes in the place of this one, if that is what it leads to.
func (p *person) leaving(t target, do func()) {
	p.t.Helper()
	if !evaluate[bool](p.tab, t.script(fmt.Sprintf(leaves, p.noScript))) {
		do()
		return
	}
	_, err := chromedp.Run(p.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, func(context.Context, *chromedp.Target) (chromedp.Void, error) {
		do()
		return chromedp.Void{}, nil
	}))
	if err != nil {
		p.t.Fatalf("wait for the page behind %q: %v", t.name, err)
	}
}

// leaves tells whether a control leads to another document: htmx takes what it is told to, if there is a script.
const leaves = `(() => {
	const htmx = (e) => !%t && (e.hasAttribute("hx-get") || e.hasAttribute("hx-post"));
	if (it.matches("a")) return !it.getAttribute("href").startsWith("#") && !it.target && !it.download && !htmx(it);
	if (!it.matches("button") || it.type !== "submit" || !it.form) return false;
	const trigger = it.form.getAttribute("hx-trigger");
	return !htmx(it) && !(htmx(it.form) && (trigger === null || trigger.includes("submit")));
})()`

// target is a control that a person looks at.
type target struct {
	kind, name string
	in         []string
}

// look waits until there is such a control, and only one.
func (p *person) look(kind, name string, in ...string) target {
	p.t.Helper()
	t := target{kind, name, in}
	p.waitFor(t.script("it !== null", "candidates.length === 1 && "), func() {
		p.t.Fatalf("there is not one %q %s on %s but: %s\nthe page says:\n%s", name, in, p.address(),
			evaluate[string](p.tab, t.script(`JSON.stringify(candidates.map((e) => e.outerHTML.slice(0, 200)))`)), p.text("main"))
	})
	return t
}

// script returns an expression in which it is the control.
func (t target) script(expression string, before ...string) string {
	return fmt.Sprintf(`(() => {
		const words = (s) => (s ?? "").replace(/\s+/g, " ").trim();
		const label = (e) => words(e.getAttribute("aria-label") ?? document.getElementById(e.getAttribute("aria-labelledby"))?.innerText
			?? ([...(e.labels ?? [])].map((l) => l.innerText).join(" ") || e.querySelector(":scope > legend")?.innerText || e.textContent));
		const inside = (e, place) => {
			for (let at = e.parentElement; at; at = at.parentElement) {
				if (at.matches("tr, li, p") && words(at.innerText).includes(place)) return true;
				if (at.matches("section, fieldset, nav, form, ul, [role=group], [role=radiogroup], [role=region], [role=alert]") && label(at) === place) return true;
			}
		};
		const [kind, name, places] = %s;
		const fitting = [...document.querySelectorAll(kind)].filter((e) => e.checkVisibility({visibilityProperty: true})
			&& e.getClientRects().length && places.every((place) => inside(e, place)));
		const exact = fitting.filter((e) => label(e) === name);
		const candidates = exact.length ? exact : fitting.filter((e) => label(e).startsWith(name));
		const it = candidates[0] ?? null;
		return %s(%s);
	})()`, inJS([]any{t.kind, t.name, append([]string{}, t.in...)}), strings.Join(before, ""), expression)
}

// inJS writes a value as a script has it.
func inJS(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
