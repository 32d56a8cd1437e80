package views

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"labhook/engine"
)

// Link is a link with its text. Current marks the one that leads to the page it stands on.
type Link struct {
	Text, URL string
	Current   bool
}

// ListFilter is the filter form above a list and what is chosen in it.
type ListFilter struct {
	Action    string // the list's path
	Label     string // of the form, for screen readers
	States    []engine.DeliveryState
	HasStates bool // the list can be filtered by state
	Events    Field
	// Those without ID are filters that the list does not have.
	Responses, Consumers, Webhooks, Tests Field
	Periods, From, To                     Field // From and To count while Periods has its last value
	Text                                  Field
	Selecting                             bool // rows are being selected, and go on to be
	// Chips are the active filters; each links to the list without it.
	Chips []Link
	Clear string // the list without any filter
}

// Words are what is chosen.
func (f ListFilter) Words() []string {
	words := make([]string, len(f.Chips))
	for i, chip := range f.Chips {
		words[i] = chip.Text
	}
	return words
}

// EmptyList says why a list has no rows, and what to do.
type EmptyList struct {
	Title, Text string
	Action      Link   // empty: nothing to do
	Actions     []Link // in place of Action: several ways on
}

// DeliveryTable is a table of deliveries. Any page may show one.
type DeliveryTable struct {
	Page    Page
	ID      string // unique on the page
	Caption string
	Rows    []engine.DeliveryRow
	// List is the filter of the list that the rows are of, which goes along to their pages; empty: no list.
	List string
	// Selecting adds boxes, of a form around the table.
	Selecting bool
	// Selected: the boxes are ticked.
	Selected bool
	// HideEvent and HideWebhook leave out columns that would say the same in every row.
	HideEvent, HideWebhook bool
}

// columns are the headings of the table.
func (t DeliveryTable) columns() []Column {
	columns := []Column{{Label: "Status"}, {Label: "Delivery"}}
	if t.Selecting {
		columns = append([]Column{{Label: "Select", Hidden: true}}, columns...)
	}
	if !t.HideEvent {
		columns = append(columns, Column{Label: "Event"})
	}
	if !t.HideWebhook {
		columns = append(columns, Column{Label: "Webhook"})
	}
	if !t.HideEvent {
		columns = append(columns, Column{Label: "Lab instance"})
	}
	return append(columns, Column{Label: "Attempts", Num: true}, Column{Label: "Response", Num: true},
		Column{Label: "Next or finished"}, Column{Label: "Created"})
}

// attemptsWord writes "2 of 6", and "7" when attempts asked for by hand went beyond the plan.
func attemptsWord(made, planned int) string {
	if made > planned {
		return strconv.Itoa(made)
	}
	return strconv.Itoa(made) + " of " + strconv.Itoa(planned)
}

// nextLabel names the time in the column "Next or finished" where that has no heading.
func nextLabel(s engine.DeliveryState) string {
	if s.Final() {
		return "Finished"
	}
	return "Next"
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// wideFact is the class of a fact whose value needs lines of its own on a small screen, where the column beside the
// terms has room for about 20 letters.
func wideFact(value string) string {
	long := func(word string) bool { return utf8.RuneCountInString(word) > 20 }
	if utf8.RuneCountInString(value) > 40 || slices.ContainsFunc(strings.Fields(value), long) {
		return "wide"
	}
	return ""
}
