package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// TestTestWebhook tests a webhook on a real receiver that succeeds, and one on a receiver that fails.
func TestTestWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver, failing := enginetest.NewReceiver(t, "204"), enginetest.NewReceiver(t, "503")
	test := func(url string) string {
		w := b.webhook(t, b.contoso.ID, url+"/lab", func(w *engine.Webhook) { w.Blocking, w.Retries = true, 5 })
		return "/api/v1/webhooks/" + w.ID.String() + "/test"
	}

	var got api.TestResult
	b.send(t, "POST", test(receiver.URL), "contoso", "").want(200).into(&got)
	if !got.Succeeded || got.HTTPStatusCode == nil || *got.HTTPStatusCode != 204 || got.Message != "204 No Content" {
		t.Errorf("first %+v", got)
	}
	if got.State != "delivered" || !got.Test || got.Trigger != "test" || got.Blocking || got.EventType != engine.LabScored || got.AttemptsInAll != 1 || got.Gate != nil {
		t.Errorf("delivery %+v", got.Delivery)
	}
	if len(got.Attempts) != 1 || got.Attempts[0].Trigger != "test" || got.Attempts[0].Timings.Total <= 0 || got.Attempts[0].Answer.Status != 204 {
		t.Errorf("attempts %+v", got.Attempts)
	}

	b.send(t, "POST", test(failing.URL), "contoso", `{"type": "lab.saved", "data": {"Id": 7, "Mine": [1.50]}, "subject": "lab 7"}`).want(200).into(&got)
	if got.Succeeded || *got.HTTPStatusCode != 503 || !strings.HasPrefix(got.Message, "503 Service Unavailable: The receiver failed.") ||
		got.State != "failed" || got.EventType != "lab.saved" || got.Subject != "lab 7" || got.ErrorAction != "" {
		t.Errorf("second %+v", got)
	}
	if sent := string(failing.Arrived()[0].Body); !strings.Contains(sent, `"Id": 7`) && !strings.Contains(sent, `"Id":7`) {
		t.Errorf("sent %s", sent)
	}

	var stored api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+got.ID, "contoso-read", "").want(200).into(&stored)
	if stored.State != "failed" || len(stored.Attempts) != 1 {
		t.Errorf("stored %+v", stored)
	}
	p := b.send(t, "POST", "/api/v1/deliveries/"+got.ID+"/resend", "contoso", "").problem(409)
	if !strings.Contains(p.Detail, "test") {
		t.Errorf("sending a test again: %s", p.Detail)
	}
	b.send(t, "GET", "/api/v1/lab-instances/7", "contoso", "").problem(404)
	var ev api.EventDetail
	b.send(t, "GET", "/api/v1/events/"+got.Event, "contoso", "").want(200).into(&ev)
	if !ev.Test || !strings.HasPrefix(ev.Source, "key lhk_") || string(ev.Data) != `{"Id":7,"Mine":[1.50]}` && string(ev.Data) != `{"Id": 7, "Mine": [1.50]}` {
		t.Errorf("event %+v", ev)
	}
	if n := len(receiver.Arrived()) + len(failing.Arrived()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// TestPingWebhook pings a disabled webhook, and one whose receiver is not there.
func TestPingWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := enginetest.NewReceiver(t, "200")
	w := b.webhook(t, b.contoso.ID, receiver.URL, func(w *engine.Webhook) { w.Enabled, w.Name = false, "Grades" })
	var got api.TestResult
	b.send(t, "POST", "/api/v1/webhooks/"+w.ID.String()+"/ping", "contoso", "").want(200).into(&got)
	body := string(receiver.Arrived()[0].Body)
	if !got.Succeeded || got.EventType != "webhook.ping" || !strings.Contains(body, `"event_type":"PING"`) || !strings.Contains(body, `"webhook_name":"Grades"`) {
		t.Errorf("ping %+v sent %s", got, body)
	}

	gone := b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens")
	b.send(t, "POST", "/api/v1/webhooks/"+gone.ID.String()+"/ping", "platform", "").want(200).into(&got)
	if got.Succeeded || got.HTTPStatusCode != nil || got.FailureClass != "refused" || !strings.HasPrefix(got.Message, "No answer came: ") || got.Attempts[0].Error == "" {
		t.Errorf("ping of nobody %+v", got)
	}
}

func TestTestProblems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", func(w *engine.Webhook) { w.Enabled = false }).ID.String()
	for _, sc := range []scenario{
		{name: "disabled", path: path + "/test", body: `{}`, status: 422, field: "force", message: "The webhook is disabled. Force the test"},
		{name: "no type", path: path + "/test", body: `{"type": "x", "force": true}`, status: 422, field: "type", message: "no event type"},
		{name: "no object", path: path + "/test", body: `{"data": [], "force": true}`, status: 422, field: "data", message: "JSON object"},
		{name: "unknown field", path: path + "/test", body: `{"delay": 3}`, status: 422, field: "delay", message: "no field"},
		{name: "wrong lab details", path: path + "/test", body: `{"data": {"Id": "x"}, "force": true}`, status: 422, field: "data.Id", message: ""},
		{name: "no JSON", path: path + "/test", body: `{`, status: 400, message: "not JSON"},
		{name: "no webhook", path: "/api/v1/webhooks/wh_01jc9xw2m4t7k/ping", status: 404, message: "does not exist"},
	} {
		t.Run(sc.name, func(t *testing.T) {
			sc.method, sc.key = "POST", "contoso"
			sc.run(t, b)
		})
	}
	if list := b.deliveries(t); len(list) != 0 {
		t.Errorf("stored %+v", list)
	}
}

// deliveries returns all deliveries.
func (b *bundle) deliveries(t *testing.T) []api.Delivery {
	t.Helper()
	var page api.List[api.Delivery]
	b.send(t, "GET", "/api/v1/deliveries", "platform", "").want(200).into(&page)
	return page.Data
}

// TestTooManyTests asks for one more than may run at once, on a receiver that answers when all have come.
func TestTooManyTests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(server.Close)
	path := "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, server.URL).ID.String() + "/ping"
	replies := make(chan reply)
	for range engine.MaxTestsPerWebhook {
		go func() { replies <- b.send(t, "POST", path, "contoso", "") }()
		<-arrived
	}
	r := b.send(t, "POST", path, "contoso", "")
	if p := r.problem(429); !strings.Contains(p.Detail, "4 tests of this webhook run already") || r.header.Get("Retry-After") == "" {
		t.Errorf("one more: %s", r.body)
	}
	close(release)
	for range engine.MaxTestsPerWebhook {
		(<-replies).want(200)
	}
}
