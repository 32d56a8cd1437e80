package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/web/api"
)

// access is a route with what it needs.
type access struct {
	method, pattern string
	// request makes something of Contoso's to try the route on, and returns its path and the body to send.
	request  func(t *testing.T, b *bundle) (path, body string)
	least    engine.Scope
	platform bool // the key of a consumer is not enough
	foreign  int  // the answer to a key of another consumer that has every scope
	success  int
}

// at is a request without a body.
func at(path string) func(*testing.T, *bundle) (string, string) {
	return func(*testing.T, *bundle) (string, string) { return path, "" }
}

// with is a request with a body.
func with(path, body string) func(*testing.T, *bundle) (string, string) {
	return func(*testing.T, *bundle) (string, string) { return path, body }
}

// onWebhook is a request on a new webhook.
func onWebhook(body string) func(*testing.T, *bundle) (string, string) {
	return func(t *testing.T, b *bundle) (string, string) {
		return "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, "https://a.example", unsent).ID.String(), body
	}
}

// belowFirst is a request on a path below Contoso's first webhook, which it leaves in use.
func belowFirst(below, body string) func(*testing.T, *bundle) (string, string) {
	return func(_ *testing.T, b *bundle) (string, string) {
		return "/api/v1/webhooks/" + b.store.Directory().Webhooks(b.contoso.ID)[0].ID.String() + below, body
	}
}

// recoverFirst is a request that recovers nothing.
func recoverFirst(t *testing.T, b *bundle) (path, body string) {
	return belowFirst("/recover", fmt.Sprintf(`{"since": %q}`, time.Now().Format(time.RFC3339Nano)))(t, b)
}

// onDelivery is a request on a delivery that waits.
func onDelivery(below string) func(*testing.T, *bundle) (string, string) {
	return func(t *testing.T, b *bundle) (string, string) {
		return "/api/v1/deliveries/" + b.waiting(t).Deliveries[0].ID + below, ""
	}
}

// onEventType is a request on a new event type of the administrators; body may name its code.
func onEventType(body string) func(*testing.T, *bundle) (string, string) {
	return func(t *testing.T, b *bundle) (string, string) {
		code := "own." + engine.NewID[engine.EventID]().String()
		if _, err := b.store.CreateEventType(t.Context(), engine.System, engine.OwnEventType{Code: code, Label: code, Sample: "{}"}); err != nil {
			t.Fatal(err)
		}
		return "/api/v1/event-types/" + code, strings.Replace(body, "%s", code, 1)
	}
}

// onGate is a request to open a closed gate.
func onGate(t *testing.T, b *bundle) (path, body string) {
	t.Helper()
	w := b.webhook(t, b.contoso.ID, "https://a.example", unsent, func(w *engine.Webhook) {
		w.Events, w.Blocking = []string{engine.LabPreBuild}, true
	})
	lab := fmt.Sprintf(`{"type": "lab.pre_build", "subject": %q, "data": {}}`, w.ID)
	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso", lab).want(202).into(&ev)
	return "/api/v1/deliveries/" + ev.Deliveries[0].ID + "/open-gate", `{"reason": "The gradebook is down"}`
}

// waiting posts an event for Contoso's webhooks, of which there is one at least, none of them due.
func (b *bundle) waiting(t *testing.T) (ev api.AcceptedEvent) {
	t.Helper()
	if len(b.store.Directory().Webhooks(b.contoso.ID)) == 0 {
		b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	}
	b.send(t, "POST", "/api/v1/events", "contoso", eventJSON("")).want(202).into(&ev)
	return ev
}

const aWebhook = `{"consumer": "contoso", "name": "Hook of %q", "events": ["lab.saved"], "url": "https://a.example", "version": 1}`

