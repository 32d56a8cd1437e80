package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// labID is the lab instance of these tests, subject its name.
const (
	labID   = 4711
	subject = "4711"
)

// addLabEvent stores an event of the lab with a delivery for each webhook, as the engine would. Senders seem to have
// taken what is not held or delayed, so that nothing moves before the test moves it.
func (b *bundle) addLabEvent(code string, hooks ...engine.Webhook) []engine.Delivery {
	b.t.Helper()
	return b.addEventOfLab(func(e *engine.Event) { e.Type, e.Data = code, enginetest.LabData(labID) }, hooks...)
}

func (b *bundle) addEventOfLab(change func(*engine.Event), hooks ...engine.Webhook) []engine.Delivery {
	b.t.Helper()
	e := enginetest.Event(change)
	now := time.Now().Truncate(time.Millisecond)
	if err := e.Prepare(engine.BuiltIn, now); err != nil {
		b.t.Fatal(err)
	}
	offers := make([]engine.Offer, len(hooks))
	for i := range hooks {
		d := engine.NewDelivery(&e, &hooks[i], now)
		offers[i] = engine.Offer{Delivery: d, Room: d.State == engine.StateQueued}
	}
	return b.insert(&e, offers)
}

// blocking makes a webhook close gates.
func blocking(w *engine.Webhook) { w.Blocking = true }

// slow keeps a released delivery waiting for longer than a test runs.
func slow(w *engine.Webhook) { w.Delay = time.Hour }

// labBundle is a bundle with a consumer that has a blocking webhook and two that are held by it.
type labBundle struct {
	*bundle
	gate, after, next engine.Webhook
}

func setupLab(t *testing.T, role engine.Role, changes ...func(*engine.Webhook)) *labBundle {
	t.Helper()
	b := &labBundle{bundle: setup(t)}
	b.addUser("first", engine.RoleAdmin)
	b.signIn(role)
	c := b.addConsumer("Contoso LMS")
	b.gate = b.addWebhook(c.ID, "LMS – lab scored", append([]func(*engine.Webhook){blocking}, changes...)...)
	b.after = b.addWebhook(c.ID, "Reports", slow)
	b.next = b.addWebhook(c.ID, "Archive", blocking, slow)
	return b
}

// closeGate stores Scored, whose first webhook closes a gate, and Tearing Down behind it. It returns the gate's delivery.
func (b *labBundle) closeGate() engine.Delivery {
	b.t.Helper()
	d := b.addLabEvent(engine.LabScored, b.gate, b.after, b.next)
	b.addLabEvent(engine.LabTearingDown, b.after)
	return d[0]
}

// line returns the texts within s in one line, those of neighbouring elements apart from each other.
func line(s *goquery.Selection) string {
	return strings.ReplaceAll(strings.Join(texts(s), " "), " .", ".")
}

func texts(s *goquery.Selection) []string {
	var words []string
	s.Contents().Each(func(_ int, n *goquery.Selection) {
		if goquery.NodeName(n) == "#text" {
			words = append(words, strings.Fields(n.Text())...)
			return
		}
		words = append(words, texts(n)...)
	})
	return words
}

