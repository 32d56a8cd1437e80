package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"labhook/engine"
)

// Every form is completed and every common job is done with the keyboard alone. On each page Tab goes round once: its
// stops show that they have the focus, come in the order in which one reads, leave nothing out and lead on to the first.
func TestU9Keyboard(t *testing.T) {
	t.Parallel()
	t.Run("jobs and forms", func(t *testing.T) {
		t.Parallel()
		b := newBusySite(t)
		p := newPerson(t, b.site, keyboard{}, false)
		p.doJobs(b, func(*testing.T, job) {})
		p.part("forms", func(t *testing.T) { completeForms(t, p, b) })
	})
	t.Run("round each page", func(t *testing.T) {
		t.Parallel()
		b := newBusySite(t)
		b.stick(t)
		p := newPerson(t, b.site, keyboard{}, false)
		p.goRound("/login")
		p.signsIn()
		for _, path := range b.everyPage(t) {
			p.goRound(path)
		}
	})
}

// form is a form that is sent wrong first, and then right.
type form struct {
	path   string
	wrong  func(p *person) // makes a mistake; nil: the form as it comes is one
	right  func(p *person) // mends it
	button string
	says   string
}

// forms are those that the tasks and jobs do not come to.
func (b *busySite) forms(t *testing.T) []form {
	t.Helper()
	consumer, webhook := "/admin/integration/api-consumers/"+b.consumer.ID.String(), "/webhooks/"+b.scored.ID.String()
	fill := func(label, text string) func(*person) { return func(p *person) { p.fill(label, text) } }
	return []form{
		{"/admin/integration/api-consumers/new", nil, fill("Name", "Fabrikam"), "OK", "API consumer Fabrikam was created."},
		{consumer + "/edit", fill("Name", ""), fill("Name", "Contoso"), "OK", "API consumer Contoso was saved."},
		{consumer + "/keys/new", nil, func(p *person) {
			p.fill("Description", "Lab platform")
			p.choose("The key may", "Read configuration")
		}, "OK", "Store it now"},
		{webhook + "/edit", fill("Retries", "many"), func(p *person) {
			p.fill("Retries", "2")
			p.tick("Blocking")
			p.tick("Send Notification to User")
			p.fill("Notification Text", "Your lab could not be scored")
			p.fill("Description", "For the gradebook")
		}, "OK", "Webhook LMS – lab scored was saved."},
		{webhook + "/secret", fill("New secret", "short"), func(p *person) { p.choose("Both sign for", "1 hour") }, "Rotate secret", "This secret signs from now on."},
		{webhook + "/testing", func(p *person) {
			p.press("Data of the event")
			p.fill("JSON object", "nonsense")
		}, fill("JSON object", `{"mine": 1}`), "Send example", "Delivered"},
		{"/admin/users/new", nil, func(p *person) {
			p.fill("Name", "Ada Byron")
			p.fill("User name or e-mail address", "ada")
			p.choose("Role", "Developer")
		}, "OK", "Ada Byron"},
		{"/admin/integration/new-event-type", nil, func(p *person) {
			p.fill("Code", "contoso.badge_earned")
			p.fill("Name", "Badge earned")
			p.fill("Example data", `{"badge": "Linux"}`)
		}, "OK", "Event type Badge earned was added."},
		{"/admin/integration/egress/edit", fill("Addresses and networks", "here"), fill("Addresses and networks", "203.0.113.7"), "OK", "The egress addresses were saved."},
		{"/account", fill("Current password", "wrong"), func(p *person) {
			p.fill("Current password", password)
			p.fill("New password", "another good password")
		}, "Change password", "Your password was changed."},
	}
}

// completeForms sends each form with a mistake, is led to it, mends it and sends the form again.
func completeForms(t *testing.T, p *person, b *busySite) {
	for _, f := range b.forms(t) {
		p.open(f.path)
		if f.wrong != nil {
			f.wrong(p)
		}
		p.press(f.button)
		if strings.HasSuffix(f.path, "/testing") && !p.noScript {
			p.sees("Nothing was sent") // beside the form, which stays
		} else {
			p.sees("There is a problem")
			p.isLedToMistake(f.path)
		}
		f.right(p)
		p.press(f.button)
		p.sees(f.says)
	}
}

// isLedToMistake checks that the summary has the focus, and that its first link leads on to the field.
func (p *person) isLedToMistake(path string) {
	p.t.Helper()
	if got := p.waitForFocus("error-summary"); got != "error-summary" {
		p.t.Errorf("%s: after the answer the focus is on %q, want the error summary", path, got)
	}
	if got := evaluate[string](p.tab, "document.title"); !strings.HasPrefix(got, "Error: ") {
		p.t.Errorf("%s: the title is %q", path, got)
	}
	field := evaluate[string](p.tab, `document.querySelector("#error-summary a").getAttribute("href").slice(1)`)
	p.press(evaluate[string](p.tab, `document.querySelector("#error-summary a").innerText`), "There is a problem")
	if got := p.waitForFocus(field); got != field {
		p.t.Errorf("%s: the link in the summary leads to %q, want %q", path, got, field)
	}
}

