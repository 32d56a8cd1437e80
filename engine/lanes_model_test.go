package engine_test

import (
	"slices"
	"time"

	"labhook/engine"
)

// laneModel is the rule of blocking, error actions and taking out of use, as small as it can be said: all
// deliveries of one consumer in the order in which they came to be. It knows nothing of transactions, memory or
// senders; a delivery whose time has come is on the wire at once.
type laneModel struct {
	consumer   engine.APIConsumer
	webhooks   []*modelWebhook // in the order of their turns
	deliveries []*modelDelivery
}

type modelWebhook struct {
	engine.Webhook
	deleted bool
}

type modelDelivery struct {
	webhook  *modelWebhook
	event    int // counts events
	kind     string
	lane     string // the lab instance; empty: none
	blocking bool   // as the webhook was when the event came

	state    engine.DeliveryState
	claim    int // how often it was on the wire
	attempts int
	due      time.Time // while it is scheduled or retrying
	reason   cancelReason
	action   engine.ErrorAction
	air      []*modelRequest // on the wire, oldest first
	resent   bool            // by a person, who may overtake a gate

	gated   bool // its turn came, so it has a gate
	closed  bool
	opensBy time.Time
	opening engine.Opening
}

// modelRequest is an attempt that runs, with what it was told when it began.
type modelRequest struct {
	claim           int // of the delivery
	number, retries int
	timeout         time.Duration
	deadline        time.Time
}

// cancelReason is why a delivery was cancelled.
type cancelReason string

const (
	byPerson         cancelReason = "person"
	webhookDisabled  cancelReason = "webhook disabled"
	webhookDeleted   cancelReason = "webhook deleted"
	consumerDisabled cancelReason = "consumer disabled"
	consumerExpired  cancelReason = "consumer expired"
)

func isSystem(kind string) bool {
	return slices.Contains([]string{
		engine.SystemDeliveryFailed, engine.SystemLabEndRequested, engine.SystemLabNotification,
	}, kind)
}

// accept adds the deliveries of an event.
func (m *laneModel) accept(event int, kind, lane string, now time.Time) {
	if m.consumer.State(now) != engine.ConsumerActive {
		return
	}
	for _, w := range m.webhooks {
		hears := slices.Contains(w.Events, kind) || slices.Contains(w.Events, engine.AllEvents) && !isSystem(kind)
		if w.deleted || !w.Enabled || !hears {
			continue
		}
		m.deliveries = append(m.deliveries, &modelDelivery{
			webhook: w, event: event, kind: kind, lane: lane, blocking: w.Blocking && !isSystem(kind), state: engine.StateHeld,
		})
	}
	m.settle(now)
}

// settle is the lane rule: in order, every delivery takes its turn that has no closed gate before it in its lane.
func (m *laneModel) settle(now time.Time) {
	blocked := map[string]bool{}
	for _, d := range m.deliveries {
		if d.state == engine.StateHeld && (d.lane == "" || !blocked[d.lane]) {
			m.turn(d, now)
		}
		if d.closed {
			blocked[d.lane] = true
		}
	}
}

// turn starts the delay of a delivery, and closes its gate.
func (m *laneModel) turn(d *modelDelivery, now time.Time) {
	w := d.webhook
	d.state, d.due = engine.StateScheduled, now.Add(w.Delay)
	if d.blocking && d.lane != "" {
		d.gated, d.closed, d.opensBy = true, true, now.Add(w.LongestHold()+time.Duration(w.Retries+1)*250*time.Millisecond)
	}
	if w.Delay == 0 {
		m.launch(d, now)
	}
}

// launch puts a delivery on the wire whose time has come.
func (m *laneModel) launch(d *modelDelivery, now time.Time) {
	if reason := m.unusable(d, now); reason != "" {
		d.cancel(reason)
		return
	}
	d.state, d.reason = engine.StateSending, ""
	d.claim++
	w := d.webhook
	d.air = append(d.air, &modelRequest{
		claim: d.claim, number: d.attempts + 1, retries: w.Retries, timeout: w.Timeout, deadline: now.Add(w.Timeout),
	})
}

func (m *laneModel) unusable(d *modelDelivery, now time.Time) cancelReason {
	switch {
	case d.webhook.deleted:
		return webhookDeleted
	case !d.webhook.Enabled:
		return webhookDisabled
	}
	switch m.consumer.State(now) {
	case engine.ConsumerDisabled:
		return consumerDisabled
	case engine.ConsumerExpired:
		return consumerExpired
	}
	return ""
}

// end puts a delivery into a final state; its gate opens.
func (d *modelDelivery) end(s engine.DeliveryState) {
	d.state, d.reason = s, ""
	opening := map[engine.DeliveryState]engine.Opening{
		engine.StateDelivered: engine.OpenedDelivered, engine.StateFailed: engine.OpenedFailed, engine.StateCancelled: engine.OpenedCancelled,
	}
	d.open(opening[s])
}

func (d *modelDelivery) open(why engine.Opening) {
	if d.closed {
		d.closed, d.opening = false, why
	}
}

func (d *modelDelivery) cancel(why cancelReason) {
	d.end(engine.StateCancelled)
	d.reason = why
}

