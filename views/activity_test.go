package views

import (
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// Every hour is in exactly one bar, in any zone and with any step, also where clocks change.
func TestActivityBars(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 14, 20, 0, 0, time.UTC) // a day after the clocks went back there
	for _, zone := range []*time.Location{time.UTC, berlin} {
		for step, length := range map[int]time.Duration{1: 24 * time.Hour, 6: 7 * 24 * time.Hour, 24: 30 * 24 * time.Hour} {
			since := now.Add(time.Hour - length).Truncate(time.Hour)
			var hours []engine.HourCounts
			for h := since; !h.After(now); h = h.Add(time.Hour) {
				hours = append(hours, engine.HourCounts{Hour: h, Counts: engine.Counts{Delivered: 1, Attempts: 2}})
			}
			bars := NewActivityBars(hours, since, now, step, zone)
			sum := Activity{Bars: bars}.total()
			if sum.Delivered != int64(len(hours)) || sum.Attempts != 2*int64(len(hours)) {
				t.Errorf("%s, %d hours: %+v of %d hours", zone, step, sum.Counts, len(hours))
			}
			for i, b := range bars {
				if local := b.From.In(zone); local.Minute() != 0 || step > 1 && local.Hour()%step != 0 {
					t.Errorf("%s, %d hours: a bar from %s", zone, step, local)
				}
				if i > 0 && !b.From.After(bars[i-1].From) {
					t.Errorf("%s, %d hours: %s after %s", zone, step, b.From, bars[i-1].From)
				}
			}
			if most := int(length/time.Hour)/step + 1; len(bars) > most {
				t.Errorf("%s, %d hours: %d bars, at most %d", zone, step, len(bars), most)
			}
		}
	}
}

// Delivered goes up and failed down from one line; nothing leaves the drawing, and one of many is still seen.
func TestBarChart(t *testing.T) {
	t.Parallel()
	c := newBarChart([]engine.Counts{{Delivered: 90_000}, {Failed: 10_000}, {}, {Delivered: 1, Failed: 1}}, chartHeight)
	if c.Width != 4*barUnits || c.Line != 4+112*9/10 || c.Delivered != 90_000 || c.Failed != 10_000 {
		t.Errorf("chart %+v", c)
	}
	if want := "M1 104v-100h8v100zM31 104v-1h8v1z"; c.Up != want {
		t.Errorf("up %s, want %s", c.Up, want)
	}
	if want := "M11 104v11h8v-11zM31 104v1h8v-1z"; c.Down != want {
		t.Errorf("down %s, want %s", c.Down, want)
	}
	if empty := newBarChart(nil, chartHeight); empty.Up+empty.Down != "" || empty.Width <= 0 {
		t.Errorf("empty chart %+v", empty)
	}
}

func TestLineChart(t *testing.T) {
	t.Parallel()
	bars := make([]ActivityBar, 4)
	for _, i := range []int{0, 1, 3} {
		bars[i].Durations.Count(time.Duration(i+1) * 100 * time.Millisecond)
	}
	c := newLineChart(bars)
	if !strings.HasPrefix(c.Median, "M5 ") || strings.Count(c.Median, "M") != 2 || strings.Count(c.Most, "L") != 1 {
		t.Errorf("the hour without an answer is no gap: %s", c.Median)
	}
	if c.Longest <= 200*time.Millisecond || c.Longest > 500*time.Millisecond {
		t.Errorf("at the top is %v", c.Longest)
	}
}

func TestActivityWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		counts engine.Counts
		want   string
	}{{engine.Counts{}, ""}, {engine.Counts{Delivered: 3}, "100 %"}, {engine.Counts{Delivered: 99_999, Failed: 1}, "99.9 %"}, {engine.Counts{Failed: 2}, "0 %"}} {
		if got := successRate(test.counts); got != test.want {
			t.Errorf("%+v: %q, want %q", test.counts, got, test.want)
		}
	}
	if got := About(123_456 * time.Microsecond); got != "120 ms" {
		t.Errorf("about %q", got)
	}
}
