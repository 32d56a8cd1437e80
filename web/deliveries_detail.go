package web

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// maxReason is how many characters the reason of a cancellation may have.
const maxReason = 200

// pathID reads an id from the request's path. What is no id names nothing: engine.ErrNotFound.
func pathID(r *http.Request, name string, id encoding.TextUnmarshaler) error {
	value := r.PathValue(name)
	if value == "" || id.UnmarshalText([]byte(value)) != nil {
		return engine.ErrNotFound
	}
	return nil
}

// handleDelivery shows one delivery and its attempts.
func (s *Server) handleDelivery(w http.ResponseWriter, r *http.Request) {
	var id engine.DeliveryID
	err := pathID(r, "dlv", &id)
	var d views.DeliveryDetail
	if err == nil {
		d, err = s.deliveryDetail(r, id)
	}
	if err == nil {
		err = s.inList(r, &d)
	}
	if err != nil {
		s.failOrGone(w, r, "This delivery", int64(id), err)
		return
	}
	s.live(w, r, views.Delivery(d), "delivery")
}

// deliveryDetail gathers what the page of a delivery shows, its place in a list left out.
func (s *Server) deliveryDetail(r *http.Request, id engine.DeliveryID) (d views.DeliveryDetail, err error) {
	row, err := s.store.Delivery(r.Context(), id)
	if err != nil {
		return d, err
	}
	webhook, err := s.store.Webhook(r.Context(), row.WebhookID)
	if err != nil {
		return d, err
	}
	attempts, err := s.attempts(r, id)
	if err != nil {
		return d, err
	}
	hash := payloadHash(attempts)
	if s.hidesBodies(r) {
		hideBodies(attempts)
		hash = ""
	}
	p := s.page(r, "Delivery "+id.String(), "deliveries",
		views.Crumb{Label: "Deliveries", URL: views.DeliveriesURL()}, views.Crumb{Label: id.String()})
	chosen, _ := strconv.Atoi(r.FormValue("attempt")) // what is no number asks for the latest
	d = views.NewDeliveryDetail(p, row, attempts, chosen, r.FormValue("raw") != "")
	d.Webhook, d.PayloadHash, d.InLine = shown(r, webhook), hash, s.engine.InLine(&row.Delivery)
	if refused := s.store.Directory().MayResend(&row.Delivery, row.BodyGoneAt, p.Now); refused != nil {
		d.NoResend = refused.Error()
	}
	if d.AskedBy, err = s.askedBy(r.Context(), row, attempts); err != nil {
		return d, err
	}
	if d.Streak, err = s.store.Streak(r.Context(), row.WebhookID); err != nil {
		return d, err
	}
	d.Gate, d.HeldBy, err = s.gatesOf(r.Context(), row)
	return d, err
}

// payloadHash is the SHA-256 of the body that the latest attempt sent, in hex; "" when it sent none.
func payloadHash(attempts []engine.Attempt) string {
	if len(attempts) == 0 || len(attempts[len(attempts)-1].Request.Body) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(attempts[len(attempts)-1].Request.Body))
}

// askedBy names who asked for the attempts that were made by hand: the latest entry of the audit log before each says so,
// or the recovery that it was a part of.
func (s *Server) askedBy(ctx context.Context, row engine.DeliveryRow, attempts []engine.Attempt) (map[int]string, error) {
	if !slices.ContainsFunc(attempts, func(a engine.Attempt) bool { return a.Trigger == engine.TriggerManual }) {
		return nil, nil
	}
	log, err := s.store.FindAudit(ctx, db.AuditFilter{Object: row.ID.String(), Limit: engine.MaxPageSize})
	if err != nil {
		return nil, err
	}
	recoveries, err := s.store.Recoveries(ctx, row.WebhookID, latestRecoveries)
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, a := range attempts {
		var at time.Time
		asked := func(by string, when time.Time) {
			if a.Trigger == engine.TriggerManual && !when.After(a.StartedAt) && when.After(at) {
				names[a.Number], at = by, when
			}
		}
		for _, e := range log.Rows {
			if e.Action == "delivery.resend" || e.Action == "delivery.hasten" {
				asked(e.Who.Name, e.At)
			}
		}
		for _, recovery := range recoveries {
			if !row.CreatedAt.Before(recovery.Since) && row.ID <= recovery.Last {
				asked(recovery.CreatedBy, recovery.CreatedAt)
			}
		}
	}
	return names, nil
}

// inList finds the deliveries around this one in the list that the reader came from. A poll does not change the way.
func (s *Server) inList(r *http.Request, d *views.DeliveryDetail) error {
	q, listURL, ok := s.givenList(r)
	if !ok {
		return nil
	}
	d.List, d.ListURL = q.list(), listURL(q.pairs()...)
	if isHTMX(r) {
		return nil
	}
	ctx, stop := context.WithTimeout(r.Context(), listPatience)
	defer stop()
	newer, older := q.filter(d.Page.Now), q.filter(d.Page.Now)
	newer.After, newer.Limit = d.Row.ID, 1
	older.Before, older.Limit = d.Row.ID, 1
	for filter, into := range map[*engine.DeliveryFilter]*engine.DeliveryID{&newer: &d.Previous, &older: &d.Next} {
		page, err := s.store.ListDeliveries(ctx, *filter)
		if err != nil && r.Context().Err() == nil && ctx.Err() != nil {
			return nil // a list that is too slow has no neighbours
		} else if err != nil {
			return err
		}
		if len(page.Rows) > 0 {
			*into = page.Rows[0].ID
		}
	}
	return nil
}

