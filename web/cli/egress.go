package cli

import (
	"net/netip"

	"labhook/engine/egress"
)

// egressFlags are the names of the flags of the way out; all may be given in the environment.
var egressFlags = []string{"allow-networks", "allow-ports", "require-https", "ca-file", "source-address", "proxy"}

// addEgressFlags adds the flags of the way out to a command. After the flags were read, the function that it returns
// fills in what a flag alone cannot, and says what is wrong.
func addEgressFlags(f *flags, s *egress.Settings) func() error {
	f.Var((*networks)(&s.Networks), "allow-networks", "special `NETWORKS` that webhooks may call, such as 10.0.0.0/8,127.0.0.0/8")
	f.Var((*ports)(&s.Ports), "allow-ports", "the only `PORTS` that webhooks may call, such as 443,8000-8999; any when not set")
	f.BoolVar(&s.RequireHTTPS, "require-https", false, "let webhooks call https:// only")
	f.StringVar(&s.RootsFile, "ca-file", "", "PEM `FILE` of certificate authorities that receivers may have beside the system's")
	f.Var((*sources)(&s.Sources), "source-address", "`ADDRESSES` of this host that webhooks are called from, at most one IPv4 and one IPv6")
	// Read as a text: the flag package would repeat a wrong value, and with it the password.
	proxy := f.String("proxy", "", "`URL` of a forward proxy, http://user:password@host:port; better in the environment, where others do not see it")
	f.fromEnv = append(f.fromEnv, egressFlags...)
	return func() (err error) {
		if s.Proxy, err = egress.ParseProxy(*proxy); err != nil {
			return f.problem("--proxy: %s", err)
		}
		if s.RootsFile != "" {
			if s.Roots, err = egress.LoadRoots(s.RootsFile); err != nil {
				return f.problem("--ca-file: %s", err)
			}
		}
		if err = s.CheckSources(); err != nil {
			return f.problem("--source-address: %s", err)
		}
		return nil
	}
}

// ports is a flag with ports and ranges of ports, separated by commas.
type ports []egress.PortRange

func (p *ports) String() string { return egress.FormatPorts(*p) }

// Set replaces the list.
func (p *ports) Set(text string) (err error) {
	*p, err = egress.ParsePorts(text)
	return err
}

// sources is a flag with addresses of this host, separated by commas.
type sources []netip.Addr

func (s *sources) String() string { return egress.FormatSources(*s) }

// Set replaces the list.
func (s *sources) Set(text string) (err error) {
	*s, err = egress.ParseSources(text)
	return err
}
