package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"labhook/web/cli/bench"
)

// Bench measures what this host can do.
func Bench(ctx context.Context, env Env, args []string) error {
	// The two other processes of a measurement are this command, too.
	if len(args) == 1 {
		switch args[0] {
		case "receiver":
			return bench.Receive(env.Stdin, env.Stdout)
		case "load":
			return bench.Load(ctx, env.Stdin, env.Stdout)
		}
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

func benchOptions(env Env, args []string) (o bench.Options, asJSON bool, err error) {
	f := newFlags(env, "bench", "measure what this host can do, in a temporary directory and on loopback alone")
	seconds := f.Int("seconds", 10, "`SECONDS` that each measurement takes; there are twelve")
	f.IntVar(&o.Rounds, "rounds", 3, "`NUMBER` of rounds, whose medians count")
	f.IntVar(&o.Webhooks, "webhooks", 1, "`NUMBER` of webhooks, ten to an API consumer")
	f.IntVar(&o.Fanout, "fanout", 1, "`NUMBER` of webhooks that each event goes to")
	f.IntVar(&o.History, "history", 0, "`NUMBER` of deliveries in the database beforehand")
	f.StringVar(&o.Sync, "sync", "full", "`MODE` of the database: full survives a loss of power, normal may lose the last moments, off more")
	f.BoolVar(&asJSON, "json", false, jsonUsage)
	f.example = "labhook bench --seconds 2 --rounds 1"
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
	} {
		if check.value < check.from || check.value > check.to {
			return o, false, f.problem("--%s must be a whole number from %d to %d", check.name, check.from, check.to)
		}
	}
	if err := checkSync(o.Sync); err != nil {
		return o, false, f.problem("--sync: %s", err)
	}
	o.Program, err = os.Executable()
	if err != nil {
		return o, false, fmt.Errorf("find this program: %w", err)
	}
	return o, asJSON || !env.Terminal, nil
}

// printBench prints the result for a person.
func printBench(w io.Writer, r bench.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	line("bare loop, nothing stored", "%.0f/s", r.BarePerSecond)
	line("one event a request", "%.0f events/s\t%.2f of the bare loop", r.EventsPerSecond, r.Ratio)
	line("batches of 100", "%.0f events/s\t%.2f of the bare loop", r.BatchPerSecond, r.RatioBatch)
	for _, p := range r.Latency {
		line(fmt.Sprintf("made to received at %.0f/s", p.EventsPerSecond), "p50 %.1f ms\tp99 %.1f ms", p.P50, p.P99)
	}
	line("processor of the server", "%.0f µs an event\t%.0f µs in a batch", r.CPUPerEvent, r.CPUPerBatchEvent)
	line("memory of the server", "%.0f MB idle\t%.0f MB at most", r.IdleMB, r.PeakMB)
	line("disk", "%.0f bytes a delivery", r.DiskPerDelivery)
	line("ready after the start", "%.2f s", r.ReadySeconds)
	return t.Flush()
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
