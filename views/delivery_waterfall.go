package views

import (
	"fmt"
	"time"

	"labhook/engine"
)

// waterfallWidth is the width of a waterfall's drawing, in its own units.
const waterfallWidth = 1000

// Part is one row of an attempt's waterfall.
type Part struct {
	Label string
	Note  string // instead of a bar: why there is none
	Took  time.Duration
	// Start and Width place the bar.
	Start, Width int64
	// Ended: the attempt failed here.
	Ended bool
	class string // of the bar's colour
}

// Waterfall returns how an attempt's time was spent, in the order in which it was. An attempt that failed before it
// had an answer ended in the last part that took any time.
func Waterfall(a *engine.Attempt) []Part {
	t := a.Timings
	parts := []Part{
		{Label: "DNS", Took: micros(t.DNS), class: "fill-held"},
		{Label: "Connect", Took: micros(t.Connect), class: "fill-retry"},
		{Label: "TLS", Took: micros(t.TLS), class: "fill-held"},
		{Label: "Request sent", Took: micros(t.Sent), class: "fill-retry"},
		{Label: "First byte", Took: micros(t.Wait - t.Sent), class: "fill-send"},
		{Label: "Body", Took: micros(t.Body), class: "fill-ok"},
	}
	total := max(t.Total, t.DNS+t.Connect+t.TLS+t.Wait+t.Body, 1)
	last, at := -1, int64(0)
	for i := range parts {
		p := &parts[i]
		if p.Took == 0 {
			p.Note = missing(i, t)
			continue
		}
		last = i
		p.Start = at * waterfallWidth / total
		// A part that is too short to draw keeps a hair line.
		p.Width = max(p.Took.Microseconds()*waterfallWidth/total, 3)
		p.Start = min(p.Start, waterfallWidth-p.Width)
		at += p.Took.Microseconds()
	}
	if last >= 0 && a.Outcome.Class != "" && a.Outcome.Class != engine.ClassStatus {
		parts[last].Ended, parts[last].class = true, "fill-fail"
	}
	return parts
}

// waterfallCaption says in a line what the waterfall is about.
func waterfallCaption(p Page, a *engine.Attempt) string {
	caption := fmt.Sprintf("Time of attempt %d: %s", a.Number, Duration(a.Duration()))
	if a.RemoteAddr != "" {
		caption += ", connected to " + a.RemoteAddr
	}
	if version := a.Secure.VersionName(); version != "" {
		caption += ", " + version
	}
	if ends := a.Secure.CertificateEnds; !ends.IsZero() {
		caption += ", certificate until " + ends.In(p.Zone).Format("2006-01-02")
	}
	return caption
}

// sentPart is the place of "Request sent" in the waterfall; the parts before it open the connection.
const sentPart = 3

// missing says why a part of an attempt took no time.
func missing(part int, t engine.Timings) string {
	switch {
	case part < sentPart && t.Reused:
		return "connection used again"
	case part == sentPart && t.Wait > 0:
		return "counted with the first byte"
	}
	return "none"
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
