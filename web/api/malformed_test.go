package api_test

import (
	"fmt"
	"strings"
	"testing"

	"labhook/web/api"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

// TestMalformedInputIsRefused sends what is wrong in all kinds of ways: each answer says what and where, and no row
// of the database changes.
func TestMalformedInputIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook(t, b.contoso.ID, "https://hooks.example.com/a", unsent)
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON(`"id": "known-1",`)).want(202)

	before := b.dump(t)
	for _, sc := range malformed(b, w) {
		t.Run(sc.name, func(t *testing.T) {
			if sc.key == "" {
				sc.key = "platform"
			}
			sc.run(t, b)
			if diff := cmp.Diff(before, b.dump(t)); diff != "" {
				t.Errorf("rows changed (-before +after):\n%s", diff)
			}
		})
	}
	if logged := b.log.String(); logged != "" {
		t.Errorf("a client's mistake was logged as an error: %s", logged)
	}
}

func malformed(b *bundle, w engine.Webhook) []scenario {
	var all []scenario
	add := func(prefix, method, path string, list []scenario) {
		for _, sc := range list {
			sc.name, sc.method, sc.path = prefix+" "+sc.name, method, path
			all = append(all, sc)
		}
	}
	add("event", "POST", "/api/v1/events", malformedEvents())
	all = append(all, malformedBatches()...)
	add("consumer", "POST", "/api/v1/consumers", malformedConsumers())
	add("consumer change", "PUT", "/api/v1/consumers/contoso", malformedConsumers())
	add("key", "POST", "/api/v1/consumers/contoso/keys", malformedKeys())
	add("platform key", "POST", "/api/v1/keys", malformedKeys())
	add("webhook", "POST", "/api/v1/webhooks", malformedWebhooks(`"consumer": "contoso",`))
	add("webhook change", "PUT", "/api/v1/webhooks/"+w.ID.String(), malformedWebhooks(fmt.Sprintf(`"version": %d,`, w.Version)))
	add("webhook", "POST", "/api/v1/webhooks", []scenario{
		{name: "without consumer", body: `{"name": "x", "events": ["*"], "url": "https://a.example"}`, status: 422, field: "consumer", message: "Name the API consumer"},
		{name: "of unknown consumer", body: `{"consumer": "nobody", "name": "x", "events": ["*"], "url": "https://a.example"}`, status: 422, field: "consumer", message: `"nobody"`},
	})
	add("webhook change", "PUT", "/api/v1/webhooks/"+w.ID.String(), []scenario{
		{name: "without version", body: `{"name": "x", "events": ["*"], "url": "https://a.example"}`, status: 422, field: "version", message: "If-Match"},
		{name: "to another consumer", body: `{"version": 1, "consumer": "fabrikam", "name": "x", "events": ["*"], "url": "https://a.example"}`, status: 422, field: "consumer", message: "stays with its API consumer"},
		{name: "of an old version", body: `{"version": 9, "name": "x", "events": ["*"], "url": "https://a.example"}`, status: 409, message: "has changed"},
		{name: "with an old ETag", headers: []string{"If-Match", `"9"`}, body: `{"name": "x", "events": ["*"], "url": "https://a.example"}`, status: 412, message: "has changed"},
	})
	below := "/api/v1/webhooks/" + w.ID.String()
	add("rotation", "POST", below+"/rotate-secret", malformedRotations())
	add("recovery", "POST", below+"/recover", malformedRecoveries())
	all = append(all,
		scenario{name: "webhook that is not paused", method: "POST", path: below + "/resume", status: 409, message: "not paused"},
		scenario{name: "webhook never recovered", method: "GET", path: below + "/recovery", status: 404, message: "never recovered"})
	add("order", "PUT", "/api/v1/consumers/contoso/webhooks/order", malformedOrders(w))
	add("move", "POST", "/api/v1/webhooks/"+w.ID.String()+"/move", []scenario{
		{name: "empty", body: "", status: 400, message: "empty"},
		{name: "without direction", body: "{}", status: 422, field: "direction", message: "up and down"},
		{name: "sideways", body: `{"direction": "left"}`, status: 422, field: "direction", message: "up and down"},
		{name: "by a number", body: `{"direction": 1}`, status: 422, field: "direction", message: "a text"},
	})
	return append(append(all, malformedWaits()...), malformedParameters()...)
}

