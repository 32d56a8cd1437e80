package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"labhook/engine"
	"labhook/views"
)

const (
	countedTo = 1000 // how far the matches of a filter are counted
	newsTo    = 100  // how far the rows that came since are counted
)

// savedFilters are the quick links above the deliveries.
var savedFilters = []struct {
	label  string
	states []engine.DeliveryState
}{
	{"All", nil},
	{"Failed", []engine.DeliveryState{engine.StateFailed}},
	{"Retrying", []engine.DeliveryState{engine.StateRetrying}},
	{"Waiting", []engine.DeliveryState{engine.StateScheduled, engine.StateHeld, engine.StateQueued, engine.StateSending}},
}

// handleDeliveries shows the deliveries that the address chooses.
func (s *Server) handleDeliveries(w http.ResponseWriter, r *http.Request) {
	s.showList(w, r, readListQuery(r, s.store.Directory().Catalog()), views.DeliveriesURL, func(q listQuery) (templ.Component, error) {
		l, err := s.deliveryList(r, q)
		return views.Deliveries(l), err
	})
}

// showList answers for a list: it leads to what the box for ids names, or shows what page gathers. url is the list's
// own address.
func (s *Server) showList(w http.ResponseWriter, r *http.Request, q listQuery, url func(...string) string,
	page func(listQuery) (templ.Component, error),
) {
	if to, err := s.find(r.Context(), &q); err != nil {
		s.fail(w, r, err)
		return
	} else if to != "" {
		s.jump(w, r, to)
		return
	}
	component, err := page(q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if isHTMX(r) && q.newer == "" {
		w.Header().Set("HX-Push-Url", url(q.pairs()...))
	}
	s.live(w, r, component, "new-rows")
}

// deliveryList gathers what the screen shows. A poll for news gets nothing else.
func (s *Server) deliveryList(r *http.Request, q listQuery) (views.DeliveryList, error) {
	dir := s.store.Directory()
	l := views.DeliveryList{Page: s.page(r, "", "deliveries"), Notices: q.notices}
	filter := engine.DeliveryFilter{
		States: q.states, WebhookID: q.webhook, ConsumerID: q.consumer, EventID: q.eventID, EventType: q.event,
		Subject: q.lab, Since: q.start(l.Page.Now),
	}
	if q.newer != "" {
		news, err := s.deliveryNews(r.Context(), q, filter)
		l.News = news
		return l, err
	}
	words, _ := q.words(dir, l.Page.Zone)
	l.Page.Title = listTitle("Deliveries", words)
	l.Filter = deliveryFilter(q, dir, l.Page)
	for _, saved := range savedFilters {
		next := q
		next.states = saved.states
		l.Quick = append(l.Quick, views.Link{
			Text: saved.label, URL: views.DeliveriesURL(next.pairs()...), Current: slices.Equal(saved.states, q.states),
		})
	}
	paged := filter
	l.Notices = append(l.Notices, readCursor(&paged.Before, q.before)...)
	l.Notices = append(l.Notices, readCursor(&paged.After, q.after)...)
	page, err := s.store.ListDeliveries(r.Context(), paged)
	if err != nil {
		return l, err
	}
	l.Table = views.DeliveryTable{
		Page: l.Page, ID: "deliveries", Caption: "Deliveries, newest first", Rows: page.Rows, HideWebhook: q.webhook != 0,
	}
	if len(page.Rows) == 0 {
		l.Empty = noDeliveries(q, words)
	} else {
		n, more, err := s.store.CountDeliveries(r.Context(), filter, countedTo)
		if err != nil {
			return l, err
		}
		l.Count = countWords(len(page.Rows), n, more, !page.Newer)
		first, last := page.Rows[0].ID.String(), page.Rows[len(page.Rows)-1].ID.String()
		l.Newer, l.Older = neighbours(q.fixed(l.Page.Now), page.Newer, page.Older, first, last, views.DeliveriesURL)
	}
	l.News = views.News{ShowURL: views.DeliveriesURL(q.pairs()...)}
	if !page.Newer && q.first() {
		newest := engine.DeliveryID(1)
		if len(page.Rows) > 0 {
			newest = page.Rows[0].ID
		}
		l.News.PollURL = views.DeliveriesURL(q.pairs("newer", newest.String())...)
	}
	return l, nil
}

// deliveryNews counts what came after the row that the poll names.
func (s *Server) deliveryNews(ctx context.Context, q listQuery, filter engine.DeliveryFilter) (views.News, error) {
	news := views.News{ShowURL: views.DeliveriesURL(q.pairs()...), PollURL: views.DeliveriesURL(q.pairs("newer", q.newer)...)}
	filter.Limit = newsTo
	if len(readCursor(&filter.After, q.newer)) > 0 {
		return news, nil
	}
	page, err := s.store.ListDeliveries(ctx, filter)
	news.New, news.More = len(page.Rows), page.Newer
	return news, err
}

func deliveryFilter(q listQuery, dir *engine.Directory, p views.Page) views.ListFilter {
	f := listFilter(q, dir, p.Zone, views.DeliveriesURL)
	f.Label, f.HasStates = "Filter deliveries", true
	f.Webhooks = views.Field{ID: "webhook", Label: "Webhook", Value: q.webhook.String(), Options: webhookOptions(dir, q)}
	f.Text.Label = "Delivery, event or lab ID"
	return f
}

// noDeliveries says why there are none, and at first use how there come to be some.
func noDeliveries(q listQuery, words []string) views.EmptyList {
	if !q.filtered() && q.first() {
		return views.EmptyList{
			Title:  "Nothing sent yet",
			Text:   "Deliveries appear here as soon as an event arrives that a webhook listens to.",
			Action: views.Link{Text: "To the API consumers and their webhooks", URL: views.ConsumersURL()},
		}
	}
	return emptyList(q, "deliveries", words, views.DeliveriesURL)
}

// countWords says how many rows are shown, and how many match.
func countWords(shown, n int, more, newest bool) string {
	words := fmt.Sprintf("%d shown", shown)
	if newest {
		words = fmt.Sprintf("Newest %d", shown)
	}
	if !more && n <= shown {
		return views.Plural(shown, "match", "matches")
	}
	return words + " · " + views.CappedNumber(n, more) + " match"
}

// neighbours are the links to the pages with newer and older rows.
func neighbours(q listQuery, hasNewer, hasOlder bool, first, last string, url func(...string) string) (newer, older string) {
	if hasNewer {
		newer = url(q.pairs("after", first)...)
	}
	if hasOlder {
		older = url(q.pairs("before", last)...)
	}
	return newer, older
}

// find follows what stands in the text box. The id of a delivery or an event leads to its page; anything else is
// taken for a lab instance.
func (s *Server) find(ctx context.Context, q *listQuery) (to string, err error) {
	if q.text == "" {
		return "", nil
	}
	if id, err := engine.ParseID[engine.DeliveryID](q.text); err == nil {
		if _, err := s.store.Delivery(ctx, id); err == nil {
			return views.DeliveryURL(id), nil
		} else if !errors.Is(err, engine.ErrNotFound) {
			return "", err
		}
	}
	e, err := s.store.EventNamed(ctx, q.text, 0)
	switch {
	case err == nil:
		return views.EventURL(e.ID), nil
	case !errors.Is(err, engine.ErrNotFound):
		return "", err
	}
	q.lab = q.text
	return "", nil
}

// jump leads to another page, also when htmx asked for a part of this one.
func (s *Server) jump(w http.ResponseWriter, r *http.Request, to string) {
	if isHTMX(r) {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
