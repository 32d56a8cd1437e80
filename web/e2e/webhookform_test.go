package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What Labhook judges while a form is filled in, and what it fills in itself.
func TestWebhookFormHelps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	b.signIn()
	b.open("/admin/integration/api-consumers/" + c.ID.String() + "/webhooks/new")
	press := func(keys string) { b.do(chromedp.KeyEvent(keys)) }
	value := func(id string) string {
		return evaluate[string](b, fmt.Sprintf("document.getElementById(%q).value", id))
	}

	// A field is judged when it is left; the value and the focus stay.
	b.do(chromedp.Focus(chromedp.ID("url")))
	press("http://10.0.0.8/hook" + kb.Tab)
	b.until(`document.querySelector("#url-problem")?.innerText.includes("10.0.0.8 is not allowed")`)
	if got := evaluate[string](b, "document.activeElement.innerText"); !strings.HasPrefix(got, "these addresses") || value("url") != "http://10.0.0.8/hook" {
		t.Errorf("the focus is on %q, the URL %q", got, value("url"))
	}
	b.do(chromedp.Focus(chromedp.ID("url")))
	press(kb.End + "s" + kb.Tab)
	b.fill(map[string]string{"url": "https://hooks.example.com/lab"})
	b.until(`document.querySelector("#url-problem") === null`)

	// A retry policy suggests retries and timeout, unless somebody chose them.
	choose := func(policy string) { b.do(chromedp.SetValue(chromedp.ID("retry_policy"), policy)) }
	b.do(chromedp.Click(chromedp.CSS("#policy > summary")))
	choose("live")
	if value("retries") != "10" || value("timeout") != "15" {
		t.Errorf("live events: %s retries, timeout %s", value("retries"), value("timeout"))
	}
	b.until(`document.querySelector("#preview").innerText.includes("Gives up between 3 h")`)
	b.fill(map[string]string{"timeout": "20"})
	choose("skilljar")
	if value("retries") != "60" || value("timeout") != "20" {
		t.Errorf("skilljar: %s retries, timeout %s", value("retries"), value("timeout"))
	}
	b.until(`document.querySelectorAll("#plan-table tbody tr").length === 15`)
	if got := b.text("#retries-hint"); !strings.Contains(got, "Skilljar: 0 to 60") || strings.Contains(got, "Studio") {
		t.Errorf("the hint of the retries is %q", got)
	}
	b.check("webhook-form-long")
	b.labelsApart("61 attempts")
	b.fill(map[string]string{"retries": "3"})
	b.until(`document.querySelectorAll("#plan-table tbody tr").length === 5`)
	b.labelsApart("4 attempts")

	// Ctrl+Enter in a field of several lines is OK.
	b.do(chromedp.Focus(chromedp.ID("headers")))
	evaluate[chromedp.Void](b, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true, cancelable: true})); undefined`)
	b.until(`document.querySelector(".error-summary") !== null`)
}

// labelsApart fails where labels of the retry timeline lie over each other, reach out of the drawing or shrink with it.
func (b *tab) labelsApart(name string) {
	b.t.Helper()
	before := b.screen
	for _, width := range []int64{1280, 360, 320} {
		b.look(screen{width: width})
		b.picture("retry-timeline-" + strings.ReplaceAll(name, " ", "-"))
		for _, wrong := range evaluate[[]string](b, `(() => {
			const frame = document.querySelector(".plan svg").getBoundingClientRect();
			const labels = [...document.querySelectorAll(".times span")].map((e) => ({text: e.innerText, size: parseFloat(getComputedStyle(e).fontSize), ...e.getBoundingClientRect().toJSON()}));
			return labels.filter((l, i) => l.size < 13 || l.left < frame.left - 1 || l.right > frame.right + 1 || i > 0 && l.left < labels[i - 1].right + 4)
				.map((l) => l.text).concat(labels.length < 2 || document.querySelector(".plan text") ? ["labels are missing"] : []);
		})()`) {
			b.t.Errorf("%s, %d px: %s", name, width, wrong)
		}
		if got := evaluate[string](b, `getComputedStyle(document.querySelector("#plan-table tbody tr")).display`); got != "table-row" {
			b.t.Errorf("%s, %d px: a row of the table is laid out as %s", name, width, got)
		}
	}
	b.look(before)
}

// Of sixty event types a word finds the few that are meant.
func TestFindEventType(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c := s.addConsumer(t, "Contoso LMS")
	b := newTab(t, s, screens[0])
	b.signIn()
	path := "/admin/integration/api-consumers/" + c.ID.String() + "/webhooks/new"
	b.open(path)
	seen := `[...document.querySelectorAll("#event-choices .check")].filter((e) => e.checkVisibility()).map((e) => e.firstElementChild.value).join(" ")`
	usual := evaluate[string](b, seen)
	if !strings.HasPrefix(usual, "lab.pre_build ") || strings.Contains(usual, "track.") {
		t.Errorf("at first the boxes are %s", usual)
	}
	b.do(chromedp.Focus(chromedp.ID("event-filter")), chromedp.KeyEvent("challenge  STARTED"+kb.Enter))
	if got := evaluate[string](b, seen); got != "track.challenge_started" || b.text("#event-filter-found") != "1 found" {
		t.Errorf("found %q, %q", got, b.text("#event-filter-found"))
	}
	if got := evaluate[string](b, "location.pathname"); got != path {
		t.Errorf("Enter led to %s", got)
	}
	b.do(chromedp.Click(chromedp.CSS(`[id="event-track.challenge_started"]`)))
	b.check("webhook-form-filter")
	b.do(chromedp.Focus(chromedp.ID("event-filter")), chromedp.KeyEvent(strings.Repeat(kb.Backspace, 18)))
	got := evaluate[string](b, seen)
	if !strings.HasPrefix(got, usual) || !strings.Contains(got, "track.challenge_started") || strings.Contains(got, "review.") {
		t.Errorf("without a filter the boxes are %s", got)
	}
	b.until(`document.querySelector("#preview").innerText.includes("example data of track.challenge_started") || document.querySelector("#preview").innerText.includes("There is no request yet")`)
	if got := evaluate[string](b, `new FormData(document.querySelector("form.webhook")).getAll("events").join()`); got != "track.challenge_started" {
		t.Errorf("chosen are %s", got)
	}
}