func malformedOrders(w engine.Webhook) []scenario {
	own := w.ID.String()
	return []scenario{
		{name: "empty", body: "", status: 400, message: "empty"},
		{name: "of nothing", body: `{}`, status: 422, field: "webhooks", message: "each webhook"},
		{name: "with one twice", body: `{"webhooks": ["` + own + `", "` + own + `"]}`, status: 422, field: "webhooks", message: "once"},
		{name: "with an unknown one", body: `{"webhooks": ["` + own + `", "wh_0000000000001"]}`, status: 422, field: "webhooks", message: "each webhook"},
		{name: "with what is no id", body: `{"webhooks": ["` + own + `", "first"]}`, status: 422, field: "webhooks[1]", message: "wh_"},
		{name: "as text", body: `{"webhooks": "` + own + `"}`, status: 422, field: "webhooks", message: "a list of texts"},
		{name: "by position", body: `{"positions": [1]}`, status: 422, field: "positions", message: "webhooks"},
	}
}

func malformedWaits() []scenario {
	var all []scenario
	for query, field := range map[string]string{
		"wait=": "wait", "wait=0": "wait", "wait=-1": "wait", "wait=601": "wait", "wait=30s": "wait", "wait=1.5": "wait", "wait=forever": "wait",
		"wait=99999999999999999999": "wait", "wait=5&wait=6": "wait", "wiat=30": "wiat", "Wait=30": "Wait",
	} {
		message := "from 1 to 600"
		if field != "wait" {
			message = "no parameter"
		}
		all = append(all, scenario{
			name: "event " + query, method: "POST", path: "/api/v1/events?" + query, body: eventJSON(""),
			status: 422, field: field, message: message,
		})
	}
	return append(all, scenario{
		name: "event with a broken query", method: "POST", path: "/api/v1/events?wait=%zz", body: eventJSON(""), status: 400, message: "query",
	})
}

