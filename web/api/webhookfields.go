package api

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// newWebhookInput returns the values that absent fields have: those of a new webhook as the settings have it.
func newWebhookInput(site *engine.SiteSettings, consumer engine.ConsumerID) WebhookInput {
	w := site.NewWebhook(consumer)
	return WebhookInput(webhookOut(&w))
}

// newOwnPolicy returns the rules that absent fields of a custom retry policy have.
func newOwnPolicy() *OwnPolicy { return ownPolicyOut(&engine.CustomPolicy) }

// set puts what was sent into w, with the codes of event types that were named by their labels; given are the names of
// the fields that were sent. Fields that only the server sets are passed over. It returns what no webhook can hold.
func (in *WebhookInput) set(catalog *engine.Catalog, given []string, w *engine.Webhook) (bad engine.InvalidError) {
	w.Name, w.Events, w.Verb, w.URL = in.Name, catalog.Codes(in.Events), in.Verb, in.URL
	w.Headers = make([]engine.Header, len(in.Headers))
	for i, h := range in.Headers {
		sensitive := engine.SensitiveName(h.Name) || h.Sensitive != nil && *h.Sensitive
		w.Headers[i] = engine.Header{Name: h.Name, Value: engine.Secret(h.Value), Sensitive: sensitive}
	}
	w.SendLabDetails, w.Content, w.ContentType = in.SendLabDetails, in.Content, in.ContentType
	w.Enabled, w.Blocking = in.Enabled, in.Blocking
	w.Delay, w.Timeout, w.Retries = seconds(in.Delay), seconds(in.Timeout), in.Retries
	w.ErrorAction, w.NotificationText, w.EndLabConfirmed = engine.ErrorAction(in.ErrorAction), in.NotificationText, in.EndLabConfirmed
	w.Description, w.RateLimit, w.RateBurst = in.Description, in.RateLimit, in.RateBurst
	w.BasicAuth, w.ClientCert = engine.BasicAuth{}, engine.ClientCert{}
	if a := in.BasicAuth; a != nil {
		w.BasicAuth = engine.BasicAuth{Username: a.Username, Password: engine.Secret(a.Password)}
	}
	if c := in.ClientCert; c != nil {
		w.ClientCert = engine.ClientCert{Certificate: c.Certificate, Key: engine.Secret(c.Key)}
	}
	g := in.Signing
	w.Signing = engine.Signing{
		Scheme: engine.SigningScheme(g.Scheme), Names: engine.SigningNames(g.Names), Header: g.Header, Secret: engine.Secret(g.Secret),
	}
	return in.setPolicy(given, w)
}

// setPolicy puts the retry policy into w, and what it suggests where only the policy was sent.
func (in *WebhookInput) setPolicy(given []string, w *engine.Webhook) (bad engine.InvalidError) {
	w.RetryPolicy, w.Custom = in.RetryPolicy.Preset, engine.RetryPolicy{}
	if own := in.RetryPolicy.Own; own != nil {
		w.RetryPolicy = engine.CustomPolicyName
		if w.Custom, bad = own.policy(); len(bad) > 0 {
			return bad
		}
	} else if w.RetryPolicy == engine.CustomPolicyName {
		return invalid("retry_policy", "Send the rules of a policy of your own as an object: %s", strings.Join(shapeOf(reflect.TypeFor[OwnPolicy]()).names, ", "))
	}
	if _, ok := engine.RetryPolicyNamed(w.RetryPolicy); !ok || !slices.Contains(given, "retry_policy") {
		return nil
	}
	if !slices.Contains(given, "retries") {
		w.Retries = w.Policy().Retries
	}
	if !slices.Contains(given, "timeout") {
		w.Timeout = w.Policy().Timeout
	}
	return nil
}

// policy returns the rules as the engine holds them. It suggests a retry for each wait.
func (p *OwnPolicy) policy() (engine.RetryPolicy, engine.InvalidError) {
	own := engine.CustomPolicy
	own.On4xx, own.GoneDeactivates, own.OnExhausted = engine.On4xx(p.On4xx), p.GoneDeactivates, engine.OnExhausted(p.OnExhausted)
	own.Waits = make([]time.Duration, len(p.Waits))
	for i, wait := range p.Waits {
		own.Waits[i] = seconds(wait)
	}
	own.Retries = min(len(own.Waits), own.MaxRetries)
	success, err := engine.ParseRanges(p.Success)
	if err != nil {
		return own, invalid("retry_policy.success", "%s", err)
	}
	own.Success = success
	return own, nil
}

