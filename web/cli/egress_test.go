package cli

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// serveWith reads a command line and an environment of serve.
func serveWith(env map[string]string, args ...string) (serverConfig, error) {
	return serveConfig(Env{Getenv: func(name string) string { return env[name] }, Stdout: io.Discard, Stderr: io.Discard}, args)
}

func TestEgressFlags(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(enginetest.NewAuthority(t).PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := filepath.Join(t.TempDir(), "proxy")
	if err := os.WriteFile(proxy, []byte("http://user:password@127.0.0.1:3128\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byFlags, err := serveWith(nil, "--allow-networks", "10.0.0.0/8", "--allow-ports", "443, 8000-8999", "--require-https", "--ca-file", ca,
		"--source-address", "127.0.0.1", "--proxy", "http://user:password@127.0.0.1:3128")
	if err != nil {
		t.Fatal(err)
	}
	byEnv, err := serveWith(map[string]string{
		"LABHOOK_ALLOW_NETWORKS": "10.0.0.0/8", "LABHOOK_ALLOW_PORTS": "443, 8000-8999", "LABHOOK_REQUIRE_HTTPS": "true", "LABHOOK_CA_FILE": ca,
		"LABHOOK_SOURCE_ADDRESS": "127.0.0.1", "LABHOOK_PROXY_FILE": proxy,
	})
	if err != nil {
		t.Fatal(err)
	}
	for by, cfg := range map[string]serverConfig{"flags": byFlags, "environment": byEnv} {
		s := &cfg.egress
		if !slices.Equal(s.Networks, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}) || egress.FormatPorts(s.Ports) != "443,8000-8999" ||
			!s.RequireHTTPS || s.Roots == nil || s.RootsFile != ca || egress.FormatSources(s.Sources) != "127.0.0.1" || s.Proxy.User.String() != "user:password" {
			t.Errorf("by %s: %+v", by, s)
		}
		const want = "public addresses and 10.0.0.0/8, ports 443,8000-8999, https only, from 127.0.0.1, through http://user:••••@127.0.0.1:3128"
		if got := sendsTo(s); got != want {
			t.Errorf("by %s: %q, want %q", by, got, want)
		}
	}
	plain, err := serveWith(nil)
	if err != nil || sendsTo(&plain.egress) != "public addresses only" || plain.egress.Roots != nil || plain.egress.Proxy != nil {
		t.Errorf("without flags: %+v, %v", plain.egress, err)
	}
}

func TestEgressFlagsRefuse(t *testing.T) {
	t.Parallel()
	for flag, values := range map[string][]string{
		"allow-networks": {"ten"},
		"allow-ports":    {"0", "http", "9-8"},
		"require-https":  {"perhaps"},
		"ca-file":        {filepath.Join(t.TempDir(), "none.pem")},
		"source-address": {"eth0", "192.0.2.1", "127.0.0.1,127.0.0.2"},
		"proxy":          {"proxy:3128", "https://user:s3cret@proxy:3128", "http://user:s3cret@proxy", "http://user:s3cret@proxy:3128/x", "http://user:s3 s3cret@proxy:1"},
	} {
		for _, value := range values {
			_, byFlag := serveWith(nil, "--"+flag+"="+value)
			_, byEnv := serveWith(map[string]string{envName(flag): value})
			for _, err := range []error{byFlag, byEnv} {
				usage, ok := errors.AsType[*UsageError](err)
				if !ok || usage.Command != "serve" || !strings.Contains(err.Error(), flag) && !strings.Contains(err.Error(), envName(flag)) {
					t.Errorf("--%s %s: %v, want an error that names the flag", flag, value, err)
				} else if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("--%s %s: the error repeats the password: %v", flag, value, err)
				}
			}
		}
	}
}

func TestHelpNamesEgressFlags(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if _, err := serveConfig(Env{Getenv: func(string) string { return "" }, Stdout: &out}, []string{"-h"}); !errors.Is(err, ErrHelp) {
		t.Fatal(err)
	}
	for _, flag := range egressFlags {
		if !strings.Contains(out.String(), "--"+flag) || !strings.Contains(out.String(), "["+envName(flag)+"]") {
			t.Errorf("the help lacks --%s or its variable", flag)
		}
	}
}
