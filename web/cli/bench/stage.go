package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"labhook/db"
	"labhook/engine"
)

// typesPerConsumer is how many kinds of event the webhooks of one consumer listen to.
const typesPerConsumer = 10

// startTimeout is how long the server may take to answer.
const startTimeout = time.Minute

// stage is the processes of a run.
type stage struct {
	Options
	dir      string
	receiver *process
	load     *process
	server   *server
	hook     string // URL of the receiver
	key      string // API key
	next     int64  // number of the next event

	consumers []string
	types     []string
	delivered int64 // deliveries of the server so far
	emptySize int64 // bytes of the database before them
}

func newStage(ctx context.Context, o Options, dir string) (s *stage, err error) {
	s = &stage{Options: o, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.receiver, err = startProcess(o.Program, "bench", "receiver"); err != nil {
		return s, err
	}
	var at ready
	if err = s.receiver.out.Decode(&at); err != nil {
		return s, fmt.Errorf("start receiver: %w", err)
	}
	s.hook = at.URL
	if s.load, err = startProcess(o.Program, "bench", "load"); err != nil {
		return s, err
	}
	s.Progress(0, "setting up")
	if err = s.fill(ctx); err != nil {
		return s, err
	}
	s.emptySize = s.diskBytes()
	s.server, err = startServer(ctx, o, dir)
	return s, err
}

// fill makes the consumers, webhooks and key, and the history.
func (s *stage) fill(ctx context.Context) (err error) {
	store, err := db.Open(ctx, db.Options{Dir: s.dir, Log: slog.New(slog.DiscardHandler), Synchronous: "OFF"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	who := engine.Actor{Name: "bench"}
	_, secret, err := store.CreateKey(ctx, who, engine.APIKey{Description: "bench", Scope: engine.ScopeSend})
	if err != nil {
		return err
	}
	s.key = secret.Reveal()
	kinds := engine.BuiltIn.InGroup(engine.GroupLifeCycle)
	// Each event concerns Fanout webhooks: those of one consumer that listen to its type.
	used := min(typesPerConsumer, max(1, s.Webhooks/s.Fanout))
	for _, kind := range kinds[:used] {
		s.types = append(s.types, kind.Code)
	}
	for made := 0; made+s.Fanout <= s.Webhooks; {
		c, err := store.CreateConsumer(ctx, who, engine.APIConsumer{Name: fmt.Sprint("consumer ", len(s.consumers)+1), Enabled: true})
		if err != nil {
			return err
		}
		s.consumers = append(s.consumers, c.ID.String())
		for i := 0; i < used*s.Fanout; i++ {
			w := engine.NewWebhook(c.ID)
			w.Name, w.Events = fmt.Sprint("webhook ", i+1), []string{s.types[i%used]}
			w.URL = fmt.Sprint(s.hook, "/", i/used)
			if _, err := store.CreateWebhook(ctx, who, w); err != nil {
				return err
			}
			made++
		}
	}
	return nil
}

func (s *stage) close() error {
	var errs []error
	if s.server != nil {
		errs = append(errs, s.server.stop())
	}
	for _, p := range []*process{s.load, s.receiver} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(errs...)
}

// figures is what one measurement gave.
type figures struct {
	perSecond   float64 // events that were received, a second
	cpuPerEvent float64 // microseconds of the server
	latency     Quantiles
}

// run measures one kind of load, and waits until all of it has arrived.
func (s *stage) run(ctx context.Context, kind string, span time.Duration, rate int) (f figures, err error) {
	if err := ctx.Err(); err != nil {
		return f, err
	}
	j := job{Kind: kind, URL: s.server.url, Key: s.key, Span: span, Rate: rate, First: s.next, Consumers: s.consumers, Types: s.types}
	fanout := int64(s.Fanout)
	if kind == bare {
		j.URL, fanout = s.hook+"/0", 1
	}
	before := cpuSeconds(s.server.pid())
	var sent done
	if err := s.load.ask(j, &sent); err != nil {
		return f, fmt.Errorf("make load: %w", err)
	}
	if sent.Refused > 0 {
		return f, fmt.Errorf("%d events were refused, the first one: %s", sent.Refused, sent.Problem)
	}
	var got arrived
	if err := s.receiver.ask(wanted{sent.Events * fanout}, &got); err != nil {
		return f, fmt.Errorf("count arrivals: %w", err)
	}
	if got.Events != sent.Events*fanout {
		return f, fmt.Errorf("%d of %d deliveries arrived", got.Events, sent.Events*fanout)
	}
	s.next += sent.Events + connections*batchSize // those that were under way when the time was over have numbers, too
	if kind != bare {
		s.delivered += got.Events
	}
	seconds := float64(got.Last-sent.Start) / 1e9
	f.perSecond = float64(sent.Events) / seconds
	f.latency = got.Latency
	f.cpuPerEvent = (cpuSeconds(s.server.pid()) - before) * 1e6 / float64(sent.Events)
	return f, nil
}

// diskBytes is what the database takes on the disk.
func (s *stage) diskBytes() (sum int64) {
	for _, name := range []string{"labhook.db", "labhook.db-wal"} {
		if info, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// diskPerDelivery returns the bytes that each delivery took.
func (s *stage) diskPerDelivery() float64 {
	if s.delivered == 0 {
		return 0
	}
	return float64(s.diskBytes()-s.emptySize) / float64(s.delivered)
}

// server is the server's process.
type server struct {
	cmd        *exec.Cmd
	url        string
	readyAfter time.Duration
}

// startServer starts the server and returns when it is ready.
func startServer(ctx context.Context, o Options, dir string) (*server, error) {
	s := &server{cmd: exec.Command(o.Program, "serve", "--data", dir, "--listen", "127.0.0.1:0",
		"--allow-networks", "127.0.0.0/8", "--sync", o.Sync)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
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
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return nil, err
		}
		answer, err := http.DefaultClient.Do(req)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				s.readyAfter = time.Since(start)
				return s, nil
			}
		}
		if ctx.Err() != nil {
			return nil, errors.Join(errors.New("the server does not become ready"), s.stop())
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
