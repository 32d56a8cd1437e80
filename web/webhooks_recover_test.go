package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// failing records that many deliveries that failed, over a minute that ends now.
func (b *bundle) failing(w *engine.Webhook, n int) []engine.Delivery {
	b.t.Helper()
	var list []engine.Delivery
	for i := range n {
		d := b.addDelivery(w)
		now := time.Now().Add(-time.Duration(n-1-i) * time.Minute / time.Duration(n)).Truncate(time.Millisecond)
		a := engine.Attempt{
			ID: engine.NewID[engine.AttemptID](), DeliveryID: d.ID, Number: 1, Trigger: engine.TriggerAutomatic, StartedAt: now, WebhookVersion: 1,
			Request: engine.SentRequest{Verb: "POST", URL: w.URL}, Outcome: engine.Outcome{Kind: engine.OutcomeGiveUp, Class: engine.ClassRefused},
		}
		done := make(chan error, 1)
		b.store.RecordAttempt(engine.Record{Attempt: a, Change: a.Outcome.Change(now, 0), Claim: d.Claim}, func(_ engine.Delivery, err error) { done <- err })
		if err := <-done; err != nil {
			b.t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

func TestRecover(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	receiver := enginetest.NewReceiver(t, "200")
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", func(w *engine.Webhook) { w.URL = receiver.URL })
	recoverURL := views.WebhookRecoverURL(w.ID)
	if a := b.get(recoverURL); a.status != http.StatusOK || !strings.Contains(a.text("#count"), "Nothing that was accepted since ") || a.doc.Find("#count button").Length() != 0 {
		t.Errorf("nothing failed: status %d, %q", a.status, a.text("#count"))
	}
	b.failing(&w, 3)
	page := b.get(recoverURL)
	if got := page.text("#count button"); got != "Recover 3 deliveries" || page.doc.Find("option[selected]").AttrOr("value", "") != views.SinceDay {
		t.Fatalf("the button says %q", got)
	}
	counted := b.post(recoverURL, url.Values{"op": {"count"}, "since": {views.SinceHour}}, "HX-Request", "true")
	if counted.doc.Find("nav").Length() != 0 || counted.text("#count button") != "Recover 3 deliveries" {
		t.Errorf("counted again: %q", counted.text("#count"))
	}
	for from, want := range map[string]string{
		"":                 "Enter the time since when to look",
		"yesterday":        "Enter a date and time such as",
		"2126-01-01T00:00": "Choose a time that has passed",
	} {
		a := b.post(recoverURL, url.Values{"op": {"count"}, "since": {views.SinceCustom}, "from": {from}})
		if got := summary(a); a.status != http.StatusUnprocessableEntity || !strings.Contains(got["from"], want) || a.doc.Find("#count button").Length() != 0 {
			t.Errorf("%q: status %d, %v", from, a.status, got)
		}
	}
	if a := b.post(recoverURL, url.Values{"since": {"ever"}}); len(summary(a)) != 1 {
		t.Errorf("no period: %v", summary(a))
	}
	if a := b.post(recoverURL, url.Values{"op": {"count"}, "since": {views.SinceCustom}, "from": {"2020-01-01T00:00"}}); a.text("#count button") != "Recover 3 deliveries" || formValues(t, a, recoverURL).Get("from") != "2020-01-01T00:00" {
		t.Errorf("since a time: %q", a.text("#count"))
	}

	a := b.post(recoverURL, url.Values{"op": {"recover"}, "at": {page.doc.Find("[name=at]").AttrOr("value", "")}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != recoverURL {
		t.Fatalf("recover: status %d, %s", a.status, a.body)
	}
	receiver.Wait(t, 3)
	after := b.get(recoverURL)
	if got := after.text(".flash"); got != "The recovery of Scores began." {
		t.Errorf("flash %q", got)
	}
	if got := after.text("#recovery-table tbody"); !strings.Contains(got, "Done") || !strings.Contains(got, "3 deliveries made due again") || !strings.Contains(got, "Person developer") {
		t.Errorf("the table says %q", got)
	}
	if a := b.post(recoverURL, url.Values{"op": {"recover"}, "at": {"soon"}}); a.status != http.StatusBadRequest {
		t.Errorf("a time that is none: status %d", a.status)
	}
}

// What a webhook was too long off for is found from its own page, and one button switches it on and sends it.
func TestRecoverWhatWasSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	receiver := enginetest.NewReceiver(t, "200")
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", func(w *engine.Webhook) { w.URL = receiver.URL })
	b.addLabEvent(engine.LabFirstDisplayable, w) // waits, or is being sent, when it goes off
	b.failing(&w, 1)
	if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
		t.Fatal(err)
	}
	page := b.get(views.WebhookURL(w.ID))
	link := page.doc.Find(".state a").AttrOr("href", "")
	if got := page.text(".state"); !strings.HasPrefix(got, "Disabled by hand at ") || link != views.WebhookRecoverURL(w.ID)+"?since=deactivated" {
		t.Fatalf("the page says %q and leads to %q", got, link)
	}
	page = b.get(link)
	if got := page.text("#count button"); !strings.HasPrefix(got, "Enable and recover ") || page.doc.Find("option[selected]").AttrOr("value", "") != views.SinceDeactivated {
		t.Fatalf("the button says %q", got)
	}
	a := b.post(views.WebhookRecoverURL(w.ID), url.Values{"op": {"recover"}, "at": {page.doc.Find("[name=at]").AttrOr("value", "")}})
	if got := b.get(a.header.Get("Location")).text(".flash"); got != "Webhook Scores was enabled, and its recovery began." {
		t.Errorf("status %d, flash %q", a.status, got)
	}
	receiver.Wait(t, 1)
	if now := b.store.Directory().Webhook(w.ID); !now.Enabled || now.DeactivateReason != "" {
		t.Errorf("enabled %v, %s", now.Enabled, now.DeactivateReason)
	}
}

func TestPausedWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	w := b.addWebhook(c.ID, "Scores")
	b.failing(&w, engine.PauseAttempts)
	page := b.get(views.WebhookURL(w.ID))
	if got := page.text(".state"); !strings.HasPrefix(got, "Paused until ") || !strings.Contains(got, "20 attempts failed in a row") || page.text(".state button") != "Resume now" {
		t.Errorf("the page says %q", got)
	}
	for _, tab := range []string{views.WebhookURL(w.ID), views.WebhookLogsURL(w.ID), views.WebhookActivityURL(w.ID, ""), views.WebhookTestingURL(w.ID)} {
		if strings.TrimSpace(b.get(tab).doc.Find("main .badge.warn").First().Text()) != "Paused" {
			t.Errorf("%s has no badge that says so", tab)
		}
	}
	if got := b.get(views.ConsumerURL(c.ID)).text("#webhook-table"); !strings.Contains(got, "Paused") || !strings.Contains(got, "Keeps failing; next probe at") {
		t.Errorf("the consumer's page says %q", got)
	}
	waiting := b.addLabEvent(engine.LabFirstDisplayable, b.addWebhook(c.ID, "Slow", slow))[0]
	if got := b.get(views.DeliveryURL(waiting.ID)).text("#delivery"); strings.Contains(got, "paused") {
		t.Errorf("another webhook's delivery says %q", got)
	}
	if a := b.post(views.WebhookResumeURL(w.ID), nil); a.header.Get("Location") != views.WebhookURL(w.ID) {
		t.Fatalf("resume: status %d", a.status)
	}
	page = b.get(views.WebhookURL(w.ID))
	if got := page.text(".flash"); got != "Webhook Scores was resumed. What waits is sent now." || page.doc.Find(".state button").Length() != 0 {
		t.Errorf("flash %q, state %q", got, page.text(".state"))
	}
	b.post(views.WebhookResumeURL(w.ID), nil)
	if got := b.get(views.WebhookURL(w.ID)).text(".flash"); got != "Nothing was changed: the pause is over." {
		t.Errorf("resumed twice: %q", got)
	}
}
