package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

const (
	recentShown    = 5  // events on the page of an event type
	listenersShown = 20 // webhooks there
)

// catalogCrumbs lead to the event catalog and on.
func catalogCrumbs(more ...views.Crumb) []views.Crumb {
	return append([]views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "Event catalog", URL: views.EventCatalogURL()}}, more...)
}

// handleCatalog lists all event types.
func (s *Server) handleCatalog(w http.ResponseWriter, r *http.Request) {
	crumbs := catalogCrumbs()
	crumbs[len(crumbs)-1].URL = ""
	p := s.page(r, "Event catalog", "admin", crumbs...)
	var codes []string
	for _, t := range p.Catalog.All() {
		codes = append(codes, t.Code)
	}
	lastDay, err := s.store.CountTypes(r.Context(), codes, p.Now.Add(-24*time.Hour))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, views.EventCatalogPage(views.EventCatalog{
		Page: p, Listening: listening(s.store.Directory()), LastDay: lastDay, CountedTo: db.MaxTypeCount,
	}))
}

// listening counts the enabled webhooks that listen to each event type.
func listening(dir *engine.Directory) map[string]int {
	counts, toAll := map[string]int{}, 0
	for _, c := range dir.Consumers() {
		for _, hook := range dir.Webhooks(c.ID) {
			for _, code := range hook.Events {
				switch {
				case !hook.Enabled:
				case code == engine.AllEvents:
					toAll++
				default:
					counts[code]++
				}
			}
		}
	}
	for _, t := range dir.Catalog().All() {
		if t.Sendable() {
			counts[t.Code] += toAll
		}
	}
	return counts
}

// handleEventType shows one event type.
func (s *Server) handleEventType(w http.ResponseWriter, r *http.Request) {
	t, ok := s.eventType(w, r)
	if !ok {
		return
	}
	if t.Code != r.PathValue("code") { // it was named by its label
		http.Redirect(w, r, views.EventTypeURL(t.Code), http.StatusSeeOther)
		return
	}
	recent, err := s.store.ListEvents(r.Context(), engine.EventFilter{Type: t.Code, Limit: recentShown})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	lastDay, err := s.store.CountTypes(r.Context(), []string{t.Code}, time.Now().Add(-24*time.Hour))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	dir := s.store.Directory()
	d := views.EventTypeDetail{Page: s.page(r, t.Label, "admin", catalogCrumbs(views.Crumb{Label: t.Label})...), Type: t, Recent: recent.Rows}
	d.LastDay = views.UpTo(db.MaxTypeCount, lastDay[t.Code]) + " accepted"
	for _, c := range dir.Consumers() {
		for _, hook := range dir.Webhooks(c.ID) {
			switch {
			case !hook.Enabled || !hook.ListensTo(t.Code):
			case len(d.Listening) < listenersShown:
				d.Listening = append(d.Listening, hook)
			default:
				d.More++
			}
		}
		d.Consumers = append(d.Consumers, views.Option{Value: c.ID.String(), Label: c.Name})
	}
	if len(d.Consumers) > selectable {
		d.Consumers, d.Elsewhere = nil, true
	}
	s.render(w, r, http.StatusOK, views.EventTypePage(d))
}

// handleEventTypeWebhook leads to the form that adds a webhook for an event type to the chosen consumer.
func (s *Server) handleEventTypeWebhook(w http.ResponseWriter, r *http.Request) {
	t, ok := s.eventType(w, r)
	if !ok {
		return
	}
	c := s.store.Directory().ConsumerNamed(r.FormValue("consumer"))
	if c == nil {
		s.fail(w, r, engine.ErrNotFound)
		return
	}
	http.Redirect(w, r, views.NewWebhookURL(c.ID, "event", t.Code), http.StatusSeeOther)
}

// handleEventTypeNew shows the form that adds an event type.
func (s *Server) handleEventTypeNew(w http.ResponseWriter, r *http.Request) {
	s.eventTypeForm(w, r, http.StatusOK, views.EventTypeForm{New: true}, nil)
}

// handleEventTypeCreate adds an event type.
func (s *Server) handleEventTypeCreate(w http.ResponseWriter, r *http.Request) {
	entered := readEventType(r, formText(r.PostForm, "code"))
	made, err := s.store.CreateEventType(r.Context(), s.actor(r), entered)
	s.eventTypeSaved(w, r, views.EventTypeForm{New: true, Entered: entered}, made, err)
}

// handleEventTypeEdit shows the form that changes an event type.
func (s *Server) handleEventTypeEdit(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.ownEventType(w, r); ok {
		s.eventTypeForm(w, r, http.StatusOK, views.EventTypeForm{Entered: t.Entered(), Seen: seenEventType(t.Entered())}, nil)
	}
}

// handleEventTypeSave changes an event type.
func (s *Server) handleEventTypeSave(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ownEventType(w, r)
	if !ok {
		return
	}
	f := views.EventTypeForm{Entered: readEventType(r, t.Code), Seen: r.PostFormValue(seenField)}
	changed, err := s.store.ReplaceEventType(r.Context(), s.actor(r), f.Entered, func(stored engine.OwnEventType) error {
		if seenEventType(stored) != f.Seen {
			return engine.ErrConflict
		}
		return nil
	})
	if errors.Is(err, engine.ErrConflict) {
		s.eventTypeConflict(w, r, f.Entered)
		return
	}
	s.eventTypeSaved(w, r, f, changed, err)
}

