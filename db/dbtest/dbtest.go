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
	return OpenWith(t, db.Options{})
}

// OpenWith is Open with more to be said; the directory is made.
func OpenWith(t testing.TB, o db.Options) *db.Store {
	t.Helper()
	o.Dir, o.Synchronous = t.TempDir(), "OFF"
	s, err := db.Open(t.Context(), o)
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
