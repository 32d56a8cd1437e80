package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// testingBench is a server with somebody signed in and a webhook on a receiver that answers.
type testingBench struct {
	*bundle
	receiver *enginetest.Receiver
	webhook  engine.Webhook
}

func setupTesting(t *testing.T, changes ...func(*engine.Webhook)) *testingBench {
	t.Helper()
	b := &testingBench{bundle: setupGuarded(t, enginetest.Guard()), receiver: enginetest.NewReceiver(t, "200")}
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso LMS")
	b.webhook = b.addWebhook(c.ID, "Scores", append([]func(*engine.Webhook){func(w *engine.Webhook) {
		w.URL, w.Events = b.receiver.URL+"/lab", []string{engine.LabScored, engine.LabSaved}
	}}, changes...)...)
	return b
}

// path is the tab's, with what follows in the address.
func (b *testingBench) path(more string) string { return views.WebhookTestingURL(b.webhook.ID) + more }

// sendForm posts the form as the page has it, with changes, and follows to the delivery's id.
func (b *testingBench) sendForm(page answer, changes url.Values, header ...string) answer {
	b.t.Helper()
	form := formValues(b.t, page, b.path(""))
	for name, values := range changes {
		form[name] = values
	}
	return b.post(b.path(""), form, header...)
}

// delivered returns the delivery that an answer leads to, once it has ended.
func (b *testingBench) delivered(a answer) engine.DeliveryRow {
	b.t.Helper()
	if a.status != http.StatusSeeOther {
		b.t.Fatalf("status %d, want 303: %s", a.status, a.text("main"))
	}
	id, err := engine.ParseID[engine.DeliveryID](strings.TrimPrefix(a.header.Get("Location"), "/deliveries/"))
	if err != nil {
		b.t.Fatalf("sent on to %s", a.header.Get("Location"))
	}
	return b.ended(id)
}

// ended waits for the end of a delivery.
func (b *testingBench) ended(id engine.DeliveryID) engine.DeliveryRow {
	b.t.Helper()
	for {
		row, err := b.store.Delivery(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		if row.State.Final() {
			return row
		}
	}
}

func (b *testingBench) lastBody() string {
	b.t.Helper()
	arrived := b.receiver.Arrived()
	if len(arrived) == 0 {
		b.t.Fatal("nothing arrived")
	}
	return string(arrived[len(arrived)-1].Body)
}

func TestTestingTab(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	a := b.get(b.path(""))
	if a.status != 200 || a.text("h1") != "Scores" || a.text("nav.tabs [aria-current=page]") != "Testing" || a.text("h2") != "Testing" {
		t.Fatalf("status %d, %q", a.status, a.text("main"))
	}
	var first []string
	a.doc.Find("#type optgroup").First().Find("option").Each(func(_ int, s *goquery.Selection) { first = append(first, s.AttrOr("value", "")) })
	if a.doc.Find("#type option[selected]").AttrOr("value", "") != engine.LabScored || !slices.Equal(first, []string{engine.LabScored, engine.LabSaved}) {
		t.Errorf("the events are %q, chosen %q", first, a.text("#type option[selected]"))
	}
	if n := a.doc.Find("#type option").Length(); n != len(engine.BuiltIn.All())-1 {
		t.Errorf("%d events to choose from, want all but the ping", n)
	}
	var data any
	if err := json.Unmarshal([]byte(a.doc.Find("#data").Text()), &data); err != nil || !strings.Contains(a.doc.Find("#data").Text(), "\n  \"Id\": 998592321,") {
		t.Errorf("data %v %s", err, a.doc.Find("#data").Text())
	}
	if a.doc.Find("#force").Length() != 0 {
		t.Error("an enabled webhook needs no force")
	}
	if got := b.get(b.path("?type=no.such&from=event:nonsense")); got.doc.Find("#type option[selected]").AttrOr("value", "") != engine.LabScored {
		t.Errorf("what there is not: %s", got.text("#example"))
	}
}

func TestTestingNeedsADeveloper(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	b.client = b.newClient()
	b.signIn(engine.RoleViewer)
	if a := b.get(b.path("")); a.status != http.StatusForbidden {
		t.Errorf("looking: status %d", a.status)
	}
	if a := b.post(b.path(""), url.Values{"op": {"test"}}); a.status != http.StatusForbidden || len(b.receiver.Arrived()) != 0 {
		t.Errorf("testing: status %d, %d requests", a.status, len(b.receiver.Arrived()))
	}
	if a := b.get(views.WebhookURL(b.webhook.ID)); strings.Contains(a.text("nav.tabs"), "Testing") {
		t.Error("the tab is offered to a viewer")
	}
}

// TestSendExample sends without a script, and looks at what the delivery's page and the lists say.
func TestSendExample(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	row := b.delivered(b.sendForm(b.get(b.path("")), url.Values{"op": {"test"}}))
	if row.State != engine.StateDelivered || !row.Test || b.lastBody() != string(engine.SampleLabDetails().Body()) {
		t.Errorf("delivery %+v sent %s", row, b.lastBody())
	}
	a := b.get(views.DeliveryURL(row.ID))
	if a.text("#delivery .badge.test") != "Test" || strings.Contains(a.text(".actions"), "Resend") {
		t.Errorf("the delivery says %q", a.text("#delivery"))
	}
	again := a.doc.Find(".actions a").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.HasPrefix(s.Text(), "Test again") })
	if got := b.get(again.AttrOr("href", "")); got.status != 200 || got.doc.Find("#from option[selected]").AttrOr("value", "") != views.FromRecent(row.EventID) {
		t.Errorf("testing again begins with %q", got.text("#from option[selected]"))
	}
	for _, path := range []string{views.DeliveriesURL(), views.EventsURL(), views.EventURL(row.EventID)} {
		if got := b.get(path); got.text(".badge.test") != "Test" || got.doc.Find(`main a[href^="/lab-instances/"]`).Length() != 0 || got.doc.Find("#not-sent").Length() != 0 {
			t.Errorf("%s shows %q", path, got.text("main"))
		}
	}
	refused := b.post(views.DeliveryResendURL(row.ID), nil)
	if got := b.get(refused.header.Get("Location")); got.text(".flash") != "Nothing was changed. A test is made once: test the webhook again." {
		t.Errorf("sending it again says %q", got.text(".flash"))
	}
	if got := b.get(views.LabInstanceURL("998592321")); got.status != http.StatusNotFound {
		t.Errorf("the lab of the sample: status %d", got.status)
	}
}

