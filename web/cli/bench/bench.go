// Package bench measures what this host can do: how many events a second the whole server takes in, stores, sends and
// records, beside the bare loop that sends the same requests and stores nothing. Server, receiver and load generator are
// processes of their own, on loopback, with a database in a temporary directory.
//
// Place in the flow: the command bench calls Run; Run starts this very program again, as the server and, through the
// command's hidden first argument, as Receive and Load.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Limits of what can be asked for.
const (
	MaxWebhooks = 10_000
	MaxFanout   = 100
	MaxHistory  = 10_000_000
	MaxWaiting  = 10_000_000
	MaxDue      = 1_000_000
	MaxSpan     = 10 * time.Minute
)

// Options say what to measure.
type Options struct {
	Program  string        // file of this program
	Span     time.Duration // of one measurement
	Rounds   int           // how often the rates are measured in turn
	Webhooks int           // more than Fanout: the rate with Fanout webhooks is measured beside
	Fanout   int           // webhooks that each event concerns
	History  int           // deliveries that ended before, in a database whose rate is measured beside; 0: none
	Waiting  int           // deliveries that wait in a database whose server is started; 0: none
	Due      int           // deliveries that fall due in one second; 0: how late they are is not measured
	Profile  string        // file for the CPU profile of a server; empty: none
	Sync     string        // SQLite's synchronous
	// Progress is told how much is done, from 0 to 1, and what comes next.
	Progress func(done float64, what string)
}

// Run measures. It needs some space in the temporary directory, which it leaves as it was; the error says so when there
// is too little.
func Run(ctx context.Context, o Options) (r Result, err error) {
	dir, err := os.MkdirTemp("", "labhook-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if free, known := freeBytes(dir); known {
		if err := checkRoom(os.TempDir(), o.bytes(), free); err != nil {
			return r, err
		}
	}
	s := &stage{Options: o, dir: dir}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.start(); err != nil {
		return r, err
	}
	return r, s.perform(ctx, s.script(&r))
}

// step is a part of a run.
type step struct {
	what string
	do   func(context.Context) error
}

// perform does the steps in turn and tells how far it has come.
func (s *stage) perform(ctx context.Context, steps []step) error {
	for i, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.within = func(part float64) { s.Progress((float64(i)+part)/float64(len(steps)), step.what) }
		s.within(0)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	s.Progress(1, "done")
	return nil
}

// script lists the steps of a run, which fill the result.
func (s *stage) script(r *Result) []step {
	steps := append(s.setUp(r), s.measureRates(r)...)
	if s.Waiting > 0 {
		steps = append(steps, step{fmt.Sprintf("start with %d waiting deliveries", s.Waiting), func(ctx context.Context) error {
			return s.measureWaiting(ctx, r)
		}})
	}
	if s.Due > 0 {
		steps = append(steps,
			step{fmt.Sprintf("lateness at %d due a second", LatenessRate), func(ctx context.Context) error { return s.measureLateness(ctx, r) }},
			step{fmt.Sprintf("%d due in one second", s.Due), func(ctx context.Context) error { return s.measureDrain(ctx, r) }})
	}
	if s.Profile != "" {
		steps = append(steps, step{"profile of one event a request", func(ctx context.Context) error { return s.profile(ctx, r) }})
	}
	return append(steps, step{"stop", func(context.Context) error {
		r.Repeated = s.repeated
		return nil
	}})
}
