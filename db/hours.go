package db

import (
	"context"
	"fmt"
	"sync"
	"time"

	"labhook/engine"
)

// hourCount is what an hour of a webhook came to.
type hourCount struct {
	webhook engine.WebhookID
	hour    time.Time
	engine.Counts
	lastStatus int
	lastClass  engine.FailureClass
	lastAt     time.Time
}

// pastHours keeps what the hours came to that are over. Little is counted in them any more, and some screens need those
// of all webhooks every few seconds: with thousands of webhooks that are tens of thousands of rows.
type pastHours struct {
	mu    sync.Mutex
	hours map[time.Time]hourCounts
	age   int // counts up with every drop
}

// hourCounts are the webhooks that had attempts in an hour, and what these came to together.
type hourCounts struct {
	webhooks []hourCount
	sum      engine.Counts
}

// countedLate is for how long after its end an hour may still be counted in, by a transaction that began before.
const countedLate = time.Minute

// hourIsOver reports whether no attempt is counted in an hour any more.
func hourIsOver(hour time.Time) bool { return time.Since(hour) > time.Hour+countedLate }

// hoursBetween is a table h of the whole hours from ?1, one of them, until ?2, all in milliseconds.
const hoursBetween = `(
		WITH RECURSIVE hours (hour) AS (SELECT ?1 UNION ALL SELECT hour + 3600000 FROM hours WHERE hour + 3600000 <= ?2)
		SELECT hour FROM hours) AS h`

const selectHour = "SELECT " + healthColumns + " FROM hourly AS r WHERE r.hour = ?"

// eachHour calls do for every hour from start, a whole one, until now, the oldest first.
func (s *Store) eachHour(ctx context.Context, start, now time.Time, do func(time.Time, hourCounts)) error {
	for hour := start.UTC(); !hour.After(now); hour = hour.Add(time.Hour) {
		counts, err := s.hourOf(ctx, hour)
		if err != nil {
			return fmt.Errorf("read counters: %w", err)
		}
		do(hour, counts)
	}
	s.past.forget(start)
	return nil
}

// hourOf returns what an hour came to.
func (s *Store) hourOf(ctx context.Context, hour time.Time) (hourCounts, error) {
	counts, age, ok := s.past.get(hour)
	if ok {
		return counts, nil
	}
	over := hourIsOver(hour) // before it is read
	var err error
	counts.webhooks, err = list(ctx, s, scanHour, selectHour, hour.UnixMilli())
	for i := range counts.webhooks {
		counts.sum.Add(counts.webhooks[i].Counts)
	}
	if err == nil && over {
		s.past.put(hour, counts, age)
	}
	return counts, err
}

func scanHour(row scanner) (h hourCount, err error) {
	return h, row.Scan(&h.webhook, at(&h.hour), &h.Delivered, &h.Failed, &h.Attempts, orZero(&h.lastStatus), &h.lastClass, at(&h.lastAt))
}

func (p *pastHours) get(hour time.Time) (counts hourCounts, age int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts, ok = p.hours[hour]
	return counts, p.age, ok
}

// put keeps an hour, unless one was dropped since age: then it may have been read before.
func (p *pastHours) put(hour time.Time, counts hourCounts, age int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.age != age {
		return
	}
	if p.hours == nil {
		p.hours = map[time.Time]hourCounts{}
	}
	p.hours[hour] = counts
}

// drop lets go of an hour, in milliseconds, whose counters changed once more: a delivery that ended in it was sent again.
func (p *pastHours) drop(hour int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hours, time.UnixMilli(hour).UTC())
	p.age++
}

// forget drops the hours before a time.
func (p *pastHours) forget(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for hour := range p.hours {
		if hour.Before(before) {
			delete(p.hours, hour)
		}
	}
}
