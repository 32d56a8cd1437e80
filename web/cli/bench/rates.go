package bench

import (
	"context"
	"fmt"
	"time"

	"labhook/db"
)

// paces are the parts of the full rate at which latency is measured.
var paces = []float64{0.25, 0.5, 0.75}

// historySpan is the time before now that the history is from.
const historySpan = 30 * 24 * time.Hour

// setUp lists the steps that start the servers whose rates are measured, and let each work for a moment.
func (s *stage) setUp(r *Result) []step {
	steps := []step{{"set up", func(ctx context.Context) (err error) {
		if s.main, err = s.open(ctx, "main", setting{webhooks: s.Webhooks}); err != nil {
			return err
		}
		r.DeliveriesPerEvent = s.Fanout
		r.ReadySeconds, r.IdleMB = s.main.server.readyAfter.Seconds(), residentMB(s.main.server.pid(), "VmRSS")
		return s.warmUp(ctx, s.main)
	}}}
	if s.Webhooks > s.Fanout {
		steps = append(steps, step{"set up one webhook", func(ctx context.Context) (err error) {
			if s.one, err = s.open(ctx, "one", setting{webhooks: s.Fanout}); err != nil {
				return err
			}
			return s.warmUp(ctx, s.one)
		}})
	}
	if s.History > 0 {
		steps = append(steps, step{fmt.Sprintf("load %d deliveries of history", s.History), func(ctx context.Context) (err error) {
			if s.old, err = s.open(ctx, "old", setting{webhooks: s.Webhooks, fill: s.fillHistory}); err != nil {
				return err
			}
			r.HistoryReadySeconds = s.old.server.readyAfter.Seconds()
			return s.warmUp(ctx, s.old)
		}})
	}
	return steps
}

func (s *stage) fillHistory(ctx context.Context, at *site) error {
	until := time.Now()
	return at.load(ctx, db.Bulk{Rows: s.History, Webhooks: at.hooks, From: until.Add(-historySpan), Until: until, First: farNumber})
}

// warmUpPart is how long a server works before it is measured, as a part of a measurement.
const warmUpPart = 0.25

func (s *stage) warmUp(ctx context.Context, at *site) error {
	_, err := s.run(ctx, at, single, time.Duration(warmUpPart*float64(s.Span)), 0)
	return err
}

// measureRates lists the steps that measure the rates in turn, and what comes of them.
func (s *stage) measureRates(r *Result) []step {
	r.Rounds = make([]Round, s.Rounds)
	var steps []step
	for i := range r.Rounds {
		round := &r.Rounds[i]
		add := func(what, kind string, at **site, rate, cpu *float64) {
			steps = append(steps, step{fmt.Sprintf("%s, round %d of %d", what, i+1, s.Rounds), func(ctx context.Context) error {
				got, err := s.run(ctx, *at, kind, s.Span, 0)
				*rate, *cpu = got.perSecond, got.cpuPerEvent
				return err
			}})
		}
		var unused float64
		add("bare loop", bare, &s.main, &round.Bare, &unused)
		add("one event a request", single, &s.main, &round.Single, &round.CPUPerEvent)
		if s.Webhooks > s.Fanout {
			add("the same with one webhook", single, &s.one, &round.OneWebhook, &unused)
		}
		if s.History > 0 {
			add("the same with history", single, &s.old, &round.History, &unused)
		}
		add(fmt.Sprintf("batches of %d", batchSize), batch, &s.main, &round.Batch, &round.CPUPerBatch)
	}
	steps = append(steps, step{"medians", func(context.Context) error {
		r.sum()
		r.PeakMB = residentMB(s.main.server.pid(), "VmHWM")
		return nil
	}})
	for _, part := range paces {
		steps = append(steps, step{fmt.Sprintf("latency at %.0f %% of the rate", 100*part), func(ctx context.Context) error {
			return s.measureLatency(ctx, part, r)
		}})
	}
	return append(steps, step{"measure the disk", func(context.Context) error { return s.measureDisk(r) }})
}

func (s *stage) measureLatency(ctx context.Context, part float64, r *Result) error {
	got, err := s.run(ctx, s.main, single, s.Span, max(1, int(part*r.EventsPerSecond)))
	if err != nil {
		return err
	}
	r.Latency = append(r.Latency, Pace{part, got.perSecond, got.latency})
	if part == 0.5 {
		r.P50, r.P99 = got.latency.P50, got.latency.P99
	}
	return nil
}

// measureDisk stops the servers, which moves all that is in the write-ahead log into the file, and looks at the main one's.
func (s *stage) measureDisk(r *Result) error {
	r.WALPeakMB = float64(s.main.walPeak.Load()) / (1 << 20)
	for _, at := range []*site{s.main, s.one, s.old} {
		if at == nil {
			continue
		}
		if err := at.stop(); err != nil {
			return err
		}
	}
	r.DiskPerDelivery = s.main.diskPerDelivery()
	return nil
}

// profile writes the profile of a server that takes in one event a request.
func (s *stage) profile(ctx context.Context, r *Result) error {
	at, err := s.open(ctx, "profiled", setting{webhooks: s.Webhooks, profile: s.Profile})
	if err != nil {
		return err
	}
	got, err := s.run(ctx, at, single, s.Span, 0)
	if err != nil {
		return err
	}
	r.ProfileEvents = got.events
	return at.stop()
}
