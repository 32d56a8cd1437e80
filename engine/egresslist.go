package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of the list of addresses that receivers must allow.
const (
	MaxEgressEntries = 256 // addresses and networks
	MaxEgressLabel   = 100 // characters
	MaxEgressChanges = 20  // changes that are remembered beside the audit log
	// The widest networks that may be declared. Whoever allows more has no list any more.
	MinEgressBits4 = 8
	MinEgressBits6 = 16
)

// maxEgressProblems is how many wrong lines are named at once; the text may be something else altogether.
const maxEgressProblems = 10

// EgressEntry is an address, as a network of one, or a network from which requests leave.
type EgressEntry struct {
	Network netip.Prefix // without host bits; never an IPv4 address in an IPv6 one
	Label   string       // for people; may be empty
}

// EgressChange is one change of the addresses.
type EgressChange struct {
	At             time.Time
	By             string
	Added, Removed []netip.Prefix
}

// EgressList is what administrators say about the addresses from which requests reach receivers. The server cannot
// know them by itself: a router or a proxy on the way may put its own in their place.
type EgressList struct {
	Entries    []EgressEntry // ordered, IPv4 first, without duplicates
	Public     bool          // whoever has no account may read them, too
	ValidUntil time.Time     // they may change after that; zero: not said
	EchoURL    string        // answers with the address that it is asked from; empty: none
	Version    int           // counts up with each change; 0: nothing was declared yet
	UpdatedAt  time.Time     // of the latest change of the addresses or their validity
	UpdatedBy  string
	Changes    []EgressChange // of the addresses, newest first, at most MaxEgressChanges
}

// EgressSeen is what came of asking the echo URL.
type EgressSeen struct {
	At      time.Time
	Address netip.Addr // not valid: the question failed
	Problem string     // why it failed, as a sentence without a full stop
}

// Normalize puts the entries in order and leaves out duplicates: of two with the same network the first one that has
// a label stays.
func (l *EgressList) Normalize() {
	l.Entries = slices.Clone(l.Entries)
	slices.SortStableFunc(l.Entries, func(a, b EgressEntry) int { return a.Network.Compare(b.Network) })
	var kept []EgressEntry
	for _, e := range l.Entries {
		last := len(kept) - 1
		if last < 0 || kept[last].Network != e.Network {
			kept = append(kept, e)
		} else if kept[last].Label == "" {
			kept[last].Label = e.Label
		}
	}
	l.Entries = kept
}

// Validate returns an InvalidError that names every field that breaks a rule.
func (l *EgressList) Validate() error {
	var bad InvalidError
	if n := len(l.Entries); n > MaxEgressEntries {
		bad.add("addresses", "There may be at most %d addresses and networks, these are %d; declare networks in the place of addresses", MaxEgressEntries, n)
	}
	for i, e := range l.Entries {
		field := fmt.Sprintf("addresses[%d]", i)
		if err := checkEgressNetwork(e.Network); err != nil {
			bad.add(field, "%s", err)
		}
		bad.checkLine(field, "The label of "+PrefixText(e.Network), e.Label, MaxEgressLabel)
	}
	if l.Public && len(l.Entries) == 0 {
		bad.add("public", "Enter the addresses first: receivers would read from an empty list that they need not allow any")
	}
	if l.EchoURL != "" {
		bad.checkEchoURL(l.EchoURL)
	}
	return bad.orNil()
}

func (e *InvalidError) checkEchoURL(text string) {
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxURL:
		e.add("echo_url", "The URL may have at most %d bytes", MaxURL)
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Fragment != "":
		e.add("echo_url", "Enter a URL such as https://echo.example.com/, or nothing")
	case u.User != nil:
		e.add("echo_url", "Leave the user name and password out of the URL: it is shown to everybody who may see this page")
	}
}

// Networks returns the networks of the entries, in their order.
func (l *EgressList) Networks() []netip.Prefix {
	list := make([]netip.Prefix, len(l.Entries))
	for i, e := range l.Entries {
		list[i] = e.Network
	}
	return list
}

