package views

import (
	"strings"
	"testing"

	"labhook/engine"
)

// TestEventTypeLane says of each kind of event type what it is about.
func TestEventTypeLane(t *testing.T) {
	t.Parallel()
	p := Page{Catalog: engine.BuiltIn}
	for code, want := range map[string][2]string{
		engine.LabTornDown:          {"11 of 17", "The lab instance: Id of the lab details. Events about the same wait behind a blocking webhook."},
		engine.LabAssignmentCreated: {"Outside: it may happen at any time", "The lab instance where Id names one, or what the sender names."},
		engine.TrackStarted:         {"", "The field participant_id, unless the sender names something else."},
		engine.CourseComplete:       {"", "What the sender names."},
		engine.SystemWebhookPing:    {"", "System events wait behind nothing, and hold nothing."},
	} {
		kind, _ := engine.BuiltIn.Find(code)
		d := EventTypeDetail{Page: p, Type: kind}
		if d.place() != want[0] || !strings.HasPrefix(d.lane(), want[1]) {
			t.Errorf("%s: %q, %q", code, d.place(), d.lane())
		}
	}
}

// TestEventTypeForm: a new event type is posted beside the catalog, in which its code could be any word.
func TestEventTypeForm(t *testing.T) {
	t.Parallel()
	f := EventTypeForm{New: true, Entered: engine.OwnEventType{Code: "new"}}
	if f.action() != NewEventTypeURL() || f.cancel() != EventCatalogURL() {
		t.Errorf("%s, %s", f.action(), f.cancel())
	}
	if f.New = false; f.action() != "/admin/integration/event-catalog/new/edit" || f.cancel() != "/admin/integration/event-catalog/new" {
		t.Errorf("%s, %s", f.action(), f.cancel())
	}
}

func TestBreakable(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"lab.first_displayable": "lab.<wbr>first_<wbr>displayable", "courseComplete": "courseComplete", "": "", "<b>.&": "&lt;b&gt;.<wbr>&amp;",
	} {
		var html strings.Builder
		if err := breakable(code).Render(t.Context(), &html); err != nil {
			t.Fatal(err)
		}
		if got := html.String(); got != `<code class="name">`+want+`</code>` {
			t.Errorf("%q: %s", code, got)
		}
	}
}
