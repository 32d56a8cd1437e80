package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"labhook/web/api"
)

// ended posts n events for one webhook of Contoso's and cancels their deliveries; it returns their ids, oldest first.
func (b *bundle) ended(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = b.waiting(t).Deliveries[0].ID
		b.send(t, "POST", "/api/v1/deliveries/"+ids[i]+"/cancel", "contoso", "").want(200)
	}
	return ids
}

func (b *bundle) resend(t *testing.T, key, body string) (out api.Resent) {
	t.Helper()
	b.send(t, "POST", "/api/v1/deliveries/resend", key, body).want(200).into(&out)
	return out
}

// outcome is the results of a request to resend, in short.
func outcome(out api.Resent) []string {
	var list []string
	for _, item := range out.Results {
		list = append(list, fmt.Sprint(item.ID, " ", item.Status))
	}
	return list
}

// TestResendMany names deliveries of which some cannot be sent again: each is judged by itself.
func TestResendMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.ended(t, 2)
	waits := b.waiting(t).Deliveries[0].ID
	body := fmt.Sprintf(`{"ids": [%q, %q, "dlv_0000000000001", "nonsense", %q]}`, ids[1], waits, ids[0])

	foreign := b.resend(t, "fabrikam", body)
	if foreign.Resent != 0 || foreign.Results[0].Status != 404 {
		t.Errorf("the key of another consumer: %+v", foreign)
	}
	out := b.resend(t, "contoso", body)
	want := []string{ids[1] + " 200", waits + " 409", "dlv_0000000000001 404", "nonsense 404", ids[0] + " 200"}
	if !slices.Equal(outcome(out), want) || out.Resent != 2 || out.Deliveries != 5 || out.More || out.Next != nil {
		t.Errorf("%+v, want %q", out, want)
	}
	if p := out.Results[1].Problem; p == nil || p.Status != 409 || p.Detail == "" || out.Results[0].State == "" {
		t.Errorf("results %+v", out.Results)
	}
	var d api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+ids[0], "contoso", "").want(200).into(&d)
	if d.Trigger != "manual" {
		t.Errorf("delivery %+v", d.Delivery)
	}
}

// TestResendOutOfUse: the screens, one request and many refuse what is out of use with the same sentence, and nothing changes.
func TestResendOutOfUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ended(t, 1)[0]
	var before, after api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+id, "contoso", "").want(200).into(&before)
	b.send(t, "POST", "/api/v1/webhooks/"+before.Webhook+"/disable", "contoso", "").want(200)
	const why = "The webhook is disabled."
	if p := b.send(t, "POST", "/api/v1/deliveries/"+id+"/resend", "contoso", "").problem(409); p.Detail != why {
		t.Errorf("one: %q", p.Detail)
	}
	out := b.resend(t, "contoso", fmt.Sprintf(`{"ids": [%q]}`, id))
	if p := out.Results[0].Problem; out.Resent != 0 || p == nil || p.Status != 409 || p.Detail != why {
		t.Errorf("many: %+v", out)
	}
	b.send(t, "GET", "/api/v1/deliveries/"+id, "contoso", "").want(200).into(&after)
	if after.State != before.State || after.Trigger != before.Trigger {
		t.Errorf("it was %s, now it is %+v", before.State, after.Delivery)
	}
}

