package egress

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// mask stands for a password.
const mask = "••••"

// ProxyText returns the proxy's URL with the password masked; empty: there is none.
func (s *Settings) ProxyText() string {
	if s.Proxy == nil {
		return ""
	}
	text := s.Proxy.Scheme + "://"
	if user := s.Proxy.User; user != nil {
		text += user.Username()
		if _, ok := user.Password(); ok {
			text += ":" + mask
		}
		text += "@"
	}
	return text + s.Proxy.Host
}

func joined[T fmt.Stringer](list []T) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = one.String()
	}
	return strings.Join(texts, ",")
}

// LoadRoots reads the certificate authorities of a PEM file and returns them with the system's.
func LoadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate; it must be PEM text that starts with -----BEGIN CERTIFICATE-----", file)
	}
	return pool, nil
}

// FormatNetworks writes a list as ParseNetworks reads it.
func FormatNetworks(list []netip.Prefix) string { return joined(list) }

// ParseNetworks reads addresses and networks, separated by commas. The empty text is none.
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if addr, err := netip.ParseAddr(part); err == nil {
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.0.0.0/8 or fd00::/8", part)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

// FormatSources writes a list as ParseSources reads it.
func FormatSources(list []netip.Addr) string { return joined(list) }

// ParseSources reads the addresses of this host that connections are to come from, at most one of each family,
// separated by commas. The empty text is none.
func ParseSources(text string) ([]netip.Addr, error) {
	var list []netip.Addr
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		addr, err := netip.ParseAddr(part)
		if err != nil || addr.IsUnspecified() || addr.IsMulticast() {
			return nil, fmt.Errorf("%q is not an address such as 192.0.2.10 or 2001:db8::10", part)
		}
		addr = addr.Unmap()
		if len(list) > 1 || len(list) == 1 && list[0].Is4() == addr.Is4() {
			return nil, errors.New("give at most one IPv4 and one IPv6 address")
		}
		list = append(list, addr)
	}
	return list, nil
}

// CheckSources returns an error unless every source address is one of this host's.
func (s *Settings) CheckSources() error {
	for _, addr := range s.Sources {
		ln, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		if err != nil {
			return fmt.Errorf("%s is not an address of this host: %w", addr, err)
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}