func TestPingButton(t *testing.T) {
	t.Parallel()
	b := setupTesting(t, func(w *engine.Webhook) { w.Enabled = false })
	row := b.delivered(b.sendForm(b.get(b.path("")), url.Values{"op": {"ping"}, "data": {"nonsense"}}))
	if row.EventType != engine.SystemWebhookPing || !strings.Contains(b.lastBody(), `"event_type":"PING"`) {
		t.Errorf("delivery %+v sent %s", row, b.lastBody())
	}
	a := b.get(views.DeliveryURL(row.ID))
	if a.doc.Find(`.actions a[href="`+b.path("")+`"]`).Length() != 1 {
		t.Errorf("the delivery offers %q", a.text(".actions"))
	}
}

// withStatuses is an event type that tells of several things.
func withStatuses(t *testing.T) engine.EventType {
	t.Helper()
	i := slices.IndexFunc(engine.BuiltIn.All(), func(e engine.EventType) bool { return len(e.Statuses) > 1 })
	if i < 0 {
		t.Fatal("no event type has statuses")
	}
	return engine.BuiltIn.All()[i]
}

func TestExampleOfAStatus(t *testing.T) {
	t.Parallel()
	kind := withStatuses(t)
	b := setupTesting(t, func(w *engine.Webhook) { w.Events = []string{kind.Code} })
	page := b.get(b.path(""))
	if n := page.doc.Find("#from option").Length(); n != len(kind.Statuses) {
		t.Errorf("%d samples, want one for each of %d statuses", n, len(kind.Statuses))
	}
	for _, status := range kind.Statuses {
		shown := b.get(views.TestExampleURL(b.webhook.ID, kind.Code, "status:"+status.Value))
		b.delivered(b.sendForm(shown, url.Values{"op": {"test"}}))
		if b.lastBody() != string(status.Data) {
			t.Errorf("%s sent %s, want %s", status.Name, b.lastBody(), status.Data)
		}
		// Without a script the choice is made, and the data of the first status are still shown.
		b.delivered(b.sendForm(page, url.Values{"op": {"test"}, "from": {"status:" + status.Value}}))
		if b.lastBody() != string(status.Data) {
			t.Errorf("%s, chosen but not shown, sent %s, want %s", status.Name, b.lastBody(), status.Data)
		}
	}
}

