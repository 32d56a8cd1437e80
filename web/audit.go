package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// auditQuery is what the address of the audit log says.
type auditQuery struct {
	who, action, object string
	since               string    // name of a period
	from, until         time.Time // from instead of since, once the reader turned a page
	before, after       int64
	notices             []string

	zone *time.Location // of times that were typed
}

func readAuditQuery(r *http.Request) auditQuery {
	q := auditQuery{zone: zoneOf(r, visitOf(r).user)}
	values := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := askedText(values.Get(name))
		if value == "" {
			continue
		}
		if wrong := q.read(name, value); wrong != "" {
			q.notices = append(q.notices, fmt.Sprintf("%s: %q %s. It was left out.",
				views.Printable([]byte(name)), views.Printable([]byte(value)), wrong))
		}
	}
	if q.since == customPeriod {
		q.since = ""
	} else if q.since != "" {
		q.from, q.until = time.Time{}, time.Time{} // the form posts both
	}
	return q
}

// read takes one parameter and says what is wrong with it.
func (q *auditQuery) read(name, value string) string {
	var err error
	switch name {
	case "who":
		q.who = value
	case "action":
		q.action = value
	case "object":
		q.object = value
	case "since":
		if _, ok := periodNamed(value); ok || value == customPeriod {
			q.since = value
			return ""
		}
		q.from, err = typedTime(value, q.zone)
	case "from":
		q.from, err = typedTime(value, q.zone)
	case "until":
		q.until, err = typedTime(value, q.zone)
	case "before":
		q.before, err = strconv.ParseInt(value, 10, 64)
	case "after":
		q.after, err = strconv.ParseInt(value, 10, 64)
	default:
		return "is nothing that this list knows"
	}
	switch {
	case err == nil:
		return ""
	case name == "since" || name == "from" || name == "until":
		return "is neither a period nor a time such as 2026-11-21T14:00:00Z"
	}
	return "is no place in the list"
}

func (q auditQuery) fixed(now time.Time) auditQuery {
	if p, ok := periodNamed(q.since); ok {
		q.since, q.from = "", now.Add(-p.length).UTC().Truncate(time.Second)
	}
	return q
}

func (q auditQuery) filter(now time.Time) db.AuditFilter {
	return db.AuditFilter{
		Who: q.who, Action: q.action, Object: q.object, Since: q.fixed(now).from, Until: q.until, Before: q.before, After: q.after,
	}
}

func (q auditQuery) pairs(more ...string) []string {
	since := q.since
	if !q.from.IsZero() {
		since = q.from.UTC().Format(time.RFC3339)
	}
	until := ""
	if !q.until.IsZero() {
		until = q.until.UTC().Format(time.RFC3339)
	}
	return append([]string{"who", q.who, "action", q.action, "object", q.object, "since", since, "until", until}, more...)
}

// words names what is chosen, with the way to the log without it.
func (q auditQuery) words(zone *time.Location) (chips []views.Link) {
	add := func(set bool, word string, drop func(*auditQuery)) {
		if set {
			next := q
			drop(&next)
			chips = append(chips, views.Link{Text: word, URL: views.AuditURL(next.pairs()...)})
		}
	}
	add(q.who != "", "By "+q.who, func(n *auditQuery) { n.who = "" })
	add(q.action != "", views.AuditWord(q.action), func(n *auditQuery) { n.action = "" })
	add(q.object != "", "About "+q.object, func(n *auditQuery) { n.object = "" })
	p, named := periodNamed(q.since)
	add(named, p.label, func(n *auditQuery) { n.since = "" })
	add(!q.from.IsZero(), "Since "+q.from.In(zone).Format("2006-01-02 15:04 MST"), func(n *auditQuery) { n.from = time.Time{} })
	add(!q.until.IsZero(), "Until "+q.until.In(zone).Format("2006-01-02 15:04 MST"), func(n *auditQuery) { n.until = time.Time{} })
	return chips
}

