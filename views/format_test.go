package views

import (
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 98214: "98,214", 1234567: "1,234,567", -1234: "-1,234", -1 << 63: "-9,223,372,036,854,775,808"} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 webhooks", 1: "1 webhook", 2: "2 webhooks", 1200: "1,200 webhooks"} {
		if got := Plural(n, "webhook", "webhooks"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KB", 1536: "1.5 KB", 16 << 10: "16 KB", 1023 << 10: "1023 KB",
		1<<20 - 1: "1 MB", 1 << 20: "1 MB", 1468007: "1.4 MB", 5 << 30: "5 GB", 3 << 40: "3 TB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Microsecond: "0.1 ms", 420 * time.Microsecond: "0.4 ms", time.Millisecond: "1 ms", 9950 * time.Microsecond: "9.9 ms",
		412 * time.Millisecond: "412 ms", 999*time.Millisecond + 999*time.Microsecond: "999 ms", time.Second: "1 s", 1234 * time.Millisecond: "1.2 s",
		9999 * time.Millisecond: "9.9 s", 59*time.Second + 999*time.Millisecond: "59 s", time.Minute: "1 min", 80 * time.Second: "1 min 20 s",
		2*time.Hour + 5*time.Minute + time.Second: "2 h 5 min", 76 * time.Hour: "3 d 4 h", -2 * time.Second: "-2 s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "due now", 12 * time.Second: "in 12 s", -999 * time.Millisecond: "due now", -200 * time.Second: "due for 3 min",
	} {
		if got := Due(now, now.Add(d)); got != want {
			t.Errorf("Due(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestRelative(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 14, 2, 11, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", 999 * time.Millisecond: "now", 12 * time.Second: "in 12 s", -12 * time.Second: "12 s ago", -200 * time.Second: "3 min ago",
		5 * time.Hour: "in 5 h", -24 * time.Hour: "1 day ago", -50 * time.Hour: "2 days ago",
	} {
		if got := Relative(now, now.Add(d)); got != want {
			t.Errorf("%s from now is %q, want %q", d, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 23, 30, 0, 0, time.UTC)
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		t    time.Time
		zone *time.Location
		want string
	}{
		{now, time.UTC, "23:30:00 UTC"},
		{now.Add(time.Hour), time.UTC, "2026-11-22 00:30:00 UTC"},
		{now.Add(-time.Hour), vienna, "2026-11-21 23:30:00 CET"}, // there it is the 22nd by now
		{now, vienna, "00:30:00 CET"},
	} {
		if got := clock(now, tt.t, tt.zone); got != tt.want {
			t.Errorf("%s in %s is %q, want %q", tt.t, tt.zone, got, tt.want)
		}
	}
}
