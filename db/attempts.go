package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"labhook/engine"
)

// RecordAttempt stores an attempt with the next state of its delivery and the counters. It returns at once, unless
// very much waits for the writer, and calls done after the commit. A delivery whose state does not allow the step any
// more, as it was cancelled meanwhile, keeps its state; its attempt is stored and counted all the same.
func (s *Store) RecordAttempt(r engine.Record, done func(engine.Delivery, error)) {
	var after engine.Delivery
	op := operation{
		patient: true,
		run: func(t *tx) (err error) {
			after, err = recordAttempt(t, r)
			return err
		},
		done: func(err error) {
			if err != nil {
				done(engine.Delivery{}, fmt.Errorf("record attempt: %w", err))
				return
			}
			done(after, nil)
		},
	}
	if err := s.writer.submit(context.Background(), op); err != nil {
		go op.done(err) // the caller need not expect the answer before RecordAttempt returns
	}
}

func recordAttempt(t *tx, r engine.Record) (engine.Delivery, error) {
	if after, ok, err := t.deliver(r); ok || err != nil {
		return after, err
	}
	before, err := getDelivery(t, r.Attempt.DeliveryID)
	if err != nil {
		return before, err
	}
	after, decides, err := t.apply(before, r)
	if err != nil {
		return before, err
	}
	// The number of the row, not of the request: they differ when a delivery was cancelled and sent again while
	// this attempt ran.
	if err := insertAttempt(t, r, after.Attempts); err != nil {
		return before, err
	}
	if err := t.move(before, &after, r.Change.Now); err != nil {
		return before, err
	}
	if err := t.streak(&after, r.Attempt.Outcome.Class, r.Change.Now); err != nil {
		return before, err
	}
	if !after.Test {
		t.count(before, after, &r.Attempt)
	}
	if decides && r.Attempt.Outcome.Deactivate != "" {
		return after, t.deactivate(&r.Attempt, &after)
	}
	return after, nil
}

// deliver records the attempt that delivers a delivery which is still as it was taken, and holds nothing: most attempts
// are such, and one statement finds out and ends the delivery. It reports false when it did nothing.
func (t *tx) deliver(r engine.Record) (after engine.Delivery, ok bool, err error) {
	if r.Taken == nil || r.Change.Step != engine.StepDeliver || r.Taken.Blocking || r.Attempt.Outcome.Deactivate != "" {
		return after, false, nil
	}
	if after, err = r.Taken.Transition(r.Change); err != nil {
		return after, false, nil // the row says what to do
	}
	n, err := t.do(`UPDATE deliveries SET state = 'delivered', attempts = ?, finished_at = ?, last_class = '', last_status = ?
		WHERE id = ? AND state = 'sending' AND claim = ? AND attempts = ?`,
		after.Attempts, millis(after.FinishedAt), orNull(after.LastStatus), int64(after.ID), r.Taken.Claim, r.Taken.Attempts)
	if err != nil || n == 0 {
		return after, false, err
	}
	if err := insertAttempt(t, r, after.Attempts); err != nil {
		return after, false, err
	}
	if err := t.streak(&after, "", r.Change.Now); err != nil {
		return after, false, err
	}
	if !after.Test {
		t.count(*r.Taken, after, &r.Attempt)
	}
	return after, true, nil
}

// apply returns the delivery after an attempt, and whether the attempt decides what becomes of it.
func (t *tx) apply(before engine.Delivery, r engine.Record) (after engine.Delivery, decides bool, err error) {
	after, err = before.Transition(r.Change)
	switch {
	case before.Claim != r.Claim:
		// Another sender took the delivery since: what this attempt came to decides nothing.
		after = before
		after.Attempts++
		return after, false, nil
	case errors.Is(err, engine.ErrConflict):
		after = before
		after.Attempts++
		if after.State == engine.StateCancelled { // else another attempt overtook this one, and has the last word
			after.LastClass, after.LastStatus = r.Change.Class, r.Change.Status
		}
		return after, false, nil
	case err != nil:
		return before, false, err
	}
	if after.State == engine.StateRetrying {
		// Nothing waits for a webhook that went out of use meanwhile.
		if reason := t.outOfUse(&after, r.Change.Now); reason != "" {
			after, err = after.Transition(engine.Change{Step: engine.StepCancel, Now: r.Change.Now, Reason: reason})
		}
	}
	return after, true, err
}