func TestLabInstanceTimeline(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	plain := b.addWebhook(b.gate.ConsumerID, "Counter")
	first := b.addLabEvent(engine.LabPreBuild, plain)
	b.record(first[0], engine.OutcomeDelivered, "")
	b.addEventOfLab(func(e *engine.Event) {
		e.Type, e.Subject, e.Data = engine.LabProfileChanged, subject, engine.SampleLabDetails().With(map[string]any{"Id": nil, "State": nil}).Body()
		e.OccurredAt = time.Now().Add(-time.Hour)
	})
	d := b.closeGate()
	a := b.get(views.LabInstanceURL(subject))
	var events []string
	a.doc.Find(".timeline.lab > li").Each(func(_ int, s *goquery.Selection) {
		text := line(s.Find("h3"))
		if s.HasClass("to-come") {
			text += " " + line(s.Find("p"))
		}
		events = append(events, text)
	})
	want := []string{"Pre-Build", "Lab Profile Changed", "Scored", "Tearing Down Held", "Torn Down not yet"}
	if strings.Join(events, "|") != strings.Join(want, "|") {
		t.Errorf("the events are %q, want %q", events, want)
	}
	timeline := a.doc.Find(".timeline.lab > li")
	for i, want := range [][]string{
		{"from test", "Delivered Counter 1 attempt, 200"},
		{"outside the life cycle", "occurred", "later", "no webhook listens"},
		{"Held Reports no attempt yet", "Held Archive Blocking no attempt yet closes a gate when its turn comes"},
		{"Waiting for the gate LMS – lab scored above.", "Held Reports"},
	} {
		for _, text := range want {
			if got := line(timeline.Eq(i)); !strings.Contains(got, text) {
				t.Errorf("event %d lacks %q: %s", i, text, got)
			}
		}
	}
	if got := timeline.Eq(3).Find("p > a").AttrOr("href", ""); got != views.GateURL(subject, d.ID) || a.doc.Find("#gate-"+d.ID.String()).Length() != 1 {
		t.Errorf("what is held links to %q", got)
	}
	head := line(a.doc.Find("dl.facts.lab"))
	for _, want := range []string{
		"Lab profile Example Lab (ABC)", "User Example User (Example.User)", "Class –", "State Running (20)", "Completion status No Show (2)",
		"Start 2022-12-20 19:50:52 UTC", "End –", "Expires 2022-12-21 01:50:52 UTC",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("the head lacks %q: %s", want, head)
		}
	}
	if n := a.doc.Find(".overview svg circle").Length(); n != 4 {
		t.Errorf("the overview has %d events", n)
	}
	if got := a.doc.Find(".overview svg text").Length(); got != 0 {
		t.Error("the overview has text in its drawing")
	}
	rows := a.doc.Find("#overview-rows tbody tr")
	if got := line(rows.Eq(2)); !strings.Contains(got, "since") {
		t.Errorf("the table says of the gate %q", got)
	}
	if a.doc.Find("svg [style]").Length() != 0 || a.doc.Find("#lab [data-live=fast]").Length() != 1 {
		t.Error("a lab with a closed gate is not watched closely")
	}
}

func TestLabInstancePollsQuietly(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	d := b.closeGate()
	poll := func() answer {
		tag, _ := b.get(views.LabInstanceURL(subject)).doc.Find("#lab").Attr("data-etag")
		return b.get(views.LabInstanceURL(subject), "HX-Request", "true", "HX-Target", "section#lab", "If-None-Match", `"`+tag+`"`)
	}
	if a := poll(); a.status != http.StatusOK && a.status != http.StatusNoContent {
		t.Errorf("a poll: status %d", a.status)
	}
	b.record(d, engine.OutcomeDelivered, "")
	for _, id := range []engine.WebhookID{b.after.ID, b.next.ID} {
		if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, id, false); err != nil {
			t.Fatal(err)
		}
	}
	if a := poll(); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("nothing is under way: status %d and %d bytes, want 204", a.status, len(a.body))
	}
}

