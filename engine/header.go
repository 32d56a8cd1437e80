package engine

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Header is one header line of a webhook.
type Header struct {
	Name  string
	Value Secret
	// Sensitive values are sealed on disk and masked wherever they are shown. Authorization and Cookie always are.
	Sensitive bool
}

// reservedHeaders belong to the connection or to Labhook itself.
var reservedHeaders = []string{
	"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
	"webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-timestamp", "svix-signature", "traceparent",
}

// reservedPrefixes start the names of further headers that a webhook cannot set.
var reservedPrefixes = []string{"proxy-", "labhook-"}

// reservedHeader reports whether a header of that name is not a webhook's to set.
func reservedHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(reservedHeaders, name) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// alwaysSensitive are headers that carry a secret by their meaning.
var alwaysSensitive = []string{"authorization", "cookie"}

// sensitiveWords mark a header whose value is a secret, wherever they stand in its name.
var sensitiveWords = []string{"auth", "cookie", "key", "pass", "secret", "session", "signature", "token"}

// SensitiveName reports whether a header of that name carries a secret.
func SensitiveName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(sensitiveWords, func(word string) bool { return strings.Contains(name, word) })
}

// ParseHeaders reads headers as they are typed: one a line, "Name: value" or "name=value". Empty lines are
// passed over. Errors name the line. The result still needs CheckHeaders.
func ParseHeaders(text string) ([]Header, error) {
	var (
		headers []Header
		bad     InvalidError
	)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		cut := strings.IndexAny(line, ":=")
		if cut < 0 {
			bad.add("headers", "Line %d has neither a colon nor an equals sign; write Name: value", i+1)
			continue
		}
		name := strings.TrimSpace(line[:cut])
		headers = append(headers, Header{
			Name: name, Value: Secret(strings.TrimSpace(line[cut+1:])), Sensitive: SensitiveName(name),
		})
	}
	return headers, bad.orNil()
}

// FormatHeaders writes headers as ParseHeaders reads them, sensitive values masked.
func FormatHeaders(headers []Header) string {
	var text strings.Builder
	for _, h := range headers {
		value := h.Value.Reveal()
		if h.Sensitive {
			value = h.Value.String()
		}
		fmt.Fprintf(&text, "%s: %s\n", h.Name, value)
	}
	return text.String()
}

// KeepMasked puts the values of before in the place of masks in headers, by name and place among the headers of
// that name, so that a form can be sent back without the secrets that it did not show.
func KeepMasked(headers, before []Header) {
	nth := map[string]int{}
	for i := range headers {
		name := strings.ToLower(headers[i].Name)
		if headers[i].Value == Mask {
			n := nth[name]
			for _, old := range before {
				if strings.EqualFold(old.Name, name) {
					if n == 0 {
						headers[i].Value, headers[i].Sensitive = old.Value, old.Sensitive
						break
					}
					n--
				}
			}
		}
		nth[name]++
	}
}

// isContentType reports whether the line says what the body is. It overrides the webhook's ContentType.
func (h Header) isContentType() bool { return strings.EqualFold(h.Name, "Content-Type") }

// CheckHeaders adds what breaks a rule to bad, by line.
func CheckHeaders(bad *InvalidError, headers []Header) {
	if len(headers) > MaxHeaders {
		bad.add("headers", "There may be at most %d headers, these are %d", MaxHeaders, len(headers))
	}
	size, types := 0, 0
	for i, h := range headers {
		size += len(h.Name) + len(h.Value)
		if h.isContentType() {
			types++
		}
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name):
			bad.add("headers", "Header %d: %q is not a header name; use letters, digits and hyphens", i+1, h.Name)
		case reservedHeader(h.Name):
			bad.add("headers", "Header %d: %s is set by Labhook and cannot be given", i+1, h.Name)
		case !h.Sensitive && slices.Contains(alwaysSensitive, strings.ToLower(h.Name)):
			bad.add("headers", "Header %d: %s carries a secret and must be sensitive", i+1, h.Name)
		case h.Value == Mask:
			bad.add("headers", "Header %d: enter the value of %s; its dots stand for no stored value, or for one that was meant for another scheme, host or port", i+1, h.Name)
		case !isHeaderValue(h.Value.Reveal()):
			bad.add("headers", "Header %d: the value of %s must not contain control characters", i+1, h.Name)
		case h.isContentType() && types > 1:
			bad.add("headers", "Header %d: %s was given before; remove one of the lines", i+1, h.Name)
		case h.isContentType() && !parseTokens(h.Value.Reveal(), false).hasTokens() && !isMediaType(h.Value.Reveal()):
			bad.add("headers", "Header %d: the value of %s is no media type; enter one such as application/json, or remove the line", i+1, h.Name)
		}
	}
	if size > MaxHeaderBytes {
		bad.add("headers", "The headers may have at most %d bytes in all, these have %d", MaxHeaderBytes, size)
	}
}

// isHeaderValue reports whether s may stand behind a header's name.
func isHeaderValue(s string) bool { return httpguts.ValidHeaderFieldValue(s) }
