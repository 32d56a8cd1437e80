// Package keyrate bounds how many requests a second the key of an API consumer may make.
//
// Place in the flow: web makes one Limits, which its two APIs share, so that a key cannot go around its rate by using both.
package keyrate

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"labhook/engine"
)

// Max is the most requests a second that a limit can be.
const Max = 10_000

// BurstSeconds is for how many seconds of its rate a key may save up.
const BurstSeconds = 4

// Limits gives each key of an API consumer its rate of requests, and says so in the headers of the Internet-Draft
// ratelimit-headers. It costs a request neither memory nor, for a platform key, time. It is safe for concurrent use.
type Limits struct {
	every time.Duration // a request; 0: no limit
	burst int
	// What the headers say is made once: the policy, and what is left by how much that is.
	policy []string
	left   [][]string

	mu sync.Mutex
	// free is, by key, from when on all of its burst is free again. Keys whose time has come are forgotten.
	free  map[engine.KeyID]time.Time
	swept time.Time
}

// New returns limits of so many requests a second in the long run, at most Max, and BurstSeconds times as many at once;
// 0: none.
func New(perSecond int) *Limits {
	l := &Limits{free: map[engine.KeyID]time.Time{}}
	if perSecond <= 0 {
		return l
	}
	l.every, l.burst = time.Second/time.Duration(perSecond), perSecond*BurstSeconds
	l.policy = []string{fmt.Sprintf(`"key";q=%d;w=%d`, l.burst, BurstSeconds)}
	l.left = make([][]string, l.burst+1)
	for n := range l.left {
		full := time.Duration(l.burst-n) * l.every
		l.left[n] = []string{`"key";r=` + strconv.Itoa(n) + ";t=" + strconv.Itoa(int((full+time.Second-1)/time.Second))}
	}
	return l
}

// TooMany is what Take returns when nothing was left.
type TooMany struct {
	PerSecond, Burst int
	Wait             time.Duration // until the next request may be made
}

// Error says how many requests may be made.
func (e *TooMany) Error() string {
	return fmt.Sprintf("The key may make %d requests a second in the long run, and %d at once; wait for as long as Retry-After says", e.PerSecond, e.Burst)
}

// RetryAfter returns the value of the header Retry-After, in seconds.
func (e *TooMany) RetryAfter() string {
	return strconv.Itoa(int((e.Wait + time.Second - 1) / time.Second))
}

// Take counts a request and writes what is left into h. The error is a TooMany when nothing was. Platform keys have no
// limit, nor has any key when l is nil.
func (l *Limits) Take(h http.Header, key *engine.APIKey, now time.Time) error {
	if l == nil || l.every == 0 || key.ConsumerID == 0 {
		return nil
	}
	left, wait := l.count(key.ID, now)
	h["Ratelimit-Policy"], h["Ratelimit"] = l.policy, l.left[left]
	if wait == 0 {
		return nil
	}
	return &TooMany{int(time.Second / l.every), l.burst, wait}
}

// count takes one request out of what is free, and returns how many are left; wait is how long until one is, when
// none was.
func (l *Limits) count(key engine.KeyID, now time.Time) (left int, wait time.Duration) {
	full := time.Duration(l.burst) * l.every
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > full {
		l.sweep(now)
	}
	free := l.free[key]
	if free.Before(now) {
		free = now
	}
	used := free.Sub(now) + l.every
	if used > full {
		return 0, used - full
	}
	l.free[key] = free.Add(l.every)
	return int((full - used) / l.every), 0
}

// sweep forgets the keys of which all is free.
func (l *Limits) sweep(now time.Time) {
	for key, free := range l.free {
		if free.Before(now) {
			delete(l.free, key)
		}
	}
	l.swept = now
}
