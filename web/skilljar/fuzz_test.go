package skilljar

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

// FuzzBody reads bodies: what is refused is refused with a status that blames the client, and what makes a webhook
// that the engine takes can be told in this shape, and sent back without changing it.
func FuzzBody(f *testing.F) {
	for _, seed := range [][2]string{
		{"application/json", `{"target_url": "https://hooks.example.com", "active": true, "event_type": "COURSE_ENROLLMENT"}`},
		{"application/json", `{"target_url": "https://hooks.example.com", "basic_auth_username": "u", "basic_auth_password": "p", "additional_headers": {"x-key": "1"}}`},
		{"", `{"additional_headers": {"User-Agent": "skilljar", "x-a": "••••"}}`},
		{"application/x-www-form-urlencoded", "target_url=https%3A%2F%2Fhooks.example.com&active=0&additional_headers=%7B%22x%22%3A%22y%22%7D"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"target_url\"\r\n\r\nhttps://hooks.example.com\r\n--b--\r\n"},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		fields, err := parseBody(body, contentType)
		if err != nil {
			refused, ok := errors.AsType[*refusal](err)
			if !ok || refused.status < 400 || refused.status > 499 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		in, bad := readInput(fields)
		w := newWebhook(engine.NewID[engine.ConsumerID]())
		w.Name, w.URL = "Fuzz", "https://hooks.example.com"
		in.apply(&w)
		if len(bad) > 0 || w.Validate(engine.BuiltIn) != nil {
			return
		}
		if !expressible(&w) {
			t.Fatalf("the shape cannot tell %+v", w)
		}
		out := webhookOut(&w)
		again, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if fields, err = parseBody(again, "application/json"); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if in, bad = readInput(fields); len(bad) > 0 {
			t.Fatalf("%s: %v", again, bad)
		}
		next := w
		in.apply(&next)
		if diff := cmp.Diff(out, webhookOut(&next)); diff != "" {
			t.Fatalf("sent back (-want +got):\n%s", diff)
		}
		if next.BasicAuth != w.BasicAuth || len(next.Headers) != len(w.Headers) {
			t.Fatalf("sent back: %+v, before %+v", next, w)
		}
	})
}
