package engine

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Replacement tokens. A webhook's URL, header values, own content and notification text may hold
//
//	@lab.User.FirstName     a value of Studio's list, from the lab details or from further keys that the sender adds
//	@event.Data.user.id     a value of the event's data: names after dots, [0] or [any key] in brackets
//	@event.Type             and Id, Time, Subject of the event
//
// and the URL may also hold {id}, {userId}, {UserId}, … by the names of the lab details, {event}, {webhookId}, and any of
// the above in braces. The spelling @event and the braces other than {id} are Labhook's own. What a token gives is
// written by whoever uses a lab: it is escaped for where it stands, and changes nothing but the place it stands in.

// Limits of what the values of tokens add to one request, in bytes as they are sent. A value for which no room is left
// is not put in, as if the event did not have it: a value cut short would be another one.
const (
	MaxTokensURL     = 2 << 10
	MaxTokensHeaders = 4 << 10 // in all header lines together
	MaxTokensContent = 512 << 10
)

// Limits of what is noted of tokens that could not be filled.
const (
	maxUnfilled     = 50  // tokens
	maxUnfilledName = 200 // bytes
)

// maxTokenValue is how many characters of a value a token gives at most in a notification.
const maxTokenValue = 100

// What stands in parentheses or brackets must not end the JSON string, the URL or the line around it.
const (
	tokenInRound  = `\([^()\[\]"\\{}<>&\x00-\x1f\x7f]{1,100}\)`
	tokenInSquare = `\[[^()\[\]"\\{}<>&\x00-\x1f\x7f]{1,100}\]`
)

var (
	labToken   = regexp.MustCompile(`^@lab\.[A-Za-z]+(?:\.[A-Za-z]+|` + tokenInRound + `|` + tokenInSquare + `)*`)
	eventToken = regexp.MustCompile(`^@event\.(?:Data\b(?:\.[A-Za-z0-9_]+|` + tokenInSquare + `)*|[A-Za-z]+(?:\.[A-Za-z]+)*)`)
	braceToken = regexp.MustCompile(`^\{[^{}/\s]{1,200}\}`)
)

// part is a piece of a text with tokens: a token, or what stands between two.
type part struct {
	text string // as it is sent, where it is no token or its token is not filled
	name string // the token as it was written; empty: it is none
	fill fill   // gives the token's value; nil: no event can
	lab  bool   // only events with lab details can fill it
	bare bool   // the token stands in JSON outside of a string
}

// template is a text taken apart.
type template []part

// mayHoldTokens tells most texts from those that must be taken apart.
func mayHoldTokens(text string, inURL bool) bool {
	return strings.Contains(text, "@lab.") || strings.Contains(text, "@event.") || inURL && strings.IndexByte(text, '{') >= 0
}

// parseTokens takes a text apart. Braces are tokens in a URL alone.
func parseTokens(text string, inURL bool) template {
	if !mayHoldTokens(text, inURL) {
		return template{{text: text}}
	}
	var parts template
	done := 0
	for at := 0; at < len(text); {
		p := part{}
		if text[at] == '@' || inURL && text[at] == '{' {
			p = tokenAt(text, at, inURL)
		}
		if p.name == "" {
			at++
			continue
		}
		if at > done {
			parts = append(parts, part{text: text[done:at]})
		}
		p.text = p.name
		parts = append(parts, p)
		at += len(p.name)
		done = at
	}
	if done < len(text) {
		parts = append(parts, part{text: text[done:]})
	}
	return parts
}

// tokenAt returns the token that begins there, without a name when none does.
func tokenAt(text string, at int, inURL bool) part {
	rest := text[at:]
	if rest[0] == '{' {
		found := braceToken.FindString(rest)
		if found == "" {
			return part{}
		}
		fill, lab := fillOfBraces(unescapedIn(found[1:len(found)-1], inURL))
		return part{name: found, fill: fill, lab: lab}
	}
	found := labToken.FindString(rest)
	if found == "" {
		found = eventToken.FindString(rest)
	}
	// The longest beginning that is known counts: in @lab.User.Id.json the last part is none of the token.
	for name := found; name != ""; name = name[:max(0, strings.LastIndexAny(name, ".(["))] {
		if fill, lab := fillOf(unescapedIn(name, inURL)); fill != nil {
			return part{name: name, fill: fill, lab: lab}
		}
	}
	if at > 0 && inMailName(text[at-1]) {
		return part{} // ops@lab.example.com
	}
	return part{name: found}
}

