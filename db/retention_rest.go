package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

// bodyGone is true of an event whose bodies were deleted: its data is then a mark with the time. Data are JSON and begin
// with no zero byte.
const bodyGone = "(length(e.data) = 9 AND substr(e.data, 1, 1) = x'00')"

// goneMark stands in the place of an event's data that were deleted at a time.
func goneMark(at time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{0}, uint64(at.UnixMilli()))
}

// goneAt reads the mark; false: data is none.
func goneAt(data []byte) (time.Time, bool) {
	if len(data) != 9 || data[0] != 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(data[1:]))).UTC(), true
}

// totals deletes the totals of the hours before a time, an hour at a time.
func (r *retaining) totals(ctx context.Context, before time.Time) error {
	for _, statements := range [][2]string{{selectFirstHour, deleteHour}, {selectFirstFailures, deleteFailures}} {
		for {
			hour, err := one(r.read.QueryRowContext(ctx, statements[0], before.Truncate(time.Hour).UnixMilli()), number)
			if errors.Is(err, engine.ErrNotFound) {
				break
			}
			if err != nil {
				return err
			}
			if err := r.repeat(ctx, &r.state.Deleted.Totals, statements[1], hour, retainRows); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	selectFirstHour     = "SELECT hour FROM hourly WHERE hour < ? ORDER BY hour LIMIT 1"
	selectFirstFailures = "SELECT hour FROM hourly_failures WHERE hour < ? ORDER BY hour LIMIT 1"
	deleteHour          = `DELETE FROM hourly WHERE hour = ?1 AND webhook IN (SELECT webhook FROM hourly WHERE hour = ?1 ORDER BY webhook LIMIT ?2)`
	deleteFailures      = `DELETE FROM hourly_failures WHERE hour = ?1 AND webhook IN (
		SELECT webhook FROM hourly_failures WHERE hour = ?1 ORDER BY webhook LIMIT ?2)`
)

// lanes deletes the lanes of lab instances of which no event is left.
func (r *retaining) lanes(ctx context.Context) error {
	for after := int64(0); ; {
		page, err := list(ctx, r.Store, func(row scanner) (l [2]int64, err error) { return l, row.Scan(&l[0], &l[1]) },
			selectLanesLeft, after, retainLook)
		if err != nil || len(page) == 0 {
			return err
		}
		var ids []int64
		for _, l := range page {
			if after = l[0]; l[1] == 0 {
				ids = append(ids, l[0])
			}
		}
		if len(ids) == 0 {
			continue
		}
		began := time.Now()
		n, err := changeFor(ctx, r.writer, func(t *tx) (int64, error) { return t.do(deleteLanes, jsonIDs(ids)) })
		if err != nil {
			return fmt.Errorf("delete lanes: %w", err)
		}
		r.state.Deleted.Lanes += int(n)
		if err := r.rest(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}

const (
	selectLanesLeft = `SELECT l.id, EXISTS (SELECT 1 FROM events e INDEXED BY events_subject WHERE e.subject = l.subject AND e.subject <> '')
		FROM lanes l WHERE l.id > ? ORDER BY l.id LIMIT ?`
	deleteLanes = `DELETE FROM lanes WHERE id IN (SELECT value FROM json_each(?))
		AND NOT EXISTS (SELECT 1 FROM events e INDEXED BY events_subject WHERE e.subject = lanes.subject AND e.subject <> '')`
)
