package engine_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"labhook/engine"
)

func TestIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.Int64Range(1, math.MaxInt64), 2, 2).Draw(t, "ids")
		a, b := engine.EventID(ids[0]), engine.EventID(ids[1])
		back, err := engine.ParseID[engine.EventID](a.String())
		if err != nil || back != a {
			t.Fatalf("%d is written %q and read as %d, %v", a, a, back, err)
		}
		if (a < b) != (a.String() < b.String()) {
			t.Fatalf("%d and %d sort otherwise as %q and %q", a, b, a, b)
		}
		var decoded struct{ ID engine.EventID }
		text, err := json.Marshal(struct{ ID engine.EventID }{a})
		if err == nil {
			err = json.Unmarshal(text, &decoded)
		}
		if err != nil || decoded.ID != a {
			t.Fatalf("%s: %v, %v", text, decoded.ID, err)
		}
	})
}

func TestIDPrefixes(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		engine.ConsumerID(1).String():             "con_0000000000001",
		engine.KeyID(31).String():                 "key_000000000000z",
		engine.WebhookID(32).String():             "wh_0000000000010",
		engine.EventID(math.MaxInt64).String():    "evt_7zzzzzzzzzzzz",
		engine.DeliveryID(math.MaxInt32).String(): "dlv_0000001zzzzzz",
		engine.AttemptID(1 << 20).String():        "att_0000000010000",
		engine.UserID(10).String():                "usr_000000000000a",
		engine.EventID(0).String():                "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    "of the form evt_ followed by 13",
		"evt_":                "of the form evt_ followed by 13",
		"evt_000000000001":    "of the form evt_ followed by 13",
		"evt_00000000000001":  "of the form evt_ followed by 13",
		"0000000000001":       "of the form evt_ followed by 13",
		"dlv_0000000000001":   "of the form evt_ followed by 13",
		"EVT_0000000000001":   "of the form evt_ followed by 13",
		" evt_0000000000001":  "of the form evt_ followed by 13",
		"evt_0000000000001\n": "of the form evt_ followed by 13",
		"evt_000000000000A":   "unexpected 'A'",
		"evt_000000000000i":   "unexpected 'i'",
		"evt_000000000000l":   "unexpected 'l'",
		"evt_000000000000o":   "unexpected 'o'",
		"evt_000000000000u":   "unexpected 'u'",
		"evt_000000000000-":   "unexpected '-'",
		"evt_00000000000é":    "unexpected",
		"evt_8000000000000":   "unexpected '8'", // more than 63 bits
		"evt_zzzzzzzzzzzzz":   "unexpected 'z'",
		"evt_0000000000000":   "is not an id",
	} {
		id, err := engine.ParseID[engine.EventID](text)
		if err == nil || id != 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v, want %q", text, id, err, want)
		}
		unmarshalled := engine.EventID(7)
		if err := unmarshalled.UnmarshalText([]byte(text)); text != "" && err == nil || unmarshalled != 0 {
			t.Errorf("%q unmarshalled: %d, %v", text, unmarshalled, err)
		}
	}
}

func TestNewIDCountsUp(t *testing.T) {
	t.Parallel()
	const goroutines, each = 16, 2000
	var (
		mu  sync.Mutex
		all []int64
		wg  sync.WaitGroup
	)
	for range goroutines {
		wg.Go(func() {
			mine := make([]int64, 0, each)
			for range each / 2 {
				mine = append(mine, int64(engine.NewID[engine.EventID]()), int64(engine.NewID[engine.DeliveryID]()))
			}
			if !slices.IsSorted(mine) {
				t.Error("one goroutine got ids that do not count up")
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
		})
	}
	wg.Wait()
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != goroutines*each {
		t.Errorf("%d different ids, want %d", n, goroutines*each)
	}
	if last := engine.EventID(all[0]); last.Time().Before(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s was made at %s", last, last.Time())
	}
}

// TestIDTime makes no ids: on the clock of its bubble they would be of the year 2290, and the later ones of all tests too.
func TestIDTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The bubble's clock starts at 2000-01-01, before the ids' epoch.
		time.Sleep(time.Until(time.Date(2290, 5, 17, 12, 0, 0, 123456789, time.UTC)))
		at := time.Now()
		bound := engine.IDAt(at)
		want := at.Truncate(time.Millisecond)
		if got := engine.EventID(bound).Time(); !got.Equal(want) {
			t.Errorf("the bound at %s is of %s", at, got)
		}
		earlier := int64(engine.EventID(engine.IDAt(at.Add(-time.Millisecond))) + 1<<20 - 1) // the last one that can be made then
		if earlier >= bound {
			t.Errorf("an id of the millisecond before is %d, not less than the bound %d", earlier, bound)
		}
	})
	for at, want := range map[time.Time]int64{
		{}: 0,
		time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC):            0,
		time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC):                 0,
		time.Date(2025, 1, 1, 0, 0, 0, 1_999_999, time.UTC):         1 << 20,
		time.Date(9999, 12, 31, 23, 59, 59, 999, time.UTC):          (1<<43 - 1) << 20,
		time.Date(2303, 10, 1, 0, 0, 0, 0, time.UTC):                (1<<43 - 1) << 20,
		time.Date(2025, 1, 1, 0, 0, 1, 0, time.UTC):                 1000 << 20,
		time.Date(2025, 1, 1, 1, 0, 1, 0, time.FixedZone("", 3600)): 1000 << 20,
	} {
		if got := engine.IDAt(at); got != want {
			t.Errorf("IDAt(%s) = %d, want %d", at, got, want)
		}
	}
}

func TestPassID(t *testing.T) {
	t.Parallel()
	// A little ahead, as after a step of the clock; further would put the other tests' ids into the future.
	newest := engine.NewID[engine.EventID]() + 1<<20
	engine.PassID(int64(newest))
	engine.PassID(int64(newest) - 5)
	if id := engine.NewID[engine.EventID](); id <= newest {
		t.Errorf("%s was made after %s was passed", id, newest)
	}
}
