package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestCopyIsOfOneMoment writes to the database between the steps of a copy.
func TestCopyIsOfOneMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	put := func(key string) {
		must(t, s.writer.do(t.Context(), func(t *tx) error {
			return t.exec("INSERT INTO settings (key, value) VALUES (?, randomblob(1000000))", key)
		}))
	}
	for n := range 10 {
		put(fmt.Sprint("before ", n))
	}
	to, steps, last := filepath.Join(dir, "copy.db"), 0, 0.0
	c, err := Copy(t.Context(), dir, to, func(done float64) {
		steps++
		put(fmt.Sprint("during ", steps))
		if done < last || done > 1 {
			t.Errorf("step %d: %f of it is done, and %f was before", steps, done, last)
		}
		last = done
	})
	must(t, err)
	if steps < 3 || last != 1 || c.Schema != LatestSchema() || c.Size < 10_000_000 {
		t.Errorf("%d steps to %f, copied %+v", steps, last, c)
	}
	copied, err := openPlain(to)
	must(t, err)
	var before, during int
	must(t, copied.QueryRow("SELECT count(*) FILTER (WHERE key LIKE 'before%'), count(*) FILTER (WHERE key LIKE 'during%') FROM settings").Scan(&before, &during))
	must(t, copied.Close())
	if before != 10 || during != 0 {
		t.Errorf("the copy has %d rows of before and %d of later, want 10 and 0", before, during)
	}
	must(t, CheckKey(t.Context(), to, filepath.Join(dir, keyFileName)))

	if _, err := Copy(t.Context(), dir, to, func(float64) {}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file was overwritten: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Copy(ctx, dir, to+"2", func(float64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("a copy that was stopped: %v", err)
	}
}

func TestCheckFile(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	path := filepath.Join(t.TempDir(), "copy.db")
	_, err := Copy(t.Context(), filepath.Dir(s.path), path, func(float64) {})
	must(t, err)
	content, err := os.ReadFile(path)
	must(t, err)
	for i := 4096; i < len(content); i += 4096 { // the head of every page but the first
		content[i] ^= 0xff
	}
	must(t, os.WriteFile(path, content, 0o600))
	if err := CheckFile(t.Context(), path); err == nil {
		t.Error("a damaged database is not noticed")
	}
	if err := CheckFile(t.Context(), path+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
