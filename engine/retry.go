package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of a custom retry policy. All are Labhook's own.
const (
	MaxWaits     = 60             // waits
	MaxRetryWait = 24 * time.Hour // one wait
	MaxRetries   = 60             // retries, as Skilljar makes
	maxRanges    = 10             // ranges of statuses that count as a success
)

// RetryPolicy says which answers are a success, how long to wait before each retry, and what else a failure does.
type RetryPolicy struct {
	// Name is the preset's name in the API and the database.
	Name string
	// Label is the preset's name on the screen.
	Label string
	// Waits are the pauses before retry 1, 2, …; the last one repeats.
	Waits []time.Duration
	// MaxRetries is the most a webhook with this policy may ask for.
	MaxRetries int
	// Retries and Timeout are what a new webhook with this policy begins with.
	Retries int
	Timeout time.Duration
	// Success are the statuses that count as delivered.
	Success []StatusRange
	On4xx   On4xx
	// GoneDeactivates: 410 deactivates the webhook, whatever On4xx says.
	GoneDeactivates bool
	OnExhausted     OnExhausted
}

// StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ From, To int }

// On4xx is what an answer from 400 to 499 does. 429 is one of them, and under On4xxRetry waits as its Retry-After says.
type On4xx string

// What a 4xx does.
const (
	On4xxRetry      On4xx = "retry"      // it is a failure like others
	On4xxGiveUp     On4xx = "give_up"    // the delivery fails for good
	On4xxDeactivate On4xx = "deactivate" // the delivery fails for good, and the webhook is deactivated
)

// OnExhausted is what happens beside the error action when the last retry has failed.
type OnExhausted string

// What exhaustion does.
const (
	OnExhaustedErrorAction OnExhausted = "error_action" // nothing else
	OnExhaustedDeactivate  OnExhausted = "deactivate"   // the webhook is deactivated
)

// success2xx is what most platforms call a success.
var success2xx = []StatusRange{{200, 299}}

// The presets. Sources of the waits: Skillable's documents (Studio and TMS), Skilljar's Using Webhooks API, Svix's and
// the Standard Webhooks documents, and the live event platform's integration details.
var (
	// StudioPolicy is the rule of Skillable Studio and Skillable TMS: at most 5 retries, after 1, 2, 3, 4 and 5 seconds.
	StudioPolicy = RetryPolicy{
		Name: "studio", Label: "Studio / TMS",
		Waits:      []time.Duration{1 * time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second},
		MaxRetries: 5, Retries: 3, Timeout: DefaultTimeout,
		Success: success2xx, On4xx: On4xxRetry, OnExhausted: OnExhaustedErrorAction,
	}
	// SkilljarPolicy doubles from 2 seconds to an hour, 60 times: 180,494 s. A 4xx deactivates the webhook at once, and so
	// does the last failure. What Skilljar does when no answer comes is not documented: Labhook takes it for a 5xx.
	SkilljarPolicy = RetryPolicy{
		Name: "skilljar", Label: "Skilljar", Waits: doubling(2*time.Second, time.Hour),
		MaxRetries: 60, Retries: 60, Timeout: DefaultTimeout,
		Success: success2xx, On4xx: On4xxDeactivate, OnExhausted: OnExhaustedDeactivate,
	}
	// StandardPolicy is the schedule of Svix, which Instruqt sends with.
	StandardPolicy = RetryPolicy{
		Name: "standard", Label: "Standard Webhooks",
		Waits: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
		},
		MaxRetries: 7, Retries: 7, Timeout: 15 * time.Second,
		Success: success2xx, On4xx: On4xxRetry, GoneDeactivates: true, OnExhausted: OnExhaustedErrorAction,
	}
	// LivePolicy is that of live event webhooks: ten retries from 20 s to an hour, 12,300 s in all, and 200 to 308 is a
	// success.
	LivePolicy = RetryPolicy{
		Name: "live", Label: "Live events", Waits: doubling(20*time.Second, time.Hour),
		MaxRetries: 10, Retries: 10, Timeout: 15 * time.Second,
		Success: []StatusRange{{200, 308}}, On4xx: On4xxRetry, OnExhausted: OnExhaustedErrorAction,
	}
	// CustomPolicy is what a custom policy begins with.
	CustomPolicy = RetryPolicy{
		Name: CustomPolicyName, Label: "Custom", Waits: []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute},
		MaxRetries: MaxRetries, Retries: 3, Timeout: DefaultTimeout,
		Success: success2xx, On4xx: On4xxRetry, GoneDeactivates: true, OnExhausted: OnExhaustedErrorAction,
	}
)

// CustomPolicyName is the name of the policy whose rules a webhook carries itself.
const CustomPolicyName = "custom"

// RetryPolicies lists the presets, and last what a custom one begins with.
var RetryPolicies = []RetryPolicy{StudioPolicy, SkilljarPolicy, StandardPolicy, LivePolicy, CustomPolicy}

// doubling returns waits that double from first up to last.
func doubling(first, last time.Duration) []time.Duration {
	var waits []time.Duration
	for wait := first; wait < last; wait *= 2 {
		waits = append(waits, wait)
	}
	return append(waits, last)
}

// RetryPolicyNamed returns the preset of that name; false when there is none.
func RetryPolicyNamed(name string) (RetryPolicy, bool) {
	for _, p := range RetryPolicies {
		if p.Name == name {
			return p, true
		}
	}
	return RetryPolicy{}, false
}

