package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"labhook/db"
)

// Migrate brings the schema of a data directory up to date.
func Migrate(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "migrate", "bring the schema of a database up to date, as the server does when it starts")
	data := f.String("data", DefaultData, "`DIR` of the server's database")
	check := f.Bool("check", false, "change nothing; the exit code is 3 when the schema is not up to date")
	f.fromEnv = []string{"data"}
	f.example = "labhook migrate --check --data /var/lib/labhook"
	if err := f.parse(args); err != nil {
		return err
	}
	path := filepath.Join(*data, db.FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return noDatabase(*data)
	}
	if *check {
		return checkSchema(ctx, env, path)
	}
	from, to, err := db.Migrate(ctx, *data)
	switch {
	case errors.Is(err, db.ErrServed):
		return fmt.Errorf("%w; it has migrated the database when it started, or stop it first", err)
	case err != nil:
		return err
	case from == to:
		fmt.Fprintf(env.Stdout, "The schema is up to date: %d.\n", to)
	default:
		fmt.Fprintf(env.Stdout, "Migrated from schema %d to %d.\n", from, to)
	}
	return nil
}

func checkSchema(ctx context.Context, env Env, path string) error {
	version, err := db.FileSchema(ctx, path)
	if err != nil {
		return err
	}
	latest := db.LatestSchema()
	if version < latest {
		fmt.Fprintf(env.Stdout, "The schema is %d, this version works with %d: labhook migrate brings it up to date.\n", version, latest)
		return &ExitError{exitOutdated}
	}
	fmt.Fprintf(env.Stdout, "The schema is up to date: %d.\n", version)
	return nil
}
