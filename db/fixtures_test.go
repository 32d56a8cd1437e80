package db

import (
	"crypto/tls"
	"encoding/json"
	"testing"
	"time"

	"labhook/engine"
)

// dana is who changes things in the tests.
var dana = engine.Actor{Name: "Dana Ortiz", IP: "192.0.2.7"}

// start is a time at which the tests accept events; it has no part of a millisecond, as the disk keeps none.
var start = time.Date(2026, 3, 2, 14, 2, 11, 0, time.UTC)

// open returns a store on a file of the test.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Synchronous == "" {
		o.Synchronous = "OFF"
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// bench is a store with a consumer and a webhook.
type bench struct {
	*Store
	consumer engine.APIConsumer
	webhook  engine.Webhook
}

func setup(t testing.TB) *bench {
	t.Helper()
	b := &bench{Store: open(t, Options{})}
	b.consumer = b.newConsumer(t, "Lab platform")
	b.webhook = b.newWebhook(t, b.consumer.ID, "Gradebook")
	return b
}

func (b *bench) newConsumer(t testing.TB, name string) engine.APIConsumer {
	t.Helper()
	c, err := b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: name, Enabled: true})
	must(t, err)
	return c
}

func (b *bench) newWebhook(t testing.TB, consumer engine.ConsumerID, name string) engine.Webhook {
	t.Helper()
	w := engine.NewWebhook(consumer)
	w.Name, w.URL, w.Events = name, "https://hooks.example.com/lab", []string{engine.AllEvents}
	w, err := b.CreateWebhook(t.Context(), dana, w)
	must(t, err)
	return w
}

// newEvent returns an event that was not stored yet.
func newEvent() *engine.Event {
	return &engine.Event{
		ID: engine.NewID[engine.EventID](), Type: engine.LabScored, Subject: "998592321", OccurredAt: start.Add(-time.Second),
		AcceptedAt: start, Data: json.RawMessage(`{"Id": 998592321}`), Source: "key lhk_ab12cd", SourceIP: "192.0.2.1",
	}
}

// accept stores an event with one delivery in that state; a due time belongs to some states.
func (b *bench) accept(t testing.TB, w engine.Webhook, state engine.DeliveryState, due time.Time) engine.Delivery {
	t.Helper()
	e := newEvent()
	d := newDelivery(e, w, state, due)
	known, err := insertAll(b, e, []engine.Delivery{d})
	must(t, err)
	if known != nil {
		t.Fatalf("event %s was known", e.ID)
	}
	return d
}

func newDelivery(e *engine.Event, w engine.Webhook, state engine.DeliveryState, due time.Time) engine.Delivery {
	d := engine.NewDelivery(e, &w, e.AcceptedAt)
	d.State, d.DueAt = state, due
	if state == engine.StateSending {
		d.DueAt = time.Time{}
	}
	return d
}

// attempt returns the record of an attempt that ended with that status; 0: nobody answered.
func attempt(d engine.Delivery, w engine.Webhook, number, status int) engine.Record {
	a := engine.Attempt{
		DeliveryID: d.ID, Number: number, Trigger: d.Trigger, StartedAt: start, WebhookVersion: w.Version,
		Request: engine.SentRequest{Verb: "POST", URL: w.URL, Headers: []string{"Content-Type: application/json", "Host: hooks.example.com"}},
		Timings: engine.Timings{DNS: 1, Connect: 2, TLS: 3, Sent: 1, Wait: 4, Body: 5, Total: 15, Reused: true}, RemoteAddr: "192.0.2.9:443",
		Secure: engine.Secure{Version: tls.VersionTLS13, CertificateEnds: start.AddDate(0, 1, 0)},
	}
	var class engine.FailureClass
	switch {
	case status == 0:
		class = engine.ClassRefused
	default:
		a.Answer = &engine.Answer{Proto: "HTTP/1.1", StatusCode: status, Headers: []string{"Server: test"}, Body: []byte("seen"), Truncated: true}
		class = engine.Classify(w.Policy(), nil, status)
	}
	d.Attempts = d.RoundStart + number - 1
	a.Outcome = engine.Decide(&w, engine.Ended{Delivery: &d, Class: class, Answer: a.Answer, At: start})
	return engine.Record{Attempt: a, Claim: d.Claim, Change: a.Outcome.Change(start, status), EventBody: true}
}

// record stores an attempt and waits for its commit.
func (b *bench) record(t testing.TB, r engine.Record) engine.Delivery {
	t.Helper()
	d, err := b.tryRecord(r)
	must(t, err)
	return d
}

func (b *bench) tryRecord(r engine.Record) (d engine.Delivery, err error) {
	done := make(chan struct{})
	b.RecordAttempt(r, func(after engine.Delivery, e error) {
		d, err = after, e
		close(done)
	})
	<-done
	return d, err
}

func (b *bench) state(t testing.TB, id engine.DeliveryID) engine.DeliveryState {
	t.Helper()
	d, err := b.Delivery(t.Context(), id)
	must(t, err)
	return d.State
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// insertAll stores an event with deliveries as they are, and waits for the commit.
func insertAll(s engine.Store, e *engine.Event, deliveries []engine.Delivery) (*engine.Event, error) {
	type answer struct {
		in  engine.Inserted
		err error
	}
	stored := make(chan answer, 1)
	offers := make([]engine.Offer, len(deliveries))
	for i, d := range deliveries {
		offers[i].Delivery = d
	}
	s.InsertEvent(e, offers, func(in engine.Inserted, err error) { stored <- answer{in, err} })
	a := <-stored
	return a.in.First, a.err
}
