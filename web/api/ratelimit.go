package api

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"labhook/engine"
)

// MaxRateLimit is the most requests a second that a limit can be.
const MaxRateLimit = 10_000

// burstSeconds is for how many seconds of its rate a key may save up.
const burstSeconds = 4

// rateLimits gives each key of an API consumer its rate of requests, and says so in the headers of the Internet-Draft
// ratelimit-headers. It costs a request neither memory nor, for a platform key, time. It is safe for concurrent use.
type rateLimits struct {
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

func newRateLimits(perSecond int) *rateLimits {
	l := &rateLimits{free: map[engine.KeyID]time.Time{}}
	if perSecond <= 0 {
		return l
	}
	l.every, l.burst = time.Second/time.Duration(perSecond), perSecond*burstSeconds
	l.policy = []string{fmt.Sprintf(`"key";q=%d;w=%d`, l.burst, burstSeconds)}
	l.left = make([][]string, l.burst+1)
	for n := range l.left {
		full := time.Duration(l.burst-n) * l.every
		l.left[n] = []string{`"key";r=` + strconv.Itoa(n) + ";t=" + strconv.Itoa(int((full+time.Second-1)/time.Second))}
	}
	return l
}

// take counts a request and writes what is left into h. The error is a problem with Retry-After when nothing was.
func (l *rateLimits) take(h http.Header, key *engine.APIKey, now time.Time) error {
	if l.every == 0 || key.ConsumerID == 0 {
		return nil
	}
	left, wait := l.count(key.ID, now)
	h["Ratelimit-Policy"], h["Ratelimit"] = l.policy, l.left[left]
	if wait == 0 {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, fmt.Sprintf("The key may make %d requests a second in the long run, and %d at once; wait for as long as Retry-After says",
		time.Second/l.every, l.burst))
	p.header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	return p
}

// count takes one request out of what is free, and returns how many are left; wait is how long until one is, when
// none was.
func (l *rateLimits) count(key engine.KeyID, now time.Time) (left int, wait time.Duration) {
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
func (l *rateLimits) sweep(now time.Time) {
	for key, free := range l.free {
		if free.Before(now) {
			delete(l.free, key)
		}
	}
	l.swept = now
}
