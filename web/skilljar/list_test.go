package skilljar_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/keyrate"
)

// page is a page object.
type page struct {
	Count          int
	Next, Previous *string
	Results        []struct{ ID string }
}

// TestPages walks a list in both directions.
func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if r := b.send(t, "GET", path, "contoso", nil).want(200); r.body != `{"count":0,"next":null,"previous":null,"results":[]}`+"\n" {
		t.Errorf("without webhooks: %s", r.body)
	}
	var ids []string
	for range 5 {
		ids = append(ids, b.create(t, fields{"target_url": target}))
	}
	b.ordinary(t, b.contoso.ID) // for a lab event: not here
	const base = "https://labhook.example.com"
	at := func(link *string) string {
		if link == nil {
			return ""
		}
		return *link
	}
	for query, want := range map[string]struct {
		ids            []string
		next, previous string
	}{
		"":                          {ids, "", ""},
		"?page=1":                   {ids, "", ""},
		"?page=last":                {ids, "", ""},
		"?page_size=1000":           {ids, "", ""},
		"?page_size=2":              {ids[:2], "?page=2&page_size=2", ""},
		"?page_size=2&page=2&x=%26": {ids[2:4], "?page=3&page_size=2&x=%26", "?page_size=2&x=%26"},
		"?page_size=2&page=3":       {ids[4:], "", "?page=2&page_size=2"},
		"?page_size=2&page=last":    {ids[4:], "", "?page=2&page_size=2"},
		"?page_size=5":              {ids, "", ""},
	} {
		var got page
		b.send(t, "GET", path+query, "contoso-read", nil).want(200).into(&got)
		for _, link := range []*string{&want.next, &want.previous} {
			if *link != "" {
				*link = base + path + *link
			}
		}
		var shown []string
		for _, w := range got.Results {
			shown = append(shown, w.ID)
		}
		if got.Count != 5 || strings.Join(shown, " ") != strings.Join(want.ids, " ") || at(got.Next) != want.next || at(got.Previous) != want.previous {
			t.Errorf("%q: %d webhooks, %v, next %q, previous %q", query, got.Count, shown, at(got.Next), at(got.Previous))
		}
	}
	for _, number := range []string{"0", "-1", "4", "x", "99999999999999999999"} {
		if got := b.send(t, "GET", path+"?page_size=2&page="+number, "contoso", nil).detail(404); !strings.Contains(got, "Invalid page. The pages are 1 to 3") {
			t.Errorf("page %s: %q", number, got)
		}
	}
	for _, size := range []string{"0", "-1", "x", "-99999999999999999999"} {
		b.send(t, "GET", path+"?page_size="+size, "contoso", nil).about("page_size")
	}
	b.send(t, "GET", path+"?page_size=99999999999999999999", "contoso", nil).want(200)
}

// TestCreatedAtOnce makes webhooks at the same time, whose names must differ.
func TestCreatedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() { b.send(t, "POST", path, "contoso", fields{"target_url": target}) })
	}
	group.Wait()
	names := map[string]bool{}
	for _, w := range b.store.Directory().Webhooks(b.contoso.ID) {
		names[w.Name] = true
	}
	if len(names) != 12 {
		t.Errorf("the webhooks are called %v", names)
	}
}

// TestChangedAtOnce changes a webhook at the same time: no change undoes another.
func TestChangedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := path + "/" + b.create(t, fields{"target_url": target})
	var group sync.WaitGroup
	for range 4 {
		for name, value := range map[string]any{"event_type": "QUIZ_COMPLETION", "basic_auth_username": "lms", "active": false} {
			group.Go(func() {
				if r := b.send(t, "PATCH", at, "contoso", fields{name: value}); r.status != http.StatusOK {
					t.Errorf("%s: %d %s", name, r.status, r.body)
				}
			})
		}
	}
	group.Wait()
	got := b.send(t, "GET", at, "contoso", nil).want(200).object()
	if got["event_type"] != "QUIZ_COMPLETION" || got["basic_auth_username"] != "lms" || got["active"] != false {
		t.Errorf("the webhook is %v", got)
	}
}

// TestMostWebhooks fills a consumer.
func TestMostWebhooks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a thousand webhooks")
	}
	b := setup(t)
	for n := range engine.MaxWebhooksPerConsumer {
		b.ordinary(t, b.contoso.ID, func(w *engine.Webhook) { w.Name = "Hook " + strconv.Itoa(n) })
	}
	got := b.send(t, "POST", path, "contoso", fields{"target_url": target}).about("non_field_errors")
	if !strings.Contains(got, "1000 webhooks, which is the most") {
		t.Errorf("one more: %q", got)
	}
}

