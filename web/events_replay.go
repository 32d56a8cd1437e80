package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"labhook/engine"
	"labhook/views"
)

// handleReplay asks to which webhooks an event is sent.
func (s *Server) handleReplay(w http.ResponseWriter, r *http.Request) {
	e, err := s.pathEvent(r)
	if err != nil {
		s.failEvent(w, r, err)
		return
	}
	if why := s.noReplay(&e); why != "" {
		s.redirect(w, r, views.EventURL(e.ID), why)
		return
	}
	v := views.Replay{Event: e, Text: askedText(r.FormValue("q"))}
	v.Page = s.page(r, "Replay "+s.store.Directory().Catalog().Label(e.Type), "events", views.Crumb{Label: "Events", URL: views.EventsURL()},
		views.Crumb{Label: e.PublicID(), URL: views.EventURL(e.ID)}, views.Crumb{Label: "Replay"})
	if err := s.replayRows(r, &v); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, views.ReplayPage(v))
}

// noReplay says why an event can be sent to no webhook again, "" when it may be to some.
func (s *Server) noReplay(e *engine.Event) string {
	switch {
	case e.Test:
		return "A test is made once: test the webhook again."
	case e.ConsumerID != 0 && s.store.Directory().Consumer(e.ConsumerID) == nil:
		return "It cannot be replayed: its API consumer was deleted, with its webhooks."
	case !e.BodyGoneAt.IsZero():
		return engine.BodyGone(e.BodyGoneAt).Error()
	}
	return ""
}

// replayRows lists the webhooks that an event may go to: first those that did not get it and those that listen to it.
func (s *Server) replayRows(r *http.Request, v *views.Replay) error {
	page, err := s.store.ListDeliveries(r.Context(), engine.DeliveryFilter{EventID: v.Event.ID, Limit: engine.MaxPageSize})
	if err != nil {
		return err
	}
	has := map[engine.WebhookID]*engine.DeliveryRow{}
	for i, row := range slices.Backward(page.Rows) {
		has[row.WebhookID] = &page.Rows[i]
	}
	dir := s.store.Directory()
	for _, c := range dir.Consumers() {
		for _, w := range dir.Webhooks(c.ID) {
			if v.Event.ConsumerID != 0 && v.Event.ConsumerID != c.ID || !holds(w.Name, v.Text) && !holds(c.Name, v.Text) {
				continue
			}
			row := views.ReplayRow{Webhook: w, Consumer: c.Name, Delivery: has[w.ID]}
			if row.Delivery != nil && !row.Delivery.State.Final() {
				row.Refused = "It is under way to it."
			} else if refused := dir.MayReplay(&v.Event, w.ID, v.Page.Now); refused != nil {
				row.Refused = refused.Error()
			}
			v.Rows = append(v.Rows, row)
		}
	}
	slices.SortStableFunc(v.Rows, func(x, y views.ReplayRow) int {
		return cmp.Compare(replayRank(x, v.Event.Type), replayRank(y, v.Event.Type))
	})
	if v.More = len(v.Rows) - selectable; v.More > 0 {
		v.Rows = v.Rows[:selectable]
	}
	return nil
}

// replayRank says how likely somebody looks for a webhook, the likeliest first.
func replayRank(row views.ReplayRow, eventType string) int {
	switch {
	case row.Refused != "":
		return 4
	case row.Delivery != nil && row.Delivery.State != engine.StateDelivered:
		return 0
	case row.Delivery == nil && row.Webhook.ListensTo(eventType):
		return 1
	case row.Delivery != nil:
		return 2
	}
	return 3
}

// handleReplayed sends an event to the webhooks that were chosen. Each is judged by itself.
func (s *Server) handleReplayed(w http.ResponseWriter, r *http.Request) {
	e, err := s.pathEvent(r)
	if err != nil {
		s.failEvent(w, r, err)
		return
	}
	chosen := slices.Compact(slices.Sorted(slices.Values(r.PostForm["webhook"])))
	if len(chosen) == 0 {
		s.redirect(w, r, views.EventReplayURL(e.ID), "Choose webhooks first.")
		return
	}
	sent, refused := 0, []string{}
	for _, text := range chosen[:min(len(chosen), selectable)] {
		id, err := engine.ParseID[engine.WebhookID](text)
		if err != nil {
			s.errorPage(w, r, http.StatusBadRequest)
			return
		}
		_, err = s.engine.Replay(r.Context(), s.actor(r), e.ID, id)
		if why, ok := errors.AsType[engine.Conflict](err); ok {
			refused = append(refused, webhookName(s.store.Directory(), id)+": "+why.Error())
		} else if err != nil {
			s.fail(w, r, err)
			return
		} else {
			sent++
		}
	}
	done := "The event is sent to " + views.Plural(sent, "webhook", "webhooks") + "."
	if sent == 0 {
		done = "Nothing was sent."
	}
	s.redirect(w, r, views.EventURL(e.ID), strings.Join(append([]string{done}, refused...), " "))
}
