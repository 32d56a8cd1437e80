package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"labhook/engine"
)

// eventHead are the columns of an event without its data.
const (
	eventHead = `e.id, e.scope, e.sender_id, e.idempotency_key, e.type, e.consumer, e.subject, e.occurred_at, e.accepted_at,
	e.trace_parent, e.source, e.source_ip, e.test`
	eventColumns = eventHead + ", e.data"
)

func eventFields(e *engine.Event) []any {
	return []any{
		&e.ID, &e.Scope, orZero(&e.SenderID), orZero(&e.IdempotencyKey), &e.Type, orZero(&e.ConsumerID), &e.Subject,
		at(&e.OccurredAt), at(&e.AcceptedAt), &e.TraceParent, &e.Source, &e.SourceIP, &e.Test,
	}
}

func scanEvent(row scanner) (e engine.Event, err error) {
	err = row.Scan(append(eventFields(&e), (*[]byte)(&e.Data))...)
	if at, gone := goneAt(e.Data); gone {
		e.Data, e.BodyGoneAt = nil, at
	}
	return e, err
}

// InsertEvent stores an event and its deliveries, and calls done after the commit. It returns when the operation is
// queued. When the sender's id or idempotency key was used before in its scope it stores nothing and hands
// over that event.
func (s *Store) InsertEvent(e *engine.Event, offers []engine.Offer, done func(engine.Inserted, error)) {
	var in engine.Inserted
	answer := func(err error) {
		if err != nil {
			done(engine.Inserted{}, fmt.Errorf("insert event: %w", err))
			return
		}
		done(in, nil)
	}
	run := func(t *tx) error {
		in = engine.Inserted{}
		fresh, err := insertEvent(t, e)
		if err == nil && !fresh {
			in.First, err = knownEvent(t, e)
			return err
		}
		if err != nil {
			return err
		}
		in.Deliveries, err = insertOffers(t, e, offers)
		return err
	}
	if err := s.writer.submit(context.Background(), operation{run: run, done: answer}); err != nil {
		answer(err)
	}
}

