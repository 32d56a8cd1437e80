package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// TestU7PollCost looks at screens while nothing happens: the server answers 204 and the page stays as it is.
func TestU7PollCost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	s.addWebhook(t, c.ID, func(w *engine.Webhook) { w.Delay, w.Blocking = engine.MaxDelay, true })
	s.accept(t)
	waiting := s.accept(t)
	b := newTab(t, s, screens[0])
	b.signIn()
	for name, path := range map[string]string{
		"Site Administration": "/admin", "delivery": "/deliveries/" + waiting.String(), "lab instance": "/lab-instances/998592321",
		"deliveries": "/deliveries", "webhooks of a consumer": "/admin/integration/api-consumers/" + c.ID.String(),
	} {
		b.open(path)
		evaluate[[]int](b, tick, chromedp.EvalAwaitPromise) // what was not yet told when the page was made
		if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 204 || got[1] != 0 {
			t.Errorf("%s: nothing happened: status %d and %d changes of the page, want 204 without any", name, got[0], got[1])
		}
	}
}

// places are the rows of a list, with where each stands.
const places = `[...document.querySelectorAll("tbody tr")].map((row) => row.querySelector("th a").innerText + " at " + row.getBoundingClientRect().top).join("\n")`

// TestU13LiveList reads lists while 20 rows come: they are announced, nothing moves, and the focus stays.
func TestU13LiveList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	receiver := enginetest.NewReceiver(t, "200")
	s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) { w.URL = receiver.URL })
	for range 5 {
		s.accept(t)
	}
	b := newTab(t, s, screens[2])
	b.signIn()
	for _, path := range []string{"/deliveries", "/events"} {
		b.open(path)
		if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 204 || got[1] != 0 {
			t.Errorf("%s: nothing happened: status %d, %d changes", path, got[0], got[1])
		}
		evaluate[chromedp.Void](b, `window.reading = document.querySelector("tbody tr:nth-child(3) th a"); reading.focus()`)
		before := evaluate[string](b, places)
		for range 10 {
			s.accept(t)
			s.accept(t)
			if got := evaluate[[]int](b, tick, chromedp.EvalAwaitPromise); got[0] != 200 {
				t.Errorf("%s: rows came: status %d", path, got[0])
			}
			if after := evaluate[string](b, places); after != before {
				t.Fatalf("%s: the rows moved under the reader:\n%s\nthen\n%s", path, before, after)
			}
			if !evaluate[bool](b, "document.activeElement === reading && reading.isConnected") {
				t.Fatalf("%s: the focus moved to %q", path, evaluate[string](b, "document.activeElement.outerHTML.slice(0, 120)"))
			}
		}
		if got := b.text("#new-rows"); got != "20 new – show" {
			t.Errorf("%s: the bar says %q", path, got)
		}
		b.check("new-rows-" + strings.Trim(path, "/"))
		b.follow("#new-rows a")
		if got := strings.Count(b.text("tbody"), "_01"); got < 25 {
			t.Errorf("%s: %d rows after the bar was followed", path, got)
		}
	}
}
