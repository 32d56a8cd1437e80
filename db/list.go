package db

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// arm is a source of ids in order: a table, called r, that is read through one index, and conditions. A list with
// several arms is their union, which SQLite merges in order without sorting.
type arm struct {
	from  string
	where []string
	args  []any
	// byEvent: the source is the events, called e, with their deliveries, and has their order. It is the only arm then.
	byEvent bool
}

func (a *arm) and(condition string, args ...any) {
	a.where = append(a.where, condition)
	a.args = append(a.args, args...)
}

// between adds the range of ids that a range of time is.
func (a *arm) between(since, until time.Time) {
	if !since.IsZero() {
		a.and("r.id >= ?", engine.IDAt(since))
	}
	if !until.IsZero() {
		a.and("r.id < ?", engine.IDAt(until))
	}
}

// with returns the arm with one more condition; the arm itself stays as it is.
func (a arm) with(condition string, args ...any) arm {
	a.where = append(slices.Clone(a.where), condition)
	a.args = append(slices.Clone(a.args), args...)
	return a
}

// selectIDs reads at most limit ids. bound restricts them further: "r.id < ?" with id; order is ASC or DESC.
func selectIDs(arms []arm, bound string, id int64, order string, limit int) (query string, args []any) {
	by := "id " + order
	parts := make([]string, len(arms))
	for i, a := range arms {
		if bound != "" {
			a = a.with(bound, id)
		}
		if a.byEvent {
			by = "e.id " + order + ", r.id " + order
			a = a.boundEvent(bound, id)
		}
		parts[i] = "SELECT r.id AS id FROM " + a.from
		if len(a.where) > 0 {
			parts[i] += " WHERE " + strings.Join(a.where, " AND ")
		}
		args = append(args, a.args...)
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY " + by + " LIMIT ?", append(args, limit)
}

// The deliveries of an event are made right after it, so that they sort as their events do. Events that are made in the
// same moment by different means may have theirs between each other's: readMore is how many rows more are read, to be
// put in order, and madeWithin by how long an event may precede its deliveries.
const (
	readMore   = 16
	madeWithin = 10 * time.Second
)

// boundEvent restricts the events to those that have deliveries within a bound.
func (a arm) boundEvent(bound string, id int64) arm {
	switch {
	case bound == "":
		return a
	case strings.HasPrefix(bound, "r.id <"):
		return a.with("e.id < ?", id)
	}
	return a.with("e.id > ?", id-int64(madeWithin/time.Millisecond)<<20)
}

// readIDs reads at most limit ids in their order.
func (s *Store) readIDs(ctx context.Context, arms []arm, bound string, id int64, order string, limit int) ([]int64, error) {
	if len(arms) != 1 || !arms[0].byEvent {
		query, args := selectIDs(arms, bound, id, order, limit)
		return list(ctx, s, number, query, args...)
	}
	query, args := selectIDs(arms, bound, id, order, limit+readMore)
	ids, err := list(ctx, s, number, query, args...)
	slices.Sort(ids)
	if order == "DESC" {
		slices.Reverse(ids)
	}
	return ids[:min(len(ids), limit)], err
}

// keyset says which part of a list is wanted: older than before, or newer than after, or the newest.
type keyset struct {
	before, after int64
	limit         int
}

func (k keyset) size() int {
	if k.limit <= 0 {
		return engine.PageSize
	}
	return min(k.limit, engine.MaxPageSize)
}

// listPage reads a page of a list, newest first: first the ids, then their rows.
func listPage[T any](ctx context.Context, s *Store, arms []arm, k keyset,
	load func(ctx context.Context, ids []int64) (map[int64]T, error),
) (page engine.Page[T], err error) {
	ids, err := s.pageIDs(ctx, arms, k)
	if err != nil {
		return page, err
	}
	rows, err := load(ctx, ids.ids)
	if err != nil {
		return page, err
	}
	page.Older, page.Newer = ids.older, ids.newer
	for _, id := range ids.ids {
		if row, ok := rows[id]; ok { // else retention was faster
			page.Rows = append(page.Rows, row)
		}
	}
	return page, nil
}

// idPage is the ids of a page, newest first, and whether there are older and newer ones.
type idPage struct {
	ids          []int64
	older, newer bool
}

func (s *Store) pageIDs(ctx context.Context, arms []arm, k keyset) (page idPage, err error) {
	read := func(bound string, id int64, order string, limit int) []int64 {
		if err != nil {
			return nil
		}
		var ids []int64
		ids, err = s.readIDs(ctx, arms, bound, id, order, limit)
		return ids
	}
	size := k.size()
	switch {
	case k.after != 0:
		ids := read("r.id > ?", k.after, "ASC", size+1)
		page.newer = len(ids) > size
		page.ids = ids[:min(len(ids), size)]
		slices.Reverse(page.ids)
		page.older = len(read("r.id <= ?", k.after, "DESC", 1)) > 0
	case k.before != 0:
		page.ids = read("r.id < ?", k.before, "DESC", size+1)
		page.newer = len(read("r.id >= ?", k.before, "ASC", 1)) > 0
	default:
		page.ids = read("", 0, "DESC", size+1)
	}
	if len(page.ids) > size {
		page.older, page.ids = true, page.ids[:size]
	}
	return page, err
}

// eventArms chooses the index that a list of events follows.
func eventArms(f engine.EventFilter) []arm {
	var a arm
	a.between(f.Since, f.Until)
	if f.Type != "" {
		a.and("r.type = ?", f.Type)
	}
	if f.Subject != "" {
		a.and("r.subject = ? AND r.subject <> ''", f.Subject)
	}
	if f.Test != nil {
		a.and("r.test = ?", *f.Test)
	}
	switch {
	case f.Subject != "":
		a.from = "events AS r INDEXED BY events_subject"
	case f.Type != "":
		a.from = "events AS r INDEXED BY events_type"
	case f.ConsumerID != 0:
		a.from = "events AS r INDEXED BY events_consumer"
		return []arm{a.with("r.consumer = ?", int64(f.ConsumerID)), a.with("r.consumer IS NULL")}
	default:
		a.from = "events AS r NOT INDEXED"
	}
	if f.ConsumerID != 0 {
		a.and("(r.consumer = ? OR r.consumer IS NULL)", int64(f.ConsumerID))
	}
	return []arm{a}
}

// ListDeliveries returns a page of deliveries, newest first.
func (s *Store) ListDeliveries(ctx context.Context, f engine.DeliveryFilter) (engine.Page[engine.DeliveryRow], error) {
	var page engine.Page[engine.DeliveryRow]
	arms, err := s.arms(ctx, f)
	if err == nil {
		page, err = listPage(ctx, s, arms, keyset{int64(f.Before), int64(f.After), f.Limit}, s.deliveryRows)
	}
	if err != nil {
		return page, fmt.Errorf("list deliveries: %w", err)
	}
	return page, nil
}

// CountDeliveries counts the deliveries that the filter chooses, up to limit; more: there are more than that.
func (s *Store) CountDeliveries(ctx context.Context, f engine.DeliveryFilter, limit int) (n int, more bool, err error) {
	arms, err := s.arms(ctx, f)
	if err != nil {
		return 0, false, fmt.Errorf("count deliveries: %w", err)
	}
	query, args := selectIDs(arms, "", 0, "DESC", limit+1)
	if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM ("+query+")", args...).Scan(&n); err != nil {
		return 0, false, fmt.Errorf("count deliveries: %w", err)
	}
	return min(n, limit), n > limit, nil
}

