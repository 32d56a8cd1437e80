package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// bulkPage follows a button of the selection, and returns the page that asks.
func (b *bundle) bulkPage(list answer, do string, ids ...engine.DeliveryID) answer {
	query := url.Values{"do": {do}, "list": {list.doc.Find("input[name=list]").AttrOr("value", "")}}
	for _, id := range ids {
		query.Add("id", id.String())
	}
	return b.get(views.BulkURL() + "?" + query.Encode())
}

func (b *bundle) states(list []engine.Delivery) map[engine.DeliveryState]int {
	b.t.Helper()
	states := map[engine.DeliveryState]int{}
	for _, d := range list {
		row, err := b.store.Delivery(b.t.Context(), d.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		states[row.State]++
	}
	return states
}

func TestSelectedAreCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	all := manyDeliveries(b, &w, 9)
	list := b.get(views.DeliveriesURL())
	list = b.get(list.doc.Find(".note a.button").AttrOr("href", ""))
	if n := list.doc.Find("input[name=id]").Length(); n != 9 {
		t.Fatalf("%d boxes, want one for each row", n)
	}
	// Of the selected one is retrying, the other has failed: only the first can be cancelled.
	ask := b.bulkPage(list, views.BulkCancel, all[2].ID, all[1].ID)
	if got := ask.text("h1"); got != "Cancel 1 delivery" || !strings.Contains(ask.text(".notice.warning"), "1 delivery is left out") {
		t.Errorf("the page asks %q, %q", got, ask.text(".notice.warning"))
	}
	if got := listed(ask); !slices.Equal(got, []string{all[2].ID.String()}) {
		t.Errorf("the page shows %v", got)
	}
	done := b.post(views.BulkURL(), formValues(t, ask, views.BulkURL()))
	if done.status != http.StatusSeeOther || done.header.Get("Location") != views.DeliveriesURL() {
		t.Fatalf("status %d to %s", done.status, done.header.Get("Location"))
	}
	if got := b.get(views.DeliveriesURL()).text(".flash"); got != "1 delivery is cancelled." {
		t.Errorf("flash %q", got)
	}
	if got := b.states(all); got[engine.StateCancelled] != 1 || got[engine.StateRetrying] != 2 {
		t.Errorf("states %v", got)
	}
	if nothing := b.bulkPage(list, views.BulkCancel); nothing.status != http.StatusSeeOther || !strings.Contains(nothing.header.Get("Location"), "select=true") {
		t.Errorf("without a selection: status %d to %s", nothing.status, nothing.header.Get("Location"))
	}
	if wrong := b.get(views.BulkURL() + "?do=burn&list=all"); wrong.status != http.StatusSeeOther {
		t.Errorf("an unknown action: status %d", wrong.status)
	}
}

// All that match are counted before anything is done, and what comes later is left alone.
func TestAllThatMatchAreSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	all := manyDeliveries(b, &w, 60)
	list := b.get(views.WebhookLogsURL(w.ID, "select", "true", "code", "5xx"))
	ask := b.bulkPage(list, views.BulkResendAll)
	if got := ask.text("h1"); got != "Resend 20 deliveries" || len(listed(ask)) != bulkShown || !strings.Contains(ask.body, "and 10 more") {
		t.Errorf("the page asks %q and shows %d", got, len(listed(ask)))
	}
	if got := ask.doc.Find(".actions a.button").AttrOr("href", ""); got != views.WebhookLogsURL(w.ID, "code", "5xx") {
		t.Errorf("the way back is %s", got)
	}
	late := manyDeliveries(b, &w, 3)
	done := b.post(views.BulkURL(), formValues(t, ask, views.BulkURL()))
	if got := b.get(done.header.Get("Location")).text(".flash"); got != "20 deliveries are sent again." {
		t.Errorf("status %d, flash %q", done.status, got)
	}
	if got := b.states(late); got[engine.StateFailed] != 1 {
		t.Errorf("what came later is %v", got)
	}
	for i, d := range all {
		row, err := b.store.Delivery(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		// Sent again, it comes to another attempt at once.
		if untouched := row.Attempts == 1 && row.Trigger != engine.TriggerManual && (i%3 != 1 || row.State == engine.StateFailed); untouched != (i%3 != 1) {
			t.Errorf("delivery %d: untouched is %v: %s after %d attempts", i, untouched, row.State, row.Attempts)
		}
	}
	b.signIn(engine.RoleViewer)
	if a := b.get(views.DeliveriesURL("select", "true")); a.doc.Find("input[name=id]").Length() > 0 || a.doc.Find(".note a.button").Length() > 0 {
		t.Error("a viewer may select")
	}
	if a := b.post(views.BulkURL(), url.Values{"do": {views.BulkResendAll}, "list": {"all"}}); a.status != http.StatusForbidden {
		t.Errorf("a viewer sends again: status %d", a.status)
	}
}

