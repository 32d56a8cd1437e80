// Package egress is the guarded way out: the HTTP client of the senders, which refuses to connect to addresses inside
// the network unless the operator allowed them. A name is resolved, all its addresses are checked, and only those are
// dialled, so that no name can lead around the check, not even one that changes meanwhile.
//
// Place in the flow: engine sends every attempt through Client; web and its API ask CheckURL the same question when a
// webhook is saved.
package egress

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"
)

// Limits of the connections.
const (
	MaxIdlePerHost = 64               // connections kept open to one host
	MaxIdle        = 512              // connections kept open in all
	IdleTimeout    = 60 * time.Second // after which an unused connection is closed
	// ConnectTimeout bounds the opening of a connection, TLS included. It ends earlier with the attempt that asked for it.
	ConnectTimeout = 30 * time.Second
	// LookupTimeout bounds how long CheckURL waits for a name to be resolved.
	LookupTimeout = 3 * time.Second
	// MaxIdentities is how many client certificates have connections of their own at a time.
	MaxIdentities = 64
)

// Settings are what the operator decides about the way out. The zero value lets public addresses through, on any port,
// with and without TLS.
type Settings struct {
	Networks     []netip.Prefix // special networks that may be connected to
	Ports        []PortRange    // the only ports that may be connected to; empty: any
	RequireHTTPS bool
	// Roots are the certificate authorities that receivers' certificates are checked against, the system's and those
	// of RootsFile; nil: the system's.
	Roots     *x509.CertPool
	RootsFile string // where Roots came from, for people
	// Sources are the addresses of this host that connections come from, at most one of each family; an address of a
	// family without one is then not dialled. Empty: the system chooses.
	Sources []netip.Addr
	// Proxy is the forward proxy through which everything goes; nil: none. Its own address is not checked. It is asked, with
	// CONNECT, for addresses that were resolved and checked here, also for http: a name that this host does not know is not
	// sent to.
	Proxy *url.URL

	// Resolver resolves names; nil: the system's.
	Resolver *net.Resolver
	// Dial opens a connection to an address that was checked; nil: over the network. Tests put their own network here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Guard decides which addresses may be connected to. It is safe for concurrent use. New makes one.
type Guard struct {
	settings Settings
	guardian *ssrf.Guardian
	own      ownAddresses
	resolver *net.Resolver
	more     atomic.Pointer[policy]
}

// policy is what may change while a guard is in use; it comes on top of the settings.
type policy struct {
	networks     []netip.Prefix
	requireHTTPS bool
}

// SetPolicy lets the networks through as well as those of the settings, and requires TLS if either asks for it. It takes
// the place of the policy before.
func (g *Guard) SetPolicy(networks []netip.Prefix, requireHTTPS bool) {
	g.more.Store(&policy{networks, requireHTTPS})
}

func (g *Guard) requiresHTTPS() bool { return g.settings.RequireHTTPS || g.more.Load().requireHTTPS }

// New returns a guard with the settings, which must not be changed afterwards.
func New(s Settings) *Guard {
	var v4, v6 []netip.Prefix
	for _, p := range s.Networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	g := &Guard{
		settings: s,
		resolver: cmp.Or(s.Resolver, net.DefaultResolver),
		own:      ownAddresses{list: net.InterfaceAddrs},
		guardian: ssrf.New(
			ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...), ssrf.WithDeniedV4Prefixes(internalServices...),
		),
	}
	g.more.Store(&policy{})
	return g
}

// Settings returns what the guard was made with.
func (g *Guard) Settings() *Settings { return &g.settings }
