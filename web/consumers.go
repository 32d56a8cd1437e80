package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// consumersCrumbs lead to Find API Consumers; the page itself is appended.
func consumersCrumbs(more ...views.Crumb) []views.Crumb {
	return append([]views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "API Consumers", URL: views.ConsumersURL()}}, more...)
}

// handleConsumers shows Find API Consumers. All consumers are in memory, so every column can sort.
func (s *Server) handleConsumers(w http.ResponseWriter, r *http.Request) {
	filter := views.ConsumerFilter{
		Text:  askedText(r.FormValue("q")),
		State: engine.ConsumerState(r.FormValue("state")),
		Sort:  r.FormValue("sort"),
	}
	var notices []string
	switch filter.State {
	case engine.ConsumerActive, engine.ConsumerExpired, engine.ConsumerDisabled:
	case "":
	default:
		filter.State = ""
		notices = append(notices, "The address asks for a state that there is none of. Consumers of all states are shown.")
	}
	rows, err := s.store.ListConsumers(r.Context(), db.ConsumerFilter{Text: filter.Text, State: filter.State})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := views.ConsumerList{
		Page:   s.page(r, filter.Title(), "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "API Consumers"}),
		Filter: filter, Notices: notices, Found: len(rows), None: len(s.store.Directory().Consumers()) == 0,
	}
	for _, row := range rows {
		list.Rows = append(list.Rows, views.ConsumerRow{
			APIConsumer: row.APIConsumer, Enabled: row.WebhooksEnabled, Webhooks: row.Webhooks,
			Failed: row.Last24h.Failed, Hours: row.Last24h.Hours[:], LastEventAt: row.LastEventAt,
		})
	}
	number, _ := strconv.Atoi(r.FormValue("page")) // anything else is the first page
	list.Arrange(number)
	if isHTMX(r) {
		w.Header().Set("HX-Push-Url", filter.URL(list.Number))
	}
	s.render(w, r, http.StatusOK, views.ConsumersPage(list))
}

// handleConsumer shows one consumer with its keys, webhooks and latest deliveries. Webhooks and deliveries are live.
func (s *Server) handleConsumer(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumer(w, r)
	if !ok {
		return
	}
	detail, err := s.consumerDetail(r, c)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.ConsumerPage(detail), "activity")
}

func (s *Server) consumerDetail(r *http.Request, c engine.APIConsumer) (views.ConsumerDetail, error) {
	d := views.ConsumerDetail{
		Page:     s.page(r, c.Name, "admin", consumersCrumbs(views.Crumb{Label: c.Name})...),
		Consumer: c, BaseURL: s.baseURL(r),
	}
	var err error
	if d.Page.Can(engine.RoleAdmin) {
		if d.Keys, err = s.store.Keys(r.Context(), c.ID); err != nil {
			return d, err
		}
	}
	health, err := s.store.WebhookHealth(r.Context(), c.ID, d.Page.Now)
	if err != nil {
		return d, err
	}
	paused, err := s.pausedUntil(r.Context())
	if err != nil {
		return d, err
	}
	for _, hook := range s.store.Directory().Webhooks(c.ID) {
		h := health[hook.ID]
		d.Webhooks = append(d.Webhooks, views.WebhookRow{
			Webhook: shown(r, *hook), PausedUntil: paused[hook.ID], Counts: h.Counts, LastClass: h.LastClass, LastStatus: h.LastStatus, LastAt: h.LastAt, Hours: h.Hours[:],
		})
	}
	recent, err := s.store.ListDeliveries(r.Context(), engine.DeliveryFilter{ConsumerID: c.ID, Limit: 10})
	d.Recent = recent.Rows
	return d, err
}

