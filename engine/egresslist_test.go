package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

func TestParseEgressEntries(t *testing.T) {
	t.Parallel()
	const text = "# our addresses\r\n198.51.100.7 first host\r\n\r\n  2001:db8::7\t# office \n::ffff:198.51.100.8\n198.51.100.16/28#pool\n2001:DB8:0:1::/64\n203.0.113.0/32"
	entries, bad := engine.ParseEgressEntries(text)
	const want = "198.51.100.7 first host\n2001:db8::7 office\n198.51.100.8\n198.51.100.16/28 pool\n2001:db8:0:1::/64\n203.0.113.0"
	if got := engine.FormatEgressEntries(entries); got != want || len(bad) > 0 {
		t.Errorf("got\n%s\nproblems %v", got, bad)
	}
}

func TestEgressAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hooks.example.com":       `"hooks.example.com" is neither an address such as 198.51.100.7 nor a network such as 198.51.100.0/28`,
		"198.51.100":              "neither an address",
		"198.51.100.007":          "neither an address",
		"198.51.100.7/33":         "neither an address",
		"198.51.100.7,10.0.0.1":   "neither an address",
		"https://198.51.100.7":    "neither an address",
		"198.51.100.7/28":         "198.51.100.7/28 is an address inside of 198.51.100.0/28: write 198.51.100.7 for the address or 198.51.100.0/28 for the network",
		"fe80::1%eth0":            "leave out the zone %eth0",
		"::ffff:198.51.100.0/120": "write ::ffff:198.51.100.0/120 as an IPv4 address",
		"0.0.0.0/0":               "too wide",
		"10.0.0.0/7":              "the widest network is a /8",
		"::/0":                    "the widest network is a /16",
		"0.0.0.0":                 "no request comes from 0.0.0.0",
		"::":                      "no request comes from ::",
		"255.255.255.255":         "no request comes from 255.255.255.255",
		"224.0.0.1":               "no request comes from 224.0.0.1",
		"ff02::1":                 "no request comes from ff02::1",
	} {
		entries, bad := engine.ParseEgressEntries("198.51.100.1\n" + text)
		if len(bad) != 1 || bad[0].Field != "addresses" || !strings.HasPrefix(bad[0].Message, "Line 2: ") || !strings.Contains(bad[0].Message, want) || len(entries) != 1 {
			t.Errorf("%s: %v", text, bad)
		}
	}
	if _, bad := engine.ParseEgressEntries(strings.Repeat("x\n", 1000)); len(bad) != 10 {
		t.Errorf("%d lines of something else are named", len(bad))
	}
}

