package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// shell runs the command webhooks against a server of its own.
type shell struct {
	server   *server
	key      string
	consumer engine.APIConsumer
	terminal bool
	stdin    string
	stderr   io.Writer // nil: the output of the test
}

func startShell(t *testing.T) *shell {
	t.Helper()
	s, err := startServer(t.Context(), serverConfig{
		data: t.TempDir(), listen: "127.0.0.1:0", grace: DefaultGrace, log: slog.New(slog.DiscardHandler), version: "test",
		egress: egress.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	sh := &shell{server: s}
	if sh.key, err = demoKey(t.Context(), s.store, "test", engine.ScopeManage); err != nil {
		t.Fatal(err)
	}
	sh.consumer, err = s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Contoso", ExternalID: "contoso", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return sh
}

func (sh *shell) webhook(t *testing.T, name, url string, changes ...func(*engine.Webhook)) string {
	t.Helper()
	w := engine.NewWebhook(sh.consumer.ID)
	w.Name, w.URL, w.Events = name, url, []string{engine.LabScored}
	for _, change := range changes {
		change(&w)
	}
	w, err := sh.server.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	return w.ID.String()
}

// run returns what a command below webhooks prints, and its exit code.
func (sh *shell) run(t *testing.T, args ...string) (stdout string, code int, err error) {
	t.Helper()
	return sh.labhook(t, append([]string{"webhooks"}, args...)...)
}

// labhook returns what a command prints, and the exit code that its error leads to.
func (sh *shell) labhook(t *testing.T, args ...string) (stdout string, code int, err error) {
	t.Helper()
	var out bytes.Buffer
	stderr := io.Writer(t.Output())
	if sh.stderr != nil {
		stderr = sh.stderr
	}
	env := Env{
		Getenv: func(name string) string {
			return map[string]string{"LABHOOK_URL": sh.server.base, "LABHOOK_KEY": sh.key}[name]
		},
		Stdin: strings.NewReader(sh.stdin), Stdout: &out, Stderr: stderr, Terminal: sh.terminal, Version: "test",
	}
	err = Run(t.Context(), env, args)
	return out.String(), ExitCode(err), err
}

// lines reads the JSON objects that a list prints, one a line.
func lines[T any](t *testing.T, out string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(out) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

func TestWebhooksList(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	scores := sh.webhook(t, "Scores", "https://hooks.example.com/a")
	all := sh.webhook(t, "All", "https://hooks.example.com/b", func(w *engine.Webhook) { w.Events, w.Enabled, w.Verb = []string{"*"}, false, "PUT" })
	many := sh.webhook(t, "Saves", "https://hooks.example.com/c", func(w *engine.Webhook) {
		w.Events = []string{engine.LabSaved, engine.LabScored, engine.LabPreBuild}
	})

	out, code, err := sh.run(t, "list")
	hooks := lines[struct{ ID, Name string }](t, out)
	if code != 0 || len(hooks) != 3 || hooks[0].ID != scores || hooks[2].Name != "Saves" {
		t.Errorf("exit code %d, %v, JSON %s", code, err, out)
	}
	sh.terminal = true
	out, code, err = sh.run(t, "list", "--consumer", "contoso")
	rows := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(rows) != 4 || !strings.HasPrefix(rows[0], "ID ") {
		t.Fatalf("exit code %d, %v, table\n%s", code, err, out)
	}
	for i, want := range [][]string{
		{scores, "Scores", "enabled", "lab.scored", "POST https://hooks.example.com/a"},
		{all, "All", "disabled", "all", "PUT https://hooks.example.com/b"},
		{many, "Saves", "enabled", "lab.saved and 2 more", "POST https://hooks.example.com/c"},
	} {
		for _, cell := range want {
			if !strings.Contains(rows[i+1], cell) {
				t.Errorf("line %q lacks %q", rows[i+1], cell)
			}
		}
	}
	if _, code, err := sh.run(t, "list", "--consumer", "nobody"); code != 1 || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown consumer: exit code %d, %v", code, err)
	}
}

func TestWebhooksListIsWhole(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	const n = engine.MaxPageSize + 1
	for i := range n {
		sh.webhook(t, strings.Repeat("x", i%90+1)+string(rune('a'+i/90)), "https://hooks.example.com/a")
	}
	out, _, err := sh.run(t, "list")
	if hooks := lines[json.RawMessage](t, out); len(hooks) != n {
		t.Errorf("%d webhooks, %v, want %d", len(hooks), err, n)
	}
}

func TestWebhooksTest(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	receiver := enginetest.NewReceiver(t, "200")
	id := sh.webhook(t, "Scores", receiver.URL+"/lab")
	file := filepath.Join(t.TempDir(), "scored.json")
	if err := os.WriteFile(file, []byte(`{"Id": 41}`), 0o600); err != nil {
		t.Fatal(err)
	}
	sh.stdin = `{"Id": 42}`
	for i, tt := range []struct {
		args []string
		want []string // in the body that arrives
	}{
		{[]string{"ping", id}, []string{`"event_type":"PING"`}},
		{[]string{"test", id}, []string{`"Id":998592321`}},
		{[]string{"test", "--event", "Lab Saved", "--data", file, id}, []string{`41`}},
		{[]string{"test", id, "--event", "lab.saved", "--data", "-"}, []string{`42`}},
		{[]string{"test", "--data", `{"Id": 43}`, id, "--json"}, []string{`43`}},
	} {
		if tt.args[0] == "test" && len(tt.args) > 2 && tt.args[2] == "Lab Saved" {
			kind, _ := engine.BuiltIn.Find(engine.LabSaved)
			tt.args[2] = kind.Label
		}
		out, code, err := sh.run(t, tt.args...)
		var result testResult
		if code != 0 || json.Unmarshal([]byte(out), &result) != nil || !result.Succeeded || result.Webhook != id || len(result.Attempts) != 1 {
			t.Fatalf("%q: exit code %d, %v, %s", tt.args, code, err, out)
		}
		for _, part := range tt.want {
			if body := string(receiver.Arrived()[i].Body); !strings.Contains(body, part) {
				t.Errorf("%q sent %s, want %s in it", tt.args, body, part)
			}
		}
	}
	sh.terminal = true
	failing := enginetest.NewReceiver(t, "503")
	id = sh.webhook(t, "Saves", failing.URL+"/lab")
	out, code, _ := sh.run(t, "test", id)
	for _, part := range []string{"Failed", "503 Service Unavailable: The receiver failed.", "Saves, " + id, "lab.scored", "POST " + failing.URL + "/lab", "first byte"} {
		if !strings.Contains(out, part) {
			t.Errorf("exit code %d, %q lacks %q", code, out, part)
		}
	}
	if code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	if n := len(receiver.Arrived()) + len(failing.Arrived()); n != 6 {
		t.Errorf("%d requests, want 6", n)
	}
}

func TestWebhooksTestOfDisabled(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	receiver := enginetest.NewReceiver(t, "200")
	id := sh.webhook(t, "Scores", receiver.URL, func(w *engine.Webhook) { w.Enabled = false })
	if _, code, err := sh.run(t, "test", id); code != 1 || !strings.Contains(err.Error(), "force: The webhook is disabled.") {
		t.Errorf("exit code %d, %v", code, err)
	}
	if _, code, err := sh.run(t, "test", id, "--force"); code != 0 {
		t.Errorf("with --force: exit code %d, %v", code, err)
	}
}

func TestWebhooksMistakes(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"", 2, "say what to do"},
		{"pong", 2, `there is no command "webhooks pong"; did you mean "webhooks ping"?`},
		{"delete", 2, `there is no command "webhooks delete"; there is list, ping and test`},
		{"ping", 2, "name the ID: labhook webhooks ping ID"},
		{"ping a b", 2, `unexpected argument "b"`},
		{"test wh_1 --data missing.json", 2, "no such file"},
		{"test wh_1 --data {", 2, "not JSON"},
		{"test wh_1 --bogus", 2, "there is no flag --bogus"},
		{"test wh_1 --evnet x", 2, "there is no flag --evnet; did you mean --event?"},
		{"ping wh_01jc9xw2m4t7k", 7, "404"},
		{"ping ../consumers", 7, "404"},
		{"list --url 127.0.0.1:8080", 2, "no URL of a server, such as http://"},
		{"list --url ftp://127.0.0.1", 2, "no URL of a server, such as http://"},
		{"list --json=perhaps", 2, "for flag --json: it must be true or false"},
		{"list --url http://127.0.0.1:1", 6, "reach http://127.0.0.1:1"},
	} {
		if _, code, err := sh.run(t, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("webhooks %s: exit code %d, %v, want %d: …%s…", tt.args, code, err, tt.code, tt.says)
		}
	}
	for _, tt := range []struct{ args, says string }{
		{"-h", "labhook webhooks list"},
		{"list -h", "labhook webhooks list --consumer contoso"},
		{"ping -h", "labhook webhooks ping ID: "},
		{"test -h", "--event CODE"},
	} {
		if out, code, _ := sh.run(t, strings.Fields(tt.args)...); code != 0 || !strings.Contains(out, tt.says) {
			t.Errorf("webhooks %s: exit code %d, %q lacks %q", tt.args, code, out, tt.says)
		}
	}
	sh.key = ""
	if _, code, err := sh.run(t, "list"); code != 2 || !strings.Contains(err.Error(), "LABHOOK_KEY") {
		t.Errorf("without a key: exit code %d, %v", code, err)
	}
}

