package engine

import "time"

// RetryPolicy says how long to wait before each retry.
type RetryPolicy struct {
	// Name is the preset's name in the API and the database.
	Name string
	// Label is the preset's name on the screen.
	Label string
	// Waits are the pauses before retry 1, 2, …; the last one repeats.
	Waits []time.Duration
	// MaxRetries is the most a webhook with this policy may ask for.
	MaxRetries int
}

// StudioPolicy is the rule of Skillable Studio and Skillable TMS: at most 5 retries, after 1, 2, 3, 4 and 5 seconds.
var StudioPolicy = RetryPolicy{
	Name:       "studio",
	Label:      "Studio",
	Waits:      []time.Duration{1 * time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second},
	MaxRetries: 5,
}

// RetryPolicies lists the presets.
var RetryPolicies = []RetryPolicy{StudioPolicy}

// RetryPolicyNamed returns the preset of that name; false when there is none.
func RetryPolicyNamed(name string) (RetryPolicy, bool) {
	for _, p := range RetryPolicies {
		if p.Name == name {
			return p, true
		}
	}
	return RetryPolicy{}, false
}

// Wait returns the pause before retry n, which counts from 1.
func (p RetryPolicy) Wait(n int) time.Duration {
	if len(p.Waits) == 0 || n < 1 {
		return 0
	}
	return p.Waits[min(n, len(p.Waits))-1]
}

// Planned is when an attempt would be made, measured from the moment the delivery's turn came.
type Planned struct {
	Attempt  int           // from 1
	Earliest time.Duration // every attempt before it fails at once
	Latest   time.Duration // every attempt before it uses its whole timeout
}

// Plan returns the attempts of one delivery, and after how long it gives up at the earliest and at the
// latest: delay + (retries + 1) × timeout + the waits.
func (p RetryPolicy) Plan(delay, timeout time.Duration, retries int) (plan []Planned, earliest, latest time.Duration) {
	earliest, latest = delay, delay
	for n := 1; n <= retries+1; n++ {
		if n > 1 {
			earliest += p.Wait(n - 1)
			latest += p.Wait(n - 1)
		}
		plan = append(plan, Planned{Attempt: n, Earliest: earliest, Latest: latest})
		latest += timeout
	}
	return plan, earliest, latest
}
