package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// lab is a lab instance whose first event closed a gate: a second event waits behind it.
type lab struct {
	gate, held string // delivery ids
	webhook    engine.Webhook
}

// gatedLab makes the gate with a webhook that is not due for an hour.
func (b *bundle) gatedLab(t *testing.T) (l lab) {
	t.Helper()
	l.webhook = b.webhook(t, b.contoso.ID, enginetest.NewReceiver(t, "200").URL, unsent, blocking)
	for i, id := range []*string{&l.gate, &l.held} {
		var ev api.AcceptedEvent
		b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(fmt.Sprintf(`"id": "run-%d",`, i+1))).want(202).into(&ev)
		*id = ev.Deliveries[0].ID
	}
	return l
}

func TestGateIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.gatedLab(t)
	var gate, held api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+l.gate, "contoso-read", "").want(200).into(&gate)
	b.send(t, "GET", "/api/v1/deliveries/"+l.held, "contoso-read", "").want(200).into(&held)
	if held.State != "held" || held.Gate != nil || !held.Blocking || held.DueAt != nil {
		t.Errorf("held delivery %+v", held)
	}
	g := gate.Gate
	if gate.State != "scheduled" || g == nil || g.OpenedAt != nil || g.Opening != "" || g.HeldDeliveries != 1 || g.HeldEvents != 1 ||
		g.OpensBy.Sub(g.ClosedAt) < l.webhook.LongestHold() {
		t.Fatalf("gate %+v of %+v", g, gate.Delivery)
	}

	var list api.List[api.Delivery]
	b.send(t, "GET", "/api/v1/deliveries?status=held", "contoso-read", "").want(200).into(&list)
	if len(list.Data) != 1 || list.Data[0].ID != l.held {
		t.Errorf("held deliveries %+v", list.Data)
	}
	var ev api.EventDetail
	b.send(t, "GET", "/api/v1/events/run-1", "contoso-read", "").want(200).into(&ev)
	if ev.Ended || len(ev.Deliveries) != 1 || ev.Deliveries[0].Gate == nil || ev.Deliveries[0].Gate.HeldEvents != 1 {
		t.Errorf("event %+v", ev)
	}
}

func TestOpenGate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.gatedLab(t)
	path := "/api/v1/deliveries/" + l.gate + "/open-gate"
	for body, field := range map[string]string{
		`{}`: "reason", `{"reason": ""}`: "reason", `{"reason": "` + strings.Repeat("x", engine.MaxReason+1) + `"}`: "reason", `{"why": "x"}`: "why",
	} {
		if p := b.send(t, "POST", path, "contoso", body).problem(422); p.Errors[0].Field != field {
			t.Errorf("%s: problem %+v", body, p)
		}
	}
	b.send(t, "POST", path, "contoso", "").problem(400)
	if p := b.send(t, "POST", "/api/v1/deliveries/"+l.held+"/open-gate", "contoso", `{"reason": "x"}`).problem(404); !strings.Contains(p.Detail, "no gate") {
		t.Errorf("problem of a delivery without a gate: %+v", p)
	}

	var opened api.GatedDelivery
	b.send(t, "POST", path, "contoso", `{"reason": "The gradebook is down"}`).want(200).into(&opened)
	g := opened.Gate
	if g == nil || g.OpenedAt == nil || g.Opening != "by_hand" || !strings.HasPrefix(g.OpenedBy, "key ") || g.Reason != "The gradebook is down" ||
		g.Released != 1 || g.HeldDeliveries != 0 || opened.State != "scheduled" {
		t.Errorf("opened %+v of %+v", g, opened.Delivery)
	}
	var held api.DeliveryDetail
	b.send(t, "GET", "/api/v1/deliveries/"+l.held, "contoso", "").want(200).into(&held)
	if held.State != "scheduled" || held.Gate == nil || held.Gate.OpenedAt != nil {
		t.Errorf("what was held is now %+v", held)
	}
	if p := b.send(t, "POST", path, "contoso", `{"reason": "again"}`).problem(409); !strings.Contains(p.Detail, "open already") {
		t.Errorf("problem of an open gate: %+v", p)
	}
}