// TestKilledDuringTest kills the program, and stops it, while a test waits for its receiver.
func TestKilledDuringTest(t *testing.T) {
	t.Parallel()
	p := serve(t, build(t))
	p.addConsumer(t, "contoso")
	receiver := enginetest.NewReceiver(t, "hang")
	w := p.addWebhook(t, fields{"consumer": "contoso", "name": "Slow", "events": []string{"lab.scored"}, "url": receiver.URL, "timeout": 300})
	for n, end := range []func(){
		func() { p.kill(t) },
		func() {
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil || p.end() != 0 {
				t.Errorf("stop: %v", err)
			}
		},
	} {
		asked := make(chan error, 1)
		go func(c client) {
			_, err := c.do(t.Context(), http.MethodPost, "/api/v1/webhooks/"+w.ID+"/test", nil, nil)
			asked <- err
		}(*p.client)
		receiver.Wait(t, n+1)
		end()
		if err := <-asked; err == nil {
			t.Error("the test was answered")
		}
		p.start(t)
		var list struct {
			Data []struct{ State, Reason string }
		}
		p.must(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries", nil, &list)
		if len(list.Data) != n+1 || list.Data[0].State != "cancelled" || !strings.HasPrefix(list.Data[0].Reason, "The server stopped during the test") {
			t.Errorf("after the restart there is %+v", list.Data)
		}
	}
	if n := len(receiver.Arrived()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}
