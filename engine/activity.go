package engine

import (
	"slices"
	"time"
)

// DurationGroups is into how many groups response times are counted.
const DurationGroups = 13

// DurationBounds are the upper ends of those groups. No attempt takes longer than the last one, the longest timeout.
var DurationBounds = [DurationGroups]time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute, MaxTimeout,
}

// Durations counts answers by how long they took, in the groups of DurationBounds: exact enough to see that a receiver
// became slow, and small enough to be kept for each webhook and hour.
type Durations [DurationGroups]int64

// Count adds an answer that took that long.
func (d *Durations) Count(took time.Duration) {
	i, _ := slices.BinarySearch(DurationBounds[:], took)
	d[min(i, DurationGroups-1)]++
}

// Add adds other to d.
func (d *Durations) Add(other Durations) {
	for i, n := range other {
		d[i] += n
	}
}

// Total is how many answers were counted.
func (d *Durations) Total() (n int64) {
	for _, count := range d {
		n += count
	}
	return n
}

// Quantile returns about how long the share q of the answers took at most: 0.5 is the median. Within a group it takes
// the answers to be spread evenly. Without any it is 0.
func (d *Durations) Quantile(q float64) time.Duration {
	rank := q * float64(d.Total())
	var below time.Duration
	for i, n := range d {
		if n > 0 && rank <= float64(n) {
			return below + time.Duration(rank/float64(n)*float64(DurationBounds[i]-below))
		}
		rank -= float64(n)
		below = DurationBounds[i]
	}
	return 0
}

// HourCounts is what an hour came to, of one webhook or of all.
type HourCounts struct {
	Hour time.Time
	Counts
	Durations Durations
}

// FailureCount is how often attempts failed in the same way.
type FailureCount struct {
	Class    FailureClass
	Status   int // 0: no answer came
	Attempts int64
}

// MinuteCounts is what became of the deliveries of a webhook that came in a minute.
type MinuteCounts struct {
	Minute time.Time
	Counts
	Durations Durations // of their latest answers
}

// NewestCounts is what became of the newest deliveries of a webhook.
type NewestCounts struct {
	Minutes []MinuteCounts // in their order, those in which none came left out
	// Waiting is how many have not ended, and Succeeded how many the latest attempt brought through.
	Waiting, Succeeded int64
	Failures           []FailureCount // of the latest attempts, the most frequent first
	// Since is from when on they are counted: later than was asked for where more came than are counted.
	Since time.Time
}
