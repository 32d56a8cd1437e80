package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
)

func TestSettingsPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.web.settings = []Setting{
		{"General", "listen", "Listen address", "127.0.0.1:8080", "flag", "--listen", "LABHOOK_LISTEN", "Where it listens."},
		{"General", "public-url", "Public URL", "", "default", "--public-url", "LABHOOK_PUBLIC_URL", "Where people reach it."},
		{"Egress", "proxy", "Forward proxy", "http://••••@proxy:3128", "file", "--proxy", "LABHOOK_PROXY", "What all goes through."},
	}
	if a := b.get("/admin/settings"); a.status != http.StatusSeeOther {
		t.Errorf("a stranger: status %d", a.status)
	}
	b.signIn(engine.RoleViewer)
	a := b.get("/admin/settings")
	if a.status != http.StatusOK || a.doc.Find("main form").Length() != 0 {
		t.Errorf("status %d, %d forms", a.status, a.doc.Find("main form").Length())
	}
	for id, want := range map[string]string{
		"listen":     "Listen address Where it listens.|127.0.0.1:8080|Flag|--listen LABHOOK_LISTEN",
		"public-url": "Public URL Where people reach it.|not set|Default|--public-url LABHOOK_PUBLIC_URL",
		"proxy":      "Forward proxy What all goes through.|http://••••@proxy:3128|File|--proxy LABHOOK_PROXY",
	} {
		cells := a.doc.Find("#" + id + " > *").Map(func(_ int, s *goquery.Selection) string {
			html, _ := s.Html()
			s.SetHtml(strings.ReplaceAll(html, "<br/>", " "))
			return strings.Join(strings.Fields(s.Text()), " ")
		})
		if got := strings.Join(cells, "|"); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if got := a.doc.Find("main h3").Length(); got != 2 {
		t.Errorf("%d groups, want 2", got)
	}
	if b.get("/admin").doc.Find(`a[href="/admin/settings"]`).Length() != 1 {
		t.Error("Site Administration does not lead there")
	}
}
