package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, one transaction for each step. Step n is the n-th file by name, and
// PRAGMA user_version counts the steps that were taken.
func migrate(ctx context.Context, write *sql.DB) error {
	files := migrationFiles()
	version, err := schemaVersion(ctx, write)
	if err != nil {
		return err
	}
	if err := checkSchema(version); err != nil {
		return err
	}
	for step := version + 1; step <= len(files); step++ {
		if err := migrateTo(ctx, write, step, files[step-1]); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", step, err)
		}
	}
	return nil
}

// migrationFiles lists the files of the steps.
func migrationFiles() []string {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return files
}

// LatestSchema is the number of the schema that this version works with.
func LatestSchema() int { return len(migrationFiles()) }

// checkSchema returns an error when this version is too old for a schema.
func checkSchema(version int) error {
	if latest := LatestSchema(); version > latest {
		return fmt.Errorf("the database has schema %d, this labhook knows schemas up to %d: it was written by a newer version, start that one", version, latest)
	}
	return nil
}

// FileSchema returns the number of the schema of a database file, and an error when this version is too old for it.
func FileSchema(ctx context.Context, path string) (int, error) {
	db, err := openPlain(path)
	if err != nil {
		return 0, err
	}
	defer db.Close() // it was only read
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return 0, err
	}
	return version, checkSchema(version)
}

// Migrate brings the schema of a data directory up to date, and returns the numbers before and after. The error is
// ErrServed while a server runs there.
func Migrate(ctx context.Context, dir string) (from, to int, err error) {
	if from, err = FileSchema(ctx, filepath.Join(dir, fileName)); err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	s, err := Open(ctx, Options{Dir: dir, Exclusive: true})
	if err != nil {
		return from, from, err
	}
	to, err = s.Version(ctx)
	return from, to, errors.Join(err, s.Close())
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
