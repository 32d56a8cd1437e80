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
	parts := make([]string, len(arms))
	for i, a := range arms {
		if bound != "" {
			a = a.with(bound, id)
		}
		parts[i] = "SELECT r.id AS id FROM " + a.from
		if len(a.where) > 0 {
			parts[i] += " WHERE " + strings.Join(a.where, " AND ")
		}
		args = append(args, a.args...)
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY id " + order + " LIMIT ?", append(args, limit)
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
		query, args := selectIDs(arms, bound, id, order, limit)
		ids, err = list(ctx, s, number, query, args...)
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

// notDelivered are the states that have an index.
var notDelivered = slices.DeleteFunc(slices.Clone(engine.DeliveryStates), func(s engine.DeliveryState) bool { return s == engine.StateDelivered })

// deliveryArms chooses the index that a list of deliveries follows. SQLite has no statistics to choose by, so each is
// named.
func deliveryArms(f engine.DeliveryFilter) []arm {
	if f.Result.Class != "" && len(f.States) == 0 {
		f.States = notDelivered // what was delivered has no failure class
	}
	a := deliveryConditions(f)
	leastStatus, _ := f.Result.Range()
	byType := ""
	if f.EventType != "" {
		byType = " CROSS JOIN events AS e ON e.id = r.event"
		a.and("e.type = ?", f.EventType)
	}
	switch {
	case f.Subject != "":
		// A lab instance has few deliveries: they are found through its events, and sorted.
		a.from = "events AS e INDEXED BY events_subject CROSS JOIN deliveries AS r INDEXED BY deliveries_event ON r.event = e.id"
		a.and("e.subject = ? AND e.subject <> ''", f.Subject)
	case f.EventID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_event" + byType
	case f.Test != nil && *f.Test:
		a.from = "deliveries AS r INDEXED BY deliveries_tests" + byType
	case len(f.States) > 0 && !slices.Contains(f.States, engine.StateDelivered):
		return stateArms(f, a, byType)
	case f.Result.Status != 0 && leastStatus/100 != 2:
		a.from = "deliveries AS r INDEXED BY deliveries_answer" + byType
		a.and("r.last_status / 100 = ? AND r.last_status NOT BETWEEN 200 AND 299", leastStatus/100)
	case f.WebhookID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_webhook" + byType
	case f.ConsumerID != 0:
		a.from = "deliveries AS r INDEXED BY deliveries_consumer" + byType
	default:
		a.from = "deliveries AS r NOT INDEXED" + byType
	}
	if len(f.States) > 0 {
		states := make([]any, len(f.States))
		for i, state := range f.States {
			states[i] = string(state)
		}
		a.and("r.state IN (?"+strings.Repeat(", ?", len(states)-1)+")", states...)
	}
	return []arm{a}
}

// deliveryConditions returns the conditions on columns of the delivery itself, but for its state.
func deliveryConditions(f engine.DeliveryFilter) (a arm) {
	if f.EventID != 0 {
		a.and("r.event = ?", int64(f.EventID))
	}
	if f.WebhookID != 0 {
		a.and("r.webhook = ?", int64(f.WebhookID))
	}
	if f.ConsumerID != 0 {
		a.and("r.consumer = ?", int64(f.ConsumerID))
	}
	if f.Result.Class != "" {
		a.and("r.last_class = ?", string(f.Result.Class))
	}
	if least, most := f.Result.Range(); least != 0 {
		a.and("r.last_status BETWEEN ? AND ?", least, most)
	}
	switch {
	case f.Test == nil:
	case *f.Test:
		a.and("r.test = 1") // to the letter that of the partial index
	default:
		a.and("r.test = 0")
	}
	a.between(f.Since, f.Until)
	return a
}

// stateArms makes an arm for each state. The condition of a partial index is repeated to the letter: SQLite cannot
// conclude it.
func stateArms(f engine.DeliveryFilter, a arm, join string) []arm {
	var arms []arm
	for _, state := range slices.Compact(slices.Sorted(slices.Values(f.States))) {
		index, partial := "deliveries_state", "r.state <> 'delivered'"
		if state != engine.StateSending && (f.WebhookID != 0 || f.ConsumerID != 0) {
			index, partial = "deliveries_consumer_state", "r.state NOT IN ('sending', 'delivered')"
			if f.WebhookID != 0 {
				index = "deliveries_webhook_state"
			}
		}
		a.from = "deliveries AS r INDEXED BY " + index + join
		arms = append(arms, a.with("r.state = ? AND "+partial, string(state)))
	}
	return arms
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
	page, err := listPage(ctx, s, deliveryArms(f), keyset{int64(f.Before), int64(f.After), f.Limit}, s.deliveryRows)
	if err != nil {
		return page, fmt.Errorf("list deliveries: %w", err)
	}
	return page, nil
}

// CountDeliveries counts the deliveries that the filter chooses, up to limit; more: there are more than that.
func (s *Store) CountDeliveries(ctx context.Context, f engine.DeliveryFilter, limit int) (n int, more bool, err error) {
	query, args := selectIDs(deliveryArms(f), "", 0, "DESC", limit+1)
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

const selectDeliveryRows = "SELECT " + deliveryColumns + `, e.type, e.sender_id, e.subject, w.name, c.name, c.deleted_at IS NOT NULL, w.retries
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
		)
		fields := append(deliveryFields(&r.Delivery), &r.EventType, orZero(&senderID), &r.Subject, &r.WebhookName, &r.ConsumerName, &r.ConsumerDeleted, &w.Retries)
		if err := row.Scan(fields...); err != nil {
			return none, err
		}
		e := engine.Event{ID: r.EventID, SenderID: senderID}
		r.EventName, r.AttemptsInAll = e.PublicID(), r.RoundStart+w.AttemptsInAll()
		if r.Test {
			r.AttemptsInAll = 1
		}
		rows[int64(r.ID)] = r
		return none, nil
	}, selectDeliveryRows, jsonIDs(ids))
	return rows, err
}
