package egress_test

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"labhook/engine/egress"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "::ffff:8.8.8.8": true, "2606:4700::1111": true,
		"10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "192.168.1.5": false, "fd00::1": false, "fe80::1%eth0": false, "203.0.113.1": false,
	} {
		if got := egress.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %t", text, got)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	set := []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7")}
	if got := egress.New(egress.Settings{Sources: set}).Sources(); !slices.Equal(got, set) {
		t.Errorf("with source addresses: %v, want %v", got, set)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	families := map[bool]int{}
	for _, addr := range egress.New(egress.Settings{}).Sources() {
		families[addr.Is4()]++
		isOwn := slices.ContainsFunc(own, func(a net.Addr) bool {
			network, err := netip.ParsePrefix(a.String())
			return err == nil && network.Addr().WithZone("") == addr
		})
		if !isOwn {
			t.Errorf("%s is none of this host's addresses %v", addr, own)
		}
	}
	if families[true] > 1 || families[false] > 1 {
		t.Errorf("more than one address of a family: %v", families)
	}
}
