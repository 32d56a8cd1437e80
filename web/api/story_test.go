package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api/apitest"
)

// TestGeneratedClientIsFresh checks that the client was made from the document as it is now.
func TestGeneratedClientIsFresh(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("testdata/openapi-3.0.json")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("apitest/document.sum")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(document)); !strings.HasPrefix(string(sum), want) {
		t.Error("the client was made from another document: go generate ./web/api/apitest")
	}
}

// client returns a generated client with a key.
func client(t *testing.T, server, key string) *apitest.ClientWithResponses {
	t.Helper()
	c, err := apitest.NewClientWithResponses(server, apitest.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// got fails the test unless a generated client had the answer that it was made for.
func got[T any](t *testing.T, answer *T, err error, body []byte) T {
	t.Helper()
	if err != nil || answer == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return *answer
}

// TestGeneratedClient goes the whole way as another program does: an API consumer, its key, a webhook, an event whose
// sender waits for the blocking delivery, the delivery, and its resend.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := httptest.NewServer(b.handler)
	defer server.Close()
	var requests atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer receiver.Close()
	ctx := t.Context()

	admin := client(t, server.URL, b.keys["platform"])
	consumer, err := admin.CreateConsumerWithResponse(ctx, nil, apitest.ConsumerInput{Name: "Tailspin", ExternalId: new("tailspin")})
	made := got(t, consumer.JSON201, err, consumer.Body)
	scope := apitest.KeyInputScope(engine.ScopeManage)
	key, err := admin.CreateConsumerKeyWithResponse(ctx, *made.Id, nil, apitest.KeyInput{Description: "CI", Scope: &scope})
	own := client(t, server.URL, *got(t, key.JSON201, err, key.Body).Key)

	webhook, err := own.CreateWebhookWithResponse(ctx, &apitest.CreateWebhookParams{IdempotencyKey: new("once")}, apitest.WebhookInput{
		Name: "Gradebook", Events: []string{engine.LabPreBuild}, Url: receiver.URL, Blocking: new(true), Retries: new(int64(0)),
	})
	hook := got(t, webhook.JSON201, err, webhook.Body)

	event := apitest.EventInput{Id: new("e-1"), Type: engine.LabPreBuild}
	if err := json.Unmarshal(enginetest.LabData(7), &event.Data); err != nil {
		t.Fatal(err)
	}
	wait := &apitest.PostEventParams{Wait: new(60)}
	posted, err := own.PostEventWithResponse(ctx, wait, event)
	ended := got(t, posted.JSON200, err, posted.Body)
	if len(ended.Deliveries) != 1 || ended.Deliveries[0].Webhook != *hook.Id || ended.Deliveries[0].State != "failed" || !ended.Ended {
		t.Fatalf("the event came to %+v", ended)
	}
	id := ended.Deliveries[0].Id

	read, err := own.ReadDeliveryWithResponse(ctx, id)
	if d := got(t, read.JSON200, err, read.Body); len(d.Attempts) != 1 || d.Attempts[0].Answer.Status != 503 {
		t.Errorf("delivery %+v", d)
	}
	again, err := own.ResendDeliveryWithResponse(ctx, id, nil)
	got(t, again.JSON200, err, again.Body)
	posted, err = own.PostEventWithResponse(ctx, wait, event) // the same one: it waits for the resend
	if ended := got(t, posted.JSON200, err, posted.Body); !ended.Duplicate || ended.Deliveries[0].State != "delivered" {
		t.Errorf("after the resend %+v", ended.Deliveries)
	}

	listed, err := own.ListDeliveriesWithResponse(ctx, &apitest.ListDeliveriesParams{Webhook: hook.Id, Code: new("2xx")})
	if list := got(t, listed.JSON200, err, listed.Body); len(list.Data) != 1 || list.Data[0].Id != id || list.Next != nil {
		t.Errorf("list %+v", list)
	}
	refused, err := own.ListPlatformKeysWithResponse(ctx)
	if p := got(t, refused.ApplicationproblemJSON403, err, refused.Body); p.Status != 403 {
		t.Errorf("problem %+v", p)
	}
}
