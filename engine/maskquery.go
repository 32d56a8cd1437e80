package engine

import (
	"net/url"
	"strings"
)

// MaskQuery returns a URL without the values of its query, which may be secrets: https://x.example/hook?token=••••. They
// are for those who may change the webhook.
func MaskQuery(address string) string {
	before, rest, ok := strings.Cut(address, "?")
	if !ok {
		return address
	}
	query, fragment, hasFragment := strings.Cut(rest, "#")
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, named := strings.Cut(part, "=")
		switch {
		case named && value != "":
			parts[i] = name + "=" + Mask
		case !named && part != "":
			parts[i] = Mask
		}
	}
	masked := before + "?" + strings.Join(parts, "&")
	if hasFragment && fragment != "" {
		masked += "#" + Mask
	}
	return masked
}

// HideQuery masks the values of the query in the attempt's request, and where the receiver echoes them.
func (a *Attempt) HideQuery() {
	_, query, ok := strings.Cut(a.Request.URL, "?")
	if !ok {
		return
	}
	a.Request.URL = MaskQuery(a.Request.URL)
	if a.Answer == nil {
		return
	}
	var values []string
	for _, part := range strings.Split(query, "&") {
		_, value, named := strings.Cut(part, "=")
		if !named {
			value = part
		}
		values = appendForms(values, value)
		if plain, err := url.QueryUnescape(value); err == nil {
			values = appendForms(values, plain)
		}
	}
	a.Answer.mask(values)
	for i, line := range a.Answer.Headers {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Location") {
			a.Answer.Headers[i] = name + ":" + MaskQuery(value)
		}
	}
}
