package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden compares a text with a file of testdata, or writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name)+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update and look at what it writes", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestHelpGolden prints the help of every command.
func TestHelpGolden(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for _, c := range words(Command{Below: Commands()}) {
		name := strings.ReplaceAll(c.path, " ", "-")
		if name == "" {
			name = "labhook"
		}
		path := strings.Fields(c.path)
		out, said, code := command(t, binary, append([]string{"help"}, path...)...)
		if code != 0 || said != "" {
			t.Errorf("help %s: exit code %d, %s", c.path, code, said)
		}
		if len(c.below) == 0 && !strings.Contains(out, "\nExample:\n  ") {
			t.Errorf("help %s has no example", c.path)
		}
		golden(t, "help/"+name, out)
		if other, _, code := command(t, binary, append(path, "--help")...); code != 0 || other != out {
			t.Errorf("%s --help: exit code %d, and another text than help", c.path, code)
		}
	}
}

// story is a server of which everything is known, and commands to run against it.
type story struct {
	*program
	dir  string
	env  []string
	read io.Reader // standard input of commands in a pipe
}

// tell makes a server with two webhooks, one of which fails, and two events.
func tell(t *testing.T) (s *story, scores, failed string) {
	t.Helper()
	s = &story{program: serve(t, build(t)), dir: t.TempDir()}
	s.env = []string{"TZ=UTC", "TERM=xterm", "LABHOOK_URL=" + s.base, "LABHOOK_KEY=" + s.key, "LABHOOK_DATA=" + s.data}
	good, bad := enginetest.NewReceiver(t, "204"), enginetest.NewReceiver(t, "503")
	s.addConsumer(t, "contoso")
	hook := fields{"consumer": "contoso", "name": "Scores", "events": []string{"lab.scored"}, "url": good.URL + "/scores", "blocking": true}
	scores = s.addWebhook(t, hook).ID
	s.addWebhook(t, fields{
		"consumer": "contoso", "name": "Grades", "events": []string{"lab.scored", "lab.saved"}, "url": bad.URL + "/grades", "blocking": true, "retries": 0,
	})
	var answer struct{ Deliveries []struct{ ID string } }
	for n := 1; n <= 2; n++ {
		s.http.Timeout = 0
		event := fields{"id": fmt.Sprintf("exam-%d", n), "type": "lab.scored", "consumer": "contoso", "subject": fmt.Sprint(n), "data": fields{"Id": n, "ExamPassed": true}}
		s.must(t, 200, "POST", "/api/v1/events?wait=60", event, &answer)
	}
	return s, scores, answer.Deliveries[1].ID
}

