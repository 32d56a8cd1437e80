package e2e

import (
	"testing"

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
