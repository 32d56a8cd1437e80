package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/views"
)

// maxNodes is how large a page may become, so that a slow machine shows it at once.
const maxNodes = 1500

// TestU5LabInstanceOfHundreds opens the pages of lab instances with hundreds of deliveries: spread over many events, and
// of one event alone.
func TestU5LabInstanceOfHundreds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	var hooks []engine.Webhook
	for i := range 100 {
		hooks = append(hooks, b.addWebhook(c.ID, fmt.Sprintf("Hook %d", i), func(w *engine.Webhook) { w.Blocking = i == 99 }))
	}
	several := func(hooks []engine.Webhook) func(e *engine.Event) []engine.Delivery {
		return func(e *engine.Event) (list []engine.Delivery) {
			for i := range hooks {
				list = append(list, engine.NewDelivery(e, &hooks[i], e.AcceptedAt))
			}
			return list
		}
	}
	var newest engine.Event
	for range 150 {
		newest = b.addEventFor(several(hooks[:3]), lab(1))
	}
	for range 3 {
		b.addEventFor(several(hooks), lab(2))
	}
	for subject, want := range map[string]string{"1": newest.ID.String(), "2": "88 more deliveries of this event"} {
		a := b.get(views.LabInstanceURL(subject))
		if n := a.doc.Find("*").Length(); a.status != http.StatusOK || n > maxNodes {
			t.Errorf("lab %s: status %d, %d nodes, at most %d", subject, a.status, n, maxNodes)
		} else {
			t.Logf("lab %s: %d nodes", subject, n)
		}
		if !strings.Contains(a.body, want) {
			t.Errorf("lab %s: the page lacks %s", subject, want)
		}
	}
	if a := b.get(views.LabInstanceURL("1")); !strings.Contains(a.text("#lab .notice"), "events are shown") || a.doc.Find(`#lab .notice a[href="/events?lab=1"]`).Length() != 1 {
		t.Errorf("the page does not say where the others are: %s", a.text("#lab .notice"))
	}
}
