package bench

import (
	"fmt"
	"runtime"
)

// What is written to the disk, with some to spare.
const (
	bytesPerSecond  = 20 << 20 // at full load, for each processor
	maxProcessors   = 4        // more do not help to write
	bytesPerHistory = 3000     // a delivery that ended, with its event and attempts
	bytesPerWaiting = 3000
)

// bytes is about what a run needs on the disk.
func (o *Options) bytes() int64 {
	sites := 1.0
	if o.Webhooks > o.Fanout {
		sites++
	}
	if o.History > 0 {
		sites++
	}
	spans := (sites+1)*float64(o.Rounds) + sites*warmUpPart
	for _, part := range paces {
		spans += part
	}
	if o.Waiting > 0 {
		spans++
	}
	if o.Profile != "" {
		spans++
	}
	processors := min(runtime.NumCPU(), maxProcessors)
	sum := int64(spans * o.Span.Seconds() * bytesPerSecond * float64(processors*o.Fanout))
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
