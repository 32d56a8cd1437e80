package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"labhook/engine"
	"labhook/views"
)

const (
	maxBulk      = 1000 // deliveries that one click sends again or cancels
	bulkShown    = 10   // of which the page that asks shows so many
	recoverShown = 5    // webhooks whose recovery it offers when that is too few
	bulkAtOnce   = 16   // changes under way at a time: the writer makes one transaction of them
)

// bulk is what somebody wants to do with several deliveries.
type bulk struct {
	do      string
	query   listQuery
	listURL func(...string) string
	// until: deliveries that came later are left alone, so that no more is done than was shown.
	until time.Time
}

// readBulk reads the request, or answers and returns false.
func (s *Server) readBulk(w http.ResponseWriter, r *http.Request) (b bulk, ok bool) {
	b.do = r.FormValue("do")
	b.query, b.listURL, ok = s.givenList(r)
	if !ok || !slices.Contains([]string{views.BulkResend, views.BulkCancel, views.BulkResendAll, views.BulkCancelAll}, b.do) {
		s.redirect(w, r, views.DeliveriesURL("select", "true"), "Select deliveries first, then what to do with them.")
		return b, false
	}
	b.until = time.Now()
	if t, err := time.Parse(time.RFC3339Nano, r.FormValue("until")); err == nil {
		b.until = t
	}
	return b, true
}

func (b bulk) resends() bool { return b.do == views.BulkResend || b.do == views.BulkResendAll }

// back is the list that the request came from.
func (b bulk) back() string { return b.listURL(b.query.pairs()...) }

// filter chooses of the list's deliveries those that something can be done with. Of a list without states the ones are
// sent again that did not get through.
func (b bulk) filter(now time.Time) engine.DeliveryFilter {
	f := b.query.filter(now)
	if f.Until.IsZero() || f.Until.After(b.until) {
		f.Until = b.until
	}
	possible := func(state engine.DeliveryState) bool { return state.Final() == b.resends() }
	switch {
	case len(f.States) > 0:
		f.States = slices.DeleteFunc(slices.Clone(f.States), func(state engine.DeliveryState) bool { return !possible(state) })
	case b.resends():
		f.States = []engine.DeliveryState{engine.StateFailed, engine.StateCancelled}
	default:
		f.States = slices.DeleteFunc(slices.Clone(engine.DeliveryStates), func(state engine.DeliveryState) bool { return !possible(state) })
	}
	if b.resends() {
		f.Test = new(false)
	}
	return f
}

// chosen returns the deliveries that are concerned, oldest first, and how many of those that were named are not. more:
// the filter chooses more than are done at once.
func (s *Server) chosen(r *http.Request, b bulk) (rows []engine.DeliveryRow, leftOut int, more bool, err error) {
	if b.do == views.BulkResendAll || b.do == views.BulkCancelAll {
		rows, more, err = s.chosenByFilter(r.Context(), b.filter(b.until))
		return rows, 0, more, err
	}
	now := time.Now()
	for _, text := range r.Form["id"] {
		id, err := engine.ParseID[engine.DeliveryID](text)
		if err != nil || len(rows) == maxBulk {
			leftOut++
			continue
		}
		row, err := s.store.Delivery(r.Context(), id)
		switch {
		case errors.Is(err, engine.ErrNotFound) || err == nil && s.refuses(b, &row, now):
			leftOut++
		case err != nil:
			return nil, 0, false, err
		default:
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y engine.DeliveryRow) int { return cmp.Compare(x.ID, y.ID) })
	rows = slices.CompactFunc(rows, func(x, y engine.DeliveryRow) bool { return x.ID == y.ID })
	return rows, leftOut, false, nil
}

// refuses reports whether nothing can be done with a delivery.
func (s *Server) refuses(b bulk, row *engine.DeliveryRow, now time.Time) bool {
	if !b.resends() {
		return row.State.Final()
	}
	return s.store.Directory().MayResend(&row.Delivery, row.BodyGoneAt, now) != nil
}

// chosenByFilter returns the oldest deliveries that the filter chooses.
func (s *Server) chosenByFilter(ctx context.Context, f engine.DeliveryFilter) (rows []engine.DeliveryRow, more bool, err error) {
	if len(f.States) == 0 {
		return nil, false, nil // the list shows only states in which nothing can be done
	}
	f.After, f.Limit = 1, engine.MaxPageSize
	for {
		page, err := s.store.ListDeliveries(ctx, f)
		if err != nil {
			return nil, false, err
		}
		slices.Reverse(page.Rows)
		rows = append(rows, page.Rows...)
		if len(rows) >= maxBulk || !page.Newer || len(page.Rows) == 0 {
			return rows[:min(len(rows), maxBulk)], page.Newer || len(rows) > maxBulk, nil
		}
		f.After = rows[len(rows)-1].ID
	}
}