func accesses() []access {
	name := 0
	return []access{
		{"GET", "/consumers", at("/api/v1/consumers"), "read", false, 200, 200},
		{"POST", "/consumers", with("/api/v1/consumers", `{"name": "New"}`), "manage", true, 403, 201},
		{"GET", "/consumers/{con}", at("/api/v1/consumers/contoso"), "read", false, 404, 200},
		{"PUT", "/consumers/{con}", with("/api/v1/consumers/contoso", `{"name": "Contoso", "external_id": "contoso"}`), "manage", false, 404, 200},
		{"DELETE", "/consumers/{con}", func(t *testing.T, b *bundle) (string, string) {
			c, err := b.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Short-lived", Enabled: true})
			if err != nil {
				t.Fatal(err)
			}
			return "/api/v1/consumers/" + c.ID.String(), ""
		}, "manage", true, 403, 204},
		{"GET", "/consumers/{con}/keys", at("/api/v1/consumers/contoso/keys"), "read", false, 404, 200},
		{"POST", "/consumers/{con}/keys", with("/api/v1/consumers/contoso/keys", `{"description": "x"}`), "manage", false, 404, 201},
		{"GET", "/keys", at("/api/v1/keys"), "read", true, 403, 200},
		{"POST", "/keys", with("/api/v1/keys", `{"description": "x"}`), "manage", true, 403, 201},
		{"DELETE", "/keys/{key}", func(t *testing.T, b *bundle) (string, string) {
			b.key(t, "spare", b.contoso.ID, engine.ScopeRead)
			return "/api/v1/keys/" + b.keyIDs["spare"].String(), ""
		}, "manage", false, 404, 204},
		{"PUT", "/consumers/{con}/webhooks/order", func(_ *testing.T, b *bundle) (string, string) {
			var ids []string
			for _, w := range b.store.Directory().Webhooks(b.contoso.ID) {
				ids = append(ids, w.ID.String())
			}
			return "/api/v1/consumers/contoso/webhooks/order", `{"webhooks": ["` + strings.Join(ids, `", "`) + `"]}`
		}, "manage", false, 404, 200},
		{"GET", "/webhooks", at("/api/v1/webhooks"), "read", false, 200, 200},
		{"POST", "/webhooks", func(*testing.T, *bundle) (string, string) {
			name++
			return "/api/v1/webhooks", strings.Replace(aWebhook, "%q", fmt.Sprint(name), 1)
		}, "manage", false, 403, 201},
		{"GET", "/webhooks/{wh}", onWebhook(""), "read", false, 404, 200},
		{"PUT", "/webhooks/{wh}", func(t *testing.T, b *bundle) (string, string) {
			name++
			path, _ := onWebhook("")(t, b)
			return path, strings.Replace(aWebhook, "%q", fmt.Sprint(name), 1)
		}, "manage", false, 404, 200},
		{"DELETE", "/webhooks/{wh}", onWebhook(""), "manage", false, 404, 204},
		{"POST", "/webhooks/{wh}/move", func(t *testing.T, b *bundle) (string, string) {
			path, _ := onWebhook("")(t, b)
			return path + "/move", `{"direction": "up"}`
		}, "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/ping", func(t *testing.T, b *bundle) (string, string) {
			return "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent).ID.String() + "/ping", ""
		}, "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/test", func(t *testing.T, b *bundle) (string, string) {
			return "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent).ID.String() + "/test", `{"type": "lab.saved"}`
		}, "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/enable", belowFirst("/enable", ""), "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/disable", func(t *testing.T, b *bundle) (string, string) {
			path, _ := onWebhook("")(t, b)
			return path + "/disable", ""
		}, "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/resume", func(t *testing.T, b *bundle) (string, string) {
			path, _ := onWebhook("")(t, b)
			b.pause(t, strings.TrimPrefix(path, "/api/v1/webhooks/"))
			return path + "/resume", ""
		}, "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/rotate-secret", belowFirst("/rotate-secret", `{"grace": 60}`), "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/reveal-secret", belowFirst("/reveal-secret", ""), "manage", false, 404, 200},
		{"POST", "/webhooks/{wh}/recover", recoverFirst, "manage", false, 404, 200},
		{"GET", "/webhooks/{wh}/recovery", func(t *testing.T, b *bundle) (string, string) {
			path, body := recoverFirst(t, b)
			b.send(t, "POST", path, "contoso", body).want(200)
			return strings.TrimSuffix(path, "recover") + "recovery", ""
		}, "read", false, 404, 200},
		{"GET", "/events", at("/api/v1/events"), "read", false, 200, 200},
		{"POST", "/events", with("/api/v1/events", eventJSON(`"consumer": "contoso",`)), "send", false, 403, 202},
		{"POST", "/events/batch", with("/api/v1/events/batch", "["+eventJSON(`"consumer": "contoso",`)+"]"), "send", false, 200, 200},
		{"GET", "/events/{evt}", func(t *testing.T, b *bundle) (string, string) {
			return "/api/v1/events/" + b.waiting(t).ID, ""
		}, "read", false, 404, 200},
		{"POST", "/events/{evt}/replay", func(t *testing.T, b *bundle) (string, string) {
			ev := b.waiting(t)
			return "/api/v1/events/" + ev.ID + "/replay", `{"webhooks": ["` + ev.Deliveries[0].Webhook + `"]}`
		}, "manage", false, 404, 200},
		{"GET", "/deliveries", at("/api/v1/deliveries"), "read", false, 200, 200},
		{"POST", "/deliveries/resend", with("/api/v1/deliveries/resend", `{"filter": {"consumer": "contoso"}, "count_only": true}`), "manage", false, 403, 200},
		{"GET", "/deliveries/{dlv}", onDelivery(""), "read", false, 404, 200},
		{"POST", "/deliveries/{dlv}/cancel", onDelivery("/cancel"), "manage", false, 404, 200},
		{"POST", "/deliveries/{dlv}/hasten", onDelivery("/hasten"), "manage", false, 404, 200},
		{"POST", "/deliveries/{dlv}/open-gate", onGate, "manage", false, 404, 200},
		{"GET", "/lab-instances", at("/api/v1/lab-instances"), "read", false, 200, 200},
		{"GET", "/lab-instances/{subject}", func(t *testing.T, b *bundle) (string, string) {
			b.waiting(t)
			return "/api/v1/lab-instances/7", ""
		}, "read", false, 404, 200},
		{"GET", "/event-types", at("/api/v1/event-types"), "read", false, 200, 200},
		{"POST", "/event-types", func(*testing.T, *bundle) (string, string) {
			name++
			return "/api/v1/event-types", fmt.Sprintf(`{"code": "own.new.%d", "label": "New %d", "sample": {}}`, name, name)
		}, "manage", true, 403, 201},
		{"GET", "/event-types/{code}", at("/api/v1/event-types/lab.scored"), "read", false, 200, 200},
		{"PUT", "/event-types/{code}", onEventType(`{"label": "Changed %s", "sample": {}}`), "manage", true, 403, 200},
		{"DELETE", "/event-types/{code}", onEventType(""), "manage", true, 403, 204},
		{"GET", "/egress", at("/api/v1/egress"), "read", false, 200, 200},
		{"GET", "/settings", at("/api/v1/settings"), "read", true, 403, 200},
		{"GET", "/version", at("/api/v1/version"), "read", false, 200, 200},
		{"POST", "/deliveries/{dlv}/resend", func(t *testing.T, b *bundle) (string, string) {
			path, _ := onDelivery("")(t, b)
			b.send(t, "POST", path+"/cancel", "contoso", "").want(200)
			return path + "/resend", ""
		}, "manage", false, 404, 200},
	}
}

