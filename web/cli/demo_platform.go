package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"labhook/engine"
)

// labPaths are ways of lab instances through their life cycle, and last one of a learner through a course. Together they
// contain every event type of Studio.
var labPaths = [][]string{
	{ // an exam
		engine.LabAssignmentCreated, engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable,
		engine.LabScoring, engine.LabScored, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // saved over night
		engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable, engine.LabSaving, engine.LabSaved,
		engine.LabResuming, engine.LabResumed, engine.LabScoring, engine.LabScored, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // launched and resumed from deferred launch pages
		engine.LabDeferredLaunchNew, engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable, engine.LabSaving,
		engine.LabSaved, engine.LabDeferredResume, engine.LabResuming, engine.LabResumed, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // the content was changed
		engine.LabProfileChanged, engine.LabAssignmentCreated,
	},
	{ // opened a second time
		engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable, engine.LabDeferredLaunchExisting,
		engine.LabScoring, engine.LabScored, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // built and saved ahead of time
		engine.LabPreBuild, engine.LabPostBuild, engine.LabSaving, engine.LabSaved, engine.LabSavedPreinstanceAssigned,
		engine.LabResuming, engine.LabResumed, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // built ahead of time and kept running
		engine.LabPreBuild, engine.LabPostBuild, engine.LabRunningPreinstanceAssigned, engine.LabFirstDisplayable,
		engine.LabTearingDown, engine.LabTornDown,
	},
	{ // handed over
		engine.LabPreBuild, engine.LabPostBuild, engine.LabFirstDisplayable, engine.LabTransferToUser,
		engine.LabScoring, engine.LabScored, engine.LabTearingDown, engine.LabTornDown,
	},
	{ // on the training platform
		engine.SkilljarDomainEnrollment, engine.SkilljarCourseEnrollment, engine.SkilljarLessonCompletion,
		engine.SkilljarQuizCompletion, engine.SkilljarCourseCompletion,
	},
}

// demoSender returns the API consumer that events of that type are for.
func demoSender(eventType string) string {
	if kind, _ := engine.BuiltIn.Find(eventType); kind.Group == engine.GroupTraining {
		return demoAcademy
	}
	return demoConsumer
}

// pathSteps returns how many events one round of all paths has, and the longest path.
func pathSteps() (all, longest int) {
	for _, path := range labPaths {
		all += len(path)
		longest = max(longest, len(path))
	}
	return all, longest
}

// labPlatform plays a lab platform: several lab instances at once, each on one of the paths.
type labPlatform struct {
	client *client
	labs   int           // at once
	pace   time.Duration // the longest pause between two events of one lab
	end    time.Time     // no event after it once each path was walked; zero: never
	firstN int64         // lab instances are numbered from here on

	next     atomic.Int64 // the next path
	mu       sync.Mutex   // guards what follows
	accepted []postedEvent
	counts   map[string]int // accepted events by type
	failures []string       // posts that were not accepted
}

// postedEvent is an event that the server accepted.
type postedEvent struct{ id, eventType string }

// errDone ends a lab whose time is over.
var errDone = errors.New("the time is over")

// run walks labs until ctx ends or the time is over.
func (p *labPlatform) run(ctx context.Context) {
	var labs sync.WaitGroup
	for range p.labs {
		labs.Go(func() {
			for {
				n := p.next.Add(1) - 1
				if p.over(n) || p.walk(ctx, n) != nil {
					return
				}
			}
		})
	}
	labs.Wait()
}

// over reports whether the time is over for lab n. The first round is always finished, so that every event type occurs.
func (p *labPlatform) over(n int64) bool {
	return n >= int64(len(labPaths)) && !p.end.IsZero() && time.Now().After(p.end)
}

// walk takes one lab instance along its path.
func (p *labPlatform) walk(ctx context.Context, n int64) error {
	lab := newDemoLab(p.firstN + n)
	for step, eventType := range labPaths[n%int64(len(labPaths))] {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration((0.5 + 0.5*rand.Float64()) * float64(p.pace))):
		}
		if p.over(n) {
			return errDone
		}
		event := eventPost{
			ID:   fmt.Sprintf("%d-%02d-%s", lab.id, step+1, strings.TrimPrefix(eventType, "lab.")),
			Type: eventType, Consumer: demoSender(eventType), Data: lab.happen(eventType, time.Now()),
		}
		if err := p.post(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

// post sends an event until it is accepted or refused. A platform that heard no answer posts again; the event's id
// keeps the server from taking it twice.
func (p *labPlatform) post(ctx context.Context, event eventPost) error {
	const tries = 3
	var err error
	for try := 1; try <= tries; try++ {
		if _, err = p.client.do(ctx, http.MethodPost, "/api/v1/events", event, nil); err == nil {
			p.note(event)
			return nil
		}
		if refused, ok := errors.AsType[*problem](err); ok && refused.Status < http.StatusInternalServerError {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = append(p.failures, fmt.Sprintf("event %s was not accepted: %s", event.ID, err))
	return err
}

func (p *labPlatform) note(event eventPost) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts == nil {
		p.counts = map[string]int{}
	}
	p.counts[event.Type]++
	if !p.end.IsZero() { // a demo without an end keeps no list that grows without end
		p.accepted = append(p.accepted, postedEvent{event.ID, event.Type})
	}
}