// answer ends an attempt.
func (m *laneModel) answer(d *modelDelivery, r *modelRequest, success bool, now time.Time) {
	d.air = slices.DeleteFunc(d.air, func(other *modelRequest) bool { return other == r })
	d.attempts++
	switch {
	case d.state != engine.StateSending || d.claim != r.claim: // it ended, or was sent again, meanwhile
	case success:
		d.end(engine.StateDelivered)
	case r.number <= r.retries:
		d.state, d.due = engine.StateRetrying, now.Add(time.Duration(r.number)*time.Second)
		if reason := m.unusable(d, now); reason != "" {
			d.cancel(reason) // nothing waits for a webhook that is out of use
		}
	default:
		m.fail(d, now)
	}
	m.settle(now)
}

// fail applies the error action, once, and ends the delivery.
func (m *laneModel) fail(d *modelDelivery, now time.Time) {
	if d.action == "" && !d.webhook.deleted {
		d.action = engine.ErrorActionLog
		if !isSystem(d.kind) {
			d.action = d.webhook.ErrorAction
			m.act(d, now)
		}
	}
	d.end(engine.StateFailed)
}

func (m *laneModel) act(d *modelDelivery, now time.Time) {
	m.raise(engine.SystemDeliveryFailed, now)
	switch d.action {
	case engine.ErrorActionNotifyUser:
		m.raise(engine.SystemLabNotification, now)
	case engine.ErrorActionEndLab:
		m.raise(engine.SystemLabEndRequested, now)
		for _, other := range m.deliveries {
			spared := other.kind == engine.LabTearingDown || other.kind == engine.LabTornDown
			if d.lane != "" && other.lane == d.lane && other.state == engine.StateHeld && !spared {
				other.end(engine.StateSkipped)
			}
		}
	}
}

// raise adds the deliveries of a system event, which stand in no lane.
func (m *laneModel) raise(kind string, now time.Time) {
	for _, w := range m.webhooks {
		if !w.deleted && w.Enabled && slices.Contains(w.Events, kind) && m.consumer.State(now) == engine.ConsumerActive {
			d := &modelDelivery{webhook: w, event: -1, kind: kind}
			m.deliveries = append(m.deliveries, d)
			m.turn(d, now)
		}
	}
}

// takeOut cancels what waits for webhooks that went out of use.
func (m *laneModel) takeOut(why cancelReason, now time.Time, webhooks ...*modelWebhook) {
	for _, d := range m.deliveries {
		if slices.Contains(webhooks, d.webhook) && (d.state == engine.StateHeld || d.state == engine.StateScheduled || d.state == engine.StateRetrying) {
			d.cancel(why)
		}
		if slices.Contains(webhooks, d.webhook) && d.state == engine.StateSending {
			d.open(engine.OpenedCancelled) // the attempt ends as it ends, and holds nothing
		}
	}
	m.settle(now)
}

// restart breaks off what is on the wire, which is sent again without being counted, and makes up for what should have
// happened meanwhile.
func (m *laneModel) restart(now time.Time) {
	expired := m.consumer.State(now) == engine.ConsumerExpired
	for _, d := range m.deliveries {
		d.air = nil
		if expired && !d.webhook.deleted && !d.state.Final() {
			d.cancel(consumerExpired)
		}
	}
	for _, d := range m.deliveries {
		waits := d.state == engine.StateScheduled || d.state == engine.StateRetrying
		if d.state == engine.StateSending || waits && !d.due.After(now) {
			m.launch(d, now)
		}
		if d.closed && !d.opensBy.After(now) {
			d.open(engine.OpenedLate)
		}
	}
	m.settle(now)
}

// mayRest reports whether nothing is lost in knowledge when no engine runs for a while: of a gate that is both late
// and out of use when the next one starts, nobody could tell why it opened.
func (m *laneModel) mayRest() bool {
	return !slices.ContainsFunc(m.deliveries, func(d *modelDelivery) bool {
		return d.closed && m.unusable(d, d.opensBy) != ""
	})
}

// moment is when something happens by itself.
type moment struct {
	at       time.Time
	delivery *modelDelivery
	request  *modelRequest // its timeout; nil: a due time or the latest opening time
	opens    bool          // the latest opening time of the delivery's gate
}

// deadlines returns what will happen by itself, the next first.
func (m *laneModel) deadlines() []moment {
	var list []moment
	for _, d := range m.deliveries {
		if d.state == engine.StateScheduled || d.state == engine.StateRetrying {
			list = append(list, moment{at: d.due, delivery: d})
		}
		if d.closed {
			list = append(list, moment{at: d.opensBy, delivery: d, opens: true})
		}
		for _, r := range d.air {
			list = append(list, moment{at: r.deadline, delivery: d, request: r})
		}
	}
	slices.SortStableFunc(list, func(a, b moment) int { return a.at.Compare(b.at) })
	return list
}

// pass lets everything happen by itself that does up to a time.
func (m *laneModel) pass(until time.Time) {
	for {
		list := m.deadlines()
		if len(list) == 0 || list[0].at.After(until) {
			return
		}
		next := list[0]
		switch {
		case next.request != nil:
			m.answer(next.delivery, next.request, false, next.at)
		case next.opens:
			next.delivery.open(engine.OpenedLate)
		default:
			m.launch(next.delivery, next.at)
		}
		m.settle(next.at)
	}
}