func malformedEvents() []scenario {
	big := strings.Repeat("x", engine.MaxEventData)
	data := `"data": {"Id": 1}`
	return []scenario{
		{name: "empty", body: "", status: 400, message: "empty"},
		{name: "blank", body: " \n ", status: 400, message: "empty"},
		{name: "no JSON", body: "type=lab.scored", status: 400, message: "(line 1, column 2)"},
		{name: "cut off", body: "{\n  \"type\": \"lab.scored\",\n  \"data\": {", status: 400, message: "(line 3, column 11)"},
		{name: "trailing text", body: `{"type": "lab.scored", ` + data + `} {}`, status: 400, message: "after top-level value"},
		{name: "no UTF-8", body: "{\"type\": \"lab.scored\", \"data\": {\"LabProfileName\": \"\xff\"}}", status: 400, message: "UTF-8"},
		{name: "too deep", body: `{"data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, status: 400, message: "depth"},
		{name: "list", body: "[" + eventJSON("") + "]", status: 400, message: "must be a JSON object"},
		{name: "text", body: `"lab.scored"`, status: 400, message: "must be a JSON object"},
		{name: "as form", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, body: eventJSON(""), status: 415, message: "application/json"},
		{name: "too large", body: eventJSON(`"subject": "` + big + big + `",`), status: 413, message: "at most"},
		{name: "without type", body: "{" + data + "}", status: 422, field: "type", message: "lab.scored"},
		{name: "of unknown type", body: `{"type": "lab.exploded", ` + data + "}", status: 422, field: "type", message: `"lab.exploded"`},
		{name: "type as number", body: `{"type": 5, ` + data + "}", status: 422, field: "type", message: "a text"},
		{name: "without data", body: `{"type": "lab.scored"}`, status: 422, field: "data", message: "JSON object"},
		{name: "null data", body: `{"type": "lab.scored", "data": null}`, status: 422, field: "data", message: "JSON object"},
		{name: "data as list", body: `{"type": "lab.scored", "data": [1]}`, status: 422, field: "data", message: "JSON object"},
		{name: "data too large", body: `{"type": "lab.scored", "data": {"x": "` + big + `"}}`, status: 422, field: "data", message: "at most"},
		{name: "lab field of a wrong type", body: `{"type": "lab.scored", "data": {"UserId": "5"}}`, status: 422, field: "data.UserId", message: "a whole number"},
		{name: "unknown field", body: eventJSON(`"colour": 1,`), status: 422, field: "colour", message: "the fields are id, type, consumer"},
		{name: "field in capitals", body: eventJSON(`"Subject": "x",`), status: 422, field: "Subject", message: "There is no field"},
		{name: "field twice", body: eventJSON(`"type": "lab.saved",`), status: 422, field: "type", message: "twice"},
		{name: "id too long", body: eventJSON(`"id": "` + strings.Repeat("a", engine.MaxSenderID+1) + `",`), status: 422, field: "id", message: "at most 64"},
		{name: "id with spaces", body: eventJSON(`"id": "a b",`), status: 422, field: "id", message: "letters"},
		{name: "id that paths cannot hold", body: eventJSON(`"id": "..",`), status: 422, field: "id", message: "must not be . or .."},
		{name: "id like our own", body: eventJSON(`"id": "evt_1",`), status: 422, field: "id", message: "evt_"},
		{name: "unknown consumer", body: eventJSON(`"consumer": "nobody",`), status: 422, field: "consumer", message: `"nobody"`},
		{name: "consumer as list", body: eventJSON(`"consumer": ["contoso"],`), status: 422, field: "consumer", message: "a text"},
		{name: "wrong time", body: eventJSON(`"occurred_at": "yesterday",`), status: 422, field: "occurred_at", message: "RFC 3339"},
		{name: "subject too long", body: eventJSON(`"subject": "` + strings.Repeat("a", engine.MaxSubject+1) + `",`), status: 422, field: "subject", message: "at most"},
		{name: "subject with control characters", body: eventJSON(`"subject": "a\u0007",`), status: 422, field: "subject", message: "control"},
		{name: "wrong Idempotency-Key", headers: []string{"Idempotency-Key", "a b"}, body: eventJSON(""), status: 422, field: "Idempotency-Key", message: "visible ASCII"},
		{name: "system event", body: `{"type": "lab.end_requested", "data": {}}`, status: 422, field: "type", message: "Labhook raises itself"},
		{name: "known id with other content", body: eventJSON(`"id": "known-1", "subject": "other",`), status: 409, message: "another event"},
	}
}

func malformedConsumers() []scenario {
	return []scenario{
		{name: "no JSON", body: `{"name": }`, status: 400, message: "column"},
		{name: "without name", body: `{"description": "x"}`, status: 422, field: "name", message: "Enter a name"},
		{name: "name of blanks", body: `{"name": "  "}`, status: 422, field: "name", message: "Enter a name"},
		{name: "name too long", body: `{"name": "` + strings.Repeat("ä", engine.MaxConsumerName+1) + `"}`, status: 422, field: "name", message: "at most 100"},
		{name: "name as number", body: `{"name": 7}`, status: 422, field: "name", message: "a text"},
		{name: "external id with a slash", body: `{"name": "x", "external_id": "a/b"}`, status: 422, field: "external_id", message: "letters"},
		{name: "external id taken", body: `{"name": "x", "external_id": "fabrikam"}`, status: 422, field: "external_id", message: "Another"},
		{name: "one send for each URL as number", body: `{"name": "x", "one_send_per_url": 1}`, status: 422, field: "one_send_per_url", message: "true or false"},
		{name: "enabled as text", body: `{"name": "x", "enabled": "yes"}`, status: 422, field: "enabled", message: "true or false"},
		{name: "wrong expiry", body: `{"name": "x", "expires": "2026-13-01"}`, status: 422, field: "expires", message: "RFC 3339"},
		{name: "unknown field", body: `{"name": "x", "externalId": "y"}`, status: 422, field: "externalId", message: "external_id"},
	}
}

func malformedKeys() []scenario {
	return []scenario{
		{name: "empty", body: "", status: 400, message: "empty"},
		{name: "without description", body: `{"scope": "read"}`, status: 422, field: "description", message: "who uses the key"},
		{name: "description too long", body: `{"description": "` + strings.Repeat("a", engine.MaxShortText+1) + `"}`, status: 422, field: "description", message: "at most 200"},
		{name: "unknown scope", body: `{"description": "x", "scope": "root"}`, status: 422, field: "scope", message: "read, send and manage"},
		{name: "scope as list", body: `{"description": "x", "scope": ["read"]}`, status: 422, field: "scope", message: "a text"},
		{name: "unknown field", body: `{"description": "x", "scopes": "read"}`, status: 422, field: "scopes", message: "There is no field"},
		{name: "wrong expiry", body: `{"description": "x", "expires": 1790000000}`, status: 422, field: "expires", message: "RFC 3339"},
		{name: "expired already", body: `{"description": "x", "expires": "2020-01-01T00:00:00Z"}`, status: 422, field: "expires", message: "passed already"},
	}
}

// malformedWebhooks lists what is wrong about a webhook; start is what the request needs beside.
func malformedWebhooks(start string) []scenario {
	with := func(fields string) string {
		body := start + fields
		for _, needed := range []string{`"name": "x"`, `"events": ["lab.scored"]`, `"url": "https://a.example/x"`} {
			if name, _, _ := strings.Cut(needed, " "); !strings.HasPrefix(fields, name) {
				body += ", " + needed
			}
		}
		return "{" + body + "}"
	}
	return append(malformedOptions(with), []scenario{
		{name: "without name", body: "{" + start + `"events": ["*"], "url": "https://a.example"}`, status: 422, field: "name", message: "Enter a name"},
		{name: "without events", body: with(`"events": []`), status: 422, field: "events", message: "Choose"},
		{name: "with unknown event", body: with(`"events": ["lab.exploded"]`), status: 422, field: "events", message: `"lab.exploded"`},
		{name: "with event twice", body: with(`"events": ["lab.saved", "lab.saved"]`), status: 422, field: "events", message: "twice"},
		{name: "with all and one", body: with(`"events": ["*", "lab.saved"]`), status: 422, field: "events", message: "alone"},
		{name: "events as text", body: with(`"events": "lab.saved"`), status: 422, field: "events", message: "a list of texts"},
		{name: "unknown verb", body: with(`"verb": "get"`), status: 422, field: "verb", message: "POST"},
		{name: "without URL", body: with(`"url": ""`), status: 422, field: "url", message: "Enter a URL"},
		{name: "URL of another scheme", body: with(`"url": "ftp://a.example"`), status: 422, field: "url", message: "https://"},
		{name: "URL with password", body: with(`"url": "https://u:p@a.example"`), status: 422, field: "url", message: "Authorization header"},
		{name: "URL of a private address", body: with(`"url": "http://10.1.2.3/x"`), status: 422, field: "url", message: "10.1.2.3 is not allowed: it is no public address; to allow it start Labhook with --allow-networks"},
		{name: "URL of the metadata service", body: with(`"url": "http://[::ffff:169.254.169.254]/x"`), status: 422, field: "url", message: "169.254.169.254"},
		{name: "headers as object", body: with(`"headers": {"A": "b"}`), status: 422, field: "headers", message: "a list of objects"},
		{name: "header as text", body: with(`"headers": [{"name": "A", "value": "b"}, "C: d"]`), status: 422, field: "headers[1]", message: "an object"},
		{name: "header with unknown field", body: with(`"headers": [{"name": "A", "val": "b"}]`), status: 422, field: "headers[0].val", message: "name, value, sensitive"},
		{name: "header value as number", body: with(`"headers": [{"name": "A", "value": 5}]`), status: 422, field: "headers[0].value", message: "a text"},
		{name: "wrong header name", body: with(`"headers": [{"name": "A b", "value": "c"}]`), status: 422, field: "headers", message: "not a header name"},
		{name: "reserved header", body: with(`"headers": [{"name": "Host", "value": "c"}]`), status: 422, field: "headers", message: "set by Labhook"},
		{name: "header with a line break", body: with(`"headers": [{"name": "A", "value": "b\r\nC: d"}]`), status: 422, field: "headers", message: "control characters"},
		{name: "mask of nothing", body: with(`"headers": [{"name": "X-Token", "value": "••••"}]`), status: 422, field: "headers", message: "enter the value"},
		{name: "content that is no JSON", body: with(`"send_lab_details": false, "content_type": "application/json", "content": "{"`), status: 422, field: "content", message: "not JSON"},
		{name: "content too large", body: with(`"content": "` + strings.Repeat("x", engine.MaxContent+1) + `"`), status: 422, field: "content", message: "at most"},
		{name: "body too large", body: with(`"content": "` + strings.Repeat("x", 7*engine.MaxContent) + `"`), status: 413, message: "at most"},
		{name: "negative delay", body: with(`"delay": -1`), status: 422, field: "delay", message: "from 0 to 86400"},
		{name: "delay past all bounds", body: with(`"delay": 9223372036854775807`), status: 422, field: "delay", message: "from 0 to 86400"},
		{name: "delay past all integers", body: with(`"delay": 1e400`), status: 422, field: "delay", message: "a whole number"},
		{name: "no timeout", body: with(`"timeout": 0`), status: 422, field: "timeout", message: "from 1 to 300"},
		{name: "timeout as text", body: with(`"timeout": "30s"`), status: 422, field: "timeout", message: "a whole number"},
		{name: "half a retry", body: with(`"retries": 2.5`), status: 422, field: "retries", message: "a whole number"},
		{name: "too many retries", body: with(`"retries": 6`), status: 422, field: "retries", message: "from 0 to 5"},
		{name: "unknown retry policy", body: with(`"retry_policy": "never"`), status: 422, field: "retry_policy", message: "studio"},
		{name: "unknown error action", body: with(`"error_action": "explode"`), status: 422, field: "error_action", message: "log, notify_user and end_lab"},
		{name: "blocking as number", body: with(`"blocking": 1`), status: 422, field: "blocking", message: "true or false"},
		{name: "End Lab where learners work", body: with(`"error_action": "end_lab"`), status: 422, field: "error_action", message: "confirm"},
		{name: "confirmation as text", body: with(`"end_lab_confirmed": "yes"`), status: 422, field: "end_lab_confirmed", message: "true or false"},
		{name: "notification text too long", body: with(`"notification_text": "` + strings.Repeat("a", engine.MaxNotificationText+1) + `"`), status: 422, field: "notification_text", message: "at most 500"},
		{name: "unknown field", body: with(`"retry_count": 3`), status: 422, field: "retry_count", message: "retries"},
	}...)
}

// malformedOptions lists what is wrong about what few webhooks have.
func malformedOptions(with func(string) string) []scenario {
	policy := func(fields string) string { return with(`"retry_policy": {` + fields + `}`) }
	signing := func(fields string) string { return with(`"signing": {` + fields + `}`) }
	bad := func(name, body, field, message string) scenario {
		return scenario{name: name, body: body, status: 422, field: field, message: message}
	}
	return []scenario{
		bad("retry policy as number", with(`"retry_policy": 5`), "retry_policy", "the name of a retry policy, or an object"),
		bad("retry policy as list", with(`"retry_policy": ["studio"]`), "retry_policy", "the name of a retry policy, or an object"),
		bad("custom retry policy without rules", with(`"retry_policy": "custom"`), "retry_policy", "waits, success, on_4xx"),
		bad("retry policy with unknown field", policy(`"delays": [1]`), "retry_policy.delays", "waits, success, on_4xx"),
		bad("retry policy with a field twice", policy(`"waits": [1], "waits": [2]`), "retry_policy.waits", "twice"),
		bad("waits as text", policy(`"waits": "10s, 1m"`), "retry_policy.waits", "a list of whole numbers"),
		bad("no waits", policy(`"waits": []`), "retry_policy.waits", "1 to 60 waits"),
		bad("61 waits", policy(`"waits": [1`+strings.Repeat(", 1", 60)+`]`), "retry_policy.waits", "1 to 60 waits"),
		bad("wait of nothing", policy(`"waits": [10, 0]`), "retry_policy.waits", "from 1s to 24h"),
		bad("wait past all bounds", policy(`"waits": [9223372036854775807]`), "retry_policy.waits", "from 1s to 24h"),
		bad("half a second of wait", policy(`"waits": [0.5]`), "retry_policy.waits", "a list of whole numbers"),
		bad("success that is no range", policy(`"success": "2xx"`), "retry_policy.success", `"2xx" is not a range`),
		bad("success by a failure", policy(`"success": "200-499"`), "retry_policy.success", "between 200 and 399"),
		bad("success as number", policy(`"success": 200`), "retry_policy.success", "a text"),
		bad("unknown rule for 4xx", policy(`"on_4xx": "ignore"`), "retry_policy.on_4xx", "retry, give_up and deactivate"),
		bad("410 as text", policy(`"gone_deactivates": "yes"`), "retry_policy.gone_deactivates", "true or false"),
		bad("unknown rule for exhaustion", policy(`"on_exhausted": "page"`), "retry_policy.on_exhausted", "error_action and deactivate"),
		bad("more retries than Skilljar", with(`"retry_policy": "skilljar", "retries": 61`), "retries", "from 0 to 60"),
		bad("Basic user as text", with(`"basic_auth": "user:password"`), "basic_auth", "an object"),
		bad("Basic user with unknown field", with(`"basic_auth": {"user": "u"}`), "basic_auth.user", "username, password"),
		bad("Basic password as number", with(`"basic_auth": {"username": "u", "password": 5}`), "basic_auth.password", "a text"),
		bad("Basic user with a colon", with(`"basic_auth": {"username": "u:v", "password": "p"}`), "basic_auth", "colon"),
		bad("mask of no password", with(`"basic_auth": {"username": "u", "password": "••••"}`), "basic_auth", "dots stand for no stored"),
		bad("Basic user beside Authorization", with(`"basic_auth": {"username": "u"}, "headers": [{"name": "Authorization", "value": "Bearer x"}]`), "basic_auth", "same header"),
		bad("signing as text", with(`"signing": "v1"`), "signing", "an object"),
		bad("signing with unknown field", signing(`"algorithm": "v1"`), "signing.algorithm", "scheme, names, header, secret"),
		bad("unknown scheme", signing(`"scheme": "rsa"`), "signing.scheme", "v1, v1a, hex and none"),
		bad("unknown names", signing(`"names": "stripe"`), "signing.names", "webhook, svix and both"),
		bad("secret too short", signing(`"secret": "whsec_c2hvcnQ="`), "signing.secret", "24 to 64 bytes"),
		bad("secret without prefix", signing(`"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "signing.secret", "whsec_"),
		bad("secret of another scheme", signing(`"scheme": "v1a", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "signing.secret", "whsk_"),
		bad("hex signature without header", signing(`"scheme": "hex"`), "signing.header", "Name the header"),
		bad("hex signature in a reserved header", signing(`"scheme": "hex", "header": "Webhook-Signature"`), "signing.header", "another meaning"),
		bad("certificate as text", with(`"client_cert": "-----BEGIN CERTIFICATE-----"`), "client_cert", "an object"),
		bad("certificate with unknown field", with(`"client_cert": {"cert": "x"}`), "client_cert.cert", "certificate, key"),
		bad("certificate without key", with(`"client_cert": {"certificate": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"}`), "client_cert.key", "together"),
		bad("certificate that is none", with(`"client_cert": {"certificate": "x", "key": "y"}`), "client_cert.certificate", "PEM"),
		bad("negative rate", with(`"rate_limit": -1`), "rate_limit", "10000 requests a second"),
		bad("half a request", with(`"rate_limit": 0.5`), "rate_limit", "a whole number"),
		bad("burst without rate", with(`"rate_burst": 5`), "rate_burst", "needs a rate limit"),
	}
}

func malformedRotations() []scenario {
	return []scenario{
		{name: "as list", body: "[]", status: 400, message: "JSON object"},
		{name: "with unknown field", body: `{"old": "x"}`, status: 422, field: "old", message: "secret, grace"},
		{name: "with a secret of another scheme", body: `{"secret": "whsk_x"}`, status: 422, field: "secret", message: "whsec_"},
		{name: "with the mask", body: `{"secret": "••••"}`, status: 422, field: "secret", message: "whsec_"},
		{name: "with a negative grace", body: `{"grace": -1}`, status: 422, field: "grace", message: "0 to 7 days"},
		{name: "with eight days of grace", body: `{"grace": 691200}`, status: 422, field: "grace", message: "0 to 7 days"},
		{name: "with grace as text", body: `{"grace": "24h"}`, status: 422, field: "grace", message: "a whole number"},
	}
}

func malformedRecoveries() []scenario {
	return []scenario{
		{name: "empty", body: "", status: 400, message: "empty"},
		{name: "without since", body: `{"count_only": true}`, status: 422, field: "since", message: "RFC 3339"},
		{name: "since a word", body: `{"since": "yesterday"}`, status: 422, field: "since", message: "RFC 3339"},
		{name: "since the future", body: `{"since": "2999-01-01T00:00:00Z"}`, status: 422, field: "since", message: "future"},
		{name: "counted by a number", body: `{"since": "2026-01-01T00:00:00Z", "count_only": 1}`, status: 422, field: "count_only", message: "true or false"},
		{name: "with an end", body: `{"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}`, status: 422, field: "until", message: "since, count_only"},
	}
}

func malformedParameters() []scenario {
	list := func(query, field, message string) scenario {
		return scenario{name: "list " + query, method: "GET", path: "/api/v1/deliveries?" + query, status: 422, field: field, message: message}
	}
	return []scenario{
		list("since=%zz", "", "cannot be read"),
		list("limit=1&limit=2", "limit", "given twice"),
		list("limit=0", "limit", "limit must be at least 1"),
		list("limit=201", "limit", "limit must be at most 200"),
		list("limit=many", "limit", "limit must be a whole number"),
		list("status=done", "status[0]", "must be one of scheduled"),
		list("stauts=failed", "stauts", "no parameter"),
		list("since=today", "since", "RFC 3339"),
		list("before=dlv_0000000000001", "before", "no cursor of this list"),
		list("before="+api.Cursor("wh_0000000000001"), "before", "no cursor of this list"),
		list("before="+api.Cursor("dlv_0000000000001")[1:], "before", "no cursor of this list"),
		list("after="+api.Cursor("dlv_0000000000001")+"A", "after", "no cursor of this list"),
		list("before="+api.Cursor("dlv_0000000000001")+"&after="+api.Cursor("dlv_0000000000002"), "after", "not both"),
		list("code=5xy", "code", "no failure class"),
		list("code=99", "code", "no failure class"),
		list("consumer=nobody", "consumer", `"nobody"`),
		list("webhook=5", "webhook", "wh_"),
		list("event=nothing", "event", `"nothing"`),
		list("type=lab.exploded", "type", `"lab.exploded"`),
		list("lab=1&subject=2", "lab", "not both"),
		list("test=perhaps", "test", "must be one of"),
		{name: "labs gated=perhaps", method: "GET", path: "/api/v1/lab-instances?gated=perhaps", status: 422, field: "gated", message: "true or false"},
		{name: "labs with a long text", method: "GET", path: "/api/v1/lab-instances?text=" + strings.Repeat("x", 201), status: 422, field: "text", message: "at most 200"},
		{name: "labs of a page", method: "GET", path: "/api/v1/lab-instances?page=2", status: 422, field: "page", message: "no parameter"},
		{name: "unknown lab instance", method: "GET", path: "/api/v1/lab-instances/8", status: 404, message: "does not exist"},
		{name: "unknown delivery's gate", method: "POST", path: "/api/v1/deliveries/dlv_0000000000001/open-gate", body: `{"reason": "x"}`, status: 404, message: "does not exist"},
		{name: "unknown path", method: "GET", path: "/api/v1/nothing", status: 404, message: "/api/v1/nothing"},
		{name: "path above", method: "GET", path: "/api/", status: 404, message: "openapi.json"},
		{name: "wrong method", method: "PATCH", path: "/api/v1/webhooks", status: 405, message: "GET, HEAD, POST"},
		{name: "unknown webhook", method: "GET", path: "/api/v1/webhooks/wh_0000000000001", status: 404, message: "does not exist"},
		{name: "webhook without id", method: "DELETE", path: "/api/v1/webhooks/first", status: 404, message: "does not exist"},
		{name: "unknown key", method: "DELETE", path: "/api/v1/keys/key_0000000000001", status: 404, message: "does not exist"},
		{name: "unknown delivery", method: "POST", path: "/api/v1/deliveries/dlv_0000000000001/resend", status: 404, message: "does not exist"},
		{name: "unknown event", method: "GET", path: "/api/v1/events/nothing", status: 404, message: "does not exist"},
	}
}