// unescapedIn returns a token's name as it was meant: a URL holds some characters only when they are escaped.
func unescapedIn(name string, inURL bool) string {
	if inURL {
		if plain, err := url.PathUnescape(name); err == nil {
			return plain
		}
	}
	return name
}

func inMailName(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("._-+", c) >= 0
}

// hasTokens reports whether there is anything to fill, or to report.
func (t template) hasTokens() bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.name != "" })
}

// unfilled returns the text with every token as it stands.
func (t template) unfilled() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
	}
	return b.String()
}

// expansion is the filling of the tokens of one request.
type expansion struct {
	source   source
	left     int      // bytes that values may still add
	unfilled []string // tokens that were left as they stand, each once
	tooLong  map[string]bool
}

// expand returns the text with its tokens filled. escape writes a value so that it can stand where the part does.
func (x *expansion) expand(t template, escape func(value, part) string) string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(x.filled(p, escape))
	}
	return b.String()
}

func (x *expansion) filled(p part, escape func(value, part) string) string {
	if p.name == "" {
		return p.text
	}
	if p.fill != nil && !x.tooLong[p.name] {
		if v, ok := p.fill(&x.source); ok {
			if text := escape(v, p); len(text) <= x.left {
				x.left -= len(text)
				return text
			}
			x.remember(p.name)
		}
	}
	x.leave(p)
	return p.text
}

// remember keeps a value that is too long from being looked up for every place where its token stands: what is left
// only shrinks.
func (x *expansion) remember(name string) {
	if x.tooLong == nil {
		x.tooLong = map[string]bool{}
	}
	x.tooLong[name] = true
}

// room sets what the values of the next text may add. Without tokens there is no expansion.
func (x *expansion) room(bytes int) {
	if x != nil {
		x.left, x.tooLong = bytes, nil
	}
}

// leave notes a token that stays as it stands.
func (x *expansion) leave(p part) {
	name := clip(p.name, maxUnfilledName)
	if len(x.unfilled) < maxUnfilled && !slices.Contains(x.unfilled, name) {
		x.unfilled = append(x.unfilled, name)
	}
}

// ReplaceTokens puts the values of an event in the place of the tokens of a text for a person, each as one line of at
// most 100 characters. A token that the event cannot fill stays as it is.
func ReplaceTokens(text string, e *Event) string {
	x := expansion{source: source{event: e}, left: len(text) * maxTokenValue}
	return x.expand(parseTokens(text, false), func(v value, _ part) string { return plain(v.String(), maxTokenValue) })
}

// UnknownTokens returns the tokens of the webhook's URL, header values, own content and notification text that none of
// its events can fill, each once, in that order. They are sent as they stand. Tokens that only some events can fill, as
// those that need a key which a sender may add, are not among them.
func (w *Webhook) UnknownTokens() []string {
	var x expansion
	lab := w.hearsOfLabs()
	look := func(t template) {
		for _, p := range t {
			if p.name != "" && (p.fill == nil || p.lab && !lab) {
				x.leave(p)
			}
		}
	}
	_, rest := cutAuthority(w.URL)
	look(parseTokens(rest, true))
	for _, h := range w.Headers {
		look(parseTokens(h.Value.Reveal(), false))
	}
	if !w.SendLabDetails && VerbHasBody(w.Verb) {
		look(parseTokens(w.Content, false))
	}
	if w.ErrorAction == ErrorActionNotifyUser {
		look(parseTokens(w.NotificationText, false))
	}
	return x.unfilled
}

// hearsOfLabs reports whether an event with lab details concerns the webhook.
func (w *Webhook) hearsOfLabs() bool {
	return slices.ContainsFunc(w.Events, func(code string) bool {
		return code == AllEvents || hasLabDetails(code)
	})
}

// plain returns a text as one line of at most limit characters, with an ellipsis where it was cut.
func plain(s string, limit int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// oneLine returns a text with spaces in the place of line breaks and other control characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
