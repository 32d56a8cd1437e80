package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// noJitter makes every wait what its policy says.
func noJitter() float64 { return 0 }

// schedule is what one preset must do with a receiver that fails for good, in seconds from the first attempt.
type schedule struct {
	policy      engine.RetryPolicy
	waits       []int
	total       int
	deactivates bool
}

func schedules() map[string]schedule {
	skilljar := []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048}
	own := custom(func(p *engine.RetryPolicy) { p.Retries, p.OnExhausted = 4, engine.OnExhaustedDeactivate })
	studio := engine.StudioPolicy
	studio.Retries = 5
	return map[string]schedule{
		"studio":   {studio, []int{1, 2, 3, 4, 5}, 15, false},
		"skilljar": {engine.SkilljarPolicy, append(skilljar, slices.Repeat([]int{3600}, 49)...), 180_494, true},
		"standard": {engine.StandardPolicy, []int{5, 300, 1800, 7200, 18000, 36000, 36000}, 99_305, false},
		"live":     {engine.LivePolicy, []int{20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}, 12_300, false},
		"custom":   {own, []int{10, 300, 300, 300}, 910, true},
	}
}

// of makes a webhook that has the policy.
func of(p engine.RetryPolicy) func(*engine.Webhook) {
	return func(w *engine.Webhook) {
		w.RetryPolicy, w.Retries, w.Timeout = p.Name, p.Retries, p.Timeout
		if p.Name == engine.CustomPolicyName {
			w.Custom = p
		}
	}
}

// TestScheduleToExhaustion lets a receiver fail until the webhook gives up, for each preset, and looks at what is left.
func TestScheduleToExhaustion(t *testing.T) {
	t.Parallel()
	for name, s := range schedules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setupWithChance(t, engine.Limits{}, noJitter)
				b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
					if a.header.Get("Labhook-Event") == engine.LabScored {
						return http.StatusServiceUnavailable, nil
					}
					return http.StatusOK, nil
				}
				w := b.webhook(of(s.policy))
				b.webhook(func(w *engine.Webhook) {
					w.Events = []string{engine.SystemDeliveryFailed, engine.SystemWebhookDeactivated}
				})
				id := b.post("").Deliveries[0].ID
				settle(time.Duration(s.total)*time.Second - 500*time.Millisecond)
				late := b.post("").Deliveries[0].ID // waits for its next attempt when the first one is given up
				settle(900 * time.Millisecond)
				b.checkSchedule(id, s.waits, s.total)
				b.checkExhausted(w.ID, b.delivery(id).Delivery, b.delivery(late).Delivery, s.deactivates)
			})
		})
	}
}

// checkSchedule expects the attempts of a delivery at their times.
func (b *bench) checkSchedule(id engine.DeliveryID, waits []int, total int) {
	b.t.Helper()
	var at []time.Time
	for _, a := range b.wire.seen() {
		if a.id == id.String() {
			at = append(at, a.at)
		}
	}
	if len(at) != len(waits)+1 {
		b.t.Fatalf("%d requests, want %d", len(at), len(waits)+1)
	}
	for i, wait := range waits {
		if got, want := at[i+1].Sub(at[i]), time.Duration(wait)*time.Second; got < want || got > want+2*time.Millisecond {
			b.t.Errorf("retry %d after %s, want %s", i+1, got, want)
		}
	}
	// Each attempt may cost a millisecond to which its end is rounded up.
	got := at[len(at)-1].Sub(at[0])
	if want := time.Duration(total) * time.Second; got < want || got > want+time.Duration(len(at))*2*time.Millisecond {
		b.t.Errorf("the last request comes after %s, want %s", got, want)
	}
}

