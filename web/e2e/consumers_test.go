package e2e

import (
	"testing"

	"labhook/engine"
	"labhook/views"
)

// TestConsumerDeleteScreens asks for the name on each screen, and deletes the consumer on the last one.
func TestConsumerDeleteScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS for the whole of the organization and its partners")
	hook := s.addWebhook(t, c.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Delay, w.Events = "Reports", "http://127.0.0.1:1/", engine.MaxDelay, []string{engine.LabScored}
	})
	s.addWebhook(t, c.ID, func(w *engine.Webhook) { w.Name, w.Events = "Seats", []string{engine.LabPreBuild} })
	delivery := s.accept(t)
	for i, look := range screens {
		b := newTab(t, s, look)
		b.signIn()
		b.open(views.ConsumerDeleteURL(c.ID))
		b.check("consumer-delete")
		b.fill(map[string]string{"name": "Contoso"})
		b.follow("button.danger")
		b.until(`document.activeElement?.id === "error-summary"`)
		b.check("consumer-delete-problem")
		if i < len(screens)-1 {
			continue
		}
		b.fill(map[string]string{"name": c.Name})
		b.follow("button.danger")
		if got, want := b.text(".flash"), "API consumer "+c.Name+" was deleted."; got != want {
			t.Errorf("the next page says %q, want %q", got, want)
		}
		for name, path := range map[string]string{
			"consumer-deleted": views.ConsumerURL(c.ID), "delivery-consumer-deleted": views.DeliveryURL(delivery),
			"webhook-consumer-deleted": views.WebhookURL(hook.ID),
		} {
			b.open(path)
			b.check(name)
		}
	}
}
