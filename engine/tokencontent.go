package engine

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// contentTemplate is a webhook's own content taken apart, and how values are written into it.
type contentTemplate struct {
	parts       template
	contentType string
	escape      func(value, part) string
	fixed       []byte // without tokens
}

// newContentTemplate takes content apart. contentType is what the webhook says of it, empty when it says nothing.
func newContentTemplate(content, contentType string) contentTemplate {
	parts, problem := parseJSONTemplate(content)
	isJSON := problem == "" || isJSONLines(contentType)
	if !isJSONType(contentType) {
		// A token alone may be meant as JSON or not: that it is text disturbs fewer receivers.
		isJSON = isJSON && (isJSONLines(contentType) || !strings.HasPrefix(strings.TrimSpace(content), "@"))
	}
	t := contentTemplate{parts: parts, contentType: contentType}
	if contentType == "" {
		t.contentType = contentTypeText
		if isJSON {
			t.contentType = contentTypeJSON
		}
	}
	t.escape = escapeFor(t.contentType, isJSON)
	switch {
	case isCSV(contentType):
		markUnquoted(t.parts)
	case isJSON:
		for i := range t.parts {
			if t.parts[i].bare {
				t.parts[i].text = jsonText(t.parts[i].name)
			}
		}
	}
	if !parts.hasTokens() {
		t.fixed = []byte(content)
	}
	return t
}

// expand returns the content with its tokens filled. It must not be changed.
func (t *contentTemplate) expand(x *expansion) []byte {
	if t.fixed != nil {
		return t.fixed
	}
	return []byte(x.expand(t.parts, t.escape))
}

// escapeFor returns how values are written into content of that type. isJSON: it is JSON, whatever its type says.
func escapeFor(contentType string, isJSON bool) func(value, part) string {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	switch {
	case mediaType == "application/x-www-form-urlencoded":
		return func(v value, _ part) string { return url.QueryEscape(v.String()) }
	case strings.HasSuffix(mediaType, "/xml"), strings.HasSuffix(mediaType, "+xml"), mediaType == "text/html":
		return func(v value, _ part) string { return inXML(v.String()) }
	case isCSV(contentType):
		return escapeCSV
	case isJSONLines(contentType):
		return func(v value, p part) string { return escapeJSON(v.oneLine(), p) }
	case isJSON:
		return escapeJSON
	case isJSONType(contentType):
		return func(v value, _ part) string { return inJSONString(v.String()) }
	}
	return func(v value, _ part) string { return v.String() }
}

// escapeJSON writes a value as a JSON value, or as a part of the JSON string that it stands in.
func escapeJSON(v value, p part) string {
	switch {
	case !p.bare:
		return inJSONString(v.String())
	case v.raw != nil:
		return string(v.raw)
	}
	return jsonText(v.text)
}

// isJSONLines reports whether content of that type is a JSON value a line.
func isJSONLines(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return slices.Contains([]string{"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}, mediaType)
}

// oneLine returns a value whose JSON has no line breaks.
func (v value) oneLine() value {
	if v.raw != nil {
		var line bytes.Buffer
		_ = json.Compact(&line, v.raw) // it is a part of valid JSON
		v.raw = line.Bytes()
	}
	return v
}

// jsonLinesProblem says what keeps a text from being a JSON value a line once its tokens are filled; "" when nothing does.
func jsonLinesProblem(content string) string {
	for i, line := range strings.Split(content, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if _, problem := parseJSONTemplate(line); problem != "" {
			return fmt.Sprintf("line %d: %s", i+1, problem)
		}
	}
	return ""
}

func isCSV(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType == "text/csv"
}

// markUnquoted notes which tokens of CSV stand outside of quotes.
func markUnquoted(parts template) {
	quoted := false
	for i := range parts {
		if parts[i].name == "" {
			quoted = quoted != (strings.Count(parts[i].text, `"`)%2 == 1)
		}
		parts[i].bare = !quoted
	}
}

// escapeCSV writes a value within the quotes of a field, or as a field of its own, in quotes when it needs them.
func escapeCSV(v value, p part) string {
	text := v.String()
	switch {
	case !p.bare:
		return strings.ReplaceAll(text, `"`, `""`)
	case !strings.ContainsAny(text, ",;\t\r\n\""):
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

func inJSONString(s string) string {
	s = jsonText(s)
	return s[1 : len(s)-1]
}

func inXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// parseJSONTemplate takes content apart and says what keeps it from being JSON once its tokens are filled; "" when
// nothing does. Then it is known of each token whether it stands in a string. The message names places in content.
func parseJSONTemplate(content string) (parts template, problem string) {
	parts = parseTokens(content, false)
	shape := []byte(content)
	at, inString := 0, false
	for i := range parts {
		p := &parts[i]
		switch {
		case p.name == "":
			inString = endsInString(p.text, inString)
		case inString:
			fillWith(shape[at:at+len(p.text)], "")
		default:
			p.bare = true
			// null cannot be a part of what stands beside it, nor the key of an object: a token that is one cannot either.
			fillWith(shape[at:at+len(p.text)], "null")
		}
		at += len(p.text)
	}
	return parts, JSONProblem(string(shape))
}

// fillWith writes text over b, and spaces behind it.
func fillWith(b []byte, text string) {
	for i := copy(b, text); i < len(b); i++ {
		b[i] = ' '
	}
}

// endsInString reports whether a piece of JSON leaves one within a string. A backslash at its end leaves that open,
// and makes no JSON with the token behind it.
func endsInString(text string, inString bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			inString = !inString
		case text[i] == '\\' && inString:
			i++
		}
	}
	return inString
}