func TestHasten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.gatedLab(t)
	if p := b.send(t, "POST", "/api/v1/deliveries/"+l.held+"/hasten", "contoso", "").problem(409); !strings.Contains(p.Detail, "nothing to hasten") {
		t.Errorf("problem of a held delivery: %+v", p)
	}
	var d api.Delivery
	b.send(t, "POST", "/api/v1/deliveries/"+l.gate+"/hasten", "contoso", "").want(200).into(&d)
	if d.State != "queued" || d.Trigger != "manual" {
		t.Errorf("hastened %+v", d)
	}
	after := b.await(t, l.gate, "delivered")
	if g := after.Gate; g == nil || g.Opening != "delivered" || g.Released != 1 || g.OpenedBy != "" {
		t.Errorf("gate of a delivery that was delivered: %+v", g)
	}
	b.await(t, l.held, "scheduled")
}

func TestEndLabConfirmed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const body = `{"consumer": "contoso", "name": "x", "events": ["lab.scored"], "url": "https://a.example", "error_action": "end_lab", "end_lab_confirmed": true}`
	var made, stored api.Webhook
	b.send(t, "POST", "/api/v1/webhooks", "contoso", body).want(201).into(&made)
	b.send(t, "GET", "/api/v1/webhooks/"+made.ID, "contoso", "").want(200).into(&stored)
	if !made.EndLabConfirmed || !stored.EndLabConfirmed {
		t.Errorf("the confirmation is lost: %+v", stored)
	}
}

// TestOrder moves webhooks, and posts an event to see that their deliveries follow.
func TestOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	for range 3 {
		ids = append(ids, b.webhook(t, b.contoso.ID, "https://a.example", unsent).ID.String())
	}
	other := b.webhook(t, b.fabrikam.ID, "https://b.example", unsent).ID.String()
	put := func(list ...string) reply {
		return b.send(t, "PUT", "/api/v1/consumers/contoso/webhooks/order", "contoso", `{"webhooks": ["`+strings.Join(list, `", "`)+`"]}`)
	}
	check := func(want ...string) {
		t.Helper()
		var ev api.AcceptedEvent
		b.send(t, "POST", "/api/v1/events", "contoso", eventJSON("")).want(202).into(&ev)
		var got []string
		for _, d := range ev.Deliveries {
			got = append(got, d.Webhook)
		}
		if !slices.Equal(got, want) {
			t.Errorf("deliveries to %q, want %q", got, want)
		}
	}

	var list api.List[api.Webhook]
	put(ids[2], ids[0], ids[1]).want(200).into(&list)
	for i, w := range list.Data {
		if want := []string{ids[2], ids[0], ids[1]}[i]; w.ID != want || w.Position != i+1 || w.Version != 1 {
			t.Errorf("place %d: %s at position %d in version %d, want %s", i, w.ID, w.Position, w.Version, want)
		}
	}
	check(ids[2], ids[0], ids[1])
	for _, wrong := range [][]string{{ids[0], ids[1]}, {ids[0], ids[1], other}, {ids[0], ids[1], ids[2], other}, {ids[0], ids[1], ids[1]}} {
		if p := put(wrong...).problem(422); p.Errors[0].Field != "webhooks" {
			t.Errorf("%q: problem %+v", wrong, p)
		}
	}

	move := func(id, direction string, position int) {
		t.Helper()
		var w api.Webhook
		r := b.send(t, "POST", "/api/v1/webhooks/"+id+"/move", "contoso", `{"direction": "`+direction+`"}`).want(200)
		if r.into(&w); w.Position != position || r.header.Get("ETag") != `"1"` {
			t.Errorf("%s moved %s is at %d, want %d; ETag %s", id, direction, w.Position, position, r.header.Get("ETag"))
		}
	}
	move(ids[1], "up", 2)
	check(ids[2], ids[1], ids[0])
	move(ids[2], "down", 2)
	move(ids[1], "up", 1) // it is the first already
	check(ids[1], ids[2], ids[0])
}

