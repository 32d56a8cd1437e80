package skilljar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"labhook/engine"
)

// maxTargetURL is how many characters a target_url may have, as Skilljar publishes it.
const maxTargetURL = 1024

// idPrefix starts Labhook's ids of webhooks; ids of this shape do without.
const idPrefix = "wh_"

// userAgent is what Skilljar calls itself. A webhook that is made here sends it, as a header of its own that
// additional_headers does not show.
const (
	userAgentHeader = "User-Agent"
	userAgent       = "skilljar"
)

// eventTypes are the codes that event_type may have, in the order of Skilljar's description.
var eventTypes = []string{
	engine.SkilljarCourseCompletion, engine.SkilljarCourseEnrollment, engine.SkilljarDomainEnrollment, engine.SkilljarLessonCompletion,
	engine.SkilljarPathCompletion, engine.SkilljarPathEnrollment, engine.SkilljarPurchaseFulfillment, engine.SkilljarQuizCompletion,
	engine.SkilljarVILTRegistration, engine.SkilljarDashboardTaskCreated,
}

// webhook is a webhook in the platform's shape.
type webhook struct {
	ID                string            `json:"id"`
	TargetURL         string            `json:"target_url"`
	Active            bool              `json:"active"`
	DeactivateReason  *string           `json:"deactivate_reason"`
	EventType         *string           `json:"event_type"` // null: all events
	BasicAuthUsername string            `json:"basic_auth_username"`
	BasicAuthPassword string            `json:"basic_auth_password"`
	AdditionalHeaders map[string]string `json:"additional_headers"`
}

// expressible reports whether the platform's shape can tell the events and the headers of a webhook.
func expressible(w *engine.Webhook) bool {
	if len(w.Events) != 1 || w.Events[0] != engine.AllEvents && !slices.Contains(eventTypes, w.Events[0]) {
		return false
	}
	names := map[string]bool{}
	for _, h := range w.Headers {
		name := strings.ToLower(h.Name)
		if names[name] {
			return false
		}
		names[name] = true
	}
	return true
}

// webhookOut writes a webhook that is expressible, secrets masked.
func webhookOut(w *engine.Webhook) webhook {
	out := webhook{
		ID: strings.TrimPrefix(w.ID.String(), idPrefix), TargetURL: w.URL, Active: w.Enabled, DeactivateReason: reasonOut(w.DeactivateReason),
		BasicAuthUsername: w.BasicAuth.Username, BasicAuthPassword: w.BasicAuth.Password.String(), AdditionalHeaders: map[string]string{},
	}
	if code := w.Events[0]; code != engine.AllEvents {
		out.EventType = &code
	}
	for _, h := range w.Headers {
		if platformAgent(h) {
			continue
		}
		out.AdditionalHeaders[h.Name] = h.Value.Reveal()
		if h.Sensitive {
			out.AdditionalHeaders[h.Name] = h.Value.String()
		}
	}
	return out
}

// reasonOut returns the platform's code for why a webhook is off; nil: it has none, or the webhook is on.
func reasonOut(reason engine.DeactivateReason) *string {
	switch reason {
	case engine.DeactivatedBy4xx, engine.DeactivatedByGone:
		return new(string(engine.DeactivatedBy4xx))
	case engine.DeactivatedByRetries:
		return new(string(engine.DeactivatedByRetries))
	}
	return nil
}

// platformAgent reports whether a header is the one that newWebhook adds.
func platformAgent(h engine.Header) bool {
	return strings.EqualFold(h.Name, userAgentHeader) && h.Value == userAgent
}

// newWebhook returns what a webhook that is made here begins with.
func newWebhook(consumer engine.ConsumerID) engine.Webhook {
	w := engine.NewWebhook(consumer)
	w.Events = []string{engine.AllEvents}
	w.RetryPolicy = engine.SkilljarPolicy.Name
	w.Retries, w.Timeout = engine.SkilljarPolicy.Retries, engine.SkilljarPolicy.Timeout
	w.Headers = []engine.Header{{Name: userAgentHeader, Value: userAgent}}
	return w
}

// input is what a request says about a webhook; nil: nothing.
type input struct {
	targetURL, eventType         *string // eventType "": all events
	active                       *bool
	basicUsername, basicPassword *string
	headers                      *[]engine.Header
}

// readInput reads the fields that there are; others are passed over.
func readInput(fields values) (in input, bad fieldErrors) {
	bad = fieldErrors{}
	if url := readText(fields, "target_url", "Send the URL that events are posted to.", bad); url != nil {
		in.targetURL = new(strings.TrimSpace(*url))
		checkTargetURL(*in.targetURL, bad)
	}
	in.eventType = readEventType(fields, bad)
	in.active = readActive(fields, bad)
	in.basicUsername = readText(fields, "basic_auth_username", sendBlank, bad)
	in.basicPassword = readText(fields, "basic_auth_password", sendBlank, bad)
	in.headers = readHeaders(fields, bad)
	return in, bad
}

