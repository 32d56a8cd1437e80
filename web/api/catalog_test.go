package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/web/api"
)

func TestEventTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var types api.List[api.EventType]
	b.send(t, "GET", "/api/v1/event-types", "contoso-read", "").want(200).into(&types)
	if len(types.Data) != len(engine.BuiltIn.All()) {
		t.Fatalf("%d event types, want %d", len(types.Data), len(engine.BuiltIn.All()))
	}
	for i, kind := range engine.BuiltIn.All() {
		got := types.Data[i]
		if got.Code != kind.Code || got.Label != kind.Label || got.Group != kind.Group || got.Place != kind.Place || got.Own ||
			got.LabDetails != kind.LabDetails || len(got.Fields) != len(kind.Fields) || len(got.Statuses) != len(kind.Statuses) ||
			(got.Proposal == nil) != (kind.Proposal == "") || string(got.Sample) != string(kind.Sample()) || string(got.Schema) != "null" {
			t.Errorf("%s: %+v", kind.Code, got)
		}
		for _, name := range []string{kind.Code, strings.ReplaceAll(kind.Label, " ", "%20")} {
			var one api.EventType
			b.send(t, "GET", "/api/v1/event-types/"+name, "contoso-read", "").want(200).into(&one)
			if diff := cmp.Diff(got, one); diff != "" {
				t.Errorf("%s (-in the list +alone):\n%s", name, diff)
			}
		}
		r := b.send(t, "POST", "/api/v1/events", "platform", fmt.Sprintf(`{"type": %q, "data": %s}`, kind.Label, got.Sample))
		if kind.Sendable() {
			r.want(202)
		} else if p := r.problem(422); p.Errors[0].Field != "type" || !strings.Contains(p.Detail, kind.Code) {
			t.Errorf("a system event that is posted: %+v", p)
		}
	}
	class := types.Data[30]
	if class.Code != engine.TMSClassChanged || class.Statuses[3].Name != "Guaranteed to run" || string(class.Statuses[3].Value) != "1" {
		t.Errorf("%+v", class)
	}
	b.send(t, "GET", "/api/v1/event-types/lab.exploded", "contoso-read", "").problem(404)
}

const badgeJSON = `{"code": "badge.awarded", "label": "Badge awarded", "description": "d", "sample": {"learner": "ada", "points": 3.50},
	"schema": {"required": ["learner"], "properties": {"points": {"maximum": 10}}}, "subject_field": "learner"}`

func TestOwnEventTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made api.EventType
	r := b.send(t, "POST", "/api/v1/event-types", "platform", badgeJSON).want(201)
	r.into(&made)
	want := api.EventType{
		Code: "badge.awarded", Label: "Badge awarded", Group: engine.GroupOwn, Platform: "Own", Description: "d", Sendable: true, Own: true,
		SubjectField: new("learner"), Fields: []api.EventField{{Name: "learner", Type: "string"}, {Name: "points", Type: "number"}},
		Statuses: []api.EventStatus{}, Sample: json.RawMessage(`{"learner":"ada","points":3.50}`),
		Schema:    json.RawMessage(`{"required":["learner"],"properties":{"points":{"maximum":10}}}`),
		CreatedAt: made.CreatedAt, UpdatedAt: made.UpdatedAt,
	}
	if diff := cmp.Diff(want, made); diff != "" || made.CreatedAt == nil || r.header.Get("Location") != "/api/v1/event-types/badge.awarded" {
		t.Errorf("created at %s (-want +got):\n%s", r.header.Get("Location"), diff)
	}

	// It is posted by its label, what it is about comes from its data, and these must keep to the schema.
	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso-send", `{"type": "BADGE AWARDED", "data": {"learner": "bob", "points": 10}}`).want(202).into(&ev)
	if ev.Type != "badge.awarded" || ev.Subject != "bob" {
		t.Errorf("%+v", ev)
	}
	p := b.send(t, "POST", "/api/v1/events", "contoso-send", `{"type": "badge.awarded", "data": {"points": 11}}`).problem(422)
	if len(p.Errors) != 2 || p.Errors[0].Field != "data" || p.Errors[1].Field != "data.points" || p.Errors[1].Message != "Maximum: got 11, want 10 (rule /properties/points/maximum)" {
		t.Errorf("%+v", p.Errors)
	}

	hook := b.webhook(t, b.contoso.ID, "https://a.example", unsent, func(w *engine.Webhook) { w.Events = []string{"badge.awarded"} })
	for _, sc := range []scenario{
		{name: "taken", method: "POST", path: "/event-types", body: badgeJSON, status: 422, field: "code", message: "goes by the name"},
		{name: "reserved", method: "POST", path: "/event-types", body: `{"code": "lab.mine", "label": "x", "sample": {}}`, status: 422, field: "code", message: "must not start with"},
		{name: "no sample", method: "POST", path: "/event-types", body: `{"code": "x", "label": "x"}`, status: 422, field: "sample", message: "Enter example data"},
		{name: "sample is a list", method: "POST", path: "/event-types", body: `{"code": "x", "label": "x", "sample": []}`, status: 422, field: "sample", message: "must be a JSON object"},
		{name: "schema loads", method: "POST", path: "/event-types", body: `{"code": "x", "label": "x", "sample": {}, "schema": {"$ref": "http://127.0.0.1:1/x"}}`, status: 422, field: "schema", message: "is not loaded"},
		{name: "unknown field", method: "POST", path: "/event-types", body: `{"codes": "x"}`, status: 422, field: "codes", message: "no field"},
		{name: "other code", method: "PUT", path: "/event-types/badge.awarded", body: badgeJSON[:10] + "x" + badgeJSON[10:], status: 422, field: "code", message: "stays what it is"},
		{name: "built-in", method: "PUT", path: "/event-types/lab.scored", body: badgeJSON, status: 422, field: "code", message: "is built in"},
		{name: "delete built-in", method: "DELETE", path: "/event-types/courseComplete", status: 422, field: "code", message: "is built in"},
		{name: "delete in use", method: "DELETE", path: "/event-types/badge.awarded", status: 422, field: "code", message: hook.Name + " of Contoso University listens to it"},
		{name: "change none", method: "PUT", path: "/event-types/nothing", body: badgeJSON, status: 404, message: "does not exist"},
		{name: "delete none", method: "DELETE", path: "/event-types/nothing", status: 404, message: "does not exist"},
	} {
		sc.path, sc.key = api.Prefix+sc.path, "platform"
		t.Run(sc.name, func(t *testing.T) { sc.run(t, b) })
	}

	var changed api.EventType
	b.send(t, "PUT", "/api/v1/event-types/Badge%20awarded", "platform", `{"label": "Badge given", "sample": {"a": 1}, "schema": null}`).want(200).into(&changed)
	if changed.Code != "badge.awarded" || changed.Label != "Badge given" || changed.Description != "" || string(changed.Schema) != "null" || changed.SubjectField != nil ||
		!changed.CreatedAt.Equal(*made.CreatedAt) {
		t.Errorf("changed %+v", changed)
	}
	if err := b.store.DeleteWebhook(t.Context(), engine.System, hook.ID); err != nil {
		t.Fatal(err)
	}
	b.send(t, "DELETE", "/api/v1/event-types/badge.awarded", "platform", "").want(204)
	b.send(t, "GET", "/api/v1/event-types/badge.awarded", "platform", "").problem(404)
}