// handleAudit shows the audit log.
func (s *Server) handleAudit(w http.ResponseWriter, r *http.Request) {
	q := readAuditQuery(r)
	l := views.AuditList{
		Page:    s.page(r, "Audit log", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Audit log"}),
		Notices: q.notices, CSV: views.AuditCSVURL(q.pairs()...),
	}
	l.Chips = q.words(l.Page.Zone)
	l.Filter = auditFilterForm(q, l.Page.Zone)
	page, err := s.store.FindAudit(r.Context(), q.filter(l.Page.Now))
	if err == nil {
		l.Rows, err = s.auditRows(r.Context(), page.Rows)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if n := len(page.Rows); n == 0 {
		l.Empty = noAudit(q, len(l.Chips) > 0)
	} else {
		l.Count = views.Plural(n, "entry", "entries") + " shown"
		fixed := q.fixed(l.Page.Now)
		if page.Newer {
			l.Newer = views.AuditURL(fixed.pairs("after", strconv.FormatInt(page.Rows[0].ID, 10))...)
		}
		if page.Older {
			l.Older = views.AuditURL(fixed.pairs("before", strconv.FormatInt(page.Rows[n-1].ID, 10))...)
		}
	}
	if isHTMX(r) {
		w.Header().Set("HX-Push-Url", views.AuditURL(q.pairs()...))
	}
	s.render(w, r, http.StatusOK, views.AuditPage(l))
}

func noAudit(q auditQuery, filtered bool) views.EmptyList {
	switch {
	case q.before != 0 || q.after != 0:
		return views.EmptyList{Title: "No more entries", Text: "There are none beyond this point.", Action: views.Link{Text: "To the newest", URL: views.AuditURL(q.pairs()...)}}
	case filtered:
		return views.EmptyList{
			Title: "Nothing matches", Text: "No entry of the audit log fits all that is chosen. Names and objects are compared whole, to the letter.",
			Action: views.Link{Text: "Clear filters", URL: views.AuditURL()},
		}
	}
	return views.EmptyList{Title: "Nothing yet", Text: "What people and API keys change is written here."}
}

func auditFilterForm(q auditQuery, zone *time.Location) views.AuditFilterForm {
	actions := []views.Option{{Label: "Any"}}
	for _, a := range views.AuditActions {
		actions = append(actions, views.Option{Value: a.Code, Label: a.Label, Group: a.Group})
	}
	f := views.AuditFilterForm{
		Who:    views.Field{ID: "who", Label: "Who", Value: q.who, Type: "search", Autocomplete: "off"},
		Action: views.Field{ID: "action", Label: "What", Value: q.action, Options: actions},
		Object: views.Field{ID: "object", Label: "Object (ID or user name)", Value: q.object, Type: "search", Autocomplete: "off"},
		Since:  views.Field{ID: "since", Label: "Period", Value: q.since, Options: periodOptions()},
		From:   views.Field{ID: "from", Type: "datetime-local", Label: "From", Value: formTime(q.from, zone), Autocomplete: "off"},
		Until:  views.Field{ID: "until", Type: "datetime-local", Label: "Until", Value: formTime(q.until, zone), Autocomplete: "off"},
	}
	if !q.from.IsZero() || !q.until.IsZero() {
		f.Since.Value = customPeriod
	}
	return f
}

// auditRows names the objects of the entries.
func (s *Server) auditRows(ctx context.Context, entries []db.AuditEntry) ([]views.AuditRow, error) {
	users, err := s.store.Users(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]views.AuditRow, len(entries))
	for i, e := range entries {
		rows[i] = views.AuditRow{
			Entry:  views.AuditEntry{At: e.At, Who: e.Who.Name, IP: e.Who.IP, Action: e.Action, Object: e.Object, Detail: e.Detail},
			Object: s.auditObject(e, users),
		}
	}
	return rows, nil
}

// auditObject leads to what an entry is about, by its name where it still has one.
func (s *Server) auditObject(e db.AuditEntry, users []engine.User) views.Link {
	switch kind, _, _ := strings.Cut(e.Action, "."); kind {
	case "user":
		for _, u := range users {
			if strings.EqualFold(u.Login, e.Object) {
				return views.Link{Text: e.Object, URL: views.UserURL(u.ID)}
			}
		}
		return views.Link{Text: e.Object}
	case "event_type":
		if _, ok := s.store.Directory().Catalog().Find(e.Object); ok {
			return views.Link{Text: e.Object, URL: views.EventTypeURL(e.Object)}
		}
		return views.Link{Text: e.Object}
	case "egress":
		return views.Link{Text: "Egress addresses", URL: views.EgressURL()}
	case "settings":
		return views.Link{Text: "Settings", URL: views.SettingsURL()}
	case "gate":
		return views.Link{Text: e.Object, URL: views.FindURL(e.Object)}
	}
	return s.objectLink(e.Object)
}

// objectLink leads to the page of what has that id.
func (s *Server) objectLink(id string) views.Link {
	dir := s.store.Directory()
	switch prefix, _, _ := strings.Cut(id, "_"); prefix {
	case "con":
		if con, err := engine.ParseID[engine.ConsumerID](id); err == nil {
			return views.Link{Text: consumerName(dir, con), URL: views.ConsumerURL(con)}
		}
	case "wh":
		if wh, err := engine.ParseID[engine.WebhookID](id); err == nil {
			return views.Link{Text: webhookName(dir, wh), URL: views.WebhookURL(wh)}
		}
	case "dlv", "evt", "key":
		return views.Link{Text: id, URL: views.FindURL(id)}
	}
	return views.Link{Text: id}
}

// maxAuditCSV is how many entries a file has at most: the newest of those chosen.
const maxAuditCSV = 10_000

// handleAuditCSV downloads the entries that the address chooses.
func (s *Server) handleAuditCSV(w http.ResponseWriter, r *http.Request) {
	q := readAuditQuery(r)
	f := q.filter(time.Now())
	f.Limit = engine.MaxPageSize
	var text strings.Builder
	out := csv.NewWriter(&text)
	err := out.Write([]string{"time", "who", "ip", "action", "object", "change"})
	for n := 0; err == nil && n < maxAuditCSV; n += engine.MaxPageSize {
		page, failed := s.store.FindAudit(r.Context(), f)
		for _, e := range page.Rows {
			f.Before, f.After = e.ID, 0
			_ = out.Write([]string{ // a builder takes everything
				e.At.UTC().Format(time.RFC3339Nano), plainCell(e.Who.Name), e.Who.IP, e.Action, plainCell(e.Object), plainCell(e.Detail),
			})
		}
		if err = failed; !page.Older {
			break
		}
	}
	out.Flush()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="labhook-audit.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text.String())) // the browser went away: nothing to be done
}

// plainCell keeps a spreadsheet from taking a text for a formula.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