func checkTargetURL(url string, bad fieldErrors) {
	if url == "" {
		bad.add("target_url", "This field may not be blank. Send the URL that events are posted to.")
	}
	if n := utf8.RuneCountInString(url); n > maxTargetURL {
		bad.add("target_url", fmt.Sprintf("Ensure this field has no more than %d characters (it has %d).", maxTargetURL, n))
	}
}

// sendBlank is what to do about a null where a text may be blank.
const sendBlank = `Send "" for none, or leave it out.`

// readText reads a text; remedy says what to send in place of null.
func readText(fields values, name, remedy string, bad fieldErrors) *string {
	v, ok := fields[name]
	switch {
	case !ok:
		return nil
	case v.inForm():
		return &v.text
	}
	var text *string
	switch err := json.Unmarshal(v.raw, &text); {
	case err != nil:
		bad.add(name, "Not a valid string. Send a text in double quotes.")
	case text == nil:
		bad.add(name, "This field may not be null. "+remedy)
	}
	return text
}

// readEventType reads the code of an event type; blank and null are all events.
func readEventType(fields values, bad fieldErrors) *string {
	const name = "event_type"
	if v := fields[name]; string(v.raw) == "null" {
		return new("")
	}
	code := readText(fields, name, sendBlank, bad)
	if code == nil || *code == "" || slices.Contains(eventTypes, *code) {
		return code
	}
	bad.add(name, fmt.Sprintf("%q is not a valid choice. Choose one of %s, or null for all events.", *code, strings.Join(eventTypes, ", ")))
	return code
}

// readActive reads a truth value in the spellings that the platform takes.
func readActive(fields values, bad fieldErrors) *bool {
	const name = "active"
	v, ok := fields[name]
	if !ok {
		return nil
	}
	word := v.text
	if !v.inForm() {
		word = strings.Trim(string(v.raw), `"`)
	}
	switch strings.ToLower(word) {
	case "true", "t", "yes", "y", "on", "1":
		return new(true)
	case "false", "f", "no", "n", "off", "0":
		return new(false)
	}
	bad.add(name, "Must be a valid boolean. Send true or false.")
	return nil
}

// readHeaders reads an object of texts, which in a form is written as JSON. Blank and null are none.
func readHeaders(fields values, bad fieldErrors) *[]engine.Header {
	const name = "additional_headers"
	v, ok := fields[name]
	raw := []byte(v.raw)
	if v.inForm() {
		raw = []byte(strings.TrimSpace(v.text))
	}
	headers := []engine.Header{}
	switch {
	case !ok:
		return nil
	case len(raw) == 0 || string(raw) == "null":
		return &headers
	case !json.Valid(raw) || raw[0] != '{':
		bad.add(name, `Send an object of texts with names and values in double quotes, such as {"x-client": "abc"}.`)
		return nil
	}
	seen := map[string]bool{}
	twice := eachMember(raw, func(header string, raw json.RawMessage) {
		var text *string
		if json.Unmarshal(raw, &text) != nil || text == nil {
			bad.add(name, fmt.Sprintf("The value of %q must be a text in double quotes.", header))
			return
		}
		if lower := strings.ToLower(header); seen[lower] {
			bad.add(name, fmt.Sprintf("%q is named twice; upper and lower case are the same.", header))
		} else {
			seen[lower] = true
		}
		headers = append(headers, engine.Header{Name: header, Value: engine.Secret(*text), Sensitive: engine.SensitiveName(header)})
	})
	if twice != "" {
		bad.add(name, fmt.Sprintf("%q is named twice.", twice))
	}
	return &headers
}

// apply puts what was sent into w, and keeps what the dots of secrets stand for.
func (in *input) apply(w *engine.Webhook) {
	before := *w
	if in.targetURL != nil {
		w.URL = *in.targetURL
	}
	if in.eventType != nil {
		w.Events = []string{*in.eventType}
		if *in.eventType == "" {
			w.Events = []string{engine.AllEvents}
		}
	}
	if in.active != nil {
		w.Enabled = *in.active
	}
	if in.basicUsername != nil {
		w.BasicAuth.Username = *in.basicUsername
	}
	if in.basicPassword != nil {
		w.BasicAuth.Password = engine.Secret(*in.basicPassword)
	}
	if in.headers != nil {
		w.Headers = mergeHeaders(before.Headers, *in.headers)
	}
	w.KeepMasked(&before)
}

// mergeHeaders returns the headers that were sent, as secret as they were, and behind them the one that this shape hides.
func mergeHeaders(before, sent []engine.Header) []engine.Header {
	merged := slices.Clone(sent)
	for _, old := range before {
		at := slices.IndexFunc(merged, func(h engine.Header) bool { return strings.EqualFold(h.Name, old.Name) })
		switch {
		case at >= 0:
			merged[at].Sensitive = merged[at].Sensitive || old.Sensitive
		case platformAgent(old):
			merged = append(merged, old)
		}
	}
	return merged
}
