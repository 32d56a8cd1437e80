package views

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// ConsumerFilter is what Find API Consumers was asked for.
type ConsumerFilter struct {
	Text  string
	State engine.ConsumerState // empty: any
	Sort  string               // one of the names in consumerOrders, with "-" before it for the other direction
}

// URL is the list with this filter.
func (f ConsumerFilter) URL(page int) string {
	number := ""
	if page > 1 {
		number = strconv.Itoa(page)
	}
	return ConsumersURL("q", f.Text, "state", string(f.State), "sort", f.Sort, "page", number)
}

// Title names what the list shows, for the title of the page.
func (f ConsumerFilter) Title() string {
	title := "Find API Consumers"
	if f.State != "" {
		title += ", " + ConsumerStateWord(f.State)
	}
	if f.Text != "" {
		title += ", “" + f.Text + "”"
	}
	return title
}

// ConsumerRow is one row of the list.
type ConsumerRow struct {
	engine.APIConsumer
	Enabled, Webhooks int
	Failed            int64           // in the last 24 hours
	Hours             []engine.Counts // those, hour by hour
	LastEventAt       time.Time
}

// ConsumerList is Find API Consumers.
type ConsumerList struct {
	Page   Page
	Filter ConsumerFilter
	None   bool // there is no consumer at all
	Found  int
	// Notices say what the address asks for and cannot be done.
	Notices []string
	Rows    []ConsumerRow // those of the page, once arranged

	Number, Pages int // the page, from 1, and how many there are
}

// consumerOrders are the columns that the list can be sorted by.
var consumerOrders = map[string]func(a, b ConsumerRow) int{
	"name": func(a, b ConsumerRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
	"organization": func(a, b ConsumerRow) int {
		return strings.Compare(strings.ToLower(a.DefaultOrganization), strings.ToLower(b.DefaultOrganization))
	},
	"platform": func(a, b ConsumerRow) int {
		return strings.Compare(strings.ToLower(a.ConsumingPlatform), strings.ToLower(b.ConsumingPlatform))
	},
	"webhooks": func(a, b ConsumerRow) int { return cmp.Compare(b.Webhooks, a.Webhooks) },
	"event":    func(a, b ConsumerRow) int { return b.LastEventAt.Compare(a.LastEventAt) },
	"failed":   func(a, b ConsumerRow) int { return cmp.Compare(b.Failed, a.Failed) },
}

// Arrange sorts the rows and keeps those of the page with that number, or of the nearest one that exists.
func (l *ConsumerList) Arrange(number int) {
	name, backwards := strings.CutPrefix(l.Filter.Sort, "-")
	order := consumerOrders[name]
	if order == nil {
		if name != "" {
			l.Notices = append(l.Notices, "The list cannot be sorted by what the address says. It is sorted by name.")
		}
		l.Filter.Sort, order, backwards = "", consumerOrders["name"], false
	}
	slices.SortStableFunc(l.Rows, func(a, b ConsumerRow) int {
		if backwards {
			a, b = b, a
		}
		return order(a, b)
	})
	l.Pages = max(1, (len(l.Rows)+engine.PageSize-1)/engine.PageSize)
	l.Number = min(max(1, number), l.Pages)
	first := (l.Number - 1) * engine.PageSize
	l.Rows = l.Rows[first:min(first+engine.PageSize, len(l.Rows))]
}

// sortable is a heading that sorts: a click on the current one turns the order.
func (l ConsumerList) sortable(label, name string, num bool) Column {
	next, f := name, l.Filter
	sort := f.Sort
	if sort == "" {
		sort = "name"
	}
	c := Column{Label: label, Num: num}
	switch sort {
	case name:
		next, c.Sorted = "-"+name, "ascending"
	case "-" + name:
		c.Sorted = "descending"
	}
	f.Sort = next
	c.SortURL = f.URL(1)
	return c
}

func (l ConsumerList) columns() []Column {
	return []Column{
		l.sortable("Name", "name", false),
		l.sortable("Default Organization", "organization", false),
		l.sortable("Consuming Platform", "platform", false),
		{Label: "State"},
		l.sortable("Webhooks", "webhooks", true),
		l.sortable("Last event", "event", false),
		{Label: "Last 24 h"},
		l.sortable("Failed 24 h", "failed", true),
		{Label: "Details", Hidden: true},
	}
}
