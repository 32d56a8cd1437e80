package keyrate_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"labhook/engine"
	"labhook/web/keyrate"
)

// taker returns what counts a request with a key of a consumer, zero: the platform, at a time.
func taker(perSecond int) func(engine.ConsumerID, time.Time) error {
	limits, header := keyrate.New(perSecond), http.Header{}
	return func(owner engine.ConsumerID, now time.Time) error {
		return limits.Take(header, &engine.APIKey{ID: 1, ConsumerID: owner}, now)
	}
}

// TestRateOverTime checks the long run: after each wait as many requests pass as it made room for.
func TestRateOverTime(t *testing.T) {
	t.Parallel()
	const perSecond, burst = 50, 200
	take, now := taker(perSecond), time.Now()
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
	take, now := taker(50), time.Now()
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
			take, now := taker(50), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				_ = take(owner, now)
			}
		})
	}
}