func insertAttempt(t *tx, r engine.Record, number int) error {
	a := &r.Attempt
	if a.ID == 0 {
		a.ID = engine.NewID[engine.AttemptID]()
	}
	var requestBody, proto, status, reason, headers, answerBody any
	if !r.EventBody {
		requestBody = a.Request.Body
	}
	truncated := false
	if a.Answer != nil {
		proto, status, truncated = a.Answer.Proto, a.Answer.StatusCode, a.Answer.Truncated
		if a.Answer.Reason != http.StatusText(a.Answer.StatusCode) {
			reason = a.Answer.Reason
		}
		headers, answerBody = strings.Join(a.Answer.Headers, "\n"), a.Answer.Body
	}
	return t.exec(`INSERT INTO attempts (id, delivery, number, trigger, started_at, webhook_version, verb, url, request_headers,
			event_body, request_body, proto, status, answer_headers, answer_body, truncated, outcome, class, error, retry_at,
			dns_us, connect_us, tls_us, wait_us, body_us, total_us, reused, remote_addr, answer_reason, unfilled,
			tls_version, cert_ends_at, sent_us)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(a.ID), int64(a.DeliveryID), number, string(a.Trigger), a.StartedAt.UnixMilli(), a.WebhookVersion,
		a.Request.Verb, a.Request.URL, strings.Join(a.Request.Headers, "\n"), r.EventBody, requestBody,
		proto, status, headers, answerBody, truncated,
		string(a.Outcome.Kind), string(a.Outcome.Class), a.Outcome.Error, millis(a.Outcome.RetryAt),
		a.Timings.DNS, a.Timings.Connect, a.Timings.TLS, a.Timings.Wait, a.Timings.Body, a.Timings.Total,
		a.Timings.Reused, a.RemoteAddr, reason, orNull(strings.Join(a.Unfilled, "\n")),
		orNull(int64(a.Secure.Version)), millis(a.Secure.CertificateEnds), a.Timings.Sent)
}

// Attempts returns the attempts of a delivery, oldest first.
func (s *Store) Attempts(ctx context.Context, id engine.DeliveryID) ([]engine.Attempt, error) {
	attempts, err := list(ctx, s, scanAttempt, `SELECT a.id, a.delivery, a.number, a.trigger, a.started_at, a.webhook_version,
			a.verb, a.url, a.request_headers, CASE WHEN a.event_body = 1 OR `+bodyGone+` THEN e.data ELSE a.request_body END,
			a.proto, a.status, a.answer_headers, a.answer_body, a.truncated, a.outcome, a.class, a.error, a.retry_at,
			a.dns_us, a.connect_us, a.tls_us, a.wait_us, a.body_us, a.total_us, a.reused, a.remote_addr, a.answer_reason, a.unfilled,
			a.tls_version, a.cert_ends_at, a.sent_us
		FROM attempts a CROSS JOIN deliveries d ON d.id = a.delivery CROSS JOIN events e ON e.id = d.event
		WHERE a.delivery = ? ORDER BY a.number`, id)
	if err != nil {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	return attempts, nil
}

func scanAttempt(row scanner) (a engine.Attempt, err error) {
	var (
		answer                        engine.Answer
		requestHeaders, answerHeaders string
		unfilled                      string
		reason                        sql.Null[string]
	)
	err = row.Scan(&a.ID, &a.DeliveryID, &a.Number, &a.Trigger, at(&a.StartedAt), &a.WebhookVersion,
		&a.Request.Verb, &a.Request.URL, &requestHeaders, &a.Request.Body,
		orZero(&answer.Proto), orZero(&answer.StatusCode), orZero(&answerHeaders), &answer.Body, &answer.Truncated,
		&a.Outcome.Kind, &a.Outcome.Class, &a.Outcome.Error, at(&a.Outcome.RetryAt),
		&a.Timings.DNS, &a.Timings.Connect, &a.Timings.TLS, &a.Timings.Wait, &a.Timings.Body, &a.Timings.Total,
		&a.Timings.Reused, &a.RemoteAddr, &reason, orZero(&unfilled),
		orZero(&a.Secure.Version), at(&a.Secure.CertificateEnds), &a.Timings.Sent)
	if at, gone := goneAt(a.Request.Body); gone {
		a.Request.Body, a.BodyGoneAt = nil, at
	}
	a.Request.Headers, a.Unfilled = lines(requestHeaders), lines(unfilled)
	if answer.StatusCode != 0 {
		answer.Headers = lines(answerHeaders)
		if answer.Reason = reason.V; !reason.Valid {
			answer.Reason = http.StatusText(answer.StatusCode)
		}
		a.Answer = &answer
	}
	return a, err
}

// lines splits what was joined by newlines; header lines hold none.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
