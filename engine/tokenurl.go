package engine

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// urlTemplate is a webhook's URL taken apart. Scheme, host and port stand in base, which no token can reach.
type urlTemplate struct {
	base        string
	path, query template
	dots        int // segments of the path that lead upwards or nowhere, as it was written
	fixed       *url.URL
	text        string // fixed, written out
	tokens      bool
}

// cutAuthority parts a URL behind its host and port. What is no URL with a host has all in rest.
func cutAuthority(raw string) (base, rest string) {
	scheme := strings.Index(raw, "://")
	if scheme < 0 || strings.ContainsAny(raw[:scheme], "/?#") {
		return "", raw
	}
	end := strings.IndexAny(raw[scheme+3:], "/?#")
	if end < 0 {
		return raw, ""
	}
	return raw[:scheme+3+end], raw[scheme+3+end:]
}

// tokenInAuthority returns the first token or brace that stands in scheme, host or port; "" when none does.
func tokenInAuthority(raw string) string {
	base, _ := cutAuthority(raw)
	for _, p := range parseTokens(base, true) {
		if p.name != "" {
			return p.name
		}
	}
	if at := strings.IndexAny(base, "{}"); at >= 0 {
		return base[at : at+1]
	}
	return ""
}

// newURLTemplate reads a URL that checkURL accepts; it returns an error for some others.
func newURLTemplate(raw string) (urlTemplate, error) {
	if token := tokenInAuthority(raw); token != "" {
		return urlTemplate{}, fmt.Errorf("%s stands in the host of the URL", token)
	}
	base, rest := cutAuthority(raw)
	if base == "" {
		return urlTemplate{}, errors.New("the URL names no host")
	}
	path, query, asked := strings.Cut(rest, "?")
	t := urlTemplate{base: base, path: parseTokens(path, true), query: parseTokens(query, true)}
	if asked {
		t.query = append(template{{text: "?"}}, t.query...)
	}
	t.tokens = t.path.hasTokens() || t.query.hasTokens()
	for _, p := range [...]template{t.path, t.query} {
		for i := range p {
			p[i].text = escapeURLText(p[i].text)
		}
	}
	t.dots = dotSegments(t.path.unfilled())
	var err error
	if t.fixed, err = url.Parse(base + t.path.unfilled() + t.query.unfilled()); err == nil {
		t.text = t.fixed.String()
	}
	return t, err
}

// expand returns the URL with its tokens filled, which must not be changed, and as a text.
func (t *urlTemplate) expand(x *expansion) (*url.URL, string, error) {
	if !t.tokens {
		return t.fixed, t.text, nil
	}
	x.room(MaxTokensURL)
	before := *x
	path := x.expand(t.path, func(v value, _ part) string { return url.PathEscape(v.String()) })
	if dotSegments(path) > t.dots {
		// A value led out of its segment. Receivers take %2E%2E for .. as well, so escaping does not help.
		*x, path = before, t.path.unfilled()
		for _, p := range t.path {
			if p.name != "" {
				x.leave(p)
			}
		}
	}
	query := x.expand(t.query, func(v value, _ part) string { return strings.ReplaceAll(url.QueryEscape(v.String()), "+", "%20") })
	u, err := url.Parse(t.base + path + query)
	if err != nil {
		return nil, "", err
	}
	if u.Scheme != t.fixed.Scheme || u.Host != t.fixed.Host || u.User != nil || u.Fragment != "" {
		return nil, "", fmt.Errorf("the tokens make another URL: %s", u)
	}
	return u, u.String(), nil
}

// escapeURLText escapes what cannot stand in a URL's path or query, and leaves escapes as they are. Without it
// net/url would write the whole path anew, and unescape the slashes of values.
func escapeURLText(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) || c != '%' && mayStandInURL(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func mayStandInURL(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~!$&'()*+,;=:@/?[]", c) >= 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f'
}

// dotSegments counts the segments of a path that are . or .., as receivers see them that unescape the path first.
func dotSegments(path string) int {
	if !strings.Contains(path, ".") && !strings.Contains(path, "%") {
		return 0
	}
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	n := 0
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			n++
		}
	}
	return n
}
