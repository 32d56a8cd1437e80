package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// eventParameters describes what POST /events reads beside the body.
var eventParameters = []*huma.Param{
	{
		Name: "wait", In: "query",
		Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0), Maximum: new(engine.MaxWait.Seconds())},
		Description: "Answer when every blocking delivery of the event has ended, and wait for that at most so many seconds. " +
			"The same event, posted again, joins the wait. Going away cancels nothing",
	},
	idempotencyParameter("The same key, sent again with the same event, gets the first answer"),
	{Name: "traceparent", In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Description: "W3C trace context, passed on to receivers"},
}

// eventAnswers are the answers of POST /events: 200 when the sender waited and the end came, else 202.
var eventAnswers = map[int]reflect.Type{
	http.StatusOK:       reflect.TypeFor[EndedEvent](),
	http.StatusAccepted: reflect.TypeFor[AcceptedEvent](),
}

// postEvent takes an event. The answer is written when the event is on disk or, for a sender that waits, when its
// blocking deliveries have ended.
func (s *server) postEvent(w http.ResponseWriter, r *http.Request) {
	wait, err := waitIn(r.URL)
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	accepted, err := s.acceptEvent(r)
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	out := AcceptedEvent{
		Event: eventOut(accepted.Event), Duplicate: accepted.Duplicate,
		StatusURL: Prefix + "/events/" + accepted.Event.PublicID(),
	}
	w.Header()["Location"] = []string{out.StatusURL}
	if wait > 0 {
		s.answerWaiting(w, r, accepted.Event.ID, out, wait)
		return
	}
	if accepted.Duplicate {
		err = s.fillKnown(r.Context(), accepted.Event.ID, &out)
	} else {
		out.fill(accepted.Deliveries)
	}
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	writeAccepted(w, &out)
}

// queryOf reads the parameters of a request, which may be the known ones. One that is misspelt must not be passed over:
// its sender would believe that it counts.
func queryOf(u *url.URL, known ...string) (url.Values, error) {
	if u.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The query cannot be read: "+err.Error())
	}
	for name := range query {
		if !slices.Contains(known, name) {
			return nil, invalid(name, "%s is no parameter of this path", name)
		}
	}
	return query, nil
}

// waitIn reads how long the sender wants to wait, zero for not at all.
func waitIn(u *url.URL) (time.Duration, error) {
	query, err := queryOf(u, "wait")
	if err != nil || len(query) == 0 {
		return 0, err
	}
	const most = int(engine.MaxWait / time.Second)
	seconds, err := strconv.Atoi(query["wait"][0])
	if err != nil || seconds < 1 || seconds > most || len(query["wait"]) > 1 {
		return 0, invalid("wait", "wait must be one whole number of seconds from 1 to %d", most)
	}
	return time.Duration(seconds) * time.Second, nil
}

func (s *server) acceptEvent(r *http.Request) (engine.Accepted, error) {
	ev, err := s.eventIn(r, callOf(r.Context()).body)
	if err != nil {
		return engine.Accepted{}, err
	}
	ev.IdempotencyKey = r.Header.Get("Idempotency-Key")
	accepted, err := s.Engine.Accept(r.Context(), ev)
	return accepted, conflict(err, eventConflict)
}

const eventConflict = "The id or the Idempotency-Key was used for another event before; nothing was accepted"

// eventIn reads an event as it is posted.
func (s *server) eventIn(r *http.Request, body []byte) (*engine.Event, error) {
	c := callOf(r.Context())
	var sent EventInput
	if err := decode(body, &sent); err != nil {
		return nil, err
	}
	consumer, err := s.consumerIn(c, sent.Consumer)
	if err != nil {
		return nil, err
	}
	return &engine.Event{
		Scope: c.key.ConsumerID, SenderID: sent.ID, Type: sent.Type, ConsumerID: consumer, Subject: sent.Subject,
		OccurredAt: timeOrZero(sent.OccurredAt), Data: sent.Data, TraceParent: traceParent(r.Header.Get("Traceparent")),
		Source: c.name, SourceIP: c.ip,
	}, nil
}

// traceParent returns a trace context that is well-formed. Any other is to be passed over, says the standard: an event is
// not refused for it.
func traceParent(sent string) string {
	if !engine.IsTraceParent(sent) {
		return ""
	}
	return sent
}

// answerWaiting answers a sender that waits: with the verdict, or when the time is over with where to ask for it. Who
// has gone away is answered, too, and does not hear it.
func (s *server) answerWaiting(w http.ResponseWriter, r *http.Request, id engine.EventID, out AcceptedEvent, wait time.Duration) {
	callOf(r.Context()).body = nil // thousands may wait
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	// What the key of a consumer posts is for that consumer alone: the key sees all that the verdict is drawn from.
	verdict, err := s.Engine.Wait(ctx, id)
	if errors.Is(err, engine.ErrStopping) {
		err = stopping("The event is on disk and its deliveries go on after the restart; post it again with the same id to wait on, or read " + out.StatusURL)
	}
	if err != nil {
		writeProblem(w, s.problemOf(r.Context(), err))
		return
	}
	out.fill(verdict.Deliveries)
	if !verdict.Ended {
		w.Header().Set("Retry-After", retryAfter)
		writeJSON(w, http.StatusAccepted, "application/json", out)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", EndedEvent{Verdict: verdictOut(&verdict), AcceptedEvent: out})
}

// fillKnown adds the deliveries of an event that was accepted before, as far as the key sees them.
func (s *server) fillKnown(ctx context.Context, id engine.EventID, out *AcceptedEvent) error {
	page, err := s.deliveriesOf(ctx, id)
	if err != nil {
		return err
	}
	deliveries := make([]engine.Delivery, len(page.Rows))
	for i, row := range page.Rows {
		deliveries[i] = row.Delivery
	}
	out.fill(deliveries)
	out.MoreDeliveries = page.Older
	return nil
}

// fill adds deliveries, at most a page of them.
func (out *AcceptedEvent) fill(deliveries []engine.Delivery) {
	if len(deliveries) > engine.MaxPageSize {
		deliveries, out.MoreDeliveries = deliveries[:engine.MaxPageSize], true
	}
	out.Deliveries = make([]EventDelivery, len(deliveries))
	for i, d := range deliveries {
		out.Deliveries[i] = EventDelivery{
			ID: d.ID.String(), Webhook: d.WebhookID.String(), State: string(d.State), Blocking: d.Blocking,
			LastStatus: numberOrNull(d.LastStatus), FailureClass: string(d.LastClass), ErrorAction: string(d.ErrorAction),
		}
	}
}

func verdictOut(v *engine.Verdict) Verdict {
	return Verdict{Action: string(v.Action), Notifications: append([]string{}, v.Notifications...), Ended: v.Ended}
}
