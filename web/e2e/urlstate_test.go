package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"labhook/engine"
)

// What a list shows stands in its address: who loads it anew, sends the link to a colleague, or goes back and forward
// sees the same rows and filters, with a script and without. Only what was typed into a field is beyond the server: a
// browser that takes a page out of its memory shows it as it was left, and without a script nothing puts that right.
func TestU12URLState(t *testing.T) {
	t.Parallel()
	site, paths := newListedSite(t)
	for _, way := range hands {
		if way.hand != (mouse{}) {
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t, site, way.hand, way.noScript)
			p.signsIn()
			colleague := p.colleague()
			colleague.signsIn()
			for _, listWalk := range walks(paths) {
				p.part(listWalk.name, func(*testing.T) { p.walks(listWalk, colleague) })
			}
		})
	}
}

// Whatever the browser asks for by itself is a whole page, also when htmx goes back in its history. Caches tell parts
// from pages.
func TestU12NoFragmentAsPage(t *testing.T) {
	t.Parallel()
	b := newBusySite(t)
	b.stick(t)
	p := newPerson(t, b.site, mouse{}, false)
	p.signsIn()
	for _, path := range b.everyPage(t) {
		for _, header := range []string{`{}`, `{"HX-Request": "true", "HX-History-Restore-Request": "true"}`} {
			got := evaluate[struct{ Text, Vary string }](p.tab, `fetch(`+inJS(path)+`, {headers: `+header+`}).then(async (a) => ({text: await a.text(), vary: a.headers.get("Vary")}))`,
				chromedp.EvalAwaitPromise)
			if !strings.HasPrefix(got.Text, "<!doctype html>") || !strings.Contains(got.Text, "</html>") {
				t.Errorf("%s with %s is no page: %.200s", path, header, got.Text)
			}
			if !strings.Contains(got.Vary, "HX-Request") {
				t.Errorf("%s with %s varies by %q", path, header, got.Vary)
			}
		}
	}
}

// listMove is one change of what a list shows, and a part of the address that tells that it was made.
type listMove struct {
	do      func(p *person)
	address string
}

// listWalk is a way through the states of one list.
type listWalk struct {
	name, path string
	steps      []listMove
}

func walks(paths map[string]string) []listWalk {
	fill := func(label, text, button string) func(*person) {
		return func(p *person) {
			p.fill(label, text)
			p.press(button)
		}
	}
	choose := func(label, entry string) func(*person) {
		return func(p *person) {
			p.choose(label, entry)
			if p.noScript {
				p.press("Apply")
			}
		}
	}
	press := func(name string) func(*person) { return func(p *person) { p.press(name) } }
	return []listWalk{
		{"deliveries", "/deliveries", []listMove{
			{press("Failed"), "status=failed"},
			{choose("Webhook", "Archive of saved labs"), "webhook=wh_"},
			{choose("Period", "Last 24 hours"), "since=24h"},
			{press("Older"), "before=dlv_"},
			{press("Newer"), "after=dlv_"},
			{press("Remove filter: Failed"), "webhook=wh_"},
			{fill("Delivery, event or lab ID", "7001", "Apply"), "7001"},
		}},
		{"logs of a webhook", paths["logs"], []listMove{{choose("Period", "Last 7 days"), "since=7d"}, {press("Older"), "before=dlv_"}}},
		{"events", "/events", []listMove{{choose("Event", "Saved"), "event=lab.saved"}, {press("Older"), "before=evt_"}}},
		{"API consumers", "/admin/integration/api-consumers", []listMove{
			{fill("Name, external ID", "fabri", "Search"), "q=fabri"}, {press("Remove all"), "api-consumers"}, {press("Name"), "sort="},
		}},
		{"lab instances", "/lab-instances", []listMove{{fill("Lab instance ID", "7001", "Search"), "q=7001"}, {press("Labs with a closed gate"), "gated=1"}}},
		{"audit log", "/admin/audit?action=webhook.create", []listMove{{fill("Object", paths["object"], "Apply"), "object=wh_"}}},
		{"activity", paths["activity"], []listMove{{press("Last 7 days"), "period=7d"}}},
	}
}

