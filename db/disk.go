//go:build darwin || freebsd || linux

package db

import (
	"fmt"
	"syscall"
)

// FreeSpace returns how many bytes the server may still write to the disk of the database; -1 where the system does
// not tell.
func (s *Store) FreeSpace() (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.path, &disk); err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil
}
