package engine_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	data := func(text string) func(*engine.Event) {
		return func(e *engine.Event) { e.Data = json.RawMessage(text) }
	}
	const (
		badID    = "id: The id may have at most 64 letters, digits and . _ - :"
		badKey   = "Idempotency-Key: The key may have at most 200 visible ASCII characters"
		badTrace = "traceparent: This is no W3C trace context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		noData   = "data: Send the event's data as a JSON object"
		noObject = "data: Data must be a JSON object"
	)
	tests := map[string]struct {
		change func(*engine.Event)
		want   []string
	}{
		"no type":              {func(e *engine.Event) { e.Type = "" }, []string{"type: Name the event type, such as lab.scored"}},
		"unknown type":         {func(e *engine.Event) { e.Type = "lab.exploded" }, []string{`type: There is no event type "lab.exploded"; GET /api/v1/event-types lists them`}},
		"blank type":           {func(e *engine.Event) { e.Type = " " }, []string{`type: There is no event type " "; GET /api/v1/event-types lists them`}},
		"all types":            {func(e *engine.Event) { e.Type = "*" }, []string{`type: There is no event type "*"; GET /api/v1/event-types lists them`}},
		"id with a space":      {func(e *engine.Event) { e.SenderID = "a b" }, []string{badID}},
		"id with a slash":      {func(e *engine.Event) { e.SenderID = "a/b" }, []string{badID}},
		"id with a letter":     {func(e *engine.Event) { e.SenderID = "é" }, []string{badID}},
		"id too long":          {func(e *engine.Event) { e.SenderID = strings.Repeat("x", 65) }, []string{badID}},
		"id like ours":         {func(e *engine.Event) { e.SenderID = "evt_mine" }, []string{"id: The id must not start with evt_, which marks Labhook's own ids"}},
		"key too long":         {func(e *engine.Event) { e.IdempotencyKey = strings.Repeat("x", 201) }, []string{badKey}},
		"key with a space":     {func(e *engine.Event) { e.IdempotencyKey = "a b" }, []string{badKey}},
		"key with a break":     {func(e *engine.Event) { e.IdempotencyKey = "a\n" }, []string{badKey}},
		"key with a letter":    {func(e *engine.Event) { e.IdempotencyKey = "é" }, []string{badKey}},
		"subject too long":     {func(e *engine.Event) { e.Subject = strings.Repeat("x", 201) }, []string{"subject: Subject may have at most 200 characters, this one has 201"}},
		"subject of two lines": {func(e *engine.Event) { e.Subject = "a\nb" }, []string{"subject: Subject must be one line without tabs"}},
		"subject with NUL":     {func(e *engine.Event) { e.Subject = "a\x00" }, []string{"subject: Subject must not contain control characters"}},
		"subject not UTF-8":    {func(e *engine.Event) { e.Subject = "\xff" }, []string{"subject: Subject must be UTF-8 text"}},
		"trace of words":       {func(e *engine.Event) { e.TraceParent = "trace me" }, []string{badTrace}},
		"trace with a break": {
			func(e *engine.Event) {
				e.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nX: y"
			},
			[]string{badTrace},
		},
		"trace with end": {
			func(e *engine.Event) { e.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n" },
			[]string{badTrace},
		},
		"no data":           {data(""), []string{noData}},
		"blank data":        {data(" \n"), []string{noData}},
		"null data":         {data("null"), []string{noData}},
		"a list as data":    {data("[{}]"), []string{noObject}},
		"a text as data":    {data(`"{}"`), []string{noObject}},
		"a number as data":  {data("7"), []string{noObject}},
		"data end early":    {data(`{"Id":7`), []string{"data: Data is not JSON: unexpected end of JSON input (line 1, column 7)"}},
		"data go on":        {data(`{"Id":7} {}`), []string{"data: Data is not JSON: invalid character '{' after top-level value (line 1, column 10)"}},
		"a comma too many":  {data("{\"Id\":7,\n}"), []string{"data: Data is not JSON: invalid character '}' looking for beginning of object key string (line 2, column 1)"}},
		"data not UTF-8":    {data("{\"UserFirstName\":\"\xe9\"}"), []string{"data: Data must be UTF-8"}},
		"data too large":    {data(`{"X":"` + strings.Repeat("x", 256<<10-7) + `"}`), []string{"data: Data may have at most 262144 bytes, these are 262145"}},
		"a text as lab id":  {data(`{"Id":"7"}`), []string{"data.Id: Id must be a whole number or null"}},
		"a fraction as id":  {data(`{"UserId":1.5}`), []string{"data.UserId: UserId must be a whole number or null"}},
		"wrong in two ways": {data(`{"State":"Running","ExamPassed":"yes"}`), []string{"data.State: State must be a whole number or null", "data.ExamPassed: ExamPassed must be true or false or null"}},
		"wrong in all parts": {
			func(e *engine.Event) { *e = engine.Event{SenderID: "?", IdempotencyKey: " ", Subject: "\t"} },
			[]string{"type: Name the event type, such as lab.scored", badID, badKey, "subject: Subject must be one line without tabs", noData},
		},
	}
	for name, tt := range tests {
		e := enginetest.Event(tt.change)
		if diff := cmp.Diff(tt.want, problems(t, e.Prepare(engine.BuiltIn, noon))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPrepareAllows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*engine.Event){
		"as it is":        func(*engine.Event) {},
		"longest id":      func(e *engine.Event) { e.SenderID = strings.Repeat("x", engine.MaxSenderID) },
		"every character": func(e *engine.Event) { e.SenderID = "aZ09._-:" },
		"longest key":     func(e *engine.Event) { e.IdempotencyKey = strings.Repeat("~", engine.MaxIdempotencyKey) },
		"longest subject": func(e *engine.Event) { e.Subject = strings.Repeat("é", engine.MaxSubject) },
		"longest data": func(e *engine.Event) {
			e.Data = json.RawMessage(` {"X":"` + strings.Repeat("x", engine.MaxEventData-8) + `"} `)
		},
		"no fields": func(e *engine.Event) { e.Data = json.RawMessage(`{}`) },
		"trace":     func(e *engine.Event) { e.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
	} {
		e := enginetest.Event(change)
		if err := e.Prepare(engine.BuiltIn, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrepareFills(t *testing.T) {
	t.Parallel()
	now := noon.Add(123456789 * time.Nanosecond)
	e := enginetest.Event(func(e *engine.Event) {
		e.Type, e.Data = "first displayable", json.RawMessage("\n {\"Id\": 42, \"Extra\": 1.50} \t")
	})
	if err := e.Prepare(engine.BuiltIn, now); err != nil {
		t.Fatal(err)
	}
	ms := noon.Add(123 * time.Millisecond)
	if e.Type != engine.LabFirstDisplayable || e.Subject != "42" || !e.AcceptedAt.Equal(ms) || !e.OccurredAt.Equal(ms) {
		t.Errorf("type %q, subject %q, accepted %s, occurred %s", e.Type, e.Subject, e.AcceptedAt, e.OccurredAt)
	}
	if want := `{"Id": 42, "Extra": 1.50}`; string(e.Data) != want {
		t.Errorf("data %q, want %q", e.Data, want)
	}
	e = enginetest.Event(func(e *engine.Event) { e.Subject, e.OccurredAt = "mine", noon.Add(-time.Hour+time.Microsecond) })
	if err := e.Prepare(engine.BuiltIn, now); err != nil {
		t.Fatal(err)
	}
	if e.Subject != "mine" || !e.OccurredAt.Equal(noon.Add(-time.Hour)) {
		t.Errorf("subject %q, occurred %s", e.Subject, e.OccurredAt)
	}
}

func TestSameAs(t *testing.T) {
	t.Parallel()
	prepared := func(now time.Time, change func(*engine.Event)) *engine.Event {
		e := enginetest.Event(func(e *engine.Event) { e.SenderID, e.OccurredAt = "order-7", noon.Add(-time.Minute) }, change)
		if err := e.Prepare(engine.BuiltIn, now); err != nil {
			t.Fatal(err)
		}
		return &e
	}
	first := prepared(noon, func(*engine.Event) {})
	if again := prepared(noon.Add(time.Hour), func(e *engine.Event) { e.Source, e.SourceIP, e.IdempotencyKey = "another", "8.8.8.8", "k" }); !first.SameAs(again) {
		t.Error("the same event posted again by another key is taken for a different one")
	}
	for name, change := range map[string]func(*engine.Event){
		"id":       func(e *engine.Event) { e.SenderID = "order-8" },
		"type":     func(e *engine.Event) { e.Type = engine.LabScoring },
		"consumer": func(e *engine.Event) { e.ConsumerID = 7 },
		"subject":  func(e *engine.Event) { e.Subject = "lab 7" },
		"time":     func(e *engine.Event) { e.OccurredAt = e.OccurredAt.Add(time.Millisecond) },
		"no time":  func(e *engine.Event) { e.OccurredAt = time.Time{} },
		"data":     func(e *engine.Event) { e.Data = enginetest.LabData(998592322) },
		"spelling": func(e *engine.Event) { e.Data = json.RawMessage(studioSample) },
	} {
		if other := prepared(noon.Add(time.Hour), change); first.SameAs(other) || other.SameAs(first) {
			t.Errorf("an event with another %s is taken for the same", name)
		}
	}
	undated := func(e *engine.Event) { e.OccurredAt = time.Time{} }
	if !prepared(noon, undated).SameAs(prepared(noon.Add(time.Hour), undated)) {
		t.Error("an event without a time posted again is taken for a different one")
	}
	// A sender on the same host posts within the millisecond in which it happened.
	atOnce := func(e *engine.Event) { e.OccurredAt = noon }
	if !prepared(noon, atOnce).SameAs(prepared(noon.Add(time.Hour), atOnce)) {
		t.Error("an event that was accepted in the millisecond in which it happened is taken for a different one later")
	}
}

func TestPublicID(t *testing.T) {
	t.Parallel()
	e := engine.Event{ID: 1}
	if e.PublicID() != "evt_0000000000001" {
		t.Errorf("without a sender's id: %q", e.PublicID())
	}
	e.SenderID = "order-7"
	if e.PublicID() != "order-7" {
		t.Errorf("with a sender's id: %q", e.PublicID())
	}
}
