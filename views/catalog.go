package views

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"labhook/engine"
)

// EventCatalog is the screen of all event types.
type EventCatalog struct {
	Page Page
	// Listening has how many enabled webhooks listen to each event type, by its code.
	Listening map[string]int
	// LastDay has how many events of each type came in the last 24 hours, by its code, up to CountedTo and one.
	LastDay   map[string]int
	CountedTo int
}

// lastDay writes how many events of a type came.
func (c EventCatalog) lastDay(code string) string {
	return UpTo(c.CountedTo, c.LastDay[code])
}

// EventTypeDetail is the screen of one event type.
type EventTypeDetail struct {
	Page      Page
	Type      engine.EventType
	Listening []*engine.Webhook // the first of them
	More      int               // webhooks that listen, beyond these
	Recent    []engine.EventRow
	LastDay   string // how many events of it came in the last 24 hours
	// Consumers are those to choose from when a webhook is added; nil: there are none, or too many, and Elsewhere is set
	// in the second case.
	Consumers []Option
	Elsewhere bool
}

// exampleShown is how many bytes of example data a page shows.
const exampleShown = 64 << 10

// groupAnchor is the id of a group of event types on the page.
func groupAnchor(i int) string { return fmt.Sprintf("group-%d", i+1) }

// groupCaption heads the table of a group.
func groupCaption(c EventCatalog, group string) string {
	types := c.Page.Catalog.InGroup(group)
	from := ""
	if p := types[0].Platform; p != engine.PlatformOwn && p != engine.PlatformLabhook {
		from = " of " + p
	}
	return Plural(len(types), "event type", "event types") + from
}

// breakable is a code that may go on in the next line behind a dot or an underscore. It is no templ component because
// those put spaces between what is in a loop.
func breakable(code string) templ.Component {
	mayBreak := strings.NewReplacer(".", ".<wbr>", "_", "_<wbr>")
	return templ.Raw(`<code class="name">` + mayBreak.Replace(templ.EscapeString(code)) + `</code>`)
}

// place says where in the life cycle of a lab instance an event stands.
func (d EventTypeDetail) place() string {
	switch {
	case d.Type.Place > 0:
		return fmt.Sprintf("%d of %d", d.Type.Place, len(d.Page.Catalog.InGroup(engine.GroupLifeCycle)))
	case d.Type.LabDetails:
		return "Outside: it may happen at any time"
	}
	return ""
}

// lane says what an event of the type is about, and so what it waits behind.
func (d EventTypeDetail) lane() string {
	const others = " Events about the same wait behind a blocking webhook."
	switch {
	case !d.Type.Sendable():
		return "System events wait behind nothing, and hold nothing."
	case d.Type.LabDetails && d.Type.Place > 0:
		return "The lab instance: Id of the lab details." + others
	case d.Type.LabDetails:
		return "The lab instance where Id names one, or what the sender names." + others
	case d.Type.SubjectField != "":
		return "The field " + d.Type.SubjectField + ", unless the sender names something else." + others
	}
	return "What the sender names." + others + " Without a subject it waits behind nothing."
}

// exampleText lays example data out in lines.
func exampleText(data []byte) string { return NewBodyText(data, exampleShown, true).Text }

// EventTypeForm is the form that adds or changes an event type of the administrators, with its values as they were
// typed.
type EventTypeForm struct {
	Page    Page
	New     bool
	Entered engine.OwnEventType
	Seen    string // mark of what the form was opened with; empty for a new one
}

func (f EventTypeForm) action() string {
	if f.New {
		return NewEventTypeURL()
	}
	return EventTypeEditURL(f.Entered.Code)
}

func (f EventTypeForm) cancel() string {
	if f.New {
		return EventCatalogURL()
	}
	return EventTypeURL(f.Entered.Code)
}
