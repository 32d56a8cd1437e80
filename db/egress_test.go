package db

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"labhook/engine"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// egressList returns a list of these lines.
func egressList(t *testing.T, lines string) engine.EgressList {
	t.Helper()
	entries, bad := engine.ParseEgressEntries(lines)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return engine.EgressList{Entries: entries}
}

// comparePrefix lets cmp compare addresses.
var comparePrefix = cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})

func TestEgressList(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	none, err := s.Egress(t.Context())
	must(t, err)
	if none.Version != 0 || len(none.Entries) != 0 {
		t.Errorf("nothing was declared: %+v", none)
	}

	l := egressList(t, "2001:db8::7\n198.51.100.7 main\n198.51.100.7")
	l.Public, l.EchoURL = true, "https://echo.example.com/"
	l.ValidUntil = time.Date(2027, 6, 30, 18, 0, 0, 7, time.FixedZone("CEST", 7200))
	first, err := s.SetEgress(t.Context(), dana, l)
	must(t, err)
	if first.Version != 1 || first.UpdatedBy != dana.Name || first.UpdatedAt.IsZero() || !first.Public || first.EchoURL != l.EchoURL {
		t.Errorf("stored %+v", first)
	}
	if got := engine.FormatEgressEntries(first.Entries); got != "198.51.100.7 main\n2001:db8::7" {
		t.Errorf("stored\n%s", got)
	}
	if want := time.Date(2027, 6, 30, 16, 0, 0, 0, time.UTC); !first.ValidUntil.Equal(want) {
		t.Errorf("valid until %s, want %s", first.ValidUntil, want)
	}
	read, err := s.Egress(t.Context())
	must(t, err)
	if diff := cmp.Diff(first, read, comparePrefix); diff != "" {
		t.Errorf("read back (-stored +read):\n%s", diff)
	}

	// A label, the switch and the echo URL are no change of the addresses.
	next := egressList(t, "198.51.100.7 other\n2001:db8::7")
	next.Version, next.ValidUntil = first.Version, first.ValidUntil
	second, err := s.SetEgress(t.Context(), engine.Actor{Name: "Robin"}, next)
	must(t, err)
	if second.Version != 2 || !second.UpdatedAt.Equal(first.UpdatedAt) || second.UpdatedBy != dana.Name || len(second.Changes) != 1 || second.Public {
		t.Errorf("second: %+v", second)
	}
	next = egressList(t, "198.51.100.8")
	next.Version = second.Version
	third, err := s.SetEgress(t.Context(), engine.Actor{Name: "Robin"}, next)
	must(t, err)
	want := engine.EgressChange{
		At: third.UpdatedAt, By: "Robin", Added: []netip.Prefix{netip.MustParsePrefix("198.51.100.8/32")},
		Removed: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8::7/128")},
	}
	if diff := cmp.Diff(want, third.Changes[0], comparePrefix); diff != "" || len(third.Changes) != 2 || !third.ValidUntil.IsZero() {
		t.Errorf("latest change (-want +got):\n%s", diff)
	}

	audit, err := s.ListAudit(t.Context(), 1)
	must(t, err)
	const detail = "- 198.51.100.7 other\n- 2001:db8::7\n+ 198.51.100.8\nvalid_until: 2027-06-30T16:00:00Z → never"
	if audit[0].Action != "egress.update" || audit[0].Who.Name != "Robin" || audit[0].Detail != detail {
		t.Errorf("audit: %+v", audit[0])
	}
	next.Version = third.Version
	same, err := s.SetEgress(t.Context(), dana, next)
	must(t, err)
	again, err := s.ListAudit(t.Context(), 1)
	must(t, err)
	if same.Version != third.Version || again[0].ID != audit[0].ID {
		t.Error("saving the same list is a change")
	}
}

func TestEgressListIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	_, err := s.SetEgress(t.Context(), dana, engine.EgressList{Public: true})
	checkInvalid(t, err, "public")
	l := egressList(t, "198.51.100.7")
	_, err = s.SetEgress(t.Context(), dana, l)
	must(t, err)
	if _, err := s.SetEgress(t.Context(), dana, egressList(t, "198.51.100.8")); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a list that was read before the last change: %v, want ErrConflict", err)
	}
	got, err := s.Egress(t.Context())
	must(t, err)
	if text := engine.FormatEgressEntries(got.Entries); text != "198.51.100.7" {
		t.Errorf("stored %s", text)
	}
}

// TestLargestEgressList changes a list of the largest size again and again: what is stored stays bounded.
func TestLargestEgressList(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	version := 0
	for round := range engine.MaxEgressChanges + 5 {
		var lines strings.Builder
		for i := range engine.MaxEgressEntries {
			fmt.Fprintf(&lines, "2001:db8:ffff:ffff:ffff:%x:ffff:%x %s\n", 0x8000+round, 0x8000+2*i, strings.Repeat("x", engine.MaxEgressLabel))
		}
		l := egressList(t, lines.String())
		l.Version = version
		stored, err := s.SetEgress(t.Context(), dana, l)
		must(t, err)
		version = stored.Version
	}
	got, err := s.Egress(t.Context())
	must(t, err)
	if len(got.Entries) != engine.MaxEgressEntries || len(got.Changes) != engine.MaxEgressChanges {
		t.Errorf("%d entries, %d changes", len(got.Entries), len(got.Changes))
	}
	text, err := s.Setting(t.Context(), egressKey)
	must(t, err)
	if most := 1 << 20; len(text) > most {
		t.Errorf("the setting has %d bytes, at most %d are wanted", len(text), most)
	}
}

func TestEgressSeen(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	seen, err := s.EgressSeen(t.Context())
	must(t, err)
	if seen != (engine.EgressSeen{}) {
		t.Errorf("nobody asked yet: %+v", seen)
	}
	for _, tt := range []struct {
		seen   engine.EgressSeen
		detail string
	}{
		{engine.EgressSeen{At: start, Address: netip.MustParseAddr("198.51.100.7")}, "address: 198.51.100.7"},
		{engine.EgressSeen{At: start.Add(time.Hour), Problem: "The answer is no address"}, "The answer is no address"},
	} {
		must(t, s.SetEgressSeen(t.Context(), dana, tt.seen))
		got, err := s.EgressSeen(t.Context())
		must(t, err)
		if got != tt.seen {
			t.Errorf("read back %+v, want %+v", got, tt.seen)
		}
		audit, err := s.ListAudit(t.Context(), 1)
		must(t, err)
		if audit[0].Action != "egress.check" || audit[0].Detail != tt.detail {
			t.Errorf("audit: %+v", audit[0])
		}
	}
}