// eventTypeSaved answers when an event type was stored, or shows the form again.
func (s *Server) eventTypeSaved(w http.ResponseWriter, r *http.Request, f views.EventTypeForm, t engine.EventType, err error) {
	problems := problemsOf(err)
	switch {
	case err == nil && f.New:
		s.redirect(w, r, views.EventTypeURL(t.Code), "Event type "+t.Label+" was added.")
	case err == nil:
		s.redirect(w, r, views.EventTypeURL(t.Code), "Event type "+t.Label+" was saved.")
	case problems == nil:
		s.fail(w, r, err)
	default:
		s.eventTypeForm(w, r, http.StatusUnprocessableEntity, f, problems)
	}
}

// eventTypeConflict shows both sides when the event type changed while it was edited.
func (s *Server) eventTypeConflict(w http.ResponseWriter, r *http.Request, mine engine.OwnEventType) {
	now, ok := s.ownEventType(w, r)
	if !ok {
		return
	}
	s.conflict(w, r, views.Conflict{
		Page: s.page(r, "Conflict: "+now.Label, "admin", catalogCrumbs(views.Crumb{Label: now.Label, URL: views.EventTypeURL(now.Code)}, views.Crumb{Label: "Conflict"})...),
		What: "event type", Name: now.Label, By: now.UpdatedBy, At: now.UpdatedAt, Object: now.Code,
		Mine: views.EventTypeSettings(mine), Theirs: views.EventTypeSettings(now.Entered()),
		Edit: views.EventTypeEditURL(now.Code), Action: views.EventTypeEditURL(now.Code), Seen: seenEventType(now.Entered()),
	}, "label", "description", "sample", "schema", "subject_field")
}

// handleEventTypeDelete asks before an event type is deleted.
func (s *Server) handleEventTypeDelete(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.ownEventType(w, r); ok {
		s.askToDelete(w, r, http.StatusOK, t, nil)
	}
}

// handleEventTypeDeleted deletes an event type.
func (s *Server) handleEventTypeDeleted(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ownEventType(w, r)
	if !ok {
		return
	}
	err := s.store.DeleteEventType(r.Context(), s.actor(r), t.Code)
	problems := problemsOf(err)
	switch {
	case err == nil:
		s.redirect(w, r, views.EventCatalogURL(), "Event type "+t.Label+" was deleted.")
	case problems == nil:
		s.fail(w, r, err)
	default:
		s.askToDelete(w, r, http.StatusUnprocessableEntity, t, problems)
	}
}

func (s *Server) askToDelete(w http.ResponseWriter, r *http.Request, status int, t engine.EventType, problems []engine.Invalid) {
	p := s.page(r, "Delete "+t.Label, "admin", catalogCrumbs(views.Crumb{Label: t.Label, URL: views.EventTypeURL(t.Code)}, views.Crumb{Label: "Delete"})...)
	p.Problems = problems
	s.render(w, r, status, views.EventTypeDelete(p, t))
}

// readEventType reads the form as it was typed.
func readEventType(r *http.Request, code string) engine.OwnEventType {
	return engine.OwnEventType{
		Code: code, Label: formText(r.PostForm, "label"), Description: formText(r.PostForm, "description"),
		Sample: formText(r.PostForm, "sample"), Schema: formText(r.PostForm, "schema"), SubjectField: formText(r.PostForm, "subject_field"),
	}
}

// eventTypeFields are the fields of the form in its order, in which problems are listed.
var eventTypeFields = []string{"code", "label", "description", "sample", "subject_field", "schema"}

func (s *Server) eventTypeForm(w http.ResponseWriter, r *http.Request, status int, f views.EventTypeForm, problems []engine.Invalid) {
	title, crumbs := "Add event type", catalogCrumbs()
	if !f.New {
		label := s.store.Directory().Catalog().Label(f.Entered.Code) // that in the form may not be saved
		title, crumbs = "Edit event type", append(crumbs, views.Crumb{Label: label, URL: views.EventTypeURL(f.Entered.Code)})
	}
	for i, problem := range problems {
		if within, ok := strings.CutPrefix(problem.Field, "sample"); ok && within != "" { // a place in the example data
			problems[i] = engine.Invalid{Field: "sample", Message: strings.TrimPrefix(within, ".") + ": " + problem.Message}
		}
	}
	slices.SortStableFunc(problems, func(a, b engine.Invalid) int {
		return slices.Index(eventTypeFields, a.Field) - slices.Index(eventTypeFields, b.Field)
	})
	f.Page = s.page(r, title, "admin", append(crumbs, views.Crumb{Label: title})...)
	f.Page.Problems = problems
	s.render(w, r, status, views.EventTypeFormPage(f))
}

// eventType returns the event type that the path names by code or label, or answers and returns false.
func (s *Server) eventType(w http.ResponseWriter, r *http.Request) (engine.EventType, bool) {
	t, ok := s.store.Directory().Catalog().Find(r.PathValue("code"))
	if !ok {
		s.fail(w, r, engine.ErrNotFound)
	}
	return t, ok
}

// ownEventType is eventType for those of the administrators alone.
func (s *Server) ownEventType(w http.ResponseWriter, r *http.Request) (engine.EventType, bool) {
	t, ok := s.eventType(w, r)
	if ok && !t.Own() {
		s.fail(w, r, engine.ErrNotFound)
		return t, false
	}
	return t, ok
}
