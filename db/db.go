package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"labhook/engine"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// The files of a data directory. SQLite adds labhook.db-wal and labhook.db-shm.
const (
	fileName     = "labhook.db"
	keyFileName  = "labhook.key"
	lockFileName = "labhook.lock"
)

// walLimit is what a write-ahead log is cut down to when it was moved into the file, in bytes.
const walLimit = "67108864"

// readConnections is how many reads run at once. Each connection has a page cache of its own.
const readConnections = 4

// ErrServed: another process holds the lock that Options.Exclusive asks for.
var ErrServed = errors.New("another labhook serves this directory")

// Options say which data directory to open, and how.
type Options struct {
	Dir string
	Log *slog.Logger // nil: nothing is logged
	// Synchronous is SQLite's setting of that name; empty: FULL, which survives a loss of power.
	Synchronous string
	// Given are settings of the site that the server was started with: they win over the stored ones.
	Given map[string]engine.GivenSetting
	// Exclusive takes the lock that only one sending process may hold.
	Exclusive bool
}

// Store is an open data directory. It is safe for concurrent use.
type Store struct {
	path      string
	log       *slog.Logger
	lock      *os.File // nil: not exclusive
	read      *sql.DB
	writer    *writer
	closed    bool // the writer's connection
	sealer    *sealer
	directory atomic.Pointer[engine.Directory]
	settings  atomic.Pointer[engine.SiteSettings]
	given     map[string]engine.GivenSetting
	retention atomic.Pointer[storedRetention]
	keys      keyCache
	past      pastHours
	lastHour  atomic.Pointer[hourDurations]
	watcher   engine.Watcher // nil: nobody is told

	// cancelling is read and changed by the writer alone; a map in it is never changed.
	cancelling map[engine.WebhookID]cancellation

	// Both are read and changed by the writer alone, and may hold too much, never too little.
	busy    map[laneKey]bool          // lanes in which something waits: a gate is closed or a delivery held
	streaks map[engine.WebhookID]bool // webhooks whose latest attempts failed
}

var _ engine.Store = (*Store)(nil)

// Open opens the data directory, and makes it and what belongs in it when it is new.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{path: filepath.Join(o.Dir, fileName), log: o.Log, given: o.Given}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open database in %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	if err := s.makeFiles(o); err != nil {
		return err
	}
	synchronous := strings.ToUpper(o.Synchronous)
	if synchronous == "" {
		synchronous = "FULL"
	}
	if err := s.prepare(ctx, filepath.Join(o.Dir, keyFileName), synchronous); err != nil {
		return err
	}
	var err error
	if s.read, err = sql.Open("sqlite", readerDSN(s.path, synchronous)); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readConnections)
	s.read.SetMaxIdleConns(readConnections)
	if err := checkPragmas(pragmasOf(ctx, s.read), synchronous, true); err != nil {
		return err
	}
	if err := s.passIDs(ctx); err != nil {
		return err
	}
	if err := s.loadDirectory(ctx); err != nil {
		return err
	}
	if err := s.loadSite(ctx); err != nil {
		return err
	}
	if err := s.loadRetention(ctx); err != nil {
		return err
	}
	if err := s.loadBusy(ctx); err != nil {
		return err
	}
	if err := s.loadStreaks(ctx); err != nil {
		return err
	}
	if err := s.loadCancelling(ctx); err != nil {
		return err
	}
	s.writer, err = startWriter(s, synchronous)
	return err
}

// prepare makes the file what this version expects, and opens the sealer of its secrets.
func (s *Store) prepare(ctx context.Context, keyFile, synchronous string) error {
	write, err := sql.Open("sqlite", writerDSN(s.path, synchronous))
	if err != nil {
		return err
	}
	defer write.Close() // each statement said whether it was carried out
	write.SetMaxOpenConns(1)
	if err := checkPragmas(pragmasOf(ctx, write), synchronous, false); err != nil {
		return err
	}
	if err := migrate(ctx, write); err != nil {
		return err
	}
	s.sealer, err = openSealer(ctx, write, keyFile)
	return err
}

