package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

// The tab Logs is the list of deliveries with its filters, of one webhook.
func TestWebhookLogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	c := b.addConsumer("Contoso")
	w, other := b.addWebhook(c.ID, "Scores"), b.addWebhook(c.ID, "Other")
	if a := b.get(views.WebhookLogsURL(w.ID)); a.text("#list h2") != "Nothing sent yet" {
		t.Errorf("empty: %s", a.text("#list"))
	}
	manyDeliveries(b, &w, 60)
	manyDeliveries(b, &other, 3)
	a := b.get(views.WebhookLogsURL(w.ID))
	if n := len(listed(a)); n != engine.PageSize || a.text(".tabs [aria-current]") != "Logs" || a.text("h2") != "Logs" {
		t.Errorf("%d rows, tab %q", n, a.text(".tabs [aria-current]"))
	}
	if a.doc.Find("#webhook, #consumer").Length() > 0 {
		t.Error("the filter asks for the webhook")
	}
	older := a.doc.Find(".pager a[rel=next]").AttrOr("href", "")
	if rest := listed(b.get(older)); len(rest) != 10 || !strings.HasPrefix(older, "/webhooks/") {
		t.Errorf("%d older rows at %s", len(rest), older)
	}
	failed := b.get(views.WebhookLogsURL(w.ID, "status", "failed", "code", "503"))
	if n := len(listed(failed)); n != 20 || failed.text("title") != "Scores logs: Failed, Response 503 · Labhook" {
		t.Errorf("%d failed, title %q", n, failed.text("title"))
	}
	if strange := b.get(views.WebhookLogsURL(w.ID, "webhook", other.ID.String())); strange.doc.Find(".notice.warning").Length() != 1 || len(listed(strange)) != engine.PageSize {
		t.Error("the tab of one webhook can be asked for another's deliveries")
	}
	// A poll finds nothing new, then one.
	poll := a.doc.Find("#new-rows").AttrOr("hx-get", "")
	etag := a.doc.Find("#new-rows").AttrOr("data-etag", "")
	headers := []string{"HX-Request", "true", "HX-Target", "section#new-rows", "If-None-Match", `"` + etag + `"`}
	if got := b.get(poll, headers...); got.status != http.StatusNoContent {
		t.Errorf("a poll that finds nothing: status %d", got.status)
	}
	b.addDelivery(&w)
	if got := b.get(poll, headers...); got.status != http.StatusOK || !strings.Contains(got.body, "1 new") {
		t.Errorf("a poll that finds one: status %d, %s", got.status, got.body)
	}
}

func TestDeliveriesByResponseTestsAndTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	all := manyDeliveries(b, &w, 6)
	for query, want := range map[string]int{
		"code=5xx": 2, "code=503": 2, "code=504": 0, "code=timeout": 2, "code=Timeout": 2, "code=5XX": 2, "code=2xx": 2, "code=503&status=retrying": 0,
		"test=false": 6, "test=true": 0, "from=2020-01-01T00:00": 6, "to=2020-01-01T00:00": 0, "since=custom": 6,
		"since=custom&from=2020-01-01T00:00&to=2099-01-01T00:00": 6, "since=1h&from=2098-01-01T00:00&to=": 6,
	} {
		a := b.get("/deliveries?" + query)
		if got := len(listed(a)); a.status != http.StatusOK || got != want || a.doc.Find(".notice.warning").Length() > 0 {
			t.Errorf("%s: status %d, %d rows, want %d; %s", query, a.status, got, want, a.text(".notice.warning"))
		}
	}
	if got := b.get("/deliveries?from=2030-01-01T00:00&to=2020-01-01T00:00").text(".notice.warning"); !strings.Contains(got, "From must be earlier than To") {
		t.Errorf("a period that ends before it begins: notice %q", got)
	}
	for _, query := range []string{"code=slow", "test=perhaps", "from=noon", "to=later"} {
		if a := b.get("/deliveries?" + query); a.doc.Find(".notice.warning").Length() != 1 || len(listed(a)) != len(all) {
			t.Errorf("%s: %d rows, notice %q", query, len(listed(a)), a.text(".notice.warning"))
		}
	}
	a := b.get("/deliveries?from=2020-01-01T12:30:00Z&to=2099-01-01T00:00:00Z&code=5xx&test=false")
	if from, to := a.doc.Find("#from").AttrOr("value", ""), a.doc.Find("#since [selected]").AttrOr("value", ""); from != "2020-01-01T12:30" || to != customPeriod {
		t.Errorf("the form has %q and %q", from, to)
	}
	if got := a.text(".filter-box summary"); !strings.Contains(got, "4 active") {
		t.Errorf("the folded filter says %q", got)
	}
	options := a.doc.Find("#code-list option").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") })
	if !slices.Contains(options, "timeout") || slices.Contains(options, string(engine.ClassStatus)) {
		t.Errorf("suggestions %v", options)
	}
}

func TestWebhookActivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleViewer)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	if a := b.get(views.WebhookActivityURL(w.ID, "7d")); a.text("#empty") != "No deliveries in this period" || a.text(".quick [aria-current]") != "Last 7 days" {
		t.Errorf("empty: %s", a.text("#activity"))
	}
	manyDeliveries(b, &w, 9)
	for period, bars := range map[string]int{"": 24, "1h": 61, "24h": 24, "7d": 28, "30d": 30, "1y": 24} {
		a := b.get(views.WebhookActivityURL(w.ID, period))
		if figures := a.doc.Find("#bars-table [role=region][tabindex] > table.figures"); figures.Length() != 1 || figures.HasClass("cards") {
			t.Errorf("the numbers of the drawing are no table that scrolls by itself, or become cards")
		}
		if n := a.doc.Find("#bars-rows tbody tr").Length(); n != bars && n != bars+1 { // a stretch that is cut at both ends
			t.Errorf("%s: %d bars, want %d", period, n, bars)
		}
		if got := a.text("#activity > p"); !strings.HasPrefix(got, "3 delivered and 3 failed: 50 % got through. 9 attempts were made.") {
			t.Errorf("%s: %q", period, got)
		}
		results := a.doc.Find("#result-rows tbody tr").Map(func(_ int, s *goquery.Selection) string {
			return strings.Join(s.Find("th, td").Map(func(_ int, cell *goquery.Selection) string { return strings.TrimSpace(cell.Text()) }), " ")
		})
		if want := []string{"Success 3 Delivered", "503 3 Latest attempt 503", "timeout 3 Latest attempt timeout"}; !slices.Equal(results, want) {
			t.Errorf("%s: %q, want %q", period, results, want)
		}
		if n := a.doc.Find("*").Length(); n > 1500 {
			t.Errorf("%s: %d nodes", period, n)
		}
	}
	hour := b.get(views.WebhookActivityURL(w.ID, "1h"))
	if got := hour.text("#activity"); hour.text("#results") != "What the latest attempts came to" || !strings.Contains(got, "3 deliveries still wait.") || strings.Contains(got, "More came") {
		t.Errorf("the last hour: %s", got)
	}
	a := b.get(views.WebhookActivityURL(w.ID, ""))
	a.doc.Find("#result-rows a").Each(func(_ int, s *goquery.Selection) {
		if to := s.AttrOr("href", ""); len(listed(b.get(to))) != 3 {
			t.Errorf("%s does not lead to three deliveries", to)
		}
	})
	if overview := b.get(views.WebhookURL(w.ID)); !strings.Contains(overview.text(".stats"), "50 %") || len(overview.doc.Find("#latest-table tbody tr").Nodes) != latestDeliveries {
		t.Errorf("overview: %s", overview.text(".stats"))
	}
}
