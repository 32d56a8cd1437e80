package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
	"labhook/views"
)

// webhookFields are the fields of the form in its order, in which problems are listed.
var webhookFields = []string{
	"name", "events", "verb", "url", "headers", "send_lab_details", "content", "content_type", "enabled", "blocking",
	"delay", "timeout", "retries", "retry_policy", "error_action", "end_lab_confirmed", "notification_text",
	"description",
}

// wrongNumber stands for a number that is none: engine refuses it with the message that names the limits.
const wrongNumber = -1

// fillWebhookForm writes a webhook as texts, secrets masked.
func fillWebhookForm(w *engine.Webhook) views.WebhookForm {
	return views.WebhookForm{
		ID: w.ID, Version: w.Version,
		Name: w.Name, AllEvents: slices.Contains(w.Events, engine.AllEvents), Events: w.Events, Verb: w.Verb, URL: w.URL,
		Headers: strings.TrimRight(engine.FormatHeaders(w.Headers), "\n"), SendLabDetails: w.SendLabDetails,
		Content: w.Content, ContentType: w.ContentType, Enabled: w.Enabled, Blocking: w.Blocking,
		Delay: seconds(w.Delay), Timeout: seconds(w.Timeout), Retries: strconv.Itoa(w.Retries), RetryPolicy: w.RetryPolicy,
		ErrorAction: string(w.ErrorAction), EndLabConfirmed: w.EndLabConfirmed, NotificationText: w.NotificationText, Description: w.Description,
	}
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// readWebhookForm reads the form as it was typed.
func readWebhookForm(form url.Values) views.WebhookForm {
	version, _ := strconv.Atoi(form.Get("version")) // what is no number is a version that never was
	return views.WebhookForm{
		Version: version,
		Name:    formText(form, "name"), AllEvents: posted(form, "all_events"), Events: form["events"],
		Verb: form.Get("verb"), URL: formText(form, "url"), Headers: lines(form.Get("headers")),
		SendLabDetails: posted(form, "send_lab_details"), Content: lines(form.Get("content")), ContentType: formText(form, "content_type"),
		Enabled: posted(form, "enabled"), Blocking: posted(form, "blocking"),
		Delay: formText(form, "delay"), Timeout: formText(form, "timeout"), Retries: formText(form, "retries"),
		RetryPolicy: form.Get("retry_policy"), ErrorAction: form.Get("error_action"), EndLabConfirmed: posted(form, "end_lab_confirmed"),
		NotificationText: formText(form, "notification_text"), Description: formText(form, "description"),
	}
}

// lines writes the line ends that browsers post as two characters as one.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// webhookOf makes the webhook that a form describes from the one before, and lists every problem in the form's order.
// What the form could not show stays as it was: masked values, line ends, the order of events.
func (s *Server) webhookOf(f views.WebhookForm, before engine.Webhook) (engine.Webhook, []engine.Invalid) {
	w := before
	w.Version = f.Version
	w.Name, w.Verb, w.URL = f.Name, f.Verb, f.URL
	w.Events = eventsOf(f, before.Events)
	w.SendLabDetails, w.Enabled, w.Blocking = f.SendLabDetails, f.Enabled, f.Blocking
	if lines(before.Content) != f.Content {
		w.Content = f.Content
	}
	w.ContentType, w.NotificationText, w.Description = f.ContentType, f.NotificationText, f.Description
	w.Delay, w.Timeout = readSeconds(f.Delay), readSeconds(f.Timeout)
	w.Retries = readNumber(f.Retries)
	w.ErrorAction = engine.ErrorAction(f.ErrorAction)
	// The box may be ticked and out of sight: a confirmation counts for the choice that it was given for.
	w.EndLabConfirmed = f.EndLabConfirmed && w.ErrorAction == engine.ErrorActionEndLab && !engine.EndLabOffered(w.Events)
	if f.RetryPolicy != "" {
		w.RetryPolicy = f.RetryPolicy
	}
	headers, err := engine.ParseHeaders(f.Headers)
	problems := problemsOf(err)
	engine.KeepMasked(headers, before.Headers)
	keepSensitive(headers, before.Headers)
	w.Headers = headers
	problems = append(problems, problemsOf(w.Validate())...)
	problems = append(problems, s.refusedURL(w.URL, problems)...)
	slices.SortStableFunc(problems, func(a, b engine.Invalid) int {
		return slices.Index(webhookFields, a.Field) - slices.Index(webhookFields, b.Field)
	})
	return w, problems
}

// eventsOf returns the chosen events; the same ones as before stay in their order.
func eventsOf(f views.WebhookForm, before []string) []string {
	if f.AllEvents {
		return []string{engine.AllEvents}
	}
	if slices.Equal(slices.Sorted(slices.Values(f.Events)), slices.Sorted(slices.Values(before))) {
		return before
	}
	return f.Events
}

// keepSensitive keeps what is known about a header besides its text: one that was not touched stays as it was, and a
// new value of a secret is a secret.
func keepSensitive(headers, before []engine.Header) {
	for i := range headers {
		for _, old := range before {
			if !strings.EqualFold(old.Name, headers[i].Name) {
				continue
			}
			if old.Value == headers[i].Value {
				headers[i].Sensitive = old.Sensitive
				break
			}
			headers[i].Sensitive = headers[i].Sensitive || old.Sensitive
		}
	}
}

// refusedURL asks the egress guard, when nothing else is wrong with the URL.
func (s *Server) refusedURL(raw string, problems []engine.Invalid) []engine.Invalid {
	u, err := url.Parse(raw)
	if err != nil || firstProblem(problems, "url") != "" {
		return nil
	}
	if err := s.guard.CheckURL(u); err != nil {
		return []engine.Invalid{{Field: "url", Message: upperFirst(err.Error())}}
	}
	return nil
}

// readSeconds reads a number of seconds.
func readSeconds(text string) time.Duration {
	n := readNumber(text)
	if n < 0 || n > int(engine.MaxDelay/time.Second) {
		return wrongNumber
	}
	return time.Duration(n) * time.Second
}

func readNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return wrongNumber
	}
	return n
}
