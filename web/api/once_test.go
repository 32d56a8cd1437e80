package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/web/api"
)

// once sends a request with an Idempotency-Key.
func (b *bundle) once(t *testing.T, name, path, key, body string) reply {
	t.Helper()
	return b.send(t, "POST", path, key, body, "Idempotency-Key", name)
}

// TestIdempotencyKeyOnEveryPost repeats every POST that succeeds: each answers the same, and nothing is done twice.
func TestIdempotencyKeyOnEveryPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	for i, a := range accesses() {
		if a.method != "POST" || a.pattern == "/events" {
			continue
		}
		path, body := a.request(t, b)
		first := b.once(t, fmt.Sprint("k-", i), path, "platform", body).want(a.success)
		before := b.done(t)
		again := b.once(t, fmt.Sprint("k-", i), path, "platform", body).want(a.success)
		if string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %s\nagain %s", path, first.body, again.body)
		}
		for _, name := range []string{"Location", "ETag", "Content-Type"} {
			if first.header.Get(name) != again.header.Get(name) {
				t.Errorf("%s: %s is %q, again %q", path, name, first.header.Get(name), again.header.Get(name))
			}
		}
		if p := b.once(t, fmt.Sprint("k-", i), path+"?", "platform", body+" ").problem(422); p.Errors[0].Field != "Idempotency-Key" {
			t.Errorf("%s with another body: %+v", path, p)
		}
		if after := b.done(t); after != before {
			t.Errorf("%s: the repetition was carried out\nbefore %s\nafter %s", path, before, after)
		}
	}
}

// done returns the rows that every request which changes something adds to: the engine sends meanwhile and changes
// others.
func (b *bundle) done(t *testing.T) string {
	t.Helper()
	var lines []string
	table := ""
	for line := range strings.Lines(b.dump(t)) {
		if !strings.HasPrefix(line, " ") {
			table = strings.TrimSpace(line)
		}
		if table == "audit" || table == "events" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestIdempotencyKeysOfOthers checks that each API key has its own, and that a refused request frees its key.
func TestIdempotencyKeysOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const path = "/api/v1/consumers"
	b.once(t, "k", path, "platform", `{"name": ""}`).problem(422)
	b.once(t, "k", path, "platform", `{"name": "First"}`).want(201)
	b.once(t, "k", path, "platform", `{"name": "Second"}`).problem(422)
	b.key(t, "second", 0, engine.ScopeManage)
	b.once(t, "k", path, "second", `{"name": "Other"}`).want(201)
	b.once(t, "a b", path, "platform", `{"name": "New"}`).problem(422)
	b.once(t, strings.Repeat("x", 201), path, "platform", `{"name": "New"}`).problem(422)
	var all api.List[api.Consumer]
	b.send(t, "GET", path, "platform", "").want(200).into(&all)
	if len(all.Data) != 4 {
		t.Errorf("there are %d consumers: %+v", len(all.Data), all.Data)
	}
}

// TestIdempotencyKeySeals looks for a created key in the database: its answer is kept, and nobody can read it there.
func TestIdempotencyKeySeals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var first, again api.Key
	b.once(t, "k", "/api/v1/keys", "platform", `{"description": "CI"}`).want(201).into(&first)
	b.once(t, "k", "/api/v1/keys", "platform", `{"description": "CI"}`).want(201).into(&again)
	if first.Key == "" || again.Key != first.Key {
		t.Errorf("key %q, again %q", first.Key, again.Key)
	}
	dump := b.dump(t)
	if secret := strings.TrimPrefix(first.Key, first.Prefix); strings.Contains(dump, secret) || strings.Contains(dump, fmt.Sprintf("%X", secret)) {
		t.Error("the database shows the key")
	}
}

// TestIdempotencyKeyUnderWay sends one request many times at once while its receiver takes its time.
func TestIdempotencyKeyUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked, goOn := make(chan struct{}, 10), make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-goOn
	}))
	defer receiver.Close()
	path := "/api/v1/webhooks/" + b.webhook(t, b.contoso.ID, receiver.URL).ID.String() + "/ping"
	var first reply
	var wait sync.WaitGroup
	wait.Go(func() { first = b.once(t, "k", path, "contoso", "") })
	<-asked
	second := b.once(t, "k", path, "contoso", "")
	if p := second.problem(409); !strings.Contains(p.Detail, "being carried out") || second.header.Get("Retry-After") == "" {
		t.Errorf("meanwhile: %s", second.body)
	}
	close(goOn)
	wait.Wait()
	if again := b.once(t, "k", path, "contoso", "").want(200); string(again.body) != string(first.want(200).body) || len(asked) > 0 {
		t.Errorf("first %s\nagain %s", first.body, again.body)
	}
}

// TestIdempotencyKeyBrokeOff leaves a request unanswered, as a crash does.
func TestIdempotencyKeyBrokeOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"name": "New"}`
	b.once(t, "k", "/api/v1/consumers", "platform", body).want(201)
	b.exec(t, "UPDATE idempotency SET status = NULL, answer = NULL")
	if p := b.once(t, "k", "/api/v1/consumers", "platform", body).problem(409); !strings.Contains(p.Detail, "broke off") {
		t.Errorf("problem %+v", p)
	}
	b.exec(t, "UPDATE idempotency SET status = 201")
	if p := b.once(t, "k", "/api/v1/consumers", "platform", body).problem(409); !strings.Contains(p.Detail, "too large") {
		t.Errorf("problem %+v", p)
	}
	// After a day the key is free.
	b.exec(t, "UPDATE idempotency SET created_at = created_at - ?", (db.KeepAnswers + time.Second).Milliseconds())
	b.once(t, "k", "/api/v1/consumers", "platform", `{"name": "Newer"}`).want(201)
	b.exec(t, "UPDATE idempotency SET created_at = created_at - ?", (db.KeepAnswers + time.Second).Milliseconds())
	if err := b.store.PurgeAnswers(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if left := b.exec(t, "DELETE FROM idempotency"); left != 0 {
		t.Errorf("%d answers are kept for more than a day", left)
	}
}
