package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db"
)

// TestScheduledBackups lets days go by: a backup is made each day, the oldest give way, what is not the job's own stays,
// and a failure is noted and tried again.
func TestScheduledBackups(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	synctest.Test(t, func(t *testing.T) {
		store, err := db.Open(t.Context(), db.Options{Dir: data, Synchronous: "OFF"})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		job := &backupJob{
			plan: backupPlan{dir: dir, every: 24 * time.Hour, keep: 2}, data: data, version: "test", store: store, log: slog.New(slog.DiscardHandler),
		}
		run := func() db.BackupState {
			t.Helper()
			if err := job.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			state, err := store.BackupState(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		first := run()
		if first.At.IsZero() || first.Size == 0 || filepath.Dir(first.File) != dir || !backupNamed.MatchString(filepath.Base(first.File)) {
			t.Fatalf("the first one: %+v", first)
		}
		if err := os.WriteFile(filepath.Join(dir, "labhook-mine.tar"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(23 * time.Hour)
		if again := run(); !again.At.Equal(first.At) {
			t.Errorf("one more after 23 hours: %+v", again)
		}
		for range 3 {
			time.Sleep(24 * time.Hour)
			run()
		}
		if files := names(t, dir); len(files) != 3 || files[2] != "labhook-mine.tar" {
			t.Errorf("kept: %q", files)
		}

		// The directory cannot be made: a file stands there.
		good := job.plan.dir
		job.plan.dir = filepath.Join(good, "labhook-mine.tar", "below")
		failed := run()
		if failed.FailedAt.IsZero() || failed.Problem == "" || failed.At.IsZero() {
			t.Errorf("a failure is noted as %+v", failed)
		}
		job.plan.dir = good
		time.Sleep(24 * time.Hour)
		if mended := run(); !mended.FailedAt.IsZero() || !mended.At.After(failed.At) {
			t.Errorf("after it was mended: %+v", mended)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(24 * time.Hour)
		_ = job.run(ctx) // a stop is no failure
		if stopped := run(); !stopped.FailedAt.IsZero() {
			t.Errorf("a stop counts as a failure: %+v", stopped)
		}
	})
	newest := names(t, dir)[1]
	env := Env{Getenv: func(string) string { return "" }, Stdout: &strings.Builder{}, Stderr: &strings.Builder{}}
	if err := Restore(t.Context(), env, []string{"--data", filepath.Join(t.TempDir(), "restored"), filepath.Join(dir, newest)}); err != nil {
		t.Errorf("restore %s: %v", newest, err)
	}
}

// names lists a directory.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestBackupPlan(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--backup-every 1m": "--backup-every must be at least 10m", "--backup-keep 0": "--backup-keep must be 1 to 1000", "--backup-dir /b --backup-every 1h": "",
	} {
		cfg, err := serveConfig(Env{Getenv: func(string) string { return "" }, Stderr: t.Output()}, strings.Fields(args))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
		if want == "" && cfg.backup != (backupPlan{dir: "/b", every: time.Hour, keep: DefaultBackupKeep}) {
			t.Errorf("%s: %+v", args, cfg.backup)
		}
	}
}
