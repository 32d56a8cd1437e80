package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

func TestPostEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	second := b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	b.webhook(t, b.fabrikam.ID, "https://b.example", unsent)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	const data = `{"Id": 5, "UserId":1 , "Id":7, "own":  [1.0, "ä\u00e4"]}`
	const body = `{"type": "Scored", "consumer": "contoso", "id": "run-5", "occurred_at": "2026-10-22T14:02:11.25+02:00", "data": ` + data + `}`

	r := b.send(t, "POST", "/api/v1/events", "platform-send", body, "traceparent", parent).want(202)
	if got := r.header.Get("Location"); got != "/api/v1/events/run-5" {
		t.Errorf("Location = %q", got)
	}
	var got api.AcceptedEvent
	r.into(&got)
	if got.ID != "run-5" || got.Type != engine.LabScored || *got.Consumer != b.contoso.ID.String() || got.Subject != "7" || got.Duplicate ||
		!got.OccurredAt.Equal(time.Date(2026, 10, 22, 12, 2, 11, 250e6, time.UTC)) || time.Since(got.AcceptedAt) > time.Minute {
		t.Errorf("answer %s", r.body)
	}
	if len(got.Deliveries) != 2 || got.Deliveries[0].Webhook != first.ID.String() || got.Deliveries[1].Webhook != second.ID.String() ||
		got.Deliveries[0].State != "scheduled" {
		t.Errorf("deliveries %+v", got.Deliveries)
	}

	stored, err := b.store.EventNamed(t.Context(), "run-5", 0)
	if err != nil {
		t.Fatal(err)
	}
	if string(stored.Data) != data {
		t.Errorf("data were changed: %s", stored.Data)
	}
	if stored.TraceParent != parent || stored.SourceIP != "192.0.2.7" || !strings.Contains(stored.Source, "(platform-send)") {
		t.Errorf("traceparent %q, source %q from %q", stored.TraceParent, stored.Source, stored.SourceIP)
	}

	for _, name := range []string{"run-5", stored.ID.String()} {
		var detail api.EventDetail
		b.send(t, "GET", "/api/v1/events/"+name, "contoso-read", "").want(200).into(&detail)
		if detail.ID != "run-5" || *detail.TraceParent != parent || len(detail.Deliveries) != 2 || detail.Deliveries[0].Webhook != first.ID.String() {
			t.Errorf("event %+v", detail)
		}
		var want any
		if err := json.Unmarshal(stored.Data, &want); err != nil {
			t.Fatal(err)
		}
		var shown any
		if err := json.Unmarshal(detail.Data, &shown); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Errorf("data (-stored +shown):\n%s", diff)
		}
	}
}

func TestPostEventDefaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var own, all api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso-send", eventJSON(`"consumer": null, "subject": "",`)).want(202).into(&own)
	if own.Consumer == nil || *own.Consumer != b.contoso.ID.String() || !strings.HasPrefix(own.ID, "evt_") || own.Subject != "7" || !own.OccurredAt.Equal(own.AcceptedAt) {
		t.Errorf("event of a consumer's key: %+v", own)
	}
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON("")).want(202).into(&all)
	if all.Consumer != nil || len(all.Deliveries) != 0 || all.Deliveries == nil {
		t.Errorf("event of a platform key: %+v", all)
	}
}

func TestTraceParentIsKeptWhenWellFormed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for sent, kept := range map[string]bool{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00": false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331":    false,
		"hello": false,
		"":      false,
	} {
		var ev api.AcceptedEvent
		var detail api.EventDetail
		b.send(t, "POST", "/api/v1/events", "platform", eventJSON(""), "traceparent", sent).want(202).into(&ev)
		b.send(t, "GET", "/api/v1/events/"+ev.ID, "platform", "").want(200).into(&detail)
		if got := detail.TraceParent != nil && *detail.TraceParent == sent; got != kept {
			t.Errorf("traceparent %q: kept %v, want %v", sent, got, kept)
		}
	}
}

