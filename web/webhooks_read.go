package web

import (
	"context"
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
	"name", "events", "verb", "url", "headers", "content", "content_type", "enabled", "blocking",
	"delay", "timeout", "retries", "error_action", "end_lab_confirmed", "notification_text",
	"basic_auth.username", "basic_auth.password", "signing.scheme", "signing.names", "signing.header", "signing.secret",
	"client_cert.certificate", "client_cert.key",
	"retry_policy", "custom.waits", "custom.success", "custom.on_4xx", "custom.gone_deactivates", "custom.on_exhausted",
	"rate_limit", "rate_burst", "description",
}

// rowOf has the row of the form at which a problem stands that has another name, as the API's.
var rowOf = map[string]string{
	"basic_auth": "basic_auth.username", "client_cert": "client_cert.certificate", "signing": "signing.scheme",
	"waits": "custom.waits", "success": "custom.success", "on_4xx": "custom.on_4xx", "on_exhausted": "custom.on_exhausted",
}

// wrongNumber stands for a number that is none: engine refuses it with the message that names the limits.
const wrongNumber = -1

// fillWebhookForm writes a webhook as texts, secrets masked.
func fillWebhookForm(w *engine.Webhook) views.WebhookForm {
	return views.WebhookForm{
		ID: w.ID, Version: w.Version,
		Name: w.Name, AllEvents: slices.Contains(w.Events, engine.AllEvents), Events: w.Events, Verb: w.Verb, URL: w.URL,
		Headers: strings.TrimRight(engine.FormatHeaders(w.Headers), "\n"), Body: bodyOf(w),
		Content: w.Content, ContentType: w.ContentType, Enabled: w.Enabled, Blocking: w.Blocking,
		Delay: seconds(w.Delay), Timeout: seconds(w.Timeout), Retries: strconv.Itoa(w.Retries),
		ErrorAction: string(w.ErrorAction), EndLabConfirmed: w.EndLabConfirmed, NotificationText: w.NotificationText, Description: w.Description,
		BasicAuth: views.BasicAuthForm{Username: w.BasicAuth.Username, Password: w.BasicAuth.Password.String()},
		Signing: views.SigningForm{
			Scheme: string(w.Signing.Scheme), Names: string(w.Signing.Names), Header: w.Signing.Header, Secret: w.Signing.Secret.String(),
		},
		ClientCert:  views.ClientCertForm{Certificate: w.ClientCert.Certificate, Key: w.ClientCert.Key.String()},
		RetryPolicy: w.RetryPolicy, Custom: fillCustomPolicy(w), RateLimit: numberOrNone(w.RateLimit), RateBurst: numberOrNone(w.RateBurst),
	}
}

// fillCustomPolicy writes the rules of a webhook's own policy, or those that one begins with.
func fillCustomPolicy(w *engine.Webhook) views.CustomPolicyForm {
	p := &engine.CustomPolicy
	if w.RetryPolicy == engine.CustomPolicyName {
		p = &w.Custom
	}
	return views.CustomPolicyForm{
		Waits: engine.FormatWaits(p.Waits), Success: engine.FormatRanges(p.Success), On4xx: string(p.On4xx),
		OnExhausted: string(p.OnExhausted), GoneDeactivates: p.GoneDeactivates,
	}
}

