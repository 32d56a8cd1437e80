package web

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

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
	{"Held", []engine.DeliveryState{engine.StateHeld}},
	{"Waiting", engine.WaitingStates},
}

// handleDeliveries shows the deliveries that the address chooses.
func (s *Server) handleDeliveries(w http.ResponseWriter, r *http.Request) {
	s.showList(w, r, readListQuery(r, s.store.Directory().Catalog()), views.DeliveriesURL, func(q listQuery) (templ.Component, error) {
		l, err := s.deliveryList(r, q, views.DeliveriesURL)
		return views.Deliveries(l), err
	})
}

// handleWebhookLogs shows those of one webhook.
func (s *Server) handleWebhookLogs(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhook(w, r)
	if !ok {
		return
	}
	q := readListQuery(r, s.store.Directory().Catalog(), "webhook", "consumer")
	q.preset = hook.ID
	url := func(query ...string) string { return views.WebhookLogsURL(hook.ID, query...) }
	s.showList(w, r, q, url, func(q listQuery) (templ.Component, error) {
		l, err := s.deliveryList(r, q, url)
		l.Page.Title = listTitle(hook.Name+" logs", l.Filter.Words())
		l.Page.Nav, l.Page.Crumbs = "admin", s.webhookCrumbs(&hook, views.Crumb{Label: string(views.TabLogs)})
		if err != nil {
			return nil, err
		}
		paused, err := s.isPaused(r.Context(), hook.ID)
		return views.WebhookLogs(l, hook, paused), err
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

// listPatience is how long a list may take. What is not found by then needs a narrower filter.
const listPatience = 2 * time.Second

// deliveryList gathers what a list shows. A poll for news gets nothing else. url is the list's own address.
func (s *Server) deliveryList(r *http.Request, q listQuery, url func(...string) string) (views.DeliveryList, error) {
	dir := s.store.Directory()
	l := views.DeliveryList{Page: s.page(r, "", "deliveries"), Notices: q.notices}
	filter := q.filter(l.Page.Now)
	if q.newer != "" {
		news, err := s.deliveryNews(r.Context(), q, filter, url)
		l.News = news
		return l, err
	}
	words, _ := q.words(dir, l.Page.Zone)
	l.Page.Title = listTitle("Deliveries", words)
	l.Filter = deliveryFilter(q, dir, l.Page, url)
	l.Quick = quickLinks(q, url)
	l.News = views.News{ShowURL: url(q.pairs()...)}
	paged := filter
	l.Notices = append(l.Notices, readCursor(&paged.Before, q.before)...)
	l.Notices = append(l.Notices, readCursor(&paged.After, q.after)...)
	ctx, stop := context.WithTimeout(r.Context(), listPatience)
	defer stop()
	page, err := s.store.ListDeliveries(ctx, paged)
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		l.Empty = tooSlow(q, url)
		return l, nil
	} else if err != nil {
		return l, err
	}
	l.Table = s.deliveryTable(q, l.Page, page.Rows)
	if len(page.Rows) == 0 {
		l.Empty = s.orGone(q, noDeliveries(q, words, url), l.Page.Zone, filter.Since, filter.Until)
	} else {
		n, more := len(page.Rows), false
		if page.Older || page.Newer {
			n, more, err = s.store.CountDeliveries(ctx, filter, countedTo)
		}
		if err != nil && ctx.Err() == nil {
			return l, err
		}
		l.Count = countWords(len(page.Rows), n, more, !page.Newer)
		if err != nil { // the rows are there, and their number is not worth waiting for
			l.Count = fmt.Sprintf("%d shown", len(page.Rows))
		}
		first, last := page.Rows[0].ID.String(), page.Rows[len(page.Rows)-1].ID.String()
		l.Newer, l.Older = neighbours(q.fixed(l.Page.Now), page.Newer, page.Older, first, last, url)
		l.Select, l.SelectAll = selectLinks(q, l.Page, url)
	}
	if !page.Newer && q.first() && !q.selecting {
		newest := engine.DeliveryID(1)
		if len(page.Rows) > 0 {
			newest = page.Rows[0].ID
		}
		l.News.PollURL = url(q.pairs("newer", newest.String())...)
	}
	return l, nil
}

// deliveryTable is the table of a list.
func (s *Server) deliveryTable(q listQuery, p views.Page, rows []engine.DeliveryRow) views.DeliveryTable {
	return views.DeliveryTable{
		Page: p, ID: "deliveries", Caption: "Deliveries, newest first", Rows: rows, HideWebhook: q.webhook != 0 || q.preset != 0,
		List: q.fixed(p.Now).list(), Selecting: q.selecting && p.Can(engine.RoleDeveloper), Selected: q.selected,
	}
}

func quickLinks(q listQuery, url func(...string) string) (links []views.Link) {
	for _, saved := range savedFilters {
		next := q
		next.states = saved.states
		links = append(links, views.Link{Text: saved.label, URL: url(next.pairs()...), Current: slices.Equal(saved.states, q.states)})
	}
	return links
}

// selectLinks begin the selection of rows for those who may do something with them, or end it; and select all rows of
// the page, or none.
func selectLinks(q listQuery, p views.Page, url func(...string) string) (link, all views.Link) {
	if !p.Can(engine.RoleDeveloper) {
		return link, all
	}
	to := func(text string, selecting, selected bool) views.Link {
		next := q
		next.selecting, next.selected = selecting, selected
		return views.Link{Text: text, URL: url(next.pairs("before", q.before, "after", q.after)...)}
	}
	switch {
	case q.selected:
		return to("End selection", false, false), to("Select none", true, false)
	case q.selecting:
		return to("End selection", false, false), to("Select all on this page", true, true)
	}
	return to("Select…", true, false), all
}

// slowPeriods are those that a list offers that took too long.
var slowPeriods = periods[:3]

// tooSlow stands in the place of rows that were not found in time.
func tooSlow(q listQuery, url func(...string) string) views.EmptyList {
	e := views.EmptyList{
		Title: "This takes too long",
		Text:  fmt.Sprintf("The search was stopped after %s: what the filter asks for is rare among very many deliveries. Narrow the period, or choose a webhook.", views.Duration(listPatience)),
	}
	start := q.start(time.Now())
	for _, p := range slowPeriods {
		if next := q; start.IsZero() || time.Since(start) > p.length+time.Minute {
			next.since, next.from, next.to = p.name, time.Time{}, time.Time{}
			e.Actions = append(e.Actions, views.Link{Text: p.label, URL: url(next.pairs()...)})
		}
	}
	e.Actions = append(e.Actions, views.Link{Text: "Clear filters", URL: url()})
	return e
}

// deliveryNews counts what came after the row that the poll names.
func (s *Server) deliveryNews(ctx context.Context, q listQuery, filter engine.DeliveryFilter, url func(...string) string) (views.News, error) {
	return newsAfter(q, url, &filter.After, func() (int, bool, error) {
		filter.Limit = newsTo
		page, err := s.store.ListDeliveries(ctx, filter)
		return len(page.Rows), page.Newer, err
	})
}

// newsAfter reads the row that the poll names into after, and says what count has after that.
func newsAfter(q listQuery, url func(...string) string, after encoding.TextUnmarshaler, count func() (n int, more bool, err error)) (n views.News, err error) {
	n = views.News{ShowURL: url(q.pairs()...), PollURL: url(q.pairs("newer", q.newer)...)}
	if len(readCursor(after, q.newer)) == 0 {
		n.New, n.More, err = count()
	}
	return n, err
}

func deliveryFilter(q listQuery, dir *engine.Directory, p views.Page, url func(...string) string) views.ListFilter {
	f := listFilter(q, dir, p.Zone, url)
	f.Label, f.HasStates = "Filter deliveries", true
	f.Responses = views.Field{ID: "code", Label: "Response", Value: q.result.String(), Options: resultOptions(), Autocomplete: "off"}
	f.Tests = views.Field{ID: "test", Label: "Tests", Value: testValue(q.test), Options: testOptions()}
	f.Text.Label = "Delivery, event or lab ID"
	f.Selecting = q.selecting
	if q.preset != 0 {
		f.Consumers = views.Field{}
	} else {
		f.Webhooks = views.Field{ID: "webhook", Label: "Webhook", Value: q.webhook.String(), Options: webhookOptions(dir, q)}
	}
	return f
}

// noDeliveries says why there are none, and at first use how there come to be some.
func noDeliveries(q listQuery, words []string, url func(...string) string) views.EmptyList {
	if !q.filtered() && q.first() && q.preset != 0 {
		return views.EmptyList{
			Title: "Nothing sent yet", Text: "Deliveries appear here as soon as an event arrives that the webhook listens to. Testing sends it an example.",
			Action: views.Link{Text: "To the webhook", URL: views.WebhookURL(q.preset)},
		}
	}
	if !q.filtered() && q.first() {
		return views.EmptyList{
			Title:  "Nothing sent yet",
			Text:   "Deliveries appear here as soon as an event arrives that a webhook listens to.",
			Action: views.Link{Text: "To the API consumers and their webhooks", URL: views.ConsumersURL()},
		}
	}
	return emptyList(q, "deliveries", words, url)
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