// TestIdempotency posts the same and other events under one id and one key.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	for _, tt := range []struct {
		name      string
		fields    string
		headers   []string
		sameAgain string // fields that mean the same event
		other     string // fields of another event under the same id or key
	}{
		{name: "by id", fields: `"id": "run-1",`, sameAgain: ` "subject": "7", "id":"run-1",`, other: `"id": "run-1", "subject": "8",`},
		{name: "by Idempotency-Key", headers: []string{"Idempotency-Key", "k-1"}, sameAgain: `"subject": "7",`, other: `"subject": "8",`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var first, again api.AcceptedEvent
			b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(tt.fields), tt.headers...).want(202).into(&first)
			b.send(t, "POST", "/api/v1/deliveries/"+first.Deliveries[0].ID+"/cancel", "contoso", "").want(200)
			before := b.dump(t)
			r := b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(tt.sameAgain), tt.headers...).want(202)
			r.into(&again)
			want := first
			want.Duplicate = true
			want.Deliveries = []api.EventDelivery{{ID: first.Deliveries[0].ID, Webhook: first.Deliveries[0].Webhook, State: "cancelled"}}
			if diff := cmp.Diff(want, again); diff != "" {
				t.Errorf("second answer (-want +got):\n%s", diff)
			}
			if got := r.header.Get("Location"); got != "/api/v1/events/"+first.ID {
				t.Errorf("Location = %q", got)
			}
			if p := b.send(t, "POST", "/api/v1/events", "contoso", eventJSON(tt.other), tt.headers...).problem(409); !strings.Contains(p.Detail, "another event") {
				t.Errorf("detail %q", p.Detail)
			}
			if diff := cmp.Diff(before, b.dump(t)); diff != "" {
				t.Errorf("repeating changed rows:\n%s", diff)
			}
		})
	}
}

// TestConcurrentPostsOfOneEvent posts the same id twenty times at once: one event, one answer that is no duplicate.
func TestConcurrentPostsOfOneEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	server := httptest.NewServer(b.handler)
	defer server.Close()
	var (
		all       sync.WaitGroup
		originals atomic.Int64
	)
	for range 20 {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/v1/events", strings.NewReader(eventJSON(`"id": "same",`)))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("api_key", b.keys["contoso-send"])
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var ev api.AcceptedEvent
			if err := json.NewDecoder(resp.Body).Decode(&ev); err != nil || resp.StatusCode != 202 || ev.ID != "same" || len(ev.Deliveries) != 1 {
				t.Errorf("answer %d %+v: %v", resp.StatusCode, ev, err)
			}
			if !ev.Duplicate {
				originals.Add(1)
			}
		})
	}
	all.Wait()
	page, err := b.store.ListEvents(t.Context(), engine.EventFilter{})
	if err != nil || len(page.Rows) != 1 || originals.Load() != 1 {
		t.Errorf("%d events, %d answers were no duplicates (%v)", len(page.Rows), originals.Load(), err)
	}
}

func TestListEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	var ids []string
	for i := range 5 {
		kind := []string{"lab.scored", "lab.saved"}[i%2]
		var ev api.AcceptedEvent
		body := fmt.Sprintf(`{"type": %q, "data": %s}`, kind, enginetest.LabData(int64(i)))
		b.send(t, "POST", "/api/v1/events", "contoso", body).want(202).into(&ev)
		ids = append(ids, ev.ID)
	}
	slices.Reverse(ids)
	for _, tt := range []struct {
		query string
		want  []string
		next  string // "" for none
	}{
		{"", ids, ""},
		{"limit=2", ids[:2], ids[1]},
		{"limit=2&before=" + api.Cursor(ids[1]), ids[2:4], ids[3]},
		{"limit=2&before=" + api.Cursor(ids[3]), ids[4:], ""},
		{"after=" + api.Cursor(ids[2]), ids[:2], ids[1]},
		{"type=lab.saved", []string{ids[1], ids[3]}, ""},
		{"type=Saved", []string{ids[1], ids[3]}, ""},
		{"subject=4", ids[:1], ""},
		{"consumer=contoso", ids, ""},
		{"test=false", ids, ""},
		{"test=true", nil, ""},
		{"consumer=" + b.fabrikam.ID.String(), nil, ""},
		{"until=2026-01-01T00:00:00Z", nil, ""},
		{"since=2026-01-01T00:00:00Z", ids, ""},
	} {
		var page api.List[api.EventRow]
		b.send(t, "GET", "/api/v1/events?"+tt.query, "platform", "").want(200).into(&page)
		var got []string
		for _, row := range page.Data {
			got = append(got, row.ID)
		}
		next := ""
		if page.Next != nil {
			next = *page.Next
		}
		if !slices.Equal(got, tt.want) || next != api.Cursor(tt.next) {
			t.Errorf("%q: %q next %q, want %q next %q", tt.query, got, next, tt.want, tt.next)
		}
	}
	var page api.List[api.EventRow]
	b.send(t, "GET", "/api/v1/events?type=lab.scored&limit=1", "platform", "").want(200).into(&page)
	if diff := cmp.Diff(map[string]int{"scheduled": 1}, page.Data[0].DeliveryStates); diff != "" {
		t.Errorf("delivery states:\n%s", diff)
	}
}

