package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// hookView is what the tests read of a webhook.
type hookView struct {
	ID               string
	Enabled          bool
	Timeout, Retries int
	Signing          struct{ Secret string }
	DeactivateReason *string    `json:"deactivate_reason"`
	DeactivatedAt    *time.Time `json:"deactivated_at"`
}

func (p *program) webhook(t *testing.T, id string) (w hookView) {
	t.Helper()
	p.must(t, http.StatusOK, http.MethodGet, "/api/v1/webhooks/"+id, nil, &w)
	return w
}

// posted is the answer to a posted event.
type posted struct {
	At         time.Time `json:"accepted_at"`
	Deliveries []struct{ ID, Webhook string }
}

// of returns the delivery for a webhook.
func (p posted) of(t *testing.T, w hookView) string {
	t.Helper()
	for _, d := range p.Deliveries {
		if d.Webhook == w.ID {
			return d.ID
		}
	}
	t.Fatalf("the event has no delivery for %s: %+v", w.ID, p)
	return ""
}

func (p posted) has(w hookView) bool {
	return slices.ContainsFunc(p.Deliveries, func(d struct{ ID, Webhook string }) bool { return d.Webhook == w.ID })
}

// post posts an event with its data to the byte.
func (p *program) post(t *testing.T, consumer, kind, data string) (answer posted) {
	t.Helper()
	body := `{"consumer": "` + consumer + `", "type": "` + kind + `", "data": ` + data + `}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/api/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusAccepted || json.Unmarshal(text, &answer) != nil {
		t.Fatalf("post %s: status %d, error %v: %s", kind, res.StatusCode, err, text)
	}
	return answer
}

// deliveryView is what the tests read of a delivery.
type deliveryView struct {
	ID            string
	State         string
	LastStatus    *int   `json:"last_status"`
	ErrorAction   string `json:"error_action"`
	AttemptsInAll int    `json:"attempts_in_all"`
	Attempts      []struct {
		StartedAt time.Time  `json:"started_at"`
		RetryAt   *time.Time `json:"retry_at"`
	}
}

// await asks for a delivery until it is in that state.
func (p *program) await(t *testing.T, id, state string) deliveryView {
	t.Helper()
	stuck := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var d deliveryView
		p.must(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries/"+id, nil, &d)
		if d.State == state {
			return d
		}
		select {
		case <-tick.C:
		case <-stuck:
			t.Fatalf("the delivery does not come to be %s: %+v", state, d)
		}
	}
}

// wantWaits asserts that a delivery had one attempt more than there are waits, and waited at least so long between them.
func (d deliveryView) wantWaits(t *testing.T, waits ...time.Duration) {
	t.Helper()
	if len(d.Attempts) != len(waits)+1 {
		t.Fatalf("the delivery had %d attempts, want %d", len(d.Attempts), len(waits)+1)
	}
	for i, wait := range waits {
		if got := d.Attempts[i+1].StartedAt.Sub(d.Attempts[i].StartedAt); got < wait {
			t.Errorf("attempt %d came %s after the one before, want at least %s", i+2, got, wait)
		}
	}
}

// platformReceiver is a receiver whose paths stand for receivers of their own.
type platformReceiver struct{ *enginetest.Receiver }

// at returns the requests for a path that have come.
func (r *platformReceiver) at(path string) []receiver.Request {
	return slices.DeleteFunc(slices.Clone(r.Arrived()), func(req receiver.Request) bool { return req.Path != path })
}

// awaitAt waits until at least n requests for a path have come.
func (r *platformReceiver) awaitAt(t *testing.T, path string, n int) []receiver.Request {
	t.Helper()
	for {
		all := len(r.Arrived())
		if found := r.at(path); len(found) >= n {
			return found
		}
		r.Wait(t, all+1)
	}
}

// wantSamples asserts that the requests carry the samples of the event types, each once and to the byte.
func wantSamples(t *testing.T, requests []receiver.Request, kinds []engine.EventType) {
	t.Helper()
	got := map[string]string{}
	for _, r := range requests {
		got[r.Header.Get("Labhook-Event")] = string(r.Body)
	}
	for _, kind := range kinds {
		if got[kind.Code] != string(kind.Sample()) {
			t.Errorf("%s: the receiver got\n%s\nwant\n%s", kind.Code, got[kind.Code], kind.Sample())
		}
	}
	if len(requests) != len(kinds) || len(got) != len(kinds) {
		t.Errorf("%d requests tell of %d events, want %d", len(requests), len(got), len(kinds))
	}
}

// basicAuth returns the user and password that a request carries.
func basicAuth(r *receiver.Request) (user, password string, ok bool) {
	return (&http.Request{Header: r.Header}).BasicAuth()
}

// servePlatform serves an API consumer of that name, with a receiver that answers 200 beside it.
func servePlatform(t *testing.T, consumer string) (*program, *platformReceiver) {
	t.Helper()
	p := serve(t, build(t))
	p.addConsumer(t, consumer)
	return p, &platformReceiver{enginetest.NewReceiver(t, "200")}
}

// headers reads header lines as people type them, and writes them as the API takes them.
func headers(lines string) []fields {
	parsed, err := engine.ParseHeaders(lines)
	if err != nil {
		panic(err)
	}
	var list []fields
	for _, h := range parsed {
		list = append(list, fields{"name": h.Name, "value": h.Value.Reveal()})
	}
	return list
}

// sampleOf returns the sample of an event type.
func sampleOf(t *testing.T, code string) json.RawMessage {
	t.Helper()
	kind, ok := engine.BuiltIn.Find(code)
	if !ok {
		t.Fatalf("there is no event type %s", code)
	}
	return kind.Sample()
}

// wantHeaders asserts that a request has header lines. A line without a value stands for a header that is not there.
func wantHeaders(t *testing.T, r *receiver.Request, lines ...string) {
	t.Helper()
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if got := r.Header.Get(name); got != value {
			t.Errorf("header %s is %q, want %q", name, got, value)
		}
	}
}

// wantSigned asserts that the official library accepts the signature in the headers of a prefix, and not one over
// another body.
func wantSigned(t *testing.T, r *receiver.Request, prefix, secret string) {
	t.Helper()
	official, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signed := http.Header{}
	for _, name := range []string{"Id", "Timestamp", "Signature"} {
		signed.Set("Webhook-"+name, r.Header.Get(prefix+name))
	}
	if err := official.Verify(r.Body, signed); err != nil {
		t.Errorf("the signature in %s* is refused: %v", prefix, err)
	}
	if official.Verify(append([]byte(" "), r.Body...), signed) == nil {
		t.Errorf("the signature in %s* is accepted over another body", prefix)
	}
}
