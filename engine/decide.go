package engine

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ControlHeader is the header of an answer with which a receiver says what is to become of the deliveries: one of the
// next two, or both. Svix has it, too.
const (
	ControlHeader  = "Webhook-Delivery"
	ControlDisable = "disable"       // deactivate the webhook, whatever the answer's status
	ControlAbort   = "abort-message" // do not try this delivery again
)

// Ended is an attempt that has ended, as Decide looks at it.
type Ended struct {
	Delivery *Delivery // as it was taken, so that Attempts does not count this attempt
	Class    FailureClass
	Answer   *Answer // nil: none came
	At       time.Time
	// Chance is a random number from -1 to 1, which the jitter is made of.
	Chance float64
}

// Decide tells what follows from an attempt. It is pure. A test decides nothing but itself.
func Decide(w *Webhook, a Ended) Outcome {
	o := Outcome{Class: a.Class, Kind: OutcomeGiveUp}
	if a.Class == "" {
		o.Kind = OutcomeDelivered
	}
	p, status := w.Policy(), a.Answer.status()
	is4xx := status >= 400 && status <= 499
	switch {
	case a.Delivery.Test:
	case a.Answer.asksFor(ControlDisable):
		o.Deactivate = DeactivatedByReceiver
	case a.Class == "":
	case a.Class == ClassBlocked || a.Class == ClassRequest:
		// Trying again cannot mend what this host itself refuses, and the receiver has no part in it.
	case status == http.StatusGone && p.GoneDeactivates:
		o.Deactivate = DeactivatedByGone
	case is4xx && p.On4xx == On4xxDeactivate:
		o.Deactivate = DeactivatedBy4xx
	case is4xx && p.On4xx == On4xxGiveUp, a.Answer.asksFor(ControlAbort):
	case a.Delivery.Tries() >= w.Retries+1:
		if p.OnExhausted == OnExhaustedDeactivate && !a.Delivery.beyond(w.Retries) {
			o.Deactivate = DeactivatedByRetries
		}
	default:
		o.Kind, o.RetryAt = OutcomeRetry, a.At.Add(a.pause(p))
	}
	return o
}

// pause returns how long to wait before the next attempt: as the policy says or, where the receiver asks for longer, up
// to the policy's longest wait.
func (a *Ended) pause(p *RetryPolicy) time.Duration {
	wait := Spread(p.Wait(a.Delivery.Tries()), a.Chance)
	if asked, ok := a.Answer.RetryAfter(a.At); ok {
		wait = max(wait, min(asked, p.LongestWait()))
	}
	return wait
}

// Tries returns which attempt of its round the delivery is at once the next one has been made, from 1.
func (d *Delivery) Tries() int { return d.Attempts - d.RoundStart + 1 }

// beyond reports whether the delivery had used up that many retries before, and a person wants one more attempt: what it
// comes to says nothing new about the webhook.
func (d *Delivery) beyond(retries int) bool {
	return d.Trigger == TriggerManual && d.Tries() > retries+1
}

// RetryAfter returns how long an answer of 429 or 503 asks to wait, seen from the time at which it came; false when it
// does not ask.
func (a *Answer) RetryAfter(at time.Time) (time.Duration, bool) {
	if s := a.status(); s != http.StatusTooManyRequests && s != http.StatusServiceUnavailable {
		return 0, false
	}
	text := a.Header("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, date.Sub(at)), true
}

// Header returns the value of an answer's header, "" when it has none: where a redirect leads stands in Location.
func (a *Answer) Header(name string) string {
	if values := a.values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (a *Answer) values(name string) []string {
	if a == nil {
		return nil
	}
	var values []string
	for _, line := range a.Headers {
		if key, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(key, name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// asksFor reports whether the receiver asks for that in ControlHeader.
func (a *Answer) asksFor(what string) bool {
	return slices.ContainsFunc(a.values(ControlHeader), func(value string) bool {
		return slices.ContainsFunc(strings.Split(value, ","), func(part string) bool {
			return strings.EqualFold(strings.TrimSpace(part), what)
		})
	})
}

// status returns the answer's status, 0 when none came.
func (a *Answer) status() int {
	if a == nil {
		return 0
	}
	return a.StatusCode
}
