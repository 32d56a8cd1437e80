package egress

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// CheckURL returns a BlockedError, whose text is for a person, when a webhook with this URL would be refused: for an
// address that its host is or leads to, its port, or its scheme. A name is resolved for LookupTimeout at most; one that
// is not known at the moment is not refused, for it may come to be, and warning says so.
func (g *Guard) CheckURL(ctx context.Context, u *url.URL) (warning string, err error) {
	if err := g.CheckWritten(u); err != nil {
		return "", err
	}
	lookup, cancel := context.WithTimeout(ctx, LookupTimeout)
	defer cancel()
	_, err = g.addresses(lookup, u.Hostname())
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("the name %s could not be resolved just now: %s", u.Hostname(), unknown.Err), nil
	}
	return "", err
}

// CheckWritten is as much of CheckURL as can be told without resolving a name.
func (g *Guard) CheckWritten(u *url.URL) error {
	if err := g.checkTarget(u); err != nil {
		return err
	}
	if _, err := g.checkPort(cmp.Or(u.Port(), defaultPort(u.Scheme))); err != nil {
		return err
	}
	_, _, err := g.written(u.Hostname())
	return err
}

// checkTarget holds what can be told of a URL without a look at its host: it costs nothing.
func (g *Guard) checkTarget(u *url.URL) error {
	if g.requiresHTTPS() && u.Scheme != "https" {
		return refuse("only https:// is allowed here; to allow %s:// start Labhook without --require-https, or switch it off under Settings, Security", u.Scheme)
	}
	if u.User != nil {
		return refuse("a user or password in the URL is not allowed")
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// addresses returns the addresses that a URL's host is or leads to, in the order in which to try them. If any of them
// is refused the host is, with a BlockedError: an attacker's name must not hide one address behind another. A
// net.DNSError says that the name is not known.
func (g *Guard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	name, found, err := g.written(host)
	if err != nil || found != nil {
		return found, err
	}
	found, err = g.resolver.LookupNetIP(ctx, "ip", name)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: name, IsNotFound: true}
	}
	if err != nil {
		return nil, err
	}
	for i, addr := range found {
		found[i] = addr.Unmap()
		if err := g.check(name, addr); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// written returns the addresses of a host that is written as one or that is this host's name, which are checked, or
// the name that is to be resolved.
func (g *Guard) written(host string) (name string, addrs []netip.Addr, err error) {
	name = plainHost(host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return "", []netip.Addr{addr.Unmap()}, g.Check(addr)
	}
	switch {
	case name == "localhost" || strings.HasSuffix(name, ".localhost"):
		addrs, err = g.localhost(name)
		return "", addrs, err
	case endsInNumber(name):
		return "", nil, g.oddSpelling(name)
	case strings.HasSuffix(host, "."):
		name += "." // so that nothing is appended to it
	}
	return name, nil, nil
}

// localhost returns the addresses of this host that are allowed. No name server is asked: the name means this host,
// whatever one says (RFC 6761).
func (g *Guard) localhost(host string) ([]netip.Addr, error) {
	both := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	allowed := slices.DeleteFunc(slices.Clone(both), func(addr netip.Addr) bool { return g.Check(addr) != nil })
	if len(allowed) == 0 {
		return nil, g.check(host, both[0])
	}
	return allowed, nil
}

// plainHost returns a URL's host as it is dialled: what is not ASCII is converted as the transport does, which makes
// addresses of "１２７.0.0.1" and "127。0。0。1", and the dot at the end is dropped.
func plainHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = strings.TrimSuffix(ascii, ".")
	}
	return host
}

// oddSpelling returns why a host is refused that is meant as an IPv4 address but not written as one.
func (g *Guard) oddSpelling(host string) error {
	addr, ok := parseNumbers(host)
	if !ok {
		return refuse("%s is neither an address nor a name", host)
	}
	if err := g.Check(addr); err != nil {
		return err
	}
	return refuse("write the address %s as %s", host, addr)
}

// endsInNumber reports whether a host is meant as an IPv4 address, as browsers decide it: no name ends in a number.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return last != ""
	}
	hex, ok := strings.CutPrefix(last, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

// parseNumbers reads an IPv4 address as old C libraries do: one to four numbers, decimal, octal or hexadecimal, the
// last of which fills what is left. "127.1", "0x7f.1" and "2130706433" are all 127.0.0.1.
func parseNumbers(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, part := range parts {
		base := 10
		switch {
		case strings.HasPrefix(part, "0x"):
			part, base = "0"+part[2:], 16
		case len(part) > 1 && part[0] == '0':
			base = 8
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		n, err := strconv.ParseUint(part, base, bits)
		if err != nil {
			return netip.Addr{}, false
		}
		v = v<<bits | n
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(v)))), true
}
