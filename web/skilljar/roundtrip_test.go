package skilljar_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

// drawWebhook draws what a program may send of a webhook, all fields of it.
func drawWebhook(t *rapid.T) fields {
	headers := fields{}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`x-[a-z]{1,8}|X_[A-Z]{1,8}|client_(id|secret)`), 0, 5, strings.ToLower).Draw(t, "names") {
		headers[name] = rapid.StringMatching(`[!-~é]( ?[!-~é]){0,20}|`).Draw(t, "value")
	}
	var event any
	if code := rapid.SampledFrom([]string{"", "COURSE_COMPLETION", "DOMAIN_ENROLLMENT", "VILT_EVENT_REGISTRATION"}).Draw(t, "event"); code != "" {
		event = code
	}
	return fields{
		"target_url":          target + rapid.StringMatching(`(/[a-z0-9._~-]{1,9}){0,3}(\?[a-z]=[a-z0-9%20]{0,9})?`).Draw(t, "url"),
		"active":              rapid.Bool().Draw(t, "active"),
		"event_type":          event,
		"basic_auth_username": rapid.StringMatching(`[ -9;-~é]{0,20}`).Draw(t, "user"),
		"basic_auth_password": rapid.StringMatching(`[ -~é]{0,20}`).Draw(t, "password"),
		"additional_headers":  headers,
	}
}

// shown returns how a webhook that was sent is answered.
func shown(sent fields, id string) fields {
	out := maps.Clone(sent)
	out["id"], out["deactivate_reason"] = id, nil
	if sent["basic_auth_password"] != "" {
		out["basic_auth_password"] = "••••"
	}
	headers := maps.Clone(sent["additional_headers"].(fields))
	for name, value := range headers {
		if engine.SensitiveName(name) && value != "" {
			headers[name] = "••••"
		}
	}
	out["additional_headers"] = headers
	return out
}

// secretsOf returns what of a stored webhook its answer hides.
func secretsOf(w engine.Webhook) (password string, headers map[string]string) {
	headers = map[string]string{}
	for _, h := range w.Headers {
		headers[h.Name] = h.Value.Reveal()
	}
	return w.BasicAuth.Password.Reveal(), headers
}

// TestRoundTrip makes webhooks, sends them back as they are answered, and changes them to others: what is answered is
// always what was sent, and what is stored are always the secrets.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(rt *rapid.T) {
		sent := drawWebhook(rt)
		id := b.create(t, sent)
		at := path + "/" + id
		check := func(what string, want, got fields) {
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", what, diff)
			}
			password, headers := secretsOf(b.stored(t, id))
			wantHeaders := map[string]string{"User-Agent": "skilljar"}
			for name, value := range sent["additional_headers"].(fields) {
				wantHeaders[name] = value.(string)
			}
			if diff := cmp.Diff(wantHeaders, headers); diff != "" || password != sent["basic_auth_password"] {
				rt.Fatalf("%s: the password is %q, the headers (-want +got):\n%s", what, password, diff)
			}
		}
		read := func(key string) fields { return b.send(t, "GET", at, key, nil).want(200).object() }
		check("created", shown(sent, id), read("contoso"))
		unseen := shown(sent, id)
		unseen["target_url"] = engine.MaskQuery(sent["target_url"].(string))
		check("read by those who may not change it", unseen, read("contoso-read"))
		for _, method := range []string{"PUT", "PATCH"} {
			for _, key := range []string{"contoso", "contoso-read"} {
				check("sent back by "+method+" as "+key+" read it", shown(sent, id), b.send(t, method, at, "contoso", read(key)).want(200).object())
			}
		}
		sent = drawWebhook(rt)
		method := rapid.SampledFrom([]string{"PUT", "PATCH"}).Draw(rt, "method")
		check("changed by "+method, shown(sent, id), b.send(t, method, at, "contoso", sent).want(200).object())
		form := url.Values{"target_url": {target + "/form"}, "active": {"false"}}
		sent["target_url"], sent["active"] = target+"/form", false
		check("changed by a form", shown(sent, id), b.send(t, "PATCH", at, "contoso", form.Encode(), "Content-Type", formType).want(200).object())
		b.send(t, "DELETE", at, "contoso", nil).want(204)
	})
}
