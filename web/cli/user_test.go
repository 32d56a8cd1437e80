package cli

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"labhook/db"
	"labhook/engine"
)

// signIn returns a client that is signed in to a server's screens, nil when it was refused.
func signIn(t *testing.T, base, login, password string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.PostForm(base+"/login", url.Values{"login": {login}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		return nil
	}
	return c
}

// signedIn reports whether a client may see a page.
func signedIn(t *testing.T, base string, c *http.Client) bool {
	t.Helper()
	res, err := c.Get(base + "/admin")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// TestUsers makes and changes users with the built program while another process serves the directory.
func TestUsers(t *testing.T) {
	t.Parallel()
	p := serve(t, build(t))
	run := func(stdin string, args ...string) (stdout, stderr string, code int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), p.binary, append([]string{"user"}, args...)...)
		var out, said strings.Builder
		cmd.Env = []string{"LABHOOK_DATA=" + p.data}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &said
		_ = cmd.Run() // the exit code says it
		return out.String(), said.String(), cmd.ProcessState.ExitCode()
	}
	const password, second = "correct horse battery", "another good password"
	if _, said, code := run(password+"\n", "add", "dana@example.com", "--name", "Dana Ortiz", "--role", "admin", "--password-file", "-"); code != 0 {
		t.Fatalf("add: exit code %d, %s", code, said)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\r\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, code := run("", "add", "ben", "--password-file", file); code != 0 {
		t.Fatalf("add: exit code %d, %s", code, said)
	}
	dana := signIn(t, p.base, "DANA@example.com", password)
	if dana == nil || !signedIn(t, p.base, dana) || signIn(t, p.base, "ben", password) == nil {
		t.Fatal("a new user cannot sign in")
	}
	if _, said, code := run(second, "password", "dana@example.com", "--password-file", "-"); code != 0 {
		t.Errorf("password: exit code %d, %s", code, said)
	}
	if signedIn(t, p.base, dana) || signIn(t, p.base, "dana@example.com", second) == nil {
		t.Error("the new password does not replace the old one")
	}
	for _, tt := range []struct {
		args, stdin string
		code        int
		says        string
	}{
		{"disable ben", "", 0, ""},
		{"disable dana@example.com", "", 1, "the last enabled administrator"},
		{"role dana@example.com viewer", "", 1, "the last enabled administrator"},
		{"role ben king", "", 2, "role: Role must be one of viewer, developer and admin"},
		{"role ben", "", 2, "name the ROLE"},
		{"role nobody viewer", "", 1, `there is no user "nobody"`},
		{"add ben --password-file -", password, 1, "another user is called ben"},
		{"add cy --role king --password-file -", password, 2, "--role: Role must be one of"},
		{"add cy --password-file -", "short", 2, "password: Enter a password of 12"},
		{"add cy --password-file missing", "", 2, "no such file"},
		{"add cy", "", 1, "there is no terminal to ask"},
		{"add cy --data " + t.TempDir(), "", 1, "there is no Labhook database"},
	} {
		if _, said, code := run(tt.stdin, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(said, tt.says) {
			t.Errorf("user %s: exit code %d, %s, want %d: …%s…", tt.args, code, said, tt.code, tt.says)
		}
	}
	if signIn(t, p.base, "ben", password) != nil {
		t.Error("a disabled user can sign in")
	}
	for _, args := range [][]string{{"enable", "ben"}, {"role", "ben", "developer"}} {
		if _, said, code := run("", args...); code != 0 {
			t.Errorf("%q: exit code %d, %s", args, code, said)
		}
	}
	out, _, _ := run("", "list")
	users := lines[listedUser](t, out)
	if len(users) != 2 || users[0].Login != "ben" || users[0].Role != engine.RoleDeveloper || !users[0].Enabled || users[1].Name != "Dana Ortiz" {
		t.Errorf("list: %s", out)
	}
	p.kill(t)
	checkUserAudit(t, p.data)
}

// checkUserAudit looks for the changes of TestUsers in the audit log.
func checkUserAudit(t *testing.T, data string) {
	t.Helper()
	store, err := db.Open(t.Context(), db.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	log, err := store.ListAudit(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range log {
		if strings.HasPrefix(e.Action, "user.") && strings.HasPrefix(e.Who.Name, "command line") {
			actions = append(actions, e.Action+" "+e.Object)
		}
	}
	const want = "user.role ben, user.enable ben, user.disable ben, user.password dana@example.com, user.create ben, user.create dana@example.com"
	if got := strings.Join(actions, ", "); got != want {
		t.Errorf("audit log: %s, want %s", got, want)
	}
}