// TestExampleOfARealEvent sends the data of an event byte for byte, and changed.
func TestExampleOfARealEvent(t *testing.T) {
	t.Parallel()
	kind := withStatuses(t)
	b := setupTesting(t, func(w *engine.Webhook) { w.Events, w.Enabled = []string{kind.Code}, false })
	const data = `{"b":1.50,"a" : "<é>",  "c":[ ]}`
	change := func(e *engine.Event) { e.Type, e.Data, e.Subject = kind.Code, []byte(data), "course 7" }
	e := b.addEvent(change)
	stranger := b.addConsumer("Fabrikam")
	foreign := b.addEvent(change, func(e *engine.Event) { e.ConsumerID = stranger.ID })
	page := b.get(b.path(""))
	if strings.Contains(page.body, foreign.ID.String()) || page.doc.Find(`#from option[value="event:`+e.ID.String()+`"]`).Length() != 1 {
		t.Errorf("the events are %q", page.text("#from"))
	}
	if got := b.get(views.TestExampleURL(b.webhook.ID, kind.Code, views.FromRecent(foreign.ID))); strings.Contains(got.body, "1.50") {
		t.Error("the data of another consumer's event are shown")
	}
	shown := b.get(views.TestExampleURL(b.webhook.ID, kind.Code, views.FromRecent(e.ID)))
	row := b.delivered(b.sendForm(shown, url.Values{"op": {"test"}, "force": {"true"}}))
	if b.lastBody() != data || row.Subject != "course 7" {
		t.Errorf("sent %s about %q, want %s", b.lastBody(), row.Subject, data)
	}
	row = b.delivered(b.sendForm(shown, url.Values{"op": {"test"}, "force": {"true"}, "data": {"{\r\n  \"mine\": 1.0\r\n}"}}))
	if b.lastBody() != "{\n  \"mine\": 1.0\n}" || row.Subject == "course 7" {
		t.Errorf("sent %s about %q", b.lastBody(), row.Subject)
	}
	to := b.sendForm(page, url.Values{"op": {"show"}, "from": {views.FromRecent(e.ID)}}).header.Get("Location")
	if to != views.TestExampleURL(b.webhook.ID, kind.Code, views.FromRecent(e.ID)) {
		t.Errorf("showing its data leads to %s", to)
	}
}

func TestTestingProblems(t *testing.T) {
	t.Parallel()
	b := setupTesting(t, func(w *engine.Webhook) { w.Enabled = false })
	page := b.get(b.path(""))
	if !strings.Contains(page.text("#f-force"), "The webhook is disabled.") {
		t.Errorf("the page says %q", page.text("#example"))
	}
	const typed = `{"Id": "x", "<b>": 1}`
	a := b.sendForm(page, url.Values{"op": {"test"}, "data": {typed}})
	if messages := summary(a); a.status != 422 || messages["data"] == "" || !strings.Contains(messages["force"], "disabled") {
		t.Errorf("status %d, problems %q", a.status, messages)
	}
	if got := strings.TrimPrefix(a.doc.Find("#data").Text(), "\n"); got != typed {
		t.Errorf("what was typed became %q", got)
	}
	if _, open := a.doc.Find("#example-data").Attr("open"); !open {
		t.Error("the data with a problem are out of sight")
	}
	part := b.sendForm(page, url.Values{"op": {"test"}, "data": {"nonsense"}}, "HX-Request", "true")
	if part.status != 422 || part.text("[role=alert] h3") != "Nothing was sent" || part.doc.Find(`a[href="#data"]`).Length() != 1 || strings.Contains(part.body, "<main") {
		t.Errorf("status %d, part %s", part.status, part.body)
	}
	if len(b.receiver.Arrived()) != 0 {
		t.Error("something was sent")
	}
}

