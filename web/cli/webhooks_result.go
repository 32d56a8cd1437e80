package cli

import (
	"fmt"
	"io"
	"strings"
)

// testResult is what the API answers to a ping or a test, as far as it is printed.
type testResult struct {
	Succeeded   bool   `json:"succeeded"`
	Message     string `json:"message"`
	ID          string `json:"id"`
	EventType   string `json:"event_type"`
	Webhook     string `json:"webhook"`
	WebhookName string `json:"webhook_name"`
	Attempts    []struct {
		Error         string `json:"error"`
		RemoteAddress string `json:"remote_address"`
		Request       struct {
			Verb string `json:"verb"`
			URL  string `json:"url"`
		} `json:"request"`
		Answer *struct {
			Body     string `json:"body"`
			Encoding string `json:"encoding"`
		} `json:"answer"`
		Timings struct {
			DNS     int64 `json:"dns"`
			Connect int64 `json:"connect"`
			TLS     int64 `json:"tls"`
			Sent    int64 `json:"sent"`
			Wait    int64 `json:"wait"`
			Body    int64 `json:"body"`
			Total   int64 `json:"total"`
			Reused  bool  `json:"reused"`
		} `json:"timings"`
	} `json:"attempts"`
}

// maxAnswerShown is how much of an answer's body is printed for a person, in bytes.
const maxAnswerShown = 2 << 10

// print prints the result for a person.
func (r *testResult) print(w io.Writer, paint painter) {
	head, colour := "Delivered", green
	if !r.Succeeded {
		head, colour = "Failed", red
	}
	fmt.Fprintf(w, "%s  %s\n\n", paint.paint(colour, head), printable(r.Message))
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %s %s\n", paint.paint(dim, fmt.Sprintf("%-9s", label)), printable(value))
		}
	}
	row("webhook", r.WebhookName+", "+r.Webhook)
	row("event", r.EventType)
	row("delivery", r.ID)
	for _, a := range r.Attempts { // there is one
		row("request", a.Request.Verb+" "+a.Request.URL)
		row("connected", a.RemoteAddress)
		row("error", a.Error)
		row("time", r.timings())
		if a.Answer != nil && a.Answer.Body != "" {
			fmt.Fprintf(w, "\n%s\n", indent(answerText(a.Answer.Body, a.Answer.Encoding), "  "))
		}
	}
}

// timings writes how long the parts of the attempt took: "35 ms: DNS 1 ms, connect 2 ms, …".
func (r *testResult) timings() string {
	t := r.Attempts[0].Timings
	var parts []string
	for _, part := range []struct {
		label string
		took  int64
	}{{"DNS", t.DNS}, {"connect", t.Connect}, {"TLS", t.TLS}, {"request sent", t.Sent}, {"first byte", t.Wait - t.Sent}, {"body", t.Body}} {
		if part.took > 0 {
			parts = append(parts, part.label+" "+micros(part.took))
		}
	}
	if t.Reused {
		parts = append([]string{"connection used again"}, parts...)
	}
	return strings.TrimSuffix(micros(t.Total)+": "+strings.Join(parts, ", "), ": ")
}

// micros writes microseconds as milliseconds.
func micros(n int64) string { return fmt.Sprintf("%.1f ms", float64(n)/1000) }

// answerText is an answer's body for a person.
func answerText(body, encoding string) string {
	switch {
	case encoding != "text":
		return "(an answer that is no text)"
	case len(body) > maxAnswerShown:
		return pretty([]byte(strings.ToValidUTF8(body[:maxAnswerShown], ""))) + "…"
	}
	return pretty([]byte(body))
}
