package bench

import "fmt"

// What is written to the disk, with some to spare.
const (
	bytesPerSecond  = 60 << 20 // at full load
	bytesPerHistory = 3000     // a delivery that ended, with its event and attempts
	bytesPerWaiting = 3000
)

// bytes is about what a run needs on the disk.
func (o *Options) bytes() int64 {
	perRound := 2
	if o.Webhooks > o.Fanout {
		perRound++
	}
	if o.History > 0 {
		perRound++
	}
	spans := perRound*o.Rounds + len(paces) + 2 // and warming up
	if o.Waiting > 0 {
		spans++
	}
	if o.Profile != "" {
		spans++
	}
	sum := int64(spans) * int64(o.Span.Seconds()*bytesPerSecond) * int64(o.Fanout)
	sum += int64(o.History)*bytesPerHistory + int64(o.Waiting)*bytesPerWaiting
	if o.Due > 0 {
		sum += (int64(o.Due) + int64(LatenessRate*o.Span.Seconds())) * bytesPerWaiting
	}
	return sum
}

// checkRoom returns an error when a directory has too little room.
func checkRoom(dir string, need, free int64) error {
	if need <= free {
		return nil
	}
	const giga = 1e9
	return fmt.Errorf("this may take up to %.1f GB in %s, where %.1f GB are free: "+
		"choose a directory on another disk with TMPDIR=DIR, or measure less", float64(need)/giga, dir, float64(free)/giga)
}
