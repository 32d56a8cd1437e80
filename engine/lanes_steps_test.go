package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// The random steps of a history: each does the same to the engine and to the model.

func (h *history) post() {
	kind, lab := oneOf(h.rng, modelKinds...), oneOf[int64](h.rng, 1, 1, 1, 2, 3)
	data, lane := engine.SampleLabDetails().With(map[string]any{"Id": lab}), fmt.Sprint(lab)
	if kind == engine.LabProfileChanged {
		data, lane = engine.SampleLabDetails().With(map[string]any{"Id": nil}), ""
	}
	h.note("post %d: %s of %q", h.events, kind, lane)
	now := time.Now()
	acc, err := h.engine.Accept(h.Context(), &engine.Event{Type: kind, ConsumerID: h.model.consumer.ID, Data: data.Body()})
	h.must(err)
	h.model.accept(h.events, kind, lane, now)
	if err == nil && h.rng.IntN(3) == 0 {
		h.wait(h.events, acc.Event.ID)
	}
	h.events++
}

// wait lets a sender wait for an event.
func (h *history) wait(event int, id engine.EventID) {
	w := &waiter{id: id, verdict: make(chan engine.Verdict, 1), err: make(chan error, 1)}
	h.waiters[event] = w
	e := h.engine
	go func() {
		v, err := e.Wait(context.Background(), id)
		w.err <- err
		w.verdict <- v
	}()
}

func (h *history) answerOne() {
	var pending []moment
	for _, m := range h.model.deadlines() {
		if m.request != nil {
			pending = append(pending, m)
		}
	}
	if len(pending) > 0 {
		m := oneOf(h.rng, pending...)
		h.answer(m.delivery, m.request, h.rng.IntN(5) < 3)
	}
}

// answer ends an attempt.
func (h *history) answer(d *modelDelivery, r *modelRequest, success bool) {
	i := slices.Index(h.model.deliveries, d)
	h.note("answer %d: %t", i, success)
	pending := h.stage.of(h.ids[i])
	status := 503
	if success {
		status = 200
	}
	pending[slices.Index(d.air, r)].status <- status
	h.model.answer(d, r, success, time.Now())
}

// webhook returns a random webhook that was not deleted; nil when there is none.
func (h *history) webhook() *modelWebhook {
	left := slices.DeleteFunc(slices.Clone(h.model.webhooks), func(w *modelWebhook) bool { return w.deleted })
	if len(left) == 0 {
		return nil
	}
	return oneOf(h.rng, left...)
}

// edit changes what blocking is about; half of the time while a gate is closed, with more time than that gate gives.
func (h *history) edit() {
	w := h.webhook()
	if w == nil {
		return
	}
	next := w.Webhook
	h.dice(&next)
	for _, d := range h.model.deliveries {
		if d.closed && !d.webhook.deleted && h.rng.IntN(2) == 0 {
			w, next = d.webhook, d.webhook.Webhook
			next.Timeout, next.Retries = 30*time.Second, 5
			break
		}
	}
	h.note("edit %s", describe(&next))
	next, err := h.store.UpdateWebhook(h.Context(), engine.System, next)
	h.must(err)
	w.Webhook = next
}

func (h *history) move() {
	w := h.webhook()
	if w == nil {
		return
	}
	up := h.rng.IntN(2) == 0
	h.note("move %s, up %t", w.Name, up)
	h.must(h.store.MoveWebhook(h.Context(), engine.System, w.ID, up))
	left := slices.DeleteFunc(h.model.webhooks, func(w *modelWebhook) bool { return w.deleted })
	at := slices.Index(left, w)
	to := at + 1
	if up {
		to = at - 1
	}
	if to >= 0 && to < len(left) {
		left[at], left[to] = left[to], left[at]
	}
	h.model.webhooks = left
}

func (h *history) toggleWebhook() {
	w := h.webhook()
	if w == nil {
		return
	}
	h.note("enable %s: %t", w.Name, !w.Enabled)
	now := time.Now()
	next, err := h.store.SetWebhookEnabled(h.Context(), engine.System, w.ID, !w.Enabled)
	h.must(err)
	w.Webhook = next
	if !w.Enabled {
		h.model.takeOut(webhookDisabled, now, w)
	}
}

func (h *history) deleteWebhook() {
	w := h.webhook()
	if w == nil {
		return
	}
	h.note("delete %s", w.Name)
	now := time.Now()
	h.must(h.store.DeleteWebhook(h.Context(), engine.System, w.ID))
	w.deleted = true
	h.model.takeOut(webhookDeleted, now, w)
}