func TestEgressListValidate(t *testing.T) {
	t.Parallel()
	entry := func(i int) engine.EgressEntry {
		return engine.EgressEntry{Network: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 32)}
	}
	var most engine.EgressList
	for i := range engine.MaxEgressEntries {
		most.Entries = append(most.Entries, entry(i))
	}
	most.Public, most.EchoURL, most.ValidUntil = true, "https://echo.example.com/ip?plain=1", time.Now()
	most.Entries[0].Label = strings.Repeat("é", engine.MaxEgressLabel)
	if err := most.Validate(); err != nil {
		t.Errorf("a list at its limits: %v", err)
	}
	for name, tt := range map[string]struct {
		list  engine.EgressList
		field string
	}{
		"too many":        {engine.EgressList{Entries: append(slices.Clone(most.Entries), entry(engine.MaxEgressEntries))}, "addresses"},
		"no network":      {engine.EgressList{Entries: []engine.EgressEntry{{}}}, "addresses[0]"},
		"host bits":       {engine.EgressList{Entries: []engine.EgressEntry{{Network: netip.MustParsePrefix("198.51.100.7/24")}}}, "addresses[0]"},
		"long label":      {engine.EgressList{Entries: []engine.EgressEntry{{Network: entry(1).Network, Label: strings.Repeat("é", engine.MaxEgressLabel+1)}}}, "addresses[0]"},
		"control":         {engine.EgressList{Entries: []engine.EgressEntry{{Network: entry(1).Network, Label: "a\x00"}}}, "addresses[0]"},
		"nothing public":  {engine.EgressList{Public: true}, "public"},
		"no URL":          {engine.EgressList{EchoURL: "echo.example.com"}, "echo_url"},
		"other scheme":    {engine.EgressList{EchoURL: "file:///etc/passwd"}, "echo_url"},
		"user in the URL": {engine.EgressList{EchoURL: "https://a:b@echo.example.com"}, "echo_url"},
		"fragment":        {engine.EgressList{EchoURL: "https://echo.example.com/#x"}, "echo_url"},
		"long URL":        {engine.EgressList{EchoURL: "https://echo.example.com/" + strings.Repeat("x", engine.MaxURL)}, "echo_url"},
	} {
		bad, _ := tt.list.Validate().(engine.InvalidError)
		if len(bad) != 1 || bad[0].Field != tt.field {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

func TestEgressListNormalize(t *testing.T) {
	t.Parallel()
	entries, _ := engine.ParseEgressEntries("2001:db8::/64\n198.51.100.7\n198.51.100.10 ten\n2001:db8:: one\n198.51.100.7 seven\n198.51.100.10 ten again\n198.51.100.0/24")
	l := engine.EgressList{Entries: entries}
	l.Normalize()
	const want = "198.51.100.0/24\n198.51.100.7 seven\n198.51.100.10 ten\n2001:db8::/64\n2001:db8:: one"
	if got := engine.FormatEgressEntries(l.Entries); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for text, want := range map[string]bool{
		"198.51.100.9": true, "::ffff:198.51.100.9": true, "198.51.101.9": false, "2001:db8::1%eth0": true, "2001:db8:0:1::1": false,
	} {
		if got := l.Contains(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is in the list: %t", text, got)
		}
	}
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"":                                "",
		"198.51.100.7/32":                 "198.51.100.7/32",
		"198.51.100.6/32 198.51.100.7/32": "198.51.100.6/31",
		"198.51.100.7/32 198.51.100.8/32": "198.51.100.7/32 198.51.100.8/32", // neighbours, but no halves
		"198.51.100.7/32 198.51.100.0/24": "198.51.100.0/24",
		"198.51.100.3/32 198.51.100.1/32 198.51.100.0/32 198.51.100.2/32": "198.51.100.0/30",
		"0.0.0.0/1 128.0.0.0/1 2001:db8::/128 2001:db8::1/128":            "0.0.0.0/0 2001:db8::/127",
	} {
		var networks []netip.Prefix
		for text := range strings.FieldsSeq(from) {
			networks = append(networks, netip.MustParsePrefix(text))
		}
		if got := strings.Trim(fmt.Sprint(engine.Aggregate(networks)), "[]"); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}

// TestAggregateProperties compares the networks with a set of all addresses, of a space so small that it can be written
// down: the last byte of an IPv4 or IPv6 address.
func TestAggregateProperties(t *testing.T) {
	t.Parallel()
	spaces := []netip.Addr{netip.MustParseAddr("198.51.100.0"), netip.MustParseAddr("2001:db8::")}
	network := rapid.Custom(func(t *rapid.T) netip.Prefix {
		space := spaces[rapid.IntRange(0, 1).Draw(t, "family")]
		bytes := space.AsSlice()
		bytes[len(bytes)-1] = rapid.Byte().Draw(t, "last byte")
		addr, _ := netip.AddrFromSlice(bytes)
		return netip.PrefixFrom(addr, addr.BitLen()-rapid.IntRange(0, 8).Draw(t, "free bits")).Masked()
	})
	set := func(networks []netip.Prefix) (all [2][256]bool) {
		for family, space := range spaces {
			for i := range 256 {
				bytes := space.AsSlice()
				bytes[len(bytes)-1] = byte(i)
				addr, _ := netip.AddrFromSlice(bytes)
				all[family][i] = slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
			}
		}
		return all
	}
	rapid.Check(t, func(t *rapid.T) {
		networks := rapid.SliceOfN(network, 0, 40).Draw(t, "networks")
		before := slices.Clone(networks)
		got := engine.Aggregate(networks)
		if !slices.Equal(networks, before) {
			t.Fatal("the given networks were changed")
		}
		if set(got) != set(networks) {
			t.Fatalf("%v holds other addresses", got)
		}
		if diff := cmp.Diff(fmt.Sprint(got), fmt.Sprint(engine.Aggregate(got))); diff != "" {
			t.Fatalf("not the fewest (-got +again):\n%s", diff)
		}
		if n := fewest(set(networks)); len(got) != n {
			t.Fatalf("%d networks, %d would do: %v", len(got), n, got)
		}
		if !slices.IsSortedFunc(got, netip.Prefix.Compare) {
			t.Fatalf("not in order: %v", got)
		}
	})
}

// fewest counts the networks that a set of addresses takes at least: those blocks that are full and whose double is not.
func fewest(all [2][256]bool) int {
	n := 0
	for _, space := range all {
		full := func(at, size int) bool { return !slices.Contains(space[at:at+size], false) }
		for size := 1; size <= 256; size *= 2 {
			for at := 0; at < 256; at += size {
				double := size * 2
				if full(at, size) && (double > 256 || !full(at/double*double, double)) {
					n++
				}
			}
		}
	}
	return n
}

func FuzzParseEgressEntries(f *testing.F) {
	f.Add("198.51.100.7 a\n2001:db8::/64 # b\n#c")
	f.Add("::ffff:1.2.3.4\n1.2.3.4/24\nfe80::1%1")
	f.Fuzz(func(t *testing.T, text string) {
		entries, bad := engine.ParseEgressEntries(text)
		if len(bad) > 0 {
			return
		}
		l := engine.EgressList{Entries: entries}
		l.Normalize()
		if l.Validate() != nil {
			return // a label or the number of entries
		}
		again, bad := engine.ParseEgressEntries(engine.FormatEgressEntries(l.Entries))
		if len(bad) > 0 || !slices.Equal(again, l.Entries) {
			t.Errorf("%v is read back as %v, %v", l.Entries, again, bad)
		}
	})
}
