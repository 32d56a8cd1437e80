package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// What may be allocated between two garbage collections: headroom bytes, yet at least as much as is in use, which is
// Go's own rule, and at most three times as much.
const (
	headroom     = 48 << 20
	leastPercent = 100
	mostPercent  = 300
)

// spareCollections lets the garbage collector wait longer while the heap is small, as it is here for most of the time:
// collecting took a good tenth of the processor's time of an event, for memory that a host has to spare. GOGC in the
// environment is heeded as it is.
var spareCollections = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		setPace(leastPercent)
	}
})

// setPace sets the pace by what is in use, now and after each collection. percent is the pace until now: to set the same
// again would stop everything for a moment.
func setPace(percent int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	next := collectionPercent(live[0].Value.Uint64())
	if next != percent {
		debug.SetGCPercent(next)
	}
	type leftover struct{ _ *byte } // with a pointer, for others may live on in a block that they share
	runtime.AddCleanup(&leftover{}, setPace, next)
}

// collectionPercent is by how much, in percent, a heap of that many bytes may grow until it is collected.
func collectionPercent(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastPercent), mostPercent))
}