// pipe runs a command with its output in pipes.
func (s *story) pipe(t *testing.T, args ...string) string {
	t.Helper()
	var out, said strings.Builder
	cmd := exec.CommandContext(t.Context(), s.binary, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Stdin = s.env, s.dir, &out, &said, s.read
	_ = cmd.Run() // the exit code says it
	if strings.Contains(out.String()+said.String(), "\x1b") {
		t.Errorf("%q: escape sequences in a pipe", args)
	}
	return fmt.Sprintf("$ labhook %s | …\n%s--- standard error\n%s--- exit code %d\n", strings.Join(args, " "), out.String(), said.String(), cmd.ProcessState.ExitCode())
}

// terminal runs a command on a terminal of 160 columns.
func (s *story) terminal(t *testing.T, args ...string) string {
	t.Helper()
	out, code := s.onTerminal(t, nil, args...)
	return fmt.Sprintf("$ labhook %s\n%s--- exit code %d\n", strings.Join(args, " "), out, code)
}

// onTerminal runs a command on a terminal and types answers, each when the text before it has come.
func (s *story) onTerminal(t *testing.T, answers [][2]string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.binary, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 160})
	if err != nil {
		t.Skipf("there is no terminal to be had: %v", err)
	}
	defer master.Close()
	var seen strings.Builder
	part := make([]byte, 4096)
	for {
		n, err := master.Read(part)
		seen.Write(part[:n])
		if len(answers) > 0 && strings.Contains(seen.String(), answers[0][0]) {
			if _, err := io.WriteString(master, answers[0][1]); err != nil {
				t.Fatal(err)
			}
			answers = answers[1:]
		}
		if err != nil { // Linux says EIO when the program has ended
			break
		}
	}
	_ = cmd.Wait() // the exit code says it
	return strings.ReplaceAll(seen.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// What differs from run to run, and what stands for it. The order counts.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(\r\x1b\[K\[[#.]{30}\] +\d+ %  [^\r\n]*)+`), "\r\x1b[K[BAR]"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "DATE"},
	{regexp.MustCompile(`127\.0\.0\.1:\d{2,5}`), "HOST"},
	{regexp.MustCompile(`\b(DNS|connect|TLS|request sent|first byte|body) [\d.]+ ms(, )?`), ""},
	{regexp.MustCompile(`connection used again(, )?`), ""},
	{regexp.MustCompile(`\d+\.\d ms(: )?`), "SPAN"},
	{regexp.MustCompile(`"(dns|connect|tls|sent|wait|body|total)": ?\d+`), `"$1": 0`},
	{regexp.MustCompile(`"reused": ?(true|false)`), `"reused": false`},
	{regexp.MustCompile(`v1,[A-Za-z0-9+/=]{40,}`), "SIGNATURE"},
	{regexp.MustCompile(`"1\d{9}"`), `"UNIX"`},
	{regexp.MustCompile(`("Content-Length",\s+"value": )"\d+"`), `$1"N"`},
	{regexp.MustCompile(`lhk_[A-Za-z0-9_-]+`), "KEY"},
	{regexp.MustCompile(`\d+ KiB`), "N KiB"},
	{regexp.MustCompile(`go1\S+ \w+/\w+`), "go1.x os/arch"},
	{regexp.MustCompile(`(schema|up to date:) \d+`), "$1 N"},
	{regexp.MustCompile(`Labhook/[\w.]+`), "Labhook/VERSION"},
	{regexp.MustCompile(`(\S) {2,}`), "$1  "},
	{regexp.MustCompile(`\x1b`), "␛"},
	{regexp.MustCompile(`\r`), "␍"},
}

var ids = regexp.MustCompile(`\b(evt|dlv|wh|con|key|usr)_[0-9a-z]{13}\b`)

// normal replaces what differs from run to run: ids by their number in the text.
func (s *story) normal(text string) string {
	text = strings.NewReplacer(s.data, "DATA", s.dir, "DIR").Replace(text)
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.instead)
	}
	numbers := map[string]string{}
	return ids.ReplaceAllStringFunc(text, func(id string) string {
		if numbers[id] == "" {
			kind, _, _ := strings.Cut(id, "_")
			numbers[id] = fmt.Sprintf("%s_%d", kind, len(numbers)+1)
		}
		return numbers[id]
	})
}

