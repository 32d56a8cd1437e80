package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/receiver"
	"labhook/web"
)

// Paces and times of the demo.
const (
	demoPace = 2 * time.Second // the longest pause between two events of one lab
	demoLabs = 6               // lab instances at once
	// demoTail is what the slowest delivery needs after the last event: a delay or two retries, and its answers.
	demoTail = 4 * time.Second
	// demoPatience is how much longer a demo with an end waits for deliveries before it calls them lost.
	demoPatience = 45 * time.Second
)

// demoLogin is the name of the demo's user.
const demoLogin = "admin"

// demoOptions is what a demo was asked for.
type demoOptions struct {
	seconds int
	listen  string
	labs    int
	data    string
	keep    bool // the data directory
}

// demo is a running demo.
type demo struct {
	demoOptions
	env      Env
	server   *server
	webhooks []demoWebhook
	platform *labPlatform
	arrivals *arrivals // nil: the demo has no end
}

// Demo runs the real server together with a receiver and a simulated lab platform.
func Demo(ctx context.Context, env Env, args []string) error {
	var o demoOptions
	f := newFlags(env, "demo", "the real server with a receiver and a simulated lab platform, for a look around")
	f.IntVar(&o.seconds, "seconds", 0, "`NUMBER` of seconds after which it ends by itself, with a summary; without it, Ctrl+C ends")
	f.StringVar(&o.listen, "listen", "", "`ADDRESS` and port of the server; without it "+DefaultListen+", or a free port when that is taken")
	f.IntVar(&o.labs, "labs", demoLabs, "`NUMBER` of lab instances at work at once")
	f.StringVar(&o.data, "data", "", "new `DIR` for the database, which is kept; without it a temporary one, which is removed")
	f.example = "labhook demo --seconds 20"
	if err := f.parse(args); err != nil {
		return err
	}
	switch {
	case o.seconds < 0:
		return f.problem("--seconds must not be negative")
	case o.labs < 1 || o.labs > 1000:
		return f.problem("--labs must be from 1 to 1000")
	}
	if o.data != "" {
		if _, err := os.Stat(o.data); err == nil {
			return fmt.Errorf("%s is there already; the demo wants a new directory. To look at an earlier demo: labhook serve --data %s", o.data, o.data)
		}
		o.keep = true
		return runDemo(ctx, env, o)
	}
	dir, err := os.MkdirTemp("", "labhook-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	o.data = dir
	return errors.Join(runDemo(ctx, env, o), os.RemoveAll(dir))
}

func runDemo(ctx context.Context, env Env, o demoOptions) error {
	d := &demo{demoOptions: o, env: env, webhooks: demoWebhooks()}
	routes, err := demoRoutes(d.webhooks)
	if err != nil {
		return err
	}
	options := receiver.Options{Routes: routes, Script: receiver.Always(receiver.Answer{Status: 404}), Inspect: checkSignature}
	if o.seconds > 0 {
		d.arrivals = newArrivals()
		options.OnRequest = d.arrivals.note
	}
	r := receiver.New(options)
	receiverURL, err := r.Listen("")
	if err != nil {
		return err
	}
	return errors.Join(d.runServer(ctx, receiverURL), r.Close())
}

// runServer starts the server as serve does, runs the demo in it and stops it. What the environment says about serve is
// not meant for a demo.
func (d *demo) runServer(ctx context.Context, receiverURL string) error {
	env := Env{Getenv: func(string) string { return "" }, Stderr: d.env.Stderr, Version: d.env.Version}
	cfg, err := serveConfig(env, []string{"--data", d.data, "--listen", d.address(), "--allow-networks", "127.0.0.0/8", "--log-level", "error"})
	if err != nil {
		return err
	}
	if d.server, err = startServer(ctx, cfg); err != nil {
		return err
	}
	return errors.Join(d.run(ctx, receiverURL), d.server.stop())
}

// address is the address that was asked for, the default one, or any when the default one is taken.
func (d *demo) address() string {
	if d.listen != "" {
		return d.listen
	}
	listener, err := net.Listen("tcp", DefaultListen)
	if err != nil {
		return "127.0.0.1:0"
	}
	listener.Close()
	return DefaultListen
}

func (d *demo) run(ctx context.Context, receiverURL string) error {
	if err := d.setUp(context.WithoutCancel(ctx), receiverURL); err != nil {
		return err
	}
	if d.seconds > 0 {
		return d.runTimed(ctx)
	}
	return d.runOn(ctx)
}

// setUp makes the user, the keys, the API consumer with its webhooks and the lab platform.
func (d *demo) setUp(ctx context.Context, receiverURL string) error {
	password, err := makeDemoUser(ctx, d.server.store)
	if err != nil {
		return fmt.Errorf("create the demo's user: %w", err)
	}
	manage, err := demoKey(ctx, d.server.store, "Demo set-up", engine.ScopeManage)
	if err != nil {
		return err
	}
	send, err := demoKey(ctx, d.server.store, "Simulated lab platform", engine.ScopeSend)
	if err != nil {
		return err
	}
	if err := createDemoConfig(ctx, newClient(d.server.base, manage, d.env.Version), receiverURL, d.webhooks); err != nil {
		return err
	}
	d.platform = &labPlatform{
		client: newClient(d.server.base, send, d.env.Version), labs: d.labs, pace: demoPace,
		firstN: (time.Now().Unix() - 1_700_000_000) * 10, // nine digits, as Studio's, and other ones in each demo
	}
	d.greet(d.env.Stdout, password)
	return nil
}

// runOn lets the platform work until ctx ends.
func (d *demo) runOn(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		d.platform.run(ctx)
	}()
	err := d.server.wait(ctx)
	cancel()
	<-finished
	fmt.Fprintf(d.env.Stdout, "\nStopping.\n")
	return err
}