// TestResendByFilter counts and then sends again what a filter chooses, in parts.
func TestResendByFilter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	waits := b.waiting(t)
	ids := b.ended(t, 3)
	webhook := waits.Deliveries[0].Webhook

	for body, want := range map[string]int{
		`{"filter": {}, "count_only": true}`:                                             3,
		`{"filter": {"status": ["failed"]}, "count_only": true}`:                         0,
		`{"filter": {"consumer": "contoso", "type": "Scored"}, "count_only": true}`:      3,
		`{"filter": {"event": "` + waits.ID + `"}, "count_only": true}`:                  0,
		`{"filter": {"webhook": "` + webhook + `", "subject": "7"}, "count_only": true}`: 3,
		`{"filter": {"until": "2026-01-01T00:00:00Z"}, "count_only": true}`:              0,
		`{"filter": {"code": "5xx"}, "count_only": true}`:                                0,
	} {
		if out := b.resend(t, "contoso", body); out.Deliveries != want || out.Resent != 0 || len(out.Results) != 0 || out.More {
			t.Errorf("%s: %+v, want %d", body, out, want)
		}
	}
	if out := b.resend(t, "fabrikam", `{"filter": {}}`); out.Deliveries != 0 {
		t.Errorf("the key of another consumer sends %+v", out)
	}
	after := fmt.Sprintf(`{"filter": {"after": %q}}`, api.Cursor(ids[0]))
	if out, want := b.resend(t, "contoso", after), []string{ids[1] + " 200", ids[2] + " 200"}; !slices.Equal(outcome(out), want) {
		t.Errorf("after the first one: %+v, want %q", out, want)
	}
}

// TestResendInParts sends more again than one request takes.
func TestResendInParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent).ID.String()
	one := eventJSON("")
	b.send(t, "POST", "/api/v1/events/batch", "contoso", "["+one+strings.Repeat(","+one, 200)+"]").want(200)
	b.send(t, "POST", path+"/disable", "contoso", "").want(200)
	b.send(t, "POST", path+"/enable", "contoso", "").want(200)
	first := b.resend(t, "contoso", `{"filter": {"status": ["cancelled"]}}`)
	if first.Deliveries != 200 || first.Resent != 200 || !first.More || first.Next == nil {
		t.Fatalf("%d deliveries, %d sent again, more %t, next %v", first.Deliveries, first.Resent, first.More, first.Next)
	}
	if !slices.IsSortedFunc(first.Results, func(a, b api.ResendItem) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not oldest first")
	}
	rest := b.resend(t, "contoso", fmt.Sprintf(`{"filter": {"status": ["cancelled"], "after": %q}}`, *first.Next))
	if rest.Deliveries != 1 || rest.Resent != 1 || rest.More || rest.Next != nil || rest.Results[0].ID <= first.Results[199].ID {
		t.Errorf("the rest: %+v", rest)
	}
}

func TestResendManyRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tooMany := `{"ids": ["x"`
	for i := range 200 {
		tooMany += fmt.Sprintf(`, "x%d"`, i)
	}
	for _, sc := range []scenario{
		{name: "nothing", body: `{}`, field: "ids", message: "filter"},
		{name: "both", body: `{"ids": ["dlv_0000000000001"], "filter": {}}`, field: "filter", message: "not both"},
		{name: "too many", body: tooMany + "]}", field: "ids", message: "At most 200"},
		{name: "twice", body: `{"ids": ["dlv_0000000000001", "dlv_0000000000001"]}`, field: "ids[1]", message: "twice"},
		{name: "ids counted", body: `{"ids": ["dlv_0000000000001"], "count_only": true}`, field: "count_only", message: "filter"},
		{name: "not ended", body: `{"filter": {"status": ["failed", "queued"]}}`, field: "filter.status[1]", message: "have ended"},
		{name: "unknown webhook", body: `{"filter": {"webhook": "first"}}`, field: "filter.webhook", message: "wh_"},
		{name: "unknown code", body: `{"filter": {"code": "slow"}}`, field: "filter.code", message: "timeout"},
		{name: "unknown field", body: `{"filter": {"colour": "red"}}`, field: "filter.colour", message: "status, code"},
		{name: "unknown consumer", body: `{"filter": {"consumer": "nobody"}}`, field: "filter.consumer", message: "nobody"},
		{name: "forged cursor", body: `{"filter": {"after": "dlv_1"}}`, field: "filter.after", message: "no cursor"},
	} {
		t.Run(sc.name, func(t *testing.T) {
			sc.method, sc.path, sc.key, sc.status = "POST", "/api/v1/deliveries/resend", "platform", 422
			sc.run(t, b)
		})
	}
}
