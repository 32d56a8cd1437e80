package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// RecordReads tells record of every query that is read with from now on. Nobody may read meanwhile.
func (s *Store) RecordReads(record func(query string, args []driver.NamedValue)) error {
	pool := sql.OpenDB(recorder{readerDSN(s.path, "OFF"), record})
	err := s.read.Close()
	s.read = pool
	return err
}

// Plan returns what SQLite would do for a query, a step a line.
func (s *Store) Plan(ctx context.Context, query string, args []driver.NamedValue) ([]string, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	return list(ctx, s, func(row scanner) (detail string, err error) {
		var id, parent, unused int
		return detail, row.Scan(&id, &parent, &unused, &detail)
	}, "EXPLAIN QUERY PLAN "+query, values...)
}

// recorder opens connections that tell of their queries.
type recorder struct {
	dsn    string
	record func(query string, args []driver.NamedValue)
}

// Connect opens a connection.
func (r recorder) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.Driver().Open(r.dsn)
	return recorded{conn, r.record}, err
}

// Driver returns the driver of SQLite.
func (recorder) Driver() driver.Driver { return new(sqlite.Driver) }

// recorded is a connection whose queries are told.
type recorded struct {
	driver.Conn
	record func(query string, args []driver.NamedValue)
}

// QueryContext tells of a query and runs it.
func (c recorded) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	queryer, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver prepares every query")
	}
	c.record(query, args)
	return queryer.QueryContext(ctx, query, args)
}
