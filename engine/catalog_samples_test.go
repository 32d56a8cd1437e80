package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestPublishedSamples compares with what the platforms publish, in the order and spelling of their documents.
func TestPublishedSamples(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		engine.TrackChallengeAttempted: `{"challenge_id": "dxhrbpuvvia9", "completed": true, "invite_id": null,
			"organization_id": "instruqt", "participant_id": "tncb0s7cdkyu", "timestamp": "2021-07-29T16:14:57.31297754Z",
			"track_id": "rzwlxtp92ted", "type": "track.challenge_attempted", "user_id": "gOGhYjyoPJhINJFOugIgiL4pdzu2"}`,
		engine.CourseComplete: `{
			"id": "32ed16df-27cb-5f72-90ff-4eaf39346f86", "source": "course_completed", "timestamp": "2019-10-17T20:50:53.103Z",
			"type": "status_change", "user": "bob.johnson@example.com", "companyId": "3aabdfb8-3891-5011-ad35-8e2351c5fdaf",
			"event": "courseCompletion", "notifiableId": "7670fdbe-15ed-504b-a680-d404fa4b0eb4", "title": "New Student Orientation",
			"userDetail": {"id": "61149b2c-3f37-5032-be63-f5d984de10b6", "firstName": "Bob", "lastName": "Johnson",
				"externalCustomerId": "111222333444", "sfContactId": null, "sfAccountId": null,
				"client": "00f928f4-8718-5043-9164-32398b165c60", "ref1": "111222333444", "ref2": "Department", "ref3": "..."}}`,
		engine.LabTornDown: string(engine.SampleLabDetails().Body()),
	} {
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(want)); err != nil {
			t.Fatal(err)
		}
		kind, _ := engine.BuiltIn.Find(code)
		if got := string(kind.Sample()); got != line.String() {
			t.Errorf("%s:\n%s\nwant\n%s", code, got, line.String())
		}
	}
}

// TestDataPassThrough: the data of an event that is not about labs reach the receiver to the byte: order of keys, spelling
// of numbers and texts, and spaces within.
func TestDataPassThrough(t *testing.T) {
	t.Parallel()
	odd := []string{
		`{"z":1,"a":2,"z2":{"b":[ ],"a":{ }}}`,
		`{"score":1.50,"big":12345678901234567890,"tiny":1E-7,"minus":-0,"float":1e5}`,
		"{\n  \"name\" : \"Zo\\u00eb \\/ \\\"Z\\\"\",\r\n\t\"é\": \"<b>&amp;</b>\"\n}",
		`{"a":1,"a":2}`,
	}
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} })
		want := map[string]string{}
		for _, kind := range engine.BuiltIn.All() {
			if kind.LabDetails || !kind.Sendable() {
				continue
			}
			list := append([]string{string(kind.Sample())}, odd...)
			for _, status := range kind.Statuses {
				list = append(list, string(status.Data))
			}
			for i, data := range list {
				id := fmt.Sprintf("%s-%d", kind.Code, i)
				want[id] = data
				_, err := b.engine.Accept(t.Context(), &engine.Event{SenderID: id, Type: kind.Label, Data: json.RawMessage(data)})
				if err != nil {
					t.Fatalf("%s: %v", id, err)
				}
			}
		}
		settle(time.Minute)
		for _, a := range b.wire.seen() {
			id := a.header.Get("Labhook-Event-Id")
			if a.body != want[id] || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %s %q\nwant %q", id, a.header.Get("Content-Type"), a.body, want[id])
			}
			delete(want, id)
		}
		if len(want) > 0 {
			t.Errorf("did not arrive: %q", want)
		}
	})
}
