package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
)

func TestMoveWebhooks(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	names := func() string {
		var list []string
		b.get(views.ConsumerURL(b.gate.ConsumerID)).doc.Find("#webhook-table tbody th").Each(func(_ int, s *goquery.Selection) { list = append(list, line(s)) })
		return strings.Join(list, ", ")
	}
	if got := names(); got != "LMS – lab scored, Reports, Archive" {
		t.Fatalf("the order is %s", got)
	}
	page := b.get(views.ConsumerURL(b.gate.ConsumerID))
	if n := page.doc.Find("button[value=up]").Length(); n != 2 || page.doc.Find("button[value=down]").Length() != 2 {
		t.Errorf("%d webhooks can move up", n)
	}
	if got := line(page.doc.Find("#webhook-table .idle")); got != "Up Down" || page.doc.Find("#webhook-table form > *").Length() != 6 {
		t.Errorf("beside the buttons %q keeps the place of one", got)
	}
	a := b.post(views.WebhookMoveURL(b.next.ID), url.Values{"to": {"up"}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != views.ConsumerURL(b.gate.ConsumerID)+"#webhooks" {
		t.Fatalf("status %d, led to %s", a.status, a.header.Get("Location"))
	}
	if got := names(); got != "LMS – lab scored, Archive, Reports" {
		t.Errorf("after Up: %s", got)
	}
	b.post(views.WebhookMoveURL(b.gate.ID), url.Values{"to": {"down"}})
	if got := names(); got != "Archive, LMS – lab scored, Reports" {
		t.Errorf("after Down: %s", got)
	}
	b.post(views.WebhookMoveURL(b.next.ID), url.Values{"to": {"up"}})
	if got := names(); got != "Archive, LMS – lab scored, Reports" {
		t.Errorf("the first one up: %s", got)
	}
	if a := b.post(views.WebhookMoveURL(b.next.ID), url.Values{"to": {"sideways"}}); a.status != http.StatusBadRequest {
		t.Errorf("sideways: status %d", a.status)
	}
}
