package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// addConsumer stores an API consumer.
func (s *site) addConsumer(t *testing.T, name string) engine.APIConsumer {
	t.Helper()
	c, err := s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: name, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// addWebhook stores a webhook that is right, with the changes made to it.
func (s *site) addWebhook(t *testing.T, consumer engine.ConsumerID, changes ...func(*engine.Webhook)) engine.Webhook {
	t.Helper()
	w := enginetest.Webhook(append([]func(*engine.Webhook){func(w *engine.Webhook) { w.ConsumerID = consumer }}, changes...)...)
	w, err := s.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// accept posts an event and returns its only delivery.
func (s *site) accept(t *testing.T, changes ...func(*engine.Event)) engine.DeliveryID {
	t.Helper()
	e := enginetest.Event(changes...)
	accepted, err := s.engine.Accept(t.Context(), &e)
	if err != nil || len(accepted.Deliveries) != 1 {
		t.Fatalf("accept: %v, %d deliveries", err, len(accepted.Deliveries))
	}
	return accepted.Deliveries[0].ID
}

// until waits until the script is true, on this page or on one that comes in its place, and the page is there to its end.
func (b *tab) until(script string) {
	b.t.Helper()
	if err := b.poll(script); err != nil {
		b.t.Fatalf("wait for %s: %v", script, err)
	}
}

// poll waits as until does, and returns why it gave up.
func (b *tab) poll(script string) error {
	script = `document.readyState !== "loading" && (` + script + `)`
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](script))
		if err == nil || !strings.Contains(err.Error(), "-32000") { // the page went away meanwhile
			return err
		}
	}
}

// tabTo presses Tab until what the CSS selector finds has the focus. Every stop on the way must show its focus.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 100 {
		if evaluate[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab))
		if bare := evaluate[string](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e);
			return e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 ? "" : e.outerHTML.slice(0, 120);
		})()`); bare != "" {
			b.t.Errorf("the focus cannot be seen on %s", bare)
		}
	}
	b.t.Fatalf("Tab does not reach %s", selector)
}

// What belongs to a choice that was not made is out of sight, and comes back with its message.
func TestWebhookFormShowsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/admin/integration/api-consumers/" + c.ID.String() + "/webhooks/new")
	visible := func(selector string, want bool) {
		t.Helper()
		if got := evaluate[bool](b, fmt.Sprintf("document.querySelector(%q).checkVisibility()", selector)); got != want {
			t.Errorf("%s is visible: %v", selector, got)
		}
	}
	visible("#content", false)
	visible("#notification_text", false)
	visible(`[id="event-lab.scored"]`, true)
	visible(`[id="event-track.started"]`, false)
	visible("#retry_policy", false)
	click := func(selector string) { b.do(chromedp.Click(chromedp.CSS(selector))) }
	click("#own_content")
	click("#error_action-notify_user")
	click("#all-events")
	visible("#content", true)
	visible("#notification_text", true)
	visible(`[id="event-lab.scored"]`, false)
	click("#policy > summary")
	visible("#retry_policy", true)
	visible(`[id="custom.waits"]`, false)
	b.do(chromedp.SetValue(chromedp.ID("retry_policy"), "custom"))
	visible(`[id="custom.waits"]`, true)
	click("#authentication > summary")
	visible(`[id="signing.header"]`, false)
	b.do(chromedp.SetValue(chromedp.CSS(`[id="signing.scheme"]`), "hex"))
	visible(`[id="signing.header"]`, true)
	b.do(chromedp.SetValue(chromedp.CSS(`[id="signing.scheme"]`), "none"))
	visible(`[id="signing.secret"]`, false)

	// A mistake in a field that was put out of sight again is seen, and its link leads there.
	b.fill(map[string]string{"content_type": "nonsense"})
	click("#send_lab_details")
	b.follow(".actions button[type=submit]")
	visible("#content_type", true)
	if got := evaluate[string](b, "document.activeElement.id"); got != "error-summary" {
		t.Errorf("the focus is on %q", got)
	}
	for _, field := range []string{"name", "url", "content_type"} {
		click(".error-summary a[href='#" + field + "']")
		if got := evaluate[string](b, "document.activeElement.id"); got != field {
			t.Errorf("the link to %s leads to %q", field, got)
		}
	}
}
