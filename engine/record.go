package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// send makes one attempt of a delivery and records its outcome. It returns once the outcome is on its way to the
// disk; what follows from it happens after the commit.
func (e *Engine) send(s *Sending) (result sendResult) {
	defer e.keepGoing(s)
	now := time.Now()
	dir := e.store.Directory()
	if reason := dir.Unusable(s.Delivery.WebhookID, now); reason != "" {
		e.dispatcher.cancel(now, []DeliveryID{s.Delivery.ID}, reason)
		return result
	}
	r := e.attempt(e.sendCtx, dir.Webhook(s.Delivery.WebhookID), s)
	if r.Change.Step == StepInterrupt {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.putBack = append(e.putBack, s)
		return result
	}
	// Logged here and not after the commit: a slow log must not keep the writer waiting.
	e.logAttempt(s, &r)
	e.dispatcher.idle.Add(1)
	e.store.RecordAttempt(r, func(d Delivery, err error) {
		defer e.dispatcher.idle.Done()
		e.recorded(s, d, err)
	})
	return sendResult{sent: true, class: r.Attempt.Outcome.Class, took: r.Attempt.Duration()}
}

// recorded follows up on an outcome whose commit is on disk.
func (e *Engine) recorded(s *Sending, d Delivery, err error) {
	if err != nil {
		// The row still says that it is being sent: the rescue finds it, and it is sent again.
		e.log.Error("record failed", "delivery", s.Delivery.ID.String(), "error", err)
		e.dispatcher.release(&s.Delivery)
		return
	}
	e.dispatcher.release(&s.Delivery)
	if d.State == StateRetrying {
		e.dispatcher.announceDue(d.WebhookID, d.DueAt)
	}
}

// logAttempt writes the one line of an attempt, and one more for a delivery that has failed for good. What went well is for
// debugging only: it is frequent, and stands in the database.
func (e *Engine) logAttempt(s *Sending, r *Record) {
	a, d := &r.Attempt, &s.Delivery
	level := slog.LevelInfo
	if a.Outcome.Kind == OutcomeDelivered && !d.Test {
		level = slog.LevelDebug
	}
	if e.log.Enabled(context.Background(), level) {
		e.log.Log(context.Background(), level, "attempt finished", attemptWords(s, a)...)
	}
	if a.Outcome.Kind == OutcomeGiveUp && !d.Test {
		action := ErrorActionLog
		if w := e.store.Directory().Webhook(d.WebhookID); w != nil {
			action = w.ErrorAction
		}
		e.log.Warn("delivery failed", "delivery", d.ID.String(), "event", s.Event.PublicID(), "webhook", d.WebhookID.String(),
			"subject", s.Event.Subject, "attempts", a.Number, "class", string(a.Outcome.Class), "status", a.status(), "error_action", string(action))
	}
}

// attemptWords are what the line of an attempt says.
func attemptWords(s *Sending, a *Attempt) []any {
	d := &s.Delivery
	args := []any{
		"delivery", d.ID.String(), "event", s.Event.PublicID(), "type", s.Event.Type, "webhook", d.WebhookID.String(),
		"subject", s.Event.Subject, "attempt", a.Number, "outcome", string(a.Outcome.Kind), "status", a.status(),
		"duration", a.Duration(),
	}
	if a.Outcome.Class != "" {
		args = append(args, "class", string(a.Outcome.Class), "error", a.Outcome.Error)
	}
	if a.Outcome.Kind == OutcomeRetry {
		args = append(args, "retry_at", a.Outcome.RetryAt)
	}
	if a.Outcome.Deactivate != "" {
		args = append(args, "deactivate", string(a.Outcome.Deactivate))
	}
	if d.Test {
		args = append(args, "test", true)
	}
	return args
}

// keepGoing keeps a panic in one attempt from ending the process. The delivery is found by the rescue.
func (e *Engine) keepGoing(s *Sending) {
	if cause := recover(); cause != nil {
		e.log.Error("send panicked", "delivery", s.Delivery.ID.String(), "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		e.dispatcher.release(&s.Delivery)
	}
}
