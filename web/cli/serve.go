package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/web"
	"labhook/web/keyrate"
)

// Defaults of serve.
const (
	DefaultData   = "labhook-data"   // directory, below the one the program was started in
	DefaultListen = "127.0.0.1:8080" // this host only, until someone decides otherwise
	DefaultGrace  = 10 * time.Second
	// DefaultAPIRate is how many requests a second the key of an API consumer may make.
	DefaultAPIRate = 50
)

// Serve runs the server until ctx ends.
func Serve(ctx context.Context, env Env, args []string) error {
	cfg, err := serveConfig(env, args)
	if err != nil {
		return err
	}
	// Package net/http tells the standard log what receivers do wrong: a line for each, which they can make long and many.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(cfg.log.Handler(), slog.LevelDebug).Writer())
	s, err := startServer(ctx, cfg)
	if err != nil {
		return err
	}
	err = printServing(ctx, env.Stdout, s, cfg)
	if err == nil {
		err = s.wait(ctx)
	}
	return errors.Join(err, s.stop())
}

func serveConfig(env Env, args []string) (serverConfig, error) {
	cfg := serverConfig{version: env.Version}
	f := newFlags(env, "serve", "the webhook server, its API and its screens")
	f.StringVar(&cfg.data, "data", DefaultData, "`DIR` of the database and its sealing key; made when it is not there")
	f.StringVar(&cfg.listen, "listen", DefaultListen, "`ADDRESS` and port to listen on; :8080 is every interface")
	f.StringVar(&cfg.publicURL, "public-url", "", "`URL` under which people reach the server, when a proxy stands before it")
	f.Var((*networks)(&cfg.proxies), "trusted-proxies", "`NETWORKS` of proxies whose X-Forwarded-For is believed; with --public-url this host is one")
	f.DurationVar(&cfg.grace, "grace", DefaultGrace, "`TIME` that a stop gives to requests that are being sent")
	f.IntVar(&cfg.apiRate, "api-rate-limit", DefaultAPIRate, "`NUMBER` of requests a second that the key of an API consumer may make, four times as many at once; 0 is no limit, platform keys have none")
	format := f.String("log-format", "text", "`FORM` of the log on standard error: text or json")
	level := f.String("log-level", "info", "`LEVEL` of the log: debug, info, warn or error")
	f.StringVar(&cfg.sync, "sync", "full", "`MODE` of the database: full survives a loss of power, normal may lose the last moments, off more")
	f.StringVar(&cfg.backup.dir, "backup-dir", "", "`DIR` for a backup now and then, best on another disk; it opens all secrets, keep it as safe as the data")
	f.DurationVar(&cfg.backup.every, "backup-every", DefaultBackupEvery, "`TIME` between two backups, with --backup-dir")
	f.IntVar(&cfg.backup.keep, "backup-keep", DefaultBackupKeep, "`NUMBER` of backups that are kept, with --backup-dir")
	f.fromEnv = []string{"backup-dir", "backup-every", "backup-keep", "data", "listen", "public-url", "trusted-proxies", "grace", "api-rate-limit", "log-format", "log-level", "sync"}
	f.example = "labhook serve --data /var/lib/labhook --public-url https://hooks.example.com"
	f.choices["log-format"], f.choices["log-level"], f.choices["sync"] = []string{"text", "json"}, []string{"debug", "info", "warn", "error"}, syncModes
	finishEgress := addEgressFlags(f, &cfg.egress)
	if err := f.parse(args); err != nil {
		return cfg, err
	}
	if err := finishEgress(); err != nil {
		return cfg, err
	}
	var problem string
	if cfg.publicURL, problem = engine.CheckPublicURL(cfg.publicURL); problem != "" {
		return cfg, f.problem("--public-url: %s", problem)
	}
	if problem = cfg.backup.check(); problem != "" {
		return cfg, f.problem("%s", problem)
	}
	if cfg.grace < 0 {
		return cfg, f.problem("--grace must not be negative")
	}
	if cfg.apiRate < 0 || cfg.apiRate > keyrate.Max {
		return cfg, f.problem("--api-rate-limit must be 0 to %d", keyrate.Max)
	}
	if _, _, err := net.SplitHostPort(cfg.listen); err != nil {
		return cfg, f.problem("--listen: %q is not an address and port such as 127.0.0.1:8080", cfg.listen)
	}
	if err := checkSync(cfg.sync); err != nil {
		return cfg, f.problem("--sync: %s", err)
	}
	var err error
	if cfg.log, err = newLogger(env.Stderr, *format, *level); err != nil {
		return cfg, f.problem("%s", err)
	}
	cfg.settings, cfg.given = f.settings(), f.siteGiven()
	return cfg, nil
}

// newLogger returns the log of the program.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %q is none of debug, info, warn and error", level)
	}
	options.Level = least
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	}
	return nil, fmt.Errorf("--log-format: %q is neither text nor json", format)
}

// printServing says what runs and how, and how the first user is made while there is none.
func printServing(ctx context.Context, w io.Writer, s *server, cfg serverConfig) error {
	data, err := filepath.Abs(cfg.data)
	if err != nil {
		data = cfg.data
	}
	base := cmp.Or(s.public, s.base)
	setup, needed, err := web.SetupURL(context.WithoutCancel(ctx), s.store, base)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Labhook %s\n", cfg.version)
	fmt.Fprintf(w, "  address     %s\n", s.base)
	if s.public != "" {
		fmt.Fprintf(w, "  public URL  %s\n", s.public)
	}
	fmt.Fprintf(w, "  data        %s\n", data)
	fmt.Fprintf(w, "  sends to    %s\n", sendsTo(withSite(cfg.egress, s.store.Settings())))
	fmt.Fprintf(w, "  grace       %s\n", cfg.grace)
	if needed {
		fmt.Fprintf(w, "\nThere is no user yet. Open this link once to make the first one:\n  %s\n", setup)
	}
	if exposed(cfg.listen) && !strings.HasPrefix(s.public, "https:") {
		s.log.Warn("plain http on the network", "listen", cfg.listen, "advice", "put a proxy with TLS before it and name its address with --public-url")
	}
	s.log.Info("server started", "version", cfg.version, "address", s.base, "data", data)
	return nil
}

// withSite returns the settings of the way out with what was set on the screens.
func withSite(s egress.Settings, site *engine.SiteSettings) *egress.Settings {
	for _, network := range site.Networks() {
		if !slices.Contains(s.Networks, network) {
			s.Networks = append(slices.Clip(s.Networks), network)
		}
	}
	s.RequireHTTPS = s.RequireHTTPS || site.RequireHTTPS
	return &s
}

// sendsTo says in a line where webhooks may be sent, and how. Passwords are masked.
func sendsTo(s *egress.Settings) string {
	text := "public addresses only"
	if len(s.Networks) > 0 {
		text = "public addresses and " + (*networks)(&s.Networks).String()
	}
	if len(s.Ports) > 0 {
		text += ", ports " + egress.FormatPorts(s.Ports)
	}
	if s.RequireHTTPS {
		text += ", https only"
	}
	if len(s.Sources) > 0 {
		text += ", from " + egress.FormatSources(s.Sources)
	}
	if s.Proxy != nil {
		text += ", through " + s.ProxyText()
	}
	return text
}

// exposed reports whether others than this host can connect to the address.
func exposed(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "localhost" {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err != nil || !addr.IsLoopback()
}
