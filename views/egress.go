package views

import (
	"net/netip"
	"net/url"
	"slices"

	"labhook/engine"
)

// EgressDetail is the page of the addresses that receivers must allow.
type EgressDetail struct {
	Page  Page
	List  engine.EgressList
	Route EgressRoute
	Seen  engine.EgressSeen // zero: nobody asked yet
}

// EgressRoute is what the server knows of the way on which its requests leave.
type EgressRoute struct {
	Proxy   string         // address of the forward proxy, without user and password; empty: none
	Sources []EgressSource // of this host, at most one of each family; none behind a proxy
}

// EgressSource is an address of this host from which requests begin.
type EgressSource struct {
	Address netip.Addr
	Set     bool // by the operator, and not chosen by the system
	Public  bool // receivers see it, unless a router in between replaces it nevertheless
}

// EgressWarning says in a sentence that receivers may see an address that is not in the list; "" while nothing is known
// to be wrong. An empty list warns of nothing: it promises nothing.
func EgressWarning(l *engine.EgressList, route EgressRoute, seen engine.EgressSeen) string {
	if len(l.Entries) == 0 {
		return ""
	}
	if seen.Address.IsValid() && !l.Contains(seen.Address) {
		return "The last check saw requests come from " + seen.Address.String() + ", which is not in the list."
	}
	for _, s := range route.Sources {
		if s.Public && !l.Contains(s.Address) {
			return "This host sends from " + s.Address.String() + ", which is not in the list."
		}
	}
	return ""
}

// undeclared are the addresses that are known to be used and are not in the list.
func (d EgressDetail) undeclared() []netip.Addr {
	var list []netip.Addr
	add := func(addr netip.Addr) {
		if !d.List.Contains(addr) && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	if d.Seen.Address.IsValid() {
		add(d.Seen.Address)
	}
	for _, s := range d.Route.Sources {
		if s.Public {
			add(s.Address)
		}
	}
	return list
}

// hidden reports whether receivers may see another address than any of this host.
func (r EgressRoute) hidden() bool {
	return !slices.ContainsFunc(r.Sources, func(s EgressSource) bool { return s.Public })
}

// expired reports whether the list was good until a time that has passed.
func (d EgressDetail) expired() bool {
	return !d.List.ValidUntil.IsZero() && d.List.ValidUntil.Before(d.Page.Now)
}

// aggregated is the list as the fewest networks; nil when the list is that already.
func (d EgressDetail) aggregated() []netip.Prefix {
	networks := engine.Aggregate(d.List.Networks())
	if slices.Equal(networks, d.List.Networks()) {
		return nil
	}
	return networks
}

// family returns the networks of one family.
func (d EgressDetail) family(v4 bool) []netip.Prefix {
	return slices.DeleteFunc(d.List.Networks(), func(p netip.Prefix) bool { return p.Addr().Is4() != v4 })
}

// labelled are the entries that have a label.
func (d EgressDetail) labelled() []engine.EgressEntry {
	return slices.DeleteFunc(slices.Clone(d.List.Entries), func(e engine.EgressEntry) bool { return e.Label == "" })
}

// echoHost is the host of the echo URL, which may have more in it than everybody should read.
func (d EgressDetail) echoHost() string {
	u, err := url.Parse(d.List.EchoURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// EgressForm is the form that declares the addresses.
type EgressForm struct {
	Page       Page
	List       engine.EgressList // with the version that the form was made for
	Addresses  string            // as they were typed
	ValidUntil string            // as it was typed
	// Stored is what somebody else has stored meanwhile; nil: nobody has.
	Stored *engine.EgressList
}
