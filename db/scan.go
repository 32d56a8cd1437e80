package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"labhook/engine"

	"zombiezen.com/go/sqlite"
)

// millis is how a time is stored: NULL for the zero time.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// orNull is how an optional value is stored: NULL for the zero value.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// at scans a stored time into t.
func at(t *time.Time) sql.Scanner { return scanTime{t} }

type scanTime struct{ into *time.Time }

func (s scanTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.into = time.Time{}
	case int64:
		*s.into = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", v)
	}
	return nil
}

// orZero scans NULL as the zero value.
func orZero[T any](into *T) sql.Scanner { return scanOrZero[T]{into} }

type scanOrZero[T any] struct{ into *T }

func (s scanOrZero[T]) Scan(v any) error {
	var n sql.Null[T]
	if err := n.Scan(v); err != nil {
		return err
	}
	*s.into = n.V
	return nil
}

// scanner is what *sql.Row and *sql.Rows have in common.
type scanner interface{ Scan(into ...any) error }

// one reads a single row; engine.ErrNotFound when there is none.
func one[T any](row *sql.Row, scan func(scanner) (T, error)) (T, error) {
	v, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = engine.ErrNotFound
	}
	return v, err
}

// all reads every row and closes rows.
func all[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	return allUntil(rows, err, scan, func(T) bool { return false })
}

// allUntil reads rows up to and including the first one that is the last, and closes rows.
func allUntil[T any](rows *sql.Rows, err error, scan func(scanner) (T, error), last func(T) bool) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if last(v) {
			break
		}
	}
	return list, rows.Err()
}

// number scans a row of one integer.
func number(row scanner) (n int64, err error) { return n, row.Scan(&n) }

// list reads rows through a read-only connection.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	return all(rows, err, scan)
}

// listMap is list for rows of a key and a value. Of rows with the same key the last one counts.
func listMap[K comparable, V any](ctx context.Context, s *Store, scan func(scanner, *K, *V) error, query string, args ...any) (map[K]V, error) {
	m := map[K]V{}
	_, err := list(ctx, s, func(row scanner) (none struct{}, err error) {
		var (
			key   K
			value V
		)
		err = scan(row, &key, &value)
		m[key] = value
		return none, err
	}, query, args...)
	return m, err
}

// taken reports whether err says that a unique column ("table.column") has the value already.
func taken(err error, column string) bool {
	return sqlite.ErrCode(err) == sqlite.ResultConstraintUnique && strings.Contains(err.Error(), column)
}

// unwritable reports whether err is of the disk or the file rather than of one operation. SQLite may have ended the
// transaction by itself then.
func unwritable(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultNoMem, sqlite.ResultBusy, sqlite.ResultReadOnly,
		sqlite.ResultCorrupt, sqlite.ResultCantOpen:
		return true
	}
	return false
}

// invalid returns an engine.InvalidError about one field.
func invalid(field, format string, args ...any) error {
	return engine.InvalidError{{Field: field, Message: fmt.Sprintf(format, args...)}}
}
