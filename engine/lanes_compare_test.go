package engine_test

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// storedDelivery is a delivery with its gate as the database has them.
type storedDelivery struct {
	id                engine.DeliveryID
	webhook           engine.WebhookID
	kind, lane        string
	state             engine.DeliveryState
	attempts          int
	due               time.Time
	reason            string
	action            engine.ErrorAction
	blocking          bool
	gated, closed     bool
	openedAt, opensBy time.Time
	opening           engine.Opening
}

const selectStored = `SELECT d.id, d.webhook, e.type, e.subject, d.state, d.attempts, coalesce(d.due_at, 0), d.reason,
		coalesce(d.error_action, ''), d.blocking, g.delivery IS NOT NULL, g.delivery IS NOT NULL AND g.opened_at IS NULL,
		coalesce(g.opened_at, 0), coalesce(g.opens_by, 0), coalesce(g.opening, '')
	FROM deliveries d CROSS JOIN events e ON e.id = d.event LEFT JOIN gates g ON g.delivery = d.id
	WHERE d.consumer = ? ORDER BY d.id`

// stored reads all deliveries of the history.
func (h *history) stored() []storedDelivery {
	rows, err := h.deliveries.Query(int64(h.model.consumer.ID))
	if err != nil {
		h.Fatal(err)
	}
	defer rows.Close()
	var list []storedDelivery
	for rows.Next() {
		var (
			d                      storedDelivery
			due, openedAt, opensBy int64
		)
		err := rows.Scan(&d.id, &d.webhook, &d.kind, &d.lane, &d.state, &d.attempts, &due, &d.reason, &d.action, &d.blocking,
			&d.gated, &d.closed, &openedAt, &opensBy, &d.opening)
		if err != nil {
			h.Fatal(err)
		}
		d.due, d.openedAt, d.opensBy = time.UnixMilli(due), time.UnixMilli(openedAt), time.UnixMilli(opensBy)
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		h.Fatal(err)
	}
	return list
}

// compare waits for what follows from a step, and fails unless engine and model agree. Times that agree within soon
// are taken over into the model, so that milliseconds do not add up.
func (h *history) compare() {
	if h.failed != "" {
		return
	}
	time.Sleep(soon)
	synctest.Wait()
	list := h.stored()
	if len(list) != len(h.model.deliveries) {
		h.fail("%d deliveries, want %d", len(list), len(h.model.deliveries))
		return
	}
	h.ids = h.ids[:0]
	for i, got := range list {
		h.ids = append(h.ids, got.id)
		h.compareOne(i, &got, h.model.deliveries[i])
	}
	h.compareWaiters()
	if h.failed != "" {
		for i, got := range list {
			h.note("delivery %d to %s, event %s of %q: %s, %d attempts, due %s, %s %s; gate closed %t %s until %s", i,
				h.model.deliveries[i].webhook.Name, got.kind, got.lane, got.state, got.attempts, clock(got.due), got.action, got.reason,
				got.closed, got.opening, clock(got.opensBy))
		}
	}
}

func clock(t time.Time) string { return t.UTC().Format("04:05.000") }

func (h *history) compareOne(i int, got *storedDelivery, want *modelDelivery) {
	a := fmt.Sprintf("to %d, %s %s, blocking %t: %s, %d attempts, %q, %q, gate %t, closed %t, %q, %d on the wire", got.webhook, got.kind, got.lane,
		got.blocking, got.state, got.attempts, got.action, reasonOf(got), got.gated, got.closed, got.opening, len(h.stage.of(got.id)))
	lane := want.lane
	if isSystem(want.kind) {
		lane = got.lane // it tells which lab it is about, and stands in no lane
	}
	b := fmt.Sprintf("to %d, %s %s, blocking %t: %s, %d attempts, %q, %q, gate %t, closed %t, %q, %d on the wire", want.webhook.ID, want.kind, lane,
		want.blocking, want.state, want.attempts, want.action, want.reason, want.gated, want.closed, want.opening, len(want.air))
	if a != b {
		h.fail("delivery %d is\n  %s, want\n  %s", i, a, b)
		return
	}
	if want.state == engine.StateScheduled || want.state == engine.StateRetrying {
		h.agree(fmt.Sprintf("due time of %d", i), got.due, &want.due)
	}
	if want.closed {
		h.agree(fmt.Sprintf("latest opening time of %d", i), got.opensBy, &want.opensBy)
	}
	for n, r := range h.stage.of(got.id) {
		timeout := want.air[n].timeout
		h.agree(fmt.Sprintf("timeout of %d", i), r.at.Add(timeout), &want.air[n].deadline)
	}
}

// agree fails unless two times are the same but for what a commit takes, and takes the real one over.
func (h *history) agree(what string, got time.Time, want *time.Time) {
	if diff := got.Sub(*want).Abs(); diff >= soon {
		h.fail("%s is %s, want %s", what, clock(got), clock(*want))
	}
	*want = got
}

func reasonOf(d *storedDelivery) cancelReason {
	if d.state != engine.StateCancelled {
		return ""
	}
	for _, known := range []struct {
		words string
		is    cancelReason
	}{
		{"webhook was deleted", webhookDeleted},
		{"webhook was disabled", webhookDisabled},
		{"webhook is disabled", webhookDisabled},
		{"consumer was disabled", consumerDisabled},
		{"consumer is disabled", consumerDisabled},
		{"consumer has expired", consumerExpired},
	} {
		if strings.Contains(d.reason, known.words) {
			return known.is
		}
	}
	return byPerson
}

// compareWaiters expects that exactly those senders still wait whose event has a blocking delivery that has not ended.
func (h *history) compareWaiters() {
	for event, w := range h.waiters {
		open := false
		for _, d := range h.model.deliveries {
			open = open || d.event == event && d.blocking && !d.state.Final()
		}
		select {
		case err := <-w.err:
			delete(h.waiters, event)
			if v := <-w.verdict; err != nil || open || !v.Ended {
				h.fail("the sender that waited for event %d got %+v, %v", event, v, err)
			}
		default:
			if !open {
				h.fail("the sender still waits for event %d", event)
			}
		}
	}
}

// checkOrder expects that nothing was sent that stood behind a gate while that was closed.
func (h *history) checkOrder() {
	opened := map[string]time.Time{} // by lane: when the latest gate so far opened
	for i, d := range h.stored() {
		if isSystem(d.kind) || d.lane == "" {
			continue
		}
		if first, ok := h.stage.firstOf(d.id); ok && !h.model.deliveries[i].resent && first.Before(opened[d.lane]) {
			h.fail("delivery %d was sent at %s, before a gate opened at %s that it stood behind", i, clock(first), clock(opened[d.lane]))
		}
		if d.gated && d.openedAt.After(opened[d.lane]) {
			opened[d.lane] = d.openedAt
		}
	}
}
