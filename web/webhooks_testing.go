package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"labhook/engine"
	"labhook/views"
)

// recentEvents is how many real events are offered as examples.
const recentEvents = 10

// example is a choice of an event for a test, with the data that it stands for.
type example struct {
	kind    engine.EventType
	from    string // which data, as the form spells it
	data    json.RawMessage
	subject string
	recent  []engine.EventRow // real events of that type
}

// exampleOf reads a choice. What there is not stands for the first there is: the webhook's first event, its sample.
func (s *Server) exampleOf(ctx context.Context, hook *engine.Webhook, kind, from string) (x example, err error) {
	catalog := s.store.Directory().Catalog()
	var known bool
	if x.kind, known = catalog.Find(kind); !known || x.kind.Code == engine.SystemWebhookPing {
		x.kind = firstKind(catalog, hook)
	}
	if x.recent, err = s.recentEvents(ctx, hook, x.kind.Code); err != nil {
		return x, err
	}
	x.data, x.from = views.SampleOf(x.kind, from)
	var id engine.EventID
	if name := views.RecentOf(from); name == "" || id.UnmarshalText([]byte(name)) != nil {
		return x, nil
	}
	e, err := s.store.Event(ctx, id)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return x, nil
	case err != nil:
		return x, err
	case e.Type != x.kind.Code || e.ConsumerID != 0 && e.ConsumerID != hook.ConsumerID:
		return x, nil // it is none that this webhook could get
	}
	x.from, x.data, x.subject = from, e.Data, e.Subject
	if !slices.ContainsFunc(x.recent, func(row engine.EventRow) bool { return row.ID == e.ID }) {
		x.recent = append(x.recent, engine.EventRow{Event: e})
	}
	return x, nil
}

// firstKind returns the event type that a test of the webhook begins with: its first one that there still is.
func firstKind(catalog *engine.Catalog, hook *engine.Webhook) engine.EventType {
	for _, code := range append([]string{hook.FirstEvent(catalog)}, hook.Events...) {
		if kind, ok := catalog.Find(code); ok && code != engine.SystemWebhookPing {
			return kind
		}
	}
	return catalog.All()[0]
}

// recentEvents returns real events of a type that the webhook's consumer knows of, the newest first.
func (s *Server) recentEvents(ctx context.Context, hook *engine.Webhook, kind string) ([]engine.EventRow, error) {
	page, err := s.store.ListEvents(ctx, engine.EventFilter{Type: kind, ConsumerID: hook.ConsumerID, Test: new(false), Limit: recentEvents})
	return page.Rows, err
}