// toggleConsumer takes the consumer out of use, at once or by the time, or into use again.
func (h *history) toggleConsumer() {
	c, now := h.model.consumer, time.Now()
	switch {
	case c.State(now) == engine.ConsumerActive && h.rng.IntN(2) == 0:
		h.note("consumer expires")
		c.Expires = now.Add(soon / 4).Truncate(time.Millisecond)
	case c.State(now) == engine.ConsumerDisabled || c.State(now) == engine.ConsumerExpired && h.rng.IntN(2) == 0:
		h.note("consumer into use")
		c.Enabled, c.Expires = true, time.Time{}
	default:
		h.note("consumer disabled")
		c.Enabled = false
	}
	after, err := h.store.UpdateConsumer(h.Context(), engine.System, c)
	h.must(err)
	h.model.consumer = after
	if active := after.State(now) == engine.ConsumerActive; active && !after.Expires.IsZero() {
		// It expires before the engine and the model are compared, and before anything else happens.
		inUse := slices.DeleteFunc(slices.Clone(h.model.webhooks), func(w *modelWebhook) bool { return w.deleted })
		h.model.takeOut(consumerExpired, after.Expires, inUse...)
	}
	if after.State(now) == engine.ConsumerDisabled {
		inUse := slices.DeleteFunc(slices.Clone(h.model.webhooks), func(w *modelWebhook) bool { return w.deleted })
		h.model.takeOut(consumerDisabled, now, inUse...)
	}
}

// changeDelivery asks for something of a random delivery, whether it is possible or not.
func (h *history) changeDelivery() {
	if len(h.model.deliveries) == 0 {
		return
	}
	i, now := h.rng.IntN(len(h.model.deliveries)), time.Now()
	d, id := h.model.deliveries[i], h.ids[i]
	var (
		possible bool
		err      error
	)
	switch h.rng.IntN(3) {
	case 0:
		h.note("cancel %d", i)
		_, err = h.engine.Cancel(h.Context(), engine.System, id, "Not wanted.")
		if possible = !d.state.Final(); possible {
			d.cancel(byPerson)
		}
	case 1:
		h.note("resend %d", i)
		_, err = h.engine.Resend(h.Context(), engine.System, id)
		if possible = d.state.Final() && h.model.unusable(d, now) == ""; possible {
			d.resent = true
			h.model.launch(d, now)
		}
	case 2:
		h.note("hasten %d", i)
		_, err = h.engine.Hasten(h.Context(), engine.System, id)
		if possible = d.state == engine.StateScheduled || d.state == engine.StateRetrying; possible {
			h.model.launch(d, now)
		}
	}
	h.model.settle(now)
	if possible != (err == nil) || err != nil && !errors.Is(err, engine.ErrConflict) {
		h.fail("possible: %t, but the answer is %v", possible, err)
	}
}

func (h *history) openGate() {
	var gated []int
	for i, d := range h.model.deliveries {
		if d.gated {
			gated = append(gated, i)
		}
	}
	if len(gated) == 0 {
		return
	}
	i := oneOf(h.rng, gated...)
	d := h.model.deliveries[i]
	h.note("open gate of %d", i)
	_, err := h.engine.OpenGate(h.Context(), engine.Actor{Name: "Dana"}, h.ids[i], "The learner waits.")
	if d.closed != (err == nil) || err != nil && !errors.Is(err, engine.ErrConflict) {
		h.fail("closed: %t, but the answer is %v", d.closed, err)
	}
	d.open(engine.OpenedByHand)
	h.model.settle(time.Now())
}

// restart stops the engine and starts another one on the same store.
func (h *history) restart() {
	h.note("restart")
	h.must(h.engine.Stop(context.Background()))
	h.again()
}

// crash ends an engine whose last doings never reached the disk.
func (h *history) crash() {
	h.note("crash")
	h.mortal.crashed.Store(true)
	for _, id := range h.ids {
		if pending := h.stage.of(id); len(pending) > 0 && h.rng.IntN(3) == 0 {
			pending[0].status <- 200 // lost: it will be sent again
		}
	}
	synctest.Wait()
	_ = h.engine.Stop(context.Background()) // ends its goroutines
	h.again()
}

func (h *history) again() {
	synctest.Wait()
	for event, w := range h.waiters {
		if err := <-w.err; !errors.Is(err, engine.ErrStopping) {
			h.fail("the sender that waits for event %d got %v when the engine stopped", event, err)
		}
	}
	if h.rng.IntN(2) == 0 && h.model.mayRest() {
		time.Sleep(time.Duration(1+h.rng.IntN(20)) * time.Second)
		h.note("started again")
	}
	h.start()
	h.model.restart(time.Now())
	for event, w := range h.waiters {
		h.wait(event, w.id) // a sender that asks again joins the wait
	}
}