// TestSendExampleWithScript walks the parts that htmx asks for.
func TestSendExampleWithScript(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<script>alert(1)</script>"))
	}))
	t.Cleanup(server.Close)
	w := b.addWebhook(b.webhook.ConsumerID, "Slow", func(w *engine.Webhook) { w.URL = server.URL })
	path := views.WebhookTestingURL(w.ID)
	a := b.post(path, formValues(t, b.get(path), path), "HX-Request", "true")
	ask := a.doc.Find("[hx-get]")
	if a.status != 200 || a.text(".badge.send") != "Sending" || ask.AttrOr("hx-trigger", "") != "load delay:1s" || strings.Contains(a.body, "<main") {
		t.Fatalf("status %d, %s", a.status, a.body)
	}
	next := b.get(ask.AttrOr("hx-get", ""), "HX-Request", "true")
	if again := next.doc.Find("[hx-get]"); again.AttrOr("id", "") == ask.AttrOr("id", "") || again.AttrOr("id", "") == "" {
		t.Errorf("while it runs the part is %s", next.body)
	}
	close(release)
	id, err := engine.ParseID[engine.DeliveryID](strings.TrimPrefix(next.doc.Find(`a[href^="/deliveries/"]`).AttrOr("href", ""), "/deliveries/"))
	if err != nil {
		t.Fatal(err)
	}
	b.ended(id)
	end := b.get(ask.AttrOr("hx-get", ""), "HX-Request", "true")
	if end.doc.Find("[hx-get], script").Length() != 0 || end.text(".badge.fail") != "Failed" || !strings.Contains(end.text(".notice.error"), "The verb was POST.") {
		t.Errorf("the result is %s", end.body)
	}
	if !strings.Contains(end.text("#test-result"), "<script>alert(1)</script>") || end.doc.Find(".waterfall").Length() != 1 {
		t.Errorf("the result shows %q", end.text("#test-result"))
	}
	whole := b.get(views.TestResultURL(w.ID, id, 0))
	if whole.status != 200 || whole.text("h1") != "Slow" || whole.doc.Find("#result #test-result").Length() != 1 {
		t.Errorf("as a page: status %d, %q", whole.status, whole.text("main"))
	}
	for name, path := range map[string]string{
		"another webhook": views.TestResultURL(b.webhook.ID, id, 0),
		"no delivery":     views.TestResultURL(w.ID, engine.NewID[engine.DeliveryID](), 0),
		"a real delivery": views.TestResultURL(w.ID, b.addDelivery(&w).ID, 0),
		"no id":           path + "/nonsense",
	} {
		if got := b.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", name, got.status)
		}
	}
}

// TestTestOfNobody tests a webhook whose receiver is not there.
func TestTestOfNobody(t *testing.T) {
	t.Parallel()
	b := setupTesting(t, func(w *engine.Webhook) { w.URL = "http://127.0.0.1:1/nobody-listens" })
	row := b.delivered(b.sendForm(b.get(b.path("")), url.Values{"op": {"test"}}))
	a := b.get(views.TestResultURL(b.webhook.ID, row.ID, 0))
	if row.State != engine.StateFailed || !strings.Contains(a.text("#test-result .notice.error"), "firewall") || a.doc.Find(`#test-result .notice.error a[href="`+views.EgressURL()+`"]`).Length() != 1 {
		t.Errorf("%s: %q", row.State, a.text("#test-result"))
	}
}

// TestTooManyTestsOnThePage asks for one more than may run at once.
func TestTooManyTestsOnThePage(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	w := b.addWebhook(b.webhook.ConsumerID, "Slow", func(w *engine.Webhook) { w.URL = server.URL })
	path := views.WebhookTestingURL(w.ID)
	form := formValues(t, b.get(path), path)
	for range engine.MaxTestsPerWebhook {
		if a := b.post(path, form); a.status != http.StatusSeeOther {
			t.Fatalf("status %d", a.status)
		}
	}
	if a := b.post(path, form); a.status != 422 || !strings.HasPrefix(a.text(".error-summary li"), "4 tests of this webhook run already") {
		t.Errorf("status %d, %q", a.status, a.text("main"))
	}
}

func TestTestingOfDeletedWebhook(t *testing.T) {
	t.Parallel()
	b := setupTesting(t)
	if err := b.store.DeleteWebhook(t.Context(), engine.System, b.webhook.ID); err != nil {
		t.Fatal(err)
	}
	for _, a := range []answer{b.get(b.path("")), b.post(b.path(""), url.Values{"op": {"test"}})} {
		if a.status != http.StatusSeeOther || a.header.Get("Location") != views.WebhookURL(b.webhook.ID) {
			t.Errorf("status %d, sent on to %s", a.status, a.header.Get("Location"))
		}
	}
}
