package api_test

import (
	"fmt"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/web/api"
)

// TestPostBatch posts good and bad events together, as a list and one a line: each is judged by itself.
func TestPostBatch(t *testing.T) {
	t.Parallel()
	events := []string{
		`{"type": "Scored", "id": "one", "data": {"Id": 1, "own": [1.0, "ä\u00e4"]}}`,
		`{"type": "lab.unknown", "data": {"Id": 2}}`,
		`{"type": "track.started", "data": {"type":"track.started",  "n": 1e3}}`,
		`{"type": "lab.scored", "data": {"Id": 3}, "extra": 1}`,
		`{"type": "lab.scored", "id": "one", "data": {"Id": 9}}`,
		`{"type": "Scored", "id": "one", "data": {"Id": 1, "own": [1.0, "ä\u00e4"]}}`,
		`7`,
	}
	want := []struct {
		status    int
		duplicate bool
		field     string
	}{{202, false, ""}, {422, false, "type"}, {202, false, ""}, {422, false, "extra"}, {409, false, ""}, {202, true, ""}, {400, false, ""}}
	for name, c := range map[string]struct{ body, contentType string }{
		"list":  {"[" + strings.Join(events, ",\n ") + "]", "application/json"},
		"lines": {strings.Join(events, "\n\n") + "\r\n", "application/x-ndjson; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.webhook(t, b.contoso.ID, "https://a.example", unsent)
			var got api.Batch
			b.send(t, "POST", "/api/v1/events/batch", "platform-send", c.body, "Content-Type", c.contentType).want(200).into(&got)
			if got.Accepted != 3 || len(got.Results) != len(events) {
				t.Fatalf("answer: %+v", got)
			}
			for i, r := range got.Results {
				if r.Status != want[i].status || r.Duplicate != want[i].duplicate || (r.Problem == nil) != (r.Status == 202) {
					t.Errorf("event %d: %+v, want %+v", i, r, want[i])
				}
				if want[i].field != "" && (len(r.Problem.Errors) != 1 || r.Problem.Errors[0].Field != want[i].field) {
					t.Errorf("event %d: %+v", i, r.Problem)
				}
			}
			if got.Results[0].LabhookID != got.Results[5].LabhookID {
				t.Error("the event that was sent twice has two ids")
			}
			stored, err := b.store.EventNamed(t.Context(), got.Results[2].ID, 0)
			if err != nil {
				t.Fatal(err)
			}
			if string(stored.Data) != `{"type":"track.started",  "n": 1e3}` {
				t.Errorf("data were changed: %s", stored.Data)
			}
			page, err := b.store.ListEvents(t.Context(), engine.EventFilter{})
			if err != nil || len(page.Rows) != 2 {
				t.Errorf("%d events are stored, %v", len(page.Rows), err)
			}
		})
	}
}

// TestBatchKeepsOrder: the events of a batch are accepted in its order, which lanes keep.
func TestBatchKeepsOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf(`{"type": "lab.scored", "id": "e-%d", "data": {"Id": 5}}`, i))
	}
	var got api.Batch
	b.send(t, "POST", "/api/v1/events/batch", "platform", strings.Join(lines, "\n"), "Content-Type", "application/x-ndjson").want(200).into(&got)
	if got.Accepted != 1000 {
		t.Fatalf("%d were accepted", got.Accepted)
	}
	for i := 1; i < len(got.Results); i++ {
		if got.Results[i].LabhookID <= got.Results[i-1].LabhookID || got.Results[i].ID != fmt.Sprint("e-", i) {
			t.Fatalf("event %d is %+v after %+v", i, got.Results[i], got.Results[i-1])
		}
	}
}

// malformedBatches are refused as a whole.
func malformedBatches() []scenario {
	event := `{"type": "lab.scored", "data": {"Id": 1}}`
	batch := func(name, body string, status int, message string, headers ...string) scenario {
		return scenario{name: "batch " + name, method: "POST", path: "/api/v1/events/batch", key: "platform", body: body, headers: headers, status: status, message: message}
	}
	return []scenario{
		batch("that is empty", "[]", 400, "no events"),
		batch("that is null", " null\n", 400, "no events"),
		batch("that goes on", "["+event+"] x", 400, "not a batch"),
		batch("of nothing", "", 400, "not a batch"),
		batch("that is an object", event, 400, "one event a line"),
		batch("that is cut", "["+event, 400, "line 1"),
		batch("with a broken line", event+"\n{\n"+event, 400, "(line 2, column 1)", "Content-Type", "application/x-ndjson"),
		batch("of blank lines", "\n\n", 400, "no events", "Content-Type", "application/x-ndjson"),
		batch("of too many", "["+strings.Repeat(event+",", 1000)+event+"]", 413, "at most 1000"),
		batch("that is too long", "["+strings.Repeat(" ", 8<<20)+"]", 413, "bytes"),
		batch("of another type", event, 415, "application/json", "Content-Type", "text/csv"),
		batch("that is no UTF-8", "[\"\xff\"]", 400, "UTF-8"),
	}
}
