package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, one transaction for each step. Step n is the n-th file by name, and
// PRAGMA user_version counts the steps that were taken.
func migrate(ctx context.Context, write *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	version, err := schemaVersion(ctx, write)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("the database has schema %d, this labhook knows schemas up to %d: it was written by a newer version, start that one", version, len(files))
	}
	for step := version + 1; step <= len(files); step++ {
		if err := migrateTo(ctx, write, step, files[step-1]); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", step, err)
		}
	}
	return nil
}

func migrateTo(ctx context.Context, write *sql.DB, step int, file string) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version >= step {
		return nil // another process took the step meanwhile
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", step)); err != nil {
		return err
	}
	return tx.Commit()
}

func schemaVersion(ctx context.Context, q queryer) (version int, err error) {
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

// queryer is what *sql.DB and *sql.Tx read with.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
