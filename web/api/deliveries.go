package api

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// deliveryState is a state as a parameter.
type deliveryState string

// Schema names the states.
func (deliveryState) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, state := range engine.DeliveryStates {
		s.Enum = append(s.Enum, string(state))
	}
	return s
}

// choice is a parameter that is true, false or not given.
type choice string

// Schema names the values.
func (choice) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{"true", "false"}}
}

func (c choice) bool() *bool {
	if c == "" {
		return nil
	}
	return new(c == "true")
}

type listDeliveriesInput struct {
	Status   []deliveryState `query:"status,explode" nullable:"false" doc:"May be given several times"`
	Code     string          `query:"code" doc:"What the latest attempt came to: an HTTP status such as 503, 5xx, or a failure class such as timeout" example:"5xx"`
	Webhook  string          `query:"webhook"`
	Consumer string          `query:"consumer" doc:"Id or external id of an API consumer"`
	Event    string          `query:"event" doc:"Id of an event, or the sender's id"`
	Type     string          `query:"type" doc:"Code or label of an event type"`
	Subject  string          `query:"subject" doc:"What the event is about"`
	Lab      string          `query:"lab" doc:"The same as subject"`
	Test     choice          `query:"test" doc:"Only deliveries that test a webhook, or only others"`
	Window
}

// listDeliveries answers with the deliveries that the key sees, newest first.
func (s *server) listDeliveries(ctx context.Context, in *listDeliveriesInput) (*listAnswer[Delivery], error) {
	f, err := s.deliveryFilter(ctx, in)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.ListDeliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	return newestFirst(ctx, deliveryList, page, func(d engine.DeliveryRow) engine.DeliveryID { return d.ID }, deliveryOut), nil
}

func (s *server) deliveryFilter(ctx context.Context, in *listDeliveriesInput) (engine.DeliveryFilter, error) {
	owner, err := s.consumerIn(callOf(ctx), in.Consumer)
	if err != nil {
		return engine.DeliveryFilter{}, err
	}
	f := engine.DeliveryFilter{ConsumerID: owner, Subject: in.Subject, Since: in.Since, Until: in.Until, Limit: in.Limit.rows()}
	for _, state := range in.Status {
		f.States = append(f.States, engine.DeliveryState(state))
	}
	f.Test = in.Test.bool()
	var bad engine.InvalidError
	if in.Lab != "" {
		if f.Subject != "" && f.Subject != in.Lab {
			bad = append(bad, invalid("lab", "Send subject or lab, not both")...)
		}
		f.Subject = in.Lab
	}
	f.EventType = eventTypeIn(&bad, s.Store.Directory().Catalog(), in.Type)
	readID(&bad, "webhook", in.Webhook, &f.WebhookID)
	before, after := deliveryList.readCursors(&bad, in.Before, in.After)
	f.Before, f.After = engine.DeliveryID(before), engine.DeliveryID(after)
	if f.Result, err = engine.ParseResult(in.Code); err != nil {
		bad = append(bad, invalid("code", "%s", err)...)
	}
	if in.Event != "" {
		ev, err := s.eventAt(ctx, in.Event)
		switch {
		case errors.Is(err, engine.ErrNotFound):
			bad = append(bad, invalid("event", "There is no event %q", in.Event)...)
		case err != nil:
			return f, err
		}
		f.EventID = ev.ID
	}
	if len(bad) > 0 {
		return f, bad
	}
	return f, nil
}

type deliveryPath struct {
	Dlv string `path:"dlv"`
}

// readDelivery answers with one delivery and its attempts.
func (s *server) readDelivery(ctx context.Context, in *deliveryPath) (*answer[DeliveryDetail], error) {
	found, err := s.deliveryAt(ctx, in.Dlv)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Store.Attempts(ctx, found.ID)
	if err != nil {
		return nil, err
	}
	gated, err := s.gated(ctx, []engine.DeliveryRow{found})
	if err != nil {
		return nil, err
	}
	out := DeliveryDetail{GatedDelivery: gated[0], Attempts: make([]Attempt, len(attempts))}
	for i := range attempts {
		if callOf(ctx).hidesQueries() {
			attempts[i].HideQuery()
		}
		out.Attempts[i] = attemptOut(&attempts[i])
	}
	return &answer[DeliveryDetail]{out}, nil
}

// resendDelivery asks for one more attempt.
func (s *server) resendDelivery(ctx context.Context, in *deliveryPath) (*answer[Delivery], error) {
	found, err := s.deliveryAt(ctx, in.Dlv)
	if err != nil {
		return nil, err
	}
	if found.Delivery, err = s.Engine.Resend(ctx, callOf(ctx).actor(), found.ID); err != nil {
		return nil, err
	}
	return &answer[Delivery]{deliveryOut(found)}, nil
}

