package web

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// When failed sign-ins lead to a delay.
const (
	freeFailures   = 5  // of one account from one address
	freeFailuresIP = 20 // of one address, whatever the accounts
	firstDelay     = 30 * time.Second
	longestDelay   = 15 * time.Minute
	// failuresKept is how long a failure counts, and maxFailures how many accounts and addresses are remembered.
	failuresKept = time.Hour
	maxFailures  = 10_000
)

// loginFailures counts failed sign-ins in memory. An attempt counts as failed from its start, so that many at once get
// no further than many in a row; success takes it back. An account is counted together with the address it was tried
// from, so that nobody can lock somebody else out.
type loginFailures struct {
	mu   sync.Mutex
	seen map[string]*failureCount
}

type failureCount struct {
	n     int
	last  time.Time
	until time.Time // no attempt is looked at before
}

func newLoginFailures() *loginFailures { return &loginFailures{seen: map[string]*failureCount{}} }

// attempt begins a sign-in, or returns how long it has to wait. From the fifth failure on each doubles the delay.
func (f *loginFailures) attempt(login, ip string, now time.Time) (wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range failureKeys(login, ip) {
		if c := f.seen[key.name]; c != nil {
			wait = max(wait, c.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, key := range failureKeys(login, ip) {
		c := f.seen[key.name]
		if c == nil || now.Sub(c.last) > failuresKept {
			f.makeRoom(now)
			c = &failureCount{}
			f.seen[key.name] = c
		}
		c.n++
		c.last = now
		if over := c.n - key.free; over >= 0 {
			c.until = now.Add(min(firstDelay<<min(over, 10), longestDelay))
		}
	}
	return 0
}

// succeeded ends an attempt that was none to guess: it forgets the failures of the account, and takes back what the
// attempt counted for its address.
func (f *loginFailures) succeeded(login, ip string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	account, address := failureKeys(login, ip)[0], failureKeys(login, ip)[1]
	delete(f.seen, account.name)
	if c := f.seen[address.name]; c != nil {
		c.n = max(c.n-1, 0)
		c.until = time.Time{} // the attempt was let through: only its own delay is running
	}
}

// makeRoom keeps the memory bounded: first what no longer counts goes, then the oldest tenth.
func (f *loginFailures) makeRoom(now time.Time) {
	if len(f.seen) < maxFailures {
		return
	}
	maps.DeleteFunc(f.seen, func(_ string, c *failureCount) bool { return now.Sub(c.last) > failuresKept })
	if len(f.seen) < maxFailures {
		return
	}
	var times []time.Time
	for _, c := range f.seen {
		times = append(times, c.last)
	}
	slices.SortFunc(times, time.Time.Compare)
	limit := times[len(times)/10]
	maps.DeleteFunc(f.seen, func(_ string, c *failureCount) bool { return !c.last.After(limit) })
}

type failureKey struct {
	name string
	free int
}

func failureKeys(login, ip string) [2]failureKey {
	return [2]failureKey{{"account " + login + " " + ip, freeFailures}, {"address " + ip, freeFailuresIP}}
}
