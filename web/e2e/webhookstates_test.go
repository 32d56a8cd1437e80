package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// From a webhook that Labhook switched off to everything sent again: three clicks.
func TestRecoverByClicks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	receiver := enginetest.NewReceiver(t, "410, then 200")
	w := s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.RetryPolicy, w.Retries = "LMS", receiver.URL, engine.StandardPolicy.Name, 7
	})
	s.accept(t)
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/webhooks/" + w.ID.String())
	b.until(`document.querySelector(".state").innerText.startsWith("Deactivated at ")`)
	if got := b.text(".state"); !strings.Contains(got, "because the receiver answered 410") {
		t.Errorf("the page says %q", got)
	}
	b.factsOnOneLine()
	b.follow(".state a")
	b.do(chromedp.SetValue(chromedp.ID("since"), "1h"))
	b.until(`document.querySelector("#count button")?.innerText === "Enable and recover 1 delivery"`)
	b.follow("#count button")
	b.until(`document.querySelector(".flash")?.innerText === "Webhook LMS was enabled, and its recovery began."`)
	receiver.Wait(t, 2)
	b.until(`document.querySelector("#recovery-table tbody").innerText.includes("1 delivery made due again")`)
}

// factsOnOneLine fails where, on a telephone, a short setting takes a line more than its term, or a long one has not the
// width of the card.
func (b *tab) factsOnOneLine() {
	b.t.Helper()
	before := b.screen
	b.look(screen{width: 360})
	for _, wrong := range evaluate[[]string](b, `[...document.querySelectorAll("[aria-labelledby=settings] dt")].filter((dt) => {
		const term = dt.getBoundingClientRect(), value = dt.nextElementSibling.getBoundingClientRect();
		if (["Verb", "Timeout", "Retries"].includes(dt.innerText)) return Math.abs(value.top - term.top) > 2 || value.left < term.right;
		return dt.innerText === "URL" && (value.top < term.bottom || value.left !== term.left);
	}).map((dt) => dt.innerText)`) {
		b.t.Errorf("the setting %s is not laid out for a small screen", wrong)
	}
	b.look(before)
}

// All of it with the pages' scripts switched off.
func TestWebhookWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.open("/admin/integration/api-consumers/" + c.ID.String() + "/webhooks/new")
	click := func(selector string) { b.do(chromedp.Click(chromedp.CSS(selector))) }
	b.fill(map[string]string{"name": "LMS", "url": "http://127.0.0.1:1/", "retries": "2"})
	click(`[id="event-lab.scored"]`)
	click("#authentication > summary")
	click("#policy > summary")
	b.do(chromedp.SetValue(chromedp.CSS(`[id="basic_auth.username"]`), "hooks"), chromedp.SetValue(chromedp.CSS(`[id="basic_auth.password"]`), "secret"),
		chromedp.SetValue(chromedp.ID("retry_policy"), "custom"), chromedp.SetValue(chromedp.CSS(`[id="custom.waits"]`), "1s, 1h"))
	if got := b.text("#event-filter, [data-copy]"); got != "" || evaluate[bool](b, `document.querySelector("#event-filter").checkVisibility()`) {
		t.Errorf("what needs a script is shown: %q", got)
	}
	b.follow("#update-preview")
	if got := b.text("#preview"); !strings.Contains(got, "Gives up between 54 min 1 s") || !strings.Contains(got, "The URL starts with http://") {
		t.Errorf("the preview says %s", got)
	}
	// The password was not sent back: it is asked for once more.
	b.do(chromedp.SetValue(chromedp.CSS(`[id="basic_auth.password"]`), "secret"))
	b.follow(".actions button[type=submit]")
	if got := b.text(".flash"); got != "Webhook LMS was added. Send an example to check it." {
		t.Fatalf("the page says %q", got)
	}
	w := s.store.Directory().Webhooks(c.ID)[0]
	if w.BasicAuth.Password != "secret" || w.RetryPolicy != engine.CustomPolicyName || len(w.Custom.Waits) != 2 {
		t.Errorf("stored %+v", w)
	}

	b.open("/webhooks/" + w.ID.String() + "/secret")
	b.follow(`form[action$="/rotate"] button`)
	if got := evaluate[string](b, "document.getElementById('signing-secret').value"); got == w.Signing.Secret.Reveal() || !strings.HasPrefix(got, "whsec_") {
		t.Errorf("after the rotation the secret is %q", got)
	}
	b.open("/webhooks/" + w.ID.String() + "/recover")
	b.do(chromedp.SetValue(chromedp.ID("since"), "7d"))
	b.follow("button[value=count]")
	if got := b.text("#count"); !strings.Contains(got, "Nothing that was accepted since") {
		t.Errorf("the count says %q", got)
	}
	b.open("/webhooks/" + w.ID.String())
	click(".menu > summary")
	b.follow(`.menu a[href*="copy="]`)
	if got := evaluate[string](b, "document.getElementById('name').value"); got != "Copy of LMS" {
		t.Errorf("the copy is called %q", got)
	}
	b.picture("webhook-without-script")
}