// Succeeded reports whether an answer of that status counts as delivered.
func (p *RetryPolicy) Succeeded(status int) bool {
	return slices.ContainsFunc(p.Success, func(r StatusRange) bool { return r.From <= status && status <= r.To })
}

// Wait returns the pause before retry n, which counts from 1.
func (p *RetryPolicy) Wait(n int) time.Duration {
	if len(p.Waits) == 0 || n < 1 {
		return 0
	}
	return p.Waits[min(n, len(p.Waits))-1]
}

// LongestWait is the longest pause of the policy; Retry-After counts up to it.
func (p *RetryPolicy) LongestWait() time.Duration {
	if len(p.Waits) == 0 {
		return 0
	}
	return slices.Max(p.Waits)
}

// Jitter is by which part a wait longer than JitterAbove is made shorter or longer at random, so that what failed
// together does not come back together.
const (
	Jitter      = 0.1
	JitterAbove = time.Minute
)

// Spread returns a wait with its jitter, to the millisecond; by is from -1, the shortest, to 1, the longest.
func Spread(wait time.Duration, by float64) time.Duration {
	if wait <= JitterAbove {
		return wait
	}
	return wait + time.Duration(by*Jitter*float64(wait)).Round(time.Millisecond)
}

// Planned is when an attempt would be made, measured from the moment the delivery's turn came.
type Planned struct {
	Attempt  int           // from 1
	Earliest time.Duration // every attempt before it fails at once, and jitter makes every wait its shortest
	Latest   time.Duration // every attempt before it uses its whole timeout, and jitter makes every wait its longest
}

// Plan returns the attempts of one delivery, and after how long it gives up at the earliest and at the
// latest: delay + (retries + 1) × timeout + the waits.
func (p *RetryPolicy) Plan(delay, timeout time.Duration, retries int) (plan []Planned, earliest, latest time.Duration) {
	earliest, latest = delay, delay
	for n := 1; n <= retries+1; n++ {
		if n > 1 {
			earliest += Spread(p.Wait(n-1), -1)
			latest += Spread(p.Wait(n-1), 1)
		}
		plan = append(plan, Planned{Attempt: n, Earliest: earliest, Latest: latest})
		latest += timeout
	}
	return plan, earliest, latest
}

// ParseWaits reads waits as they are typed, "10s, 1m, 5m"; a number alone counts seconds.
func ParseWaits(text string) ([]time.Duration, error) {
	var waits []time.Duration
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		wait, err := time.ParseDuration(part)
		if n, notNumber := strconv.Atoi(part); notNumber == nil && n >= 0 && n <= int(MaxRetryWait/time.Second) {
			wait, err = time.Duration(n)*time.Second, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is not a wait; write them like 10s, 1m, 5m", part)
		}
		waits = append(waits, wait)
	}
	return waits, nil
}

// FormatWaits writes waits as ParseWaits reads them.
func FormatWaits(waits []time.Duration) string {
	parts := make([]string, len(waits))
	for i, wait := range waits {
		text := wait.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		parts[i] = text
	}
	return strings.Join(parts, ", ")
}

// ParseRanges reads ranges of statuses as they are typed, "200-299, 304".
func ParseRanges(text string) ([]StatusRange, error) {
	var ranges []StatusRange
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(strings.TrimSpace(from))
		b, errB := strconv.Atoi(strings.TrimSpace(to))
		if errA != nil || errB != nil {
			return nil, fmt.Errorf("%q is not a range of statuses; write them like 200-299, 304", part)
		}
		ranges = append(ranges, StatusRange{a, b})
	}
	return ranges, nil
}

// FormatRanges writes ranges as ParseRanges reads them.
func FormatRanges(ranges []StatusRange) string {
	parts := make([]string, len(ranges))
	for i, r := range ranges {
		parts[i] = strconv.Itoa(r.From)
		if r.To != r.From {
			parts[i] += "-" + strconv.Itoa(r.To)
		}
	}
	return strings.Join(parts, ", ")
}

// validateCustom adds what is wrong with a custom policy.
func (p *RetryPolicy) validateCustom(bad *InvalidError) {
	if len(p.Waits) == 0 || len(p.Waits) > MaxWaits {
		bad.add("custom.waits", "Enter 1 to %d waits, such as 10s, 1m, 5m", MaxWaits)
	}
	for _, wait := range p.Waits {
		if wait < time.Second || wait > MaxRetryWait || wait%time.Second != 0 {
			bad.add("custom.waits", "Each wait must be whole seconds from 1s to %s, %s is not", "24h", wait)
			break
		}
	}
	if len(p.Success) == 0 || len(p.Success) > maxRanges {
		bad.add("custom.success", "Enter 1 to %d ranges of statuses, such as 200-299", maxRanges)
	}
	for _, r := range p.Success {
		if r.From < 200 || r.To > 399 || r.From > r.To {
			bad.add("custom.success", "Statuses that count as a success lie between 200 and 399, the smaller one first")
			break
		}
	}
	if !slices.Contains([]On4xx{On4xxRetry, On4xxGiveUp, On4xxDeactivate}, p.On4xx) {
		bad.add("custom.on_4xx", "What an answer from 400 to 499 does must be one of %s, %s and %s", On4xxRetry, On4xxGiveUp, On4xxDeactivate)
	}
	if !slices.Contains([]OnExhausted{OnExhaustedErrorAction, OnExhaustedDeactivate}, p.OnExhausted) {
		bad.add("custom.on_exhausted", "What happens after the last retry must be one of %s and %s", OnExhaustedErrorAction, OnExhaustedDeactivate)
	}
}
