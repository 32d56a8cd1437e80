package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stage is the processes of a run.
type stage struct {
	Options
	dir      string
	receiver *process
	load     *process
	hook     string // URL of the receiver
	next     int64  // number of the next event
	repeated int64  // deliveries that arrived again
	within   func(part float64)

	sites          []*site
	main, one, old *site // as asked for; with Fanout webhooks only; with history
}

// start starts the receiver and the load generator.
func (s *stage) start() (err error) {
	if s.receiver, err = startProcess(s.Program, "bench", "receiver"); err != nil {
		return err
	}
	var at ready
	if err = s.receiver.out.Decode(&at); err != nil {
		return fmt.Errorf("start receiver: %w", err)
	}
	s.hook = at.URL
	s.load, err = startProcess(s.Program, "bench", "load")
	return err
}

// close ends all processes.
func (s *stage) close() error {
	var errs []error
	for _, at := range s.sites {
		errs = append(errs, at.stop())
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
	events      int64   // that were accepted
	perSecond   float64 // events that were received, a second
	cpuPerEvent float64 // microseconds of the server
	latency     Quantiles
}

// run measures one kind of load on a server, and waits until all of it has arrived.
func (s *stage) run(ctx context.Context, at *site, kind string, span time.Duration, rate int) (f figures, err error) {
	if err := ctx.Err(); err != nil {
		return f, err
	}
	j := job{Kind: kind, URL: at.server.url, Key: at.key, Span: span, Rate: rate, First: s.next, Consumers: at.consumers, Types: at.types}
	fanout := int64(s.Fanout)
	if kind == bare {
		j.URL, fanout = s.hook+"/0", 1
	}
	before := cpuSeconds(at.server.pid())
	stopWatching := at.watchLog()
	defer stopWatching()
	var sent done
	if err := s.load.ask(j, &sent); err != nil {
		return f, fmt.Errorf("make load: %w", err)
	}
	if sent.Refused > 0 {
		return f, fmt.Errorf("%d events were refused, the first one: %s", sent.Refused, sent.Problem)
	}
	// Those that were under way when the time was over have numbers, too.
	got, err := s.arrivals(sent.Events*fanout, sent.Events+connections*batchSize)
	if err != nil {
		return f, err
	}
	if kind != bare {
		at.delivered += got.Events
	}
	seconds := float64(got.Last-sent.Start) / 1e9
	return figures{
		events: sent.Events, perSecond: float64(sent.Events) / seconds, latency: got.Latency,
		cpuPerEvent: (cpuSeconds(at.server.pid()) - before) * 1e6 / float64(sent.Events),
	}, nil
}

// arrivals waits until so many deliveries have arrived, of events whose numbers are the used ones from next on.
func (s *stage) arrivals(deliveries, used int64) (got arrived, err error) {
	s.next += used
	if err := s.receiver.ask(wanted{Arrivals: deliveries, Next: s.next}, &got); err != nil {
		return got, fmt.Errorf("count arrivals: %w", err)
	}
	s.repeated += got.Again
	if got.Events != deliveries {
		return got, fmt.Errorf("%d of %d deliveries arrived", got.Events, deliveries)
	}
	return got, nil
}
