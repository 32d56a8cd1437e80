package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// lab is the story of lab instance 998592321, which has a gate that opened, one that an error action opened, and one
// that is closed and holds what comes after it.
func (g *stage) lab() {
	g.t.Helper()
	y := g.y
	seats := y.post(0, 998592321, engine.LabPreBuild)
	alone, _ := y.event(time.Second, enginetest.Event(func(e *engine.Event) { e.Type = engine.LabPostBuild }))
	g.name("event-alone", alone)
	y.answer(2100*time.Millisecond, seats[0], engine.OutcomeDelivered, 200, 0)
	y.answer(2400*time.Millisecond, seats[1], engine.OutcomeDelivered, 202, 0)
	greeting := y.post(3*time.Minute, 998592321, engine.LabFirstDisplayable)
	y.answer(3*time.Minute+20*time.Second, greeting[0], engine.OutcomeGiveUp, 500, 0)
	y.post(20*time.Minute, 998592321, engine.LabProfileChanged)
	scored := y.post(34*time.Minute, 998592321, engine.LabScored)
	y.answer(34*time.Minute+time.Second, scored[0], engine.OutcomeRetry, 503, 95*time.Minute)
	teardown := y.post(39*time.Minute, 998592321, engine.LabTearingDown)
	g.name("gate", scored[0].ID)
	g.name("event-gate", scored[0].EventID)
	g.name("held", teardown[1].ID)
	for _, d := range y.post(38*time.Minute, 5, engine.LabScored) {
		y.answer(38*time.Minute+time.Second, d, engine.OutcomeDelivered, 200, 0)
	}
}

// outcomes are deliveries that ended in every way, and one that waits for its time.
func (g *stage) outcomes() {
	g.t.Helper()
	y := g.y
	saved := y.post(10*time.Minute, 41, engine.LabSaved)[0]
	g.name("delivered", y.answer(10*time.Minute+236*time.Millisecond, saved, engine.OutcomeDelivered, 200, 0).ID)
	g.name("event", saved.EventID)
	for i := range 60 { // more than a page
		d := y.post(11*time.Minute+time.Duration(i)*7*time.Second, int64(100+i), engine.LabSaved)[0]
		y.answer(11*time.Minute+time.Duration(i)*7*time.Second+time.Second, d, engine.OutcomeDelivered, 200, 0)
	}
	d := y.post(20*time.Minute, 42, engine.LabSaved)[0]
	for i := range time.Duration(3) {
		at := 20*time.Minute + i*30*time.Second
		d = y.answer(at, d, engine.OutcomeRetry, 503, at+30*time.Second)
	}
	y.fails(22*time.Minute, d, engine.ClassTimeout, "no answer within 30 s")
	g.name("failed", d.ID)
	for i, refused := range []struct {
		class engine.FailureClass
		text  string
	}{
		{engine.ClassRefused, "dial tcp 203.0.113.80:443: connect: connection refused"},
		{engine.ClassDNS, "lookup hooks.example.com: no such host"},
		{engine.ClassTLS, "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"},
	} {
		d := y.post(23*time.Minute, int64(43+i), engine.LabSaved)[0]
		y.fails(23*time.Minute+time.Second, d, refused.class, refused.text)
		g.name(string(refused.class), d.ID)
	}
	retrying := y.post(25*time.Minute, 50, engine.LabSaved)[0]
	g.name("retrying", y.answer(25*time.Minute+time.Second, retrying, engine.OutcomeRetry, 503, 110*time.Minute).ID)
	scheduled := y.post(26*time.Minute, 51, engine.LabTornDown)[0]
	g.name("scheduled", scheduled.ID)
	g.name("event-live", scheduled.EventID)
	y.attempt(27*time.Minute, y.post(27*time.Minute, 52, engine.LabResuming)[0], 0, func(a *engine.Attempt) {
		a.Answer = &engine.Answer{Proto: "HTTP/2.0", StatusCode: 410}
		a.Outcome = engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassStatus, Deactivate: engine.DeactivatedByGone}
	})
	g.others()
}

// others are events that are not about a lab.
func (g *stage) others() {
	g.t.Helper()
	track, _ := g.y.event(28*time.Minute, enginetest.Event(func(e *engine.Event) {
		e.Type, e.Data = engine.TrackStarted, []byte(`{"participant_id": "tncb0s7cdkyu"}`)
	}))
	g.name("event-track", track)
	_, own := g.y.event(29*time.Minute, enginetest.Event(func(e *engine.Event) { e.Type, e.Data = badge.Code, []byte(badge.Sample) }))
	g.y.answer(29*time.Minute+time.Second, own[0], engine.OutcomeDelivered, 204, 0)
}

// afterStart is what needs an engine that runs: tests, a cancelled delivery, and an invitation.
func (g *stage) afterStart() {
	g.t.Helper()
	receiver := enginetest.NewReceiver(g.t, "200")
	consumer := g.addConsumer(g.t, "Wingtip Toys").ID
	working := g.addWebhook(g.t, consumer, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events = "Tested", receiver.URL+"/a/long/path/that/has/to/wrap/somewhere", []string{engine.LabAssignmentCreated}
	})
	nobody := g.addWebhook(g.t, consumer, func(w *engine.Webhook) {
		w.Name, w.URL, w.Enabled, w.Events = "Nobody listens", "http://127.0.0.1:1/", false, []string{engine.AllEvents}
	})
	g.name("tested", working.ID)
	g.name("nobody", nobody.ID)
	for name, id := range map[string]engine.WebhookID{"test-ok": working.ID, "test-refused": nobody.ID} {
		got, err := g.engine.Test(g.t.Context(), engine.Actor{Name: "Dana Ortiz"}, id, engine.Example{Force: true})
		g.must(err)
		g.name(name, got.Delivery.ID)
	}
	cancelled := g.y.post(31*time.Minute, 53, engine.LabTornDown)[0]
	_, err := g.engine.Cancel(g.t.Context(), engine.Actor{Name: "Dana Ortiz"}, cancelled.ID, "Sent by hand instead.")
	g.must(err)
	g.name("cancelled", cancelled.ID)
	g.invite()
}

// invite makes the link with which a user chooses a password, as an administrator does.
func (g *stage) invite() {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	g.must(err)
	client := &http.Client{Jar: jar}
	post := func(path string, form url.Values) string { return g.read(client.PostForm(g.url+path, form)) }
	post("/login", url.Values{"login": {login}, "password": {password}})
	path := g.fill("/admin/users/{noor}/invite")
	form := g.read(client.Get(g.url + path))
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(form)
	if token == nil {
		g.t.Fatalf("the form has no token: %s", form)
	}
	link := regexp.MustCompile(`/invitation\?token=([a-zA-Z0-9_-]+)`).FindStringSubmatch(post(path, url.Values{"token": token[1:]}))
	if link == nil {
		g.t.Fatal("no link was made")
	}
	g.names["invitation"] = link[1]
}

// read returns the text of an answer.
func (g *stage) read(answer *http.Response, err error) string {
	g.t.Helper()
	g.must(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	g.must(err)
	return string(text)
}
