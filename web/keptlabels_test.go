package web

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
)

// shownLabel is what a form's page calls a field: its label, or that of the group of its boxes.
func shownLabel(page answer, name string) string {
	control := page.doc.Find("[name='" + name + "']:not([type=hidden])")
	if box := control.Filter("[value=true]"); box.Length() > 0 {
		control = box
	}
	by := "label[for='" + control.AttrOr("id", "") + "']"
	if control.Length() > 1 {
		by = "#" + control.Closest("[id^='f-']").AttrOr("aria-labelledby", "none")
	}
	return page.text(by)
}

// What was typed into a form that came after the session's end stands under the labels of that form.
func TestKeptValuesHaveTheLabelsOfTheForm(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleAdmin)
	forms := wrongForms(b)
	in, out := b.client, b.newClient()
	for _, f := range forms[1:] { // the first one is for those who are not signed in
		b.client = in
		path, _, _ := strings.Cut(f.page, "?")
		if f.action == "" {
			f.action = path
		}
		page := b.get(f.page)
		form := formValues(t, page, f.action)
		for i := 0; i < len(f.wrong); i += 2 {
			form[f.wrong[i]] = f.wrong[i+1 : i+2]
		}
		labels := map[string]string{}
		for name := range form {
			labels[shownLabel(page, name)] = name
		}
		b.client = out
		kept := b.post(f.action, form).doc.Find("#kept ~ dl dt").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
		for _, label := range kept {
			if labels[label] == "" {
				t.Errorf("%s: nothing in the form is called %q, only %q", f.name, label, slices.Sorted(maps.Keys(labels)))
			}
		}
	}
}
