package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// addEventType stores an event type of an administrator.
func (b *bundle) addEventType(code string) engine.EventType {
	b.t.Helper()
	t, err := b.store.CreateEventType(b.t.Context(), engine.System, engine.OwnEventType{
		Code: code, Label: "Label of " + code, Sample: `{"learner": "ada"}`, SubjectField: "learner",
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

func TestEventCatalog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	c := b.addConsumer("Contoso LMS")
	b.addWebhook(c.ID, "All", func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} })
	b.addWebhook(c.ID, "Two", func(w *engine.Webhook) { w.Events = []string{engine.LabScored, engine.SystemDeliveryFailed} })
	b.addWebhook(c.ID, "Off", func(w *engine.Webhook) { w.Events, w.Enabled = []string{engine.LabScored}, false })
	own := b.addEventType("badge.awarded")

	a := b.get(views.EventCatalogURL())
	var codes []string
	counts := map[string]string{}
	a.doc.Find("main tbody tr").Each(func(_ int, row *goquery.Selection) {
		code := row.Find("code").Text()
		codes = append(codes, code)
		counts[code] = row.Find(`[data-label="Webhooks listening"]`).Text()
	})
	var want []string
	for _, kind := range b.store.Directory().Catalog().All() {
		want = append(want, kind.Code)
	}
	if strings.Join(codes, " ") != strings.Join(want, " ") {
		t.Errorf("the rows are %q, want %q", codes, want)
	}
	for code, n := range map[string]string{
		engine.LabScored: "2", engine.LabSaved: "1", engine.CourseComplete: "1", own.Code: "1", engine.SystemDeliveryFailed: "1", engine.SystemWebhookPing: "0",
	} {
		if counts[code] != n {
			t.Errorf("%s: %q webhooks listen, want %s", code, counts[code], n)
		}
	}
	if got := a.doc.Find("#group-1-types tbody tr").First().Find("td").First().Text(); got != "1" {
		t.Errorf("the life cycle begins with %q", got)
	}
	if a.doc.Find(`a[href="`+views.NewEventTypeURL()+`"]`).Length() > 0 {
		t.Error("a viewer is offered to add an event type")
	}
	if b.get(views.AdminURL()).doc.Find(`.tile a[href="`+views.EventCatalogURL()+`"]`).Length() != 1 {
		t.Error("Site Administration does not lead to the catalog")
	}
}

func TestEventTypePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(c.ID, "Scores", func(w *engine.Webhook) { w.Events = []string{engine.LabScored} })
	accepted, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.TrackStarted, Data: []byte(`{"participant_id": "p1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range b.store.Directory().Catalog().All() {
		a := b.get(views.EventTypeURL(kind.Code))
		if a.status != http.StatusOK || !strings.HasPrefix(a.text("h1"), kind.Label) || !strings.Contains(a.text("main"), kind.Description) {
			t.Errorf("%s: status %d, %q", kind.Code, a.status, a.text("h1"))
		}
		if n := a.doc.Find("#field-table tbody tr").Length(); n != len(kind.Fields) {
			t.Errorf("%s: %d fields, want %d", kind.Code, n, len(kind.Fields))
		}
		if n := a.doc.Find("pre").Length(); n != max(1, len(kind.Statuses)) {
			t.Errorf("%s: %d examples", kind.Code, n)
		}
		if kind.Proposal != "" && !strings.Contains(a.text("main"), kind.Proposal) {
			t.Errorf("%s does not say what of it is Labhook's own", kind.Code)
		}
		if (a.doc.Find("#states").Length() == 1) != kind.LabDetails {
			t.Errorf("%s: numbers of State", kind.Code)
		}
	}

	scored := b.get(views.EventTypeURL(engine.LabScored))
	if scored.doc.Find(`main a[href="`+views.WebhookURL(hook.ID)+`"]`).Length() != 1 {
		t.Error("the page does not name the webhook that listens")
	}
	if !strings.Contains(scored.text("main"), "20Running") || !strings.Contains(scored.text("main"), "4Complete") {
		t.Error("the page lacks the numbers of State and CompletionStatus")
	}
	track := b.get(views.EventTypeURL(engine.TrackStarted))
	if track.doc.Find(`main a[href="`+views.EventURL(accepted.Event.ID)+`"]`).Length() != 1 {
		t.Error("the page lacks the recent event")
	}
	if b.get(views.EventURL(accepted.Event.ID)).doc.Find(`a[href="`+views.EventTypeURL(engine.TrackStarted)+`"]`).Length() != 1 {
		t.Error("the event's page does not lead to the catalog")
	}
	if a := b.get(views.EventTypeURL("first displayable")); a.header.Get("Location") != views.EventTypeURL(engine.LabFirstDisplayable) {
		t.Errorf("a label leads to %q, status %d", a.header.Get("Location"), a.status)
	}
	if a := b.get(views.EventTypeURL("lab.exploded")); a.status != http.StatusNotFound {
		t.Errorf("no such event type: status %d", a.status)
	}
}

// TestAddWebhookForEvent asks for the consumer, and the form begins with the event.
func TestAddWebhookForEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	page := views.EventTypeURL(engine.TMSClassChanged)
	if a := b.get(page); !strings.Contains(a.text("main"), "There is no API consumer yet") || a.doc.Find(`main a[href="`+views.NewConsumerURL()+`"]`).Length() != 1 {
		t.Error("without consumers the page does not say how to make one")
	}
	c := b.addConsumer("Contoso LMS")
	if got := b.get(page).text("#consumer option"); got != "Contoso LMS" {
		t.Errorf("the page offers %q", got)
	}
	a := b.get(views.EventTypeWebhookURL(engine.TMSClassChanged) + "?consumer=" + c.ID.String())
	form := b.get(a.header.Get("Location"))
	if got, _ := form.doc.Find(`input[name="events"][checked]`).Attr("value"); got != engine.TMSClassChanged || form.doc.Find(`input[name="events"][checked]`).Length() != 1 {
		t.Errorf("%s: the form begins with %q", a.header.Get("Location"), got)
	}
	if a := b.get(views.EventTypeWebhookURL(engine.TMSClassChanged) + "?consumer=nobody"); a.status != http.StatusNotFound {
		t.Errorf("no such consumer: status %d", a.status)
	}
	for range selectable {
		b.addConsumer("One of many")
	}
	if a := b.get(page); a.doc.Find("#consumer").Length() > 0 || a.doc.Find(`#add + p a[href="`+views.ConsumersURL()+`"]`).Length() != 1 {
		t.Error("with many consumers the page does not lead to their list")
	}
}

func TestEventTypeForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	form := url.Values{
		"code": {"badge.awarded"}, "label": {"Badge awarded"}, "description": {"A learner was\r\ngiven a badge."},
		"sample": {"{\r\n  \"learner\": \"ada\",\r\n  \"points\": 3.50\r\n}"}, "subject_field": {"learner"},
		"schema": {`{"required": ["learner"], "properties": {"points": {"minimum": 1}}}`},
	}
	a := b.post(views.NewEventTypeURL(), form)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != views.EventTypeURL("badge.awarded") {
		t.Fatalf("create: status %d, %s", a.status, a.text("#error-summary"))
	}
	page := b.get(a.header.Get("Location"))
	for _, want := range []string{"Event type Badge awarded was added.", "given a badge.", "The field learner, unless the sender", `"points": 3.50`, `"minimum": 1`, "Person developer", "pointsnumber"} {
		if !strings.Contains(page.text("main"), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.text("main"))
		}
	}
	if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: "badge awarded", Data: []byte(`{"learner": "bob", "points": 0}`)}); problemsOf(err) == nil {
		t.Errorf("an event against the schema: %v", err)
	}

	edit := b.get(views.EventTypeEditURL("badge.awarded"))
	if code := edit.doc.Find("#code"); code.AttrOr("value", "") != "badge.awarded" || code.AttrOr("readonly", "none") == "none" {
		t.Error("the code is not shown, or can be changed")
	}
	if got := strings.TrimPrefix(edit.doc.Find("#sample").Text(), "\n"); got != strings.ReplaceAll(form.Get("sample"), "\r", "") {
		t.Errorf("the sample is %q in the form", got)
	}
	form = formValues(t, edit, views.EventTypeEditURL("badge.awarded"))
	form.Set("code", "other.code") // cannot be changed by hand either
	form.Set("label", "Badge given")
	form.Set("schema", "")
	if a := b.post(views.EventTypeEditURL("badge.awarded"), form); a.status != http.StatusSeeOther {
		t.Errorf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
	if kind, ok := b.store.Directory().Catalog().Find("badge given"); !ok || kind.Code != "badge.awarded" || kind.Schema != nil || kind.UpdatedBy != "Person developer" {
		t.Errorf("saved: %+v", kind)
	}

	if got := b.get(views.EventTypeDeleteURL("badge.awarded")).text("h1"); got != "Delete event type" {
		t.Errorf("the page that asks is %q", got)
	}
	hook := b.addWebhook(b.addConsumer("Contoso LMS").ID, "Badges", func(w *engine.Webhook) { w.Events = []string{"badge.awarded"} })
	if a := b.post(views.EventTypeDeleteURL("badge.awarded"), nil); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text("main"), "The webhook Badges of Contoso LMS listens to it") {
		t.Errorf("delete in use: status %d, %s", a.status, a.text("main"))
	}
	if err := b.store.DeleteWebhook(t.Context(), engine.System, hook.ID); err != nil {
		t.Fatal(err)
	}
	if a := b.post(views.EventTypeDeleteURL("badge.awarded"), nil); a.status != http.StatusSeeOther {
		t.Errorf("delete: status %d", a.status)
	}
	if got := b.get(views.EventCatalogURL()).text(".flash"); got != "Event type Badge given was deleted." {
		t.Errorf("flash %q", got)
	}
	for _, path := range []string{views.EventTypeEditURL(engine.LabScored), views.EventTypeDeleteURL(engine.LabScored), views.EventTypeEditURL("badge.awarded")} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
}

func TestEventTypeFormKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	b.addEventType("badge.awarded")
	form := url.Values{
		"code": {"badge.awarded"}, "label": {"Scored"}, "sample": {`{"learner": 1, "<b>": 2}`}, "subject_field": {"nobody"},
		"schema": {`{"properties": {"learner": {"type": "string"}}}`},
	}
	for _, path := range []string{views.NewEventTypeURL(), views.EventTypeEditURL("badge.awarded")} {
		a := b.post(path, form)
		if a.status != http.StatusUnprocessableEntity || !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("%s: status %d, title %q", path, a.status, a.text("title"))
		}
		for _, field := range []string{"label", "subject_field"} {
			if got, _ := a.doc.Find("#" + field).Attr("value"); got != form.Get(field) {
				t.Errorf("%s: %s became %q", path, field, got)
			}
		}
		if got := strings.TrimPrefix(a.doc.Find("#sample").Text(), "\n"); got != form.Get("sample") {
			t.Errorf("%s: the sample became %q", path, got)
		}
		a.doc.Find("#error-summary a").Each(func(_ int, s *goquery.Selection) {
			if a.doc.Find(s.AttrOr("href", "#none")).AttrOr("aria-invalid", "") != "true" {
				t.Errorf("%s: %q leads to no field in error", path, s.Text())
			}
		})
		if got := a.text("#sample-problem"); got != "Error: learner: Got number, want string (rule /properties/learner/type)" {
			t.Errorf("%s: the sample's message is %q", path, got)
		}
	}
}

// The catalog counts what came in the last 24 hours, and leads to it.
func TestCatalogCountsTheLastDay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	for range 3 {
		b.addEvent(ofType(engine.LabScored))
	}
	page := b.get(views.EventCatalogURL())
	links := page.doc.Find("td[data-label='Last 24 hours'] a")
	if to := links.AttrOr("href", ""); links.Length() != 1 || links.Text() != "3" || to != views.EventsURL("event", engine.LabScored, "since", "24h") {
		t.Errorf("%d links, %q to %s", links.Length(), links.Text(), to)
	}
	if got := b.get(views.EventTypeURL(engine.LabScored)).fact("Last 24 hours"); got != "3 accepted" {
		t.Errorf("the page of the type says %q", got)
	}
}
