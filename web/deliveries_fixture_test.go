package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// addEvent stores an event without deliveries.
func (b *bundle) addEvent(changes ...func(*engine.Event)) engine.Event {
	b.t.Helper()
	return b.addEventFor(nil, changes...)
}

// addEventFor stores an event with its deliveries.
func (b *bundle) addEventFor(deliveries func(e *engine.Event) []engine.Delivery, changes ...func(*engine.Event)) engine.Event {
	b.t.Helper()
	e := enginetest.Event(changes...)
	if err := e.Prepare(engine.BuiltIn, time.Now().Truncate(time.Millisecond)); err != nil {
		b.t.Fatal(err)
	}
	var list []engine.Delivery
	if deliveries != nil {
		list = deliveries(&e)
	}
	offers := make([]engine.Offer, len(list))
	for i, d := range list {
		offers[i].Delivery = d
	}
	b.insert(&e, offers)
	return e
}

// insert stores an event with its deliveries, past the engine, and returns them as they were stored.
func (b *bundle) insert(e *engine.Event, offers []engine.Offer) []engine.Delivery {
	b.t.Helper()
	var stored engine.Inserted
	done := make(chan error, 1)
	b.store.InsertEvent(e, offers, func(in engine.Inserted, err error) {
		stored = in
		done <- err
	})
	if err := <-done; err != nil || stored.First != nil {
		b.t.Fatalf("insert event: %v, known %v", err, stored.First)
	}
	return stored.Deliveries
}

// addDelivery stores an event with one delivery that a sender has: it stays in that state until record or step.
func (b *bundle) addDelivery(w *engine.Webhook, changes ...func(*engine.Event)) engine.Delivery {
	b.t.Helper()
	var d engine.Delivery
	b.addEventFor(func(e *engine.Event) []engine.Delivery {
		d = engine.NewDelivery(e, w, e.AcceptedAt)
		var err error
		if d, err = d.Transition(engine.Change{Step: engine.StepSend, Now: e.AcceptedAt}); err != nil {
			b.t.Fatal(err)
		}
		return []engine.Delivery{d}
	}, changes...)
	return d
}

// record stores an attempt of a delivery that a sender has, with what follows from it.
func (b *bundle) record(d engine.Delivery, kind engine.OutcomeKind, class engine.FailureClass, changes ...func(*engine.Attempt)) {
	b.t.Helper()
	now := time.Now().Truncate(time.Millisecond)
	a := engine.Attempt{
		ID: engine.NewID[engine.AttemptID](), DeliveryID: d.ID, Number: d.Attempts + 1, Trigger: engine.TriggerAutomatic,
		StartedAt: now, WebhookVersion: 1,
		Request: engine.SentRequest{Verb: "POST", URL: "https://hooks.example.com/lab?a=1", Headers: []string{"Host: hooks.example.com"}, Body: []byte(`{"Id":1}`)},
		Outcome: engine.Outcome{Kind: kind, Class: class},
		Timings: engine.Timings{DNS: 1000, Connect: 2000, TLS: 3000, Sent: 200, Wait: 4000, Body: 500, Total: 10500},
	}
	if kind == engine.OutcomeRetry {
		a.Outcome.RetryAt = now.Add(time.Hour)
	}
	if class == "" || class == engine.ClassStatus {
		a.Answer = &engine.Answer{Proto: "HTTP/1.1", StatusCode: 200, Headers: []string{"Content-Type: text/plain"}, Body: []byte("fine")}
		if class == engine.ClassStatus {
			a.Answer.StatusCode = 503
		}
	}
	for _, change := range changes {
		change(&a)
	}
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
	}
	taken, err := b.store.Delivery(b.t.Context(), d.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	b.store.RecordAttempt(engine.Record{Attempt: a, Change: a.Outcome.Change(now, status), Claim: taken.Claim}, func(_ engine.Delivery, err error) { done <- err })
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}

// step applies one step of the state machine to a stored delivery.
func (b *bundle) step(d engine.Delivery, c engine.Change) {
	b.t.Helper()
	c.Now = time.Now().Truncate(time.Millisecond)
	if _, err := b.store.ChangeDelivery(b.t.Context(), engine.System, d.ID, c); err != nil {
		b.t.Fatal(err)
	}
}

// lab makes an event one of that lab instance.
func lab(id int64) func(*engine.Event) {
	return func(e *engine.Event) { e.Data = enginetest.LabData(id) }
}

// ofType makes an event one of that type.
func ofType(code string) func(*engine.Event) { return func(e *engine.Event) { e.Type = code } }

// formValues reads what a browser would post of the first form with that action.
func formValues(t testing.TB, a answer, action string) url.Values {
	t.Helper()
	form := a.doc.Find("form").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("action", "") == action }).First()
	if form.Length() == 0 {
		t.Fatalf("there is no form for %s", action)
	}
	values := url.Values{}
	add := func(s *goquery.Selection, value string) {
		values.Add(s.AttrOr("name", ""), strings.ReplaceAll(value, "\n", "\r\n"))
	}
	form.Find("input[name]").Each(func(_ int, s *goquery.Selection) {
		kind := s.AttrOr("type", "text")
		_, checked := s.Attr("checked")
		if kind != "checkbox" && kind != "radio" || checked {
			add(s, s.AttrOr("value", ""))
		}
	})
	form.Find("textarea[name]").Each(func(_ int, s *goquery.Selection) { add(s, s.Text()) })
	form.Find("select[name]").Each(func(_ int, s *goquery.Selection) {
		chosen := s.Find("option[selected]")
		if chosen.Length() == 0 {
			chosen = s.Find("option")
		}
		add(s, chosen.First().AttrOr("value", ""))
	})
	return values
}

// summary returns the messages on top of a page with a form, by the field that each links to.
func summary(a answer) map[string]string {
	messages := map[string]string{}
	a.doc.Find(".error-summary a").Each(func(_ int, s *goquery.Selection) {
		field := strings.TrimPrefix(s.AttrOr("href", ""), "#")
		messages[field] += s.Text()
	})
	return messages
}
