package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// labEvent returns a lab event whose data hold these fields beside Studio's.
func labEvent(fields string) *engine.Event {
	data := string(engine.SampleLabDetails().Body())
	if fields != "" {
		data = data[:len(data)-1] + "," + fields + "}"
	}
	return &engine.Event{
		ID: engine.NewID[engine.EventID](), SenderID: "sender-7", Type: engine.LabScored, Data: []byte(data),
		Subject: "998592321", OccurredAt: time.Date(2026, 11, 1, 8, 30, 0, 250e6, time.UTC),
	}
}

// courseEvent returns an event that is not about a lab.
func courseEvent(data string) *engine.Event {
	return &engine.Event{ID: engine.NewID[engine.EventID](), Type: "courseComplete", Data: []byte(data), Subject: "c-9"}
}

func TestReplaceTokens(t *testing.T) {
	t.Parallel()
	e := engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().With(map[string]any{"UserFirstName": "Zoë \"Z\""}).Body()}
	for text, want := range map[string]string{
		"":        "",
		"no @lab": "no @lab",
		"Hello @lab.User.FirstName @lab.User.LastName.":        `Hello Zoë "Z" User.`,
		"@lab.LabInstance.Id, @lab.LabInstance.GlobalId":       "998592321, lod998592321",
		"@lab.LabInstance.StartDate":                           "20221220",
		"@lab.LabProfile.Id/@lab.User.Id/@lab.User.ExternalId": "19376/5023932/Example.User",
		"[@lab.Tag]": "[]",
		"@lab.User.Email and @lab.Nonsense stay, @lab.User.Ids, too": "@lab.User.Email and @lab.Nonsense stay, @lab.User.Ids, too",
	} {
		if got := engine.ReplaceTokens(text, &e); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	long := engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().With(map[string]any{"CustomData": strings.Repeat("é\n", 5000)}).Body()}
	w := engine.Webhook{NotificationText: strings.Repeat("@lab.Tag ", engine.MaxNotificationText/9)}
	if got := w.Notification(&long); utf8.RuneCountInString(got) != engine.MaxNotificationText || strings.Contains(got, "\n") {
		t.Errorf("long values make a notification of %d characters", utf8.RuneCountInString(got))
	}
	other := engine.Event{Type: engine.SystemDeliveryFailed, Data: []byte(`{"Id":7}`)}
	if got := engine.ReplaceTokens("@lab.LabInstance.Id", &other); got != "@lab.LabInstance.Id" {
		t.Errorf("an event without lab details gave %q", got)
	}
}

