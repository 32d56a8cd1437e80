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
	"path/filepath"
	"slices"
	"time"
)

// Limits of what can be asked for.
const (
	MaxWebhooks = 10_000
	MaxFanout   = 100
	MaxHistory  = 10_000_000
	MaxSpan     = 10 * time.Minute
	maxFanout   = MaxFanout
)

// Options say what to measure.
type Options struct {
	Program  string        // file of this program
	Span     time.Duration // of one measurement
	Rounds   int           // how often the three are measured in turn
	Webhooks int
	Fanout   int    // webhooks that each event concerns
	History  int    // deliveries in the database beforehand
	Sync     string // SQLite's synchronous
	// Progress is told how much is done, from 0 to 1, and what comes next.
	Progress func(done float64, what string)
}

// Result is what was measured: medians over the rounds.
type Result struct {
	Ratio              float64 `json:"ratio"`       // events a second with one event a request, to the bare loop
	RatioBatch         float64 `json:"ratio_batch"` // the same with batches
	EventsPerSecond    float64 `json:"events_per_second"`
	BatchPerSecond     float64 `json:"batch_events_per_second"`
	DeliveriesPerEvent int     `json:"deliveries_per_event"`
	BarePerSecond      float64 `json:"bare_per_second"`
	P50                float64 `json:"p50_ms"` // from being made to being received, at half of EventsPerSecond
	P99                float64 `json:"p99_ms"`
	Latency            []Pace  `json:"latency"`
	CPUPerEvent        float64 `json:"cpu_us_per_event"` // of the server, with one event a request
	CPUPerBatchEvent   float64 `json:"cpu_us_per_batch_event"`
	IdleMB             float64 `json:"idle_rss_mb"`
	PeakMB             float64 `json:"peak_rss_mb"`
	DiskPerDelivery    float64 `json:"disk_bytes_per_delivery"`
	ReadySeconds       float64 `json:"ready_seconds"` // from the start of the server to its first answer
	Rounds             []Round `json:"rounds"`
}

// Pace is how long events take at a steady rate.
type Pace struct {
	Part            float64 `json:"part"` // of EventsPerSecond
	EventsPerSecond float64 `json:"events_per_second"`
	Quantiles
}

// Round is one measurement of each of the three.
type Round struct {
	Bare   float64 `json:"bare_per_second"`
	Single float64 `json:"events_per_second"`
	Batch  float64 `json:"batch_events_per_second"`
}

// paces are the parts of the full rate at which latency is measured.
var paces = []float64{0.25, 0.5, 0.75}

// Run measures. It needs some space in the temporary directory, which it leaves as it was.
func Run(ctx context.Context, o Options) (r Result, err error) {
	dir, err := os.MkdirTemp("", "labhook-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newStage(ctx, o, filepath.Join(dir, "data"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.measure(ctx)
}

// measure makes all measurements in turn.
func (s *stage) measure(ctx context.Context) (Result, error) {
	r := Result{DeliveriesPerEvent: s.Fanout, ReadySeconds: s.server.readyAfter.Seconds(), IdleMB: residentMB(s.server.pid(), "VmRSS")}
	steps := 3*s.Rounds + len(paces) + 1
	step := 0
	next := func(what string) {
		s.Progress(float64(step)/float64(steps), what)
		step++
	}
	next("warming up")
	if _, err := s.run(ctx, single, s.Span/4, 0); err != nil {
		return r, err
	}
	var singleCPU, batchCPU []float64
	for i := range s.Rounds {
		var round Round
		for _, m := range []struct {
			kind string
			into *float64
			cpu  *[]float64
		}{{bare, &round.Bare, nil}, {single, &round.Single, &singleCPU}, {batch, &round.Batch, &batchCPU}} {
			next(fmt.Sprintf("%s, round %d of %d", kindWords[m.kind], i+1, s.Rounds))
			got, err := s.run(ctx, m.kind, s.Span, 0)
			if err != nil {
				return r, err
			}
			*m.into = got.perSecond
			if m.cpu != nil {
				*m.cpu = append(*m.cpu, got.cpuPerEvent)
			}
		}
		r.Rounds = append(r.Rounds, round)
	}
	r.EventsPerSecond = medianOf(r.Rounds, func(x Round) float64 { return x.Single })
	r.BatchPerSecond = medianOf(r.Rounds, func(x Round) float64 { return x.Batch })
	r.BarePerSecond = medianOf(r.Rounds, func(x Round) float64 { return x.Bare })
	r.Ratio = medianOf(r.Rounds, func(x Round) float64 { return x.Single / x.Bare })
	r.RatioBatch = medianOf(r.Rounds, func(x Round) float64 { return x.Batch / x.Bare })
	r.CPUPerEvent, r.CPUPerBatchEvent = median(singleCPU), median(batchCPU)
	r.PeakMB = residentMB(s.server.pid(), "VmHWM")
	r.DiskPerDelivery = s.diskPerDelivery()
	for _, part := range paces {
		next(fmt.Sprintf("latency at %.0f %% of the rate", 100*part))
		got, err := s.run(ctx, single, s.Span, int(part*r.EventsPerSecond))
		if err != nil {
			return r, err
		}
		r.Latency = append(r.Latency, Pace{part, got.perSecond, got.latency})
		if part == 0.5 {
			r.P50, r.P99 = got.latency.P50, got.latency.P99
		}
	}
	s.Progress(1, "done")
	return r, nil
}

// kindWords say what is measured.
var kindWords = map[string]string{
	bare: "bare loop", single: "one event a request", batch: fmt.Sprintf("batches of %d", batchSize),
}

func medianOf(rounds []Round, of func(Round) float64) float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = of(r)
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