// TestLabelsForCodes: a webhook may name event types by their labels, and keeps the codes.
func TestLabelsForCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var hook api.Webhook
	const body = `{"name": "x", "events": ["First Displayable", "course completion", "lab.saved"], "url": "https://a.example", "version": 1}`
	want := []string{engine.LabFirstDisplayable, engine.SkilljarCourseCompletion, engine.LabSaved}
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso", body).want(201)
	if r.into(&hook); !cmp.Equal(want, hook.Events) {
		t.Errorf("created for %q", hook.Events)
	}
	r = b.send(t, "PUT", "/api/v1/webhooks/"+hook.ID, "contoso", body).want(200)
	if r.into(&hook); !cmp.Equal(want, hook.Events) {
		t.Errorf("replaced for %q", hook.Events)
	}
	for events, message := range map[string]string{
		`["Displayable"]`:              `no event type "Displayable"`,
		`["scored", "lab.scored"]`:     `"lab.scored" is named twice`,
		`["*", "First Displayable"]`:   `must be alone`,
		`["Webhook Ping", "LAB.SAVE"]`: `no event type "LAB.SAVE"`,
	} {
		p := b.send(t, "POST", "/api/v1/webhooks", "contoso", `{"name": "y", "url": "https://a.example", "events": `+events+`}`).problem(422)
		if p.Errors[0].Field != "events" || !strings.Contains(p.Errors[0].Message, message) {
			t.Errorf("%s: %+v", events, p.Errors)
		}
	}
}

// TestDataPassThrough posts data with every oddity of spelling, and compares the receiver's bytes.
func TestDataPassThrough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	came := make(chan []byte, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- body
	}))
	t.Cleanup(receiver.Close)
	b.webhook(t, b.contoso.ID, receiver.URL, func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} })
	list := []string{
		"{\n\t\"z\" : 1.50,\r\n  \"a\":12345678901234567890 , \"n\":-0, \"e\":1E-7,\"u\":\"\\u00e9\\/é<&>\",\"l\":[ ],\"o\":{ }}",
		`{"a":1,"a":2}`,
	}
	for _, kind := range engine.BuiltIn.All() {
		if kind.Sendable() && !kind.LabDetails {
			list = append(list, string(kind.Sample()))
		}
	}
	for _, data := range list {
		var ev api.AcceptedEvent
		b.send(t, "POST", "/api/v1/events", "contoso-send", `{"data":   `+data+` , "type": "invite.claimed"}`).want(202).into(&ev)
		if got := <-came; !bytes.Equal(got, []byte(data)) {
			t.Errorf("%q arrived as %q", data, got)
		}
		stored, err := b.store.EventNamed(t.Context(), ev.ID, b.contoso.ID)
		if err != nil || string(stored.Data) != data {
			t.Errorf("%q is stored as %q, %v", data, stored.Data, err)
		}
	}
}
