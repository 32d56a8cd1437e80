package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/go-co-op/gocron/v2"
)

// How often the recurring work runs.
const (
	sweepEvery      = 30 * time.Second
	rescueEvery     = time.Minute
	checkpointEvery = time.Hour
)

// janitorStop is how long a running piece of work may take to notice that the server stops.
const janitorStop = time.Second

// upkeep is a recurring piece of work.
type upkeep struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

// janitor runs what recurs, with gocron. It never sends: deliveries are rows with a due time.
type janitor struct {
	log       *slog.Logger
	more      []upkeep
	scheduler gocron.Scheduler
}

func newJanitor(log *slog.Logger) *janitor { return &janitor{log: log} }

func (j *janitor) add(u upkeep) { j.more = append(j.more, u) }

// start runs each piece of work at its pace until ctx ends or stop is called.
func (j *janitor) start(ctx context.Context, own []upkeep) error {
	scheduler, err := gocron.NewScheduler(gocron.WithStopTimeout(janitorStop), gocron.WithLocation(time.UTC))
	if err != nil {
		return err
	}
	for _, u := range append(own, j.more...) {
		_, err := scheduler.NewJob(
			gocron.DurationJob(u.every), gocron.NewTask(func() { j.do(ctx, u) }),
			gocron.WithName(u.name), gocron.WithSingletonMode(gocron.LimitModeReschedule), gocron.WithIntervalFromCompletion(),
		)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", u.name, err)
		}
	}
	scheduler.Start()
	j.scheduler = scheduler
	return nil
}

// do runs one piece of work, and survives its panic.
func (j *janitor) do(ctx context.Context, u upkeep) {
	defer func() {
		if cause := recover(); cause != nil {
			j.log.Error("maintenance panicked", "name", u.name, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	if err := u.run(ctx); err != nil && ctx.Err() == nil {
		j.log.Error("maintenance failed", "name", u.name, "error", err)
	}
}

// stop waits for what runs; the context given to start must have ended before.
func (j *janitor) stop() {
	if err := j.scheduler.Shutdown(); err != nil {
		j.log.Warn("maintenance stopped late", "error", err)
	}
}

// maintenance is the engine's own recurring work.
func (e *Engine) maintenance() []upkeep {
	return []upkeep{
		{"due sweep", sweepEvery, e.sweep},
		{"rescue", rescueEvery, e.rescue},
		{"checkpoint", checkpointEvery, e.store.Checkpoint},
	}
}

// sweep tells the dispatcher what waits on disk. It makes up for wake-ups that were missed.
func (e *Engine) sweep(ctx context.Context) error {
	next, err := e.store.NextDue(ctx)
	if err != nil {
		return fmt.Errorf("look for due deliveries: %w", err)
	}
	for webhook, due := range next {
		e.dispatcher.announceDue(webhook, due)
	}
	return nil
}

// rescue asks the dispatcher to put back deliveries that are marked as being sent but are not.
func (e *Engine) rescue(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case e.dispatcher.rescues <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return nil
}
