package views

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// attemptsInFull is how many attempts a page shows with request and answer. Earlier ones are a line each.
const attemptsInFull = 10

// DeliveryDetail is a delivery with its attempts.
type DeliveryDetail struct {
	Page Page
	Row  engine.DeliveryRow
	// Webhook is the webhook as it is now, deleted or not.
	Webhook engine.Webhook
	// NoResend says why it cannot be sent again now; empty: it can.
	NoResend string
	// Streak is of the webhook's attempts that failed; it may be paused.
	Streak engine.Streak
	// InLine: it is taken, but waits for a sender.
	InLine bool
	// Gate is the delivery's own gate, with what it holds while it is closed; nil: it has none.
	Gate *ClosedGate
	// HeldBy is the gate that holds the delivery; nil: none does.
	HeldBy   *ClosedGate
	Attempts []AttemptDetail // newest first
	Earlier  []AttemptDetail // newest first, in a line each
	Chosen   int             // number of the attempt that was asked for; 0: the latest
	Raw      bool            // bodies are shown as they came
	// PayloadHash is the SHA-256 of the body that the latest attempt sent, in hex; empty: it sent none, or it is hidden.
	PayloadHash string
	// AskedBy names who asked for the attempts that were made by hand, by their numbers.
	AskedBy map[int]string
	// List is the filter of the list that the reader came from, ListURL the list; Previous and Next are its deliveries
	// around this one, newer and older; zero: there is none. Without List all are empty.
	List, ListURL  string
	Previous, Next engine.DeliveryID
}

// attemptURL is the page with another attempt open; the list goes along.
func (d DeliveryDetail) attemptURL(number int, raw bool) string {
	return AttemptURL(d.Row.ID, number, raw, d.List)
}

// AttemptDetail is an attempt as a page shows it.
type AttemptDetail struct {
	engine.Attempt
	Open            bool
	Request, Answer BodyText
}

// NewDeliveryDetail arranges the attempts, which come oldest first. The one with the number chosen is open and shown
// whole, the latest for 0.
func NewDeliveryDetail(p Page, row engine.DeliveryRow, attempts []engine.Attempt, chosen int, raw bool) DeliveryDetail {
	d := DeliveryDetail{Page: p, Row: row, Chosen: chosen, Raw: raw}
	open := slices.IndexFunc(attempts, func(a engine.Attempt) bool { return a.Number == chosen })
	if open < 0 {
		open = len(attempts) - 1
	}
	for i := len(attempts) - 1; i >= 0; i-- {
		a := AttemptDetail{Attempt: attempts[i], Open: i == open}
		if len(d.Attempts) == attemptsInFull && !a.Open {
			d.Earlier = append(d.Earlier, a)
			continue
		}
		limit := bodyGlimpse
		if a.Open {
			limit = bodyShown
		}
		a.Request = NewBodyText(a.Attempt.Request.Body, limit, !raw)
		if a.Attempt.Answer != nil {
			a.Answer = NewBodyText(a.Attempt.Answer.Body, limit, !raw)
		}
		d.Attempts = append(d.Attempts, a)
	}
	return d
}

// latest returns the latest attempt, nil when none was made.
func (d DeliveryDetail) latest() *engine.Attempt {
	if len(d.Attempts) == 0 {
		return nil
	}
	return &d.Attempts[0].Attempt
}

// sentence says what happened, what happens next and when. The badge with the state's word stands before it.
func (d DeliveryDetail) sentence() string {
	row, made := d.Row, attemptsWord(d.Row.Attempts, d.Row.AttemptsInAll)
	next := attemptsWord(row.Attempts+1, row.AttemptsInAll)
	switch row.State {
	case engine.StateScheduled:
		return fmt.Sprintf("until its delay is over: attempt %s at %s.", next, d.when(row.DueAt))
	case engine.StateHeld:
		return "behind an earlier blocking delivery of the same lab instance."
	case engine.StateQueued:
		return fmt.Sprintf("for attempt %s, due since %s.", next, d.at(row.DueAt))
	case engine.StateSending:
		if d.InLine {
			return fmt.Sprintf("next: attempt %s stands in line for a sender.", next)
		}
		return fmt.Sprintf("attempt %s now.", next)
	case engine.StateRetrying:
		if row.DueAt.Before(d.Page.Now) {
			return fmt.Sprintf("for attempt %s, due since %s; %s.", next, d.at(row.DueAt), d.lastAnswer())
		}
		return fmt.Sprintf("with attempt %s at %s; %s.", next, d.when(row.DueAt), d.lastAnswer())
	case engine.StateDelivered:
		return fmt.Sprintf("with attempt %s; %s.", made, d.lastAnswer())
	case engine.StateFailed:
		noun := "attempts"
		if row.Attempts == 1 && row.AttemptsInAll == 1 {
			noun = "attempt"
		}
		return strings.TrimSpace(fmt.Sprintf("after %s %s; %s. %s", made, noun, d.lastAnswer(), appliedAction(row.ErrorAction)))
	}
	text := "at " + d.at(row.FinishedAt)
	if row.Attempts > 0 {
		text += " after " + Plural(row.Attempts, "attempt", "attempts")
	}
	if row.Reason == "" {
		return text + "."
	}
	return text + ": " + strings.TrimSuffix(row.Reason, ".") + "."
}

