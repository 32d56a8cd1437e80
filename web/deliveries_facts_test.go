package web

import (
	"crypto/sha256"
	"fmt"
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

// fact returns what stands in a page's list of facts under a term.
func (a answer) fact(term string) string {
	dt := a.doc.Find("dl.facts dt").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == term })
	return strings.Join(strings.Fields(dt.First().Next().Text()), " ")
}

func TestDeliveryFacts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso")
	w := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) {
		w.Delay, w.BasicAuth = time.Hour, engine.BasicAuth{Username: "dana", Password: "marker one"}
		w.Headers = []engine.Header{{Name: "X-Token", Value: "marker two", Sensitive: true}}
	})
	accepted, err := b.engine.Accept(t.Context(), enginetestEvent())
	if err != nil {
		t.Fatal(err)
	}
	waiting := b.get(views.DeliveryURL(accepted.Deliveries[0].ID))
	if got := waiting.fact("Deadline"); !strings.HasSuffix(got, "by then the last attempt has ended") {
		t.Errorf("deadline %q", got)
	}
	if waiting.fact("Payload, SHA-256") != "" || !strings.HasPrefix(waiting.fact("Idempotency ID"), accepted.Deliveries[0].ID.String()) {
		t.Errorf("facts %q", waiting.text("dl.facts"))
	}
	d := b.addDelivery(&w)
	b.record(d, engine.OutcomeDelivered, "")
	page := b.get(views.DeliveryURL(d.ID))
	if got := page.fact("Payload, SHA-256"); got != fmt.Sprintf("%x", sha256.Sum256([]byte(`{"Id":1}`))) || page.fact("Deadline") != "" {
		t.Errorf("payload %q", got)
	}
	if page.fact("Settings used") != "Version 1, the current one" {
		t.Errorf("version %q", page.fact("Settings used"))
	}
	next := w
	next.Timeout, next.BasicAuth.Password, next.Headers = 7*time.Second, "marker three", []engine.Header{{Name: "X-Token", Value: "marker four", Sensitive: true}}
	if _, err := b.store.UpdateWebhook(t.Context(), engine.Actor{Name: "Dana"}, next); err != nil {
		t.Fatal(err)
	}
	page = b.get(views.DeliveryURL(d.ID))
	if got := page.fact("Settings used"); got != "Version 1 of the webhook (now 2) What changed" {
		t.Errorf("version %q", got)
	}
	diff := b.get(page.doc.Find(`a[href^="/webhooks/"][href*="/changes"]`).AttrOr("href", ""))
	rows := map[string]string{}
	diff.doc.Find("#differences tbody tr").Each(func(_ int, tr *goquery.Selection) {
		rows[tr.Find("th").Text()] = tr.Find("td").First().Text() + " → " + tr.Find("td").Last().Text()
	})
	want := map[string]string{"Timeout": "1 min → 7 s", "Password": "•••• (another one) → ••••", "Headers": "•••• (another value) → ••••"}
	want["Timeout"] = views.Duration(w.Timeout) + " → 7 s"
	for label, change := range want {
		if rows[label] != change {
			t.Errorf("%s: %q, want %q", label, rows[label], change)
		}
	}
	if len(rows) != len(want) || strings.Contains(diff.body, "marker") || !strings.Contains(diff.body, "by Dana") {
		t.Errorf("differences %v, %s", rows, diff.text("main"))
	}
	if same := b.get(views.WebhookChangesURL(w.ID, 2)); same.text("#same") != "Nothing differs" {
		t.Errorf("the same version: %s", same.text("main"))
	}
	for _, since := range []string{"0", "3", "-1"} {
		if got := b.get(views.WebhookURL(w.ID) + "/changes?since=" + since).status; got != http.StatusNotFound {
			t.Errorf("version %s: status %d", since, got)
		}
	}
}

// enginetestEvent is an event that no other is like.
func enginetestEvent() *engine.Event {
	e := enginetest.Event(ofType(engine.LabFirstDisplayable))
	return &e
}

// The page says who asked for an attempt by hand, and a poll keeps the list that the reader came from.
func TestAttemptByHandNamesWhoAsked(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	receiver := enginetest.NewReceiver(t, "503 once, then 200")
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", func(w *engine.Webhook) { w.URL, w.Retries = receiver.URL, 0 })
	accepted, err := b.engine.Accept(t.Context(), enginetestEvent())
	if err != nil {
		t.Fatal(err)
	}
	id := accepted.Deliveries[0].ID
	b.settled(id)
	b.post(views.DeliveryResendURL(id), url.Values{"list": {"status=failed"}})
	receiver.Wait(t, 2)
	b.settled(id)
	page := b.get(views.DeliveryInListURL(id, "all"))
	if got := page.text("#attempt-2 summary"); !strings.Contains(got, "manual by Person developer") {
		t.Errorf("the second attempt: %q", got)
	}
	if got := page.text("#attempt-1 summary"); !strings.Contains(got, "automatic") {
		t.Errorf("the first attempt: %q", got)
	}
	poll := b.get(views.DeliveryInListURL(id, "all"), "HX-Request", "true", "HX-Target", "section#delivery")
	if got := poll.doc.Find("form").First().AttrOr("action", ""); got != views.DeliveryResendURL(id)+"?list=all" {
		t.Errorf("after a poll the list is lost: %q of %s", got, w.Name)
	}
}

// settled waits until a delivery is in a final state.
func (b *bundle) settled(id engine.DeliveryID) {
	b.t.Helper()
	for {
		row, err := b.store.Delivery(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		if row.State.Final() {
			return
		}
		select {
		case <-b.t.Context().Done():
			b.t.Fatalf("delivery stays %s", row.State)
		case <-time.After(time.Millisecond):
		}
	}
}
