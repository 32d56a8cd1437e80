package api_test

import (
	"strings"
	"testing"

	"labhook/web/keyrate"
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
	b.config.Rate = keyrate.New(perSecond)
	b.serve(t)
}