func TestLabInstanceEndsLab(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper, func(w *engine.Webhook) {
		w.Events, w.ErrorAction = []string{engine.LabPreBuild}, engine.ErrorActionEndLab
	})
	d := b.addLabEvent(engine.LabPreBuild, b.gate)
	skipped := b.addLabEvent(engine.LabPostBuild, b.after)
	kept := b.addLabEvent(engine.LabTearingDown, b.after)
	b.record(d[0], engine.OutcomeGiveUp, engine.ClassStatus)
	a := b.get(views.LabInstanceURL(subject))
	const reason = `The lab was ended: "LMS – lab scored" failed at Pre-Build and its error action is End Lab.`
	timeline := a.doc.Find(".timeline.lab > li")
	if got := line(timeline.Eq(0)); !strings.Contains(got, "Opened by the error action End Lab") {
		t.Errorf("the gate says %s", got)
	}
	if got := line(timeline.Eq(1)); !strings.Contains(got, "Skipped Reports no attempt yet "+reason) {
		t.Errorf("Post-Build: %s", got)
	}
	if got := line(timeline.Eq(2)); !strings.Contains(got, "Scheduled Reports") {
		t.Errorf("Tearing Down: %s", got)
	}
	if got := b.get(views.DeliveryURL(skipped[0].ID)).text(".lead"); !strings.HasPrefix(got, "Skipped at ") || !strings.HasSuffix(got, reason) {
		t.Errorf("the skipped delivery says %q", got)
	}
	if got := b.get(views.DeliveryURL(d[0].ID)).text(".lead"); !strings.HasSuffix(got, "Error Action: End Lab.") {
		t.Errorf("the failed delivery says %q", got)
	}
	if got := b.get(views.DeliveryURL(kept[0].ID)).text(".lead"); !strings.HasPrefix(got, "Scheduled") {
		t.Errorf("the delivery that tells of the end says %q", got)
	}
}

// Numbers that nobody knows, and data that are no lab details, are shown as they are.
func TestOddLabInstances(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	b.addEventOfLab(func(e *engine.Event) {
		e.Data = engine.SampleLabDetails().With(map[string]any{"Id": 1, "State": 77, "CompletionStatus": 5, "Start": nil}).Body()
	})
	if head := line(b.get(views.LabInstanceURL("1")).doc.Find("dl.facts.lab")); !strings.Contains(head, "State State 77") ||
		!strings.Contains(head, "Completion status CompletionStatus 5") || !strings.Contains(head, "Start –") {
		t.Errorf("the head is %s", head)
	}
	for _, odd := range []string{"a/b", "a?b#c", "a b%2F", "näme", "...", "a/../b"} {
		b.addEventOfLab(func(e *engine.Event) { e.Subject, e.Data = odd, json.RawMessage(`{"UserFirstName": null}`) })
		a := b.get(views.LabInstanceURL(odd))
		if a.status != http.StatusOK || !strings.HasSuffix(a.text("h1"), " "+odd) {
			t.Errorf("%s: status %d, %q", views.LabInstanceURL(odd), a.status, a.text("h1"))
		}
	}
	if got := views.LabInstanceURL(".."); got != "/lab-instances?q=.." {
		t.Errorf("a subject that is a step in a path leads to %q", got)
	}
	for _, path := range []string{views.LabInstanceURL("9"), views.LabInstanceURL(strings.Repeat("x", 500))} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
}

