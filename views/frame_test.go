package views

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"labhook/engine"
)

var testNow = time.Date(2026, 11, 21, 14, 2, 11, 0, time.UTC)

func testPage() Page {
	return Page{
		Title: "Some page", Nav: "admin", Zone: time.UTC, Now: testNow,
		User: &engine.User{Name: "Dana <Ortiz>", Role: engine.RoleDeveloper, Theme: "dark"},
	}
}

// document renders a component and parses it.
func document(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var html bytes.Buffer
	if err := c.Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&html)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func text(doc *goquery.Document, selector string) string {
	return strings.Join(strings.Fields(doc.Find(selector).Text()), " ")
}

func TestLayout(t *testing.T) {
	t.Parallel()
	p := testPage()
	p.Crumbs = []Crumb{{"Admin", AdminURL()}, {"Here", ""}}
	p.Flash = "It was saved."
	doc := document(t, Layout(p))
	for selector, want := range map[string]string{
		"title":                         "Some page · Labhook",
		".top nav a[aria-current]":      "Admin",
		".crumbs [aria-current=page]":   "Here",
		".flash[role=status]":           "It was saved.",
		".top .who":                     "Dana <Ortiz>",
		`form[action="/logout"] button`: "Sign out",
	} {
		if got := text(doc, selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if doc.Find("html[lang=en][data-theme=dark]").Length() != 1 {
		t.Error("the account's theme is not on the html element")
	}

	p.User, p.Problems = nil, []engine.Invalid{{Field: "headers[2]", Message: "Line 2 is no header"}, {Message: "Something else"}}
	doc = document(t, Layout(p))
	if got := text(doc, "title"); got != "Error: Some page · Labhook" {
		t.Errorf("the title is %q", got)
	}
	if got, _ := doc.Find("#error-summary[autofocus] a").Attr("href"); got != "#headers" {
		t.Errorf("the problem with headers[2] leads to %q", got)
	}
	if got := doc.Find("#error-summary li").Length(); got != 2 {
		t.Errorf("the summary has %d lines, want 2", got)
	}
	if doc.Find(".top a:not(.brand), .top form").Length() != 0 {
		t.Error("someone who is not signed in sees the way to pages they cannot open")
	}
}

func TestFieldsNameTheirProblems(t *testing.T) {
	t.Parallel()
	problems := []engine.Invalid{{Field: "x", Message: "First"}, {Field: "x[3]", Message: "Second"}, {Field: "xy", Message: "Other"}}
	f := Field{ID: "x", Label: "X", Hint: "A hint", Value: "<a>", Problems: problems, Options: []Option{
		{"", "None", ""}, {"<a>", "A", "Group"}, {"b", "B", "Group"}, {"c", "C", "Last"},
	}}
	for name, c := range map[string]templ.Component{"text": TextField(f), "area": TextArea(f), "select": SelectField(f), "check": CheckField(f)} {
		doc := document(t, c)
		control := doc.Find("#x")
		if control.AttrOr("name", "") != "x" || control.AttrOr("aria-invalid", "") != "true" || control.AttrOr("aria-describedby", "") != "x-hint x-problem" {
			t.Errorf("%s: the control's attributes are incomplete", name)
		}
		if got := text(doc, "#x-problem"); got != "Error: First Error: Second" {
			t.Errorf("%s: the messages are %q", name, got)
		}
		if got := text(doc, "label[for=x]"); got != "X" {
			t.Errorf("%s: the label is %q", name, got)
		}
	}
	if got := document(t, TextField(f)).Find("input").AttrOr("value", ""); got != "<a>" {
		t.Errorf("the value is %q", got)
	}
	doc := document(t, SelectField(f))
	if got, groups := text(doc, "option[selected]"), doc.Find("optgroup").Length(); got != "A" || groups != 2 {
		t.Errorf("%q is selected, in %d groups", got, groups)
	}
	f.Problems = nil
	if control := document(t, TextField(f)).Find("#x"); control.AttrOr("aria-invalid", "") != "" {
		t.Error("a field without problems is marked")
	}
}

// A text area swallows the first line end; ours must not be the user's.
func TestTextAreaKeepsItsFirstLine(t *testing.T) {
	t.Parallel()
	doc := document(t, TextArea(Field{ID: "x", Value: "\nsecond line"}))
	if got := doc.Find("textarea").Text(); got != "\nsecond line" && got != "\n\nsecond line" {
		t.Errorf("the text is %q", got)
	}
}

func TestBadgesHaveIconAndWord(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for _, s := range engine.DeliveryStates {
		doc := document(t, StateBadge(s))
		word := text(doc, ".badge")
		if word == "" || words[word] || word == string(s) {
			t.Errorf("%s has the word %q", s, word)
		}
		words[word] = true
		if doc.Find("svg[aria-hidden=true] *").Length() == 0 {
			t.Errorf("%s has no icon", s)
		}
	}
	for _, tt := range []struct {
		class  engine.FailureClass
		status int
		want   string
	}{{"", 200, "200"}, {engine.ClassStatus, 503, "503"}, {engine.ClassTimeout, 0, "timeout"}, {engine.ClassBody, 200, "body"}, {"", 0, "–"}} {
		if got := text(document(t, StatusBadge(tt.class, tt.status)), ".badge"); got != tt.want {
			t.Errorf("%q and %d show %q, want %q", tt.class, tt.status, got, tt.want)
		}
	}
}

func TestTimeTag(t *testing.T) {
	t.Parallel()
	tag := document(t, TimeTag(testPage(), testNow)).Find("time")
	if tag.Text() != "14:02:11 UTC" || tag.AttrOr("datetime", "") != "2026-11-21T14:02:11.000Z" || tag.AttrOr("title", "") != "2026-11-21 14:02:11.000 UTC, Unix 1795269731" {
		t.Errorf("%q, %v", tag.Text(), tag.Nodes[0].Attr)
	}
	if got := text(document(t, TimeTag(testPage(), time.Time{})), "body"); got != "–" {
		t.Errorf("the zero time shows %q", got)
	}
}

func TestLiveSectionKnowsWhatItShows(t *testing.T) {
	t.Parallel()
	render := func(content string) string {
		var html bytes.Buffer
		child := templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, content); return err })
		if err := templ.RenderFragments(t.Context(), &html, templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			return Live("health", AdminURL(), "Health").Render(templ.WithChildren(ctx, child), w)
		}), "health"); err != nil {
			t.Fatal(err)
		}
		return html.String()
	}
	tag := func(html string) string {
		return regexp.MustCompile(`data-etag="([0-9a-f]+)"`).FindStringSubmatch(html)[1]
	}
	one, two := render("one"), render("two")
	if tag(one) == tag(two) || tag(one) != tag(render("one")) {
		t.Error("the hash does not follow the content")
	}
	if !Unchanged([]byte(one), tag(one)) || Unchanged([]byte(one), tag(two)) || Unchanged([]byte(one), "") {
		t.Error("Unchanged does not tell the contents apart")
	}
	// A hash that stands in the content is not the section's.
	if forged := render(`<i data-etag="` + tag(two) + `">`); Unchanged([]byte(forged), tag(two)) {
		t.Error("the content can pretend to be unchanged")
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	if got := DeliveriesURL("status", "failed", "webhook", "", "status", "retrying", "lab", "a b&c"); got != "/deliveries?status=failed&status=retrying&lab=a+b%26c" {
		t.Errorf("the query is %q", got)
	}
	if got := DeliveriesURL("status", ""); got != "/deliveries" {
		t.Errorf("without values it is %q", got)
	}
}

// What the templates must not have: it would need inline code, or is one more way to do what the others do.
func TestTemplatesKeepTheRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d templates: %v", len(files), err)
	}
	forbidden := regexp.MustCompile(`\shx-on|\bjs:|hx-boost|hx-confirm|hx-ext|hx-vals|\sstyle=|\son[a-z]+=|<style|hx-trigger="[^"]*\[|^(css|script) `)
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(source), "\n") {
			if found := forbidden.FindString(line); found != "" {
				t.Errorf("%s:%d has %q", name, i+1, strings.TrimSpace(found))
			}
			if strings.Contains(line, "<script") && !strings.Contains(line, "src={ static.URL(") {
				t.Errorf("%s:%d has a script that is not a file of ours", name, i+1)
			}
		}
	}
}