// handleRequestBody downloads the body of an attempt's request, byte for byte.
func (s *Server) handleRequestBody(w http.ResponseWriter, r *http.Request) {
	if id, a := s.attempt(w, r); a != nil {
		download(w, fmt.Sprintf("%s-attempt-%d.request", id, a.Number), a.Request.Body)
	}
}

// attempt returns the attempt that the path names, for its bodies, or answers and returns nil.
func (s *Server) attempt(w http.ResponseWriter, r *http.Request) (engine.DeliveryID, *engine.Attempt) {
	var id engine.DeliveryID
	if s.hidesBodies(r) {
		s.explain(w, r, http.StatusForbidden, views.BodiesHidden)
		return id, nil
	}
	if err := pathID(r, "dlv", &id); err != nil {
		s.fail(w, r, err)
		return id, nil
	}
	attempts, err := s.attempts(r, id)
	if err != nil {
		s.fail(w, r, err)
		return id, nil
	}
	i := slices.IndexFunc(attempts, func(a engine.Attempt) bool { return strconv.Itoa(a.Number) == r.PathValue("n") })
	if i < 0 {
		s.failOrGone(w, r, "This delivery", int64(id), engine.ErrNotFound)
		return id, nil
	}
	if at := attempts[i].BodyGoneAt; !at.IsZero() {
		s.gone(w, r, "What this delivery carried", at)
		return id, nil
	}
	return id, &attempts[i]
}

// handleAnswerBody downloads the body of an answer. It was written by a stranger: the browser is told to save it, not
// to look into it.
func (s *Server) handleAnswerBody(w http.ResponseWriter, r *http.Request) {
	id, a := s.attempt(w, r)
	switch {
	case a == nil:
	case a.Answer == nil:
		s.fail(w, r, engine.ErrNotFound)
	default:
		download(w, fmt.Sprintf("%s-attempt-%d.txt", id, a.Number), a.Answer.Body)
	}
}

// download sends bytes from outside as a file to be saved.
func download(w http.ResponseWriter, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the browser went away: nothing to be done
}

// handleDeliveryResend asks for one more attempt of a delivery that has ended.
func (s *Server) handleDeliveryResend(w http.ResponseWriter, r *http.Request) {
	s.changeDelivery(w, r, "Resend accepted. The attempt appears below.",
		func(ctx context.Context, id engine.DeliveryID) (engine.Delivery, error) {
			return s.engine.Resend(ctx, s.actor(r), id)
		})
}

// handleDeliveryHasten makes the next attempt at once.
func (s *Server) handleDeliveryHasten(w http.ResponseWriter, r *http.Request) {
	s.changeDelivery(w, r, "The next attempt is made now.", func(ctx context.Context, id engine.DeliveryID) (engine.Delivery, error) {
		return s.engine.Hasten(ctx, s.actor(r), id)
	})
}

// handleDeliveryCancel ends a delivery that has not ended.
func (s *Server) handleDeliveryCancel(w http.ResponseWriter, r *http.Request) {
	who := s.actor(r)
	reason := "Cancelled by " + who.Name + "."
	if given := []rune(strings.TrimSpace(r.PostFormValue("reason"))); len(given) > 0 {
		reason = "Cancelled by " + who.Name + ": " + string(given[:min(len(given), maxReason)])
	}
	s.changeDelivery(w, r, "The delivery was cancelled.", func(ctx context.Context, id engine.DeliveryID) (engine.Delivery, error) {
		return s.engine.Cancel(ctx, who, id, reason)
	})
}

// changeDelivery makes one change and leads back to the delivery, which shows what came of it. A change that is not
// possible any more is no error page: the delivery went on between the look and the click.
func (s *Server) changeDelivery(w http.ResponseWriter, r *http.Request, done string,
	change func(ctx context.Context, id engine.DeliveryID) (engine.Delivery, error),
) {
	var id engine.DeliveryID
	if err := pathID(r, "dlv", &id); err != nil {
		s.fail(w, r, err)
		return
	}
	_, err := change(r.Context(), id)
	if why, ok := errors.AsType[engine.Conflict](err); ok {
		done = "Nothing was changed. " + why.Error()
	} else if errors.Is(err, engine.ErrConflict) {
		done = "Nothing was changed: the delivery went on meanwhile."
	} else if err != nil {
		s.fail(w, r, err)
		return
	}
	list := ""
	if q, _, ok := s.givenList(r); ok {
		list = q.list()
	}
	s.redirect(w, r, views.DeliveryInListURL(id, list), done)
}
