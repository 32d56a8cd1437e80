package web

import (
	"net/http"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/views"
)

func TestPreviewSaysWhatBlockingMeans(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	for name, test := range map[string]struct {
		pairs []string
		want  string
		gate  bool // it is drawn
	}{
		"a short one":  {[]string{"delay", "0", "timeout", "30", "retries", "5", "events", engine.LabScored}, "wait up to 195 s (3 min 15 s).", true},
		"a long one":   {[]string{"timeout", "300", "retries", "5", "events", engine.LabScored}, "That is long for a learner", true},
		"without":      {[]string{"blocking", ""}, "", false},
		"no lab":       {[]string{"events", engine.LabAssignmentCreated}, "there is no lab instance to hold", false},
		"system event": {[]string{"events", engine.SystemDeliveryFailed}, "system events never hold anything", false},
		"all events":   {[]string{"events", "", "all_events", "true"}, "hold only later events with the same subject", true},
	} {
		a := b.post(views.WebhookPreviewURL(c.ID), with(goodForm(), test.pairs...), "HX-Request", "true")
		if a.status != http.StatusOK || !strings.Contains(a.text("#preview"), test.want) {
			t.Errorf("%s: status %d, %q", name, a.status, a.text("#preview"))
		}
		if got := a.doc.Find("svg.chart .closed").Length() == 1; got != test.gate {
			t.Errorf("%s: the gate is drawn: %v", name, got)
		}
		if test.want == "" && strings.Contains(a.body, "Blocking") {
			t.Errorf("%s: %q", name, a.text("#preview"))
		}
	}
}

func TestEndLabNeedsConfirmation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	for name, test := range map[string]struct {
		pairs     []string
		problem   string
		confirmed bool
	}{
		"early":              {[]string{"events", engine.LabPreBuild}, "", false},
		"early, ticked":      {[]string{"events", engine.LabPreBuild, "end_lab_confirmed", "true"}, "", false},
		"late":               {[]string{"events", engine.LabScored}, "End Lab at Scored may cost learners their work", false},
		"late, ticked":       {[]string{"events", engine.LabScored, "end_lab_confirmed", "true"}, "", true},
		"all":                {[]string{"events", "", "all_events", "true"}, "End Lab at all events may cost learners their work", false},
		"all, ticked":        {[]string{"events", "", "all_events", "true", "end_lab_confirmed", "true"}, "", true},
		"another one ticked": {[]string{"error_action", "log", "end_lab_confirmed", "true"}, "", false},
	} {
		form := with(goodForm(), append([]string{"name", name, "error_action", string(engine.ErrorActionEndLab)}, test.pairs...)...)
		a := b.post(views.NewWebhookURL(c.ID), form)
		if test.problem != "" {
			if got := summary(a); a.status != http.StatusUnprocessableEntity || len(got) != 1 || !strings.Contains(got["error_action"], test.problem) {
				t.Errorf("%s: status %d, problems %v", name, a.status, got)
			}
			continue
		}
		if a.status != http.StatusSeeOther {
			t.Errorf("%s: status %d, problems %v", name, a.status, summary(a))
			continue
		}
		hooks := b.store.Directory().Webhooks(c.ID)
		if w := hooks[len(hooks)-1]; w.Name != name || w.EndLabConfirmed != test.confirmed {
			t.Errorf("%s: stored %s, confirmed %v", name, w.Name, w.EndLabConfirmed)
		}
	}
}

func TestFormOffersSystemEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	form := b.get(views.NewWebhookURL(c.ID))
	for _, want := range []string{"Only a webhook that names them hears of them", "All but the system events", "asks the lab platform to end the lab"} {
		if !strings.Contains(form.text("main"), want) {
			t.Errorf("the form lacks %q", want)
		}
	}
	if strings.Contains(form.body, "next release") {
		t.Error("the form says that something acts later")
	}
	a := b.post(views.NewWebhookURL(c.ID), with(goodForm(), "events", engine.SystemLabNotification))
	if a.status != http.StatusSeeOther {
		t.Fatalf("status %d, problems %v", a.status, summary(a))
	}
	if got := b.store.Directory().Webhooks(c.ID)[0].Events; len(got) != 1 || got[0] != engine.SystemLabNotification {
		t.Errorf("the webhook listens to %v", got)
	}
}
