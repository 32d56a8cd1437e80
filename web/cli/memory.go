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
		afterCollection()
	}
})

// afterCollection sets the pace by what is in use, now and after each collection.
func afterCollection() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(collectionPercent(live[0].Value.Uint64()))
	type leftover struct{ _ *byte } // with a pointer, for others may live on in a block that they share
	runtime.AddCleanup(&leftover{}, func(struct{}) { afterCollection() }, struct{}{})
}

// collectionPercent is by how much, in percent, a heap of that many bytes may grow until it is collected.
func collectionPercent(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastPercent), mostPercent))
}