// Delivery returns one delivery; engine.ErrNotFound when there is none.
func (s *Store) Delivery(ctx context.Context, id engine.DeliveryID) (engine.DeliveryRow, error) {
	rows, err := s.deliveryRows(ctx, []int64{int64(id)})
	if err != nil {
		return engine.DeliveryRow{}, fmt.Errorf("read delivery: %w", err)
	}
	row, ok := rows[int64(id)]
	if !ok {
		return row, engine.ErrNotFound
	}
	return row, nil
}

const selectDeliveryRows = "SELECT " + deliveryColumns + `, e.type, e.sender_id, e.subject, w.name, c.name, c.deleted_at IS NOT NULL, w.retries,
		CASE WHEN ` + bodyGone + ` THEN e.data END
	FROM json_each(?) AS ids
		CROSS JOIN deliveries AS d ON d.id = ids.value
		CROSS JOIN events AS e ON e.id = d.event
		CROSS JOIN webhooks AS w ON w.id = d.webhook
		CROSS JOIN consumers AS c ON c.id = d.consumer`

// deliveryRows loads the deliveries with those ids.
func (s *Store) deliveryRows(ctx context.Context, ids []int64) (map[int64]engine.DeliveryRow, error) {
	rows := make(map[int64]engine.DeliveryRow, len(ids))
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		var (
			r        engine.DeliveryRow
			senderID string
			w        engine.Webhook
			mark     []byte
		)
		fields := append(deliveryFields(&r.Delivery), &r.EventType, orZero(&senderID), &r.Subject, &r.WebhookName, &r.ConsumerName, &r.ConsumerDeleted, &w.Retries, &mark)
		if err := row.Scan(fields...); err != nil {
			return none, err
		}
		e := engine.Event{ID: r.EventID, SenderID: senderID}
		r.EventName, r.AttemptsInAll = e.PublicID(), r.RoundStart+w.AttemptsInAll()
		if r.Test {
			r.AttemptsInAll = 1
		}
		r.BodyGoneAt, _ = goneAt(mark)
		rows[int64(r.ID)] = r
		return none, nil
	}, selectDeliveryRows, jsonIDs(ids))
	return rows, err
}