// nested gives fields of a custom retry policy the names that they have in the API.
func nested(err error) error {
	fields, ok := errors.AsType[engine.InvalidError](err)
	if !ok {
		return err
	}
	for i, f := range fields {
		if name, ok := strings.CutPrefix(f.Field, "custom."); ok {
			fields[i].Field = "retry_policy." + name
		}
	}
	return fields
}

func webhookOut(w *engine.Webhook) Webhook {
	headers := make([]Header, len(w.Headers))
	for i, h := range w.Headers {
		value := h.Value.Reveal()
		if h.Sensitive {
			value = h.Value.String()
		}
		headers[i] = Header{Name: h.Name, Value: value, Sensitive: &h.Sensitive}
	}
	out := Webhook{
		ID: w.ID.String(), Consumer: w.ConsumerID.String(), Name: w.Name, Events: append([]string{}, w.Events...), Verb: w.Verb,
		URL: w.URL, Headers: headers, SendLabDetails: w.SendLabDetails, Content: w.Content, ContentType: w.ContentType,
		Enabled: w.Enabled, Blocking: w.Blocking, Delay: int(w.Delay / time.Second), Timeout: int(w.Timeout / time.Second),
		Retries: w.Retries, RetryPolicy: policyOut(w), ErrorAction: string(w.ErrorAction),
		NotificationText: w.NotificationText, EndLabConfirmed: w.EndLabConfirmed, Description: w.Description,
		Signing: signingOut(w.Signing), RateLimit: w.RateLimit, RateBurst: w.RateBurst,
		DeactivateReason: textOrNull(string(w.DeactivateReason)), DeactivatedAt: timeOrNull(w.DeactivatedAt),
		Warnings: warnings(w), Position: w.Position, Version: w.Version, CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}
	if a := w.BasicAuth; a != (engine.BasicAuth{}) {
		out.BasicAuth = &BasicAuth{Username: a.Username, Password: a.Password.String()}
	}
	if c := w.ClientCert; c != (engine.ClientCert{}) {
		out.ClientCert = &ClientCert{Certificate: c.Certificate, Key: c.Key.String()}
	}
	return out
}

// warnings says what about a webhook is allowed but hardly meant.
func warnings(w *engine.Webhook) []string {
	list := []string{}
	for _, token := range w.UnknownTokens() {
		list = append(list, fmt.Sprintf("No event of the webhook can fill the token %s; it is sent as it stands", token))
	}
	return list
}

func policyOut(w *engine.Webhook) RetryPolicy {
	if w.RetryPolicy == engine.CustomPolicyName {
		return RetryPolicy{Own: ownPolicyOut(&w.Custom)}
	}
	return RetryPolicy{Preset: w.RetryPolicy}
}

func ownPolicyOut(p *engine.RetryPolicy) *OwnPolicy {
	out := &OwnPolicy{
		Waits: make([]int, len(p.Waits)), Success: engine.FormatRanges(p.Success), On4xx: string(p.On4xx),
		GoneDeactivates: p.GoneDeactivates, OnExhausted: string(p.OnExhausted),
	}
	for i, wait := range p.Waits {
		out.Waits[i] = int(wait / time.Second)
	}
	return out
}

func signingOut(g engine.Signing) Signing {
	out := Signing{
		Scheme: string(g.Scheme), Names: string(g.Names), Header: g.Header, Secret: g.Secret.String(), PublicKey: g.PublicKey(),
	}
	if g.OldUntil.After(time.Now()) {
		out.OldUntil = timeOrNull(g.OldUntil)
	}
	return out
}

// seconds keeps a number within what a duration can hold, which the engine then judges.
func seconds(n int) time.Duration {
	const most = 1 << 31
	return time.Duration(min(max(n, -most), most)) * time.Second
}
