package db

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"labhook/engine"
)

// badge is an event type as an administrator enters it.
func badge() engine.OwnEventType {
	return engine.OwnEventType{
		Code: "badge.awarded", Label: "Badge awarded", Description: "A learner was given a badge.", SubjectField: "learner",
		Sample: `{"learner": "ada", "points": 3.50}`, Schema: `{"required": ["learner"], "properties": {"points": {"type": "number"}}}`,
	}
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{Store: open(t, Options{Dir: dir})}
	made, err := b.CreateEventType(t.Context(), dana, badge())
	must(t, err)
	if diff := cmp.Diff(badge(), made.Entered()); diff != "" || made.CreatedBy != dana.Name || made.CreatedAt.IsZero() || made.UpdatedAt != made.CreatedAt {
		t.Errorf("created %+v (-want +got):\n%s", made, diff)
	}
	for name, change := range map[string]func(*engine.OwnEventType){
		"code":   func(o *engine.OwnEventType) { o.Label = "Another" },
		"label":  func(o *engine.OwnEventType) { o.Code = "another" },
		"schema": func(o *engine.OwnEventType) { o.Code, o.Label, o.Schema = "another", "Another", "{" },
	} {
		o := badge()
		change(&o)
		_, err := b.CreateEventType(t.Context(), dana, o)
		checkInvalid(t, err, name)
	}

	o := badge()
	o.Label, o.Schema, o.SubjectField = "Badge given", "", ""
	changed, err := b.UpdateEventType(t.Context(), engine.Actor{Name: "Robin"}, o)
	must(t, err)
	if changed.Label != "Badge given" || changed.Schema != nil || changed.CreatedBy != dana.Name || changed.UpdatedBy != "Robin" {
		t.Errorf("changed %+v", changed)
	}
	audit, err := b.ListAudit(t.Context(), 1)
	must(t, err)
	want := "label: \"Badge awarded\" → \"Badge given\"\n" +
		`schema: "{\"required\": [\"learner\"], \"properties\": {\"points\": {\"type\": \"number\"}}}" → ""` + "\nsubject_field: \"learner\" → \"\""
	if audit[0].Action != "event_type.update" || audit[0].Object != "badge.awarded" || audit[0].Detail != want {
		t.Errorf("audit %+v", audit[0])
	}
	for _, code := range []string{"nothing", engine.LabScored, "Badge given"} {
		o.Code = code
		if _, err := b.UpdateEventType(t.Context(), dana, o); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("update of %s: %v", code, err)
		}
		if err := b.DeleteEventType(t.Context(), dana, code); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("deletion of %s: %v", code, err)
		}
	}

	// It is the same after a restart.
	must(t, b.Close())
	b.Store = open(t, Options{Dir: dir})
	found, ok := b.Directory().Catalog().Find("badge given")
	if diff := cmp.Diff(changed, found, cmpopts.EquateApproxTime(time.Millisecond), cmpopts.IgnoreUnexported(engine.Schema{})); diff != "" || !ok {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// TestEventTypesInUse: what a webhook names stays, and what is deleted leaves its events.
func TestEventTypesInUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.CreateEventType(t.Context(), dana, badge())
	must(t, err)
	w := engine.NewWebhook(b.consumer.ID)
	w.Name, w.URL, w.Events = "Badges", "https://hooks.example.com/badges", []string{"badge.awarded"}
	w, err = b.CreateWebhook(t.Context(), dana, w)
	must(t, err)
	_, err = b.SetWebhookEnabled(t.Context(), dana, w.ID, false)
	must(t, err)
	err = b.DeleteEventType(t.Context(), dana, "badge.awarded")
	checkInvalid(t, err, "code")

	must(t, b.DeleteWebhook(t.Context(), dana, w.ID))
	e := newEvent()
	e.Type = "badge.awarded"
	_, err = insertAll(b, e, nil)
	must(t, err)
	must(t, b.DeleteEventType(t.Context(), dana, "badge.awarded"))
	if _, ok := b.Directory().Catalog().Find("badge.awarded"); ok {
		t.Error("it is still there")
	}
	page, err := b.ListEvents(t.Context(), engine.EventFilter{Type: "badge.awarded"})
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("%d events of it are left, %v", len(page.Rows), err)
	}
	_, err = b.CreateWebhook(t.Context(), dana, w)
	checkInvalid(t, err, "events")
	// Deleting one again, or creating it again, is about another one.
	if err := b.DeleteEventType(t.Context(), dana, "badge.awarded"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	_, err = b.CreateEventType(t.Context(), dana, badge())
	must(t, err)
}

// TestEventTypesSurvive: changes of consumers and webhooks keep the catalog.
func TestEventTypesSurvive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range engine.MaxOwnEventTypes {
		o := badge()
		o.Code, o.Label = fmt.Sprintf("own.%03d", i), fmt.Sprintf("Own %03d", i)
		_, err := b.CreateEventType(t.Context(), dana, o)
		must(t, err)
	}
	b.newWebhook(t, b.newConsumer(t, "Another").ID, "New")
	must(t, b.DeleteWebhook(t.Context(), dana, b.webhook.ID))
	if n := len(b.Directory().Catalog().InGroup(engine.GroupOwn)); n != engine.MaxOwnEventTypes {
		t.Errorf("%d own event types", n)
	}
	_, err := b.CreateEventType(t.Context(), dana, badge())
	checkInvalid(t, err, "code")
}

// TestEventTypeThatALaterLabhookRefuses still has its names, so that webhooks which name it stay right.
func TestEventTypeThatALaterLabhookRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{Store: open(t, Options{Dir: dir})}
	must(t, b.writer.do(t.Context(), func(tx *tx) error {
		return tx.exec(`INSERT INTO event_types (` + eventTypeColumns + `) VALUES
			('old', 'Old', '', '{"a": 1}', '{"type": "nothing"}', 'a', 1, 'x', 1, 'x'),
			('mine', 'Scored', '', '{"a": 1}', '', '', 1, 'x', 1, 'x')`)
	}))
	must(t, b.Close())
	b.Store = open(t, Options{Dir: dir})
	old, ok := b.Directory().Catalog().Find("old")
	if !ok || old.Label != "Old" || string(old.Sample()) != `{"a": 1}` || old.Schema != nil {
		t.Errorf("%t, %+v", ok, old)
	}
	if kind, _ := b.Directory().Catalog().Find("scored"); kind.Code != engine.LabScored {
		t.Errorf("Scored is %s", kind.Code)
	}
}
