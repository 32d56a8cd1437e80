package cli

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{ErrHelp, 0},
		{os.ErrNotExist, 1},
		{&UsageError{}, 2},
		{&ExitError{5}, 5},
		{fmt.Errorf("list: %w", &unreachable{"http://127.0.0.1:1", os.ErrDeadlineExceeded}), 6},
		{&problem{Status: http.StatusServiceUnavailable}, 6},
		{&problem{Status: http.StatusNotFound}, 7},
		{&problem{Status: http.StatusUnauthorized}, 1},
	} {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestExitCodesInReadme compares the table of the README with that of the help.
func TestExitCodesInReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ExitCodes {
		if line := fmt.Sprintf("| %d | %s |\n", e.Code, e.Meaning); !strings.Contains(string(readme), line) {
			t.Errorf("README.md lacks %s", line)
		}
	}
	for _, c := range Commands() {
		if c.Name != "help" && !strings.Contains(string(readme), "`labhook "+c.Name) {
			t.Errorf("README.md lacks the command %s", c.Name)
		}
	}
}
