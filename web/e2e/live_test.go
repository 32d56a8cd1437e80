package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"labhook/engine"
)

// farFuture is after the end of every session.
var farFuture = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// tick makes one live tick and returns the status of the answer and how many changes of the page it led to.
const tick = `new Promise((resolve) => {
	let changes = 0, status = 0;
	const watch = new MutationObserver((list) => changes += list.filter((m) => m.attributeName !== "class").length);
	watch.observe(document.querySelector("main"), {subtree: true, childList: true, characterData: true, attributes: true});
	document.addEventListener("htmx:before:response", (e) => status = e.detail.ctx.response.status, {once: true});
	document.addEventListener("htmx:finally:request", () => requestAnimationFrame(() => {
		watch.disconnect();
		resolve([status, changes]);
	}), {once: true});
	document.body.dispatchEvent(new CustomEvent("live:tick"));
})`

func TestLiveSection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	b := newTab(t, s, screens[0])
	b.signIn()
	c, err := s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Contoso LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	b.open("/admin/integration/api-consumers/" + c.ID.String())
	if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 204 || got[1] != 0 {
		t.Errorf("nothing happened: status %d and %d changes of the page, want 204 without any", got[0], got[1])
	}
	b.do(chromedp.Focus(chromedp.CSS("a[href$='/webhooks/new']")))
	w := engine.NewWebhook(c.ID)
	w.Name, w.URL, w.Events = "LMS – displayable", "https://hooks.example.com/lab", []string{engine.LabFirstDisplayable}
	if _, err := s.store.CreateWebhook(t.Context(), engine.System, w); err != nil {
		t.Fatal(err)
	}
	if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 200 || !strings.Contains(b.text("#activity"), "LMS – displayable") {
		t.Errorf("a webhook was added: status %d, %q", got[0], b.text("#activity"))
	}
	if got := evaluate[string](b, "document.activeElement.innerText"); got != "+ Add Webhook" {
		t.Errorf("the focus moved to %q", got)
	}
	if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 204 {
		t.Errorf("nothing happened since: status %d, want 204", got[0])
	}

	// The session ends while the page is open: the next tick leads to the sign-in page, and from there back.
	if err := s.store.PurgeSessions(t.Context(), farFuture); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Evaluate[chromedp.Void](`document.body.dispatchEvent(new CustomEvent("live:tick"))`)); err != nil {
		t.Fatal(err)
	}
	if got := b.text("h1"); got != "Sign in" {
		t.Fatalf("the tick led to %q", got)
	}
	b.fill(map[string]string{"login": login, "password": password})
	b.follow("main button[type=submit]")
	if got := b.text("h1"); got != "Contoso LMS" {
		t.Errorf("signing in led to %q", got)
	}
	b.check("consumer-again")
}

func TestFilterKeepsItsAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	for _, name := range []string{"Contoso LMS", "Fabrikam Academy"} {
		if _, err := s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: name, Enabled: true}); err != nil {
			t.Fatal(err)
		}
	}
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/admin/integration/api-consumers")
	evaluate[chromedp.Void](b, `new Promise((resolve) => {
		document.addEventListener("htmx:finally:request", () => setTimeout(resolve), {once: true});
		const q = document.getElementById("q");
		q.focus();
		q.value = "fabri";
		q.dispatchEvent(new Event("input", {bubbles: true}));
	})`, chromedp.EvalAwaitPromise)
	if got := b.text(".found"); got != "1 API Consumer Found" {
		t.Errorf("after typing the page says %q", got)
	}
	if got := evaluate[string](b, "document.activeElement.id"); got != "q" {
		t.Errorf("the focus moved to %q", got)
	}
	address := evaluate[string](b, "location.href")
	if u, err := url.Parse(address); err != nil || u.RawQuery != "q=fabri" {
		t.Errorf("the address became %s", address)
	}
	b.back()
	if got := b.text(".found"); got != "2 API Consumers Found" {
		t.Errorf("going back shows %q", got)
	}
	b.open(address)
	if got := b.text(".found"); got != "1 API Consumer Found" {
		t.Errorf("the address shows %q", got)
	}
}
