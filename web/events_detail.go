package web

import (
	"net/http"
	"slices"
	"time"

	"labhook/engine"
	"labhook/views"
)

// dataShown is how many bytes of an event's data its page shows.
const dataShown = 64 << 10

// handleEvent shows one event and what became of it.
func (s *Server) handleEvent(w http.ResponseWriter, r *http.Request) {
	e, err := s.pathEvent(r)
	if err != nil {
		s.failEvent(w, r, err)
		return
	}
	page, err := s.store.ListDeliveries(r.Context(), engine.DeliveryFilter{EventID: e.ID, Limit: engine.MaxPageSize})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	slices.Reverse(page.Rows) // in the order in which the webhooks stand
	p := s.page(r, s.store.Directory().Catalog().Label(e.Type)+" "+e.PublicID(), "events",
		views.Crumb{Label: "Events", URL: views.EventsURL()}, views.Crumb{Label: e.PublicID()})
	data := e.Data
	if s.hidesBodies(r) {
		data = hiddenBody
	}
	dir, raw := s.store.Directory(), r.FormValue("raw") != ""
	d := views.EventDetail{
		Page: p, Event: e, Consumer: consumerName(dir, e.ConsumerID),
		Data: views.NewBodyText(data, dataShown, !raw), Raw: raw,
		Deliveries: views.DeliveryTable{Page: p, ID: "fan-out-table", Caption: "Deliveries of this event", Rows: page.Rows, HideEvent: true},
		More:       page.Older, NoReplay: s.noReplay(&e),
	}
	if !e.Test { // a test is for one webhook alone
		d.NotSent, d.Elsewhere = notSent(dir, &e, page, p.Now)
	}
	if p.Can(engine.RoleDeveloper) {
		d.AddURL = addWebhookURL(dir, &e)
	}
	s.live(w, r, views.Event(d), "fan-out")
}

// handleEventData downloads an event's data as they were sent.
func (s *Server) handleEventData(w http.ResponseWriter, r *http.Request) {
	if s.hidesBodies(r) {
		s.explain(w, r, http.StatusForbidden, views.BodiesHidden)
		return
	}
	e, err := s.pathEvent(r)
	if err != nil {
		s.failEvent(w, r, err)
		return
	}
	if !e.BodyGoneAt.IsZero() {
		s.gone(w, r, "What this event carried", e.BodyGoneAt)
		return
	}
	download(w, e.ID.String()+".json.txt", e.Data)
}

// failEvent answers where the path names no event that is there.
func (s *Server) failEvent(w http.ResponseWriter, r *http.Request, err error) {
	var id engine.EventID
	_ = pathID(r, "evt", &id) // of an id that the sender gave nothing is known: 0 is never gone
	s.failOrGone(w, r, "This event", int64(id), err)
}

// pathEvent reads the event that the path names by its id or by the sender's own.
func (s *Server) pathEvent(r *http.Request) (engine.Event, error) {
	return s.store.EventNamed(r.Context(), r.PathValue("evt"), 0)
}

// notSent explains which webhooks have no delivery of the event, and counts those that listen to other events.
func notSent(dir *engine.Directory, e *engine.Event, deliveries engine.Page[engine.DeliveryRow], now time.Time) (list []engine.NotSent, elsewhere int) {
	sent := map[engine.WebhookID]bool{}
	for _, row := range deliveries.Rows {
		sent[row.WebhookID] = true
	}
	for _, n := range dir.WhyNot(e, now) {
		switch {
		case sent[n.Webhook.ID]:
		case !n.Webhook.ListensTo(e.Type):
			elsewhere++
		default:
			list = append(list, n)
		}
	}
	if deliveries.Older {
		return list, elsewhere // not all deliveries are known: nothing can be said about the rest
	}
	for _, w := range dir.Match(e, now) {
		if !sent[w.ID] {
			list = append(list, engine.NotSent{Webhook: w, Reason: "It did not listen, or was not in use, when the event was accepted."})
		}
	}
	return list, elsewhere
}

// addWebhookURL is where a webhook for the event is added: to its consumer, or to the only one there is.
func addWebhookURL(dir *engine.Directory, e *engine.Event) string {
	id := e.ConsumerID
	if all := dir.Consumers(); id == 0 && len(all) == 1 {
		id = all[0].ID
	}
	if dir.Consumer(id) == nil {
		return views.ConsumersURL()
	}
	return views.NewWebhookURL(id, "event", e.Type)
}
