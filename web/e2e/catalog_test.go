package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// badge is an event type of an administrator, with names that have to wrap on a telephone.
var badge = engine.OwnEventType{
	Code: "badge.awarded_to_a_learner_by_the_certification_service", Label: "Badge awarded", SubjectField: "learner",
	Description: "A learner was given a badge.\nIt is sent once for each badge.",
	Sample:      `{"learner": "ada", "badge": {"id": 7, "name": "Networks", "url": "https://badges.example.com/networks/2027/a-rather-long-address"}}`,
	Schema:      `{"type": "object", "required": ["learner"], "properties": {"badge": {"properties": {"id": {"type": "integer"}}}}}`,
}

func TestEventCatalogScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	empty := newTab(t, s, screens[2])
	empty.signIn()
	empty.open(views.EventTypeURL(engine.InviteClaimed))
	empty.check("event-type-empty")
	c := s.addConsumer(t, "Contoso LMS")
	s.addConsumer(t, "Fabrikam Training")
	s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events = "Reports", enginetest.NewReceiver(t, "200").URL, []string{engine.AllEvents}
	})
	own, err := s.store.CreateEventType(t.Context(), engine.Actor{Name: "Dana Ortiz"}, badge)
	if err != nil {
		t.Fatal(err)
	}
	s.postLab(t, engine.LabTornDown)
	e := enginetest.Event(func(e *engine.Event) {
		e.Type, e.Data = engine.TrackStarted, []byte(`{"participant_id": "tncb0s7cdkyu"}`)
	})
	accepted, err := s.engine.Accept(t.Context(), &e)
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range screens {
		t.Run(look.String(), func(t *testing.T) {
			t.Parallel()
			b := newTab(t, s, look)
			b.signIn()
			for name, path := range map[string]string{
				"event-catalog": views.EventCatalogURL(), "event-type-class": views.EventTypeURL(engine.TMSClassChanged),
				"event-type-track": views.EventTypeURL(engine.TrackStarted), "event-type-own": views.EventTypeURL(own.Code),
				"event-type-edit": views.EventTypeEditURL(own.Code), "event-type-delete": views.EventTypeDeleteURL(own.Code),
				"event-track": views.EventURL(accepted.Event.ID), "subject-track": views.LabInstanceURL("tncb0s7cdkyu"),
				"api-reference": views.APIReferenceURL(),
			} {
				b.open(path)
				b.check(name)
			}
			b.open(views.EventTypeURL(engine.LabTornDown))
			b.do(chromedp.Click(chromedp.CSS("#states summary")), chromedp.Click(chromedp.CSS("#completion summary")))
			b.check("event-type-lab")
			b.open(views.NewEventTypeURL())
			b.fill(map[string]string{"code": "lab.mine", "label": "Scored", "sample": `{"a": "b"}`, "schema": `{"properties": {"a": {"type": "integer"}}}`})
			b.follow(".actions button[type=submit]")
			b.until(`document.activeElement?.id === "error-summary"`)
			b.check("event-type-problem")
		})
	}
}

// TestEventTypeJourney goes from the tile to a webhook for an event type that did not exist before.
func TestEventTypeJourney(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	b.signIn()
	b.follow(`.tile a[href="` + views.EventCatalogURL() + `"]`)
	b.follow(`a[href="` + views.NewEventTypeURL() + `"]`)
	b.fill(map[string]string{"code": "badge.awarded", "label": "Badge awarded", "sample": `{"learner": "ada"}`, "subject_field": "learner"})
	b.follow(".actions button[type=submit]")
	if got := b.text(".flash"); got != "Event type Badge awarded was added." {
		t.Fatalf("the page says %q", got)
	}
	b.follow(`form[action$="/webhook"] button`)
	if !evaluate[bool](b, `document.getElementById("event-badge.awarded").checked`) {
		t.Error("the webhook's form does not begin with the event type")
	}
	b.fill(map[string]string{"name": "Badges", "url": enginetest.NewReceiver(t, "200").URL})
	b.follow(".actions button[type=submit]")
	hooks := s.store.Directory().Webhooks(c.ID)
	if len(hooks) != 1 || len(hooks[0].Events) != 1 || hooks[0].Events[0] != "badge.awarded" {
		t.Fatalf("stored %+v", hooks)
	}
	b.open(views.EventTypeDeleteURL("badge.awarded"))
	b.follow(".actions button[type=submit]")
	b.check("event-type-in-use")
	if got := b.text(".notice.error:not(#stale)"); got != "The webhook Badges of Contoso LMS listens to it: change or delete that first." {
		t.Errorf("the page says %q", got)
	}
}