func TestTokenValues(t *testing.T) {
	t.Parallel()
	lab := labEvent(`"UserEmail":"zoe@example.org","Tag":"blue","OrganizationId":4,"OrganizationName":"Contoso",
		"Variables":{"team":"red","a b":[1, 2]},"deep":{"list":[{"x":1.50},{"x":"two"}],"a-b":true,"0":"zero","nil":null}`)
	course := courseEvent(`{"user":{"id":"u-1"},"Id":5,"items":["a","b"]}`)
	for text, want := range map[string][2]string{ // of the lab event, and of the course event
		"@lab.User.Email":                         {"zoe@example.org", "@lab.User.Email"},
		"@lab.User.Organization.Id":               {"4", "@lab.User.Organization.Id"},
		"@lab.User.Organization.Name":             {"Contoso", "@lab.User.Organization.Name"},
		"@lab.Tag":                                {"blue", "@lab.Tag"},
		"@lab.Variable(team)":                     {"red", "@lab.Variable(team)"},
		"@lab.Variable(a b)":                      {"[1, 2]", "@lab.Variable(a b)"},
		"@lab.Variable(none)":                     {"@lab.Variable(none)", "@lab.Variable(none)"},
		"@lab.LabInstance.Id.json":                {"998592321.json", "@lab.LabInstance.Id.json"},
		"@lab.LabInstance.Id_@lab.User.Id":        {"998592321_5023932", "@lab.LabInstance.Id_@lab.User.Id"},
		"@lab.User.Id2":                           {"50239322", "@lab.User.Id2"},
		"@lab.User.FirstName@lab.User.LastName":   {"ExampleUser", "@lab.User.FirstName@lab.User.LastName"},
		"@lab.VirtualMachine(vm1).Username":       {"@lab.VirtualMachine(vm1).Username", "@lab.VirtualMachine(vm1).Username"},
		"ops@lab.example.com":                     {"ops@lab.example.com", "ops@lab.example.com"},
		"@event.Type":                             {engine.LabScored, "courseComplete"},
		"@event.Id":                               {"sender-7", course.ID.String()},
		"@event.Subject":                          {"998592321", "c-9"},
		"@event.Time":                             {"2026-11-01T08:30:00.25Z", "0001-01-01T00:00:00Z"},
		"@event.Type.json":                        {"lab.scored.json", "courseComplete.json"},
		"@event.Nothing":                          {"@event.Nothing", "@event.Nothing"},
		"@event.Data.Id":                          {"998592321", "5"},
		"@event.Data.user.id":                     {"@event.Data.user.id", "u-1"},
		"@event.Data.user.id.":                    {"@event.Data.user.id.", "u-1."},
		"@event.Data.user":                        {"@event.Data.user", `{"id":"u-1"}`},
		"@event.Data.items[1]":                    {"@event.Data.items[1]", "b"},
		"@event.Data.items.0":                     {"@event.Data.items.0", "a"},
		"@event.Data.items[2]":                    {"@event.Data.items[2]", "@event.Data.items[2]"},
		"@event.Data.items[-1]":                   {"@event.Data.items[-1]", "@event.Data.items[-1]"},
		"@event.Data.deep.list[0].x":              {"1.50", "@event.Data.deep.list[0].x"},
		"@event.Data.deep.list[1][x]":             {"two", "@event.Data.deep.list[1][x]"},
		"@event.Data.deep[a-b]":                   {"true", "@event.Data.deep[a-b]"},
		"@event.Data.deep[0]":                     {"zero", "@event.Data.deep[0]"},
		"(@event.Data.deep.nil)":                  {"()", "(@event.Data.deep.nil)"},
		"@event.Data.deep.list.x":                 {"@event.Data.deep.list.x", "@event.Data.deep.list.x"},
		"@event.Data.Id.x":                        {"@event.Data.Id.x", "@event.Data.Id.x"},
		"@event.Database":                         {"@event.Database", "@event.Database"},
		"{id} {userId}":                           {"{id} {userId}", "{id} {userId}"},
		"@event.Data.Tag and @lab.Variable(team]": {"blue and @lab.Variable(team]", "@event.Data.Tag and @lab.Variable(team]"},
	} {
		if got := [2]string{engine.ReplaceTokens(text, lab), engine.ReplaceTokens(text, course)}; got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := engine.ReplaceTokens("@event.Data", course); got != string(course.Data) {
		t.Errorf("all data became %q", got)
	}
	// What a sender leaves out of the lab details is null in the body, and empty here.
	bare := &engine.Event{Type: engine.LabProfileChanged, Data: []byte(`{"LabProfileId":7}`)}
	const text = "@lab.LabProfile.Id|@lab.User.Id|@lab.LabInstance.GlobalId|@lab.LabInstance.StartDate"
	if got := engine.ReplaceTokens(text, bare); got != "7||@lab.LabInstance.GlobalId|@lab.LabInstance.StartDate" {
		t.Errorf("without an instance it became %q", got)
	}
	for _, start := range []string{"-1", "9223372036854775807"} {
		odd := &engine.Event{Type: engine.LabScored, Data: []byte(`{"Start":` + start + `}`)}
		if got := engine.ReplaceTokens("@lab.LabInstance.StartDate", odd); got != "@lab.LabInstance.StartDate" {
			t.Errorf("a start at %s became %q", start, got)
		}
	}
}

func TestBracesOfEveryLabDetail(t *testing.T) {
	t.Parallel()
	kind, _ := engine.BuiltIn.Find(engine.LabScored)
	for _, f := range kind.Fields {
		camel := strings.ToLower(f.Name[:1]) + f.Name[1:]
		w := enginetest.Webhook(func(w *engine.Webhook) { w.URL = "https://hooks.example.com/{" + f.Name + "}/{" + camel + "}" })
		if unknown := w.UnknownTokens(); unknown != nil {
			t.Errorf("%q are unknown", unknown)
		}
		r, err := engine.Render(&w, labEvent(""), engine.Stamp{})
		if err != nil || r.Unfilled != nil || strings.Contains(r.URL.String(), "%7B") {
			t.Errorf("%s: %s, left %q, %v", f.Name, r.URL, r.Unfilled, err)
		}
	}
	if len(kind.Fields) != 25 {
		t.Errorf("%d lab details", len(kind.Fields))
	}
}

func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	everywhere := func(w *engine.Webhook) {
		w.URL = "https://hooks.example.com/{id}/{nonsense}/@lab.User.Id/{@lab.Activity(a)}?e={event}&w={webhookId}&x={@event.Data.x}&n={nonsense}&{}"
		w.Headers = []engine.Header{
			{Name: "X-A", Value: "@lab.User.Nickname {id}"}, {Name: "X-B", Value: "@event.Owner ops@lab.example.com", Sensitive: true},
		}
		w.SendLabDetails, w.Content = false, `{"a":"@lab.TextBox(1)","b":@event.Data.b,"c":"@lab.Tag"}`
		w.ErrorAction, w.NotificationText = engine.ErrorActionNotifyUser, "@lab.LanguageName of @lab.User.FirstName"
	}
	unknown := []string{"{nonsense}", "{@lab.Activity(a)}", "@lab.User.Nickname", "@event.Owner", "@lab.TextBox(1)", "@lab.LanguageName"}
	for name, tt := range map[string]struct {
		change func(*engine.Webhook)
		want   []string
	}{
		"none":       {func(*engine.Webhook) {}, nil},
		"everywhere": {everywhere, unknown},
		"all events": {func(w *engine.Webhook) { everywhere(w); w.Events = []string{engine.AllEvents} }, unknown},
		"no labs": {
			func(w *engine.Webhook) { everywhere(w); w.Events = []string{"courseComplete"} },
			[]string{
				"{id}", "{nonsense}", "@lab.User.Id", "{@lab.Activity(a)}", "@lab.User.Nickname", "@event.Owner", "@lab.TextBox(1)", "@lab.Tag",
				"@lab.LanguageName", "@lab.User.FirstName",
			},
		},
		"content that is not sent": {func(w *engine.Webhook) { w.Content = "@lab.Nonsense" }, nil},
		"verb without body":        {func(w *engine.Webhook) { w.Verb, w.SendLabDetails, w.Content = "GET", false, "@lab.Nonsense" }, nil},
		"text that is not used":    {func(w *engine.Webhook) { w.NotificationText = "@lab.Nonsense" }, nil},
	} {
		w := enginetest.Webhook(tt.change)
		if diff := cmp.Diff(tt.want, w.UnknownTokens()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "@lab.TextBox(%d)", i)
	}
	w := enginetest.Webhook(func(w *engine.Webhook) { w.SendLabDetails, w.Content = false, many.String() })
	if got := w.UnknownTokens(); len(got) != 50 {
		t.Errorf("%d tokens are listed", len(got))
	}
}
