package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSetupLink asks for the link while another process serves the directory, until there is a user.
func TestSetupLink(t *testing.T) {
	t.Parallel()
	p := serve(t, build(t))
	run := func(stdin string, args ...string) (stdout, stderr string, code int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), p.binary, args...)
		var out, said strings.Builder
		cmd.Env = []string{"LABHOOK_DATA=" + p.data}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &said
		_ = cmd.Run() // the exit code says it
		return out.String(), said.String(), cmd.ProcessState.ExitCode()
	}
	first, said, code := run("", "setup-link")
	if code != 0 || !strings.HasPrefix(first, "http://127.0.0.1:8080/setup?token=") {
		t.Fatalf("exit code %d, %q, %s", code, first, said)
	}
	_, token, _ := strings.Cut(strings.TrimSpace(first), "=")
	for want, args := range map[string][]string{
		"http://localhost:9000/setup?token=":     {"--listen", ":9000"},
		"https://hooks.example.com/setup?token=": {"--public-url", "https://hooks.example.com/"},
	} {
		if got, said, _ := run("", append([]string{"setup-link"}, args...)...); got != want+token+"\n" {
			t.Errorf("%q: %q %s, want %s with the same token", args, got, said, want)
		}
	}
	res, err := p.http.Get(p.base + "/setup?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the link leads to %s", res.Status)
	}
	for _, args := range [][]string{{"--listen", "9000"}, {"--public-url", "hooks"}} {
		if _, said, code := run("", append([]string{"setup-link"}, args...)...); code != 2 || !strings.Contains(said, args[0]+": ") {
			t.Errorf("%q: exit code %d, %s", args, code, said)
		}
	}
	if _, said, code := run("correct horse battery\n", "user", "add", "dana", "--role", "admin", "--password-file", "-"); code != 0 {
		t.Fatal(said)
	}
	if out, said, code := run("", "setup-link"); code != 1 || out != "" || !strings.Contains(said, "there is a user already") {
		t.Errorf("with a user: exit code %d, %q, %s", code, out, said)
	}
}