// TestOutputGolden runs the program on a terminal and in a pipe, and compares all that it prints.
func TestOutputGolden(t *testing.T) {
	t.Parallel()
	s, scores, failed := tell(t)
	both := func(name string, args ...string) {
		t.Helper()
		golden(t, "output/"+name, s.normal(s.terminal(t, args...)+"\n"+s.pipe(t, args...)))
	}
	both("webhooks-list", "webhooks", "list")
	both("webhooks-ping", "webhooks", "ping", scores)
	both("events-list", "events", "list", "--type", "lab.scored")
	both("events-show", "events", "show", "exam-1")
	both("deliveries-list", "deliveries", "list", "--test", "false", "--type", "lab.scored")
	both("deliveries-none", "deliveries", "list", "--status", "held")
	both("deliveries-more", "deliveries", "list", "--limit", "1", "--status", "failed")
	both("deliveries-show", "deliveries", "show", failed)
	both("deliveries-unknown", "deliveries", "show", "dlv_01jc9xw2m4t7k")
	both("deliveries-cancel", "deliveries", "cancel", failed)
	both("send", "send", "--type", "lab.resumed", "--consumer", "contoso", "--id", "run-7", "--data", `{"Id": 7}`)
	both("key-create", "key", "create", "--description", "golden")
	both("version", "version")
	both("unknown-command", "delivery", "list")
	both("unknown-flag", "deliveries", "list", "--sttus", "failed")
	both("no-server", "events", "list", "--url", "http://127.0.0.1:1")

	s.read = strings.NewReader("correct horse battery\n")
	golden(t, "output/user-add", s.normal(s.pipe(t, "user", "add", "dana", "--role", "admin", "--password-file", "-")))
	s.read = nil
	both("user-list", "user", "list")
	golden(t, "output/backup", s.normal(s.terminal(t, "backup", "one.tar")+"\n"+s.pipe(t, "backup", "two.tar")))
	golden(t, "output/restore", s.normal(s.terminal(t, "restore", "--data", "one", "one.tar")+"\n"+s.pipe(t, "restore", "--data", "two", "two.tar")))
	both("migrate-check", "migrate", "--check")
	both("migrate-served", "migrate")

	s.env = append(s.env, "NO_COLOR=1")
	golden(t, "output/no-color", s.normal(s.terminal(t, "deliveries", "list", "--status", "failed")+"\n"+s.terminal(t, "backup", "three.tar")))
}

// TestPasswordPrompt types passwords on a terminal, which must not show them.
func TestPasswordPrompt(t *testing.T) {
	t.Parallel()
	s := &story{program: serve(t, build(t)), dir: t.TempDir()}
	s.env = []string{"LABHOOK_DATA=" + s.data}
	const password, asked, again = "correct horse battery", "Password of dana: ", "The same again: "
	for _, tt := range []struct {
		name    string
		answers [][2]string
		code    int
		says    string
	}{
		{"two that differ", [][2]string{{asked, password + "\r"}, {again, "something else\r"}}, 1, "the two passwords differ; nothing was changed"},
		{"too short", [][2]string{{asked, "short\r"}, {again, "short\r"}}, 2, "Enter a password of 12"},
		{"interrupted", [][2]string{{asked, "\x03"}}, 1, "interrupted; nothing was changed"},
		{"right", [][2]string{{asked, password + "\r"}, {again, password + "\r"}}, 0, "User dana, role viewer."},
	} {
		out, code := s.onTerminal(t, tt.answers, "user", "add", "dana")
		if code != tt.code || !strings.Contains(out, tt.says) || strings.Contains(out, password) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", tt.name, code, tt.code, tt.says, out)
		}
	}
	if signIn(t, s.base, "dana", password) == nil {
		t.Error("the password does not sign in")
	}
}

// TestSendProgress posts several events with the answers in a file, where a bar on the terminal shows how far it is.
func TestSendProgress(t *testing.T) {
	t.Parallel()
	s := &story{program: serve(t, build(t)), dir: t.TempDir()}
	s.env = []string{"LABHOOK_URL=" + s.base, "LABHOOK_KEY=" + s.key, "TERM=xterm"}
	out, err := os.Create(filepath.Join(s.dir, "answers"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for term, bar := range map[string]bool{"xterm": true, "dumb": false} {
		master, slave, err := pty.Open()
		if err != nil {
			t.Skipf("there is no terminal to be had: %v", err)
		}
		cmd := exec.CommandContext(t.Context(), s.binary, "send", "--type", engine.LabScored, "--count", "3")
		cmd.Env, cmd.Stdout, cmd.Stderr = append(s.env, "TERM="+term), out, slave
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		said, _ := io.ReadAll(master) // Linux says EIO at the end
		master.Close()
		if got := strings.Contains(string(said), "100 %  3 of 3 events posted"); got != bar {
			t.Errorf("TERM=%s: bar shown: %t, said %q", term, got, said)
		}
	}
	text, err := os.ReadFile(out.Name())
	if err != nil || strings.Count(string(text), "\n") != 6 || strings.Contains(string(text), "\x1b") {
		t.Errorf("%v, answers\n%s", err, text)
	}
}
