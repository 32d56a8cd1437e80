package egress_test

import (
	"strings"
	"testing"

	"labhook/engine/egress"
)

func TestParsePorts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " , ": "", "443": "443", "80, 443": "80,443", "8000-8999,1 - 2": "8000-8999,1-2", "65535": "65535", "7-7": "7",
	} {
		list, err := egress.ParsePorts(text)
		if got := egress.FormatPorts(list); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "65536", "-1", "9-8", "http", "80;443", "1-2-3", "0-5"} {
		if _, err := egress.ParsePorts(text); err == nil || !strings.Contains(err.Error(), "neither a port nor a range") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseSources(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1,2001:db8::1": "192.0.2.1,2001:db8::1"} {
		list, err := egress.ParseSources(text)
		if got := egress.FormatSources(list); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"eth0", "0.0.0.0", "224.0.0.1", "192.0.2.1,192.0.2.2", "192.0.2.1,2001:db8::1,2001:db8::2", "192.0.2.0/24"} {
		if list, err := egress.ParseSources(text); err == nil {
			t.Errorf("%q: %v", text, list)
		}
	}
	foreign := egress.Settings{}
	foreign.Sources, _ = egress.ParseSources("192.0.2.1")
	if err := foreign.CheckSources(); err == nil || !strings.Contains(err.Error(), "192.0.2.1 is not an address of this host") {
		t.Errorf("an address of another host: %v", err)
	}
}
