package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	// maxTried is how many addresses of a name are dialled at most.
	maxTried = 8
	// headStart is how long an address has for itself before the next one is dialled beside it.
	headStart = 250 * time.Millisecond
	keepAlive = 30 * time.Second
)

// maxDialled is how many connections are opened for one attempt at most.
const maxDialled = 3

// whileWanted bounds the opening of a connection by ConnectTimeout, and by the attempt that asked for it: connections
// that never come about must not pile up behind attempts that were given up long ago.
func whileWanted(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	a := attemptOf(ctx)
	if a == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(a.Context, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// again returns an error when the attempt has had its share of connections.
func again(ctx context.Context) error {
	if a := attemptOf(ctx); a != nil && a.dialled.Add(1) > maxDialled {
		return &net.OpError{Op: "reconnect", Net: "tcp", Err: fmt.Errorf("the receiver took no request on %d connections", maxDialled)}
	}
	return nil
}

// dial connects to "host:port", through the proxy if there is one. The host is resolved here, all its addresses are checked,
// and one of those is dialled.
func (g *Guard) dial(ctx context.Context, _, hostPort string) (net.Conn, error) {
	if err := again(ctx); err != nil {
		return nil, err
	}
	ctx, done := whileWanted(dialling(ctx))
	defer done()
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, refuse("%s", err)
	}
	number, err := g.checkPort(port)
	if err != nil {
		return nil, err
	}
	addrs, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	one := g.tunnel
	if g.settings.Proxy == nil {
		one = func(ctx context.Context, ap netip.AddrPort) (net.Conn, error) { return g.dialOne(ctx, ap, g.control) }
	}
	return dialAny(ctx, addrs, number, one)
}

// controlFunc has the last word on an address, right before it is dialled.
type controlFunc func(ctx context.Context, network, address string, raw syscall.RawConn) error

// control checks the address once more, as the second line behind addresses.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read dialled address %q: %w", address, err)
	}
	return g.Check(ap.Addr())
}

// dialFunc connects to one address.
type dialFunc func(ctx context.Context, ap netip.AddrPort) (net.Conn, error)

// dialAny connects to one of the addresses: each gets a head start, then the next is dialled beside it, and the first
// connection wins.
func dialAny(ctx context.Context, addrs []netip.Addr, port uint16, dial dialFunc) (net.Conn, error) {
	addrs = addrs[:min(len(addrs), maxTried)]
	if len(addrs) == 1 {
		return dial(ctx, netip.AddrPortFrom(addrs[0], port))
	}
	type result struct {
		conn net.Conn
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, len(addrs))
	next := time.NewTimer(0)
	defer next.Stop()
	var first error
	for started, ended := 0, 0; ended < len(addrs); {
		select {
		case <-next.C:
			ap := netip.AddrPortFrom(addrs[started], port)
			go func() {
				conn, err := dial(ctx, ap)
				results <- result{conn, err}
			}()
			if started++; started < len(addrs) {
				next.Reset(headStart)
			}
		case r := <-results:
			ended++
			if r.err == nil {
				go func(losers int) {
					for range losers {
						if r := <-results; r.err == nil {
							r.conn.Close()
						}
					}
				}(started - ended)
				return r.conn, nil
			}
			first = cmp.Or(first, r.err)
			if started < len(addrs) {
				next.Reset(0)
			}
		}
	}
	return nil, first
}

// dialOne connects to one address that was checked, from the source address of its family.
func (g *Guard) dialOne(ctx context.Context, ap netip.AddrPort, control controlFunc) (net.Conn, error) {
	if g.settings.Dial != nil {
		return g.settings.Dial(ctx, "tcp", ap.String())
	}
	dialer := net.Dialer{ControlContext: control, KeepAlive: keepAlive}
	if len(g.settings.Sources) > 0 {
		source, err := g.source(ap.Addr())
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(ap), Err: err}
		}
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	return dialer.DialContext(ctx, "tcp", ap.String())
}

// source returns the source address of the family of addr.
func (g *Guard) source(addr netip.Addr) (netip.Addr, error) {
	for _, source := range g.settings.Sources {
		if source.Is4() == addr.Is4() {
			return source, nil
		}
	}
	family := "IPv6"
	if addr.Is4() {
		family = "IPv4"
	}
	return netip.Addr{}, errors.New("no source address for " + family + "; add one to --source-address")
}
