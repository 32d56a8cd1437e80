//go:build !(darwin || freebsd || linux)

package bench

// freeBytes returns how many bytes can still be written where a directory is, and whether that is known: never here.
func freeBytes(string) (free int64, known bool) { return 0, false }
