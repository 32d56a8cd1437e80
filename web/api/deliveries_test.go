package api_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// await asks for a delivery until it is in that state, as a client would.
func (b *bundle) await(t *testing.T, id, state string) (d api.DeliveryDetail) {
	t.Helper()
	for range 100_000 {
		b.send(t, "GET", "/api/v1/deliveries/"+id, "platform", "").want(200).into(&d)
		if d.State == state {
			return d
		}
		runtime.Gosched()
	}
	t.Fatalf("delivery stays %s, want %s", d.State, state)
	return d
}

// TestDeliveryWithItsAttempts sends to a real receiver and looks at what is shown of it.
func TestDeliveryWithItsAttempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := enginetest.NewReceiver(t, "204")
	w := b.webhook(t, b.contoso.ID, receiver.URL+"/lab", func(w *engine.Webhook) {
		w.Name = "Scores"
		w.Headers = []engine.Header{{Name: "Authorization", Value: "Bearer hush", Sensitive: true}, {Name: "X-Lab", Value: "open"}}
	})
	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(`"id": "run-1",`)).want(202).into(&ev)
	receiver.Wait(t, 1)
	d := b.await(t, ev.Deliveries[0].ID, "delivered")

	if d.Event != "run-1" || d.EventType != "lab.scored" || d.Subject != "7" || d.Webhook != w.ID.String() || d.WebhookName != "Scores" ||
		d.Consumer != b.contoso.ID.String() || d.ConsumerName != "Contoso University" || d.Trigger != "automatic" || d.AttemptsMade != 1 ||
		d.AttemptsInAll != 4 || d.DueAt != nil || d.FinishedAt == nil || d.LastStatus == nil || *d.LastStatus != 204 || d.FailureClass != "" {
		t.Errorf("delivery %+v", d.Delivery)
	}
	if len(d.Attempts) != 1 {
		t.Fatalf("%d attempts", len(d.Attempts))
	}
	a := d.Attempts[0]
	if a.Number != 1 || a.Trigger != "automatic" || a.Outcome != "delivered" || a.WebhookVersion != 1 || a.Timings.Total <= 0 || a.RemoteAddress == "" ||
		a.TLSVersion != "" || a.CertEndsAt != nil {
		t.Errorf("attempt %+v", a)
	}
	if a.Request.Verb != "POST" || a.Request.URL != receiver.URL+"/lab" || a.Request.Body != string(enginetest.LabData(7)) || a.Request.Encoding != "text" {
		t.Errorf("request %+v", a.Request)
	}
	if !slices.Contains(a.Request.Headers, api.HeaderLine{Name: "Authorization", Value: "••••"}) ||
		!slices.Contains(a.Request.Headers, api.HeaderLine{Name: "X-Lab", Value: "open"}) {
		t.Errorf("headers %+v", a.Request.Headers)
	}
	if a.Answer == nil || a.Answer.Status != 204 || a.Answer.Protocol != "HTTP/1.1" || a.Answer.Truncated {
		t.Errorf("answer %+v", a.Answer)
	}

	b.send(t, "POST", "/api/v1/deliveries/"+d.ID+"/cancel", "contoso", "").problem(409)
	b.send(t, "POST", "/api/v1/deliveries/"+d.ID+"/resend", "contoso", "").want(200)
	receiver.Wait(t, 2)
	d = b.await(t, d.ID, "delivered")
	if len(d.Attempts) != 2 || d.Attempts[1].Trigger != "manual" || d.AttemptsMade != 2 {
		t.Errorf("after sending again: %+v", d)
	}
}

