package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/views"
	"labhook/web/api"
)

// coverage is what the README's tables of features name.
type coverage struct {
	screens, fields, api []string
	events               []eventRow
}

// eventRow is a row of the table of event types.
type eventRow struct {
	group, platform, own string
	codes                []string
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// spans returns what stands between backticks.
func spans(text string) []string {
	var list []string
	for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
		list = append(list, match[1])
	}
	return list
}

// readCoverage reads the tables of the README.
func readCoverage(t *testing.T) (c coverage) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(readme), "\n## What you know from your platform\n")
	if text, _, _ = strings.Cut(text, "\n## "); !ok {
		t.Fatal("the README has no section about the platforms")
	}
	head := ""
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			head = ""
		case len(cells) != 4:
			t.Errorf("a row of %d cells: %s", len(cells), line)
		case head == "":
			head = strings.TrimSpace(cells[0])
		case strings.HasPrefix(cells[0], "---"):
		case head == "group":
			c.events = append(c.events, eventRow{
				strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[3]), spans(cells[2]),
			})
		default:
			c.screens = append(c.screens, spans(cells[1])...)
			c.fields = append(c.fields, spans(cells[2])...)
			c.api = append(c.api, spans(cells[3])...)
		}
	}
	if len(c.screens) < 30 || len(c.fields) < 50 || len(c.api) < 80 || len(c.events) == 0 {
		t.Fatalf("the tables name %d screens, %d fields, %d parts of the API and %d groups of events", len(c.screens), len(c.fields), len(c.api), len(c.events))
	}
	return c
}

// TestCoverageOfEventTypes compares the table of event types with the catalog.
func TestCoverageOfEventTypes(t *testing.T) {
	t.Parallel()
	rows := readCoverage(t).events
	var groups []string
	for _, row := range rows {
		groups = append(groups, row.group)
		var codes []string
		for _, kind := range engine.BuiltIn.InGroup(row.group) {
			codes = append(codes, kind.Code)
			if kind.Platform != row.platform {
				t.Errorf("%s is of %s, the README says %s", kind.Code, kind.Platform, row.platform)
			}
			if kind.Proposal != "" && row.own == "" {
				t.Errorf("%s is Labhook's own in part, which the README does not say: %s", kind.Code, kind.Proposal)
			}
		}
		if !slices.Equal(row.codes, codes) {
			t.Errorf("%s: the README has\n%q, the catalog\n%q", row.group, row.codes, codes)
		}
	}
	if want := engine.BuiltIn.Groups(); !slices.Equal(groups, want) {
		t.Errorf("groups in the README %q, in the catalog %q", groups, want)
	}
}

// TestCoverageOfScreens opens every screen that the tables name, and looks for the fields in the forms. The form of a
// webhook has no field that the tables do not name.
func TestCoverageOfScreens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	consumer := b.addConsumer("Contoso")
	hook := b.addWebhook(consumer.ID, "Results", func(w *engine.Webhook) { w.Delay = engine.MaxDelay })
	accepted, err := b.engine.Accept(t.Context(), &engine.Event{Type: engine.LabFirstDisplayable, Data: engine.SampleLabDetails().Body()})
	if err != nil {
		t.Fatal(err)
	}
	addresses := engine.EgressList{Public: true, Entries: []engine.EgressEntry{{Network: netip.MustParsePrefix("203.0.113.7/32")}}}
	if _, err := b.store.SetEgress(t.Context(), engine.System, addresses); err != nil {
		t.Fatal(err)
	}
	c := readCoverage(t)
	names := strings.NewReplacer("{con}", consumer.ID.String(), "{wh}", hook.ID.String(), "{dlv}", accepted.Deliveries[0].ID.String(), "{code}", engine.LabScored)
	found := map[string]bool{}
	for _, screen := range slices.Compact(slices.Sorted(slices.Values(c.screens))) {
		page := b.get(names.Replace(screen))
		if page.status != http.StatusOK {
			t.Errorf("%s is answered with %d", screen, page.status)
		}
		maps.Copy(found, fieldsOf(page))
	}
	for _, field := range c.fields {
		if !found[field] {
			t.Errorf("no form of these screens has the field %s", field)
		}
	}
	form := fieldsOf(b.get(views.NewWebhookURL(consumer.ID)))
	delete(form, "op") // a button
	for field := range form {
		if !slices.Contains(c.fields, field) {
			t.Errorf("the webhook form has the field %s, which the README does not name", field)
		}
	}
}

// fieldsOf returns the names of the controls of a page's forms.
func fieldsOf(page answer) map[string]bool {
	names := map[string]bool{}
	page.doc.Find("main [name]").Each(func(_ int, control *goquery.Selection) {
		names[control.AttrOr("name", "")] = true
	})
	return names
}

// schema is a part of the OpenAPI document.
type schema struct {
	Ref        string `json:"$ref"`
	OneOf      []schema
	Properties map[string]schema
	ReadOnly   bool
}

// schemas are the named parts of the document.
type schemas map[string]schema

// has reports whether a schema has the field that a path leads to.
func (all schemas) has(s schema, path string) bool {
	if s.Ref != "" {
		s = all[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	for _, one := range s.OneOf {
		if all.has(one, path) {
			return true
		}
	}
	name, rest, nested := strings.Cut(path, ".")
	field, ok := s.Properties[name]
	return ok && (!nested || all.has(field, rest))
}

// TestCoverageOfAPI looks for every route and field that the tables name in the API's own description. A webhook has no
// field to be sent that the tables do not name.
func TestCoverageOfAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var document struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas schemas }
	}
	if err := json.Unmarshal([]byte(b.get(api.Prefix+"/openapi.json").body), &document); err != nil {
		t.Fatal(err)
	}
	named := readCoverage(t).api
	all := document.Components.Schemas
	for _, name := range named {
		verb, path, isRoute := strings.Cut(name, " ")
		if isRoute {
			if document.Paths[api.Prefix+path][strings.ToLower(verb)] == nil {
				t.Errorf("the API has no route %s", name)
			}
		} else if !all.has(all["Webhook"], name) && !all.has(all["Consumer"], name) {
			t.Errorf("the API has no field %s", name)
		}
	}
	for field, s := range all["WebhookInput"].Properties {
		given := slices.ContainsFunc(named, func(name string) bool { return name == field || strings.HasPrefix(name, field+".") })
		if !given && !s.ReadOnly && field != "consumer" && field != "version" { // which are not set up
			t.Errorf("a webhook of the API has the field %s, which the README does not name", field)
		}
	}
}

// TestReadmeLinks checks that links within the README lead to a heading.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for line := range strings.Lines(string(readme)) {
		if marks, heading, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.Trim(marks, "#") == "" {
			anchors[strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(heading, ",", "")), " ", "-")] = true
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		if to, err := url.PathUnescape(link[1]); err != nil || !anchors[to] {
			t.Errorf("the link #%s leads nowhere", link[1])
		}
	}
}
