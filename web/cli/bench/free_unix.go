//go:build darwin || freebsd || linux

package bench

import "syscall"

// freeBytes returns how many bytes can still be written where a directory is, and whether that is known.
func freeBytes(dir string) (free int64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * int64(fs.Bsize), true
}