// TestSamples reads the ten sample lists, before and after real events.
func TestSamples(t *testing.T) {
	t.Parallel()
	b := setup(t)
	suffixes := map[string]string{
		"course-completion": "COURSE_COMPLETION", "course-enrollment": "COURSE_ENROLLMENT", "dashboard-task-created": "DASHBOARD_TASK_CREATED",
		"domain-enrollment": "DOMAIN_ENROLLMENT", "lesson-completion": "LESSON_COMPLETION", "path-completion": "PATH_COMPLETION",
		"path-enrollment": "PATH_ENROLLMENT", "purchase-fulfillment": "PURCHASE_FULFILLMENT", "quiz-completion": "QUIZ_COMPLETION",
		"vilt-registration": "VILT_EVENT_REGISTRATION",
	}
	of := func(name, key string) string {
		t.Helper()
		var got struct{ Results []json.RawMessage }
		b.send(t, "GET", path+"/sample-"+name, key, nil).want(200).into(&got)
		if len(got.Results) != 1 {
			t.Fatalf("%s has %d events", name, len(got.Results))
		}
		return string(got.Results[0])
	}
	for name, code := range suffixes {
		kind, _ := engine.BuiltIn.Find(code)
		if got := of(name, "contoso-read"); got != string(kind.Sample()) {
			t.Errorf("%s: %s", name, got)
		}
	}
	post := func(owner engine.ConsumerID, data string) {
		t.Helper()
		e := &engine.Event{Type: engine.SkilljarPathCompletion, ConsumerID: owner, Data: json.RawMessage(data)}
		if _, err := b.engine.Accept(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	post(0, `{"n":1}`)
	post(b.contoso.ID, `{"n":2,"html":"<&>"}`)
	post(b.fabrikam.ID, `{"n":3}`)
	tested := b.ordinary(t, b.contoso.ID, func(w *engine.Webhook) { w.Events = []string{"*"} })
	id, err := engine.ParseID[engine.WebhookID]("wh_" + tested)
	if err != nil {
		t.Fatal(err)
	}
	example := engine.Example{Type: engine.SkilljarPathCompletion, Data: json.RawMessage(`{"n":4}`)}
	if _, err := b.engine.Test(t.Context(), engine.System, id, example); err != nil {
		t.Fatal(err)
	}
	if got := of("path-completion", "contoso"); got != `{"n":2,"html":"<&>"}` {
		t.Errorf("the latest event of Contoso is %s", got)
	}
	if got := of("path-completion", "fabrikam"); got != `{"n":3}` {
		t.Errorf("the latest event of Fabrikam is %s", got)
	}
	b.send(t, "GET", path+"/sample-of-nothing", "contoso", nil).detail(404)
}

// TestPing pings receivers that answer well, badly and not at all.
func TestPing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		script    string
		succeeded bool
		status    any
		says      string
	}{
		{"201", true, 201.0, "201 Created"},
		{"404", false, 404.0, "404 Not Found: "},
		{"503", false, 503.0, "503 Service Unavailable: "},
		{"drop", false, nil, "No answer came: "},
	} {
		r := enginetest.NewReceiver(t, tt.script)
		id := b.create(t, fields{"target_url": r.URL, "active": tt.script != "404", "basic_auth_username": "lms"})
		got := b.send(t, "POST", path+"/"+id+"/ping", "contoso", nil).want(200).object()
		message, _ := got["message"].(string)
		if len(got) != 3 || got["succeeded"] != tt.succeeded || got["http_status_code"] != tt.status || !strings.HasPrefix(message, tt.says) {
			t.Errorf("%s: %v", tt.script, got)
		}
		requests := r.Arrived()
		var data struct {
			EventType string `json:"event_type"`
		}
		if err := json.Unmarshal(requests[0].Body, &data); err != nil || data.EventType != "PING" || len(requests) != 1 {
			t.Errorf("%s: %d requests, body %s", tt.script, len(requests), requests[0].Body)
		}
		if user, _, _ := (&http.Request{Header: requests[0].Header}).BasicAuth(); user != "lms" || requests[0].Header.Get("User-Agent") != "skilljar" {
			t.Errorf("%s: headers %v", tt.script, requests[0].Header)
		}
		if w := b.stored(t, id); w.Version != 1 || w.DeactivateReason.ByItself() {
			t.Errorf("%s: the ping changed the webhook to %+v", tt.script, w)
		}
	}
}

