package cli

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/receiver"
)

// TestDemo runs a whole short demo. It judges itself: every delivery must end as its webhook's script says.
func TestDemo(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	env := Env{Getenv: func(string) string { return "" }, Stdout: &stdout, Stderr: &stderr, Version: "test"}
	if err := Demo(t.Context(), env, []string{"--seconds", "5", "--listen", "127.0.0.1:0"}); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	if !regexp.MustCompile(`events accepted +\d+ +of 24 types`).MatchString(stdout.String()) {
		t.Errorf("not all types occurred:\n%s", stdout.String())
	}
	if !strings.Contains(stdout.String(), "unexpected               0\n") {
		t.Errorf("unexpected things happened:\n%s", stdout.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("errors were logged:\n%s", stderr.String())
	}
}

// TestLabPaths checks that every event of every path carries valid lab details, and that all types occur.
func TestLabPaths(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, path := range labPaths {
		lab := newDemoLab(123456789)
		for _, eventType := range path {
			seen[eventType] = true
			data := lab.happen(eventType, time.Now())
			e := engine.Event{Type: eventType, Data: data}
			if err := e.Prepare(engine.BuiltIn, time.Now()); err != nil {
				t.Errorf("%s: %v", eventType, err)
			}
			kind, _ := engine.BuiltIn.Find(eventType)
			if ofLab := kind.Place > 0; ofLab != (e.Subject == "123456789") {
				t.Errorf("%s is about %q", eventType, e.Subject)
			}
			if !json.Valid(data) {
				t.Errorf("%s: %s", eventType, data)
			}
		}
	}
	for _, kind := range engine.BuiltIn.All() {
		if !seen[kind.Code] && kind.LabDetails {
			t.Errorf("%s does not occur", kind.Code)
		}
	}
}

// TestDemoWebhooks checks that the scripts of the receiver lead to what the demo expects of each webhook.
func TestDemoWebhooks(t *testing.T) {
	t.Parallel()
	for _, w := range demoWebhooks() {
		script, err := receiver.ParseScript(w.answers)
		if err != nil {
			t.Fatal(err)
		}
		state, attempts := engine.StateFailed, 0
		var takes time.Duration
		for n := 1; n <= w.Retries+1 && state == engine.StateFailed; n++ {
			answer := scriptAnswer(script, n)
			attempts++
			takes += answer.Delay
			if answer.Status < 300 {
				state = engine.StateDelivered
			} else if n <= w.Retries {
				takes += engine.StudioPolicy.Wait(n)
			}
		}
		takes += time.Duration(w.Delay) * time.Second
		if state != w.state || attempts != w.attempts {
			t.Errorf("%s comes to %s after %d attempts, expected is %s after %d", w.Name, state, attempts, w.state, w.attempts)
		}
		if takes >= demoTail {
			t.Errorf("%s takes %s, which is longer than the demo's tail", w.Name, takes)
		}
	}
}

// scriptAnswer returns the answer to request n of a delivery.
func scriptAnswer(script receiver.Script, n int) receiver.Answer {
	for i, step := range script {
		if n -= max(step.Times, 1); n <= 0 || i == len(script)-1 {
			return step.Answer
		}
	}
	return receiver.Answer{}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var list []time.Duration
	for n := range 200 {
		list = append(list, time.Duration(n+1)*time.Millisecond)
	}
	if p50, p99 := percentile(list, 50), percentile(list, 99); p50 != 100*time.Millisecond || p99 != 198*time.Millisecond {
		t.Errorf("p50 %s, p99 %s", p50, p99)
	}
	if got := percentile(list[:1], 99); got != time.Millisecond {
		t.Errorf("p99 of one value is %s", got)
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("p50 of nothing is %s", got)
	}
}
