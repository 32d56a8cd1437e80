package web

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/views"
)

func TestAuditLogScreen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(c.ID, "LMS – displayable", func(w *engine.Webhook) {
		w.Headers = []engine.Header{{Name: "Authorization", Value: "Bearer marker-secret", Sensitive: true}}
	})
	for range 60 {
		if err := b.store.Audit(t.Context(), engine.Actor{Name: "=cmd", IP: "192.0.2.7"}, "webhook.test", hook.ID.String(), ""); err != nil {
			t.Fatal(err)
		}
	}
	all := b.get("/admin/audit")
	if rows := all.doc.Find("#audit tbody tr").Length(); rows != engine.PageSize || strings.Contains(all.body, "marker-secret") {
		t.Errorf("%d rows, want %d; or a secret is shown", rows, engine.PageSize)
	}
	if got := all.text("#audit tbody td[data-label=Object] a"); got != "LMS – displayable" {
		t.Errorf("the object is %q", got)
	}
	older, _ := all.doc.Find("a[rel=next]").Attr("href")
	second := b.get(older)
	if second.doc.Find("a[rel=prev]").Length() != 1 || !strings.Contains(second.text("#audit"), "Webhook added") {
		t.Errorf("the second page %q: %s", older, second.text("#list"))
	}
	for query, want := range map[string]int{
		"who=system": 2, "action=webhook.create": 1, "object=" + c.ID.String(): 1, "who=system&action=webhook.test": 0,
		"action=user.create&since=1h": 1, "until=2001-01-01T00:00:00Z": 0, "since=yesterday&action=consumer.create": 1,
		"since=custom&from=2001-01-01T00:00&until=2001-02-01T00:00": 0, "since=custom&from=2001-01-01T00:00&action=user.create": 1,
		"since=24h&from=2001-01-01T00:00&until=2001-02-01T00:00&action=user.create": 1,
	} {
		a := b.get("/admin/audit?" + query)
		if got := a.doc.Find("#audit tbody tr").Length(); a.status != http.StatusOK || got != want {
			t.Errorf("%s: status %d, %d rows, want %d", query, a.status, got, want)
		}
		if want == 0 && a.text("#empty") != "Nothing matches" {
			t.Errorf("%s: %q", query, a.text("#empty"))
		}
		if chips := a.doc.Find(".chip").Length(); chips == 0 {
			t.Errorf("%s: no chips", query)
		}
	}
	custom := b.get("/admin/audit?since=custom&from=2001-01-01T00:00&until=2001-02-01T00:00")
	if from, until := custom.doc.Find("#from").AttrOr("value", ""), custom.doc.Find("#until").AttrOr("value", ""); from != "2001-01-01T00:00" || until != "2001-02-01T00:00" {
		t.Errorf("the form has %q to %q", from, until)
	}
	if got := b.get("/admin/audit?nonsense=1&before=x").doc.Find(".notice.warning").Length(); got != 2 {
		t.Errorf("%d notices, want 2", got)
	}
	file := b.get("/admin/audit.csv?action=webhook.test")
	lines := strings.Split(strings.TrimSpace(file.body), "\n")
	if len(lines) != 61 || !strings.HasPrefix(file.header.Get("Content-Type"), "text/csv") || !strings.Contains(lines[1], ",'=cmd,192.0.2.7,") {
		t.Errorf("%d lines; %.200s", len(lines), file.body)
	}
}

// Every link of the log leads somewhere.
func TestAuditLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	b.fill("GET /{dlv}")
	row, err := b.store.ListDeliveries(t.Context(), engine.DeliveryFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for action, object := range map[string]string{"gate.open": row.Rows[0].ID.String(), "settings.update": "", "egress.update": "", "event_type.update": "gone", "user.create": "nobody"} {
		if err := b.store.Audit(t.Context(), engine.System, action, object, ""); err != nil {
			t.Fatal(err)
		}
	}
	b.get("/admin/audit").doc.Find("#audit td[data-label=Object] a").Each(func(_ int, s *goquery.Selection) {
		href, _ := s.Attr("href")
		a := b.get(href)
		if strings.HasPrefix(href, "/find") && a.status != http.StatusSeeOther || a.status >= 400 {
			t.Errorf("%s: status %d", href, a.status)
		}
	})
}

// Every action that the program writes has its words.
func TestAuditActionsHaveWords(t *testing.T) {
	t.Parallel()
	action := regexp.MustCompile(`"([a-z_]+\.[a-z_]+)"`)
	files, err := filepath.Glob("../db/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "login.go")
	found := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for line := range strings.Lines(string(source)) {
			if !strings.Contains(line, "udit(") && !strings.Contains(line, "action") && !strings.Contains(line, "who, id") {
				continue
			}
			for _, m := range action.FindAllStringSubmatch(line, -1) {
				found++
				if views.AuditWord(m[1]) == m[1] {
					t.Errorf("%s writes %q, which has no words", file, m[1])
				}
			}
		}
	}
	if found < 15 {
		t.Errorf("found only %d actions", found)
	}
}

// The audit log tells who came and went, who was refused and why, and from where; never what was typed.
func TestSignInsAreAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("dana", engine.RoleAdmin)
	off := b.addUser("omar", engine.RoleViewer)
	if _, err := b.store.SetEnabled(t.Context(), engine.System, off.ID, false); err != nil {
		t.Fatal(err)
	}
	b.login("Dana", "not her password")
	b.login("my password in the wrong field", testPassword)
	b.login("omar", testPassword)
	b.login("dana", testPassword)
	b.post("/logout", nil)
	b.post("/logout", nil) // nobody leaves

	entries, err := b.store.ListAudit(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.Join([]string{e.Who.Name, e.Who.IP, e.Action, e.Object, e.Detail}, "|"))
	}
	want := []string{
		"Person dana|127.0.0.1|user.sign_out|dana|",
		"Person dana|127.0.0.1|user.sign_in|dana|",
		"not signed in|127.0.0.1|user.sign_in_failed|omar|The user is disabled.",
		"not signed in|127.0.0.1|user.sign_in_failed||Nobody has the name that was entered.",
		"not signed in|127.0.0.1|user.sign_in_failed|dana|The password was wrong.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	b.login("dana", testPassword)
	log := b.get("/admin/audit?object=dana")
	for _, word := range []string{"Sign-in failed", "Signed in", "Signed out"} {
		if !strings.Contains(log.text("#audit"), word) {
			t.Errorf("what is about dana lacks %q: %s", word, log.text("#audit"))
		}
	}
	if b.get("/account").doc.Find(`a[href="/admin/audit?object=dana"]`).Length() != 1 {
		t.Error("the account does not lead to its sign-ins")
	}
}