// bodyOf is the choice that stands for Studio's two fields.
func bodyOf(w *engine.Webhook) string {
	switch {
	case w.SendLabDetails:
		return views.BodyLabDetails
	case w.Content == "":
		return views.BodyEmpty
	}
	return views.BodyOwn
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func numberOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// readWebhookForm reads the form as it was typed.
func readWebhookForm(form url.Values) views.WebhookForm {
	version, _ := strconv.Atoi(form.Get("version")) // what is no number is a version that never was
	return views.WebhookForm{
		Version: version,
		Name:    formText(form, "name"), AllEvents: posted(form, "all_events"), Events: form["events"],
		Verb: form.Get("verb"), URL: formText(form, "url"), Headers: lines(form.Get("headers")),
		Body: form.Get("body"), Content: lines(form.Get("content")), ContentType: formText(form, "content_type"),
		Enabled: posted(form, "enabled"), Blocking: posted(form, "blocking"),
		Delay: formText(form, "delay"), Timeout: formText(form, "timeout"), Retries: formText(form, "retries"),
		ErrorAction: form.Get("error_action"), EndLabConfirmed: posted(form, "end_lab_confirmed"),
		NotificationText: formText(form, "notification_text"), Description: formText(form, "description"),
		BasicAuth: views.BasicAuthForm{Username: formText(form, "basic_auth.username"), Password: form.Get("basic_auth.password")},
		Signing: views.SigningForm{
			Scheme: form.Get("signing.scheme"), Names: form.Get("signing.names"),
			Header: formText(form, "signing.header"), Secret: formText(form, "signing.secret"),
		},
		ClientCert: views.ClientCertForm{
			Certificate: strings.TrimSpace(lines(form.Get("client_cert.certificate"))), Key: strings.TrimSpace(lines(form.Get("client_cert.key"))),
		},
		RetryPolicy: form.Get("retry_policy"),
		Custom: views.CustomPolicyForm{
			Waits: formText(form, "custom.waits"), Success: formText(form, "custom.success"), On4xx: form.Get("custom.on_4xx"),
			OnExhausted: form.Get("custom.on_exhausted"), GoneDeactivates: posted(form, "custom.gone_deactivates"),
		},
		RateLimit: formText(form, "rate_limit"), RateBurst: formText(form, "rate_burst"),
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
	w.Enabled, w.Blocking = f.Enabled, f.Blocking
	w.ContentType, w.NotificationText, w.Description = f.ContentType, f.NotificationText, f.Description
	w.Delay, w.Timeout = readSeconds(f.Delay), readSeconds(f.Timeout)
	w.Retries = readNumber(f.Retries)
	w.ErrorAction = engine.ErrorAction(f.ErrorAction)
	// The box may be ticked and out of sight: a confirmation counts for the choice that it was given for.
	w.EndLabConfirmed = f.EndLabConfirmed && w.ErrorAction == engine.ErrorActionEndLab && !engine.EndLabOffered(w.Events)
	w.RateLimit, w.RateBurst = readOptional(f.RateLimit), readOptional(f.RateBurst)
	headers, err := engine.ParseHeaders(f.Headers)
	w.Headers = headers
	problems := slices.Concat(problemsOf(err), readBody(f, &w, &before), readCustomPolicy(f, &w))
	readAuth(f, &w, &before)
	w.KeepMasked(&before)
	keepSensitive(headers, before.Headers)
	problems = s.judge(&w, problems)
	return w, problems
}

// judge adds what the engine and the egress guard have to say to the problems that the form has shown already, each
// at its row.
func (s *Server) judge(w *engine.Webhook, problems []engine.Invalid) []engine.Invalid {
	for _, p := range problemsOf(w.Validate(s.store.Directory().Catalog())) {
		if row := rowOf[p.Field]; row != "" {
			p.Field = row
		}
		// Waits that could not be read are not missing as well.
		if !strings.HasPrefix(p.Field, "custom.") || firstProblem(problems, p.Field) == "" {
			problems = append(problems, p)
		}
	}
	problems = append(problems, s.refusedURL(w.URL, problems)...)
	sortProblems(problems)
	return problems
}

// sortProblems puts problems into the order of the form.
func sortProblems(problems []engine.Invalid) {
	slices.SortStableFunc(problems, func(a, b engine.Invalid) int {
		return slices.Index(webhookFields, a.Field) - slices.Index(webhookFields, b.Field)
	})
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

// refusedURL asks the egress guard, when nothing else is wrong with the URL. Names are not resolved here.
func (s *Server) refusedURL(raw string, problems []engine.Invalid) []engine.Invalid {
	u, err := url.Parse(raw)
	if err != nil || firstProblem(problems, "url") != "" {
		return nil
	}
	if err := s.guard.CheckWritten(u); err != nil {
		return []engine.Invalid{{Field: "url", Message: upperFirst(err.Error())}}
	}
	return nil
}

// refusedName asks the egress guard where the URL's name leads. A warning is for the message that the webhook was saved.
func (s *Server) refusedName(ctx context.Context, raw string) (problems []engine.Invalid, warning string) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, ""
	}
	warning, err = s.guard.CheckURL(ctx, u)
	if err != nil {
		return []engine.Invalid{{Field: "url", Message: upperFirst(err.Error())}}, ""
	}
	if warning != "" {
		warning = " " + upperFirst(warning) + "."
	}
	return nil, warning
}
