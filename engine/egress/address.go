package egress

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"code.dny.dev/ssrf"
)

// internalServices are networks in public space that lead to services inside a cloud, which registries do not list.
var internalServices = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's platform endpoint
	netip.MustParsePrefix("161.26.0.0/16"),    // IBM Cloud's services: name servers, time, mirrors
	netip.MustParsePrefix("166.8.0.0/14"),     // IBM Cloud's service endpoints
}

// BlockedError is the guard's refusal. Its text is for a person: it says what is refused and what would change it.
type BlockedError struct {
	// Host is the name that led to Addr; empty: the URL names the address itself.
	Host string
	// Addr is the refused address; the zero value: the URL is refused for another reason.
	Addr netip.Addr

	reason string
}

// Error names the address and the setting that would allow it.
func (e *BlockedError) Error() string {
	if !e.Addr.IsValid() {
		return e.reason
	}
	what := "connecting to " + e.Addr.String()
	if e.Host != "" {
		what += ", to which " + e.Host + " leads,"
	}
	return fmt.Sprintf("%s is not allowed: %s; to allow it start Labhook with --allow-networks %s/%d, or add it under Settings, Security",
		what, e.reason, e.Addr, e.Addr.BitLen())
}

func refuse(format string, args ...any) error {
	return &BlockedError{reason: fmt.Sprintf(format, args...)}
}

// Check returns a BlockedError unless the address may be connected to.
func (g *Guard) Check(addr netip.Addr) error { return g.check("", addr) }

// check is Check for an address to which a name leads.
func (g *Guard) check(host string, addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	switch {
	case g.allowed(addr):
		// Allowing NAT64 is about reaching public IPv4 addresses, not about a way around this check.
		if ssrf.IPv6NAT64Prefix.Contains(addr) && g.Check(embedded(addr)) != nil {
			return &BlockedError{Host: host, Addr: embedded(addr), reason: addr.String() + " stands for it, and it is no public address"}
		}
		return nil
	case g.guardian.SafeAddr(addr) != nil:
		return &BlockedError{Host: host, Addr: addr, reason: "it is no public address"}
	case g.own.has(addr):
		return &BlockedError{Host: host, Addr: addr, reason: "it is an address of this host"}
	}
	return nil
}

// allowed reports whether the operator named a network with the address.
func (g *Guard) allowed(addr netip.Addr) bool {
	has := func(p netip.Prefix) bool { return p.Contains(addr) }
	return slices.ContainsFunc(g.settings.Networks, has) || slices.ContainsFunc(g.more.Load().networks, has)
}

// embedded returns the IPv4 address that an address of the well-known NAT64 prefix stands for.
func embedded(addr netip.Addr) netip.Addr {
	bytes := addr.As16()
	return netip.AddrFrom4([4]byte(bytes[12:]))
}

// ownAge is for how long the host's own addresses are taken as known.
const ownAge = 30 * time.Second

// ownAddresses knows the addresses of this host. A public one is as much inside as loopback: services that listen on
// every interface answer there, and firewalls do not stand in between.
type ownAddresses struct {
	list func() ([]net.Addr, error)

	mu     sync.Mutex
	read   time.Time
	latest map[netip.Addr]bool
}

// has reports whether the address is one of the host's. Where the system does not tell, what it told before counts.
func (o *ownAddresses) has(addr netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.latest == nil || time.Since(o.read) >= ownAge {
		o.read = time.Now()
		if list, err := o.list(); err == nil {
			o.latest = make(map[netip.Addr]bool, len(list))
			for _, one := range list {
				if prefix, err := netip.ParsePrefix(one.String()); err == nil {
					o.latest[prefix.Addr().Unmap().WithZone("")] = true
				}
			}
		}
	}
	return o.latest[addr]
}
