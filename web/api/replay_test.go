package api_test

import (
	"fmt"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/web/api"
)

// TestReplay sends an event to webhooks of which some cannot have it: each is judged by itself.
func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const nowhere = "http://127.0.0.1:1/nobody-listens"
	once := func(w *engine.Webhook) { w.Retries = 0 } // a retry is automatic again
	got := b.webhook(t, b.contoso.ID, nowhere, unsent, once)
	ev := b.waiting(t)
	b.send(t, "POST", "/api/v1/deliveries/"+ev.Deliveries[0].ID+"/cancel", "contoso", "").want(200)
	late := b.webhook(t, b.contoso.ID, nowhere, unsent, once)
	deaf := b.webhook(t, b.contoso.ID, nowhere, unsent, func(w *engine.Webhook) { w.Events = []string{engine.LabSaved} })
	off := b.webhook(t, b.contoso.ID, nowhere, func(w *engine.Webhook) { w.Enabled = false })
	foreign := b.webhook(t, b.fabrikam.ID, nowhere)
	path := "/api/v1/events/" + ev.ID + "/replay"
	body := fmt.Sprintf(`{"webhooks": [%q, %q, %q, %q, %q, "nonsense"]}`, got.ID, late.ID, deaf.ID, off.ID, foreign.ID)

	var out api.Replayed
	b.send(t, "POST", path, "contoso", body).want(200).into(&out)
	wants := []struct {
		status int
		says   string
	}{{200, ""}, {200, ""}, {200, ""}, {409, "The webhook is disabled."}, {404, ""}, {404, ""}}
	if out.Sent != 3 || len(out.Results) != len(wants) {
		t.Fatalf("%+v", out)
	}
	for i, want := range wants {
		item := out.Results[i]
		if item.Status != want.status || (item.Problem == nil) != (want.status == 200) || (item.Delivery != "") != (want.status == 200) {
			t.Errorf("webhook %d: %+v, want %d", i, item, want.status)
		}
		if want.says != "" && item.Problem.Detail != want.says {
			t.Errorf("webhook %d: %q, want %q", i, item.Problem.Detail, want.says)
		}
	}
	if out.Results[0].Delivery != ev.Deliveries[0].ID {
		t.Errorf("sent again as %s, it was %s", out.Results[0].Delivery, ev.Deliveries[0].ID)
	}
	for _, id := range []string{out.Results[0].Delivery, out.Results[1].Delivery} {
		var d api.DeliveryDetail
		b.send(t, "GET", "/api/v1/deliveries/"+id, "contoso", "").want(200).into(&d)
		if d.Trigger != "manual" || d.Event != ev.ID {
			t.Errorf("delivery %+v", d.Delivery)
		}
	}
	b.send(t, "POST", path, "platform", fmt.Sprintf(`{"webhooks": [%q]}`, foreign.ID)).want(200).into(&out)
	if p := out.Results[0].Problem; p == nil || p.Status != 409 || p.Detail != "The event is for another API consumer." {
		t.Errorf("a webhook of another consumer: %+v", out)
	}
	b.send(t, "POST", "/api/v1/events/unheard-of/replay", "contoso", body).problem(404)
}

func TestReplayRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ev := b.waiting(t)
	tooMany := `{"webhooks": ["x"` + strings.Repeat(`, "x"`, 200) + "]}"
	for _, sc := range []scenario{
		{name: "nothing", body: `{}`, field: "webhooks", message: "Name the webhooks"},
		{name: "none", body: `{"webhooks": []}`, field: "webhooks", message: "Name the webhooks"},
		{name: "too many", body: tooMany, field: "webhooks", message: "At most 200"},
		{name: "twice", body: `{"webhooks": ["wh_0000000000001", "wh_0000000000001"]}`, field: "webhooks[1]", message: "twice"},
		{name: "unknown field", body: `{"webhook": "wh_0000000000001"}`, field: "webhook", message: "webhooks"},
	} {
		t.Run(sc.name, func(t *testing.T) {
			sc.method, sc.path, sc.key, sc.status = "POST", "/api/v1/events/"+ev.ID+"/replay", "contoso", 422
			sc.run(t, b)
		})
	}
}
