package web

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"labhook/engine"
	"labhook/views"
)

// period is a choice of how far back a list goes.
type period struct {
	name, label string
	length      time.Duration
}

var periods = []period{
	{"1h", "Last hour", time.Hour},
	{"24h", "Last 24 hours", 24 * time.Hour},
	{"7d", "Last 7 days", 7 * 24 * time.Hour},
	{"30d", "Last 30 days", 30 * 24 * time.Hour},
}

// listQuery is what the address of a list of deliveries or events says. Everything that changes what the list shows
// stands in it, so that a link shows others the same.
type listQuery struct {
	states   []engine.DeliveryState
	webhook  engine.WebhookID
	consumer engine.ConsumerID
	event    string // code of an event type
	eventID  engine.EventID
	lab      string
	result   engine.Result
	test     *bool  // only tests of a webhook, or only others
	since    string // name of a period
	// from and to are the period instead of since: one that was typed, and any once the reader turned a page, so that
	// others then see the same rows.
	from, to time.Time

	// preset is the webhook that the whole list is about. The address does not name it as a filter.
	preset engine.WebhookID

	// The place in the list. At most one is set.
	before, after string
	newer         string // asks only for what came after that row

	selecting bool // rows are being selected
	selected  bool // and all of the page are

	text    string   // what stands in the text box and is to be looked for
	notices []string // what the address asks for and cannot be done

	catalog *engine.Catalog // in which event is looked up
	zone    *time.Location  // of times that were typed
}

// listParameters are the names that a list's address may hold, with what reads a value. The answer says what is wrong
// with it.
var listParameters = map[string]func(q *listQuery, value string) string{
	"status":   (*listQuery).readState,
	"event":    (*listQuery).readEvent,
	"code":     (*listQuery).readResult,
	"test":     (*listQuery).readTest,
	"since":    (*listQuery).readSince,
	"from":     func(q *listQuery, value string) string { return q.readTime(&q.from, value) },
	"to":       func(q *listQuery, value string) string { return q.readTime(&q.to, value) },
	"webhook":  func(q *listQuery, value string) string { return readID(&q.webhook, value) },
	"consumer": func(q *listQuery, value string) string { return readID(&q.consumer, value) },
	"event_id": func(q *listQuery, value string) string { return readID(&q.eventID, value) },
	"lab":      func(q *listQuery, value string) string { q.lab = value; return "" },
	"q":        func(q *listQuery, value string) string { q.text = value; return "" },
	"before":   func(q *listQuery, value string) string { q.before = value; return "" },
	"after":    func(q *listQuery, value string) string { q.after = value; return "" },
	"select":   func(q *listQuery, value string) string { q.selecting, q.selected = true, value == selectAll; return "" },
	"newer":    func(q *listQuery, value string) string { q.newer = value; return "" },
}

func (q *listQuery) readState(value string) string {
	state := engine.DeliveryState(value)
	if !slices.Contains(engine.DeliveryStates, state) {
		return "is no status"
	}
	if !slices.Contains(q.states, state) {
		q.states = append(q.states, state)
	}
	return ""
}

func (q *listQuery) readEvent(value string) string {
	t, ok := q.catalog.Find(value)
	if !ok {
		return "is no event type"
	}
	q.event = t.Code
	return ""
}

func (q *listQuery) readResult(value string) string {
	result, err := engine.ParseResult(strings.ToLower(value)) // the screens write DNS and TLS
	if err != nil {
		return "is no HTTP status such as 503 or 5xx, and no failure such as timeout"
	}
	q.result = result
	return ""
}

func (q *listQuery) readTest(value string) string {
	test, err := strconv.ParseBool(value)
	if err != nil {
		return "is neither true nor false"
	}
	q.test = &test
	return ""
}

// selectAll is the value of "select" in the address of a page whose rows are all selected.
const selectAll = "all"

// customPeriod stands for the times in from and to.
const customPeriod = "custom"

func (q *listQuery) readSince(value string) string {
	if _, ok := periodNamed(value); !ok && value != customPeriod {
		return "is no period"
	}
	q.since = value
	return ""
}

// settlePeriod leaves either a period or times: the form posts both, and links with times need no word for them.
func (q *listQuery) settlePeriod() {
	if _, ok := periodNamed(q.since); ok {
		q.from, q.to = time.Time{}, time.Time{}
	} else if !q.from.IsZero() || !q.to.IsZero() {
		q.since = ""
	}
	if !q.from.IsZero() && !q.to.IsZero() && !q.from.Before(q.to) {
		q.notices = append(q.notices, "The period ends before it begins: From must be earlier than To.")
	}
}

