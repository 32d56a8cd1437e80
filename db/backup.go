package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// The names of the files of a data directory, for who copies them.
const (
	FileName    = fileName
	KeyFileName = keyFileName
)

// backupPages is how many pages are copied before Progress is told and a stop is heeded.
const backupPages = 1024

// Progress is told now and then how much of a long operation is done, from 0 to 1.
type Progress func(done float64)

// Copied is what Copy wrote.
type Copied struct {
	Schema int   // number
	Size   int64 // bytes
}

// Copy writes the database of a data directory to a new file as it is at one moment, also while a server writes to it:
// the copy reads from a snapshot, and nobody waits for it. The data directory is not changed. The copy is on
// disk and checked when Copy returns.
func Copy(ctx context.Context, dir, to string, progress Progress) (Copied, error) {
	c, err := copyDatabase(ctx, filepath.Join(dir, fileName), to, progress)
	if err != nil {
		return c, fmt.Errorf("copy database: %w", err)
	}
	return c, nil
}

func copyDatabase(ctx context.Context, from, to string, progress Progress) (c Copied, err error) {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return c, err
	}
	defer f.Close() // Sync says whether it was written
	source, err := openPlain(from)
	if err != nil {
		return c, err
	}
	defer source.Close() // it was only read
	conn, err := source.Conn(ctx)
	if err != nil {
		return c, err
	}
	defer conn.Close()
	// Within a transaction every step reads the same snapshot; without one each foreign commit would start it over.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return c, err
	}
	if c.Schema, err = schemaVersion(ctx, conn); err != nil {
		return c, err
	}
	file, _ := dsn(to, "FULL")
	if err := conn.Raw(func(raw any) error { return copyPages(ctx, raw.(driver.Conn), file, progress) }); err != nil {
		return c, err
	}
	if err := f.Sync(); err != nil {
		return c, err
	}
	info, err := f.Stat()
	if err != nil {
		return c, err
	}
	c.Size = info.Size()
	return c, CheckFile(ctx, to)
}

// copyPages copies all pages of a connection's database.
func copyPages(ctx context.Context, conn driver.Conn, to string, progress Progress) (err error) {
	source, ok := conn.(interface {
		NewBackup(to string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver cannot copy databases")
	}
	b, err := source.NewBackup(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Finish()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = b.Step(backupPages); err != nil {
			return err
		}
		if all := b.PageCount(); all > 0 {
			progress(1 - float64(b.Remaining())/float64(all))
		}
	}
	return nil
}

// CheckFile reads a whole database file that nobody else uses, and returns an error when it is damaged.
func CheckFile(ctx context.Context, path string) error {
	db, err := openPlain(path)
	if err != nil {
		return err
	}
	defer db.Close() // it was only read
	rows, err := db.QueryContext(ctx, "PRAGMA integrity_check(5)")
	damage, err := all(rows, err, func(row scanner) (text string, err error) { return text, row.Scan(&text) })
	switch {
	case err != nil:
		return fmt.Errorf("check database: %w", err)
	case len(damage) != 1 || damage[0] != "ok":
		return fmt.Errorf("check database: it is damaged: %s", strings.Join(damage, "; "))
	}
	return nil
}

// CheckKey returns an error unless the key file belongs to the database file.
func CheckKey(ctx context.Context, path, keyPath string) error {
	db, err := openPlain(path)
	if err != nil {
		return err
	}
	defer db.Close() // it was only read
	var canary []byte
	err = db.QueryRowContext(ctx, "SELECT value FROM settings WHERE key = ?", canaryKey).Scan(&canary)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // nothing is sealed yet
	}
	if err != nil {
		return fmt.Errorf("read canary: %w", err)
	}
	master, err := masterKey(keyPath, false)
	if err != nil {
		return err
	}
	s, err := newSealer(master)
	if err != nil {
		return err
	}
	return s.checkCanary(keyPath, canary)
}

// openPlain opens a database file that must be there, to read it as it is: without migration, and without making a
// write-ahead log for one that has none.
func openPlain(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	file, _ := dsn(path, "FULL")
	db, err := sql.Open("sqlite", file+"?_busy_timeout=5000&_query_only=1")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Lock takes the lock of a directory that one serving process holds, so that no server starts there. Closing what it
// returns gives the lock back; the error is ErrServed while another process has it.
func Lock(dir string) (io.Closer, error) { return lockDir(filepath.Join(dir, lockFileName)) }

// LockFileName is the name of the file that Lock makes. It stays behind, and says nothing.
const LockFileName = lockFileName