// TestLabInstances looks at lab instances that several consumers know of, with the keys of each.
func TestLabInstances(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.gatedLab(t)
	theirs := b.webhook(t, b.fabrikam.ID, "https://b.example", unsent)
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON(`"id": "for-all",`)).want(202)
	b.send(t, "POST", "/api/v1/events", "fabrikam", eventJSON(`"id": "for-fabrikam",`)).want(202)
	b.send(t, "POST", "/api/v1/events", "fabrikam", eventJSON(`"id": "other", "subject": "a/b c?",`)).want(202)

	for key, want := range map[string]string{
		"platform":      "run-1: contoso scheduled gate holding 2 | run-2: contoso held | for-all: contoso held, fabrikam scheduled | for-fabrikam: fabrikam scheduled",
		"platform-read": "run-1: contoso scheduled gate holding 2 | run-2: contoso held | for-all: contoso held, fabrikam scheduled | for-fabrikam: fabrikam scheduled",
		"contoso-read":  "run-1: contoso scheduled gate holding 2 | run-2: contoso held | for-all: contoso held",
		"fabrikam":      "for-all: fabrikam scheduled | for-fabrikam: fabrikam scheduled",
	} {
		var got api.LabInstance
		b.send(t, "GET", "/api/v1/lab-instances/7", key, "").want(200).into(&got)
		if text := b.labText(&got); text != want {
			t.Errorf("%s sees %s\nwant %s", key, text, want)
		}
		gates, held := 1, 2
		if key == "fabrikam" {
			gates, held = 0, 0
		}
		if got.Subject != "7" || got.State != "Running (20)" || got.CompletionStatus != "No Show (2)" || got.ClosedGates != gates ||
			got.HeldDeliveries != held || got.EarlierEvents || !strings.HasPrefix(string(got.Details), `{"Id":7,`) {
			t.Errorf("%s sees %+v", key, got)
		}
	}
	var slashed api.LabInstance
	b.send(t, "GET", "/api/v1/lab-instances/a%2Fb%20c%3F", "fabrikam", "").want(200).into(&slashed)
	if slashed.Subject != "a/b c?" || slashed.Events[0].Deliveries[0].Webhook != theirs.ID.String() {
		t.Errorf("a subject with a slash: %+v", slashed)
	}
	b.send(t, "GET", "/api/v1/lab-instances/a%2Fb%20c%3F", "contoso", "").problem(404)

	for _, tt := range []struct {
		key, query string
		want       string // subject, type of the newest event, closed gates
	}{
		{"platform", "", "a/b c? lab.scored 0 | 7 lab.scored 1"},
		{"contoso-read", "", "7 lab.scored 1"},
		{"fabrikam", "", "a/b c? lab.scored 0 | 7 lab.scored 0"},
		{"platform", "gated=true", "7 lab.scored 1"},
		{"contoso", "gated=true&text=example", "7 lab.scored 1"},
		{"fabrikam", "gated=true", ""},
		{"platform", "text=7", "7 lab.scored 1"},
		{"contoso", "text=a%2Fb+c%3F", ""},
		{"fabrikam", "text=a%2Fb+c%3F", "a/b c? lab.scored 0"},
		{"fabrikam", "text=EXAMPLE+us", "a/b c? lab.scored 0 | 7 lab.scored 0"},
		{"platform", "text=nobody", ""},
	} {
		var list api.List[api.LabRow]
		b.send(t, "GET", "/api/v1/lab-instances?"+tt.query, tt.key, "").want(200).into(&list)
		var rows []string
		for _, row := range list.Data {
			rows = append(rows, fmt.Sprintf("%s %s %d", row.Subject, row.LastEventType, row.ClosedGates))
			if row.State != "Running (20)" || row.LastEventAt.IsZero() {
				t.Errorf("row %+v", row)
			}
		}
		if got := strings.Join(rows, " | "); got != tt.want || list.Next != nil {
			t.Errorf("%s %q: %q, want %q", tt.key, tt.query, got, tt.want)
		}
	}

	b.send(t, "POST", "/api/v1/deliveries/"+l.gate+"/cancel", "contoso", "").want(200)
	var after api.LabInstance
	b.send(t, "GET", "/api/v1/lab-instances/7", "contoso", "").want(200).into(&after)
	if g := after.Events[0].Deliveries[0].Gate; g == nil || g.Opening != "cancelled" || after.Events[1].Deliveries[0].Gate == nil {
		t.Errorf("after the gate's delivery was cancelled: %s", b.labText(&after))
	}
}

// labText writes a lab instance for comparison.
func (b *bundle) labText(l *api.LabInstance) string {
	var events []string
	for _, e := range l.Events {
		var deliveries []string
		for _, d := range e.Deliveries {
			text := "contoso "
			if d.Consumer == b.fabrikam.ID.String() {
				text = "fabrikam "
			}
			text += d.State
			if d.Gate != nil {
				text += fmt.Sprintf(" gate holding %d", d.Gate.HeldDeliveries)
			}
			deliveries = append(deliveries, text)
		}
		events = append(events, e.ID+": "+strings.Join(deliveries, ", "))
	}
	return strings.Join(events, " | ")
}
