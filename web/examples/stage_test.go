package examples

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web"
)

// patience bounds every wait for something that must happen; nothing is asserted about how long it takes.
const patience = time.Minute

// language is what an example is written in.
type language struct {
	name string // in the README
	file string
	tag  string // of its code blocks
	// command returns the command that runs the example; the test is skipped where the language is missing.
	command func(t *testing.T, file string) []string
}

var languages = []language{
	{"shell", "shell.sh", "sh", func(t *testing.T, file string) []string {
		needs(t, "curl", "")
		needs(t, "openssl", "")
		return []string{"sh", file}
	}},
	{"Go", "main.go", "go", func(t *testing.T, file string) []string {
		program := filepath.Join(t.TempDir(), "example")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return []string{program}
	}},
	{"Python", "main.py", "python", func(t *testing.T, file string) []string { return []string{needs(t, "python3", ""), file} }},
	{"JavaScript", "main.mjs", "js", func(t *testing.T, file string) []string {
		return []string{needs(t, "node", "LABHOOK_NODE"), file}
	}},
	{"C#", "Program.cs", "csharp", nil}, // TestCSharp
}

// needs returns the path of a program. Without it the test is skipped, or fails where a variable says that it is required.
func needs(t *testing.T, program, variable string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case variable != "" && os.Getenv(variable) == "required":
		t.Fatalf("%s=required, but %s is missing", variable, program)
	}
	t.Skip("needs " + program)
	return ""
}

// inEach runs a test for the example of a task in each language.
func inEach(t *testing.T, task string, run func(t *testing.T, command []string)) {
	t.Helper()
	for _, l := range languages {
		if l.command == nil {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			run(t, l.command(t, filepath.Join("testdata", task, l.file)))
		})
	}
}

// stage is a server with an API consumer and a key.
type stage struct {
	store    *db.Store
	engine   *engine.Engine
	http     *httptest.Server
	key      string
	consumer engine.APIConsumer

	posts atomic.Int64 // of events, whatever was answered
}

// setup starts the server. before sees each post of an event, counted from 1, and answers it in the server's place by
// returning false.
func setup(t *testing.T, before func(w http.ResponseWriter, r *http.Request, n int64) bool) *stage {
	t.Helper()
	s := &stage{store: dbtest.Open(t)}
	log := slog.New(slog.DiscardHandler)
	s.engine = engine.New(engine.Config{Guard: enginetest.Guard(), Log: log}, s.store)
	server, err := web.New(t.Context(), web.Config{Store: s.store, Engine: s.engine, Guard: enginetest.Guard(), Log: log, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler := server.Handler()
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before(w, r, s.posts.Add(1)) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
		if err := s.engine.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	s.consumer, err = s.store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "Contoso", ExternalID: "contoso", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := s.store.CreateKey(t.Context(), engine.System, engine.APIKey{Description: "example", Scope: engine.ScopeSend})
	if err != nil {
		t.Fatal(err)
	}
	s.key = key.Reveal()
	return s
}

// webhook makes a webhook that listens to an event.
func (s *stage) webhook(t *testing.T, event, url string, change func(*engine.Webhook)) engine.Webhook {
	t.Helper()
	w := engine.NewWebhook(s.consumer.ID)
	w.Name, w.Events, w.URL = "Example", []string{event}, url
	change(&w)
	made, err := s.store.CreateWebhook(t.Context(), engine.System, w)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// run runs an example against the server, and returns what it prints and its exit code.
func (s *stage) run(t *testing.T, command []string) (stdout string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LABHOOK_URL="+s.http.URL, "LABHOOK_KEY="+s.key, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if problems.Len() > 0 {
		t.Logf("%s", problems.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// serveExample starts an example that is a receiver, and returns its address once it takes connections.
func serveExample(t *testing.T, command []string, secret engine.Secret) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil { // the example takes the port instead
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "PORT="+address[strings.LastIndex(address, ":")+1:], "LABHOOK_SECRET="+secret.Reveal())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	stuck := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return "http://" + address
		}
		select {
		case <-tick.C:
		case <-stuck:
			t.Fatal("the example does not listen")
		}
	}
}
