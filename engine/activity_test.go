package engine_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"labhook/engine"
)

// A quantile lies in the same group as the exact one, so it is never further off than the group is wide.
func TestQuantileIsInTheRightGroup(t *testing.T) {
	t.Parallel()
	group := func(took time.Duration) int {
		i, _ := slices.BinarySearch(engine.DurationBounds[:], took)
		return i
	}
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.Map(rapid.Int64Range(1, engine.MaxTimeout.Milliseconds()), func(ms int64) time.Duration {
			return time.Duration(ms) * time.Millisecond
		}), 1, 200).Draw(t, "took")
		var d engine.Durations
		for _, one := range took {
			d.Count(one)
		}
		if d.Total() != int64(len(took)) {
			t.Fatalf("%d counted, want %d", d.Total(), len(took))
		}
		slices.Sort(took)
		for _, q := range []float64{0.5, 0.95} {
			exact := took[max(0, int(q*float64(len(took))+0.999999)-1)]
			if got := d.Quantile(q); group(got) != group(exact) {
				t.Fatalf("quantile %g of %v is %v, want near %v", q, took, got, exact)
			}
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	t.Parallel()
	var d engine.Durations
	if got := d.Quantile(0.5); got != 0 || d.Total() != 0 {
		t.Errorf("the median of nothing is %v of %d", got, d.Total())
	}
	d.Count(time.Hour) // longer than any timeout: in the last group
	if got := d.Quantile(1); got != engine.MaxTimeout {
		t.Errorf("the longest is %v", got)
	}
}
