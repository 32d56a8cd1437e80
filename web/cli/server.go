package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/web"
)

// Limits of the connections to the server.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = time.Minute // a whole request; the largest body is a few hundred kilobytes
	// There is no limit for writing an answer: a sender may wait for one as long as engine.MaxWait.
	idleTimeout      = 2 * time.Minute
	maxRequestHeader = 64 << 10 // bytes
	// closeTimeout is how long a stop waits for requests that are being answered or still arriving.
	closeTimeout = 2 * time.Second
)

// serverConfig is what a server is made from.
type serverConfig struct {
	data      string         // directory
	sync      string         // SQLite's synchronous; empty: full
	listen    string         // address and port
	publicURL string         // without a slash at the end; empty: taken from each request
	proxies   []netip.Prefix // whose X-Forwarded-For is believed
	egress    egress.Settings
	grace     time.Duration
	apiRate   int // requests a second of an API consumer's key; 0: no limit
	log       *slog.Logger
	version   string
	settings  []web.Setting // to be shown
	given     map[string]engine.GivenSetting
	backup    backupPlan
}

// server is the whole program put together and running.
type server struct {
	store  *db.Store
	engine *engine.Engine
	web    *web.Server
	guard  *egress.Guard
	http   *http.Server
	log    *slog.Logger
	grace  time.Duration
	base   string        // URL under which this host reaches it
	public string        // URL under which people do; empty: taken from each request
	served chan struct{} // closed when Serve has returned
	err    error         // what it returned; read after served is closed
}

// addWriterThread lets Go run one more thread than there are processors: the database's writer keeps one in system calls,
// and what it would hold up meanwhile is requests. GOMAXPROCS in the environment is heeded as it is.
var addWriterThread = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + db.WriterThreads)
	}
})

// startServer takes the port, opens the data directory and starts sending and serving. When it returns without an
// error, requests are answered. The port is taken first, so that a second server that is started by mistake leaves
// nothing behind. The start, which is short, does not heed the end of ctx: a stop that comes so early is
// carried out in order after it.
func startServer(ctx context.Context, cfg serverConfig) (*server, error) {
	ctx = context.WithoutCancel(ctx)
	addWriterThread()
	spareCollections()
	s := &server{log: cfg.log, grace: cfg.grace, guard: egress.New(cfg.egress), served: make(chan struct{})}
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return nil, fmt.Errorf("%w; --listen chooses another address", err)
	}
	if s.base, err = baseOf(listener.Addr().String()); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if s.store, err = db.Open(ctx, db.Options{Dir: cfg.data, Log: cfg.log, Exclusive: true, Synchronous: cfg.sync, Given: cfg.given}); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err = s.start(ctx, cfg, listener); err != nil {
		return nil, errors.Join(err, listener.Close(), s.store.Close())
	}
	return s, nil
}

func (s *server) start(ctx context.Context, cfg serverConfig, listener net.Listener) (err error) {
	s.engine = engine.New(engine.Config{
		Guard: s.guard, Log: s.log, UserAgent: "Labhook/" + cfg.version,
		Grace: max(cfg.grace, 1), // 0 would be the default
	}, s.store)
	s.public = cmp.Or(cfg.publicURL, s.store.Settings().PublicURL)
	s.web, err = web.New(ctx, web.Config{
		Store: s.store, Engine: s.engine, Guard: s.guard, Log: s.log, Version: cfg.version,
		PublicURL: s.public, Secure: strings.HasPrefix(s.public, "https:"), TrustedProxies: cfg.proxies,
		Settings: cfg.settings, APIRateLimit: cfg.apiRate,
		Backup: web.BackupPlan{Dir: cfg.backup.dir, Every: cfg.backup.every, Keep: cfg.backup.keep},
	})
	if err != nil {
		return err
	}
	if cfg.backup.dir != "" {
		job := &backupJob{plan: cfg.backup, data: cfg.data, version: cfg.version, store: s.store, log: s.log}
		s.engine.AddMaintenance("backup", backupLook, job.run)
	}
	if err = s.engine.Start(ctx); err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: s.web.Handler(), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxRequestHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.served)
		s.err = s.http.Serve(listener)
	}()
	return nil
}

// wait returns when ctx ends, or with the error that ended the serving.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.served:
		return fmt.Errorf("serve: %w", s.err)
	}
}

// stop ends serving and sending together, so that it takes hardly longer than the grace period: from now on events are
// refused and nothing more is sent, what runs gets its time, and then the database is closed. Nothing that was accepted
// is lost; what was not sent is sent after the next start.
func (s *server) stop() error {
	s.log.Info("server stopping", "grace", s.grace)
	// Senders that wait are sent away first, because the listener's stop waits for every request that is being answered.
	s.engine.StopWaiting()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.close()
	}()
	errEngine := s.engine.Stop(context.Background())
	<-closed
	errStore := s.store.Close()
	if err := errors.Join(errEngine, errStore); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	s.log.Info("server stopped")
	return nil
}

// close ends serving. Connections that take too long, such as one whose request never comes to its end, are cut off.
func (s *server) close() {
	closing, cancel := context.WithTimeout(context.Background(), min(closeTimeout, s.grace+time.Second))
	defer cancel()
	if err := s.http.Shutdown(closing); err != nil {
		s.http.Close()
	}
	<-s.served
}
