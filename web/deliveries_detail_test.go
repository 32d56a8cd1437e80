package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

func TestDeliverySaysWhatHappens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	in := func(make func(d engine.Delivery)) engine.Delivery {
		d := b.addDelivery(&w)
		make(d)
		return d
	}
	scheduled := func() (d engine.Delivery) {
		b.addEventFor(func(e *engine.Event) []engine.Delivery {
			hook := w
			hook.Delay = time.Hour
			d = engine.NewDelivery(e, &hook, e.AcceptedAt)
			return []engine.Delivery{d}
		})
		return d
	}
	for _, test := range []struct {
		name     string
		delivery engine.Delivery
		want     string
		buttons  string
	}{
		{"scheduled", scheduled(), "Scheduled until its delay is over: attempt 1 of 4 at ", "Retry now, Cancel delivery"},
		{"sending", in(func(engine.Delivery) {}), "Sending attempt 1 of 4 now.", "Cancel delivery"},
		{"retrying", in(func(d engine.Delivery) { b.record(d, engine.OutcomeRetry, engine.ClassTimeout) }), "Retrying with attempt 2 of 4 at ", "Retry now, Cancel delivery"},
		{"delivered", in(func(d engine.Delivery) { b.record(d, engine.OutcomeDelivered, "") }), "Delivered with attempt 1 of 4; last answer 200 OK at ", "Resend"},
		{"failed", in(func(d engine.Delivery) { b.record(d, engine.OutcomeGiveUp, engine.ClassStatus) }), "Failed after 1 of 4 attempts; last answer 503 Service Unavailable at ", "Resend"},
		{"cancelled", in(func(d engine.Delivery) { b.step(d, engine.Change{Step: engine.StepCancel, Reason: "Enough."}) }), "Cancelled at ", "Resend"},
	} {
		a := b.get(views.DeliveryURL(test.delivery.ID))
		if got := a.text(".lead"); a.status != http.StatusOK || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: status %d, %q, want %q", test.name, a.status, got, test.want)
		}
		buttons := a.doc.Find("#delivery .actions form button").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
		if got := strings.Join(buttons, ", "); got != test.buttons {
			t.Errorf("%s: buttons %q, want %q", test.name, got, test.buttons)
		}
		if _, live := a.doc.Find("#delivery").Attr("hx-get"); live == (test.buttons == "Resend") {
			t.Errorf("%s: live %v", test.name, live)
		}
	}
}

func TestDeliveryExplainsEachFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	for _, class := range engine.FailureClasses {
		d := b.addDelivery(&w)
		status := 0
		b.record(d, engine.OutcomeGiveUp, class, func(a *engine.Attempt) {
			if a.Answer != nil {
				status = a.Answer.StatusCode
			}
			a.Outcome.Error = "dial tcp: raw words"
		})
		a := b.get(views.DeliveryURL(d.ID))
		for _, want := range []string{class.Advice(status), "dial tcp: raw words", views.AnswerWord(class, status)} {
			if !strings.Contains(a.doc.Find("#attempt-1").Text(), want) {
				t.Errorf("%s: the attempt does not say %q", class, want)
			}
		}
		if got := a.doc.Find("#attempt-1 .waterfall tr").Length(); got != 6 {
			t.Errorf("%s: %d rows of timing", class, got)
		}
		if open := a.doc.Find("details.attempt[open]").Length(); open != 1 {
			t.Errorf("%s: %d attempts open", class, open)
		}
	}
}

// What is to be known of an attempt besides its answer stands with it, and what keeps a delivery waiting on top.
func TestDeliveryNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	b.failing(&w, engine.PauseAttempts)
	moved := b.addDelivery(&w)
	b.record(moved, engine.OutcomeGiveUp, engine.ClassRedirect, func(a *engine.Attempt) {
		a.Answer = &engine.Answer{Proto: "HTTP/1.1", StatusCode: 307, Headers: []string{"Location: https://elsewhere.example.com/<new>"}}
		a.Unfilled = []string{"@lab.User.Email", "<b>"}
	})
	page := b.get(views.DeliveryURL(moved.ID)).text("#delivery")
	for _, want := range []string{"It led to https://elsewhere.example.com/<new>. Redirects are never followed.", "Sent as they stand, as the event has nothing for them: @lab.User.Email, <b>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	asked := b.addDelivery(&w)
	b.record(asked, engine.OutcomeRetry, engine.ClassStatus, func(a *engine.Attempt) { a.Answer.Headers = []string{"Retry-After: 60"} })
	if page = b.get(views.DeliveryURL(asked.ID)).text("#delivery"); !strings.Contains(page, "asked to wait 1 min (Retry-After). Honoured.") {
		t.Errorf("Retry-After: %s", page)
	}
	if page = b.get(views.DeliveryURL(asked.ID)).text(".notice.warning"); !strings.HasPrefix(page, "It waits: the webhook is paused until ") {
		t.Errorf("paused: %s", page)
	}
}

