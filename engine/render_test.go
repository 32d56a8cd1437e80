package engine_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	const odd = `{ "z" : 1.50e2, "a":"\u00e9/\/", "z":[ 1 , 2 ]}`
	lab := string(engine.SampleLabDetails().Body())
	for name, tt := range map[string]struct {
		event              *engine.Event
		change             func(*engine.Webhook)
		want, wantType     string
		isEventsToTheBytes bool
	}{
		"lab details": {labEvent(""), func(*engine.Webhook) {}, lab, "application/json", true},
		"lab details with further keys": {
			labEvent(`"UserEmail":"a@b.example"`), func(*engine.Webhook) {}, lab, "application/json", false,
		},
		"data of others, untouched": {courseEvent(odd), func(*engine.Webhook) {}, odd, "application/json", true},
		"own type for them": {courseEvent(odd), func(w *engine.Webhook) {
			w.Headers = []engine.Header{{Name: "content-type", Value: "application/x-course+json"}}
		}, odd, "application/x-course+json", true},
		"own JSON":                {courseEvent(odd), own("", ` {"a":1}`), ` {"a":1}`, "application/json", false},
		"own text":                {courseEvent(odd), own("", `Hello`), `Hello`, "text/plain; charset=utf-8", false},
		"own type":                {courseEvent(odd), own("application/vnd.x+json; v=1", `[]`), `[]`, "application/vnd.x+json; v=1", false},
		"the data as own content": {courseEvent(odd), own("", `{"data":@event.Data}`), `{"data":` + odd + `}`, "application/json", false},
		"none":                    {courseEvent(odd), own("", ""), "", "", false},
		"GET":                     {courseEvent(odd), func(w *engine.Webhook) { w.Verb = "GET" }, "", "", false},
		"DELETE of own":           {courseEvent(odd), func(w *engine.Webhook) { own("", "x")(w); w.Verb = "DELETE" }, "", "", false},
	} {
		w := enginetest.Webhook(tt.change)
		if err := w.Validate(engine.BuiltIn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r, err := engine.Render(&w, tt.event, engine.Stamp{DeliveryID: 7, Number: 1, At: time.Now()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := [3]any{string(r.Body), r.Header.Get("Content-Type"), r.EventBody}
		if diff := cmp.Diff([3]any{tt.want, tt.wantType, tt.isEventsToTheBytes}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := engine.Verify(w.Signing.Secret, "", r.Header, r.Body, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// own returns the change that makes a webhook send its own content.
func own(contentType, content string) func(*engine.Webhook) {
	return func(w *engine.Webhook) { w.SendLabDetails, w.ContentType, w.Content = false, contentType, content }
}

func TestRenderFails(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*engine.Webhook){
		"no URL":           func(w *engine.Webhook) { w.URL = "" },
		"no host":          func(w *engine.Webhook) { w.URL = "/lab" },
		"no secret":        func(w *engine.Webhook) { w.Signing.Secret = "" },
		"damaged secret":   func(w *engine.Webhook) { w.Signing.Secret = "whsec_?" },
		"damaged details":  func(*engine.Webhook) {},
		"port out of URLs": func(w *engine.Webhook) { w.URL = "http://h:x/" },
	} {
		w := enginetest.Webhook(change)
		e := labEvent("")
		if name == "damaged details" {
			e.Data = bytes.Replace(e.Data, []byte(`"Id":998592321`), []byte(`"Id":"x"`), 1)
		}
		if r, err := engine.Render(&w, e, engine.Stamp{}); err == nil {
			t.Errorf("%s: rendered %v", name, r.URL)
		}
	}
}

// TestSentMasks: every sensitive header is masked in what is kept, also the one that has a line of its own.
func TestSentMasks(t *testing.T) {
	t.Parallel()
	w := enginetest.Webhook(func(w *engine.Webhook) {
		w.Headers = []engine.Header{{Name: "X-Key", Value: "hush-1", Sensitive: true}, {Name: "User-Agent", Value: "hush-2", Sensitive: true}}
	})
	r, err := engine.Render(&w, &engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().Body()}, engine.Stamp{Number: 1, UserAgent: "Labhook/1"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("X-Key") != "hush-1" || r.Header.Get("User-Agent") != "hush-2" {
		t.Errorf("sent are %v", r.Header)
	}
	lines := r.Sent().Headers
	for _, want := range []string{"X-Key: " + engine.Mask, "User-Agent: " + engine.Mask} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is not in %q", want, lines)
		}
	}
	if strings.Contains(strings.Join(lines, "\n"), "hush") {
		t.Errorf("a value is kept: %q", lines)
	}
}