func TestFindLabInstances(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	empty := func(query string) string {
		a := b.get("/lab-instances" + query)
		return a.text("#empty") + " " + a.text(".empty p")
	}
	if got := empty(""); !strings.HasPrefix(got, "No lab instances yet") {
		t.Errorf("at first: %q", got)
	}
	if got := empty("?gated=1"); !strings.HasPrefix(got, "No gate is closed") {
		t.Errorf("no gates: %q", got)
	}
	d := b.closeGate()
	b.addEventOfLab(func(e *engine.Event) {
		e.Data = engine.SampleLabDetails().With(map[string]any{"Id": 5000, "UserLastName": "Other"}).Body()
	})
	for query, want := range map[string]string{
		"": "5000 4711", "?q=4711": "4711", "?q=471": "4711", "?q=other": "5000", "?q=example+lab": "5000 4711", "?gated=1": "4711", "?gated=1&q=47": "4711",
	} {
		var got []string
		b.get("/lab-instances" + query).doc.Find("#lab-instances tbody th").Each(func(_ int, s *goquery.Selection) { got = append(got, line(s)) })
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	row := line(b.get("/lab-instances?gated=1").doc.Find("#lab-instances tbody tr"))
	for _, want := range []string{"4711", "Example Lab (ABC)", "Example User (Example.User)", "Running (20)", "Tearing Down, ", "1 closed"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row lacks %q: %s", want, row)
		}
	}
	for query, want := range map[string]string{
		"?q=nobody": "Nothing matches No lab instance among the newest 5,000 events", "?q=123": "Nothing is kept about 123",
		"?q=nobody&gated=1": "Nothing matches No lab instance with a closed gate",
	} {
		if got := empty(query); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	b.record(d, engine.OutcomeDelivered, "")
	if a := b.get("/lab-instances"); !strings.Contains(a.text("main"), "newest 5,000 events about lab instances and other subjects") || a.text("header nav [aria-current]") != "Lab instances" {
		t.Errorf("the page does not say where it looks, or the top bar where it is")
	}
	if a := b.get("/lab-instances?q=471", "HX-Request", "true"); a.header.Get("HX-Push-Url") != "/lab-instances?q=471" {
		t.Errorf("the address becomes %q", a.header.Get("HX-Push-Url"))
	}
}

// Two consumers have a lane each: the page says whose webhooks they are.
func TestLabInstanceOfTwoConsumers(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	other := b.addWebhook(b.addConsumer("Fabrikam Academy").ID, "Academy")
	d := b.addLabEvent(engine.LabScored, b.gate, b.after, other)
	a := b.get(views.LabInstanceURL(subject))
	text := line(a.doc.Find(".timeline.lab"))
	for _, want := range []string{"of Contoso LMS", "Sending Academy of Fabrikam Academy", "Held Reports of Contoso LMS"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if got := a.doc.Find(".gate.closed").Length(); got != 1 {
		t.Errorf("%d gates of %s are closed", got, d[0].ID)
	}
}

// The times in the head of a lab instance are local, with UTC and the epoch in their title.
func TestLabHeadTimes(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	times := map[string]int64{"Start": 1795269731, "End": 1795273331, "Expires": 1795276931}
	b.addEventOfLab(func(e *engine.Event) {
		e.Data = engine.SampleLabDetails().With(map[string]any{"Id": labID, "Start": times["Start"], "End": times["End"], "Expires": times["Expires"]}).Body()
	})
	facts := b.get(views.LabInstanceURL(subject)).doc.Find("dl.facts.lab div")
	for label, epoch := range times {
		fact := facts.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Find("dt").Text() == label })
		if got, want := fact.Find("time").AttrOr("title", ""), fmt.Sprintf(" UTC, Unix %d", epoch); !strings.HasSuffix(got, want) {
			t.Errorf("%s is entitled %q, want %s in it", label, got, want)
		}
	}
}

// A subject of other events is called so in the list and on its page.
func TestOtherSubjects(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	b.addLabEvent(engine.LabScored, b.gate)
	b.addEventOfLab(func(e *engine.Event) {
		e.Type, e.Data = engine.TrackStarted, json.RawMessage(`{"participant_id": "tncb0s7cdkyu"}`)
	})
	list := b.get("/lab-instances")
	if got := list.text(".found"); got != "1 lab instance and 1 other subject" {
		t.Errorf("found %q", got)
	}
	for of, want := range map[string]string{subject: "Lab instance " + subject, "tncb0s7cdkyu": "Subject tncb0s7cdkyu"} {
		row := list.doc.Find("#lab-instances tbody th").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Find("a").Text() == of })
		if got := strings.Contains(line(row), "other subject"); got != strings.HasPrefix(want, "Subject") {
			t.Errorf("the list calls %s %q", of, line(row))
		}
		if a := b.get(views.LabInstanceURL(of)); a.text("h1") != want || !strings.HasPrefix(a.text("title"), want) {
			t.Errorf("%s: heading %q, title %q, want %q", of, a.text("h1"), a.text("title"), want)
		}
	}
}