// runTimed lets the platform work for the time that was asked for, waits for the last deliveries and judges.
func (d *demo) runTimed(ctx context.Context) error {
	start := time.Now()
	window := max(time.Second, time.Duration(d.seconds)*time.Second-demoTail)
	all, longest := pathSteps()
	d.platform.end = start.Add(window)
	// The first round of all paths fits into the time: its events over all labs, and one path that starts last.
	d.platform.pace = min(demoPace, window/time.Duration(all/d.labs+longest))
	d.platform.run(ctx)
	if ctx.Err() != nil {
		fmt.Fprintf(d.env.Stdout, "\nStopped before its time.\n")
		return nil
	}
	fmt.Fprintf(d.env.Stdout, "Posted the last event after %s; waiting for its deliveries.\n", time.Since(start).Round(100*time.Millisecond))
	if err := d.waitForDeliveries(ctx); err != nil {
		return err
	}
	result, err := d.judge(ctx)
	if err != nil {
		return err
	}
	result.print(d.env.Stdout)
	if len(result.unexpected) > 0 {
		return fmt.Errorf("%d things went otherwise than scripted", len(result.unexpected))
	}
	return nil
}

// waitForDeliveries returns when every delivery has ended, or when the patience has.
func (d *demo) waitForDeliveries(ctx context.Context) error {
	open := engine.DeliveryFilter{States: openStates()}
	patience := time.After(demoPatience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, _, err := d.server.store.CountDeliveries(ctx, open, 1)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			return nil // what is open now is reported as unexpected
		case <-tick.C:
		}
	}
}

func openStates() []engine.DeliveryState {
	var open []engine.DeliveryState
	for _, s := range engine.DeliveryStates {
		if !s.Final() {
			open = append(open, s)
		}
	}
	return open
}

func makeDemoUser(ctx context.Context, store *db.Store) (password string, err error) {
	password = strings.ToLower(rand.Text()[:16])
	hash, err := web.HashPassword(password)
	if err != nil {
		return "", err
	}
	_, err = store.CreateFirstUser(ctx, engine.User{Login: demoLogin, Name: "Demo Admin", Role: engine.RoleAdmin, Enabled: true}, hash)
	return password, err
}

func demoKey(ctx context.Context, store *db.Store, description string, scope engine.Scope) (string, error) {
	_, secret, err := store.CreateKey(ctx, hostActor(), engine.APIKey{Description: description, Scope: scope, Enabled: true})
	if err != nil {
		return "", fmt.Errorf("create API key: %w", err)
	}
	return secret.Reveal(), nil
}

// greet says where to look, and at what.
func (d *demo) greet(w io.Writer, password string) {
	kept := "removed at the end"
	if d.keep {
		kept = "kept"
	}
	fmt.Fprintf(w, `Labhook %s demo
  address     %s
  user        %s
  password    %s
  data        %s (%s)

%d simulated labs post events; %d webhooks of two API consumers take them to a receiver on this host. Look at:
  %s/deliveries    deliveries as they go out
  %s/events        events as they arrive
  "CRM (flaky)" answers 503 twice, then comes through; "Old reporting server" fails for good;
  "Results to gradebook" waits 3 seconds, and its receiver checks the signature; "Proctoring" is slow;
  "Fabrikam Academy" sends training events as Skilljar does, once to each URL.

`, d.env.Version, d.server.base, demoLogin, password, d.data, kept, d.labs, len(d.webhooks), d.server.base, d.server.base)
	if d.seconds == 0 {
		fmt.Fprintf(w, "Ctrl+C ends it.\n")
	}
}