// TestBrokenOffBody ends a body before its time: the client's fault, and nothing is accepted.
func TestBrokenOffBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.dump(t)
	body := io.MultiReader(strings.NewReader(eventJSON("")[:20]), iotest.ErrReader(io.ErrUnexpectedEOF))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/events", body)
	r.Header.Set("api_key", b.keys["platform"])
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if p := (reply{t, w.Code, w.Header(), w.Body.Bytes()}).problem(400); !strings.Contains(p.Detail, "broke off") {
		t.Errorf("detail %q", p.Detail)
	}
	if b.dump(t) != before {
		t.Error("rows changed")
	}
}

func TestStoppingServerTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := b.dump(t)
	r := b.send(t, "POST", "/api/v1/events", "platform", eventJSON(""))
	if p := r.problem(503); p.Type != "urn:labhook:problem:stopping" || r.header.Get("Retry-After") == "" {
		t.Errorf("problem %+v, Retry-After %q", p, r.header.Get("Retry-After"))
	}
	if b.dump(t) != before {
		t.Error("rows changed")
	}
}

// TestInternalErrorsAreNotShown closes the database under the API.
func TestInternalErrorsAreNotShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.send(t, "GET", "/api/v1/version", "platform", "").want(200) // the key is known from now on
	if err := b.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	r := b.send(t, "GET", "/api/v1/deliveries", "platform", "", "X-Request-Id", "from-outside")
	p := r.problem(500)
	if p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") || p.RequestID == "from-outside" || strings.Contains(string(r.body), "sql") {
		t.Errorf("problem %s", r.body)
	}
	if logged := b.log.String(); !strings.Contains(logged, p.RequestID) || !strings.Contains(logged, "database is closed") {
		t.Errorf("log %q", logged)
	}
}

// FuzzPostEvent posts any bytes: whatever they are, it is not the server's fault.
func FuzzPostEvent(f *testing.F) {
	for _, sc := range malformedEvents() {
		if len(sc.body) < 2000 {
			f.Add([]byte(sc.body))
		}
	}
	f.Add([]byte(eventJSON(`"id": "a", "occurred_at": "2026-10-22T14:02:11Z",`)))
	f.Add([]byte(`{"type":"lab.scored","data":{"a":{"b":[null,true,1e999]}}}`))
	b := setup(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := b.send(t, "POST", "/api/v1/events", "platform", string(body))
		switch r.status {
		case 202:
			var ev api.AcceptedEvent
			r.into(&ev)
		case 400, 409, 413, 422:
			r.problem(r.status)
		default:
			t.Fatalf("status %d for %q: %s", r.status, body, r.body)
		}
	})
}

// BenchmarkPartPost posts events through the handlers, one a request and a hundred; an operation is a request. Nothing is sent.
func BenchmarkPartPost(b *testing.B) {
	one := eventJSON("")
	for _, tt := range []struct {
		name, path, body string
		status           int
	}{
		{"one", "/api/v1/events", one, 202},
		{"batch", "/api/v1/events/batch", "[" + strings.Repeat(one+",", 99) + one + "]", 200},
	} {
		b.Run(tt.name, func(b *testing.B) {
			bundle := setup(b)
			bundle.webhook(b, bundle.contoso.ID, "https://a.example", unsent)
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.body)))
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bundle.send(b, "POST", tt.path, "contoso-send", tt.body).want(tt.status)
				}
			})
		})
	}
}
