package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the program, built once for all tests that need it; scratch is the directory that it is in.
var (
	scratch string
	built   = sync.OnceValues(func() (string, error) {
		var err error
		if scratch, err = os.MkdirTemp("", "labhook-test-"); err != nil {
			return "", err
		}
		path := filepath.Join(scratch, "labhook")
		if out, err := exec.Command("go", "build", "-o", path, "labhook").CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return path, nil
	})
)

func TestMain(m *testing.M) {
	code := m.Run()
	if scratch != "" {
		_ = os.RemoveAll(scratch) // what is left of it is for the system to tidy
	}
	os.Exit(code)
}

// build returns the path of the program. The test is skipped with -short.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