// checkExhausted looks at a webhook of which a delivery failed, and at another delivery that waited then.
func (b *bench) checkExhausted(id engine.WebhookID, failed, waited engine.Delivery, deactivates bool) {
	b.t.Helper()
	if failed.State != engine.StateFailed || failed.LastStatus != 503 || failed.ErrorAction != engine.ErrorActionLog {
		b.t.Errorf("the delivery is %+v, want failed with 503 and its error action applied", failed)
	}
	w := b.store.Directory().Webhook(id)
	told := b.systemEvents()
	if len(told[engine.SystemDeliveryFailed]) != 1 {
		b.t.Errorf("told of failures: %+v", told)
	}
	if !deactivates {
		if !w.Enabled || waited.State != engine.StateRetrying || len(told[engine.SystemWebhookDeactivated]) != 0 {
			b.t.Errorf("the webhook is enabled: %t, another delivery %s, told %v", w.Enabled, waited.State, told)
		}
		return
	}
	if w.Enabled || w.DeactivateReason != engine.DeactivatedByRetries || w.DeactivatedAt.Sub(failed.FinishedAt).Abs() > 20*time.Millisecond || w.Version != 2 {
		b.t.Errorf("the webhook is off for %q at %s, version %d; the delivery failed at %s", w.DeactivateReason, w.DeactivatedAt, w.Version, failed.FinishedAt)
	}
	if want := engine.DeactivatedByRetries.CancelReason(); waited.State != engine.StateCancelled || waited.Reason != want {
		b.t.Errorf("another delivery is %s: %q, want cancelled: %q", waited.State, waited.Reason, want)
	}
	news := told[engine.SystemWebhookDeactivated]
	if len(news) != 1 || news[0].Reason != "RETRY_COUNT" || news[0].Webhook != id.String() || news[0].Delivery != failed.ID.String() || news[0].Status != 503 {
		b.t.Errorf("told of the deactivation: %+v", news)
	}
}

// systemEvents returns the system events that arrived, by type.
func (b *bench) systemEvents() map[string][]engine.SystemEvent {
	b.t.Helper()
	told := map[string][]engine.SystemEvent{}
	for _, a := range b.wire.seen() {
		if kind := a.header.Get("Labhook-Event"); engine.BuiltIn.System(kind) {
			var e engine.SystemEvent
			if err := json.Unmarshal([]byte(a.body), &e); err != nil {
				b.t.Errorf("%s: %v", a.body, err)
			}
			told[kind] = append(told[kind], e)
		}
	}
	return told
}

// early is what ends the schedule of a preset before its time: the statuses that the receiver answers one after the
// other, the last one again and again.
type early struct {
	policy   engine.RetryPolicy
	answers  []int
	header   string // of Webhook-Delivery
	requests int
	state    engine.DeliveryState
	off      engine.DeactivateReason
}

func TestEndsEarly(t *testing.T) {
	t.Parallel()
	studio, skilljar, standard, live := engine.StudioPolicy, engine.SkilljarPolicy, engine.StandardPolicy, engine.LivePolicy
	giveUp := custom(func(p *engine.RetryPolicy) { p.On4xx = engine.On4xxGiveUp })
	created := custom(func(p *engine.RetryPolicy) { p.Success = []engine.StatusRange{{201, 201}, {302, 302}} })
	const delivered, failed = engine.StateDelivered, engine.StateFailed
	for name, e := range map[string]early{
		"studio, a success":             {studio, []int{500, 404, 200}, "", 3, delivered, ""},
		"studio, 410 is as any":         {studio, []int{410}, "", 4, failed, ""},
		"skilljar, a success":           {skilljar, []int{500, 302, 200}, "", 3, delivered, ""},
		"skilljar, a 4xx":               {skilljar, []int{404}, "", 1, failed, engine.DeactivatedBy4xx},
		"skilljar, a 4xx later":         {skilljar, []int{500, 500, 410}, "", 3, failed, engine.DeactivatedBy4xx},
		"standard, gone":                {standard, []int{404, 410}, "", 2, failed, engine.DeactivatedByGone},
		"standard, a success":           {standard, []int{404, 301, 204}, "", 3, delivered, ""},
		"live, a redirect succeeds":     {live, []int{500, 404, 308}, "", 3, delivered, ""},
		"live, 410 is as any":           {live, []int{410, 200}, "", 2, delivered, ""},
		"custom, a 4xx gives up":        {giveUp, []int{500, 403}, "", 2, failed, ""},
		"custom, gone counts more":      {giveUp, []int{410}, "", 1, failed, engine.DeactivatedByGone},
		"custom, its own success":       {created, []int{200, 302}, "", 2, delivered, ""},
		"control, abort":                {standard, []int{500}, "abort-message", 1, failed, ""},
		"control, abort of a success":   {standard, []int{200}, "abort-message", 1, delivered, ""},
		"control, disable":              {studio, []int{500}, "disable", 1, failed, engine.DeactivatedByReceiver},
		"control, disable of a success": {live, []int{200}, "disable", 1, delivered, engine.DeactivatedByReceiver},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { e.play(t) })
		})
	}
}