// TestPingsAtOnce pings a receiver that never answers, until no more may wait for it.
func TestPingsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := enginetest.NewReceiver(t, "hang")
	at := path + "/" + b.create(t, fields{"target_url": r.URL}) + "/ping"
	ctx, hangUp := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range engine.MaxTestsPerWebhook {
		group.Go(func() {
			q, err := http.NewRequestWithContext(ctx, "POST", b.base+at, nil)
			if err != nil {
				t.Error(err)
				return
			}
			q.SetBasicAuth(b.keys["contoso"], "")
			if res, err := http.DefaultClient.Do(q); err == nil {
				t.Errorf("a ping that hangs is answered with %d", res.StatusCode)
				res.Body.Close()
			}
		})
	}
	r.Wait(t, engine.MaxTestsPerWebhook)
	busy := b.send(t, "POST", at, "contoso", nil)
	if got := busy.detail(429); !strings.HasPrefix(got, "Request was throttled: 4 tests") || busy.header.Get("Retry-After") != "5" {
		t.Errorf("one more: %q, Retry-After %q", got, busy.header.Get("Retry-After"))
	}
	hangUp()
	group.Wait()
}

// TestDeactivated lets receivers answer 4xx to an event, and puts a webhook back into use.
func TestDeactivated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, refuses := enginetest.NewReceiver(t, "410"), enginetest.NewReceiver(t, "403")
	ids := []string{
		b.create(t, fields{"target_url": gone.URL, "event_type": "DOMAIN_ENROLLMENT"}),
		b.create(t, fields{"target_url": refuses.URL, "event_type": "DOMAIN_ENROLLMENT"}),
	}
	byHand := b.create(t, fields{"target_url": target, "active": false})
	kind, _ := engine.BuiltIn.Find(engine.SkilljarDomainEnrollment)
	if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: kind.Code, ConsumerID: b.contoso.ID, Data: kind.Sample()}); err != nil {
		t.Fatal(err)
	}
	gone.Wait(t, 1)
	refuses.Wait(t, 1)
	if err := b.engine.Stop(t.Context()); err != nil { // when it has, the attempts are recorded
		t.Fatal(err)
	}
	for _, id := range ids {
		got := b.send(t, "GET", path+"/"+id, "contoso", nil).want(200).object()
		if got["active"] != false || got["deactivate_reason"] != "HTTP_4XX_RESPONSE" {
			t.Errorf("after a 4xx: %v", got)
		}
		got = b.send(t, "PUT", path+"/"+id, "contoso", fields{"target_url": target}).want(200).object()
		if got["active"] != true || got["deactivate_reason"] != nil {
			t.Errorf("active again: %v", got)
		}
	}
	if got := b.send(t, "GET", path+"/"+byHand, "contoso", nil).want(200).object(); got["active"] != false || got["deactivate_reason"] != nil {
		t.Errorf("switched off by hand: %v", got)
	}
	if got := b.send(t, "POST", path+"/"+byHand+"/ping", "contoso", nil).detail(503); !strings.Contains(got, "stopping") {
		t.Errorf("a ping after the stop: %q", got)
	}
}

// TestRate asks with one key until it is refused, which holds up no other key.
func TestRate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.serve(t, keyrate.New(1))
	for n := range 3 * keyrate.BurstSeconds {
		r := b.send(t, "GET", path, "contoso-read", nil)
		if r.header.Get("RateLimit-Policy") != `"key";q=4;w=4` {
			t.Fatalf("headers %v", r.header)
		}
		if r.status == http.StatusOK {
			continue
		}
		if got := r.detail(429); n < keyrate.BurstSeconds || got != "Request was throttled. Expected available in 1 seconds." || r.header.Get("Retry-After") != "1" {
			t.Errorf("after %d requests: %q, headers %v", n, got, r.header)
		}
		b.send(t, "GET", path, "fabrikam", nil).want(200)
		return
	}
	t.Error("nothing was refused")
}

// TestDeletedConsumer deletes the consumer of a key that was used a moment ago.
func TestDeletedConsumer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.send(t, "GET", path, "contoso", nil).want(200)
	if err := b.store.DeleteConsumer(t.Context(), engine.System, b.contoso.ID); err != nil {
		t.Fatal(err)
	}
	b.send(t, "GET", path, "contoso", nil).want(401)
	b.send(t, "GET", path, "fabrikam", nil).want(200)
}
