package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// A delivery that is looked at turns from retrying to delivered without a reload, and leaves the reader's place alone.
func TestDeliveryIsWatchedLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	first, second, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	requests := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			close(first)
			return
		}
		close(second)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(receiver.Close)
	s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) { w.URL = receiver.URL })
	b := newTab(t, s, screens[0])
	b.signIn()
	id := s.accept(t)
	<-first
	b.open("/deliveries/" + id.String())
	<-second
	b.until(`document.querySelector("#attempt-1") && document.querySelector(".lead").innerText.startsWith("Sending")`)
	b.do(chromedp.Click(chromedp.CSS("#attempt-1-details > summary"))) // the only one was open: now it is closed
	evaluate[chromedp.Void](b, "window.sameDocument = true; undefined")
	close(release)
	b.until(`document.querySelector(".lead").innerText.startsWith("Delivered")`)
	if !evaluate[bool](b, "window.sameDocument === true") {
		t.Error("the page was loaded again")
	}
	if evaluate[bool](b, `document.querySelector("#attempt-1-details").open`) || !evaluate[bool](b, `document.querySelector("#attempt-2-details").open`) {
		t.Error("the reader's details were opened or closed, or the new attempt is closed")
	}
	if got := evaluate[string](b, "document.activeElement.parentElement.id"); got != "attempt-1-details" {
		t.Errorf("the focus moved to %q", got)
	}
	if evaluate[bool](b, `document.querySelector("#delivery").hasAttribute("hx-get")`) {
		t.Error("a delivery that has ended still polls")
	}
	b.check("delivery-live")
}

func TestFilterOfDeliveries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	working, broken := enginetest.NewReceiver(t, "200"), enginetest.NewReceiver(t, "503")
	s.addWebhook(t, c.ID, func(w *engine.Webhook) { w.URL = working.URL })
	s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events, w.Retries = "Broken", broken.URL, []string{engine.LabSaved}, 0
	})
	for range 3 {
		s.accept(t)
		s.accept(t, func(e *engine.Event) { e.Type = engine.LabSaved })
	}
	working.Wait(t, 3)
	broken.Wait(t, 3)
	if err := s.engine.Stop(t.Context()); err != nil { // all outcomes are on disk then
		t.Fatal(err)
	}
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/deliveries")
	rows := `document.querySelectorAll("#deliveries tbody tr").length`
	b.until(rows + " === 6")
	b.do(chromedp.Click(chromedp.CSS(".choice > summary")), chromedp.Click(chromedp.CSS("#status-failed")))
	b.until(rows + " === 3")
	address := evaluate[string](b, "location.search")
	if address != "?status=failed" {
		t.Errorf("the address became %s", address)
	}
	if title := evaluate[string](b, "document.title"); title != "Deliveries: Failed · Labhook" {
		t.Errorf("the title became %q", title)
	}
	if !evaluate[bool](b, `document.querySelector(".choice").open`) || evaluate[string](b, "document.activeElement.id") != "status-failed" {
		t.Error("the choice closed, or lost the focus")
	}
	b.do(chromedp.Click(chromedp.CSS("#status-delivered")))
	b.until(rows + " === 6")
	evaluate[chromedp.Void](b, "history.back()")
	b.until(rows + ` === 3 && location.search === "?status=failed"`)
	b.do(chromedp.Click(chromedp.CSS(".choice > summary")), chromedp.Click(chromedp.CSS("h1")))
	if evaluate[bool](b, `document.querySelector(".choice").open`) {
		t.Error("a click elsewhere does not close the choice, which covers what is below")
	}
	b.follow(".chip")
	if got := evaluate[int](b, rows); got != 6 {
		t.Errorf("%d rows after the chip was removed", got)
	}
}

// On a telephone the list begins on the first screen: the filter is folded until somebody wants it.
func TestFilterIsFoldedOnATelephone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	s.fill(t, s.addConsumer(t, "Contoso LMS").ID)
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/deliveries?status=failed")
	seen := `document.querySelector("#event").checkVisibility({contentVisibilityAuto: true})`
	if !evaluate[bool](b, seen) {
		t.Error("on a wide screen the filter is folded")
	}
	b.look(screens[2])
	if evaluate[bool](b, seen) {
		t.Error("on a small screen the filter is not folded")
	}
	if room := evaluate[float64](b, `document.querySelector("#deliveries, .empty").getBoundingClientRect().top`); room > 600 {
		t.Errorf("the list begins %v px from the top", room)
	}
	b.do(chromedp.Click(chromedp.CSS(".filter-box > summary")))
	b.until(seen)
	b.check("deliveries-filter-open")
}
