package e2e

import (
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// story stores what happened, with times that lie apart, as the engine would have done: no attempt is made. No engine
// may run meanwhile.
type story struct {
	t     *testing.T
	s     *site
	start time.Time
	says  string // the body of the answers; empty: an error
}

// post stores an event about a lab that came so long after the start, with its deliveries to the webhooks that listen.
func (y story) post(after time.Duration, lab int64, code string) []engine.Delivery {
	y.t.Helper()
	_, deliveries := y.event(after, enginetest.Event(func(e *engine.Event) { e.Type, e.Data = code, enginetest.LabData(lab) }))
	return deliveries
}

// event is post for any event. It returns the event's id, too.
func (y story) event(after time.Duration, e engine.Event) (engine.EventID, []engine.Delivery) {
	y.t.Helper()
	now := y.start.Add(after)
	e.Source, e.SourceIP = "Lab platform", "192.0.2.40"
	if err := e.Prepare(y.s.store.Directory().Catalog(), now); err != nil {
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
	return e.ID, a.Deliveries
}

// madeAt returns an id as one that was made then has it: ids sort by their time.
func madeAt(then time.Time, id int64) int64 { return engine.IDAt(then) | id&(1<<20-1) }

// answer stores an attempt of a delivery that ended so long after the start with that status; next is when it is tried
// again after the start, 0: never.
func (y story) answer(after time.Duration, d engine.Delivery, kind engine.OutcomeKind, status int, next time.Duration) engine.Delivery {
	y.t.Helper()
	return y.attempt(after, d, next, func(a *engine.Attempt) {
		a.Answer = &engine.Answer{
			Proto: "HTTP/1.1", StatusCode: status, Reason: "Noted",
			Headers: []string{"Content-Type: application/json", "Retry-After: 5", "Server: nginx"},
			Body:    []byte(`{"error": {"code": "maintenance", "message": "The grade book is closed until 06:00."}}`),
		}
		if y.says != "" {
			a.Answer.Body = []byte(y.says)
		}
		a.Outcome = engine.Outcome{Kind: kind}
		if kind != engine.OutcomeDelivered {
			a.Outcome.Class = engine.ClassStatus
		}
	})
}

// attempt stores an attempt, which the change says the outcome of, and returns the delivery as it is then.
func (y story) attempt(after time.Duration, d engine.Delivery, next time.Duration, change func(*engine.Attempt)) engine.Delivery {
	y.t.Helper()
	if d.State != engine.StateSending {
		taken, err := y.s.store.ClaimDelivery(y.t.Context(), farFuture, d.ID)
		if err != nil {
			y.t.Fatal(err)
		}
		d = taken.Delivery
	}
	now := y.start.Add(after)
	a := engine.Attempt{
		DeliveryID: d.ID, Number: d.Attempts + 1, Trigger: engine.TriggerAutomatic, StartedAt: now.Add(-236 * time.Millisecond), WebhookVersion: 1,
		Request: engine.SentRequest{
			Verb: "POST", URL: "https://hooks.example.com/lab/scored?tenant=contoso",
			Headers: []string{
				"Host: hooks.example.com", "Content-Type: application/json", "webhook-id: " + d.ID.String(), "webhook-signature: v1,••••",
				"User-Agent: Labhook/1.0",
			},
			Body: enginetest.LabData(998592321),
		},
		Timings:    engine.Timings{DNS: 9_300, Connect: 21_700, TLS: 48_200, Sent: 900, Wait: 131_000, Body: 2_100, Total: 236_000},
		RemoteAddr: "203.0.113.80:443",
	}
	change(&a)
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
	}
	if next > 0 {
		a.Outcome.RetryAt = y.start.Add(next)
	}
	type recorded struct {
		engine.Delivery
		err error
	}
	done := make(chan recorded, 1)
	r := engine.Record{Attempt: a, Change: a.Outcome.Change(now, status), Claim: d.Claim}
	y.s.store.RecordAttempt(r, func(d engine.Delivery, err error) { done <- recorded{d, err} })
	got := <-done
	if got.err != nil {
		y.t.Fatal(got.err)
	}
	return got.Delivery
}

// fails stores an attempt that no answer came to, after which nothing is tried any more.
func (y story) fails(after time.Duration, d engine.Delivery, class engine.FailureClass, text string) {
	y.t.Helper()
	y.attempt(after, d, 0, func(a *engine.Attempt) {
		a.Outcome = engine.Outcome{Kind: engine.OutcomeGiveUp, Class: class, Error: text}
		a.Timings = engine.Timings{DNS: 4_100, Connect: 700, Total: 4_800}
	})
}

// failing stores that many deliveries of the type that failed, over a minute that ends now.
func (y story) failing(code string, n int) {
	y.t.Helper()
	y.start = time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	for i := range n {
		after := time.Duration(i) * time.Minute / time.Duration(n)
		y.answer(after, y.post(after, int64(1000+i), code)[0], engine.OutcomeGiveUp, 503, 0)
	}
}
