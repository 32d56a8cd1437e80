package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

// story stores what happened to a lab, with times that lie apart, while no engine runs.
type story struct {
	t     *testing.T
	s     *site
	start time.Time
	says  string // the body of the answers
}

// post stores an event that came so long after the start, with its deliveries to the webhooks that listen.
func (y story) post(after time.Duration, lab int64, code string) []engine.Delivery {
	y.t.Helper()
	e := enginetest.Event(func(e *engine.Event) { e.Type, e.Data, e.Source = code, enginetest.LabData(lab), "Lab platform" })
	now := y.start.Add(after)
	if err := e.Prepare(engine.BuiltIn, now); err != nil {
		y.t.Fatal(err)
	}
	e.ID = engine.EventID(madeAt(now, int64(e.ID)))
	var offers []engine.Offer
	for _, w := range y.s.store.Directory().Match(&e, now) {
		d := engine.NewDelivery(&e, w, now)
		d.ID = engine.DeliveryID(madeAt(now, int64(d.ID)))
		offers = append(offers, engine.Offer{Delivery: d, Room: d.State == engine.StateQueued})
	}
	type answer struct {
		engine.Inserted
		err error
	}
	stored := make(chan answer, 1)
	y.s.store.InsertEvent(&e, offers, func(in engine.Inserted, err error) { stored <- answer{in, err} })
	a := <-stored
	if a.err != nil {
		y.t.Fatal(a.err)
	}
	return a.Deliveries
}

// madeAt returns an id as one that was made then has it: ids sort by their time.
func madeAt(then time.Time, id int64) int64 { return engine.IDAt(then) | id&(1<<20-1) }

// answer stores an attempt of a delivery that ended so long after the start.
func (y story) answer(after time.Duration, d engine.Delivery, kind engine.OutcomeKind, status int, next time.Duration) {
	y.t.Helper()
	now := y.start.Add(after)
	class := engine.FailureClass("")
	if kind != engine.OutcomeDelivered {
		class = engine.ClassStatus
	}
	a := engine.Attempt{
		DeliveryID: d.ID, Number: d.Attempts + 1, Trigger: engine.TriggerAutomatic, StartedAt: now.Add(-200 * time.Millisecond), WebhookVersion: 1,
		Request: engine.SentRequest{Verb: "POST", URL: "https://hooks.example.com/lab", Body: []byte("{}")},
		Answer:  &engine.Answer{Proto: "HTTP/1.1", StatusCode: status, Body: []byte(y.says)}, Outcome: engine.Outcome{Kind: kind, Class: class},
		Timings: engine.Timings{Total: 200_000},
	}
	if next > 0 {
		a.Outcome.RetryAt = y.start.Add(next)
	}
	done := make(chan error, 1)
	y.s.store.RecordAttempt(engine.Record{Attempt: a, Change: a.Outcome.Change(now, status), Claim: d.Claim}, func(_ engine.Delivery, err error) { done <- err })
	if err := <-done; err != nil {
		y.t.Fatal(err)
	}
}

func TestLabInstanceScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	if err := s.engine.Stop(t.Context()); err != nil { // nothing moves by itself
		t.Fatal(err)
	}
	empty := newTab(t, s, screens[2])
	empty.signIn()
	empty.open("/lab-instances")
	empty.check("labs-empty")
	c := s.addConsumer(t, "Contoso LMS")
	add := func(name, code string, blocking bool, changes ...func(*engine.Webhook)) engine.Webhook {
		return s.addWebhook(t, c.ID, append([]func(*engine.Webhook){func(w *engine.Webhook) {
			w.Name, w.Events, w.Blocking, w.Retries = name, []string{code}, blocking, 5
		}}, changes...)...)
	}
	add("Provision seats", engine.LabPreBuild, true)
	add("A counter with a very long name that has to wrap somewhere on a telephone", engine.LabPreBuild, false)
	add("Greeting", engine.LabFirstDisplayable, true, func(w *engine.Webhook) { w.ErrorAction, w.Retries = engine.ErrorActionNotifyUser, 0 })
	add("LMS – lab scored", engine.LabScored, true)
	add("Reports", engine.LabScored, false)
	add("Archive", engine.LabTearingDown, true)
	add("Reports of teardown", engine.LabTearingDown, false)
	y := story{t: t, s: s, start: time.Now().Add(-40 * time.Minute).Truncate(time.Millisecond)}
	seats := y.post(0, 998592321, engine.LabPreBuild)
	y.post(time.Second, 998592321, engine.LabPostBuild)
	y.answer(2100*time.Millisecond, seats[0], engine.OutcomeDelivered, 200, 0)
	greeting := y.post(3*time.Minute, 998592321, engine.LabFirstDisplayable)
	y.answer(3*time.Minute+20*time.Second, greeting[0], engine.OutcomeGiveUp, 500, 0)
	y.post(20*time.Minute, 998592321, engine.LabProfileChanged)
	scored := y.post(38*time.Minute, 998592321, engine.LabScored)
	y.answer(38*time.Minute+time.Second, scored[0], engine.OutcomeRetry, 503, 41*time.Minute)
	teardown := y.post(39*time.Minute, 998592321, engine.LabTearingDown)
	y.post(39*time.Minute, 5, engine.LabScored)
	gate := "/lab-instances/998592321/gates/" + scored[0].ID.String() + "/open"
	consumer := "/admin/integration/api-consumers/" + c.ID.String()
	for _, look := range screens {
		t.Run(look.String(), func(t *testing.T) {
			t.Parallel()
			b := newTab(t, s, look)
			b.signIn()
			for name, path := range map[string]string{
				"lab": "/lab-instances/998592321", "labs": "/lab-instances", "labs-gated": "/lab-instances?gated=1", "labs-none": "/lab-instances?q=nobody",
				"gate-open": gate, "delivery-held": "/deliveries/" + teardown[1].ID.String(), "delivery-gate": "/deliveries/" + scored[0].ID.String(),
				"consumer-order": consumer, "admin-gates": "/admin", "event-gate": "/events/" + scored[0].EventID.String(),
			} {
				b.open(path)
				b.check(name)
			}
			b.open(gate)
			b.follow(".actions button[type=submit]")
			b.check("gate-problem")
			b.open(consumer + "/webhooks/new?event=lab.scored")
			b.fill(map[string]string{"timeout": "300"})
			b.do(chromedp.Click(chromedp.ID("blocking")), chromedp.Click(chromedp.ID("error_action-end_lab")))
			b.until(`document.querySelector("#hold.warning") !== null`)
			b.check("webhook-blocking")
		})
	}
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
