package web

import (
	"strings"
	"testing"
	"time"

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
	for range engine.FailingAfter {
		b.record(b.addDelivery(&failing), engine.OutcomeGiveUp, engine.ClassStatus)
	}
	b.record(b.addDelivery(&off), engine.OutcomeGiveUp, engine.ClassStatus, func(a *engine.Attempt) { a.Outcome.Deactivate = engine.DeactivatedByReceiver })

	page := b.get("/admin")
	for _, want := range []string{"2 things need attention", "Deactivated: the receiver asked for it.", "3 attempts failed in a row, the last with 503"} {
		if !strings.Contains(page.text("#health"), want) {
			t.Errorf("the page lacks %q: %s", want, page.text("#health"))
		}
	}
	if got := page.doc.Find("#attention tbody tr").First().Find("th").Text(); got != off.Name {
		t.Errorf("%q comes first, want %q", got, off.Name)
	}
	if href, _ := page.doc.Find("#attention a:contains('Recover')").Attr("href"); href != views.WebhookRecoverURL(off.ID) {
		t.Errorf("Recover leads to %q", href)
	}
	if got := page.doc.Find("[aria-labelledby=recent] li").Length(); got != recentWebhooks {
		t.Errorf("%d recently changed webhooks, want %d", got, recentWebhooks)
	}

	later := views.Page{Now: time.Now().Add(6 * time.Minute), User: &engine.User{Role: engine.RoleViewer}}
	list, err := b.web.attention(t.Context(), later, littleSpace-1)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 4 || !strings.Contains(list[0].What, "free") || !strings.Contains(list[1].What, "lab instance "+subject) ||
		list[1].Next.URL != views.GateURL(subject, gate.ID) || list[2].Next.URL != "" {
		t.Errorf("later: %+v", list)
	}
	later.Now = later.Now.Add(time.Hour * 24)
	if list, _ = b.web.attention(t.Context(), later, -1); len(list) == 0 || !strings.Contains(list[0].What, "should have opened") {
		t.Errorf("a day later: %+v", list)
	}
}
