package web

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"labhook/engine"
	"labhook/views"
)

// Pages are compressed for who takes that, but for those that must not be stored; and each says how long it took.
func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso")
	// With this header the client does not unpack by itself.
	packed := func(a answer) bool { return a.header.Get("Content-Encoding") == "gzip" }
	if a := b.get(views.AdminURL(), "Accept-Encoding", "br, gzip"); !packed(a) || a.header.Get("Vary") == "" {
		t.Errorf("who takes gzip gets %v", a.header)
	}
	if a := b.get(views.AdminURL(), "Accept-Encoding", "identity"); packed(a) || a.text("h1") != "Site Administration" {
		t.Errorf("who takes no gzip gets %v", a.header)
	}
	if a := b.get(views.AdminURL()); a.text("h1") != "Site Administration" {
		t.Errorf("unpacked, the page is %q", a.text("h1"))
	}
	wrong := b.post(views.NewWebhookURL(c.ID), url.Values{"signing.secret": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}, "Accept-Encoding", "gzip")
	if wrong.status != http.StatusUnprocessableEntity || wrong.header.Get("Cache-Control") != "no-store" || packed(wrong) {
		t.Errorf("a form with a secret: status %d, %v", wrong.status, wrong.header)
	}
	if a := b.get(views.NewWebhookURL(c.ID), "Accept-Encoding", "gzip"); !packed(a) {
		t.Errorf("a form without a secret: %v", a.header)
	}
	page := b.get(views.ConsumerURL(c.ID))
	tag, _ := page.doc.Find("#activity").Attr("data-etag")
	same := b.get(views.ConsumerURL(c.ID), "HX-Request", "true", "HX-Target", "section#activity", "If-None-Match", `"`+tag+`"`)
	if same.status != http.StatusNoContent {
		t.Errorf("a poll that finds nothing new: status %d", same.status)
	}
	for _, a := range []answer{page, same} {
		if timing := a.header.Get("Server-Timing"); !regexp.MustCompile(`^total;dur=\d+\.\d$`).MatchString(timing) {
			t.Errorf("status %d: Server-Timing is %q", a.status, timing)
		}
	}
}