// readTime reads a time as a link has it, or as a form does.
func (q *listQuery) readTime(into *time.Time, value string) string {
	t, err := typedTime(value, q.zone)
	if err != nil {
		return "is no time such as 2027-06-30T18:00"
	}
	*into = t
	return ""
}

// typedTime reads a time as a link has it, or as a form does in the reader's zone.
func typedTime(value string, zone *time.Location) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		t, err = time.ParseInLocation(timeLayout, value, zone)
	}
	return t.UTC(), err
}

func periodNamed(name string) (period, bool) {
	i := slices.IndexFunc(periods, func(p period) bool { return p.name == name })
	if i < 0 {
		return period{}, false
	}
	return periods[i], true
}

func readID(id encoding.TextUnmarshaler, value string) string {
	if id.UnmarshalText([]byte(value)) != nil {
		return "is no id of that kind"
	}
	return ""
}

// readCursor reads the id of the row that a page of a list begins or ends at, and answers with a notice.
func readCursor(id encoding.TextUnmarshaler, value string) []string {
	if wrong := readID(id, value); wrong != "" {
		return []string{fmt.Sprintf("%q %s. The list begins with the newest.", views.Printable([]byte(value)), wrong)}
	}
	return nil
}

// askedText is what an address asks a list or Find for, without spaces around it. A control character, or what is not
// UTF-8, becomes a character that can be shown: nothing is called so, and so nothing matches.
func askedText(value string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return unicode.ReplacementChar
		}
		return c
	}, strings.TrimSpace(value))
}

// readListQuery reads the address of a list. What the list does not know or has no use for is left out with a notice,
// so that no link ends in an error.
func readListQuery(r *http.Request, catalog *engine.Catalog, unused ...string) listQuery {
	q := listQuery{catalog: catalog, zone: zoneOf(r, visitOf(r).user)}
	return q.read(r.URL.Query(), unused)
}

// read reads the parameters of an address into the query.
func (q listQuery) read(values url.Values, unused []string) listQuery {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := listParameters[name]
		if !ok || slices.Contains(unused, name) {
			q.notices = append(q.notices, fmt.Sprintf("This list does not know %q. It was left out.", views.Printable([]byte(name))))
			continue
		}
		for _, value := range values[name] {
			if value = askedText(value); value == "" {
				continue
			}
			if wrong := read(&q, value); wrong != "" {
				q.notices = append(q.notices, fmt.Sprintf("%q %s. It was left out.", views.Printable([]byte(value)), wrong))
			}
		}
	}
	q.settlePeriod()
	slices.SortFunc(q.states, func(a, b engine.DeliveryState) int {
		return slices.Index(engine.DeliveryStates, a) - slices.Index(engine.DeliveryStates, b)
	})
	return q
}

// pairs writes the query as views' URLs take it, and further pairs after it. The place in the list is not in it.
func (q listQuery) pairs(more ...string) []string {
	var pairs []string
	for _, s := range q.states {
		pairs = append(pairs, "status", string(s))
	}
	pairs = append(pairs, "code", q.result.String(), "webhook", q.webhook.String(), "consumer", q.consumer.String(), "event", q.event,
		"event_id", q.eventID.String(), "lab", q.lab, "test", testValue(q.test), "since", q.since, "from", linkTime(q.from), "to", linkTime(q.to))
	switch {
	case q.selected:
		pairs = append(pairs, "select", selectAll)
	case q.selecting:
		pairs = append(pairs, "select", "true")
	}
	return append(pairs, more...)
}

// list writes the query for a page that is reached from the list and leads back to it, or to its rows.
func (q listQuery) list() string {
	q.selecting, q.selected = false, false
	pairs := append([]string{"logs", q.preset.String()}, q.pairs()...)
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Add(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return "all"
	}
	return values.Encode()
}

// givenList reads what list wrote, with the address of the list; false when the request has none.
func (s *Server) givenList(r *http.Request) (q listQuery, listURL func(...string) string, ok bool) {
	given := r.FormValue("list")
	values, err := url.ParseQuery(given)
	if given == "" || err != nil {
		return q, nil, false
	}
	values.Del("all")
	var preset engine.WebhookID
	listURL = views.DeliveriesURL
	if wrong := readID(&preset, values.Get("logs")); values.Has("logs") && wrong == "" {
		listURL = func(query ...string) string { return views.WebhookLogsURL(preset, query...) }
	}
	values.Del("logs")
	q = listQuery{catalog: s.store.Directory().Catalog(), zone: zoneOf(r, visitOf(r).user)}.read(values, []string{"q", "newer", "select", "before", "after"})
	q.preset = preset
	return q, listURL, true
}

