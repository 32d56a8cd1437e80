package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"labhook/db"
)

// Defaults of the scheduled backups.
const (
	DefaultBackupEvery = 24 * time.Hour
	DefaultBackupKeep  = 7
)

const (
	// leastBackupEvery keeps a slip of the pen from making backups without a pause.
	leastBackupEvery = 10 * time.Minute
	maxBackupKeep    = 1000
	// backupLook is how often the job looks whether a backup is due, backupAgain how long after a failure it tries again.
	backupLook  = time.Minute
	backupAgain = 15 * time.Minute
)

// backupPlan is how backups are made while a server runs.
type backupPlan struct {
	dir   string // empty: none are
	every time.Duration
	keep  int // files
}

// backupJob makes backups of a running server, each a file as labhook backup writes it.
type backupJob struct {
	plan    backupPlan
	data    string // directory
	version string
	store   *db.Store
	log     *slog.Logger
}

// backupNamed tells the job's own files from others in the directory, which it never touches.
var backupNamed = regexp.MustCompile(`^labhook-\d{8}T\d{6}Z\.tar$`)

// backupName is the file of a backup that begins at a time. Names in order are in the order of time.
func backupName(at time.Time) string {
	return "labhook-" + at.UTC().Format("20060102T150405Z") + ".tar"
}

// run makes a backup when one is due, and notes how it went.
func (j *backupJob) run(ctx context.Context) error {
	state, err := j.store.BackupState(ctx)
	if err != nil {
		return err
	}
	now := time.Now().Truncate(time.Second)
	if !j.due(state, now) {
		return nil
	}
	file := filepath.Join(j.plan.dir, backupName(now))
	size, err := j.make(ctx, file)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // the server stops; the next one makes it
	case err != nil:
		state.FailedAt, state.Problem = now, err.Error()
		j.log.Error("backup failed", "file", file, "error", err)
		return j.store.SetBackupState(context.WithoutCancel(ctx), state) // and keep what there is
	default:
		state = db.BackupState{At: now, File: file, Size: size, Took: time.Since(now).Round(time.Millisecond)}
		j.log.Info("backup made", "file", file, "bytes", size)
	}
	return errors.Join(j.store.SetBackupState(context.WithoutCancel(ctx), state), j.clean())
}

func (j *backupJob) due(state db.BackupState, now time.Time) bool {
	if now.Before(state.FailedAt.Add(min(backupAgain, j.plan.every))) {
		return false
	}
	return !now.Before(state.At.Add(j.plan.every)) || now.Before(state.At) || filepath.Dir(state.File) != j.plan.dir
}

// make writes a backup to a file.
func (j *backupJob) make(ctx context.Context, file string) (size int64, err error) {
	if err := os.MkdirAll(j.plan.dir, 0o700); err != nil {
		return 0, err
	}
	_, size, err = backup(ctx, j.version, j.data, file, true, func(float64, string) {})
	return size, err
}

// clean deletes the oldest of the job's files beyond the number to be kept.
func (j *backupJob) clean() error {
	entries, err := os.ReadDir(j.plan.dir)
	if err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	var own []string
	for _, e := range entries { // in the order of their names
		if e.Type().IsRegular() && backupNamed.MatchString(e.Name()) {
			own = append(own, e.Name())
		}
	}
	var errs []error
	for _, name := range own[:max(0, len(own)-j.plan.keep)] {
		errs = append(errs, os.Remove(filepath.Join(j.plan.dir, name)))
	}
	return errors.Join(errs...)
}

// check returns what is wrong with the flags of the plan, "" when all is well.
func (p *backupPlan) check() string {
	switch {
	case p.every < leastBackupEvery:
		return fmt.Sprintf("--backup-every must be at least %s", leastBackupEvery)
	case p.keep < 1 || p.keep > maxBackupKeep:
		return fmt.Sprintf("--backup-keep must be 1 to %d", maxBackupKeep)
	}
	if p.dir != "" {
		p.dir = absolute(p.dir)
	}
	return ""
}
