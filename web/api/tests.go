package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

// TestInput says what a test of a webhook sends.
type TestInput struct {
	Type    string          `json:"type" doc:"Code or label of an event type; default: the first one that the webhook listens to"`
	Data    json.RawMessage `json:"data" doc:"A JSON object; default: the sample of the event type"`
	Subject string          `json:"subject" doc:"What the event is about; default: as the data say"`
	Force   bool            `json:"force" doc:"Send it though the webhook is disabled, or its API consumer is out of use"`
}

// TransformSchema adds the engine's limits; everything may be left out.
func (TestInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	s.Properties["data"].Type = huma.TypeObject
	s.Properties["data"].AdditionalProperties = true
	maxLengths(s, map[string]int{"subject": engine.MaxSubject})
	return s
}

// TestResult is what came of a test, with its delivery.
type TestResult struct {
	Succeeded      bool   `json:"succeeded" doc:"The receiver answered, and with a success"`
	HTTPStatusCode *int   `json:"http_status_code" doc:"What the receiver answered; null: no answer came"`
	Message        string `json:"message" doc:"What came of it in words, and on failure what to check"`
	DeliveryDetail
}

// testWebhook sends an example to a webhook and answers with what came of it, also when the receiver failed.
func (s *server) testWebhook(ctx context.Context, in *webhookPath) (*answer[TestResult], error) {
	var sent TestInput
	if c := callOf(ctx); len(c.body) > 0 {
		if err := decode(c.body, &sent); err != nil {
			return nil, err
		}
	}
	return s.test(ctx, in, engine.Example(sent))
}

// pingWebhook asks the receiver of a webhook whether it answers.
func (s *server) pingWebhook(ctx context.Context, in *webhookPath) (*answer[TestResult], error) {
	return s.test(ctx, in, engine.PingExample())
}

func (s *server) test(ctx context.Context, in *webhookPath, x engine.Example) (*answer[TestResult], error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	tested, err := s.Engine.Test(ctx, callOf(ctx).actor(), found.ID, x)
	switch busy, ok := errors.AsType[engine.BusyError](err); {
	case ok:
		p := newProblem(http.StatusTooManyRequests, busy.Error())
		p.header.Set("Retry-After", retryAfter)
		return nil, p
	case errors.Is(err, engine.ErrStopping) && tested.Event != nil:
		return nil, stopping("The server stopped during the test; ask again after the restart")
	case err != nil:
		return nil, err
	}
	row, err := s.Store.Delivery(ctx, tested.Delivery.ID)
	if err != nil {
		return nil, err
	}
	a := &tested.Attempt
	out := TestResult{
		Succeeded: a.Outcome.Kind == engine.OutcomeDelivered, Message: testMessage(a),
		DeliveryDetail: DeliveryDetail{GatedDelivery: GatedDelivery{Delivery: deliveryOut(row)}, Attempts: []Attempt{attemptOut(a)}},
	}
	if a.Answer != nil {
		out.HTTPStatusCode = &a.Answer.StatusCode
	}
	return &answer[TestResult]{out}, nil
}

// testMessage says what came of a test.
func testMessage(a *engine.Attempt) string {
	status := 0
	said := "No answer came"
	if a.Answer != nil {
		status = a.Answer.StatusCode
		said = strings.TrimSpace(fmt.Sprint(status, " ", a.Answer.Reason))
	}
	if a.Outcome.Kind == engine.OutcomeDelivered {
		return said
	}
	return said + ": " + a.Outcome.Class.Advice(status)
}