// Contains reports whether the address is among the declared ones.
func (l *EgressList) Contains(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(l.Entries, func(e EgressEntry) bool { return e.Network.Contains(addr) })
}

// ParseEgressEntries reads addresses and networks, one a line, each of which may be followed by a label. Empty lines
// and lines that begin with # are left out. The problems are about the field addresses and name the line.
func ParseEgressEntries(text string) ([]EgressEntry, []Invalid) {
	var entries []EgressEntry
	var bad InvalidError
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		address, label := line, ""
		if i := strings.IndexAny(line, " \t#"); i > 0 {
			address, label = line[:i], strings.TrimSpace(strings.TrimLeft(line[i:], " \t#"))
		}
		network, err := parseEgressNetwork(address)
		if err != nil {
			if bad.add("addresses", "Line %d: %s", number, err); len(bad) == maxEgressProblems {
				break
			}
			continue
		}
		entries = append(entries, EgressEntry{Network: network, Label: label})
	}
	return entries, bad
}

// FormatEgressEntries writes entries as ParseEgressEntries reads them.
func FormatEgressEntries(entries []EgressEntry) string {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = strings.TrimSpace(PrefixText(e.Network) + " " + e.Label)
	}
	return strings.Join(lines, "\n")
}

// parseEgressNetwork reads an address or a network; the error is a sentence for a person.
func parseEgressNetwork(text string) (netip.Prefix, error) {
	addr, err := netip.ParseAddr(text)
	if err == nil && addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("leave out the zone %%%s: it means something on this host only", addr.Zone())
	}
	if err == nil {
		addr = addr.Unmap()
		network := netip.PrefixFrom(addr, addr.BitLen())
		return network, checkEgressNetwork(network)
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, fmt.Errorf("%q is neither an address such as 198.51.100.7 nor a network such as 198.51.100.0/28", text)
	}
	return network, checkEgressNetwork(network)
}

// checkEgressNetwork returns an error, which is a sentence for a person, unless requests may come from the network.
func checkEgressNetwork(network netip.Prefix) error {
	addr, least := network.Addr(), MinEgressBits4
	if addr.Is6() {
		least = MinEgressBits6
	}
	switch {
	case !network.IsValid():
		return errors.New("there is no address")
	case addr.Is4In6():
		return fmt.Errorf("write %s as an IPv4 address", network)
	case network != network.Masked():
		return fmt.Errorf("%s is an address inside of %s: write %s for the address or %s for the network", network, network.Masked(), addr, network.Masked())
	case network.Bits() < least:
		return fmt.Errorf("%s is too wide to be a list of addresses; the widest network is a /%d", network, least)
	case addr.IsUnspecified(), addr.IsMulticast(), network == netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32):
		return fmt.Errorf("no request comes from %s", PrefixText(network))
	}
	return nil
}

// PrefixText writes an address without the length that it has as a network.
func PrefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// Aggregate returns the fewest networks that hold the same addresses as the given ones, in order, IPv4 first. It
// leaves out what lies inside another one, and joins halves.
func Aggregate(networks []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(networks)
	for i := range sorted {
		sorted[i] = sorted[i].Masked()
	}
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range sorted {
		if n := len(out); n > 0 && out[n-1].Overlaps(p) {
			continue // a wider network sorts before what lies inside it
		}
		out = append(out, p)
		for len(out) > 1 {
			n := len(out)
			joined, ok := join(out[n-2], out[n-1])
			if !ok {
				break
			}
			out = append(out[:n-2], joined)
		}
	}
	return out
}

// join returns the network of which a and b are the halves, in this order.
func join(a, b netip.Prefix) (netip.Prefix, bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a.Addr().BitLen() != b.Addr().BitLen() {
		return netip.Prefix{}, false
	}
	whole := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return whole, whole.Addr() == a.Addr() && whole.Contains(b.Addr())
}
