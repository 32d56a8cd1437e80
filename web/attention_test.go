package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

func TestNeedsAttention(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	c := b.addConsumer("Fabrikam LMS")
	failing, off := b.addWebhook(c.ID, "Failing"), b.addWebhook(c.ID, "Switched off")
	if got := b.get("/admin"); !strings.Contains(got.text("#health"), "Nothing needs attention.") || got.doc.Find("#attention").Length() != 0 {
		t.Errorf("at first: %s", got.text("#health"))
	}
	gate := b.closeGate()
	slow := b.addWebhook(c.ID, "Slow", func(w *engine.Webhook) { w.Timeout = 10 * time.Second })
	for range slowAnswers {
		b.record(b.addDelivery(&slow), engine.OutcomeDelivered, "", func(a *engine.Attempt) { a.Timings.Total = 8_000_000 })
	}
	for range engine.FailingAfter {
		b.record(b.addDelivery(&failing), engine.OutcomeGiveUp, engine.ClassStatus)
	}
	b.record(b.addDelivery(&off), engine.OutcomeGiveUp, engine.ClassStatus, func(a *engine.Attempt) { a.Outcome.Deactivate = engine.DeactivatedByReceiver })

	page := b.get("/admin")
	for _, want := range []string{"3 things need attention", "Slow: 1 answer of 20 took longer than about 9.8 s, and its timeout is 10 s.", "Deactivated: the receiver asked for it.", "3 attempts failed in a row, mostly 503."} {
		if !strings.Contains(page.text("#health"), want) {
			t.Errorf("the page lacks %q: %s", want, page.text("#health"))
		}
	}
	order := page.doc.Find("#attention tbody th").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if want := []string{off.Name, failing.Name, slow.Name}; !slices.Equal(order, want) {
		t.Errorf("in the order %q, want %q", order, want)
	}
	if href, _ := page.doc.Find("#attention a:contains('Recover')").Attr("href"); href != views.WebhookRecoverURL(off.ID) {
		t.Errorf("Recover leads to %q", href)
	}
	if got := page.doc.Find("[aria-labelledby=recent] li").Length(); got != recentWebhooks {
		t.Errorf("%d recently changed webhooks, want %d", got, recentWebhooks)
	}

	b.record(b.addDelivery(&failing), engine.OutcomeGiveUp, engine.ClassTimeout)
	if got, want := b.get("/admin").text("#health"), "4 attempts failed in a row, mostly 503, the last with timeout."; !strings.Contains(got, want) {
		t.Errorf("the page lacks %q: %s", want, got)
	}

	later := views.Page{Now: time.Now().Add(6 * time.Minute), User: &engine.User{Role: engine.RoleViewer}}
	list, err := b.web.attention(t.Context(), later, littleSpace-1)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 5 || !strings.Contains(list[0].What, "free") || !strings.Contains(list[1].What, "lab instance "+subject) ||
		list[1].Next.URL != views.GateURL(subject, gate.ID) || list[2].Next.URL != "" {
		t.Errorf("later: %+v", list)
	}
	// What takes half of the timeout is not slow, and a few answers say nothing.
	for _, tt := range []struct {
		took    time.Duration
		answers int
		slow    bool
	}{{4 * time.Second, 100, false}, {9 * time.Second, slowAnswers - 1, false}, {9 * time.Second, slowAnswers, true}} {
		var d engine.Durations
		for range tt.answers {
			d.Count(tt.took)
		}
		if got := slowWords(&slow, d); (got != "") != tt.slow {
			t.Errorf("%d answers of %s: %q", tt.answers, tt.took, got)
		}
	}
	later.Now = later.Now.Add(time.Hour * 24)
	if list, _ = b.web.attention(t.Context(), later, -1); len(list) == 0 || !strings.Contains(list[0].What, "should have opened") {
		t.Errorf("a day later: %+v", list)
	}
}
