package views

import (
	"fmt"
	"strings"
	"time"

	"labhook/engine"
)

// ActivityBar is what a stretch of time came to.
type ActivityBar struct {
	From time.Time
	engine.Counts
	Durations engine.Durations
}

// NewActivityBars joins hours to stretches of step hours, which divide a day and begin with it in the zone. The
// stretches reach from since until now, also where nothing happened.
func NewActivityBars(hours []engine.HourCounts, since, now time.Time, step int, zone *time.Location) []ActivityBar {
	var bars []ActivityBar
	for t := since.Truncate(time.Hour); !t.After(now); t = t.Add(time.Hour) {
		local := t.In(zone)
		from := time.Date(local.Year(), local.Month(), local.Day(), local.Hour()/step*step, 0, 0, 0, zone)
		if step == 1 {
			from = local // an hour that the clock repeats is another one
		}
		if len(bars) == 0 || !bars[len(bars)-1].From.Equal(from) {
			bars = append(bars, ActivityBar{From: from})
		}
		bar := &bars[len(bars)-1]
		for len(hours) > 0 && !hours[0].Hour.After(t) {
			bar.Add(hours[0].Counts)
			bar.Durations.Add(hours[0].Durations)
			hours = hours[1:]
		}
	}
	return bars
}

// Activity is what a webhook did over a time.
type Activity struct {
	Page     Page
	Webhook  engine.Webhook
	Paused   bool   // the webhook is
	Period   string // its name in the address
	Label    string // the period in words, as "Last 24 hours"
	Unit     string // what a bar stands for, as "hour"
	Periods  []Link
	Bars     []ActivityBar
	Failures []engine.FailureCount
	// Newest: the bars count the deliveries that came then by what has become of them, not what the counters have.
	Newest *engine.NewestCounts
	Cut    bool // more came than were counted
}

// NewMinuteBars draws each minute from since until now, also those in which nothing came.
func NewMinuteBars(minutes []engine.MinuteCounts, since, now time.Time) []ActivityBar {
	var bars []ActivityBar
	for t := since.Truncate(time.Minute); !t.After(now); t = t.Add(time.Minute) {
		bar := ActivityBar{From: t}
		for len(minutes) > 0 && !minutes[0].Minute.After(t) {
			bar.Add(minutes[0].Counts)
			bar.Durations.Add(minutes[0].Durations)
			minutes = minutes[1:]
		}
		bars = append(bars, bar)
	}
	return bars
}

// note says what the bars of the last hour count.
func (a Activity) note() string {
	words := "A bar stands for a minute and counts the deliveries that came in it, by what has become of them until now. Longer periods count what ended in each hour."
	if a.Newest.Waiting > 0 {
		words += " " + Plural(int(a.Newest.Waiting), "delivery still waits", "deliveries still wait") + "."
	}
	if a.Cut {
		words += " More came than are counted: these are the newest, since " + a.Newest.Since.In(a.Page.Zone).Format("15:04:05 MST") + "."
	}
	return words
}

// total adds up the bars.
func (a Activity) total() (sum ActivityBar) {
	for _, b := range a.Bars {
		sum.Add(b.Counts)
		sum.Durations.Add(b.Durations)
	}
	return sum
}

// sentence says the main numbers.
func (a Activity) sentence() string {
	sum := a.total()
	words := fmt.Sprintf("%s delivered and %s failed", Number(sum.Delivered), Number(sum.Failed))
	if rate := successRate(sum.Counts); rate != "" {
		words += ": " + rate + " got through"
	}
	words += ". " + Plural(int(sum.Attempts), "attempt was", "attempts were") + " made."
	if sum.Durations.Total() > 0 {
		words += " " + responseTimes(sum.Durations)
	}
	return words
}

// responseTimes says how long answers took. The numbers are of groups, and so are about right.
func responseTimes(d engine.Durations) string {
	return fmt.Sprintf("Half of the answers took up to about %s, 95 %% up to about %s.", About(d.Quantile(0.5)), About(d.Quantile(0.95)))
}

// quantileWord is a quantile of response times, or a dash when nothing answered.
func quantileWord(d engine.Durations, q float64) string {
	if d.Total() == 0 {
		return "–"
	}
	return "≈ " + About(d.Quantile(q))
}

// About writes a duration with two digits.
func About(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return Duration(d.Round(unit))
}