// status is what the route answers to a key.
func (a access) status(key string) int {
	owner, scope, _ := strings.Cut(key, "-")
	if scope == "" {
		scope = "manage"
	}
	switch {
	case owner != "platform" && owner != "contoso" && owner != "fabrikam":
		return http.StatusUnauthorized
	case owner != "platform" && a.platform, !engine.Scope(scope).Allows(a.least):
		return http.StatusForbidden
	case owner == "fabrikam":
		return a.foreign
	}
	return a.success
}

// TestEveryRouteWithEveryKey tries every route with every kind of key. What is refused comes first, for some of what
// succeeds makes the engine send behind the test's back.
func TestEveryRouteWithEveryKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	b.keys["unknown"], b.keys["garbage"] = "lhk_0000000000000000000000000", "\xff\x00"
	keys := []string{
		"", "unknown", "garbage", "revoked", "expired", "fabrikam",
		"contoso-read", "contoso-send", "contoso", "platform-read", "platform-send", "platform",
	}
	var tried []string
	all := accesses()
	for _, a := range all {
		tried = append(tried, a.method+" "+api.Prefix+a.pattern)
	}
	for _, refused := range []bool{true, false} {
		for _, a := range all {
			for _, key := range keys {
				if want := a.status(key); (want >= 400) == refused {
					t.Run(a.method+" "+a.pattern+" with key "+key, func(t *testing.T) { a.try(t, b, key, want) })
				}
			}
		}
	}
	slices.Sort(tried)
	if routes := documented(t, b); !slices.Equal(tried, routes) {
		t.Errorf("tried  %q\nroutes %q", tried, routes)
	}
}

// try makes the request; one that is refused must change nothing.
func (a access) try(t *testing.T, b *bundle, key string, want int) {
	t.Helper()
	path, body := a.request(t, b)
	if want < 400 {
		b.send(t, a.method, path, key, body).want(want)
		return
	}
	before := b.dump(t)
	b.send(t, a.method, path, key, body).problem(want)
	if b.dump(t) != before {
		t.Error("a refused request changed rows")
	}
}

func TestKeyHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys["platform"]
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"bearer", []string{"Authorization", "Bearer " + key}, 200},
		{"bearer in lower case", []string{"authorization", "bearer " + key}, 200},
		{"api_key as Studio sends it", []string{"api_key", key}, 200},
		{"hyphen", []string{"Api-Key", key}, 200},
		{"basic beside api_key", []string{"Authorization", "Basic eDp5", "api_key", key}, 200},
		{"wrong bearer beside a right api_key", []string{"Authorization", "Bearer x", "api_key", key}, 401},
		{"basic", []string{"Authorization", "Basic " + key}, 401},
		{"no scheme", []string{"Authorization", key}, 401},
		{"empty", []string{"Authorization", "Bearer ", "api_key", ""}, 401},
		{"none", nil, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := b.send(t, "GET", "/api/v1/version", "", "", tt.headers...).want(tt.status)
			if tt.status == 401 {
				p := r.problem(401)
				if r.header.Get("WWW-Authenticate") != `Bearer realm="Labhook"` {
					t.Errorf("WWW-Authenticate = %q", r.header.Get("WWW-Authenticate"))
				}
				if strings.Contains(string(r.body), key) {
					t.Errorf("the answer shows the key: %s", p.Detail)
				}
			}
		})
	}
	if p := b.send(t, "GET", "/api/v1/version", "", "").problem(401); !strings.Contains(p.Detail, "Authorization: Bearer KEY") || !strings.Contains(p.Detail, "api_key: KEY") {
		t.Errorf("detail %q does not say which header to send", p.Detail)
	}
}

// TestListsShowOnlyTheKeysOwn posts for two consumers and for all, and looks at the lists with each one's key.
func TestListsShowOnlyTheKeysOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	b.webhook(t, b.fabrikam.ID, "https://b.example", unsent)
	b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(`"id": "for-contoso",`)).want(202)
	b.send(t, "POST", "/api/v1/events", "fabrikam", eventJSON(`"id": "for-fabrikam",`)).want(202)
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON(`"id": "for-all",`)).want(202)

	for _, tt := range []struct {
		key                                     string
		consumers, webhooks, events, deliveries int
	}{
		{"platform-read", 2, 2, 3, 4},
		{"contoso-read", 1, 1, 2, 2},
		{"fabrikam", 1, 1, 2, 2},
	} {
		var consumers api.List[api.Consumer]
		var webhooks api.List[api.Webhook]
		var events api.List[api.EventRow]
		var deliveries api.List[api.Delivery]
		b.send(t, "GET", "/api/v1/consumers", tt.key, "").want(200).into(&consumers)
		b.send(t, "GET", "/api/v1/webhooks", tt.key, "").want(200).into(&webhooks)
		b.send(t, "GET", "/api/v1/events", tt.key, "").want(200).into(&events)
		b.send(t, "GET", "/api/v1/deliveries", tt.key, "").want(200).into(&deliveries)
		got := []int{len(consumers.Data), len(webhooks.Data), len(events.Data), len(deliveries.Data)}
		if want := []int{tt.consumers, tt.webhooks, tt.events, tt.deliveries}; !slices.Equal(got, want) {
			t.Errorf("key %s sees %v, want %v", tt.key, got, want)
		}
		if states := events.Data[0].DeliveryStates; (states == nil) != (tt.consumers == 1) {
			t.Errorf("of an event for all, key %s sees the deliveries %v", tt.key, states)
		}
	}

	b.send(t, "GET", "/api/v1/deliveries?consumer=fabrikam", "contoso", "").problem(403)
	b.send(t, "GET", "/api/v1/events/for-fabrikam", "contoso", "").problem(404)
	var all api.EventDetail
	b.send(t, "GET", "/api/v1/events/for-all", "contoso", "").want(200).into(&all)
	if len(all.Deliveries) != 1 || all.Deliveries[0].Consumer != b.contoso.ID.String() {
		t.Errorf("of an event for all, Contoso sees the deliveries %+v", all.Deliveries)
	}
	if p := b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(`"consumer": "fabrikam",`)).problem(403); len(p.Errors) != 0 {
		t.Errorf("problem %+v", p)
	}
	p := b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(`"consumer": "nobody",`)).problem(403)
	if other := b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(`"consumer": "fabrikam",`)).problem(403); p.Detail != other.Detail {
		t.Errorf("a key can tell whether another consumer exists: %q, %q", p.Detail, other.Detail)
	}
}
