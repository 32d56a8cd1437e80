package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script writes the completion script of a shell to a file.
func script(t *testing.T, shell string) string {
	t.Helper()
	var out strings.Builder
	if err := Run(t.Context(), Env{Getenv: os.Getenv, Stdout: &out, Stderr: t.Output()}, []string{"completion", shell}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "labhook."+shell)
	if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCompletionParses lets every shell that is there read its script.
func TestCompletionParses(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			file := script(t, shell)
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("there is no %s", shell)
			}
			if out, err := exec.CommandContext(t.Context(), path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestCompletionInBash asks bash what it would offer.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	file, dir := script(t, "bash"), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scored data.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _labhook; printf '%s\n' "${COMPREPLY[@]}"`
	for _, tt := range []struct {
		line []string
		want []string // all that is offered
	}{
		{[]string{"del"}, []string{"deliveries"}},
		{[]string{"ver"}, []string{"version"}},
		{[]string{"deliveries", ""}, []string{"cancel", "list", "resend", "show"}},
		{[]string{"deliveries", "list", "--s"}, []string{"--since", "--status", "--subject"}},
		{[]string{"deliveries", "list", "--status", "f"}, []string{"failed"}},
		{[]string{"deliveries", "list", "--status", "=", "f"}, []string{"failed"}},
		{[]string{"deliveries", "list", "--url", ""}, nil},
		{[]string{"deliveries", "list", "--json", "--test", ""}, []string{"false", "true"}},
		{[]string{"user", "role", "dana", "a"}, []string{"admin"}},
		{[]string{"key", "create", "--scope", ""}, []string{"manage", "read", "send"}},
		{[]string{"completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"help", "web"}, []string{"webhooks"}},
		{[]string{"restore", "sco"}, []string{"scored data.json"}},
		{[]string{"webhooks", "test", "--data", "sco"}, []string{"scored data.json"}},
		{[]string{"--log-l"}, []string{"--log-level"}},
		{[]string{"--log-level", "w"}, []string{"warn"}},
		{[]string{"nothing", "--x"}, nil},
	} {
		cmd := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "--noprofile", "-c", ask, "bash", file, "labhook"}, tt.line...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", tt.line, err, out)
		}
		var got []string
		if text := strings.TrimSpace(string(out)); text != "" {
			got = strings.Split(text, "\n")
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: offered %q, want %q", tt.line, got, tt.want)
		}
	}
}

// TestCompletionIsWhole looks for every command and flag in every script.
func TestCompletionIsWhole(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		text, err := os.ReadFile(script(t, shell))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range words(Command{Below: Commands()}) {
			for _, part := range append(c.names(), strings.Fields(c.path)...) {
				if shell == "fish" {
					part = strings.TrimPrefix(part, "--")
				}
				if !strings.Contains(string(text), part) {
					t.Errorf("the script for %s lacks %s of %q", shell, part, c.path)
				}
			}
		}
	}
}