// successRate is the share of deliveries that got through, "" when none ended.
func successRate(c engine.Counts) string {
	ended := c.Delivered + c.Failed
	if ended == 0 {
		return ""
	}
	tenths := c.Delivered * 1000 / ended // rounded down: 100 % is said only of all
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", tenths/10, tenths%10), ".0") + " %"
}

// hoursInWords says what a sparkline shows.
func hoursInWords(hours []engine.Counts) string {
	var sum engine.Counts
	for _, h := range hours {
		sum.Add(h)
	}
	return fmt.Sprintf("%s delivered, %s failed", Number(sum.Delivered), Number(sum.Failed))
}

// Charts are drawn in units of their own and stretched to the width of the page.
const (
	chartHeight = 120
	barUnits    = 10 // the width of a bar with the gap after it
	barGap      = 2
	chartMargin = 4
)

// barChart is a drawing of bars: upwards what was delivered, downwards what failed.
type barChart struct {
	Width     int
	Line      int // where both begin
	Up, Down  string
	Delivered int64 // the highest bar
	Failed    int64 // the deepest one
}

func newBarChart(counts []engine.Counts, height int) barChart {
	c := barChart{Width: max(len(counts), 1) * barUnits}
	for _, n := range counts {
		c.Delivered, c.Failed = max(c.Delivered, n.Delivered), max(c.Failed, n.Failed)
	}
	room := int64(height - 2*chartMargin)
	whole := max(c.Delivered+c.Failed, 1)
	c.Line = chartMargin + int(room*c.Delivered/whole)
	if c.Delivered+c.Failed == 0 {
		c.Line = height - chartMargin
	}
	var up, down strings.Builder
	for i, n := range counts {
		x := i*barUnits + barGap/2
		// A bar that is not empty is seen.
		if n.Delivered > 0 {
			fmt.Fprintf(&up, "M%d %dv-%dh%dv%dz", x, c.Line, max(room*n.Delivered/whole, 1), barUnits-barGap, max(room*n.Delivered/whole, 1))
		}
		if n.Failed > 0 {
			fmt.Fprintf(&down, "M%d %dv%dh%dv-%dz", x, c.Line, max(room*n.Failed/whole, 1), barUnits-barGap, max(room*n.Failed/whole, 1))
		}
	}
	c.Up, c.Down = up.String(), down.String()
	return c
}

func countsOf(bars []ActivityBar) []engine.Counts {
	counts := make([]engine.Counts, len(bars))
	for i, b := range bars {
		counts[i] = b.Counts
	}
	return counts
}

// lineChart is a drawing of response times: the median and what 95 % of the answers kept to.
type lineChart struct {
	Width        int
	Median, Most string
	Longest      time.Duration // at the top
}

func newLineChart(bars []ActivityBar) lineChart {
	c := lineChart{Width: max(len(bars), 1) * barUnits}
	for _, b := range bars {
		c.Longest = max(c.Longest, b.Durations.Quantile(0.95))
	}
	c.Median, c.Most = c.line(bars, 0.5), c.line(bars, 0.95)
	return c
}

// line draws one quantile, with a gap where nothing was answered.
func (c lineChart) line(bars []ActivityBar, q float64) string {
	var d strings.Builder
	drawn := false
	for i, b := range bars {
		if b.Durations.Total() == 0 {
			drawn = false
			continue
		}
		y := chartHeight - chartMargin - int((chartHeight-2*chartMargin)*b.Durations.Quantile(q)/max(c.Longest, 1))
		x := i*barUnits + barUnits/2
		if drawn {
			fmt.Fprintf(&d, "L%d %d", x, y)
		} else {
			fmt.Fprintf(&d, "M%d %dh0.1", x, y) // a point that stands alone is a dot
		}
		drawn = true
	}
	return d.String()
}

// barTime names a bar: its day, its hour, or both.
func barTime(p Page, from time.Time, unit string) string {
	local := from.In(p.Zone)
	switch unit {
	case "day":
		return local.Format("Mon 2 Jan")
	case "minute":
		return local.Format("15:04")
	}
	return local.Format("Mon 2 Jan 15:04")
}

// resultOf is a failure as the filter of lists has it, "" for a status that none of HTTP's classes has.
func resultOf(f engine.FailureCount) string {
	if f.Status > 599 {
		return ""
	}
	if f.Class == engine.ClassStatus || f.Class == engine.ClassRedirect {
		return engine.Result{Status: f.Status}.String()
	}
	return engine.Result{Class: f.Class}.String()
}
