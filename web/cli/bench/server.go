package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout is how long the server may take to answer.
const startTimeout = time.Minute

// server is the server's process.
type server struct {
	cmd        *exec.Cmd
	url        string
	started    time.Time
	readyAfter time.Duration
}

// startServer starts the server and returns when it is ready. A profile, unless empty, is the file for that of the
// processor.
func startServer(ctx context.Context, o Options, dir, profile string) (*server, error) {
	args := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--allow-networks", "127.0.0.0/8", "--sync", o.Sync}
	if profile != "" {
		args = append([]string{"bench", "serve", profile}, args[1:]...)
	}
	s := &server{cmd: exec.Command(o.Program, args...)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.started = time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "address"); ok {
			s.url = strings.TrimSpace(url)
		}
	}
	go func() { // so that it never waits for somebody to read
		for lines.Scan() {
		}
	}()
	if s.url == "" {
		return nil, fmt.Errorf("start server: it ended: %w", s.cmd.Wait())
	}
	return s, s.awaitReady(ctx)
}

func (s *server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				s.readyAfter = time.Since(s.started)
				return nil
			}
		}
		if ctx.Err() != nil {
			return errors.Join(errors.New("the server does not become ready"), s.stop())
		}
	}
}

func (s *server) pid() string { return strconv.Itoa(s.cmd.Process.Pid) }

// stop ends the server in order.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}
