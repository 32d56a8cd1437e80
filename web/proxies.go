package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// proxies are the networks of reverse proxies that are believed when they say for whom they ask.
type proxies []netip.Prefix

// loopback is where a proxy on this host connects from.
var loopback = proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// isLoopback reports whether an address leads to this host only: no proxy stands before it.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// withClient puts the address of the client in the place of the proxy's, for all that comes after.
func (p proxies) withClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := p.client(r); ok {
			behind := *r
			behind.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			r = &behind
		}
		next.ServeHTTP(w, r)
	})
}

// client returns the address that trusted proxies say they ask for, and false when the peer is none or says nothing.
// Each proxy appends whom it talked to, so that the list is believed from its end, up to the first address that is no
// proxy's: what stands before that may be made up.
func (p proxies) client(r *http.Request) (client netip.Addr, ok bool) {
	peer, isAddr := hop(r.RemoteAddr)
	if !isAddr || !p.trusts(peer) {
		return client, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(hops) {
		addr, isAddr := hop(text)
		if !isAddr {
			break
		}
		client, ok = addr, true
		if !p.trusts(addr) {
			break
		}
	}
	return client, ok
}

func (p proxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// hop reads an address, which may have a port.
func hop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}
