// Package dbtest opens databases for tests.
package dbtest

import (
	"testing"

	"labhook/db"
)

// Open returns a new, empty store in a directory of the test, which is closed when the test ends. It does not wait
// for the disk: a test does not survive a loss of power anyway.
func Open(t testing.TB) *db.Store {
	t.Helper()
	s, err := db.Open(t.Context(), db.Options{Dir: t.TempDir(), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