// handleTesting shows the tab on which a webhook is tested.
func (s *Server) handleTesting(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	x, err := s.exampleOf(r.Context(), &hook, r.FormValue("type"), r.FormValue("from"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.testing(w, r, http.StatusOK, s.testingTab(r, &hook, &x))
}

// testingTab returns the tab with a choice of an event.
func (s *Server) testingTab(r *http.Request, hook *engine.Webhook, x *example) views.WebhookTesting {
	p := s.page(r, "Testing: "+hook.Name, "admin", s.webhookCrumbs(hook, views.Crumb{Label: "Testing"})...)
	return views.WebhookTesting{
		Page: p, Webhook: *hook, Unusable: s.store.Directory().Unusable(hook.ID, p.Now), Kind: x.kind, From: x.from, Recent: x.recent,
		Data: views.ExampleText(x.data),
	}
}

func (s *Server) testing(w http.ResponseWriter, r *http.Request, status int, tab views.WebhookTesting) {
	var err error
	if tab.Paused, err = s.isPaused(r.Context(), tab.Webhook.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, views.WebhookTest(tab))
}

// handleTest sends an example, or a ping, and leads to what comes of it.
func (s *Server) handleTest(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	op := r.PostFormValue("op")
	if op == "show" {
		s.redirect(w, r, views.TestExampleURL(hook.ID, r.PostFormValue("type"), r.PostFormValue("from")), "")
		return
	}
	asked, chosen, err := s.postedExample(r, &hook)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if op == "ping" {
		asked = engine.PingExample()
	}
	test, err := s.engine.StartTest(s.actor(r), hook.ID, asked)
	problems := inData(problemsOf(err))
	if busy, ok := errors.AsType[engine.BusyError](err); ok {
		problems = []engine.Invalid{{Message: busy.Error()}}
	}
	switch {
	case problems != nil:
		s.refuseTest(w, r, &hook, &chosen, problems)
	case err != nil:
		s.fail(w, r, err)
	case isHTMX(r):
		s.testResult(w, r, &hook, test.Delivery.ID, 0)
	default:
		s.redirect(w, r, views.DeliveryURL(test.Delivery.ID), "")
	}
}

// postedExample reads what is to be sent. Data that the person did not change are those of the choice, byte for byte,
// also when the choice was changed and no script showed its data.
func (s *Server) postedExample(r *http.Request, hook *engine.Webhook) (asked engine.Example, chosen example, err error) {
	form := r.PostForm
	chosen, err = s.exampleOf(r.Context(), hook, form.Get("type"), form.Get("from"))
	if err != nil {
		return asked, chosen, err
	}
	shown, err := s.exampleOf(r.Context(), hook, form.Get("shown_type"), form.Get("shown_from"))
	if err != nil {
		return asked, chosen, err
	}
	asked = engine.Example{Type: chosen.kind.Code, Data: chosen.data, Subject: chosen.subject, Force: posted(form, "force")}
	if typed := lines(form.Get("data")); strings.TrimSpace(typed) != strings.TrimSpace(views.ExampleText(shown.data)) {
		asked.Data, asked.Subject = json.RawMessage(typed), ""
	}
	return asked, chosen, nil
}

// inData puts problems in the words of the form, in which the data are one field.
func inData(problems []engine.Invalid) []engine.Invalid {
	for i, p := range problems {
		if strings.HasPrefix(p.Field, "data.") {
			problems[i].Field = "data"
		}
		if p.Field == "force" { // as the API says it; here it is a box
			problems[i].Message = strings.Replace(p.Message, "Force the test", "Tick “Send it all the same”", 1)
		}
	}
	return problems
}

// refuseTest says why nothing was sent, and keeps what was typed.
func (s *Server) refuseTest(w http.ResponseWriter, r *http.Request, hook *engine.Webhook, chosen *example, problems []engine.Invalid) {
	if isHTMX(r) {
		s.render(w, r, http.StatusUnprocessableEntity, views.TestRefused(problems))
		return
	}
	tab := s.testingTab(r, hook, chosen)
	tab.Page.Problems = problems
	tab.Data, tab.Force = lines(r.PostFormValue("data")), posted(r.PostForm, "force")
	s.testing(w, r, http.StatusUnprocessableEntity, tab)
}

// handleTestResult shows what came of a test, or that it is on its way.
func (s *Server) handleTestResult(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhookInUse(w, r)
	if !ok {
		return
	}
	var id engine.DeliveryID
	if err := pathID(r, "dlv", &id); err != nil {
		s.fail(w, r, err)
		return
	}
	asked, _ := strconv.Atoi(r.FormValue("asked")) // what is no number was asked by nobody's page
	s.testResult(w, r, &hook, id, asked)
}

// testResult answers with what came of a test: with that part of the tab for htmx, else with the whole tab.
func (s *Server) testResult(w http.ResponseWriter, r *http.Request, hook *engine.Webhook, id engine.DeliveryID, asked int) {
	row, err := s.store.Delivery(r.Context(), id)
	if err == nil && (!row.Test || row.WebhookID != hook.ID) {
		err = engine.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	attempts, err := s.store.Attempts(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	x, err := s.exampleOf(r.Context(), hook, row.EventType, "")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tab := s.testingTab(r, hook, &x)
	detail := views.NewDeliveryDetail(tab.Page, row, attempts, 0, false)
	detail.Webhook = *hook
	if isHTMX(r) {
		s.render(w, r, http.StatusOK, views.TestResult(views.TestProgress{Detail: detail, Asked: asked}))
		return
	}
	tab.Result = &detail
	s.testing(w, r, http.StatusOK, tab)
}