// makeFiles makes the directory and an empty database file that others cannot read; SQLite gives its further files
// the mode of the database file.
func (s *Store) makeFiles(o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if o.Exclusive {
		lock, err := lockDir(filepath.Join(o.Dir, lockFileName))
		if err != nil {
			return err
		}
		s.lock = lock
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Settings of a connection stand in the DSN, so that every connection that a pool opens has them. The driver passes
// over names it does not know, therefore checkPragmas reads them back.
func dsn(path, synchronous string) (file string, settings url.Values) {
	file = (&url.URL{Scheme: "file", Path: path}).String()
	if !filepath.IsAbs(path) {
		file = "file:" + (&url.URL{Path: path}).EscapedPath()
	}
	return file, url.Values{
		"_busy_timeout": {"5000"},
		"_foreign_keys": {"1"},
		"_dqs":          {"0"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {synchronous},
		"_pragma":       {"temp_store(MEMORY)", "journal_size_limit(" + walLimit + ")"},
	}
}

func writerDSN(path, synchronous string) string {
	file, settings := dsn(path, synchronous)
	settings.Set("_txlock", "immediate") // a transaction that reads first could not become a writing one
	return file + "?" + settings.Encode()
}

func readerDSN(path, synchronous string) string {
	file, settings := dsn(path, synchronous)
	settings.Set("mode", "ro")
	settings.Set("_query_only", "1")
	return file + "?" + settings.Encode()
}

// pragmasOf reads the settings of a pool's connections.
func pragmasOf(ctx context.Context, db *sql.DB) func(name string) (string, error) {
	return func(name string) (value string, err error) {
		return value, db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	}
}

// checkPragmas refuses to run on a connection whose settings, as read returns them, are not what was asked for.
func checkPragmas(read func(name string) (string, error), synchronous string, readOnly bool) error {
	levels := map[string]string{"OFF": "0", "NORMAL": "1", "FULL": "2", "EXTRA": "3"}
	want := map[string]string{
		"journal_mode": "wal", "synchronous": levels[synchronous], "foreign_keys": "1", "busy_timeout": "5000",
		"temp_store": "2", "journal_size_limit": walLimit, "query_only": "0",
	}
	if readOnly {
		want["query_only"] = "1"
	}
	for name, value := range want {
		got, err := read(name)
		if err != nil {
			return fmt.Errorf("read pragma %s: %w", name, err)
		}
		if got != value {
			return fmt.Errorf("pragma %s is %q instead of %q", name, got, value)
		}
	}
	return nil
}

// passIDs makes new ids larger than those on disk, also when the clock was set back since.
func (s *Store) passIDs(ctx context.Context) error {
	const newest = `SELECT max(
		coalesce((SELECT max(id) FROM consumers), 0), coalesce((SELECT max(id) FROM api_keys), 0),
		coalesce((SELECT max(id) FROM webhooks), 0), coalesce((SELECT max(id) FROM events), 0),
		coalesce((SELECT max(id) FROM deliveries), 0), coalesce((SELECT max(id) FROM attempts), 0),
		coalesce((SELECT max(id) FROM users), 0), coalesce((SELECT max(id) FROM recoveries), 0))`
	var id int64
	if err := s.read.QueryRowContext(ctx, newest).Scan(&id); err != nil {
		return fmt.Errorf("read newest id: %w", err)
	}
	engine.PassID(id)
	return nil
}

// Close runs the operations that wait, then closes the files. Later operations fail with engine.ErrStopping.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		s.writer.stop()
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.writer != nil && !s.closed { // last, as it moves the write-ahead log into the file
		errs = append(errs, s.writer.conn.Close())
		s.closed = true
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers, and took what it was last asked to store.
func (s *Store) Ping(ctx context.Context) error {
	if trouble := s.writer.trouble.Load(); trouble != nil {
		return *trouble
	}
	_, err := s.Version(ctx)
	return err
}

// Version returns the number of the schema.
func (s *Store) Version(ctx context.Context) (schema int, err error) {
	return schemaVersion(ctx, s.read)
}

// Size returns the bytes of the database and its write-ahead log on disk.
func (s *Store) Size() (int64, error) {
	file, err := os.Stat(s.path)
	if err != nil {
		return 0, err
	}
	size := file.Size()
	log, err := os.Stat(s.path + "-wal")
	if err == nil {
		size += log.Size()
	} else if !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	return size, nil
}