// linkTime writes a time as links have it, "" for none.
func linkTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// filter is the query as the store takes it, the place in the list left out.
func (q listQuery) filter(now time.Time) engine.DeliveryFilter {
	return engine.DeliveryFilter{
		States: q.states, WebhookID: cmp.Or(q.preset, q.webhook), ConsumerID: q.consumer, EventID: q.eventID, EventType: q.event,
		Subject: q.lab, Test: q.test, Result: q.result, Since: q.start(now), Until: q.to,
	}
}

// fixed returns the query with its period as a time.
func (q listQuery) fixed(now time.Time) listQuery {
	if p, ok := periodNamed(q.since); ok {
		q.since, q.from = "", now.Add(-p.length).UTC().Truncate(time.Second)
	}
	return q
}

// start returns the time from which on the list goes, zero for the beginning.
func (q listQuery) start(now time.Time) time.Time { return q.fixed(now).from }

// first reports whether the list begins with its newest row.
func (q listQuery) first() bool { return q.before == "" && q.after == "" }

// filtered reports whether any filter is set.
func (q listQuery) filtered() bool {
	_, period := periodNamed(q.since)
	return len(q.states) > 0 || q.webhook != 0 || q.consumer != 0 || q.event != "" || q.eventID != 0 || q.lab != "" ||
		period || !q.from.IsZero() || !q.to.IsZero() || q.result != (engine.Result{}) || q.test != nil
}

// words names what is chosen, and for each the query without it.
func (q listQuery) words(dir *engine.Directory, zone *time.Location) (words []string, without []listQuery) {
	add := func(word string, drop func(*listQuery)) {
		next := q
		drop(&next)
		words, without = append(words, word), append(without, next)
	}
	for _, s := range q.states {
		add(views.BadgeWord(s), func(n *listQuery) {
			n.states = slices.DeleteFunc(slices.Clone(q.states), func(other engine.DeliveryState) bool { return other == s })
		})
	}
	if q.result != (engine.Result{}) {
		add("response "+q.result.String(), func(n *listQuery) { n.result = engine.Result{} })
	}
	if q.event != "" {
		add(q.catalog.Label(q.event), func(n *listQuery) { n.event = "" })
	}
	if q.eventID != 0 {
		add("event "+q.eventID.String(), func(n *listQuery) { n.eventID = 0 })
	}
	if q.webhook != 0 {
		add("webhook "+webhookName(dir, q.webhook), func(n *listQuery) { n.webhook = 0 })
	}
	if q.consumer != 0 {
		add("consumer "+consumerName(dir, q.consumer), func(n *listQuery) { n.consumer = 0 })
	}
	if q.lab != "" {
		add("lab instance "+q.lab, func(n *listQuery) { n.lab = "" })
	}
	if p, ok := periodNamed(q.since); ok {
		add(strings.ToLower(p.label), func(n *listQuery) { n.since = "" })
	}
	if !q.from.IsZero() {
		add("since "+q.from.In(zone).Format("2006-01-02 15:04 MST"), func(n *listQuery) { n.from = time.Time{} })
	}
	if !q.to.IsZero() {
		add("before "+q.to.In(zone).Format("2006-01-02 15:04 MST"), func(n *listQuery) { n.to = time.Time{} })
	}
	if q.test != nil && *q.test {
		add("only tests", func(n *listQuery) { n.test = nil })
	} else if q.test != nil {
		add("without tests", func(n *listQuery) { n.test = nil })
	}
	return words, without
}

// webhookName names a webhook; one that was deleted goes by its id.
func webhookName(dir *engine.Directory, id engine.WebhookID) string {
	if w := dir.Webhook(id); w != nil {
		return w.Name
	}
	return id.String()
}

// consumerName names a consumer, and says so when it was deleted.
func consumerName(dir *engine.Directory, id engine.ConsumerID) string {
	if c := dir.Consumer(id); c != nil {
		return c.Name
	}
	if c := dir.Deleted(id); c != nil {
		return c.Name + " (deleted)"
	}
	return id.String()
}
