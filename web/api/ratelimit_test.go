package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/web/api"
)

// TestRateLimits asks with one key until it is refused; another key and a platform key are not held up by that.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(t, 2)
	const path = "/api/v1/version"
	last := ""
	for n := range 9 { // eight at once, of which some may come back meanwhile
		r := b.send(t, "GET", path, "contoso-read", "").want(200)
		if got := r.header.Get("RateLimit-Policy"); got != `"key";q=8;w=4` {
			t.Fatalf("RateLimit-Policy: %s", got)
		}
		if last = r.header.Get("RateLimit"); strings.HasPrefix(last, `"key";r=0;`) {
			break
		} else if n == 8 {
			t.Fatalf("RateLimit after nine requests: %s", last)
		}
	}
	if last != `"key";r=0;t=4` {
		t.Errorf("RateLimit at the end: %s", last)
	}
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso-read", "{")
	p := r.problem(429)
	if r.header.Get("Retry-After") != "1" || r.header.Get("RateLimit") != `"key";r=0;t=4` || !strings.Contains(p.Detail, "2 requests a second") {
		t.Errorf("problem %+v, headers %v", p, r.header)
	}
	b.send(t, "GET", path, "contoso", "").want(200)
	for range 20 {
		if r := b.send(t, "GET", path, "platform-read", "").want(200); r.header.Get("RateLimit") != "" {
			t.Fatalf("RateLimit of a platform key: %s", r.header.Get("RateLimit"))
		}
	}
	b.send(t, "GET", path, "revoked", "").problem(401)
}

// limit gives the API a rate limit.
func (b *bundle) limit(t *testing.T, perSecond int) {
	t.Helper()
	b.config.RateLimit = perSecond
	b.serve(t)
}

// TestRateOverTime checks the long run: after each wait as many requests pass as it made room for.
func TestRateOverTime(t *testing.T) {
	t.Parallel()
	const perSecond, burst = 50, 200
	take, now := api.RateLimit(perSecond), time.Now()
	for _, step := range []struct {
		wait time.Duration
		want int
	}{
		{0, burst},
		{0, 0},
		{20 * time.Millisecond, 1},
		{19 * time.Millisecond, 0},
		{time.Millisecond, 1},
		{time.Second, perSecond},
		{time.Hour, burst},
		{2 * time.Second, 2 * perSecond},
	} {
		now = now.Add(step.wait)
		n := 0
		for n <= burst && take(1, now) == nil {
			n++
		}
		if n != step.want {
			t.Errorf("after %s %d requests pass, want %d", step.wait, n, step.want)
		}
	}
}

// TestRateLimitAllocates checks that the limit costs no memory.
func TestRateLimitAllocates(t *testing.T) {
	take, now := api.RateLimit(50), time.Now()
	for _, owner := range []engine.ConsumerID{0, 1} {
		n := testing.AllocsPerRun(1000, func() {
			now = now.Add(time.Second)
			if err := take(owner, now); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("a request of a key of consumer %d: %v allocations", owner, n)
		}
	}
}

func BenchmarkRateLimit(b *testing.B) {
	for _, owner := range []engine.ConsumerID{0, 1} {
		b.Run(fmt.Sprint("consumer ", owner), func(b *testing.B) {
			take, now := api.RateLimit(50), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				_ = take(owner, now)
			}
		})
	}
}
