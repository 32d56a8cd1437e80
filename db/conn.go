package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"time"

	"zombiezen.com/go/sqlite"
)

// busyTimeout is how long a statement waits for a lock that another connection holds.
const busyTimeout = 5 * time.Second

// openWriting opens the connection that writes. It speaks to SQLite without database/sql between them, which would take
// a good third of the time of the small statements that an event is stored with.
func openWriting(path, synchronous string) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(busyTimeout)
	settings := []struct{ name, value string }{
		{"foreign_keys", "1"}, {"synchronous", synchronous}, {"temp_store", "MEMORY"}, {"journal_size_limit", walLimit},
	}
	for _, one := range settings {
		if _, err := run(conn, "PRAGMA "+one.name+" = "+one.value); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	read := func(name string) (value string, err error) {
		return value, first(conn, func(row scanner) error { return row.Scan(&value) }, "PRAGMA "+name)
	}
	if err := checkPragmas(read, synchronous, false); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// run executes a statement to its end and returns how many rows it changed; for one that changes none, what the statement
// before it did.
func run(conn *sqlite.Conn, query string, args ...any) (int64, error) {
	err := each(conn, func(scanner) (bool, error) { return true, nil }, query, args...)
	return int64(conn.Changes()), err
}

// first reads one row; sql.ErrNoRows when there is none.
func first(conn *sqlite.Conn, scan func(scanner) error, query string, args ...any) error {
	found := false
	err := each(conn, func(row scanner) (bool, error) {
		found = true
		return false, scan(row)
	}, query, args...)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// each hands over row after row until scan wants no more. The connection keeps the statement: each is prepared once.
func each(conn *sqlite.Conn, scan func(scanner) (more bool, err error), query string, args ...any) (err error) {
	stmt, err := conn.Prepare(query)
	if err != nil {
		return err
	}
	if want := stmt.BindParamCount(); want != len(args) {
		return fmt.Errorf("%d arguments for the %d of %q", len(args), want, query)
	}
	for i, arg := range args {
		if err := bind(stmt, i+1, arg); err != nil {
			return fmt.Errorf("argument %d of %q: %w", i+1, query, err)
		}
	}
	for {
		if found, err := stmt.Step(); err != nil || !found {
			return errors.Join(err, stmt.Reset())
		}
		if more, err := scan(standing{stmt}); err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
	}
}

// bind sets an argument, with the types that database/sql takes.
func bind(stmt *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		stmt.BindNull(i)
	case int64:
		stmt.BindInt64(i, v)
	case int:
		stmt.BindInt64(i, int64(v))
	case bool:
		stmt.BindBool(i, v)
	case float64:
		stmt.BindFloat(i, v)
	case string:
		stmt.BindText(i, v)
	case []byte:
		if v == nil {
			stmt.BindNull(i)
		} else {
			stmt.BindBytes(i, v)
		}
	default:
		plain, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return err
		}
		if _, ok := plain.(time.Time); ok {
			return errors.New("a time is stored as milliseconds")
		}
		return bind(stmt, i, plain)
	}
	return nil
}

// standing is the row that a statement stands on.
type standing struct{ stmt *sqlite.Stmt }

// Scan sets what into points to, with the types that database/sql takes.
func (r standing) Scan(into ...any) error {
	if have := r.stmt.ColumnCount(); have != len(into) {
		return fmt.Errorf("%d columns for %d destinations", have, len(into))
	}
	for i, p := range into {
		if err := r.column(i, p); err != nil {
			return fmt.Errorf("column %s: %w", r.stmt.ColumnName(i), err)
		}
	}
	return nil
}

func (r standing) column(i int, into any) error {
	if p, ok := into.(sql.Scanner); ok {
		return p.Scan(r.value(i))
	}
	v := reflect.ValueOf(into).Elem()
	if bytes := v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8; bytes {
		v.SetBytes(r.bytes(i))
		return nil
	}
	if r.stmt.ColumnIsNull(i) {
		return fmt.Errorf("NULL does not fit %s", v.Type())
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(r.stmt.ColumnInt64(i))
	case reflect.String:
		v.SetString(r.stmt.ColumnText(i))
	case reflect.Bool:
		v.SetBool(r.stmt.ColumnInt64(i) != 0)
	default:
		return fmt.Errorf("nothing is read into %s", v.Type())
	}
	return nil
}

// value returns a column as database/sql hands it to a Scanner.
func (r standing) value(i int) any {
	switch r.stmt.ColumnType(i) {
	case sqlite.TypeNull:
		return nil
	case sqlite.TypeInteger:
		return r.stmt.ColumnInt64(i)
	case sqlite.TypeFloat:
		return r.stmt.ColumnFloat(i)
	case sqlite.TypeText:
		return r.stmt.ColumnText(i)
	}
	return r.bytes(i)
}

// bytes returns a copy of a column, nil for NULL.
func (r standing) bytes(i int) []byte {
	if r.stmt.ColumnIsNull(i) {
		return nil
	}
	b := make([]byte, r.stmt.ColumnLen(i))
	r.stmt.ColumnBytes(i, b)
	return b
}
