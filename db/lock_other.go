//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package db

import (
	"errors"
	"os"
)

// lockDir fails: without a lock two processes could send the same deliveries.
func lockDir(string) (*os.File, error) {
	return nil, errors.New("this system has no file lock that labhook can use")
}