// TestFailedDelivery shows an answer that is no text, and a receiver that is not there.
func TestFailedDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	binary := []byte{0xff, 0x00, 0xfe}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "hush")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(binary)
	}))
	t.Cleanup(server.Close)
	once := func(w *engine.Webhook) { w.Retries = 0 }
	b.webhook(t, b.contoso.ID, server.URL, once)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", once)
	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso", eventJSON("")).want(202).into(&ev)

	d := b.await(t, ev.Deliveries[0].ID, "failed")
	if a := d.Attempts[0]; a.FailureClass != "status" || a.Outcome != "give_up" || a.Answer.Encoding != "base64" ||
		a.Answer.Body != base64.StdEncoding.EncodeToString(binary) || !slices.Contains(a.Answer.Headers, api.HeaderLine{Name: "Set-Cookie", Value: "••••"}) {
		t.Errorf("attempt %+v, answer %+v", a, a.Answer)
	}
	d = b.await(t, ev.Deliveries[1].ID, "failed")
	if a := d.Attempts[0]; a.FailureClass != "refused" || a.Answer != nil || a.Error == "" || d.LastStatus != nil || d.FailureClass != "refused" {
		t.Errorf("attempt %+v of %+v", a, d.Delivery)
	}

	var list api.List[api.Delivery]
	b.send(t, "GET", "/api/v1/deliveries?status=failed&status=delivered&event="+ev.ID, "contoso", "").want(200).into(&list)
	if len(list.Data) != 2 {
		t.Errorf("failed or delivered: %+v", list.Data)
	}
}

func TestCancelAndResend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	for _, tt := range []struct{ name, contentType, body, reason string }{
		{"with a reason", "application/json; charset=utf-8", `{"reason": "The lab is gone"}`, "The lab is gone"},
		{"without", "application/x-www-form-urlencoded", "", "Cancelled over the API by key "}, // as curl -d "" sends it
		{"with an empty object", "", "{}", "Cancelled over the API by key "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := "/api/v1/deliveries/" + b.waiting(t).Deliveries[0].ID
			if p := b.send(t, "POST", path+"/resend", "contoso", "").problem(409); !strings.Contains(p.Detail, "not ended") {
				t.Errorf("detail %q", p.Detail)
			}
			b.send(t, "POST", path+"/cancel", "contoso", `{"reason": "`+strings.Repeat("x", engine.MaxShortText+1)+`"}`).problem(422)
			b.send(t, "POST", path+"/cancel", "contoso", `{"why": "x"}`).problem(422)
			var d api.Delivery
			b.send(t, "POST", path+"/cancel", "contoso", tt.body, "Content-Type", tt.contentType).want(200).into(&d)
			if d.State != "cancelled" || !strings.HasPrefix(d.Reason, tt.reason) || d.FinishedAt == nil || d.WebhookName == "" {
				t.Errorf("cancelled %+v", d)
			}
			b.send(t, "POST", path+"/cancel", "contoso", tt.body).problem(409)
		})
	}
}

func TestListDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	second := b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	var ids, events []string
	for range 3 {
		ev := b.waiting(t)
		events = append(events, ev.ID)
		ids = append(ids, ev.Deliveries[0].ID, ev.Deliveries[1].ID)
	}
	b.send(t, "POST", "/api/v1/deliveries/"+ids[0]+"/cancel", "contoso", "").want(200)
	slices.Reverse(ids)
	for _, tt := range []struct {
		query string
		want  []string
		next  string
	}{
		{"", ids, ""},
		{"limit=2", ids[:2], ids[1]},
		{"limit=2&before=" + api.Cursor(ids[1]), ids[2:4], ids[3]},
		{"limit=4&before=" + api.Cursor(ids[1]), ids[2:], ""},
		{"after=" + api.Cursor(ids[2]), ids[:2], ids[1]},
		{"status=cancelled", ids[5:], ""},
		{"status=scheduled", ids[:5], ""},
		{"status=scheduled&status=cancelled", ids, ""},
		{"webhook=" + first.ID.String(), []string{ids[1], ids[3], ids[5]}, ""},
		{"webhook=" + second.ID.String() + "&limit=1", ids[:1], ids[0]},
		{"event=" + events[1], ids[2:4], ""},
		{"consumer=contoso&type=Scored", ids, ""},
		{"type=lab.saved", nil, ""},
		{"lab=7", ids, ""},
		{"subject=8", nil, ""},
		{"until=2026-01-01T00:00:00Z", nil, ""},
	} {
		var page api.List[api.Delivery]
		b.send(t, "GET", "/api/v1/deliveries?"+tt.query, "contoso-read", "").want(200).into(&page)
		var got []string
		for _, d := range page.Data {
			got = append(got, d.ID)
		}
		if next := page.Next; !slices.Equal(got, tt.want) || (next == nil) != (tt.next == "") || next != nil && *next != api.Cursor(tt.next) {
			t.Errorf("%q: %q, next %v, want %q", tt.query, got, next, tt.want)
		}
	}
}