// handleBulk asks before several deliveries are sent again or cancelled.
func (s *Server) handleBulk(w http.ResponseWriter, r *http.Request) {
	b, ok := s.readBulk(w, r)
	if !ok {
		return
	}
	if len(r.Form["id"]) == 0 && (b.do == views.BulkResend || b.do == views.BulkCancel) {
		b.query.selecting = true
		s.redirect(w, r, b.back(), "Nothing was selected.")
		return
	}
	rows, leftOut, more, err := s.chosen(r, b)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	title := "Cancel deliveries"
	if b.resends() {
		title = "Resend deliveries"
	}
	page := views.Bulk{
		Page: s.page(r, title, "deliveries", views.Crumb{Label: "Deliveries", URL: b.back()}, views.Crumb{Label: title}),
		Do:   b.do, List: b.query.list(), ListURL: b.back(), Until: b.until.UTC().Format(time.RFC3339Nano),
		Count: len(rows), More: more, LeftOut: leftOut,
	}
	if more && b.resends() {
		page.Recover = s.recoverLinks(rows)
	}
	if b.do == views.BulkResend || b.do == views.BulkCancel {
		for _, row := range rows {
			page.IDs = append(page.IDs, row.ID)
		}
	}
	page.First = views.DeliveryTable{Page: page.Page, ID: "first", Caption: "Oldest first", Rows: rows[:min(len(rows), bulkShown)]}
	s.render(w, r, http.StatusOK, views.BulkPage(page))
}

// recoverLinks lead to the recovery of the webhooks that most of the deliveries are for.
func (s *Server) recoverLinks(rows []engine.DeliveryRow) (links []views.Link) {
	count := map[engine.WebhookID]int{}
	for _, row := range rows {
		count[row.WebhookID]++
	}
	ids := slices.SortedFunc(maps.Keys(count), func(x, y engine.WebhookID) int { return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y)) })
	for _, id := range ids {
		if s.store.Directory().Webhook(id) != nil && len(links) < recoverShown {
			links = append(links, views.Link{Text: webhookName(s.store.Directory(), id), URL: views.WebhookRecoverURL(id)})
		}
	}
	return links
}

// handleBulkDone sends several deliveries again, or cancels them. Each is judged by itself, as it may have gone on
// meanwhile; all that was asked for is done, also when the browser does not wait for it.
func (s *Server) handleBulkDone(w http.ResponseWriter, r *http.Request) {
	b, ok := s.readBulk(w, r)
	if !ok {
		return
	}
	rows, leftOut, _, err := s.chosen(r, b)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	who := s.actor(r)
	change := func(ctx context.Context, row engine.DeliveryRow) error {
		_, err := s.engine.Cancel(ctx, who, row.ID, "Cancelled by "+who.Name+".")
		return err
	}
	done := "cancelled"
	if b.resends() {
		done = "sent again"
		change = func(ctx context.Context, row engine.DeliveryRow) error {
			_, err := s.engine.Resend(ctx, who, row.ID)
			return err
		}
	}
	changed, err := each(context.WithoutCancel(r.Context()), rows, change)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	words := fmt.Sprintf("%s %s.", views.Plural(changed, "delivery is", "deliveries are"), done)
	if n := leftOut + len(rows) - changed; n > 0 {
		words += fmt.Sprintf(" %s left out: they went on meanwhile, or their webhook is out of use.", views.Plural(n, "was", "were"))
	}
	s.redirect(w, r, b.back(), words)
}

// each makes a change to several deliveries, some at a time, and counts those that were not refused. It returns the
// first error that is no refusal; the others are tried all the same.
func each(ctx context.Context, rows []engine.DeliveryRow, change func(context.Context, engine.DeliveryRow) error) (changed int, failed error) {
	var (
		mu   sync.Mutex
		work sync.WaitGroup
	)
	queue := make(chan engine.DeliveryRow)
	for range min(bulkAtOnce, len(rows)) {
		work.Go(func() {
			for row := range queue {
				err := change(ctx, row)
				mu.Lock()
				if err == nil {
					changed++
				} else if !errors.Is(err, engine.ErrConflict) && !errors.Is(err, engine.ErrNotFound) && failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, row := range rows {
		queue <- row
	}
	close(queue)
	work.Wait()
	return changed, failed
}
