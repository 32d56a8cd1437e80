package web

import (
	"encoding"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

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
	since    string    // name of a period
	from     time.Time // instead of since, once the reader turned a page: others then see the same rows

	// The place in the list. At most one is set.
	before, after string
	newer         string // asks only for what came after that row

	text    string   // what stands in the text box and is to be looked for
	notices []string // what the address asks for and cannot be done

	catalog *engine.Catalog // in which event is looked up
}

// listParameters are the names that a list's address may hold, with what reads a value. The answer says what is wrong
// with it.
var listParameters = map[string]func(q *listQuery, value string) string{
	"status":   (*listQuery).readState,
	"event":    (*listQuery).readEvent,
	"since":    (*listQuery).readSince,
	"webhook":  func(q *listQuery, value string) string { return readID(&q.webhook, value) },
	"consumer": func(q *listQuery, value string) string { return readID(&q.consumer, value) },
	"event_id": func(q *listQuery, value string) string { return readID(&q.eventID, value) },
	"lab":      func(q *listQuery, value string) string { q.lab = value; return "" },
	"q":        func(q *listQuery, value string) string { q.text = value; return "" },
	"before":   func(q *listQuery, value string) string { q.before = value; return "" },
	"after":    func(q *listQuery, value string) string { q.after = value; return "" },
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

func (q *listQuery) readSince(value string) string {
	if _, ok := periodNamed(value); ok {
		q.since, q.from = value, time.Time{}
		return ""
	}
	from, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return "is neither a period nor a time"
	}
	q.since, q.from = "", from.UTC()
	return ""
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

// readListQuery reads the address of a list. What the list does not know or has no use for is left out with a notice,
// so that no link ends in an error.
func readListQuery(r *http.Request, catalog *engine.Catalog, unused ...string) listQuery {
	q := listQuery{catalog: catalog}
	values := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := listParameters[name]
		if !ok || slices.Contains(unused, name) {
			q.notices = append(q.notices, fmt.Sprintf("This list does not know %q. It was left out.", views.Printable([]byte(name))))
			continue
		}
		for _, value := range values[name] {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			if wrong := read(&q, value); wrong != "" {
				q.notices = append(q.notices, fmt.Sprintf("%q %s. It was left out.", views.Printable([]byte(value)), wrong))
			}
		}
	}
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
	since := q.since
	if !q.from.IsZero() {
		since = q.from.Format(time.RFC3339)
	}
	pairs = append(pairs, "webhook", q.webhook.String(), "consumer", q.consumer.String(), "event", q.event,
		"event_id", q.eventID.String(), "lab", q.lab, "since", since)
	return append(pairs, more...)
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
	return len(q.states) > 0 || q.webhook != 0 || q.consumer != 0 || q.event != "" || q.eventID != 0 || q.lab != "" ||
		q.since != "" || !q.from.IsZero()
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
	return words, without
}

// webhookName names a webhook; one that was deleted goes by its id.
func webhookName(dir *engine.Directory, id engine.WebhookID) string {
	if w := dir.Webhook(id); w != nil {
		return w.Name
	}
	return id.String()
}

func consumerName(dir *engine.Directory, id engine.ConsumerID) string {
	if c := dir.Consumer(id); c != nil {
		return c.Name
	}
	return id.String()
}
