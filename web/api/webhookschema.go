package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"labhook/engine"
)

func describeWebhook(s *huma.Schema) *huma.Schema {
	choices(s, "verb", engine.Verbs...)
	choices(s, "error_action", engine.ErrorActions...)
	mostRetries := 0
	for _, p := range engine.RetryPolicies {
		mostRetries = max(mostRetries, p.MaxRetries)
	}
	between(s, "retries", 0, float64(mostRetries))
	maxLengths(s, map[string]int{
		"name": engine.MaxWebhookName, "url": engine.MaxURL, "content": engine.MaxContent,
		"content_type": engine.MaxContentType, "notification_text": engine.MaxNotificationText, "description": engine.MaxDescription,
	})
	s.Properties["headers"].MaxItems = new(int(engine.MaxHeaders))
	between(s, "delay", 0, engine.MaxDelay.Seconds())
	between(s, "timeout", engine.MinTimeout.Seconds(), engine.MaxTimeout.Seconds())
	between(s, "rate_limit", 0, engine.MaxRateLimit)
	between(s, "rate_burst", 0, engine.MaxRateLimit)
	orNull(s, "basic_auth")
	orNull(s, "client_cert")
	return s
}

// TransformSchema adds the engine's limits.
func (Webhook) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return describeWebhook(s)
}

// TransformSchema adds the engine's limits; what has a default may be left out.
func (WebhookInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"name", "events", "url"}
	w := newWebhookInput(&engine.DefaultSite, 0)
	for field, value := range map[string]any{
		"verb": w.Verb, "send_lab_details": w.SendLabDetails, "enabled": w.Enabled, "blocking": w.Blocking, "delay": w.Delay, "error_action": w.ErrorAction,
		"end_lab_confirmed": w.EndLabConfirmed, "rate_limit": w.RateLimit, "rate_burst": w.RateBurst,
	} {
		s.Properties[field].Default = value
	}
	return describeWebhook(s)
}

// Schema describes both forms: a name, and an object.
func (RetryPolicy) Schema(r huma.Registry) *huma.Schema {
	preset := &huma.Schema{Type: huma.TypeString}
	for _, p := range engine.RetryPolicies {
		if p.Name != engine.CustomPolicyName {
			preset.Enum = append(preset.Enum, p.Name)
		}
	}
	return &huma.Schema{OneOf: []*huma.Schema{preset, r.Schema(reflect.TypeFor[OwnPolicy](), true, "")}}
}

// TransformSchema adds the engine's limits; all may be left out.
func (OwnPolicy) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	p := newOwnPolicy()
	for field, value := range map[string]any{
		"waits": p.Waits, "success": p.Success, "on_4xx": p.On4xx, "gone_deactivates": p.GoneDeactivates, "on_exhausted": p.OnExhausted,
	} {
		s.Properties[field].Default = value
	}
	waits := s.Properties["waits"]
	waits.MinItems, waits.MaxItems = new(1), new(int(engine.MaxWaits))
	waits.Items.Minimum, waits.Items.Maximum = new(1.0), new(engine.MaxRetryWait.Seconds())
	choices(s, "on_4xx", engine.On4xxRetry, engine.On4xxGiveUp, engine.On4xxDeactivate)
	choices(s, "on_exhausted", engine.OnExhaustedErrorAction, engine.OnExhaustedDeactivate)
	return s
}

// TransformSchema names the choices; all may be left out.
func (Signing) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	g := newWebhookInput(&engine.DefaultSite, 0).Signing
	s.Properties["scheme"].Default, s.Properties["names"].Default = g.Scheme, g.Names
	choices(s, "scheme", engine.SigningSchemes...)
	choices(s, "names", engine.NamesWebhook, engine.NamesSvix, engine.NamesBoth)
	return s
}

// TransformSchema makes both optional.
func (BasicAuth) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	return s
}

// TransformSchema adds the engine's limits; all may be left out.
func (RotateInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	s.Properties["grace"].Default = newRotateInput().Grace
	between(s, "grace", 0, engine.MaxRotationGrace.Seconds())
	return s
}

// TransformSchema says what may be left out.
func (RecoverInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"since"}
	s.Properties["count_only"].Default = false
	return s
}

// TransformSchema says what may be null.
func (Recoverable) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	orNull(s, "recovery")
	return s
}

// orNull lets a field that is an object be null.
func orNull(s *huma.Schema, field string) {
	object := s.Properties[field]
	s.Properties[field] = &huma.Schema{
		OneOf: []*huma.Schema{object, {Type: "null"}}, Description: object.Description,
	}
}