// lastAnswer says what came of the latest attempt, and when.
func (d DeliveryDetail) lastAnswer() string {
	a := d.latest()
	if a == nil {
		return "no attempt is on record"
	}
	at := d.at(a.StartedAt.Add(a.Duration()))
	if a.Answer != nil && (a.Outcome.Class == "" || a.Outcome.Class == engine.ClassStatus) {
		return fmt.Sprintf("last answer %s at %s", statusLine(a.Answer.StatusCode), at)
	}
	return fmt.Sprintf("last attempt ended in %q at %s", AnswerWord(a.Outcome.Class, 0), at)
}

// at writes a time in the page's zone, when one with how far off it is.
func (d DeliveryDetail) at(t time.Time) string { return clock(d.Page.Now, t, d.Page.Zone) }

func (d DeliveryDetail) when(t time.Time) string { return until(d.Page, t) }

// version says which version of the webhook the latest attempt used.
func (d DeliveryDetail) version() string {
	a := d.latest()
	switch {
	case a == nil:
		return fmt.Sprintf("Version %d", d.Webhook.Version)
	case a.WebhookVersion == d.Webhook.Version:
		return fmt.Sprintf("Version %d, the current one", a.WebhookVersion)
	}
	return fmt.Sprintf("Version %d of the webhook (now %d)", a.WebhookVersion, d.Webhook.Version)
}

// usedVersion is the version of the webhook that the latest attempt used; the current one when none was made.
func (d DeliveryDetail) usedVersion() int {
	if a := d.latest(); a != nil {
		return a.WebhookVersion
	}
	return d.Webhook.Version
}

// deadline is when the last attempt has ended at the latest, as long as that follows from the webhook's settings: zero
// once it has ended, while a gate holds it or its webhook is paused, and when somebody meddled.
func (d DeliveryDetail) deadline() time.Time {
	meddled := d.Row.RoundStart > 0 || slices.ContainsFunc(d.Attempts, func(a AttemptDetail) bool { return a.Trigger != engine.TriggerAutomatic })
	if d.Row.State.Final() || d.Row.State == engine.StateHeld || d.Row.Trigger != engine.TriggerAutomatic || meddled || d.Streak.Paused() {
		return time.Time{}
	}
	at := d.Row.CreatedAt.Add(d.Webhook.LongestHold())
	if d.Gate != nil {
		at = d.Gate.OpensBy
	} else if d.Row.Lane != 0 || !at.After(d.Page.Now) {
		return time.Time{} // its turn came later than it was made, or it is late
	}
	return at
}

// trigger says why an attempt was made, and who asked for it.
func (d DeliveryDetail) trigger(a AttemptDetail) string {
	if by := d.AskedBy[a.Number]; by != "" {
		return string(a.Trigger) + " by " + by
	}
	return string(a.Trigger)
}

// signsNow reports whether the reader may have a request signed anew.
func (d DeliveryDetail) signsNow() bool {
	return d.Page.Can(engine.RoleDeveloper) && d.Webhook.DeletedAt.IsZero() && d.Webhook.Signing.Secret != ""
}

// idHeader is the name of the header that carries a delivery's id.
func idHeader(g engine.Signing) string {
	switch g.Names {
	case engine.NamesSvix:
		return "svix-id"
	case engine.NamesBoth:
		return "webhook-id and svix-id"
	}
	return "webhook-id"
}

// statusLine writes "503 Service Unavailable".
func statusLine(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// requestHead is the request's first line and its headers.
func requestHead(a *engine.Attempt) string {
	return Printable([]byte(requestLine(a) + "\n" + strings.Join(a.Request.Headers, "\n")))
}

func requestLine(a *engine.Attempt) string {
	target, proto := a.Request.URL, "HTTP/1.1"
	if u, err := url.Parse(target); err == nil {
		target = u.RequestURI()
	}
	if a.Answer != nil {
		proto = a.Answer.Proto
	}
	return fmt.Sprintf("%s %s %s", a.Request.Verb, target, proto)
}

func answerLine(a *engine.Answer) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", a.Proto, a.StatusCode, a.Reason))
}

// headerRow is a header line in its two parts.
type headerRow struct{ Name, Value string }

// headerRows splits header lines, and says of what is masked that it is.
func headerRows(lines []string) []headerRow {
	rows := make([]headerRow, len(lines))
	for i, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if strings.Contains(value, engine.Mask) {
			value += " (masked)"
		}
		rows[i] = headerRow{Printable([]byte(name)), Printable([]byte(value))}
	}
	return rows
}

// bodyNote says what there is to know about a body that a page shows.
func bodyNote(b BodyText) string {
	note := Bytes(int64(b.Size))
	if b.Pretty {
		note += ", laid out for reading"
	}
	if b.Cut {
		note += ", its beginning only"
	}
	return note
}