// newListedSite is a server with more of everything than a page of a list has, and the paths of a webhook on it.
func newListedSite(t *testing.T) (*site, map[string]string) {
	t.Helper()
	var hook engine.Webhook
	s := newSite(t, func(s *site) {
		s.addUser(t)
		c := s.addConsumer(t, "Contoso LMS")
		s.addConsumer(t, "Fabrikam Academy")
		hook = s.addWebhook(t, c.ID, func(w *engine.Webhook) { w.Name, w.Events = "Archive of saved labs", []string{engine.LabSaved} })
		s.addWebhook(t, c.ID)
		past := story{t: t, s: s, start: time.Now().Add(-3 * time.Hour).Truncate(time.Millisecond)}
		for i := range 110 {
			after, code, kind, status := time.Duration(i)*time.Minute, engine.LabSaved, engine.OutcomeGiveUp, http.StatusBadGateway
			if i%2 == 0 {
				kind, status = engine.OutcomeDelivered, http.StatusOK
			}
			if i >= 104 {
				code = engine.LabScored
			}
			past.answer(after, past.post(after, int64(7000+i), code)[0], kind, status, 0)
		}
	})
	path := "/webhooks/" + hook.ID.String()
	return s, map[string]string{"logs": path + "/logs", "activity": path + "/activity", "object": hook.ID.String()}
}

// colleague opens the same site in the same browser with cookies of their own.
func (p *person) colleague() *person {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithNewBrowserContext())
	p.t.Cleanup(cancel)
	other := &person{tab: &tab{t: p.t, ctx: ctx, site: p.site, screen: p.screen}, hand: p.hand, noScript: p.noScript}
	other.do(chromedp.EmulateViewport(p.screen.width, 800))
	if p.noScript {
		other.disableScripts()
	}
	return other
}

// listState is what a list shows once it is there with its scripts, in one text: address, title, rows and filters, and that
// it is a whole page.
const listState = `document.readyState !== "complete" ? "" : [
	location.pathname + location.search, document.title,
	...[...document.querySelectorAll("main tbody tr, main .chip, main .quick a[aria-current], main .periods a[aria-current], main .empty")].map((e) => e.innerText),
	document.querySelectorAll("header.top, main").length + " parts of the page",
	...[...document.querySelectorAll("main form[method=get]")].map((f) => ` + "`filled with ${new URLSearchParams(new FormData(f))}`" + `),
].join("\n")`

// walks takes the steps of a listWalk, and looks at each state in every way in which one comes to it.
func (p *person) walks(w listWalk, colleague *person) {
	p.t.Helper()
	p.open(w.path)
	states := []string{evaluate[string](p.tab, listState)}
	for i, step := range w.steps {
		step.do(p)
		p.waitFor("location.href.includes("+inJS(step.address)+") && !document.querySelector('.htmx-request')", func() {
			p.t.Fatalf("step %d leads to %s, want %q in it", i+1, p.address(), step.address)
		})
		state := evaluate[string](p.tab, listState)
		if state == states[i] {
			p.t.Errorf("step %d changed nothing:\n%s", i+1, state)
		}
		states = append(states, state)
		p.do(chromedp.Reload())
		p.shows("loaded anew", state)
		colleague.t = p.t
		colleague.open(p.address())
		colleague.shows("opened by a colleague", state)
	}
	for i := len(states) - 2; i >= 0; i-- {
		p.goes(-1)
		p.shows("gone back to", states[i])
	}
	for _, state := range states[1:] {
		p.goes(1)
		p.shows("gone forward to", state)
	}
}

// goes goes back in the browser's history, or forward. Meanwhile a page may be loaded anew: then once more.
func (b *tab) goes(by int64) {
	b.t.Helper()
	for {
		history, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
		if err == nil {
			_, err = chromedp.Call(b.ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex+by].ID})
		}
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "-32000") {
			b.t.Fatal(err)
		}
	}
}

// settling is how long a page may take until it shows what it is to show. It judges no speed.
const settling = 20 * time.Second

// shows waits until the list shows a state: a page of the history comes from the server, or out of the browser's memory.
func (p *person) shows(how, want string) {
	p.t.Helper()
	fromMemory := p.noScript && strings.HasPrefix(how, "gone")
	if fromMemory {
		want, _, _ = strings.Cut(want, "\nfilled with")
	}
	var got string
	for begun := time.Now(); got != want; {
		now, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](listState))
		if err == nil { // else one page gives way to another
			got = now
		}
		if fromMemory {
			got, _, _ = strings.Cut(got, "\nfilled with")
		}
		if time.Since(begun) > settling {
			p.t.Fatalf("%s, the list shows\n%s\nwant\n%s", how, got, want)
		}
	}
}