// hastenDelivery makes the next attempt due now.
func (s *server) hastenDelivery(ctx context.Context, in *deliveryPath) (*answer[Delivery], error) {
	found, err := s.deliveryAt(ctx, in.Dlv)
	if err != nil {
		return nil, err
	}
	if found.Delivery, err = s.Engine.Hasten(ctx, callOf(ctx).actor(), found.ID); err != nil {
		return nil, conflict(err, "The delivery does not wait for its delay or its next attempt, so there is nothing to hasten")
	}
	return &answer[Delivery]{deliveryOut(found)}, nil
}

// cancelDelivery ends a delivery.
func (s *server) cancelDelivery(ctx context.Context, in *deliveryPath) (*answer[Delivery], error) {
	c := callOf(ctx)
	found, err := s.deliveryAt(ctx, in.Dlv)
	if err != nil {
		return nil, err
	}
	var sent CancelInput
	if len(c.body) > 0 {
		if err := decode(c.body, &sent); err != nil {
			return nil, err
		}
	}
	if n := utf8.RuneCountInString(sent.Reason); n > engine.MaxShortText {
		return nil, invalid("reason", "The reason may have at most %d characters, this one has %d", engine.MaxShortText, n)
	}
	if sent.Reason == "" {
		sent.Reason = "Cancelled over the API by " + c.actor().Name
	}
	if found.Delivery, err = s.Engine.Cancel(ctx, c.actor(), found.ID, sent.Reason); err != nil {
		return nil, conflict(err, "The delivery has ended already")
	}
	return &answer[Delivery]{deliveryOut(found)}, nil
}

// deliveryAt finds the delivery that a path names, ErrNotFound when there is none or the key does not see it.
func (s *server) deliveryAt(ctx context.Context, name string) (engine.DeliveryRow, error) {
	id, err := engine.ParseID[engine.DeliveryID](name)
	if err != nil {
		return engine.DeliveryRow{}, engine.ErrNotFound
	}
	found, err := s.Store.Delivery(ctx, id)
	if err == nil && !callOf(ctx).sees(found.ConsumerID) {
		err = engine.ErrNotFound
	}
	return found, err
}

func deliveryOut(d engine.DeliveryRow) Delivery {
	return Delivery{
		ID: d.ID.String(), State: string(d.State), Event: d.EventName, LabhookEvent: d.EventID.String(), EventType: d.EventType, Subject: d.Subject,
		Consumer: d.ConsumerID.String(), ConsumerName: d.ConsumerName, Webhook: d.WebhookID.String(), WebhookName: d.WebhookName,
		Blocking: d.Blocking, Test: d.Test, Trigger: string(d.Trigger), AttemptsMade: d.Attempts, AttemptsInAll: d.AttemptsInAll,
		DueAt: timeOrNull(d.DueAt), FinishedAt: timeOrNull(d.FinishedAt), Reason: d.Reason, FailureClass: string(d.LastClass),
		LastStatus: numberOrNull(d.LastStatus), ErrorAction: string(d.ErrorAction), CreatedAt: d.CreatedAt.UTC(),
	}
}

func attemptOut(a *engine.Attempt) Attempt {
	out := Attempt{
		Number: a.Number, Trigger: string(a.Trigger), StartedAt: a.StartedAt.UTC(), WebhookVersion: a.WebhookVersion,
		Outcome: string(a.Outcome.Kind), FailureClass: string(a.Outcome.Class), Error: a.Outcome.Error,
		RetryAt: timeOrNull(a.Outcome.RetryAt), RemoteAddress: a.RemoteAddr,
		TLSVersion: a.Secure.VersionName(), CertEndsAt: timeOrNull(a.Secure.CertificateEnds), Timings: Timings(a.Timings),
		Unfilled: append([]string{}, a.Unfilled...),
		Request: SentRequest{
			Verb: a.Request.Verb, URL: a.Request.URL, Headers: headerLines(a.Request.Headers), Content: contentOut(a.Request.Body),
		},
	}
	if ans := a.Answer; ans != nil {
		out.Answer = &Answer{
			Protocol: ans.Proto, Status: ans.StatusCode, Headers: headerLines(ans.Headers), Content: contentOut(ans.Body),
			Truncated: ans.Truncated,
		}
	}
	return out
}

func headerLines(lines []string) []HeaderLine {
	out := make([]HeaderLine, len(lines))
	for i, line := range lines {
		out[i].Name, out[i].Value, _ = strings.Cut(line, ": ")
	}
	return out
}

// contentOut writes a body as text where it is one. A text that was cut within a character is none.
func contentOut(body []byte) Content {
	if utf8.Valid(body) {
		return Content{Body: string(body), Encoding: "text"}
	}
	return Content{Body: base64.StdEncoding.EncodeToString(body), Encoding: "base64"}
}

func numberOrNull(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