func (e early) play(t *testing.T) {
	b := setupWithChance(t, engine.Limits{}, noJitter)
	b.wire.answer = func(_ context.Context, _ arrival, nth int) (int, error) {
		return e.answers[min(nth, len(e.answers))-1], nil
	}
	if e.header != "" {
		b.wire.header = http.Header{"Webhook-Delivery": {e.header}}
	}
	w := b.webhook(of(e.policy))
	id := b.post("").Deliveries[0].ID
	settle(2 * time.Hour)
	d := b.delivery(id)
	if n := len(b.wire.seen()); n != e.requests || d.State != e.state || d.Attempts != e.requests {
		t.Errorf("%d requests, then %s; want %d and %s", n, d.State, e.requests, e.state)
	}
	now := b.store.Directory().Webhook(w.ID)
	if now.DeactivateReason != e.off || now.Enabled != (e.off == "") || now.DeactivatedAt.IsZero() != now.Enabled {
		t.Errorf("the webhook is enabled: %t, for %q since %s; want %q", now.Enabled, now.DeactivateReason, now.DeactivatedAt, e.off)
	}
	if next := len(b.post("").Deliveries); (next == 1) != now.Enabled {
		t.Errorf("of the next event there are %d deliveries", next)
	}
}

// TestPlanIsWhatHappens compares the planned times of 200 random policies with those of the requests: once with every
// attempt failing at once and the shortest jitter, once with every attempt taking its whole timeout and the longest.
func TestPlanIsWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var chance atomic.Value
		b := setupWithChance(t, engine.Limits{}, func() float64 { return chance.Load().(float64) })
		rng := rand.New(rand.NewPCG(1, 2))
		webhooks := map[engine.WebhookID]engine.Webhook{}
		for range 200 {
			w := b.webhook(func(w *engine.Webhook) {
				of(randomPolicy(rng))(w)
				w.Delay = time.Duration(rng.IntN(120)) * time.Second
			})
			webhooks[w.ID] = w
		}
		for _, end := range []float64{-1, 1} {
			chance.Store(end)
			b.wire.answer = func(ctx context.Context, _ arrival, _ int) (int, error) {
				if end > 0 {
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return http.StatusServiceUnavailable, nil
			}
			began, before := time.Now(), len(b.wire.seen())
			deliveries := b.post(fmt.Sprint(end)).Deliveries
			settle(14 * time.Hour)
			made := map[string][]time.Duration{}
			for _, a := range b.wire.seen()[before:] {
				made[a.id] = append(made[a.id], a.at.Sub(began))
			}
			for _, d := range deliveries {
				w := webhooks[d.WebhookID]
				comparePlan(t, &w, made[d.ID.String()], b.delivery(d.ID).FinishedAt.Sub(began), end)
			}
		}
	})
}

// randomPolicy returns a policy of which everything takes less than 14 hours.
func randomPolicy(rng *rand.Rand) engine.RetryPolicy {
	if rng.IntN(5) == 0 {
		return []engine.RetryPolicy{engine.StudioPolicy, engine.LivePolicy}[rng.IntN(2)]
	}
	p := custom(func(p *engine.RetryPolicy) { p.Retries, p.Waits = rng.IntN(9), nil })
	p.Timeout = time.Duration(1+rng.IntN(60)) * time.Second
	for range 1 + rng.IntN(9) {
		p.Waits = append(p.Waits, time.Duration(1+rng.IntN([]int{5, 90, 4000}[rng.IntN(3)]))*time.Second)
	}
	return p
}

func comparePlan(t *testing.T, w *engine.Webhook, made []time.Duration, ended time.Duration, end float64) {
	t.Helper()
	plan, earliest, latest := w.Policy().Plan(w.Delay, w.Timeout, w.Retries)
	last := earliest
	if end > 0 {
		last = latest
	}
	if len(made) != len(plan) {
		t.Errorf("%d requests, %d planned", len(made), len(plan))
		return
	}
	for i, p := range plan {
		want := p.Earliest
		if end > 0 {
			want = p.Latest
		}
		// Every attempt before it may have cost a millisecond to which its end is rounded up.
		if late := made[i] - want; late < 0 || late > time.Duration(i+1)*2*time.Millisecond {
			t.Errorf("attempt %d of %s comes after %s, planned %s", i+1, engine.FormatWaits(w.Policy().Waits), made[i], want)
		}
	}
	if late := ended - last; late < 0 || late > time.Duration(len(plan))*2*time.Millisecond {
		t.Errorf("it ends after %s, planned %s", ended, last)
	}
}
