package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// newGatedReceiver returns a receiver that answers 404 once release is closed.
func newGatedReceiver(t *testing.T) (url string, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<h1>No such page</h1>"))
	}))
	t.Cleanup(server.Close)
	return server.URL, release
}

// noticeChanges counts in window.changes how often what the result says changes, but for the element that asks again.
const noticeChanges = `window.changes = 0;
	new MutationObserver((list) => {
		for (const m of list) for (const n of [...m.addedNodes, ...m.removedNodes]) if (n.textContent.trim()) window.changes++;
		window.changes += list.filter((m) => m.type === "characterData").length;
	}).observe(document.getElementById("test-result"), {childList: true, characterData: true, subtree: true});
	undefined`

// TestSendExample goes from a webhook to the result of a test in two clicks, and waits for a slow receiver.
func TestSendExample(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	url, release := newGatedReceiver(t)
	w := s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) {
		w.URL, w.Events = url+"/lab", []string{engine.LabScored, engine.LabSaved}
	})
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/webhooks/" + w.ID.String())
	b.follow(`nav.tabs a[href$="/testing"]`)
	b.do(chromedp.Click(chromedp.CSS(`button[value=test]`)))
	b.until(`document.querySelector("#test-result .badge.send")?.innerText === "Sending"`)
	evaluate[chromedp.Void](b, noticeChanges)
	b.until(`document.getElementById("asked-2") !== null`)
	if got := evaluate[int](b, "window.changes"); got != 0 {
		t.Errorf("while nothing happened the result changed %d times, which screen readers say aloud", got)
	}
	b.check("testing-pending")
	close(release)
	b.until(`document.querySelector("#test-result .badge.fail")?.innerText === "Failed"`)
	result := b.text("#test-result")
	for _, part := range []string{"404", "The receiver does not know this URL or verb.", "The verb was POST.", "<h1>No such page</h1>", "First byte"} {
		if !strings.Contains(result, part) {
			t.Errorf("the result lacks %q: %s", part, result)
		}
	}
	if got := evaluate[string](b, `document.querySelector("[aria-live=polite]").id`); got != "result" {
		t.Errorf("the live region is %q", got)
	}
	b.check("testing-failed")

	b.do(chromedp.Click(chromedp.CSS(`button[value=ping]`)))
	b.until(`document.querySelector("#test-result")?.innerText.includes("Webhook Ping") && document.querySelector("#test-result .badge.fail") !== null`)
	b.follow(`#test-result a.button[href^="/deliveries/dlv_"]`)
	if got := b.text("#delivery .badge.test"); got != "Test" {
		t.Errorf("the delivery is marked %q", got)
	}
	b.check("delivery-test")
}

// TestChooseExample chooses another event, whose data then show, and changes them.
func TestChooseExample(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	receiver := enginetest.NewReceiver(t, "200")
	w := s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) { w.URL = receiver.URL })
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/webhooks/" + w.ID.String() + "/testing")
	choose := `(() => {
		const list = document.getElementById("type");
		list.focus();
		list.value = "COURSE_COMPLETION";
		list.dispatchEvent(new Event("change", {bubbles: true}));
	})()`
	before := evaluate[string](b, `document.getElementById("data").value`)
	evaluate[chromedp.Void](b, choose)
	b.until(`new URLSearchParams(location.search).get("type") === "COURSE_COMPLETION"`)
	b.until(`!document.getElementById("data").value.includes("LabProfileId")`)
	if got := evaluate[string](b, "document.activeElement.id"); got != "type" {
		t.Errorf("the focus moved to %q", got)
	}
	b.do(chromedp.Click(chromedp.CSS("#example-data summary")))
	b.fill(map[string]string{"data": `{"mine": 1.50}`})
	b.do(chromedp.Click(chromedp.CSS(`button[value=test]`)))
	b.until(`document.querySelector("#test-result .badge.ok") !== null`)
	if got := string(receiver.Wait(t, 1)[0].Body); got != `{"mine": 1.50}` {
		t.Errorf("sent %s", got)
	}
	b.fill(map[string]string{"data": `nonsense`})
	b.do(chromedp.Click(chromedp.CSS(`button[value=test]`)))
	b.until(`document.querySelector("#result [role=alert] h3")?.innerText === "Nothing was sent"`)
	b.do(chromedp.Click(chromedp.CSS(`#result [role=alert] a`)))
	if got := evaluate[string](b, "document.activeElement.id"); got != "data" {
		t.Errorf("the link to the problem leads to %q", got)
	}
	b.check("testing-refused")
	evaluate[chromedp.Void](b, "history.back()") // from the field that the link led to
	b.until(`location.hash === ""`)
	b.back()
	if got := evaluate[string](b, `document.getElementById("data").value`); got != before {
		t.Errorf("going back shows %s", got)
	}
}

// TestSendExampleWithoutScript does the same with the pages' scripts switched off.
func TestSendExampleWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	receiver := enginetest.NewReceiver(t, "200")
	w := s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) { w.URL, w.Enabled = receiver.URL, false })
	b := newTab(t, s, screens[0])
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.open("/webhooks/" + w.ID.String() + "/testing")
	b.picture("testing-without-script")
	b.follow(`button[value=test]`)
	if got := b.text(".error-summary li"); !strings.HasPrefix(got, "The webhook is disabled.") {
		t.Errorf("without force the page says %q", got)
	}
	b.follow(`button[value=show]`)
	b.do(chromedp.Click(chromedp.CSS("#force")))
	b.follow(`button[value=test]`)
	receiver.Wait(t, 1)
	if got := b.text("h1"); !strings.HasPrefix(got, "Delivery dlv_") || b.text("#delivery .badge.test") != "Test" {
		t.Errorf("the page is %q", got)
	}
}
