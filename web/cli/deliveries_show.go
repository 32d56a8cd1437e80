package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"labhook/engine"
)

// shownDelivery is a delivery with its attempts.
type shownDelivery struct {
	listedDelivery
	Attempts []shownAttempt `json:"attempts"`
}

// shownAttempt is what is printed of an attempt.
type shownAttempt struct {
	Number        int        `json:"number"`
	Trigger       string     `json:"trigger"`
	StartedAt     time.Time  `json:"started_at"`
	FailureClass  string     `json:"failure_class"`
	Error         string     `json:"error"`
	RetryAt       *time.Time `json:"retry_at"`
	RemoteAddress string     `json:"remote_address"`
	Request       struct {
		Verb string `json:"verb"`
		URL  string `json:"url"`
	} `json:"request"`
	Answer *struct {
		Status   int    `json:"status"`
		Body     string `json:"body"`
		Encoding string `json:"encoding"`
	} `json:"answer"`
	Timings struct {
		Total int64 `json:"total"`
	} `json:"timings"`
}

func showDelivery(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "deliveries show", "show a delivery with its attempts, and why it failed")
	f.example = "labhook deliveries show dlv_01jc9xw2m4t7k"
	return f.show(ctx, args, "/api/v1/deliveries/", func(answer json.RawMessage) error {
		var d shownDelivery
		if err := json.Unmarshal(answer, &d); err != nil {
			return fmt.Errorf("read delivery: %w", err)
		}
		return d.print(env.Stdout, painter(env.Colour))
	})
}

// print prints the delivery for a person.
func (d *shownDelivery) print(w io.Writer, paint painter) error {
	fmt.Fprintf(w, "%s  %s\n\n", paint.paint(stateColour(d.State), printable(d.State)), printable(d.ID))
	printRows(w, paint, [][2]string{
		{"event", d.EventType + ", " + d.Event},
		{"subject", d.Subject},
		{"webhook", d.WebhookName + ", " + d.Webhook},
		{"consumer", d.ConsumerName},
		{"created", local(d.CreatedAt)},
		{"due", localOr(d.DueAt)},
		{"finished", localOr(d.FinishedAt)},
		{"reason", d.Reason},
		{"on failure", d.ErrorAction},
	})
	if len(d.Attempts) == 0 {
		fmt.Fprintln(w, "\nNothing was sent yet.")
		return nil
	}
	t := &table{paint: paint}
	t.add("#", "STARTED", "WHY", "RESULT", "TOOK", "REQUEST", "ADDRESS")
	for i := range d.Attempts {
		d.Attempts[i].add(t)
	}
	fmt.Fprintf(w, "\nAttempts, %d of %d\n", d.AttemptsMade, d.AttemptsInAll)
	if err := t.print(w, "  "); err != nil {
		return err
	}
	d.Attempts[len(d.Attempts)-1].printFailure(w, paint)
	return nil
}

func (a *shownAttempt) add(t *table) {
	result, colour := a.FailureClass, red
	if a.Answer != nil {
		result = strings.TrimSpace(fmt.Sprintf("%d %s", a.Answer.Status, http.StatusText(a.Answer.Status)))
	}
	if a.FailureClass == "" {
		colour = green
	}
	t.add(fmt.Sprint(a.Number), local(a.StartedAt), a.Trigger, result, micros(a.Timings.Total), a.Request.Verb+" "+a.Request.URL, a.RemoteAddress)
	t.colour(3, colour)
}

// printFailure says why the attempt failed and what to look at; nothing when it did not.
func (a *shownAttempt) printFailure(w io.Writer, paint painter) {
	if a.FailureClass == "" {
		return
	}
	status := 0
	if a.Answer != nil {
		status = a.Answer.Status
	}
	fmt.Fprintf(w, "\n%s\n", paint.paint(red, "Why the last one failed: "+a.FailureClass))
	printRows(w, paint, [][2]string{
		{"error", a.Error},
		{"check", engine.FailureClass(a.FailureClass).Advice(status)},
		{"next", localOr(a.RetryAt)},
	})
	if a.Answer != nil && a.Answer.Body != "" {
		fmt.Fprintf(w, "\n%s\n", indent(answerText(a.Answer.Body, a.Answer.Encoding), "  "))
	}
}

// localOr writes a moment for a person; nil is nothing.
func localOr(t *time.Time) string {
	if t == nil {
		return ""
	}
	return local(*t)
}

// printRows prints labels with their values, and leaves out those without one.
func printRows(w io.Writer, paint painter, rows [][2]string) {
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(w, "  %s %s\n", paint.paint(dim, fmt.Sprintf("%-10s", row[0])), printable(row[1]))
		}
	}
}
