// Package egress is the guarded way out: the HTTP transport of the senders, which refuses to connect to
// addresses inside the network unless the operator allowed them. The check is made on the address actually
// dialled, after the name was resolved, so that no name can lead around it.
//
// Place in the flow: engine sends every attempt through Transport; web asks CheckURL the same question on save.
package egress

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// Limits of the connections.
const (
	MaxIdlePerHost = 64               // connections kept open to one host
	MaxIdle        = 512              // connections kept open in all
	IdleTimeout    = 60 * time.Second // after which an unused connection is closed
	// ConnectTimeout bounds the opening of a connection, which may outlive the attempt that asked for it.
	ConnectTimeout = 30 * time.Second
)

// azureWireServer is a metadata address in public space (Azure's platform endpoint), which registries do not list.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

// Guard decides which addresses may be connected to. It is safe for concurrent use.
type Guard struct {
	allowed  []netip.Prefix
	guardian *ssrf.Guardian
}

// NewGuard returns a guard that refuses every special address but those in allowed. Any port is allowed.
func NewGuard(allowed []netip.Prefix) *Guard {
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return &Guard{allowed: allowed, guardian: ssrf.New(
		ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...),
		ssrf.WithDeniedV4Prefixes(azureWireServer),
	)}
}

// Allowed returns the networks that the operator allowed.
func (g *Guard) Allowed() []netip.Prefix { return g.allowed }

// BlockedError is the guard's refusal of an address.
type BlockedError struct{ Addr netip.Addr }

// Error names the address and the setting that would allow it.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("connecting to %s is not allowed: it is no public address; to allow it start Labhook with --allow-networks %s/%d",
		e.Addr, e.Addr, e.Addr.BitLen())
}

// Check returns a BlockedError unless the address may be connected to.
func (g *Guard) Check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	network := "tcp4"
	if addr.Is6() {
		network = "tcp6"
	}
	if g.guardian.Safe(network, netip.AddrPortFrom(addr, 443).String(), nil) != nil {
		return &BlockedError{Addr: addr}
	}
	return nil
}

// CheckURL returns an error, whose text is for a person, when the URL's host is written as an address that may not
// be connected to (a BlockedError), in an unusual spelling of an address, or as a name of this host itself. Other
// names are checked when they are dialled.
func (g *Guard) CheckURL(u *url.URL) error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	// What the transport does with a name that is not ASCII: "１２７.0.0.1" and "127。0。0。1" become addresses.
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = strings.TrimSuffix(ascii, ".")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.Check(addr)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return g.Check(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	if !endsInNumber(host) {
		return nil
	}
	addr, ok := parseNumbers(host)
	if !ok {
		return fmt.Errorf("%s is neither an address nor a name", host)
	}
	if err := g.Check(addr); err != nil {
		return err
	}
	return fmt.Errorf("write the address %s as %s", host, addr)
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

// control is called with each address that is about to be dialled.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read dialled address %q: %w", address, err)
	}
	return g.Check(ap.Addr())
}

// Transport returns the transport of the senders: guarded, TLS 1.2 or later, no proxy, answers not decompressed
// so that what is kept is what was sent. maxHeaderBytes caps an answer's header.
func (g *Guard) Transport(maxHeaderBytes int64) *http.Transport {
	dialer := &net.Dialer{ControlContext: g.control, Timeout: ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    ConnectTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           MaxIdle,
		MaxIdleConnsPerHost:    MaxIdlePerHost,
		IdleConnTimeout:        IdleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}
