package api_test

import (
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/web/api"
)

// setContoso changes the consumer behind the API's back, as the screens do.
func (b *bundle) setContoso(t *testing.T, change func(*engine.APIConsumer)) {
	t.Helper()
	c := *b.store.Directory().Consumer(b.contoso.ID)
	change(&c)
	if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
		t.Fatal(err)
	}
}

// TestKeysOfConsumerOutOfUse takes a consumer out of use whose keys were used and are cached.
func TestKeysOfConsumerOutOfUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	past := time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)
	for name, tt := range map[string]struct {
		change func(*engine.APIConsumer)
		says   string
	}{
		"disabled": {func(c *engine.APIConsumer) { c.Enabled, c.Expires = false, time.Time{} }, "The API consumer is disabled"},
		"expired":  {func(c *engine.APIConsumer) { c.Enabled, c.Expires = true, past }, "API access has expired"},
	} {
		b.setContoso(t, func(c *engine.APIConsumer) { c.Enabled, c.Expires = true, time.Time{} })
		b.send(t, "GET", "/api/v1/consumers/contoso", "contoso", "").want(200)
		b.setContoso(t, tt.change)
		for _, request := range []struct{ method, path, key, body string }{
			{"GET", "/api/v1/consumers/contoso", "contoso-read", ""},
			{"POST", "/api/v1/events", "contoso-send", eventJSON("")},
			{"PUT", "/api/v1/consumers/contoso", "contoso", `{"name": "Contoso", "external_id": "contoso", "enabled": true, "expires": null}`},
		} {
			p := b.send(t, request.method, request.path, request.key, request.body).problem(403)
			if p.Detail != tt.says {
				t.Errorf("%s: %s %s says %q, want %q", name, request.method, request.path, p.Detail, tt.says)
			}
		}
		b.send(t, "GET", "/api/v1/consumers/contoso", "fabrikam", "").want(404)
		b.send(t, "GET", "/api/v1/consumers/contoso", "platform-read", "").want(200)
	}
	b.send(t, "PUT", "/api/v1/consumers/contoso", "platform", `{"name": "Contoso", "external_id": "contoso"}`).want(200)
	b.send(t, "GET", "/api/v1/consumers/contoso", "contoso-read", "").want(200)
}

// TestConsumerDoesNotTurnItself changes a consumer with its own key, but for how long it is in use.
func TestConsumerDoesNotTurnItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	expires := time.Date(2099, 1, 2, 2, 4, 5, 6e6, time.UTC)
	b.setContoso(t, func(c *engine.APIConsumer) { c.Expires = expires })
	const body = `{"name": "Contoso", "external_id": "contoso", "enabled": true, "expires": "2099-01-02T02:04:05.006Z"}`
	var got api.Consumer
	b.send(t, "PUT", "/api/v1/consumers/contoso", "contoso", body).want(200).into(&got)
	if got.Name != "Contoso" || !got.Enabled || !got.Expires.Equal(expires) {
		t.Errorf("changed to %+v", got)
	}
	for field, change := range map[string]string{
		"enabled": strings.Replace(body, `"enabled": true`, `"enabled": false`, 1),
		"expires": strings.Replace(body, `"2099`, `"2100`, 1),
	} {
		for _, sent := range []string{change, strings.Replace(change, `"Contoso"`, `"Renamed"`, 1)} {
			p := b.send(t, "PUT", "/api/v1/consumers/contoso", "contoso", sent).problem(403)
			if len(p.Errors) != 1 || p.Errors[0].Field != field {
				t.Errorf("%s: %+v", field, p)
			}
		}
	}
	p := b.send(t, "PUT", "/api/v1/consumers/contoso", "contoso", `{"name": "Contoso", "external_id": "contoso"}`).problem(403)
	if len(p.Errors) != 1 || p.Errors[0].Field != "expires" {
		t.Errorf("without expires, which is never: %+v", p)
	}
	c := b.store.Directory().Consumer(b.contoso.ID)
	if c.Name != "Contoso" || !c.Enabled || !c.Expires.Equal(expires) {
		t.Errorf("after the refusals the consumer is %+v", c)
	}
}

// spareKey makes another key of the same owner, and returns its name.
func (b *bundle) spareKey(t *testing.T, name string) string {
	t.Helper()
	k, err := b.store.Key(t.Context(), b.keyIDs[name])
	if err != nil {
		t.Fatal(err)
	}
	b.key(t, "spare of "+name, k.ConsumerID, engine.ScopeSend)
	return "spare of " + name
}

// TestIDsBelongToTheirSender posts different events of two consumers and the platform under the same id and key.
func TestIDsBelongToTheirSender(t *testing.T) {
	t.Parallel()
	b := setup(t)
	posts := map[string]string{"contoso": "one", "fabrikam": "two", "platform": "three"}
	ids := map[string]string{}
	for _, key := range []string{"contoso", "fabrikam", "platform"} {
		var first, again api.AcceptedEvent
		body := eventJSON(`"id": "run-1", "subject": "` + posts[key] + `",`)
		b.send(t, "POST", "/api/v1/events", key, body, "Idempotency-Key", "k-1").want(202).into(&first)
		b.send(t, "POST", "/api/v1/events", b.spareKey(t, key), body, "Idempotency-Key", "k-1").want(202).into(&again)
		if first.Duplicate || first.Subject != posts[key] || !strings.HasPrefix(first.LabhookID, "evt_") {
			t.Errorf("%s posted %+v", key, first)
		}
		if !again.Duplicate || again.LabhookID != first.LabhookID {
			t.Errorf("%s posted again: %+v", key, again)
		}
		other := eventJSON(`"id": "run-2", "subject": "other",`)
		b.send(t, "POST", "/api/v1/events", key, other, "Idempotency-Key", "k-1").problem(409)
		b.send(t, "POST", "/api/v1/events", key, eventJSON(`"id": "run-1", "subject": "other",`)).problem(409)
		ids[key] = first.LabhookID
	}
	for key, subject := range posts {
		var got api.EventDetail
		b.send(t, "GET", "/api/v1/events/run-1", key, "").want(200).into(&got)
		if got.LabhookID != ids[key] || got.Subject != subject {
			t.Errorf("run-1 for %s is %+v", key, got.Event)
		}
		b.send(t, "GET", "/api/v1/events/"+ids[key], "platform-read", "").want(200).into(&got)
		if got.Subject != subject {
			t.Errorf("%s is %+v", ids[key], got.Event)
		}
	}
	b.send(t, "GET", "/api/v1/events/"+ids["fabrikam"], "contoso", "").problem(404)

	// A platform key finds by the sender's id what only one consumer has.
	b.send(t, "POST", "/api/v1/events", "fabrikam", eventJSON(`"id": "lone",`)).want(202)
	b.send(t, "GET", "/api/v1/events/lone", "platform-read", "").want(200)
	b.send(t, "GET", "/api/v1/events/lone", "contoso-read", "").problem(404)
}
