package egress

import (
	"net"
	"net/netip"

	"code.dny.dev/ssrf"
)

// outside are addresses to which every host with a way out has a route: name servers of the internet's root.
var outside = []netip.AddrPort{
	netip.MustParseAddrPort("198.41.0.4:53"), netip.MustParseAddrPort("[2001:503:ba3e::2:30]:53"),
}

// Public reports whether an address is one of the public internet, and not one that a router on the way replaces.
func Public(addr netip.Addr) bool {
	return ssrf.New().SafeAddr(addr.Unmap().WithZone("")) == nil
}

// Sources returns the addresses of this host from which connections to the public internet begin, at most one of each
// family: those of the settings, else those that the system would choose. Nothing is sent. What receivers see is
// something else where a router or a proxy stands in between.
func (g *Guard) Sources() []netip.Addr {
	if len(g.settings.Sources) > 0 {
		return g.settings.Sources
	}
	var list []netip.Addr
	for _, to := range outside {
		if addr, ok := sourceFor(to); ok {
			list = append(list, addr)
		}
	}
	return list
}

// sourceFor asks the system from which address it would send to another one. Connecting a UDP socket is that question
// and nothing more.
func sourceFor(to netip.AddrPort) (netip.Addr, bool) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, false // no route
	}
	defer conn.Close()
	from, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return from.Addr().Unmap().WithZone(""), err == nil
}
