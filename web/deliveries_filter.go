package web

import (
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// selectable is how many entries a select of webhooks or consumers may have. Beyond it a list is narrowed from the
// pages of the webhook or consumer, which link to it.
const selectable = 200

// listFilter is the form above a list. url writes the list's address.
func listFilter(q listQuery, dir *engine.Directory, zone *time.Location, url func(...string) string) views.ListFilter {
	f := views.ListFilter{
		Action: url(), Clear: url(), States: q.states,
		Events:    views.Field{ID: "event", Label: "Event", Value: q.event, Options: eventOptions(dir.Catalog())},
		Consumers: views.Field{ID: "consumer", Label: "API consumer", Value: q.consumer.String(), Options: consumerOptions(dir, q.consumer)},
		Periods:   views.Field{ID: "since", Label: "Period", Value: q.since, Options: periodOptions()},
		From:      views.Field{ID: "from", Type: "datetime-local", Label: "From", Value: formTime(q.from, zone), Autocomplete: "off"},
		To:        views.Field{ID: "to", Type: "datetime-local", Label: "To", Value: formTime(q.to, zone), Autocomplete: "off"},
		Text:      views.Field{ID: "q", Type: "search", Value: q.lab, Autocomplete: "off"},
	}
	if !q.from.IsZero() || !q.to.IsZero() {
		f.Periods.Value = customPeriod
	}
	words, without := q.words(dir, zone)
	for i, word := range words {
		f.Chips = append(f.Chips, views.Link{Text: upperFirst(word), URL: url(without[i].pairs()...)})
	}
	return f
}

func eventOptions(catalog *engine.Catalog) []views.Option {
	options := []views.Option{{Label: "Any"}}
	for _, t := range catalog.All() {
		options = append(options, views.Option{Value: t.Code, Label: t.Label, Group: t.Group})
	}
	return options
}

func periodOptions() []views.Option {
	options := []views.Option{{Label: "Any time"}}
	for _, p := range periods {
		options = append(options, views.Option{Value: p.name, Label: p.label})
	}
	return append(options, views.Option{Value: customPeriod, Label: "From … to …"})
}

// resultOptions are suggestions: any other status can be typed.
func resultOptions() []views.Option {
	options := []views.Option{{Value: "2xx"}, {Value: "3xx"}, {Value: "4xx"}, {Value: "5xx"}}
	for _, class := range engine.FailureClasses {
		if class != engine.ClassStatus {
			options = append(options, views.Option{Value: string(class)})
		}
	}
	return options
}

// testOptions choose between the tests of webhooks and what was sent because it happened.
func testOptions() []views.Option {
	return []views.Option{{Label: "With tests"}, {Value: "false", Label: "Without tests"}, {Value: "true", Label: "Only tests"}}
}

func testValue(test *bool) string {
	if test == nil {
		return ""
	}
	return strconv.FormatBool(*test)
}

// consumerOptions lists the consumers, or only the chosen one where they are too many to choose from.
func consumerOptions(dir *engine.Directory, chosen engine.ConsumerID) []views.Option {
	options := []views.Option{{Label: "Any"}}
	consumers := dir.Consumers()
	for _, c := range consumers {
		if len(consumers) <= selectable || c.ID == chosen {
			options = append(options, views.Option{Value: c.ID.String(), Label: c.Name})
		}
	}
	if chosen != 0 && dir.Consumer(chosen) == nil {
		options = append(options, views.Option{Value: chosen.String(), Label: consumerName(dir, chosen)})
	}
	return options
}

// webhookOptions lists the webhooks of the chosen consumer, or of all, or only the chosen one where they are too many.
func webhookOptions(dir *engine.Directory, q listQuery) []views.Option {
	options := []views.Option{{Label: "Any"}}
	found := false
	for _, c := range dir.Consumers() {
		if q.consumer != 0 && c.ID != q.consumer {
			continue
		}
		for _, w := range dir.Webhooks(c.ID) {
			options = append(options, views.Option{Value: w.ID.String(), Label: w.Name, Group: c.Name})
			found = found || w.ID == q.webhook
		}
	}
	if len(options) > selectable {
		options, found = options[:1], false
	}
	if q.webhook != 0 && !found {
		options = append(options, views.Option{Value: q.webhook.String(), Label: webhookName(dir, q.webhook)})
	}
	return options
}

// listTitle is the title of a list's page: what is chosen, in a line.
func listTitle(kind string, words []string) string {
	if len(words) == 0 {
		return kind
	}
	return kind + ": " + strings.Join(words, ", ")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// emptyList says why a list has no rows.
func emptyList(q listQuery, kind string, words []string, url func(...string) string) views.EmptyList {
	switch {
	case !q.first():
		return views.EmptyList{
			Title: "No more " + kind, Text: "There are none beyond this point, or they are gone meanwhile.",
			Action: views.Link{Text: "To the newest", URL: url(q.pairs()...)},
		}
	case q.waitingOnly():
		return views.EmptyList{Title: "Nothing is waiting", Text: "No delivery is " + strings.ToLower(strings.Join(words, " or ")) + " now."}
	case q.filtered():
		return views.EmptyList{
			Title: "Nothing matches", Text: "No " + kind + " with: " + strings.Join(words, ", ") + ".",
			Action: views.Link{Text: "Clear filters", URL: url()},
		}
	}
	return views.EmptyList{}
}

// orGone says of an empty list that retention has been there, where the period that it is about begins before what is
// left: a search for a lab instance is about all times.
func (s *Server) orGone(q listQuery, e views.EmptyList, zone *time.Location, since, until time.Time) views.EmptyList {
	before, at := s.store.Retention().Before()
	if before.IsZero() || q.waitingOnly() || !since.Before(before) {
		return e
	}
	day := at.In(zone).Format(time.DateOnly)
	if !until.IsZero() && !until.After(before) {
		return views.EmptyList{
			Title: "Gone by retention", Text: "What ended in that time was deleted on " + day + ", as the settings say.",
			Action: views.Link{Text: "Retention settings", URL: views.SettingsOfURL(views.RetentionGroup)},
		}
	}
	if e.Text != "" {
		e.Text += goneNote(before, at, zone)
	}
	return e
}

// goneNote says for a list without rows what retention deleted.
func goneNote(before, at time.Time, zone *time.Location) string {
	return " What was accepted before " + before.In(zone).Format(time.DateOnly) + " and has ended was deleted by retention, the last of it on " +
		at.In(zone).Format(time.DateOnly) + "."
}

// waitingOnly reports whether nothing but states that are not final is chosen: no rows are then good news.
func (q listQuery) waitingOnly() bool {
	for _, s := range q.states {
		if s.Final() {
			return false
		}
	}
	rest := q
	rest.states = nil
	return len(q.states) > 0 && !rest.filtered()
}
