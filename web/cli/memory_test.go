package cli

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestCollectionPercent(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: 300, 1 << 20: 300, 16 << 20: 300, 24 << 20: 200, 48 << 20: 100, 64 << 20: 100, 1 << 40: 100,
	} {
		if got := collectionPercent(live); got != want {
			t.Errorf("a heap of %d MiB may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}

// TestSpareCollections: what is in use decides anew after each collection.
func TestSpareCollections(t *testing.T) {
	t.Setenv("GOGC", "")
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	waitFor := func(right func(uint64) bool) {
		t.Helper()
		for range 1_000 {
			runtime.GC() // cleanups run on a goroutine of their own, soon after
			if right(percent()) {
				return
			}
		}
		t.Fatalf("the heap may grow by %d %%", percent())
	}
	spareCollections()
	much := make([]byte, headroom)
	waitFor(func(p uint64) bool { return p == leastPercent })
	runtime.KeepAlive(much)
	waitFor(func(p uint64) bool { return p > leastPercent })
}
