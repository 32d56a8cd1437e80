package views

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Number writes n with commas between the thousands: "98,214".
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Plural writes a count with its noun: "1 webhook", "3 webhooks".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + many
}

// Bytes writes a size: "512 B", "16 KB", "1.4 MB". A KB is 1024 bytes, as in the limits.
func Bytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"KB", "MB", "GB", "TB"} {
		if value /= 1024; value < 1023.5 {
			break
		}
	}
	if value < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(value, 'f', 1, 64), ".0") + " " + unit
	}
	return strconv.FormatFloat(value, 'f', 0, 64) + " " + unit
}

// Duration writes how long something took: "0.4 ms", "412 ms", "1.2 s", "1 min 20 s", "2 h 5 min", "3 d 4 h".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d == 0:
		return "0 s"
	case d < 10*time.Millisecond:
		return decimal(d, time.Millisecond) + " ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return decimal(d, time.Second) + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return twoUnits(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "min")
	}
	return twoUnits(d, 24*time.Hour, "d", time.Hour, "h")
}

// decimal writes d in units with one decimal, which is left out when it is zero. It rounds down, so that 999.96 ms
// does not become 1000 ms.
func decimal(d, unit time.Duration) string {
	tenths := int64(d / (unit / 10))
	if tenths == 0 {
		return "0.1"
	}
	if tenths%10 == 0 {
		return strconv.FormatInt(tenths/10, 10)
	}
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

func twoUnits(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}

// Due writes how far off a time is at which something was or will be due: "in 12 s", "due now", "due for 3 min".
func Due(now, t time.Time) string {
	d := t.Sub(now)
	switch {
	case d >= time.Second:
		return "in " + largestUnit(d)
	case d <= -time.Second:
		return "due for " + largestUnit(-d)
	}
	return "due now"
}

// Relative writes how far t is from now, in its largest unit: "in 12 s", "3 min ago", "now".
func Relative(now, t time.Time) string {
	d := t.Sub(now)
	switch {
	case d >= time.Second:
		return "in " + largestUnit(d)
	case d <= -time.Second:
		return largestUnit(-d) + " ago"
	}
	return "now"
}

func largestUnit(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return Plural(int(d/(24*time.Hour)), "day", "days")
}

// clock writes t for people: "14:02:11 UTC", with the date when it is not the day of now.
func clock(now, t time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05 MST")
	}
	return t.Format("2006-01-02 15:04:05 MST")
}

// exact is what a time's title says: UTC to the millisecond, and Unix seconds.
func exact(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC") + ", Unix " + strconv.FormatInt(t.Unix(), 10)
}

// machineTime is the time in a time element's datetime attribute.
func machineTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
