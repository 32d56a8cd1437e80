package egress

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxProxyAnswer is how much a proxy may answer to CONNECT, in bytes.
const maxProxyAnswer = 16 << 10

// ParseProxy reads the URL of a forward proxy: "http://user:password@proxy.example.com:3128". The empty text is none.
// Its errors do not repeat the text, which may hold a password.
func ParseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("this is not the URL of a proxy such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of a proxy ends with its port, such as http://proxy.example.com:3128")
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); err != nil {
		return nil, errors.New("the URL of a proxy must name its port, such as http://proxy.example.com:3128")
	}
	return &url.URL{Scheme: "http", User: u.User, Host: u.Host}, nil
}

// ProxyError is a proxy's refusal to connect to a receiver.
type ProxyError struct{ Status string }

// Error says what the proxy answered.
func (e *ProxyError) Error() string {
	text := "the proxy answered " + strconv.Quote(e.Status)
	if strings.HasPrefix(e.Status, "407") {
		text += "; check the user and password in --proxy"
	}
	return text
}

// proxyAddr is the proxy's host and port, for errors.
type proxyAddr string

// Network returns "tcp".
func (proxyAddr) Network() string { return "tcp" }

// String returns host and port.
func (a proxyAddr) String() string { return string(a) }

// dialProxy connects to the proxy, whose own address is the operator's word and not checked.
func (g *Guard) dialProxy(ctx context.Context) (net.Conn, error) {
	port, err := strconv.ParseUint(g.settings.Proxy.Port(), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("read the proxy's port: %w", err)
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", g.settings.Proxy.Hostname())
	if err != nil {
		return nil, err
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return dialAny(ctx, addrs, uint16(port), func(ctx context.Context, ap netip.AddrPort) (net.Conn, error) {
		return g.dialOne(ctx, ap, nil)
	})
}

// tunnel asks the proxy for a connection to an address that was checked. It is never asked for a name, which it would
// resolve by itself, to whatever that leads to then.
func (g *Guard) tunnel(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	conn, err := g.dialProxy(ctx)
	if err == nil {
		// A read that the context ends fails with the deadline, which says no more than the context does.
		stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
		if err = g.connect(conn, to.String()); !stop() {
			err = errors.Join(context.Cause(ctx), err)
		}
		if err != nil {
			conn.Close()
		}
	}
	if err != nil {
		return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Addr: proxyAddr(g.settings.Proxy.Host), Err: err}
	}
	return conn, nil
}

// connect sends CONNECT and reads the answer.
func (g *Guard) connect(conn net.Conn, hostPort string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: hostPort}, Host: hostPort, Header: http.Header{}}
	if user := g.settings.Proxy.User; user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	resp, err := http.ReadResponse(answer, req)
	switch {
	case err != nil:
		return fmt.Errorf("read the proxy's answer: %w", err)
	case resp.StatusCode/100 != 2:
		return &ProxyError{Status: resp.Status}
	case answer.Buffered() > 0:
		// The receiver does not speak before it is spoken to.
		return errors.New("the proxy answered more than it was asked")
	}
	return nil
}
