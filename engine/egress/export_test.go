package egress

import (
	"context"
	"net"
	"net/netip"
)

// SetOwn makes the guard take these, written as "192.0.2.1/24", for the addresses of this host.
func (g *Guard) SetOwn(texts ...string) {
	var list []net.Addr
	for _, text := range texts {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			panic(err)
		}
		list = append(list, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	g.own.list = func() ([]net.Addr, error) { return list, nil }
}

// DialAny connects to one of the addresses.
func (g *Guard) DialAny(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	return dialAny(ctx, addrs, port, func(ctx context.Context, ap netip.AddrPort) (net.Conn, error) {
		return g.dialOne(ctx, ap, g.control)
	})
}

// DialUnchecked connects to an address that nobody checked before.
func (g *Guard) DialUnchecked(ctx context.Context, ap netip.AddrPort) (net.Conn, error) {
	return g.dialOne(ctx, ap, g.control)
}
