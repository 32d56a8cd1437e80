package views

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"labhook/engine"
)

// WebhookTesting is the tab on which people test a webhook.
type WebhookTesting struct {
	Page    Page
	Webhook engine.Webhook
	Paused  bool // the webhook is
	// Unusable says why events are not sent to it now; empty: they are.
	Unusable string
	// Kind is the chosen event type, and From where its data come from.
	Kind engine.EventType
	From string
	// Recent are real events of that type, the newest first.
	Recent []engine.EventRow
	// Data and Subject are what is sent, as typed.
	Data, Subject string
	Force         bool
	// Result is the test that was made last; nil: none on this page.
	Result *DeliveryDetail
}

// recentData starts the value of a choice of data that a real event is, and statusData of one that a status is.
const (
	recentData = "event:"
	statusData = "status:"
)

// FromRecent is the value of the choice of a real event's data.
func FromRecent(id engine.EventID) string { return recentData + id.String() }

// RecentOf returns the id of the real event that a choice of data names; "" when it names none.
func RecentOf(from string) string {
	id, ok := strings.CutPrefix(from, recentData)
	if !ok {
		return ""
	}
	return id
}

// testAgainURL is the tab with what a test sent chosen; a ping is no choice.
func testAgainURL(row *engine.DeliveryRow) string {
	if row.EventType == engine.SystemWebhookPing {
		return WebhookTestingURL(row.WebhookID)
	}
	return TestExampleURL(row.WebhookID, row.EventType, FromRecent(row.EventID))
}

// SampleOf returns the sample data that a choice names, the type's first where it names none, and the choice.
func SampleOf(kind engine.EventType, from string) (data json.RawMessage, chosen string) {
	for _, s := range kind.Statuses {
		if from == statusData+s.Value {
			return s.Data, from
		}
	}
	if len(kind.Statuses) > 0 {
		return kind.Statuses[0].Data, statusData + kind.Statuses[0].Value
	}
	return kind.Sample(), ""
}

// ExampleText writes data for a person to read and change: JSON with line breaks, but nothing else about it changed.
func ExampleText(data []byte) string {
	var out bytes.Buffer
	if nesting(data) <= prettyNesting && json.Indent(&out, data, "", "  ") == nil {
		return out.String()
	}
	return string(data)
}

func (t WebhookTesting) field(id, label, hint string) Field {
	return Field{ID: id, Label: label, Hint: hint, Problems: t.Page.Problems}
}

// types is the choice of the event: those that the webhook listens to come first.
func (t WebhookTesting) types() Field {
	f := t.field("type", "Event", "")
	f.Value = t.Kind.Code
	own := func(kind engine.EventType) bool {
		return t.Webhook.ListensTo(kind.Code) && kind.Code != engine.SystemWebhookPing
	}
	for _, kind := range t.Page.Catalog.All() {
		if own(kind) {
			f.Options = append(f.Options, Option{kind.Code, kind.Label, "This webhook listens to"})
		}
	}
	// The webhook's own order says which is its first.
	slices.SortStableFunc(f.Options, func(a, b Option) int {
		return slices.Index(t.Webhook.Events, a.Value) - slices.Index(t.Webhook.Events, b.Value)
	})
	for _, kind := range t.Page.Catalog.All() {
		if !own(kind) && kind.Code != engine.SystemWebhookPing {
			f.Options = append(f.Options, Option{kind.Code, kind.Label, "It does not listen to: " + kind.Group})
		}
	}
	return f
}

// sources is the choice of the data.
func (t WebhookTesting) sources() Field {
	f := t.field("from", "Data", "")
	f.Value = t.From
	const samples = "Samples"
	for _, s := range t.Kind.Statuses {
		f.Options = append(f.Options, Option{statusData + s.Value, "Sample: " + s.Name, samples})
	}
	if len(t.Kind.Statuses) == 0 {
		f.Options = []Option{{"", "Sample of " + t.Kind.Label, samples}}
	}
	for _, e := range t.Recent {
		words := []string{clock(t.Page.Now, e.AcceptedAt, t.Page.Zone), e.PublicID()}
		if e.Subject != "" {
			words = slices.Insert(words, 1, e.Subject)
		}
		group := "Real events, the newest first"
		if e.Test {
			group = "Event of a test"
		}
		f.Options = append(f.Options, Option{FromRecent(e.ID), strings.Join(words, " · "), group})
	}
	return f
}

// note says what the webhook makes of the data.
func (t WebhookTesting) note() string {
	w := t.Webhook
	switch {
	case !engine.VerbHasBody(w.Verb):
		return "A " + w.Verb + " request carries no body: the data fill the tokens of the webhook."
	case !w.SendLabDetails && w.Content == "":
		return "The webhook sends no body: the data fill its tokens."
	case !w.SendLabDetails:
		return "The webhook sends Content of its own: the data fill its tokens."
	}
	return "Data that you do not change are sent byte for byte as they are."
}

// TestProgress is a test as the tab shows it: what came of it, or that it is on its way, which asks again by itself.
type TestProgress struct {
	Detail DeliveryDetail
	// Asked counts how often was asked. It makes the asking element another one, which asks once more, while all else
	// that is shown stays the same, so that screen readers do not say it again.
	Asked int
}

// patience says what the test waits for.
func (p TestProgress) patience() string {
	return "The request is on its way. The receiver has " + Duration(p.Detail.Webhook.Timeout) + " to answer."
}

// newest returns the latest attempt with its texts, nil when none was made.
func (d DeliveryDetail) newest() *AttemptDetail {
	if len(d.Attempts) == 0 {
		return nil
	}
	return &d.Attempts[0]
}
