package views

import (
	"crypto/tls"
	"testing"
	"time"

	"labhook/engine"
)

// TestCertificateNote looks at attempts of two days ago.
func TestCertificateNote(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 14, 2, 11, 0, time.UTC)
	p, day := Page{Now: now, Zone: time.UTC}, 24*time.Hour
	for ends, want := range map[time.Time]string{
		{}:                  "",
		now.Add(12*day + 1): "",
		now.Add(12 * day):   "The receiver's certificate ends soon, at 2026-03-14 14:02:11 UTC. Its operator has to renew it, or nothing is delivered any more.",
		now.Add(-day):       "The receiver's certificate was to end at 2026-03-01 14:02:11 UTC, which has passed. Nothing is delivered any more unless it was renewed.",
		now.Add(-3 * day):   "The receiver's certificate ended at 2026-02-27 14:02:11 UTC. Its operator has to renew it.",
	} {
		a := &engine.Attempt{StartedAt: now.Add(-2 * day), Secure: engine.Secure{Version: tls.VersionTLS13, CertificateEnds: ends}}
		if got := certificateNote(p, a); got != want {
			t.Errorf("end %s: %q, want %q", ends, got, want)
		}
	}
}

func TestWaterfallCaption(t *testing.T) {
	t.Parallel()
	p := Page{Zone: time.UTC}
	a := &engine.Attempt{Number: 2, Timings: engine.Timings{Total: 12_000}, RemoteAddr: "203.0.113.7:443"}
	if got, want := waterfallCaption(p, a), "Time of attempt 2: 12 ms, connected to 203.0.113.7:443"; got != want {
		t.Errorf("plain: %q, want %q", got, want)
	}
	a.Secure = engine.Secure{Version: tls.VersionTLS12, CertificateEnds: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	if got, want := waterfallCaption(p, a), "Time of attempt 2: 12 ms, connected to 203.0.113.7:443, TLS 1.2, certificate until 2027-01-31"; got != want {
		t.Errorf("secure: %q, want %q", got, want)
	}
}
