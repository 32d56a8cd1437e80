package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/static"
	"labhook/views"
)

// The drawings of a webhook that was busy for a month, which no test can wait for.
func TestDrawingsOfABusyWebhook(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 14, 20, 0, 0, time.UTC)
	since := now.Add(time.Hour - 30*24*time.Hour).Truncate(time.Hour)
	var hours []engine.HourCounts
	for i, h := 0, since; !h.After(now); i, h = i+1, h.Add(time.Hour) {
		n := engine.HourCounts{Hour: h, Counts: engine.Counts{Delivered: int64(40 + i%24*5), Attempts: int64(50 + i%24*6)}}
		if i%97 < 5 {
			n.Failed, n.Delivered = 60, 3
		}
		if i%50 > 2 {
			for j := range n.Delivered {
				n.Durations.Count(time.Duration(80+j*int64(i%24)/2) * time.Millisecond)
			}
		}
		hours = append(hours, n)
	}
	a := views.Activity{
		Page:    views.Page{Title: "Activity", Zone: time.UTC, Now: now, Catalog: engine.BuiltIn, User: &engine.User{Name: "Dana", Role: engine.RoleAdmin}},
		Webhook: enginetest.Webhook(), Period: "30d", Label: "Last 30 days",
		Periods:  []views.Link{{Text: "Last 24 hours", URL: "/x"}, {Text: "Last 30 days", URL: "/y", Current: true}},
		Failures: []engine.FailureCount{{Class: engine.ClassStatus, Status: 503, Attempts: 1200}, {Class: engine.ClassTimeout, Attempts: 31}},
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("/{step}", func(w http.ResponseWriter, r *http.Request) {
		page := a
		page.Unit, page.Bars = "day", views.NewActivityBars(hours, since, now, 24, time.UTC)
		if r.PathValue("step") == "hours" {
			page.Unit, page.Bars = "hour", views.NewActivityBars(hours[len(hours)-24:], now.Add(-23*time.Hour), now, 1, time.UTC)
		}
		if err := views.WebhookActivity(page).Render(r.Context(), w); err != nil {
			t.Error(err)
		}
	})
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	b := newTab(t, &site{url: ts.URL}, screens[0])
	for _, name := range []string{"days", "hours"} {
		b.open("/" + name)
		b.do(chromedp.Click(chromedp.CSS("#times-table > summary")))
		for _, look := range screens {
			b.look(look)
			b.check("activity-" + name)
		}
		if nodes := evaluate[int](b, `document.querySelectorAll("*").length`); nodes > 1500 {
			t.Errorf("%d nodes", nodes)
		}
	}
}

// TestU17HostileAnswerInABrowser shows an answer of script, terminal control and no text at all, with the request as a
// command beside it. check fails when the browser complains of anything.
func TestU17HostileAnswerInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 5 << 20 / 64 {
			if _, err := w.Write([]byte("<script>document.title='owned'</script>\x1b[2J\x00\xff\xfe\u202e<img src=x>\n")); err != nil {
				return // only its beginning is read
			}
		}
	}))
	t.Cleanup(receiver.Close)
	hook := s.addWebhook(t, s.addConsumer(t, "Contoso LMS").ID, func(w *engine.Webhook) { w.URL = receiver.URL })
	tested, err := s.engine.Test(t.Context(), engine.System, hook.ID, engine.Example{})
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range []screen{screens[0], screens[3]} {
		b := newTab(t, s, look)
		b.signIn()
		b.open(views.DeliveryInListURL(tested.Delivery.ID, "test=true"))
		b.do(chromedp.Click(chromedp.CSS("#attempt-1-curl > summary")))
		b.check("delivery-hostile")
		if title := evaluate[string](b, "document.title"); title != "Delivery "+tested.Delivery.ID.String()+" · Labhook" {
			t.Errorf("the title became %q", title)
		}
		if size := evaluate[int](b, "performance.getEntriesByType('navigation')[0].decodedBodySize"); size > 300<<10 {
			t.Errorf("the page has %d bytes", size)
		}
	}
}
