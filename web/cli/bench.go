package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"labhook/web/cli/bench"
)

// Bench measures what this host can do.
func Bench(ctx context.Context, env Env, args []string) error {
	// The other processes of a measurement are this command, too.
	switch {
	case len(args) == 1 && args[0] == "receiver":
		return bench.Receive(env.Stdin, env.Stdout)
	case len(args) == 1 && args[0] == "load":
		return bench.Load(ctx, env.Stdin, env.Stdout)
	case len(args) > 1 && args[0] == "serve":
		return serveProfiled(ctx, env, args[1], args[2:])
	}
	o, asJSON, err := benchOptions(env, args)
	if err != nil {
		return err
	}
	bar := newProgressBar(env)
	o.Progress = bar.show
	result, err := bench.Run(ctx, o)
	bar.clear()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if asJSON {
		out := json.NewEncoder(env.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(result)
	}
	return printBench(env.Stdout, result)
}

// serveProfiled runs the server and writes a CPU profile of it into a file.
func serveProfiled(ctx context.Context, env Env, file string, args []string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return Serve(ctx, env, args)
}

func benchOptions(env Env, args []string) (o bench.Options, asJSON bool, err error) {
	f := newFlags(env, "bench", "measure what this host can do, in a temporary directory and on loopback alone")
	seconds := f.Int("seconds", 10, "`SECONDS` that each measurement takes; there are twelve with three rounds")
	f.IntVar(&o.Rounds, "rounds", 3, "`NUMBER` of rounds, whose medians count")
	f.IntVar(&o.Webhooks, "webhooks", 1, "`NUMBER` of webhooks, ten to an API consumer; with more than --fanout, the rate with just those is measured beside")
	f.IntVar(&o.Fanout, "fanout", 1, "`NUMBER` of webhooks that each event goes to")
	f.IntVar(&o.History, "history", 0, "`NUMBER` of past deliveries to load into a second database, whose rate is measured beside")
	f.IntVar(&o.Waiting, "waiting", 0, "`NUMBER` of deliveries to load that wait for a dead receiver: the start with them, and its memory")
	f.IntVar(&o.Due, "due", 0, fmt.Sprintf("`NUMBER` of deliveries that fall due in one second; also how late they are at %d a second", bench.LatenessRate))
	f.StringVar(&o.Profile, "profile", "", "`FILE` for a CPU profile of the server with one event a request, for go tool pprof")
	f.StringVar(&o.Sync, "sync", "full", "`MODE` of the database: full survives a loss of power, normal may lose the last moments, off more")
	f.BoolVar(&asJSON, "json", false, jsonUsage)
	f.example, f.details = "labhook bench --seconds 2 --rounds 1", benchDetails
	f.choices["sync"] = syncModes
	if err := f.parse(args); err != nil {
		return o, false, err
	}
	o.Span = time.Duration(*seconds) * time.Second
	for _, check := range []struct {
		name            string
		value, from, to int
	}{
		{"seconds", *seconds, 1, int(bench.MaxSpan / time.Second)},
		{"rounds", o.Rounds, 1, 100},
		{"webhooks", o.Webhooks, 1, bench.MaxWebhooks},
		{"fanout", o.Fanout, 1, min(bench.MaxFanout, o.Webhooks)},
		{"history", o.History, 0, bench.MaxHistory},
		{"waiting", o.Waiting, 0, bench.MaxWaiting},
		{"due", o.Due, 0, bench.MaxDue},
	} {
		if check.value < check.from || check.value > check.to {
			return o, false, f.problem("--%s must be a whole number from %d to %d", check.name, check.from, check.to)
		}
	}
	if err := checkSync(o.Sync); err != nil {
		return o, false, f.problem("--sync: %s", err)
	}
	if err := checkWritable(o.Profile); err != nil {
		return o, false, f.problem("--profile: %s", err)
	}
	o.Program, err = os.Executable()
	if err != nil {
		return o, false, fmt.Errorf("find this program: %w", err)
	}
	return o, asJSON || !env.Terminal, nil
}

// checkWritable returns an error when a file, unless its name is empty, cannot be made.
func checkWritable(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// syncModes are SQLite's modes of synchronous that the server can run with.
var syncModes = []string{"full", "normal", "off"}

// checkSync returns an error unless it is a mode of SQLite's synchronous that the server can run with.
func checkSync(mode string) error {
	if slices.Contains(syncModes, strings.ToLower(mode)) {
		return nil
	}
	return errors.New("choose one of full, normal and off")
}
