package engine

import (
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a webhook. Studio documents none but the number of retries; the others are Labhook's own.
const (
	MaxWebhookName         = 100       // characters
	MaxWebhooksPerConsumer = 1000      // webhooks
	MaxURL                 = 2048      // bytes
	MaxHeaders             = 50        // lines
	MaxHeaderBytes         = 8 << 10   // bytes of all names and values together
	MaxContent             = 256 << 10 // bytes
	MaxContentType         = 200       // characters
	MaxNotificationText    = 500       // characters
	MaxDelay               = 24 * time.Hour
	MinTimeout             = time.Second
	MaxTimeout             = 5 * time.Minute
	MaxRateLimit           = 10_000           // requests a second, and at once
	DefaultTimeout         = 30 * time.Second // what Studio's forms open with
)

// AllEvents as an event of a webhook stands for every event that is not a system event.
const AllEvents = "*"

// Verbs lists the HTTP methods that a webhook may use: Studio's four, and PATCH.
var Verbs = []string{"POST", "PUT", "PATCH", "GET", "DELETE"}

// VerbHasBody reports whether a request of that verb carries a body: GET and DELETE do not.
func VerbHasBody(verb string) bool { return verb != "GET" && verb != "DELETE" }

// Webhook says what to call, when and how. The fields are named as on Skillable Studio's form and stand in its order.
type Webhook struct {
	ID         WebhookID
	ConsumerID ConsumerID

	Name           string
	Events         []string // event type codes, or AllEvents alone
	Verb           string
	URL            string
	Headers        []Header
	SendLabDetails bool   // the body is the lab details; Content is then not used
	Content        string // own body, used when SendLabDetails is off; may be empty
	Enabled        bool
	Blocking       bool
	Delay          time.Duration // whole seconds, from the moment the delivery's turn comes to the first attempt
	Timeout        time.Duration // whole seconds for one attempt, reading the answer included
	Retries        int           // attempts after the first one
	ErrorAction    ErrorAction

	ContentType      string // of Content; empty: JSON where Content is JSON, else plain text
	NotificationText string // what ErrorActionNotifyUser says, with @lab tokens; empty: StandardNotification
	EndLabConfirmed  bool   // End Lab was chosen though learners may lose work
	RetryPolicy      string // name of a RetryPolicy
	Description      string

	// Custom is the policy itself where RetryPolicy is CustomPolicyName, else zero.
	Custom     RetryPolicy
	BasicAuth  BasicAuth
	Signing    Signing
	ClientCert ClientCert
	RateLimit  int // requests a second at most; 0: no limit
	RateBurst  int // requests that may go at once within RateLimit; 0: as many as RateLimit

	// DeactivateReason and DeactivatedAt say why and since when it is not enabled; zero while it is.
	DeactivateReason DeactivateReason
	DeactivatedAt    time.Time

	Position             int // order among the consumer's webhooks, from 1
	Version              int // counts up with each change, from 1; attempts record which one they used
	CreatedAt, UpdatedAt time.Time
	CreatedBy, UpdatedBy string
	DeletedAt            time.Time // zero: not deleted; a deleted webhook stays readable for its deliveries
}

// NewWebhook returns a webhook with the values that Studio's form opens with.
func NewWebhook(consumer ConsumerID) Webhook {
	return Webhook{
		ConsumerID: consumer, Verb: "POST", SendLabDetails: true, Enabled: true, Timeout: DefaultTimeout,
		Retries: StudioPolicy.Retries, ErrorAction: ErrorActionLog, RetryPolicy: StudioPolicy.Name,
		Signing: Signing{Scheme: SigningV1, Names: NamesWebhook},
	}
}

// Policy returns the webhook's retry policy, which must not be changed.
func (w *Webhook) Policy() *RetryPolicy {
	if w.RetryPolicy == CustomPolicyName {
		return &w.Custom
	}
	for i := range RetryPolicies {
		if RetryPolicies[i].Name == w.RetryPolicy {
			return &RetryPolicies[i]
		}
	}
	return &StudioPolicy
}

// ListensTo reports whether events of that type concern the webhook. System events do only when they are named.
func (w *Webhook) ListensTo(eventType string) bool {
	return slices.Contains(w.Events, eventType) || slices.Contains(w.Events, AllEvents) && !BuiltIn.System(eventType)
}

// Validate returns an InvalidError that names every field that breaks a rule. The catalog is that of the moment.
func (w *Webhook) Validate(c *Catalog) error {
	var bad InvalidError
	if strings.TrimSpace(w.Name) == "" {
		bad.add("name", "Enter a name")
	}
	bad.checkLine("name", "Name", w.Name, MaxWebhookName)
	w.checkEvents(&bad, c)
	if !slices.Contains(Verbs, w.Verb) {
		bad.add("verb", "Verb must be one of %s", strings.Join(Verbs, ", "))
	}
	checkURL(&bad, w.URL)
	CheckHeaders(&bad, w.Headers)
	w.checkSigning(&bad)
	w.checkContent(&bad)
	checkSeconds(&bad, "delay", "Delay", w.Delay, 0, MaxDelay)
	checkSeconds(&bad, "timeout", "Timeout", w.Timeout, MinTimeout, MaxTimeout)
	if policy, ok := RetryPolicyNamed(w.RetryPolicy); !ok {
		names := make([]string, len(RetryPolicies))
		for i, p := range RetryPolicies {
			names[i] = p.Name
		}
		bad.add("retry_policy", "Retry policy must be one of %s", strings.Join(names, ", "))
	} else if w.Retries < 0 || w.Retries > policy.MaxRetries {
		bad.add("retries", "Retries must be a whole number from 0 to %d", policy.MaxRetries)
	}
	if w.RetryPolicy == CustomPolicyName {
		w.Custom.validateCustom(&bad)
	}
	w.checkRate(&bad)
	w.checkClientCert(&bad)
	if !slices.Contains(ErrorActions, w.ErrorAction) {
		bad.add("error_action", "Error action must be one of %s, %s and %s", ErrorActionLog, ErrorActionNotifyUser, ErrorActionEndLab)
	}
	w.checkEndLab(&bad, c)
	bad.checkText("notification_text", "Notification text", w.NotificationText, MaxNotificationText)
	bad.checkText("description", "Description", w.Description, MaxDescription)
	return bad.orNil()
}

func (w *Webhook) checkRate(bad *InvalidError) {
	if w.RateLimit < 0 || w.RateLimit > MaxRateLimit {
		bad.add("rate_limit", "The rate limit must be 0, for none, or up to %d requests a second", MaxRateLimit)
	}
	switch {
	case w.RateBurst < 0 || w.RateBurst > MaxRateLimit:
		bad.add("rate_burst", "The burst must be 0, for as many as the rate limit, or up to %d requests", MaxRateLimit)
	case w.RateBurst > 0 && w.RateLimit == 0:
		bad.add("rate_burst", "A burst needs a rate limit")
	}
}

func (w *Webhook) checkEvents(bad *InvalidError, c *Catalog) {
	if len(w.Events) == 0 {
		bad.add("events", "Choose the event that the webhook listens to")
	}
	seen := map[string]bool{}
	for _, code := range w.Events {
		switch {
		case seen[code]:
			bad.add("events", "%q is named twice", code)
		case code == AllEvents:
			if len(w.Events) > 1 {
				bad.add("events", "%q stands for all events and must be alone", AllEvents)
			}
		default:
			// A label is no code: stored as one it would never match.
			if kind, ok := c.Find(code); !ok {
				bad.add("events", "There is no event type %q", code)
			} else if kind.Code != code {
				bad.add("events", "%q is named by its code, %s", code, kind.Code)
			}
		}
		seen[code] = true
	}
}

func (w *Webhook) checkContent(bad *InvalidError) {
	if len(w.Content) > MaxContent {
		bad.add("content", "Content may have at most %d bytes, this one has %d", MaxContent, len(w.Content))
	}
	if !utf8.ValidString(w.Content) {
		bad.add("content", "Content must be UTF-8 text")
	}
	if w.ContentType != "" && !isMediaType(w.ContentType) {
		bad.add("content_type", "Enter a media type such as application/json")
	}
	if w.SendLabDetails || w.Content == "" {
		return
	}
	switch contentType := w.contentType(); {
	case isJSONType(contentType):
		if _, msg := parseJSONTemplate(w.Content); msg != "" {
			bad.add("content", "Content is not JSON: %s", msg)
		}
	case isJSONLines(contentType):
		if msg := jsonLinesProblem(w.Content); msg != "" {
			bad.add("content", "Content is not a JSON value a line: %s", msg)
		}
	}
}

// contentType returns what is said of the webhook's own content: by a header line without tokens or, where there is none,
// by ContentType.
func (w *Webhook) contentType() string {
	given := w.ContentType
	for _, h := range w.Headers {
		if h.isContentType() && !parseTokens(h.Value.Reveal(), false).hasTokens() {
			given = h.Value.Reveal()
		}
	}
	return given
}

// isMediaType reports whether s may stand as a Content-Type.
func isMediaType(s string) bool {
	mediaType, _, err := mime.ParseMediaType(s)
	return err == nil && strings.Contains(mediaType, "/") && len(s) <= MaxContentType && isHeaderValue(s)
}

// checkURL holds the rules of a webhook's URL that need no look at the network.
func checkURL(bad *InvalidError, raw string) {
	const example = "such as https://hooks.example.com/lab"
	if strings.TrimSpace(raw) == "" {
		bad.add("url", "Enter a URL, %s", example)
		return
	}
	if len(raw) > MaxURL {
		bad.add("url", "URL may have at most %d bytes, this one has %d", MaxURL, len(raw))
		return
	}
	if token := tokenInAuthority(raw); token != "" {
		bad.add("url", "Write out scheme, host and port: %s can only stand behind them", token)
		return
	}
	u, err := url.Parse(raw)
	if err != nil || strings.ContainsAny(raw, " \t\r\n\\") {
		bad.add("url", "This is not a URL; enter one %s", example)
		return
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		bad.add("url", "Enter a URL that starts with https:// or http://")
	case u.Hostname() == "":
		bad.add("url", "The URL names no host; enter one %s", example)
	case u.User != nil:
		bad.add("url", "The URL must not hold a user or password; send an Authorization header instead")
	case strings.Contains(u.RawQuery, Mask):
		bad.add("url", "Enter the query of the URL in full; its dots stand for no stored value, or for one that was meant for another URL")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		bad.add("url", "The URL must not have a part after #, it is never sent")
	case u.Port() != "" && !validPort(u.Port()):
		bad.add("url", "The port must be a number from 1 to 65535")
	}
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 65536
}

// checkSeconds adds a message unless d is a whole number of seconds from least to most.
func checkSeconds(bad *InvalidError, field, label string, d, least, most time.Duration) {
	if d < least || d > most || d%time.Second != 0 {
		bad.add(field, "%s must be a whole number of seconds from %d to %d", label, least/time.Second, most/time.Second)
	}
}

// AttemptsInAll is how many attempts the webhook makes before it gives up.
func (w *Webhook) AttemptsInAll() int { return w.Retries + 1 }
