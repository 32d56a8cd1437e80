package egress_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"labhook/engine/egress"
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{})
	tests := map[string]string{
		"0.0.0.0":                "this network",
		"0.255.255.255":          "this network",
		"10.0.0.1":               "private",
		"10.255.255.255":         "private",
		"172.16.0.1":             "private",
		"172.31.255.255":         "private",
		"192.168.0.1":            "private",
		"192.168.255.255":        "private",
		"100.64.0.1":             "carrier-grade NAT",
		"100.127.255.255":        "carrier-grade NAT",
		"100.100.100.200":        "metadata of Alibaba Cloud, in carrier-grade NAT",
		"127.0.0.1":              "loopback",
		"127.255.255.254":        "loopback",
		"169.254.0.1":            "link-local",
		"169.254.169.254":        "metadata of most clouds",
		"169.254.170.2":          "metadata of containers on AWS",
		"168.63.129.16":          "platform endpoint of Azure",
		"161.26.0.10":            "name server of IBM Cloud",
		"166.11.255.255":         "service endpoint of IBM Cloud",
		"192.0.0.192":            "metadata of Oracle Cloud",
		"192.0.2.1":              "documentation",
		"198.51.100.1":           "documentation",
		"203.0.113.1":            "documentation",
		"192.88.99.1":            "6to4 relays",
		"198.18.0.1":             "benchmarking",
		"198.19.255.255":         "benchmarking",
		"224.0.0.1":              "multicast",
		"239.255.255.255":        "multicast",
		"240.0.0.1":              "class E",
		"255.255.255.255":        "broadcast",
		"::":                     "unspecified",
		"::1":                    "loopback",
		"::7f00:1":               "IPv4-compatible loopback",
		"::ffff:127.0.0.1":       "IPv4-mapped loopback",
		"::ffff:10.0.0.1":        "IPv4-mapped private",
		"::ffff:169.254.169.254": "IPv4-mapped metadata",
		"::ffff:168.63.129.16":   "IPv4-mapped platform endpoint of Azure",
		"::ffff:0:127.0.0.1":     "IPv4-translated loopback",
		"64:ff9b::7f00:1":        "NAT64 of loopback",
		"64:ff9b::a00:1":         "NAT64 of private",
		"64:ff9b:1::1":           "local NAT64",
		"100::1":                 "discard",
		"2001::1":                "Teredo",
		"2001:2::1":              "benchmarking",
		"2001:10::1":             "ORCHID",
		"2001:20::1":             "ORCHIDv2",
		"2001:db8::1":            "documentation",
		"3fff::1":                "documentation",
		"2002:7f00:1::":          "6to4 of loopback",
		"2002:808:808::":         "6to4 of a public address",
		"64:ff9b::808:808":       "NAT64 of a public address",
		"2002:c0a8:1::1":         "6to4 of private",
		"fc00::1":                "unique local",
		"fd00:ec2::254":          "metadata of AWS",
		"fd20:ce::254":           "metadata of Google Cloud",
		"fe80::1":                "link-local",
		"fe80::1%eth0":           "link-local with a zone",
		"fec0::1":                "site-local",
		"ff02::1":                "multicast",
	}
	for text, what := range tests {
		addr := netip.MustParseAddr(text)
		err := guard.Check(addr)
		blocked, ok := errors.AsType[*egress.BlockedError](err)
		if !ok {
			t.Errorf("%s (%s): %v, want a refusal", text, what, err)
			continue
		}
		plain := addr.Unmap().WithZone("")
		if blocked.Addr != plain || !strings.Contains(err.Error(), fmt.Sprintf("--allow-networks %s/%d", plain, plain.BitLen())) {
			t.Errorf("%s (%s): the refusal names neither the address nor the setting: %v", text, what, err)
		}
	}
}

func TestCheckAllowsPublic(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{})
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"168.63.129.15", "168.63.129.17", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "193.0.0.1",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::200e", "2003::1",
	} {
		if err := guard.Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAllowedNetworkLetsThroughNothingMore(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{Networks: prefixes("10.20.0.0/16", "168.63.129.16/32", "fd12::/32")})
	tests := map[string]bool{
		"10.20.0.1": true, "10.20.255.255": true, "::ffff:10.20.0.1": true, "168.63.129.16": true, "fd12::1": true, "fd12::1%eth0": true, "8.8.8.8": true,
		"10.19.255.255": false, "10.21.0.0": false, "127.0.0.1": false, "fd13::1": false, "fd12:1::1": false, "::1": false,
		"64:ff9b::a14:1": false, "2002:a14:1::1": false, // 10.20.0.1 by NAT64 and 6to4
	}
	for text, want := range tests {
		if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestAllowedNAT64 checks that a network that reaches IPv4 by translation can be allowed without what is inside.
func TestAllowedNAT64(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{Networks: prefixes("64:ff9b::/96", "10.20.0.0/16")})
	for text, want := range map[string]bool{
		"64:ff9b::808:808": true, "64:ff9b::a14:1": true,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::808:808": false,
	} {
		if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	err := guard.Check(netip.MustParseAddr("64:ff9b::7f00:1"))
	if err == nil || !strings.Contains(err.Error(), "64:ff9b::7f00:1 stands for it") || !strings.Contains(err.Error(), "--allow-networks 127.0.0.1/32") {
		t.Errorf("refusal: %v", err)
	}
}

// TestOwnAddresses checks that this host is inside, whatever its addresses are.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{})
	guard.SetOwn("8.8.4.4/24", "2a00:1450::7/64")
	for _, text := range []string{"8.8.4.4", "::ffff:8.8.4.4", "2a00:1450::7", "2a00:1450::7%eth0"} {
		err := guard.Check(netip.MustParseAddr(text))
		if _, ok := errors.AsType[*egress.BlockedError](err); !ok || !strings.Contains(err.Error(), "it is an address of this host; to allow it start Labhook with --allow-networks") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"8.8.4.5", "2a00:1450::8"} {
		if err := guard.Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s beside it: %v", text, err)
		}
	}
	open := egress.New(egress.Settings{Networks: prefixes("8.8.4.4/32")})
	open.SetOwn("8.8.4.4/24")
	if err := open.Check(netip.MustParseAddr("8.8.4.4")); err != nil {
		t.Errorf("though allowed: %v", err)
	}
}

// TestRealOwnAddresses asks the system: whatever addresses this host has, none passes.
func TestRealOwnAddresses(t *testing.T) {
	t.Parallel()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	guard := egress.New(egress.Settings{})
	for _, one := range list {
		if err := guard.Check(netip.MustParsePrefix(one.String()).Addr()); err == nil {
			t.Errorf("%s of this host passes", one)
		}
	}
}
