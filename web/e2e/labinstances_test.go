package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// heldReceiver answers its requests when release is closed. Each request that came is told on came.
func heldReceiver(t *testing.T) (url string, came, release chan struct{}) {
	t.Helper()
	came, release = make(chan struct{}, 100), make(chan struct{})
	over := make(chan struct{})
	ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		select {
		case <-release:
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(over)
		ts.Close()
	})
	return ts.URL, came, release
}

// postLab posts an event about lab instance 998592321.
func (s *site) postLab(t *testing.T, code string) {
	t.Helper()
	e := enginetest.Event(func(e *engine.Event) { e.Type = code })
	if _, err := s.engine.Accept(t.Context(), &e); err != nil {
		t.Fatal(err)
	}
}

// A gate closes and opens by itself, and the next one is opened by hand with the keyboard, on a page that is not
// loaded again for what happens by itself.
func TestGatesAreWatchedLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	seats, came, release := heldReceiver(t)
	scores, scoring, _ := heldReceiver(t)
	c := s.addConsumer(t, "Contoso LMS")
	s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events, w.Blocking = "Provision seats", seats, []string{engine.LabPreBuild}, true
	})
	s.addWebhook(t, c.ID, func(w *engine.Webhook) { w.Name, w.URL, w.Blocking = "LMS – lab scored", scores, true })
	s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events = "Reports", enginetest.NewReceiver(t, "200").URL, []string{engine.AllEvents}
	})
	b := newTab(t, s, screens[0])
	b.signIn()
	s.postLab(t, engine.LabPreBuild)
	<-came
	b.open("/lab-instances/998592321")
	gate := `document.querySelector(".gate .badge").innerText.trim()`
	if got := evaluate[string](b, gate); got != "Closed, sending" {
		t.Fatalf("the gate says %q", got)
	}
	evaluate[chromedp.Void](b, "window.sameDocument = true; undefined")
	b.do(chromedp.Focus(chromedp.CSS("a[id^=open-]")))
	s.postLab(t, engine.LabPostBuild)
	b.until(`document.querySelector(".timeline.lab > li:nth-child(2)")?.innerText.includes("Waiting for the gate Provision seats above.")`)
	if got := evaluate[string](b, "document.activeElement.innerText"); got != "Open gate…" {
		t.Errorf("the focus moved to %q", got)
	}
	close(release)
	b.until(gate + `.startsWith("Opened after")`)
	b.until(`[...document.querySelectorAll(".timeline.lab .badge")].filter((e) => e.innerText.trim() === "Delivered").length === 2`)
	s.postLab(t, engine.LabScored)
	<-scoring
	s.postLab(t, engine.LabTearingDown)
	b.until(`document.querySelectorAll(".timeline.lab > li.held").length === 2`)
	if !evaluate[bool](b, "window.sameDocument === true") {
		t.Error("the page was loaded again")
	}
	b.check("lab-live")

	b.tabTo("a[id^=open-]")
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	if got := b.text("main"); !strings.Contains(got, "2 deliveries are let go at once.") {
		t.Errorf("the page says %s", got)
	}
	b.check("gate-open")
	b.tabTo(".actions button[type=submit]")
	b.do(chromedp.Focus(chromedp.ID("reason")))
	b.tabTo(".actions button[type=submit]")
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	b.until(`document.activeElement?.id === "error-summary"`)
	b.do(chromedp.Click(chromedp.CSS(".error-summary a")), chromedp.KeyEvent("The LMS is down"))
	b.tabTo(".actions button[type=submit]")
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	if got := b.text(".flash"); got != "The gate of LMS – lab scored was opened. 2 deliveries were let go." {
		t.Errorf("the page says %q", got)
	}
	b.until(`document.querySelectorAll(".timeline.lab > li.held").length === 0`)
	if got := b.text(".timeline.lab > li:nth-child(3) .gate"); !strings.Contains(got, "Opened by Dana Ortiz") || !strings.Contains(got, "Reason: The LMS is down") {
		t.Errorf("the gate says %s", got)
	}
	b.check("lab-opened")
}

// The confirmation of End Lab is asked for only where learners may lose work.
func TestEndLabAsksForConfirmation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/admin/integration/api-consumers/" + c.ID.String() + "/webhooks/new?event=lab.pre_build")
	click := func(selector string) { b.do(chromedp.Click(chromedp.CSS(selector))) }
	visible := func(want bool) {
		t.Helper()
		if got := evaluate[bool](b, `document.querySelector("#end_lab_confirmed").checkVisibility()`); got != want {
			t.Errorf("the confirmation is visible: %v", got)
		}
	}
	visible(false)
	click("#error_action-end_lab")
	visible(false)
	click(`[id="event-lab.scored"]`)
	visible(true)
	b.fill(map[string]string{"name": "LMS", "url": "http://127.0.0.1:1/"})
	// The preview asks the server at the same time: what is waited for is the page itself.
	click(".actions button[type=submit]")
	b.until(`document.querySelector(".error-summary") !== null`)
	if got := b.text(".error-summary"); !strings.Contains(got, "End Lab at Scored may cost learners their work") {
		t.Errorf("the page says %s", got)
	}
	visible(true)
	click("#end_lab_confirmed")
	click(".actions button[type=submit]")
	b.until(`document.querySelector(".flash") !== null`)
	if got := b.text(".flash"); got != "Webhook LMS was added. Send an example to check it." {
		t.Errorf("the page says %q", got)
	}
	if hooks := s.store.Directory().Webhooks(c.ID); len(hooks) != 1 || !hooks[0].EndLabConfirmed {
		t.Errorf("stored %+v", hooks)
	}
}
