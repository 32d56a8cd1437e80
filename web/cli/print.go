package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"labhook/engine/receiver"
)

// maxShown is how much of a body is printed for a person, in bytes.
const maxShown = 64 << 10

// clock is how times are printed for a person.
const clock = "15:04:05.000"

// painter tells whether text is coloured.
type painter bool

// The colours, as the terminal's own palette numbers.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (on painter) paint(colour, text string) string {
	if !on {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// requestPrinter prints the requests that a receiver gets.
type requestPrinter struct {
	w     io.Writer
	paint painter
	quiet bool // the first line only
	json  bool
}

func (p requestPrinter) print(req receiver.Request) {
	if p.json {
		p.printJSON(req)
		return
	}
	p.printHead(req)
	if p.quiet {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			fmt.Fprintf(p.w, "  %s %s\n", p.paint.paint(dim, name+":"), printable(value))
		}
	}
	if len(req.Body) > 0 {
		fmt.Fprintf(p.w, "\n%s\n", indent(pretty(req.Body), "  "))
	}
	if req.Truncated {
		fmt.Fprintf(p.w, "  %s\n", p.paint.paint(dim, "… and more"))
	}
	fmt.Fprintln(p.w)
}

// printHead prints the line that tells one request from the others.
func (p requestPrinter) printHead(req receiver.Request) {
	target := req.Path
	if req.RawQuery != "" {
		target += "?" + req.RawQuery
	}
	about := ""
	if event := req.Header.Get("Labhook-Event"); event != "" {
		about = "  " + event
		if attempt := req.Header.Get("Labhook-Attempt"); attempt != "" && attempt != "1" {
			about += ", attempt " + attempt
		}
	}
	if req.Note != "" {
		about += "  " + req.Note
	}
	fmt.Fprintf(p.w, "%s  %s %s  → %s%s\n",
		p.paint.paint(dim, req.At.Local().Format(clock)),
		p.paint.paint(bold, req.Verb), p.paint.paint(bold, printable(target)),
		p.paint.paint(answerColour(req.Answer), req.Answer.String()), printable(about))
}

func answerColour(a receiver.Answer) string {
	switch {
	case a.Hang || a.Drop || a.Status >= 500:
		return red
	case a.Status >= 300:
		return yellow
	}
	return green
}

func (p requestPrinter) printJSON(req receiver.Request) {
	line := struct {
		Number    int                 `json:"number"`
		At        time.Time           `json:"at"`
		Verb      string              `json:"verb"`
		Path      string              `json:"path"`
		Query     string              `json:"query,omitempty"`
		Headers   map[string][]string `json:"headers"`
		Body      string              `json:"body"`
		Truncated bool                `json:"truncated,omitempty"`
		Answer    string              `json:"answer"`
		Note      string              `json:"note,omitempty"`
	}{
		req.Number, req.At.UTC(), req.Verb, req.Path, req.RawQuery, req.Header,
		string(req.Body), req.Truncated, req.Answer.String(), req.Note,
	}
	out := json.NewEncoder(p.w)
	out.SetEscapeHTML(false)
	_ = out.Encode(line) // whoever closed stdout wants no more lines
}

// pretty returns a body as a person reads it: JSON indented, other text as it is, anything else by its size.
func pretty(body []byte) string {
	var out bytes.Buffer
	switch {
	case json.Indent(&out, body, "", "  ") == nil:
		body = out.Bytes()
	case !utf8.Valid(body):
		return fmt.Sprintf("(%d bytes that are no text)", len(body))
	}
	if len(body) > maxShown {
		return printable(string(body[:maxShown])) + "…"
	}
	return printable(string(body))
}

// printable replaces control characters, so that no request can steer the terminal that prints it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}
