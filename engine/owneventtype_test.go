package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestOwnEventType(t *testing.T) {
	t.Parallel()
	kind, err := badge().EventType(engine.BuiltIn)
	if err != nil {
		t.Fatal(err)
	}
	if !kind.Own() || !kind.Sendable() || kind.LabDetails || kind.Place != 0 || kind.Schema.Text() == "" {
		t.Errorf("%+v", kind)
	}
	want := []engine.Field{
		{Name: "learner", Type: "string"},
		{Name: "badge.id", Type: "integer"},
		{Name: "badge.name", Type: "string"},
		{Name: "points", Type: "array"},
		{Name: "points[]", Type: "integer"},
	}
	if diff := cmp.Diff(want, kind.Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	entered := kind.Entered()
	entered.Schema = badge().Schema // without the spaces around it, which do not count
	if diff := cmp.Diff(badge(), entered); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwnEventTypeRefuses(t *testing.T) {
	t.Parallel()
	other, err := badge(func(o *engine.OwnEventType) { o.Code, o.Label = "badge.revoked", "Badge revoked" }).EventType(engine.BuiltIn)
	if err != nil {
		t.Fatal(err)
	}
	catalog := engine.BuiltIn.With([]engine.EventType{other})
	for name, tt := range map[string]struct {
		change func(*engine.OwnEventType)
		want   []string
	}{
		"nothing": {func(o *engine.OwnEventType) { *o = engine.OwnEventType{} }, []string{
			"code: Enter a code, such as badge.awarded", "label: Enter a name", "sample: Enter example data, a JSON object",
		}},
		"itself":       {func(o *engine.OwnEventType) { o.Code, o.Label = other.Code, other.Label }, nil},
		"letters":      {func(o *engine.OwnEventType) { o.Code = "badge awarded" }, []string{"code: The code may have at most 100 letters, digits and . _ -, and must have one of the first two"}},
		"steps":        {func(o *engine.OwnEventType) { o.Code = ".." }, []string{"code: The code may have at most 100 letters, digits and . _ -, and must have one of the first two"}},
		"all":          {func(o *engine.OwnEventType) { o.Code = "*" }, []string{"code: The code may have at most 100 letters, digits and . _ -, and must have one of the first two"}},
		"long code":    {func(o *engine.OwnEventType) { o.Code = strings.Repeat("x", 101) }, []string{"code: The code may have at most 100 letters, digits and . _ -, and must have one of the first two"}},
		"longest code": {func(o *engine.OwnEventType) { o.Code = strings.Repeat("x", 100) }, nil},
		"reserved": {func(o *engine.OwnEventType) { o.Code = "Webhook.mine" }, []string{
			"code: The code must not start with lab. or webhook. or delivery., which Labhook keeps for its own events",
		}},
		"built-in code":  {func(o *engine.OwnEventType) { o.Code = "coursecomplete" }, []string{`code: Another event type goes by the name "coursecomplete"`}},
		"built-in label": {func(o *engine.OwnEventType) { o.Label = "first displayable" }, []string{`label: Another event type goes by the name "first displayable"`}},
		"other's label":  {func(o *engine.OwnEventType) { o.Label = "Badge Revoked" }, []string{`label: Another event type goes by the name "Badge Revoked"`}},
		"other's code":   {func(o *engine.OwnEventType) { o.Label = "BADGE.revoked" }, []string{`label: Another event type goes by the name "BADGE.revoked"`}},
		"long label":     {func(o *engine.OwnEventType) { o.Label = strings.Repeat("é", 101) }, []string{"label: Name may have at most 100 characters, this one has 101"}},
		"list":           {func(o *engine.OwnEventType) { o.Sample, o.SubjectField = "[1]", "" }, []string{"sample: The sample must be a JSON object"}},
		"no JSON":        {func(o *engine.OwnEventType) { o.Sample = "{" }, []string{"sample: The sample is not JSON: unexpected end of JSON input (line 1, column 1)"}},
		"long sample": {func(o *engine.OwnEventType) { o.Sample = `{"a":"` + strings.Repeat("x", engine.MaxEventSample) + `"}` }, []string{
			"sample: The sample may have at most 65536 bytes, this one has 65544",
		}},
		"no such subject": {func(o *engine.OwnEventType) { o.SubjectField = "badge" }, []string{`subject_field: The sample has no field "badge" that is a text or a number`}},
		"sample against schema": {func(o *engine.OwnEventType) { o.Sample = `{"learner": "ADA"}` }, []string{
			"sample.learner: 'ADA' does not match pattern '^[a-z]+$' (rule /properties/learner/pattern)",
		}},
		"schema": {func(o *engine.OwnEventType) { o.Schema = `{"type": 7}` }, []string{
			"schema: This is no JSON Schema: type: This fits none of the alternatives (rule /properties/type/anyOf)",
		}},
		"blank schema": {func(o *engine.OwnEventType) { o.Schema = " \n" }, nil},
	} {
		o := badge(tt.change)
		_, err := o.EventType(catalog)
		if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestOwnEventTypeIsPosted: it is found by its names, its data say what it is about, and all events include it.
func TestOwnEventTypeIsPosted(t *testing.T) {
	t.Parallel()
	kind, err := badge().EventType(engine.BuiltIn)
	if err != nil {
		t.Fatal(err)
	}
	d := engine.NewDirectory().WithEventTypes([]engine.EventType{kind})
	consumer := enginetest.Consumer()
	c, w := &consumer, enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID, w.Events = consumer.ID, []string{engine.AllEvents} })
	for _, dir := range []*engine.Directory{d, d.With(c, nil), d.With(c, nil).Without(c.ID)} {
		e := engine.Event{Type: "BADGE AWARDED", Data: kind.Sample()}
		if err := e.Prepare(dir.Catalog(), noon); err != nil {
			t.Fatal(err)
		}
		if e.Type != "badge.awarded" || e.Subject != "ada" {
			t.Errorf("%+v", e)
		}
	}
	e := engine.Event{Type: "badge.awarded", Data: kind.Sample()}
	if got := d.With(c, []*engine.Webhook{&w}).Match(&e, noon); len(got) != 1 {
		t.Errorf("a webhook that listens to all events hears of it %d times", len(got))
	}
	if err := e.Prepare(engine.BuiltIn, noon); err == nil {
		t.Error("it is known where it was not added")
	}
	groups := d.Catalog().Groups()
	if n := len(groups); groups[n-2] != engine.GroupOwn || groups[n-1] != engine.GroupSystem {
		t.Errorf("groups %q", groups)
	}
	if again := d.WithEventTypes(nil).Catalog(); len(again.All()) != len(engine.BuiltIn.All()) {
		t.Errorf("%d event types without own ones", len(again.All()))
	}
}

// TestCatalogPrefersBuiltIn: an own type that a later Labhook brings gives way to that.
func TestCatalogPrefersBuiltIn(t *testing.T) {
	t.Parallel()
	catalog := engine.BuiltIn.With([]engine.EventType{
		{Code: "z.last", Label: "Last", Group: engine.GroupOwn},
		{Code: engine.CourseComplete, Label: "Mine", Group: engine.GroupOwn},
		{Code: "mine", Label: "Scored", Group: engine.GroupOwn},
		{Code: "a.first", Label: "First", Group: engine.GroupOwn},
	})
	if diff := cmp.Diff([]string{"a.first", "z.last"}, codesOf(catalog.InGroup(engine.GroupOwn))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if kind, _ := catalog.Find("scored"); kind.Code != engine.LabScored {
		t.Errorf("Scored is %s", kind.Code)
	}
}

// TestSubjects: what the data say an event is about.
func TestSubjects(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"participant_id": "tncb0s7cdkyu"}`:                     "tncb0s7cdkyu",
		`{"participant_id": 42}`:                                 "42",
		`{"participant_id": 12345678901234567890}`:               "12345678901234567890",
		`{"participant_id": "a\u00e9 b"}`:                        "aé b",
		`{"participant_id": null}`:                               "",
		`{"participant_id": ""}`:                                 "",
		`{"participant_id": true}`:                               "",
		`{"participant_id": {"id": 1}}`:                          "",
		`{"participant_id": "a\nb"}`:                             "",
		`{"participant_id": "a\u0000"}`:                          "",
		`{"participant_id": "` + strings.Repeat("x", 201) + `"}`: "",
		`{"participant_id": "` + strings.Repeat("x", 200) + `"}`: strings.Repeat("x", 200),
		`{"Participant_id": "other"}`:                            "",
		`{"user": {"participant_id": "within"}}`:                 "",
		`{}`:                                                     "",
	} {
		e := engine.Event{Type: engine.TrackStarted, Data: []byte(data)}
		if err := e.Prepare(engine.BuiltIn, noon); err != nil || e.Subject != want {
			t.Errorf("%s: %q, %v", data, e.Subject, err)
		}
		e = engine.Event{Type: engine.TrackStarted, Subject: "given", Data: []byte(data)}
		if err := e.Prepare(engine.BuiltIn, noon); err != nil || e.Subject != "given" {
			t.Errorf("%s: %q, %v", data, e.Subject, err)
		}
		e = engine.Event{Type: engine.InviteClaimed, Data: []byte(data)}
		if err := e.Prepare(engine.BuiltIn, noon); err != nil || e.Subject != "" {
			t.Errorf("%s: invite about %q, %v", data, e.Subject, err)
		}
	}
}