func TestAttemptIsShownAsItWasOnTheWire(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleViewer)
	c := b.addConsumer("Contoso")
	receiver := enginetest.NewReceiver(t, "200")
	w, err := b.store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID, w.URL = c.ID, receiver.URL+"/lab?a=b"
		w.Headers = []engine.Header{{Name: "Authorization", Value: "marker-5ecret", Sensitive: true}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := enginetest.Event()
	accepted, err := b.engine.Accept(t.Context(), &e)
	if err != nil {
		t.Fatal(err)
	}
	got := receiver.Wait(t, 1)[0]
	if err := b.engine.Stop(t.Context()); err != nil { // the outcome is on disk then
		t.Fatal(err)
	}
	url := views.DeliveryURL(accepted.Deliveries[0].ID)
	a := b.get(url)
	if line := a.doc.Find("#attempt-1-request[open] p code").First().Text(); line != "POST /lab?a=•••• HTTP/1.1" {
		t.Errorf("the request begins with %q", line)
	}
	for name, want := range map[string]string{"Host": got.Host, "Webhook-Id": got.Header.Get("Webhook-Id"), "Authorization": "•••• (masked)"} {
		row := a.doc.Find("#attempt-1-request .headers tr:has(th[scope=row])").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Find("th").Text() == name })
		if value := row.Find("td").Text(); value != want {
			t.Errorf("the header %s is shown as %q, want %q", name, value, want)
		}
	}
	if body := b.get(url + "?raw=1").doc.Find(`#attempt-1 pre[aria-label="Request body of attempt 1"]`).Text(); body != string(got.Body) {
		t.Errorf("body %q, was %q", body, got.Body)
	}
	if body := a.doc.Find(`#attempt-1 pre[aria-label="Request body of attempt 1"]`).Text(); !strings.HasPrefix(body, "{\n  \"Id\": 998592321,") {
		t.Errorf("the body is not laid out: %.60q", body)
	}
	if !strings.Contains(a.doc.Find(".waterfall caption").Text(), strings.TrimPrefix(receiver.URL, "http://")) {
		t.Error("the address is not shown")
	}
	for _, path := range []string{url, views.WebhookURL(w.ID), views.WebhookEditURL(w.ID), views.DeliveriesURL(), views.EventsURL(), views.EventURL(e.ID), views.ConsumerURL(c.ID)} {
		if strings.Contains(b.get(path).body, "marker-5ecret") {
			t.Errorf("%s shows a secret", path)
		}
	}
	if strings.Contains(b.logs.String(), "marker-5ecret") {
		t.Error("the log shows a secret")
	}
}

func TestAnswersOfStrangersAreInert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	for name, body := range map[string][]byte{
		"script":  []byte("<script>alert(1)</script></pre><img src=x>"),
		"control": []byte("\x1b[31mred\x00\x07\xff\u202eback\u2066"),
		"deep":    bytes.Repeat([]byte("["), engine.MaxAnswerBody),
		"closed":  append(bytes.Repeat([]byte("["), engine.MaxAnswerBody/2), bytes.Repeat([]byte("]"), engine.MaxAnswerBody/2)...),
		"quotes":  bytes.Repeat([]byte(`"`), engine.MaxAnswerBody),
	} {
		d := b.addDelivery(&w)
		b.record(d, engine.OutcomeGiveUp, engine.ClassStatus, func(a *engine.Attempt) { a.Answer.Body, a.Answer.Truncated = body, true })
		a := b.get(views.DeliveryURL(d.ID))
		if a.status != http.StatusOK || len(a.body) > 300<<10 {
			t.Errorf("%s: status %d, %d bytes", name, a.status, len(a.body))
		}
		if a.doc.Find("main script, main img").Length() != 0 || strings.ContainsAny(a.body, "\x1b\x00\x07\u202e\u2066") {
			t.Errorf("%s: the page holds what the stranger wrote", name)
		}
		if !strings.Contains(a.text("#attempt-1"), "The answer went on. Only its first 16 KB were read.") {
			t.Errorf("%s: the page does not say that the answer was cut", name)
		}
		raw := b.get(views.AnswerBodyURL(d.ID, 1))
		if raw.status != http.StatusOK || raw.body != string(body) {
			t.Errorf("%s: download has status %d, %d bytes", name, raw.status, len(raw.body))
		}
		for header, want := range map[string]string{
			"Content-Type": "text/plain; charset=utf-8", "Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff",
			"Content-Disposition": `attachment; filename="` + d.ID.String() + `-attempt-1.txt"`,
		} {
			if got := raw.header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
	}
}

func TestDeliveryWithManyAttempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	d := b.addDelivery(&w)
	big := bytes.Repeat([]byte("x<"), engine.MaxAnswerBody/2)
	for range 30 {
		b.record(d, engine.OutcomeGiveUp, engine.ClassStatus, func(a *engine.Attempt) { a.Answer.Body = big })
		d.Attempts++
		b.step(d, engine.Change{Step: engine.StepResend})
		if _, err := b.store.ClaimDue(t.Context(), time.Now().Add(time.Second), []engine.Want{{WebhookID: w.ID, Limit: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	a := b.get(views.DeliveryURL(d.ID))
	if got := a.text(".lead"); got != "Sending attempt 31 now." {
		t.Errorf("sentence %q", got)
	}
	if full, lines := a.doc.Find("details.attempt").Length(), a.doc.Find(".timeline > li").Length(); full != 10 || lines != 30 || len(a.body) > 300<<10 {
		t.Errorf("%d attempts in full of %d, %d bytes", full, lines, len(a.body))
	}
	third := b.get(views.AttemptURL(d.ID, 3, false, ""))
	if got := third.doc.Find("details.attempt[open]").AttrOr("id", ""); got != "attempt-3-details" {
		t.Errorf("%s is open", got)
	}
}

// A poll brings the section when it changed, and nothing when it did not.
func TestDeliveryInFlightIsLive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	d := b.addDelivery(&w)
	page := b.get(views.DeliveryURL(d.ID))
	section := page.doc.Find("#delivery")
	poll := func() answer {
		t.Helper()
		return b.get(section.AttrOr("hx-get", ""), "HX-Request", "true", "HX-Target", "section#delivery", "If-None-Match", `"`+section.AttrOr("data-etag", "")+`"`)
	}
	if a := poll(); a.status != http.StatusNoContent {
		t.Fatalf("unchanged: status %d", a.status)
	}
	b.record(d, engine.OutcomeDelivered, "")
	a := poll()
	if a.status != http.StatusOK || a.doc.Find("nav").Length() != 0 || !strings.HasPrefix(a.text(".lead"), "Delivered") {
		t.Fatalf("changed: status %d, %q", a.status, a.text(".lead"))
	}
	if _, live := a.doc.Find("#delivery").Attr("hx-get"); live {
		t.Error("a delivery that has ended still polls")
	}
}

func TestDeliveryActions(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	receiver := enginetest.NewReceiver(t, "200")
	c := b.addConsumer("Contoso")
	w, err := b.store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID, w.URL, w.Delay = c.ID, receiver.URL, time.Hour
	}))
	if err != nil {
		t.Fatal(err)
	}
	accept := func(id int64) engine.DeliveryID {
		t.Helper()
		e := enginetest.Event(lab(id))
		accepted, err := b.engine.Accept(t.Context(), &e)
		if err != nil {
			t.Fatal(err)
		}
		return accepted.Deliveries[0].ID
	}
	act := func(path string, form url.Values, want string) {
		t.Helper()
		a := b.post(path, form)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%s: status %d", path, a.status)
		}
		if got := b.get(a.header.Get("Location")).text(".flash"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	first, second := accept(1), accept(2)
	act(views.DeliveryHastenURL(first), nil, "The next attempt is made now.")
	receiver.Wait(t, 1)
	act(views.DeliveryCancelURL(second), url.Values{"reason": {" Not needed "}}, "The delivery was cancelled.")
	if got := b.get(views.DeliveryURL(second)).text(".lead"); !strings.HasSuffix(got, "Cancelled by Person developer: Not needed.") {
		t.Errorf("sentence %q", got)
	}
	act(views.DeliveryHastenURL(second), nil, "Nothing was changed: the delivery went on meanwhile.")
	act(views.DeliveryResendURL(second), nil, "Resend accepted. The attempt appears below.")
	if got := receiver.Wait(t, 2)[1].Header.Get("Webhook-Id"); got != second.String() {
		t.Errorf("resent %s", got)
	}
	third := accept(3)
	act(views.DeliveryCancelURL(third), nil, "The delivery was cancelled.")
	if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
		t.Fatal(err)
	}
	if got := b.get(views.DeliveryURL(third)).text(".actions"); got != "Resend is not possible now. The webhook is disabled." {
		t.Errorf("actions %q", got)
	}
	act(views.DeliveryResendURL(third), nil, "Nothing was changed. The webhook is disabled.")
	if got := b.post("/deliveries/dlv_0000000000001/resend", nil).status; got != http.StatusNotFound {
		t.Errorf("unknown delivery: status %d", got)
	}
}