// waitForFocus waits until the element of that id has the focus, and returns the id of the one that has it in the end.
// A browser sets the focus with the first frame that it paints, which is after it has the page.
func (p *person) waitForFocus(id string) string {
	p.t.Helper()
	const looks = 5_000
	var focused string
	for range looks {
		if focused = evaluate[string](p.tab, "document.activeElement.id"); focused == id {
			break
		}
	}
	return focused
}

// everyPage are all pages that have something on them.
func (b *busySite) everyPage(t *testing.T) []string {
	t.Helper()
	d, err := b.store.Delivery(t.Context(), b.failed)
	if err != nil {
		t.Fatal(err)
	}
	gates, err := b.store.OldestGates(t.Context(), 1)
	if err != nil || len(gates) != 1 {
		t.Fatalf("%d gates, %v", len(gates), err)
	}
	users, err := b.store.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	consumers, catalog := "/admin/integration/api-consumers", "/admin/integration/event-catalog"
	consumer, webhook, user := consumers+"/"+b.consumer.ID.String(), "/webhooks/"+b.scored.ID.String(), "/admin/users/"+users[0].ID.String()
	return []string{
		"/admin", consumers, consumers + "?state=expired", consumers + "/new", consumer, consumer + "/edit", consumer + "/keys/new", consumer + "/webhooks/new",
		"/admin/integration/platform-keys", catalog, catalog + "/" + engine.LabScored, "/admin/integration/new-event-type",
		"/admin/integration/egress", "/admin/integration/egress/edit", webhook, webhook + "/logs", webhook + "/activity", webhook + "/testing",
		webhook + "/edit", webhook + "/secret", webhook + "/recover", webhook + "/delete", "/webhooks/" + b.saved.ID.String(),
		"/deliveries", "/deliveries?status=failed&select=true", "/deliveries?since=custom", "/deliveries/" + b.failed.String() + "?list=all",
		"/deliveries/" + gates[0].DeliveryID.String(), "/events", "/events/" + d.EventID.String(), "/lab-instances", "/lab-instances/" + stuckLab,
		"/lab-instances/" + stuckLab + "/gates/" + gates[0].DeliveryID.String() + "/open", "/admin/users", "/admin/users/new", user, user + "/invite",
		"/admin/audit", "/admin/settings", "/admin/settings/edit", "/account", "/help/keys", "/find?q=lms", "/nowhere",
	}
}

// watchStops notes each element that gets the focus until the first one gets it again: whether it shows it, and what is
// wrong with its place. Nothing is to stand above what came before it in the same column, nor to the left of it in the
// same line. What stays beside the form while that scrolls has no such place.
const watchStops = `(() => {
	const bare = ` + bareFocus + `, name = (e) => e.outerHTML.slice(0, 100), aside = (e) => e.closest(".preview, .side, .contents");
	window.stops = [];
	window.wrong = [];
	window.round = false;
	document.activeElement.blur(); // of a page that begins in a field
	let last = null;
	document.addEventListener("focusin", (event) => {
		const e = event.target;
		if (e === last || (round ||= e === stops[0])) return;
		if (bare(e)) wrong.push("the focus cannot be seen on " + name(e));
		if (last?.isConnected && !last.matches(".skip") && aside(last) === aside(e)) {
			const a = last.getBoundingClientRect(), b = e.getBoundingClientRect();
			if (last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_PRECEDING) wrong.push(name(e) + " comes after " + name(last));
			const above = b.bottom <= a.top + 1 && b.left < a.right && b.right > a.left;
			const before = b.right <= a.left + 1 && b.top < a.bottom - 4 && b.bottom > a.top + 4;
			if (above || before) wrong.push(name(e) + " stands before " + name(last) + " and comes after it");
		}
		stops.push(last = e);
	});
})()`

// leftOut returns what can be worked with and was no stop.
const leftOut = `(() => {
	const one = (e) => e.type !== "radio" || e.checked || ![...document.getElementsByName(e.name)].some((r) => r.checked && r.form === e.form);
	return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
		.filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && one(e) && !stops.includes(e)).map((e) => e.outerHTML.slice(0, 100));
})()`

// goRound presses Tab until it has gone round the page: out of it, to the browser, and in again at its beginning.
func (p *person) goRound(path string) {
	p.t.Helper()
	p.open(path)
	evaluate[chromedp.Void](p.tab, watchStops)
	for range stops / tabsAtOnce {
		for range tabsAtOnce {
			p.keys(kb.Tab)
		}
		if evaluate[bool](p.tab, "round") {
			break
		}
	}
	if !evaluate[bool](p.tab, "round") {
		p.t.Errorf("%s: Tab does not come round: %s", path, evaluate[string](p.tab, "document.activeElement.outerHTML.slice(0, 100)"))
	}
	for _, wrong := range evaluate[[]string](p.tab, "wrong") {
		p.t.Errorf("%s: %s", path, wrong)
	}
	for _, e := range evaluate[[]string](p.tab, leftOut) {
		p.t.Errorf("%s: Tab leaves out %s", path, e)
	}
}

// tabsAtOnce is how often Tab is pressed before the page is looked at.
const tabsAtOnce = 20
