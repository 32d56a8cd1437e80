package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"labhook/engine"
	"labhook/views"
)

// handleSignedCurl shows the request of an attempt as a command with a signature of this moment. That is no redirect,
// as the signature would have to be kept somewhere in between; the audit log is written first.
func (s *Server) handleSignedCurl(w http.ResponseWriter, r *http.Request) {
	id, a := s.attempt(w, r)
	if a == nil {
		return
	}
	list := ""
	if q, _, ok := s.givenList(r); ok {
		list = q.list()
	}
	v, err := s.signedCurl(r, id, *a)
	if refused, ok := errors.AsType[engine.Conflict](err); ok {
		s.redirect(w, r, views.AttemptURL(id, a.Number, false, list), "Nothing was signed. "+refused.Error())
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.List = list
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusOK, views.SignedCurlPage(v))
}

// signedCurl signs the request of an attempt anew.
func (s *Server) signedCurl(r *http.Request, id engine.DeliveryID, a engine.Attempt) (v views.SignedCurl, err error) {
	row, err := s.store.Delivery(r.Context(), id)
	if err != nil {
		return v, err
	}
	if !a.BodyGoneAt.IsZero() {
		return v, engine.BodyGone(a.BodyGoneAt)
	}
	if v.Webhook, err = s.store.Webhook(r.Context(), row.WebhookID); err != nil {
		return v, err
	}
	if a.Request, err = engine.SignedNow(&v.Webhook, id, a.Request, time.Now()); err != nil {
		return v, err
	}
	if err := s.store.Audit(r.Context(), s.actor(r), "delivery.sign", id.String(), fmt.Sprintf("attempt %d", a.Number)); err != nil {
		return v, err
	}
	v.Attempt = a
	v.Page = s.page(r, fmt.Sprintf("Attempt %d, signed now", a.Number), "deliveries", views.Crumb{Label: "Deliveries", URL: views.DeliveriesURL()},
		views.Crumb{Label: id.String(), URL: views.DeliveryURL(id)}, views.Crumb{Label: "Signed now"})
	return v, nil
}