// insertEvent stores an event, and reports false when its sender's id or idempotency key is known in its scope.
func insertEvent(t *tx, e *engine.Event) (fresh bool, err error) {
	n, err := t.do(`INSERT INTO events (id, scope, sender_id, idempotency_key, type, consumer, subject, occurred_at, accepted_at,
			trace_parent, source, source_ip, test, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		int64(e.ID), int64(e.Scope), orNull(e.SenderID), orNull(e.IdempotencyKey), e.Type, orNull(int64(e.ConsumerID)), e.Subject,
		millis(e.OccurredAt), millis(e.AcceptedAt), e.TraceParent, e.Source, e.SourceIP, e.Test, []byte(e.Data))
	return n > 0, err
}

// insertOffers stores the deliveries of an event, those held that stand behind a gate.
func insertOffers(t *tx, e *engine.Event, offers []engine.Offer) ([]engine.Delivery, error) {
	turn := turn{t: t, subject: e.Subject, now: e.AcceptedAt}
	stored := make([]engine.Delivery, len(offers))
	for i, o := range offers {
		d, err := turn.take(o)
		if err != nil {
			return nil, err
		}
		if err := insertDelivery(t, &d); err != nil {
			return nil, err
		}
		if d.Blocking && d.Lane != 0 && d.State != engine.StateHeld {
			if err := t.closeGate(&d, e.AcceptedAt); err != nil {
				return nil, err
			}
		}
		stored[i] = d
	}
	return stored, nil
}

const (
	selectBySenderID = "SELECT " + eventColumns + " FROM events e WHERE e.sender_id = ? AND e.scope = ?"
	selectByKey      = "SELECT " + eventColumns + " FROM events e WHERE e.idempotency_key = ? AND e.scope = ?"
	// selectElsewhere finds events of other scopes that a consumer sees: two are enough to know that an id is ambiguous.
	selectElsewhere = "SELECT " + eventColumns + ` FROM events e
		WHERE e.sender_id = ?1 AND e.scope <> ?2 AND (?2 = 0 OR e.consumer IS NULL OR e.consumer = ?2) LIMIT 2`
)

// knownEvent returns the event in the scope of e that has its sender's id or its idempotency key.
func knownEvent(t *tx, e *engine.Event) (*engine.Event, error) {
	known, err := get(t, scanEvent, selectBySenderID, orNull(e.SenderID), int64(e.Scope))
	if errors.Is(err, engine.ErrNotFound) {
		known, err = get(t, scanEvent, selectByKey, orNull(e.IdempotencyKey), int64(e.Scope))
	}
	if err != nil {
		return nil, fmt.Errorf("the id %s is in use: %w", e.ID, err)
	}
	return &known, nil
}

// Event returns one event with its data; engine.ErrNotFound when there is none.
func (s *Store) Event(ctx context.Context, id engine.EventID) (engine.Event, error) {
	return one(s.read.QueryRowContext(ctx, selectEvent, id), scanEvent)
}

// EventNamed returns the event with that public id: Labhook's own or the one its sender gave. A sender's id is looked
// for among those of the consumer, zero: the platform, and then among events of other senders that it sees, where it
// must be the only one; engine.ErrNotFound when it is not.
func (s *Store) EventNamed(ctx context.Context, name string, viewer engine.ConsumerID) (engine.Event, error) {
	var id engine.EventID
	if err := id.UnmarshalText([]byte(name)); err == nil {
		return s.Event(ctx, id)
	}
	own, err := one(s.read.QueryRowContext(ctx, selectBySenderID, name, int64(viewer)), scanEvent)
	if !errors.Is(err, engine.ErrNotFound) {
		return own, err
	}
	others, err := list(ctx, s, scanEvent, selectElsewhere, name, int64(viewer))
	if err == nil && len(others) != 1 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return engine.Event{}, err
	}
	return others[0], nil
}

// ListEvents returns a page of events without their data, newest first, with what became of them. A filter for a
// consumer chooses what was sent to it alone or to every consumer, and counts its own deliveries only.
func (s *Store) ListEvents(ctx context.Context, f engine.EventFilter) (engine.Page[engine.EventRow], error) {
	page, err := listPage(ctx, s, eventArms(f), keyset{int64(f.Before), int64(f.After), f.Limit},
		func(ctx context.Context, ids []int64) (map[int64]engine.EventRow, error) {
			return s.eventRows(ctx, ids, f.ConsumerID)
		})
	if err != nil {
		return page, fmt.Errorf("list events: %w", err)
	}
	return page, nil
}

const (
	selectEventRows = "SELECT " + eventHead + " FROM events e WHERE e.id IN (SELECT value FROM json_each(?))"
	selectFanout    = `SELECT d.event, d.state FROM deliveries d INDEXED BY deliveries_event
		WHERE d.event IN (SELECT value FROM json_each(?1)) AND (?2 = 0 OR d.consumer = ?2)`
)

// eventRows loads the events with those ids, and counts the deliveries of one consumer, or with 0 of all.
func (s *Store) eventRows(ctx context.Context, ids []int64, consumer engine.ConsumerID) (map[int64]engine.EventRow, error) {
	rows := make(map[int64]engine.EventRow, len(ids))
	_, err := list(ctx, s, func(row scanner) (e engine.EventRow, err error) {
		e.Fanout = map[engine.DeliveryState]int{}
		err = row.Scan(eventFields(&e.Event)...)
		rows[int64(e.ID)] = e
		return e, err
	}, selectEventRows, jsonIDs(ids))
	if err != nil {
		return nil, err
	}
	_, err = list(ctx, s, func(row scanner) (none struct{}, err error) {
		var (
			id    int64
			state engine.DeliveryState
		)
		err = row.Scan(&id, &state)
		rows[id].Fanout[state]++
		return none, err
	}, selectFanout, jsonIDs(ids), int64(consumer))
	return rows, err
}

// jsonIDs passes any number of ids as one argument.
func jsonIDs(ids []int64) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	b.WriteByte(']')
	return b.String()
}
