package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// listed returns the ids of a list's rows in order.
func listed(a answer) []string {
	return a.doc.Find("table tbody th a").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
}

// manyDeliveries stores deliveries in several states and returns them, oldest first.
func manyDeliveries(b *bundle, w *engine.Webhook, n int) []engine.Delivery {
	var list []engine.Delivery
	for i := range n {
		d := b.addDelivery(w, lab(int64(i)))
		switch i % 3 {
		case 0:
			b.record(d, engine.OutcomeDelivered, "")
		case 1:
			b.record(d, engine.OutcomeGiveUp, engine.ClassStatus)
		case 2:
			b.record(d, engine.OutcomeRetry, engine.ClassTimeout)
		}
		list = append(list, d)
	}
	return list
}

func TestDeliveriesArePagedBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	all := manyDeliveries(b, &w, 130)
	var want []string
	for _, d := range slices.Backward(all) {
		want = append(want, d.ID.String())
	}

	var forth, back [][]string
	a := b.get(views.DeliveriesURL("since", "24h"))
	if got := a.text(".pager span"); got != "Newest 50 · 130 match" {
		t.Errorf("count %q", got)
	}
	for {
		forth = append(forth, listed(a))
		older, ok := a.doc.Find(".pager a[rel=next]").Attr("href")
		if !ok {
			break
		}
		if !strings.Contains(older, "from=20") {
			t.Errorf("the period of %s is not fixed", older)
		}
		a = b.get(older)
	}
	if got := slices.Concat(forth...); !slices.Equal(got, want) || len(forth) != 3 {
		t.Fatalf("%d rows on %d pages, want 130 on 3", len(got), len(forth))
	}
	for {
		back = append(back, listed(a))
		newer, ok := a.doc.Find(".pager a[rel=prev]").Attr("href")
		if !ok {
			break
		}
		// More arrives while the reader turns pages: the pages stay what they were.
		b.record(b.addDelivery(&w), engine.OutcomeDelivered, "")
		if a = b.get(newer); len(back) > 3 {
			t.Fatal("the way back does not end")
		}
	}
	if !slices.Equal(back[1], forth[1]) || !slices.Equal(back[2], forth[0]) {
		t.Error("the way back shows other rows")
	}
	if len(back) != 4 || len(back[3]) != 3 {
		t.Errorf("the way back has %d pages", len(back))
	}
}

func TestDeliveriesAreFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	c := b.addConsumer("Contoso")
	w, other := b.addWebhook(c.ID, "Scores"), b.addWebhook(b.addConsumer("Fabrikam").ID, "Other")
	all := manyDeliveries(b, &w, 9)
	ids := func(list ...engine.Delivery) []string {
		var text []string
		for _, d := range slices.Backward(list) {
			text = append(text, d.ID.String())
		}
		return text
	}
	elsewhere := b.addDelivery(&other, ofType(engine.LabTornDown), lab(77))
	for _, test := range []struct {
		query []string
		want  []string
		chips string
	}{
		{[]string{"status", "failed"}, ids(all[1], all[4], all[7]), "Failed"},
		{[]string{"status", "failed", "status", "retrying"}, ids(all[1], all[2], all[4], all[5], all[7], all[8]), "Retrying Failed"},
		{[]string{"webhook", other.ID.String()}, ids(elsewhere), "Webhook Other"},
		{[]string{"consumer", c.ID.String(), "status", "delivered"}, ids(all[0], all[3], all[6]), "Delivered Consumer Contoso"},
		{[]string{"event", engine.LabTornDown}, ids(elsewhere), "Torn Down"},
		{[]string{"lab", "4"}, ids(all[4]), "Lab instance 4"},
		{[]string{"q", "4"}, ids(all[4]), "Lab instance 4"},
		{[]string{"event_id", all[3].EventID.String()}, ids(all[3]), "Event " + all[3].EventID.String()},
		{[]string{"since", "1h"}, append(ids(elsewhere), ids(all...)...), "Last hour"},
		{[]string{"from", "2020-01-01T00:00:00Z", "status", "sending"}, ids(elsewhere), "Sending Since 2020-01-01 00:00 UTC"},
	} {
		a := b.get(views.DeliveriesURL(test.query...))
		if got := listed(a); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.query, got, test.want)
		}
		chips := a.doc.Find(".chip").Map(func(_ int, s *goquery.Selection) string {
			return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s.Text()), "Remove filter: "), " ×")
		})
		if got := strings.Join(chips, " "); got != test.chips {
			t.Errorf("%v: chips %q, want %q", test.query, got, test.chips)
		}
		if a.doc.Find(".notice.warning").Length() > 0 {
			t.Errorf("%v: %s", test.query, a.text(".notice.warning"))
		}
		if !strings.HasPrefix(a.text("title"), "Deliveries: ") {
			t.Errorf("%v: title %q", test.query, a.text("title"))
		}
		// A chip takes its filter away.
		without := b.get(a.doc.Find(".chip").First().AttrOr("href", ""))
		if got := without.doc.Find(".chip").Length(); got != len(chips)-1 {
			t.Errorf("%v: %d chips left", test.query, got)
		}
	}
}

// No address ends in an error: what is unknown is left out, and the page says so.
func TestUnknownFiltersAreLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	manyDeliveries(b, &w, 3)
	for _, query := range []string{
		"status=lost", "webhook=con_0000000000001", "consumer=x", "event=lab.unheard", "since=yesterday", "since=-1h", "event_id=zz",
		"before=x", "after=wh_0000000000001", "colour=red", "status=%00%ff", "page=3", "code=9xx", "code=700",
	} {
		for _, path := range []string{"/deliveries?", "/events?"} {
			a := b.get(path + query)
			if a.status != http.StatusOK || len(listed(a)) != 3 || a.doc.Find(".notice.warning").Length() != 1 {
				t.Errorf("%s%s: status %d, %d rows, notices %q", path, query, a.status, len(listed(a)), a.text(".notice.warning"))
			}
		}
	}
}

func TestEmptyLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	for path, want := range map[string][2]string{
		"/deliveries": {"Nothing sent yet", "Deliveries appear here as soon as"},
		"/deliveries?status=retrying&status=held":  {"Nothing is waiting", "No delivery is held or retrying now."},
		"/deliveries?status=failed&since=24h":      {"Nothing matches", "No deliveries with: Failed, last 24 hours."},
		"/deliveries?lab=4711":                     {"Nothing matches", "No deliveries with: lab instance 4711."},
		"/deliveries?before=dlv_0000000000001":     {"No more deliveries", "There are none beyond this point"},
		"/events":                                  {"No events yet", "Events appear here as soon as"},
		"/events?event=lab.scored":                 {"Nothing matches", "No events with: Scored."},
		"/events?after=evt_7zzzzzzzzzzzz&since=7d": {"No more events", "There are none beyond this point"},
	} {
		a := b.get(path)
		title, text := a.text(".empty h2"), a.text(".empty p")
		if a.status != http.StatusOK || title != want[0] || !strings.HasPrefix(text, want[1]) {
			t.Errorf("%s: status %d, %q, %q", path, a.status, title, text)
		}
	}
}

func TestTextBoxJumps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	d := b.addDelivery(&w, func(e *engine.Event) { e.SenderID = "order-7" })
	for text, want := range map[string]string{
		d.ID.String(): views.DeliveryURL(d.ID), " " + d.ID.String() + " ": views.DeliveryURL(d.ID),
		d.EventID.String(): views.EventURL(d.EventID), "order-7": views.EventURL(d.EventID),
	} {
		for _, list := range []func(...string) string{views.DeliveriesURL, views.EventsURL} {
			if a := b.get(list("q", text)); a.header.Get("Location") != want {
				t.Errorf("%q: status %d, leads to %q", text, a.status, a.header.Get("Location"))
			}
			if a := b.get(list("q", text), "HX-Request", "true"); a.header.Get("HX-Redirect") != want {
				t.Errorf("%q with htmx: status %d, leads to %q", text, a.status, a.header.Get("HX-Redirect"))
			}
		}
	}
	a := b.get(views.DeliveriesURL("q", "dlv_0000000000001"))
	if a.status != http.StatusOK || !strings.HasPrefix(a.text(".empty"), "Nothing matches") {
		t.Errorf("an unknown id: status %d, %q", a.status, a.text(".empty"))
	}
}

// A list does not move under its reader: a poll brings the number of new rows, and nothing when there are none.
func TestListsTellWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	for _, path := range []string{"/deliveries", "/events", "/deliveries?status=sending&since=24h", "/events?since=1h"} {
		t.Run(path, func(t *testing.T) {
			page := b.get(path)
			poll := func(etag string) answer {
				t.Helper()
				url := page.doc.Find("#new-rows").AttrOr("hx-get", "")
				return b.get(url, "HX-Request", "true", "HX-Target", "section#new-rows", "If-None-Match", `"`+etag+`"`)
			}
			first := page.doc.Find("#new-rows").AttrOr("data-etag", "")
			if a := poll(first); a.status != http.StatusNoContent {
				t.Fatalf("nothing new: status %d", a.status)
			}
			b.addDelivery(&w)
			a := poll(first)
			if a.status != http.StatusOK || a.text("#new-rows") != "1 new – show" || len(listed(a)) > 0 {
				t.Fatalf("one new: status %d, %q", a.status, a.text("#new-rows"))
			}
			if again := poll(a.doc.Find("#new-rows").AttrOr("data-etag", "")); again.status != http.StatusNoContent {
				t.Errorf("still one new: status %d", again.status)
			}
			shown := b.get(a.doc.Find("#new-rows a").AttrOr("href", ""))
			if len(listed(shown)) != len(listed(page))+1 || shown.doc.Find("#new-rows a").Length() != 0 {
				t.Errorf("%d rows after %d", len(listed(shown)), len(listed(page)))
			}
		})
	}
}

func TestFilterAnswersWithItsAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	a := b.get("/deliveries?status=failed&event=&webhook=&consumer=&since=24h&q=", "HX-Request", "true", "HX-Target", "div#list")
	if got := a.header.Get("HX-Push-Url"); got != "/deliveries?status=failed&since=24h" {
		t.Errorf("pushes %q", got)
	}
	if a.doc.Find("#list").Length() != 1 || !strings.HasPrefix(a.text("title"), "Deliveries: Failed, last 24 hours") {
		t.Errorf("title %q", a.text("title"))
	}
}

// The selects stay small however many webhooks there are.
func TestSelectsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	c := b.addConsumer("Contoso")
	var last engine.Webhook
	for i := range selectable + 1 {
		last = b.addWebhook(c.ID, fmt.Sprintf("Webhook %d", i))
	}
	a := b.get(views.DeliveriesURL("webhook", last.ID.String()))
	options := a.doc.Find("#webhook option")
	if options.Length() != 2 || options.Last().Text() != last.Name {
		t.Errorf("%d options, last %q", options.Length(), options.Last().Text())
	}
	if _, chosen := options.Last().Attr("selected"); !chosen {
		t.Error("the chosen webhook is not selected")
	}
}

func TestQueryKeepsItsPeriod(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 14, 2, 11, 5, time.UTC)
	q := listQuery{since: "24h"}
	if got := views.DeliveriesURL(q.fixed(now).pairs()...); got != "/deliveries?from=2026-11-20T14%3A02%3A11Z" {
		t.Error(got)
	}
}
