package web

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"labhook/engine"
	"labhook/views"
)

// handleEvents shows the events that the address chooses.
func (s *Server) handleEvents(w http.ResponseWriter, r *http.Request) {
	q := readListQuery(r, s.store.Directory().Catalog(), "status", "code", "test", "select", "webhook", "event_id")
	s.showList(w, r, q, views.EventsURL, func(q listQuery) (templ.Component, error) {
		l, err := s.eventList(r, q)
		return views.Events(l), err
	})
}

// eventList gathers what the screen shows. A poll for news gets nothing else.
func (s *Server) eventList(r *http.Request, q listQuery) (views.EventList, error) {
	dir := s.store.Directory()
	l := views.EventList{Page: s.page(r, "", "events"), Notices: q.notices, Consumers: map[engine.ConsumerID]string{}}
	filter := engine.EventFilter{Type: q.event, ConsumerID: q.consumer, Subject: q.lab, Since: q.start(l.Page.Now), Until: q.to}
	if q.newer != "" {
		news, err := s.eventNews(r.Context(), q, filter)
		l.News = news
		return l, err
	}
	words, _ := q.words(dir, l.Page.Zone)
	l.Page.Title = listTitle("Events", words)
	l.Filter = listFilter(q, dir, l.Page.Zone, views.EventsURL)
	l.Filter.Label, l.Filter.Text.Label = "Filter events", "Event, delivery or lab ID"
	l.Notices = append(l.Notices, readCursor(&filter.Before, q.before)...)
	l.Notices = append(l.Notices, readCursor(&filter.After, q.after)...)
	page, err := s.store.ListEvents(r.Context(), filter)
	if err != nil {
		return l, err
	}
	l.Rows = page.Rows
	for _, row := range page.Rows {
		l.Consumers[row.ConsumerID] = consumerName(dir, row.ConsumerID)
	}
	newest := engine.EventID(1)
	if len(page.Rows) == 0 {
		l.Empty = s.orGone(q, noEvents(q, words), l.Page.Zone, filter.Since, filter.Until)
	} else {
		newest = page.Rows[0].ID
		l.Count = views.Plural(len(page.Rows), "event", "events") + " shown"
		l.Newer, l.Older = neighbours(q.fixed(l.Page.Now), page.Newer, page.Older,
			newest.String(), page.Rows[len(page.Rows)-1].ID.String(), views.EventsURL)
	}
	l.News = views.News{ShowURL: views.EventsURL(q.pairs()...)}
	if q.first() {
		l.News.PollURL = views.EventsURL(q.pairs("newer", newest.String())...)
	}
	return l, nil
}

// eventNews counts what came after the row that the poll names.
func (s *Server) eventNews(ctx context.Context, q listQuery, filter engine.EventFilter) (views.News, error) {
	return newsAfter(q, views.EventsURL, &filter.After, func() (int, bool, error) {
		filter.Limit = newsTo
		page, err := s.store.ListEvents(ctx, filter)
		return len(page.Rows), page.Newer, err
	})
}

// noEvents says why there are none, and at first use how there come to be some.
func noEvents(q listQuery, words []string) views.EmptyList {
	if !q.filtered() && q.first() {
		return views.EmptyList{
			Title:  "No events yet",
			Text:   "Events appear here as soon as a lab platform posts one to /api/v1/events with an API key. Every event is kept, also when no webhook listens to it.",
			Action: views.Link{Text: "To the API consumers and their keys", URL: views.ConsumersURL()},
		}
	}
	return emptyList(q, "events", words, views.EventsURL)
}