// pausedUntil returns the webhooks that are paused, with the ends of their pauses.
func (s *Server) pausedUntil(ctx context.Context) (map[engine.WebhookID]time.Time, error) {
	pauses, err := s.store.Pauses(ctx)
	paused := make(map[engine.WebhookID]time.Time, len(pauses))
	for _, streak := range pauses {
		paused[streak.WebhookID] = streak.PausedUntil
	}
	return paused, err
}

// handleConsumerNew shows the form that creates a consumer.
func (s *Server) handleConsumerNew(w http.ResponseWriter, r *http.Request) {
	s.consumerForm(w, r, http.StatusOK, views.ConsumerForm{Consumer: engine.APIConsumer{Enabled: true}}, nil)
}

// handleConsumerCreate creates a consumer.
func (s *Server) handleConsumerCreate(w http.ResponseWriter, r *http.Request) {
	c := engine.APIConsumer{}
	expires, problems := s.readConsumer(r, &c)
	if len(problems) == 0 {
		created, err := s.store.CreateConsumer(r.Context(), s.actor(r), c)
		if err == nil {
			s.redirect(w, r, views.ConsumerURL(created.ID), "API consumer "+created.Name+" was created.")
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.consumerForm(w, r, http.StatusUnprocessableEntity, views.ConsumerForm{Consumer: c, Expires: expires}, problems)
}

// handleConsumerEdit shows the form that changes a consumer.
func (s *Server) handleConsumerEdit(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.consumerInUse(w, r); ok {
		s.consumerForm(w, r, http.StatusOK, views.ConsumerForm{
			Consumer: c, Expires: formTime(c.Expires, zoneOf(r, visitOf(r).user)), Seen: seenConsumer(c),
		}, nil)
	}
}

// handleConsumerSave changes a consumer.
func (s *Server) handleConsumerSave(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	seen := r.PostFormValue(seenField)
	expires, problems := s.readConsumer(r, &c)
	if len(problems) == 0 {
		saved, err := s.store.ReviseConsumer(r.Context(), s.actor(r), c.ID, func(next *engine.APIConsumer) error {
			if seenConsumer(*next) != seen {
				return engine.ErrConflict
			}
			*next = c
			return nil
		})
		switch {
		case err == nil:
			s.redirect(w, r, views.ConsumerURL(c.ID), "API consumer "+saved.Name+" was saved.")
			return
		case errors.Is(err, engine.ErrConflict):
			s.consumerConflict(w, r, c)
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.consumerForm(w, r, http.StatusUnprocessableEntity, views.ConsumerForm{Consumer: c, Expires: expires, Seen: seen}, problems)
}

// consumerConflict shows both sides when the consumer changed while it was edited.
func (s *Server) consumerConflict(w http.ResponseWriter, r *http.Request, mine engine.APIConsumer) {
	now, ok := s.consumer(w, r)
	if !ok {
		return
	}
	p := s.page(r, "Conflict: "+now.Name, "admin", consumersCrumbs(views.Crumb{Label: now.Name, URL: views.ConsumerURL(now.ID)}, views.Crumb{Label: "Conflict"})...)
	s.conflict(w, r, views.Conflict{
		Page: p, What: "API consumer", Name: now.Name, By: now.UpdatedBy, At: now.UpdatedAt, Object: now.ID.String(),
		Mine: views.ConsumerSettings(p, mine), Theirs: views.ConsumerSettings(p, now),
		Edit: views.ConsumerEditURL(now.ID), Action: views.ConsumerEditURL(now.ID), Seen: seenConsumer(now),
	}, "name", "description", "external_id", "default_organization", "consuming_platform", "consuming_platform_version", "technical_contact",
		"one_send_per_url", "enabled", "expires")
}

// handleConsumerEnable lets a consumer's webhooks be sent again.
func (s *Server) handleConsumerEnable(w http.ResponseWriter, r *http.Request) {
	s.switchConsumer(w, r, true, "was enabled.")
}

// handleConsumerDisable stops a consumer's webhooks; what waits is cancelled.
func (s *Server) handleConsumerDisable(w http.ResponseWriter, r *http.Request) {
	s.switchConsumer(w, r, false, "was disabled. Deliveries that were waiting are cancelled.")
}

func (s *Server) switchConsumer(w http.ResponseWriter, r *http.Request, enabled bool, what string) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	_, err := s.store.ReviseConsumer(r.Context(), s.actor(r), c.ID, func(next *engine.APIConsumer) error {
		next.Enabled = enabled // and nothing else: somebody may be saving its form
		return nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.ConsumerURL(c.ID), "API consumer "+c.Name+" "+what)
}

// consumer returns the consumer that the path names, or answers and returns false.
func (s *Server) consumer(w http.ResponseWriter, r *http.Request) (engine.APIConsumer, bool) {
	var id engine.ConsumerID
	if err := pathID(r, "con", &id); err != nil {
		s.fail(w, r, err)
		return engine.APIConsumer{}, false
	}
	c, err := s.store.Consumer(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return c, false
	}
	return c, true
}

// readConsumer puts what was posted into c. It returns the time of expiry as it was typed, and every problem.
func (s *Server) readConsumer(r *http.Request, c *engine.APIConsumer) (expires string, problems []engine.Invalid) {
	form := r.PostForm
	for field, name := range map[*string]string{
		&c.Name: "name", &c.ExternalID: "external_id", &c.DefaultOrganization: "default_organization",
		&c.ConsumingPlatform: "consuming_platform", &c.ConsumingPlatformVersion: "consuming_platform_version",
		&c.TechnicalContact: "technical_contact", &c.Description: "description",
	} {
		*field = formText(form, name)
	}
	c.Enabled, c.OneSendPerURL = form.Has("enabled"), form.Has("one_send_per_url")
	var bad []engine.Invalid
	expires, bad = readTime(form, "expires", &c.Expires, zoneOf(r, visitOf(r).user))
	return expires, append(problemsOf(c.Validate()), bad...)
}

func (s *Server) consumerForm(w http.ResponseWriter, r *http.Request, status int, f views.ConsumerForm, problems []engine.Invalid) {
	c := f.Consumer
	title, crumbs := "Create API Consumer", consumersCrumbs()
	if c.ID != 0 {
		// The name in the form may be one that was not saved.
		title, crumbs = "Edit API Consumer", consumersCrumbs(views.Crumb{Label: consumerName(s.store.Directory(), c.ID), URL: views.ConsumerURL(c.ID)})
	}
	f.Page = s.page(r, title, "admin", append(crumbs, views.Crumb{Label: title})...)
	f.Page.Problems = problems
	s.render(w, r, status, views.ConsumerFormPage(f))
}

// problemsOf returns what an InvalidError lists; nil for every other error.
func problemsOf(err error) []engine.Invalid {
	bad, _ := errors.AsType[engine.InvalidError](err)
	return bad
}

// formText returns a posted text without spaces around it. Browsers post a line end as two characters.
func formText(form url.Values, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(form.Get(name), "\r\n", "\n"))
}

// timeLayout is how a datetime-local control writes a time.
const timeLayout = "2006-01-02T15:04"

// formTime writes a time for a form; "" for the zero time.
func formTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(timeLayout)
}

// readTime reads a time of a form into t, and returns what was typed. A time that was not touched stays as exact as
// it is stored, although the form shows no seconds.
func readTime(form url.Values, name string, t *time.Time, zone *time.Location) (typed string, problems []engine.Invalid) {
	typed = formText(form, name)
	if typed == formTime(*t, zone) {
		return typed, nil
	}
	if typed == "" {
		*t = time.Time{}
		return typed, nil
	}
	parsed, err := time.ParseInLocation(timeLayout, typed, zone)
	if err != nil {
		return typed, []engine.Invalid{{Field: name, Message: "Enter a date and time such as 2027-06-30T18:00, or nothing"}}
	}
	*t = parsed.UTC()
	return typed, nil
}
