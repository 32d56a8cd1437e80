package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// consumerInUse is consumer for those that change it: a deleted one leads to its page, which says so.
func (s *Server) consumerInUse(w http.ResponseWriter, r *http.Request) (engine.APIConsumer, bool) {
	c, ok := s.consumer(w, r)
	if ok && !c.DeletedAt.IsZero() {
		s.redirect(w, r, views.ConsumerURL(c.ID), "The API consumer was deleted. It cannot be changed any more.")
		return c, false
	}
	return c, ok
}

// handleConsumerDelete asks before a consumer is deleted.
func (s *Server) handleConsumerDelete(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.consumerInUse(w, r); ok {
		s.askConsumerDelete(w, r, http.StatusOK, views.ConsumerDelete{Consumer: c}, nil)
	}
}

// handleConsumerDeleted deletes a consumer whose name was typed.
func (s *Server) handleConsumerDeleted(w http.ResponseWriter, r *http.Request) {
	c, ok := s.consumerInUse(w, r)
	if !ok {
		return
	}
	if typed := formText(r.PostForm, "name"); typed != strings.TrimSpace(c.Name) {
		s.askConsumerDelete(w, r, http.StatusUnprocessableEntity, views.ConsumerDelete{Consumer: c, Typed: typed},
			[]engine.Invalid{{Field: "name", Message: "This is not the name of the API consumer; type it as it stands, or cancel"}})
		return
	}
	if err := s.store.DeleteConsumer(r.Context(), s.actor(r), c.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.ConsumersURL(), "API consumer "+c.Name+" was deleted.")
}

// askConsumerDelete answers with the page that says what goes with the consumer.
func (s *Server) askConsumerDelete(w http.ResponseWriter, r *http.Request, status int, d views.ConsumerDelete, problems []engine.Invalid) {
	c, now := d.Consumer, time.Now()
	keys, err := s.store.Keys(r.Context(), c.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	waiting, more, err := s.store.CountDeliveries(r.Context(), engine.DeliveryFilter{ConsumerID: c.ID, States: cancellable}, countedTo)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d.Webhooks = len(s.store.Directory().Webhooks(c.ID))
	d.Keys = len(slices.DeleteFunc(keys, func(k engine.APIKey) bool { return !k.Usable(now) }))
	if waiting > 0 {
		d.Waiting = waitingLink(c.ID, waiting, more)
	}
	d.Page = s.page(r, "Delete API Consumer "+c.Name, "admin",
		consumersCrumbs(views.Crumb{Label: c.Name, URL: views.ConsumerURL(c.ID)}, views.Crumb{Label: "Delete"})...)
	d.Page.Problems = problems
	s.render(w, r, status, views.ConsumerDeletePage(d))
}

// cancellable are the states of what is cancelled when its webhook goes out of use.
var cancellable = []engine.DeliveryState{engine.StateScheduled, engine.StateHeld, engine.StateQueued, engine.StateRetrying}

func waitingLink(id engine.ConsumerID, n int, more bool) views.Link {
	query := []string{"consumer", id.String()}
	for _, state := range cancellable {
		query = append(query, "status", string(state))
	}
	text := views.Plural(n, "waiting delivery", "waiting deliveries")
	if more {
		text = "more than " + text
	}
	return views.Link{Text: text, URL: views.DeliveriesURL(query...)}
}
