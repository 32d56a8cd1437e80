package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// answered returns an answer with that status and those header lines.
func answered(status int, headers ...string) *engine.Answer {
	return &engine.Answer{Proto: "HTTP/1.1", StatusCode: status, Headers: headers}
}

// custom returns a policy of ten-second waits that retries everything.
func custom(change func(*engine.RetryPolicy)) engine.RetryPolicy {
	p := engine.CustomPolicy
	p.Waits = []time.Duration{10 * time.Second, 5 * time.Minute}
	if change != nil {
		change(&p)
	}
	return p
}

// ending is an attempt of a webhook with two retries, and what follows from it.
type ending struct {
	policy   string // empty: studio
	custom   engine.RetryPolicy
	attempts int // before this one
	round    int
	manual   bool
	test     bool
	class    engine.FailureClass // empty: what the status is
	answer   *engine.Answer
	chance   float64
	want     engine.Outcome
}

func (e ending) check(t *testing.T) {
	t.Helper()
	w := enginetest.Webhook(func(w *engine.Webhook) {
		w.Retries, w.Custom = 2, e.custom
		if e.policy != "" {
			w.RetryPolicy = e.policy
		}
	})
	d := engine.Delivery{Attempts: e.attempts, RoundStart: e.round, Test: e.test, Trigger: engine.TriggerAutomatic}
	if e.manual {
		d.Trigger = engine.TriggerManual
	}
	class, status := e.class, 0
	if e.answer != nil {
		status = e.answer.StatusCode
	}
	if class == "" {
		class = engine.Classify(w.Policy(), nil, status)
	}
	e.want.Class = class
	got := engine.Decide(&w, engine.Ended{Delivery: &d, Class: class, Answer: e.answer, At: noon, Chance: e.chance})
	if diff := cmp.Diff(e.want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func retryAfter(d time.Duration) engine.Outcome {
	return engine.Outcome{Kind: engine.OutcomeRetry, RetryAt: noon.Add(d)}
}

var (
	done   = engine.Outcome{Kind: engine.OutcomeDelivered}
	giveUp = engine.Outcome{Kind: engine.OutcomeGiveUp}
)

// off is the outcome of an attempt that deactivates.
func off(kind engine.OutcomeKind, why engine.DeactivateReason) engine.Outcome {
	return engine.Outcome{Kind: kind, Deactivate: why}
}

func TestDecideRetries(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for name, tt := range map[string]ending{
		"success":                       {answer: answered(200), want: done},
		"success of a late attempt":     {attempts: 9, answer: answered(204), want: done},
		"first failure":                 {class: engine.ClassTimeout, want: retryAfter(second)},
		"second failure":                {attempts: 1, answer: answered(500), want: retryAfter(2 * second)},
		"last failure":                  {attempts: 2, answer: answered(500), want: giveUp},
		"beyond the last":               {attempts: 3, answer: answered(500), want: giveUp},
		"first of a new round":          {attempts: 7, round: 7, answer: answered(500), want: retryAfter(second)},
		"last of a new round":           {attempts: 9, round: 7, answer: answered(500), want: giveUp},
		"blocked":                       {class: engine.ClassBlocked, want: giveUp},
		"no request":                    {class: engine.ClassRequest, want: giveUp},
		"blocked by a strict policy":    {policy: "skilljar", attempts: 2, class: engine.ClassBlocked, want: giveUp},
		"redirect":                      {answer: answered(302), want: retryAfter(second)},
		"304 of a policy that takes it": {policy: "live", answer: answered(304), want: done},
		"309 of that policy":            {policy: "live", answer: answered(309), want: retryAfter(20 * second)},
		"404":                           {answer: answered(404), want: retryAfter(second)},
		"410 of a policy without":       {answer: answered(410), want: retryAfter(second)},
		"jitter up":                     {policy: "standard", attempts: 1, answer: answered(500), chance: 1, want: retryAfter(330 * second)},
		"jitter down":                   {policy: "standard", attempts: 1, answer: answered(500), chance: -1, want: retryAfter(270 * second)},
		"no jitter up to a minute":      {policy: "live", attempts: 1, answer: answered(500), chance: 1, want: retryAfter(40 * second)},
	} {
		t.Run(name, func(t *testing.T) { tt.check(t) })
	}
}

func TestDecideDeactivates(t *testing.T) {
	t.Parallel()
	giveUp4xx := custom(func(p *engine.RetryPolicy) { p.On4xx, p.GoneDeactivates = engine.On4xxGiveUp, false })
	gone := custom(func(p *engine.RetryPolicy) { p.On4xx, p.GoneDeactivates = engine.On4xxDeactivate, true })
	for name, tt := range map[string]ending{
		"4xx":                     {policy: "skilljar", answer: answered(404), want: off(engine.OutcomeGiveUp, engine.DeactivatedBy4xx)},
		"4xx by hand":             {policy: "skilljar", attempts: 9, manual: true, answer: answered(400), want: off(engine.OutcomeGiveUp, engine.DeactivatedBy4xx)},
		"429":                     {policy: "skilljar", answer: answered(429, "Retry-After: 1"), want: off(engine.OutcomeGiveUp, engine.DeactivatedBy4xx)},
		"410 of a 4xx policy":     {policy: "skilljar", answer: answered(410), want: off(engine.OutcomeGiveUp, engine.DeactivatedBy4xx)},
		"5xx":                     {policy: "skilljar", answer: answered(500), want: retryAfter(2 * time.Second)},
		"3xx":                     {policy: "skilljar", answer: answered(301), want: retryAfter(2 * time.Second)},
		"410":                     {policy: "standard", answer: answered(410), want: off(engine.OutcomeGiveUp, engine.DeactivatedByGone)},
		"410 of a custom policy":  {policy: "custom", custom: gone, answer: answered(410), want: off(engine.OutcomeGiveUp, engine.DeactivatedByGone)},
		"4xx of that policy":      {policy: "custom", custom: gone, answer: answered(499), want: off(engine.OutcomeGiveUp, engine.DeactivatedBy4xx)},
		"given up":                {policy: "custom", custom: giveUp4xx, answer: answered(410), want: giveUp},
		"5xx is not given up":     {policy: "custom", custom: giveUp4xx, answer: answered(500), want: retryAfter(10 * time.Second)},
		"exhausted":               {policy: "skilljar", attempts: 2, answer: answered(500), want: off(engine.OutcomeGiveUp, engine.DeactivatedByRetries)},
		"exhausted by a timeout":  {policy: "skilljar", attempts: 2, class: engine.ClassTimeout, want: off(engine.OutcomeGiveUp, engine.DeactivatedByRetries)},
		"exhausted in a round":    {policy: "skilljar", attempts: 9, round: 7, answer: answered(500), want: off(engine.OutcomeGiveUp, engine.DeactivatedByRetries)},
		"hastened to exhaustion":  {policy: "skilljar", attempts: 2, manual: true, answer: answered(500), want: off(engine.OutcomeGiveUp, engine.DeactivatedByRetries)},
		"sent again by hand":      {policy: "skilljar", attempts: 3, manual: true, answer: answered(500), want: giveUp},
		"with fewer retries now":  {policy: "skilljar", attempts: 3, answer: answered(500), want: off(engine.OutcomeGiveUp, engine.DeactivatedByRetries)},
		"exhausted without a say": {policy: "standard", attempts: 2, answer: answered(500), want: giveUp},
	} {
		t.Run(name, func(t *testing.T) { tt.check(t) })
	}
}

func TestDecideReceiversControl(t *testing.T) {
	t.Parallel()
	const disable, abort = "Webhook-Delivery: disable", "Webhook-Delivery: abort-message"
	asked := engine.DeactivatedByReceiver
	for name, tt := range map[string]ending{
		"disable with success":      {answer: answered(200, disable), want: off(engine.OutcomeDelivered, asked)},
		"disable with failure":      {answer: answered(500, disable), want: off(engine.OutcomeGiveUp, asked)},
		"disable with a redirect":   {answer: answered(301, disable), want: off(engine.OutcomeGiveUp, asked)},
		"disable with 410":          {policy: "standard", answer: answered(410, disable), want: off(engine.OutcomeGiveUp, asked)},
		"disable and a broken body": {class: engine.ClassBody, answer: answered(200, disable), want: off(engine.OutcomeGiveUp, asked)},
		"abort with success":        {answer: answered(200, abort), want: done},
		"abort with failure":        {answer: answered(500, abort), want: giveUp},
		"abort at the end":          {policy: "skilljar", attempts: 2, answer: answered(500, abort), want: giveUp},
		"both":                      {answer: answered(500, "Webhook-Delivery: abort-message , Disable"), want: off(engine.OutcomeGiveUp, asked)},
		"two lines":                 {answer: answered(500, abort, disable), want: off(engine.OutcomeGiveUp, asked)},
		"another header's value":    {answer: answered(500, "X-Note: disable"), want: retryAfter(time.Second)},
		"another word":              {answer: answered(500, "Webhook-Delivery: disabled"), want: retryAfter(time.Second)},
		"test with disable":         {test: true, answer: answered(200, disable), want: done},
		"test that fails":           {test: true, policy: "skilljar", answer: answered(410, disable), want: giveUp},
	} {
		t.Run(name, func(t *testing.T) { tt.check(t) })
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const second = time.Second
	date := func(d time.Duration) string { return "Retry-After: " + noon.Add(d).Format(http.TimeFormat) }
	standard := func(attempts, status int, chance float64, header string) func(time.Duration) ending {
		return func(want time.Duration) ending {
			return ending{policy: "standard", attempts: attempts, answer: answered(status, header), chance: chance, want: retryAfter(want)}
		}
	}
	for name, tt := range map[string]ending{
		"none":                     standard(0, 503, 0, "X: y")(5 * second),
		"seconds":                  standard(0, 503, 0, "Retry-After: 90")(90 * second),
		"too many requests":        standard(0, 429, 0, "Retry-After: 90")(90 * second),
		"another status":           standard(0, 500, 0, "Retry-After: 90")(5 * second),
		"shorter than the policy":  standard(1, 503, 0, "Retry-After: 90")(300 * second),
		"shorter than the jitter":  standard(1, 503, 1, "Retry-After: 320")(330 * second),
		"longer than the jitter":   standard(1, 503, -1, "Retry-After: 280")(280 * second),
		"longer than the longest":  standard(0, 503, 0, "Retry-After: 86400")(10 * time.Hour),
		"for ever":                 standard(0, 503, 0, "Retry-After: 99999999999999999999999")(10 * time.Hour),
		"the longest with jitter":  {policy: "standard", custom: custom(nil), attempts: 1, answer: answered(503, "Retry-After: 99999"), chance: 1, want: retryAfter(10 * time.Hour)},
		"a date":                   standard(0, 503, 0, date(2*time.Minute))(2 * time.Minute),
		"a date that has passed":   standard(0, 503, 0, date(-time.Minute))(5 * second),
		"nonsense":                 standard(0, 503, 0, "Retry-After: soon")(5 * second),
		"below zero":               standard(0, 503, 0, "Retry-After: -3")(5 * second),
		"within Studio's five":     {answer: answered(503, "Retry-After: 60"), want: retryAfter(5 * second)},
		"not after the last retry": {attempts: 2, answer: answered(503, "Retry-After: 60"), want: giveUp},
	} {
		t.Run(name, func(t *testing.T) { tt.check(t) })
	}
}

func TestOutcomeChange(t *testing.T) {
	t.Parallel()
	due := noon.Add(time.Second)
	for kind, step := range map[engine.OutcomeKind]engine.Step{
		engine.OutcomeDelivered: engine.StepDeliver, engine.OutcomeRetry: engine.StepRetry,
		engine.OutcomeGiveUp: engine.StepFail, engine.OutcomeInterrupted: engine.StepInterrupt,
	} {
		want := engine.Change{Step: step, Now: noon, DueAt: due, Class: engine.ClassReset, Status: 7}
		got := engine.Outcome{Kind: kind, Class: engine.ClassReset, RetryAt: due}.Change(noon, 7)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestAnswerHeader(t *testing.T) {
	t.Parallel()
	a := answered(302, "Location: https://hooks.example.com/new: place", "X-Empty: ")
	for name, want := range map[string]string{"location": "https://hooks.example.com/new: place", "X-Empty": "", "X-Other": ""} {
		if got := a.Header(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := (*engine.Answer)(nil).Header("Location"); got != "" {
		t.Errorf("of no answer: %q", got)
	}
}

// FuzzReceiverHeaders has receivers answer anything: whatever it is, the next attempt comes within the policy's bounds, and
// only the words that mean it end the delivery or switch the webhook off.
func FuzzReceiverHeaders(f *testing.F) {
	f.Add(uint16(503), "120", "disable", 0.5, uint8(1))
	f.Add(uint16(429), "Sat, 14 Mar 2026 12:02:00 GMT", "abort-message, x", -1.0, uint8(2))
	f.Add(uint16(410), "-1", "", 1.0, uint8(0))
	f.Fuzz(func(t *testing.T, status uint16, retry, control string, chance float64, attempts uint8) {
		if !(chance >= -1 && chance <= 1) {
			return
		}
		a := answered(int(status), "Retry-After: "+retry, "Webhook-Delivery: "+control)
		for _, p := range engine.RetryPolicies {
			w := enginetest.Webhook(func(w *engine.Webhook) { w.RetryPolicy, w.Custom, w.Retries = p.Name, p, p.Retries })
			d := engine.Delivery{Attempts: int(attempts)}
			o := engine.Decide(&w, engine.Ended{
				Delivery: &d, Class: engine.Classify(&p, nil, int(status)), Answer: a, At: noon, Chance: chance,
			})
			least := engine.Spread(p.Wait(d.Tries()), chance)
			if wait := o.RetryAt.Sub(noon); o.Kind == engine.OutcomeRetry && (wait < least || wait > max(least, p.LongestWait())) {
				t.Fatalf("%s waits %s after attempt %d, not from %s to %s", p.Name, wait, d.Tries(), least, p.LongestWait())
			}
			asks := strings.Contains(strings.ToLower(control), "disable")
			if o.Deactivate == engine.DeactivatedByReceiver && !asks {
				t.Fatalf("%q is taken for a wish to be switched off", control)
			}
			if delivered := o.Kind == engine.OutcomeDelivered; delivered != p.Succeeded(int(status)) {
				t.Fatalf("%s: %d is %s", p.Name, status, o.Kind)
			}
		}
	})
}
