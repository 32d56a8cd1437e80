package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"labhook/engine"
)

// startTest starts a server on a free port.
func startTest(t *testing.T) *server {
	t.Helper()
	s, err := startServer(t.Context(), serverConfig{
		data: t.TempDir(), listen: "127.0.0.1:0", grace: DefaultGrace, log: slog.New(slog.DiscardHandler), version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTakenPortLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := filepath.Join(t.TempDir(), "data")
	_, err = startServer(t.Context(), serverConfig{data: data, listen: taken.Addr().String(), log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--listen chooses another address") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data directory was made: %v", err)
	}
}

// TestStopRefusesAtOnce ends a server while an event arrives: sending has ended by the time the event is complete, so
// that its sender hears that it was not taken.
func TestStopRefusesAtOnce(t *testing.T) {
	t.Parallel()
	s := startTest(t)
	key, err := demoKey(t.Context(), s.store, "test", engine.ScopeSend)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"type": "lab.scored", "data": {"Id": 7}}`
	fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAPI-Key: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", key, len(body))
	answers := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(answers, nil); err != nil || resp.StatusCode != http.StatusContinue {
		t.Fatalf("the server does not read the body: %v, %v", resp, err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for s.engine.Running() {
		runtime.Gosched()
	}
	fmt.Fprint(conn, body)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the event is answered with %s, want 503 with Retry-After", resp.Status)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestStopCutsOffHalfRequests ends a server to which somebody sends a request that does not come to its end.
func TestStopCutsOffHalfRequests(t *testing.T) {
	t.Parallel()
	s := startTest(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answers := bufio.NewReader(conn)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	fmt.Fprint(conn, "POST /login HTTP/1.1\r\nHo")
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.ReadResponse(answers, nil); err == nil {
		t.Error("the half request was answered")
	}
}
