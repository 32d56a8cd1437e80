package e2e

import (
	"fmt"
	"strings"
	"testing"

	"labhook/engine"
)

// followEach clicks every link of the error summary and returns those after which the focus is not at the field that
// the link names, or the field cannot be seen; and how many links and messages there are.
const followEach = `(() => {
	const links = [...document.querySelectorAll("#error-summary a")];
	const lost = links.filter((link) => {
		link.click();
		const field = document.activeElement;
		return "#" + field.id !== link.hash || !field.checkVisibility() || !field.closest("main");
	}).map((link) => link.hash);
	return {links: links.length, messages: document.querySelectorAll(".problem br").length, lost};
})()`

// The longest forms with everything wrong: the focus goes to the summary, and each of its links to its field, also where
// the field stands in a group that is closed at first.
func TestU14LinksMoveTheFocus(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	c, err := s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Contoso LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, s, screens[0])
	b.signIn()
	consumers := "/admin/integration/api-consumers"
	for path, wrong := range map[string]map[string]string{
		consumers + "/" + c.ID.String() + "/webhooks/new": {
			"name": "", "url": "ftp://x", "headers": "no header", "delay": "soon", "timeout": "0", "retries": "99", "rate_limit": "x", "rate_burst": "y",
		},
		consumers + "/new":                  {"name": "", "external_id": "no spaces please"},
		"/admin/integration/new-event-type": {"code": "with spaces", "label": "", "sample": "{", "schema": "[1]"},
		"/admin/integration/egress/edit":    {"addresses": "nowhere", "echo_url": "no url"},
		"/admin/users/new":                  {"name": "", "login": "with spaces"},
		"/admin/settings/general/edit":      {"name": strings.Repeat("x", 300), "time_zone": "Mars/Phobos"},
		"/admin/settings/security/edit":     {"session_idle": "12h"},
	} {
		b.open(path)
		for id, value := range wrong {
			evaluate[string](b, fmt.Sprintf("document.getElementById(%q).value = %q", id, value))
		}
		b.follow("main button.primary[type=submit]")
		b.until(`document.activeElement.id === "error-summary"`) // the browser moves it when it first draws the page
		got := evaluate[struct {
			Links, Messages int
			Lost            []string
		}](b, followEach)
		if got.Links < len(wrong) || got.Links != got.Messages || len(got.Lost) > 0 {
			t.Errorf("%s: %d links for %d messages of %d fields; these lead astray: %q", path, got.Links, got.Messages, len(wrong), got.Lost)
		}
	}
}
