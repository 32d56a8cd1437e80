package api_test

import (
	"testing"

	"labhook/engine"
	"labhook/web/api"
)

// TestDeleteConsumer deletes Contoso while an event waits for it.
func TestDeleteConsumer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ev := b.waiting(t)
	b.send(t, "GET", "/api/v1/consumers/contoso", "contoso", "").want(200) // its key is known now
	b.send(t, "DELETE", "/api/v1/consumers/contoso", "contoso", "").problem(403)
	b.send(t, "DELETE", "/api/v1/consumers/contoso", "platform", "").want(204)
	b.send(t, "DELETE", "/api/v1/consumers/contoso", "platform", "").problem(404)
	b.send(t, "GET", "/api/v1/consumers/"+b.contoso.ID.String(), "platform", "").problem(404)
	b.send(t, "GET", "/api/v1/webhooks", "contoso", "").problem(401)
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON(`"consumer": "contoso",`)).problem(422)
	var consumers api.List[api.Consumer]
	b.send(t, "GET", "/api/v1/consumers", "platform", "").want(200).into(&consumers)
	for _, c := range consumers.Data {
		if c.ID == b.contoso.ID.String() {
			t.Errorf("listed: %+v", c)
		}
	}
	var d api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+ev.Deliveries[0].ID, "platform", "").want(200).into(&d)
	if d.State != string(engine.StateCancelled) || d.Reason != "The API consumer was deleted." || d.ConsumerName == "" {
		t.Errorf("its delivery: %+v", d)
	}
}
