package views

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of a body a page shows, in bytes of its text. The rest is there to be downloaded.
const (
	bodyShown     = 16 << 10 // of the attempt that is open, and of an event's data
	bodyGlimpse   = 1 << 10  // of the other attempts
	prettyNesting = 32       // JSON nested deeper is shown as it came: its indentation would outgrow it
)

// BodyText is a body as a page shows it: text that is safe to read, cut where it is long.
type BodyText struct {
	Text   string
	Size   int  // bytes of the whole body
	Pretty bool // Text is JSON with line breaks that the body does not have
	Cut    bool // Text is the beginning only
}

// NewBodyText prepares a body for a page, at most limit bytes of it. JSON is laid out in lines when pretty is asked for.
func NewBodyText(body []byte, limit int, pretty bool) BodyText {
	b := BodyText{Size: len(body)}
	if pretty && nesting(body) <= prettyNesting {
		var indented bytes.Buffer
		if json.Indent(&indented, body, "", "  ") == nil {
			body, b.Pretty = indented.Bytes(), true
		}
	}
	if len(body) > limit {
		for limit > 0 && !utf8.RuneStart(body[limit]) {
			limit--
		}
		body, b.Cut = body[:limit], true
	}
	b.Text = Printable(body)
	return b
}

// nesting returns how deep the brackets of a JSON text go.
func nesting(body []byte) int {
	depth, deepest := 0, 0
	inText, escaped := false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inText && c == '\\':
			escaped = true
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// Printable returns text from strangers so that it cannot act on what shows it: control characters become their
// pictures, what is not UTF-8 the replacement character, and characters that turn the direction of reading their
// number. Line breaks and tabs stay.
func Printable(text []byte) string {
	var out strings.Builder
	out.Grow(len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r == '\r' && len(text) > 0 && text[0] == '\n':
		case r == '\n' || r == '\t':
			out.WriteRune(r)
		case r < ' ':
			out.WriteRune('\u2400' + r)
		case r == 0x7f:
			out.WriteRune('\u2421')
		case r >= 0x80 && r < 0xa0, unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			fmt.Fprintf(&out, "⟨U+%04X⟩", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