// What is out of use is refused by the engine, whoever asks: the page leaves it out, and so does what comes of it.
func TestBulkLeavesOutWhatIsOutOfUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	failed := manyDeliveries(b, &w, 3)[1]
	list := b.get(views.DeliveriesURL("select", "true"))
	ask := b.bulkPage(list, views.BulkResend, failed.ID)
	if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
		t.Fatal(err)
	}
	done := b.post(views.BulkURL(), formValues(t, ask, views.BulkURL()))
	if got := b.get(done.header.Get("Location")).text(".flash"); !strings.HasPrefix(got, "0 deliveries are sent again. 1 was left out") {
		t.Errorf("flash %q", got)
	}
	if got := b.bulkPage(list, views.BulkResend, failed.ID); got.text("h1") != "Nothing to resend" {
		t.Errorf("the page asks %q", got.text("h1"))
	}
	if _, err := b.engine.Resend(t.Context(), engine.System, failed.ID); err == nil || !strings.Contains(err.Error(), "The webhook is disabled.") {
		t.Errorf("the engine answers %v", err)
	}
}

// More than is done at once is said, with the way to send it all.
func TestBulkBeyondItsLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	b.addEventFor(func(e *engine.Event) (list []engine.Delivery) {
		for range maxBulk + 1 {
			d, err := engine.NewDelivery(e, &w, e.AcceptedAt).Transition(engine.Change{Step: engine.StepCancel, Now: e.AcceptedAt, Reason: "Not wanted."})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, d)
		}
		return list
	})
	ask := b.bulkPage(b.get(views.DeliveriesURL("select", "true", "status", "cancelled")), views.BulkResendAll)
	note := ask.doc.Find(".notice.warning")
	if got := ask.text("h1"); got != "Resend the oldest 1,000 deliveries" || !strings.Contains(note.Text(), "More match than the 1,000 that are done at once") {
		t.Errorf("%q, %q", got, note.Text())
	}
	if to := note.Find("a"); to.Text() != "Recover failed of Scores…" || to.AttrOr("href", "") != views.WebhookRecoverURL(w.ID) {
		t.Errorf("the way to the rest: %q", to.Text())
	}
	if cancel := b.bulkPage(b.get(views.DeliveriesURL("select", "true")), views.BulkCancelAll); strings.Contains(cancel.body, "Recover failed") {
		t.Error("a recovery is offered in place of a cancellation")
	}
}

// All rows of a page are selected by a link, which needs no script, and the state stands in the address.
func TestSelectAllOnThePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	manyDeliveries(b, &w, 9)
	follow := func(from answer, text string) answer {
		t.Helper()
		link := from.doc.Find("main a.button").FilterFunction(func(_ int, a *goquery.Selection) bool { return a.Text() == text })
		if link.Length() != 1 {
			t.Fatalf("%d links %q", link.Length(), text)
		}
		return b.get(link.AttrOr("href", ""))
	}
	boxes := func(a answer) [2]int {
		return [2]int{a.doc.Find("input[name=id]").Length(), a.doc.Find("input[name=id][checked]").Length()}
	}
	list := follow(b.get(views.DeliveriesURL("status", "failed")), "Select…")
	if got := boxes(list); got != [2]int{3, 0} {
		t.Errorf("at first %v", got)
	}
	if list = follow(list, "Select all on this page"); boxes(list) != [2]int{3, 3} {
		t.Errorf("all: %v", boxes(list))
	}
	if got := list.doc.Find("#deliveries th a").First().AttrOr("href", ""); strings.Contains(got, "select") {
		t.Errorf("the selection goes along to %s", got)
	}
	if list = follow(list, "Select none"); boxes(list) != [2]int{3, 0} {
		t.Errorf("none: %v", boxes(list))
	}
	if list = follow(list, "End selection"); boxes(list) != [2]int{0, 0} {
		t.Errorf("after the end: %v", boxes(list))
	}
}

// A list that takes too long names shorter periods than the one that was asked for.
func TestTooSlowOffersShorterPeriods(t *testing.T) {
	t.Parallel()
	texts := func(q listQuery) (list []string) {
		for _, action := range tooSlow(q, views.DeliveriesURL).Actions {
			list = append(list, action.Text+" "+action.URL)
		}
		return list
	}
	q := listQuery{event: engine.LabScored}
	want := []string{
		"Last hour /deliveries?event=lab.scored&since=1h", "Last 24 hours /deliveries?event=lab.scored&since=24h",
		"Last 7 days /deliveries?event=lab.scored&since=7d", "Clear filters /deliveries",
	}
	if got := texts(q); !slices.Equal(got, want) {
		t.Errorf("any time: %q", got)
	}
	q.since = "24h"
	if got := texts(q); !slices.Equal(got, []string{want[0], want[3]}) {
		t.Errorf("a day: %q", got)
	}
}
