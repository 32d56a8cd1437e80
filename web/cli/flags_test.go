package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// TestWhereValuesComeFrom checks who wins: command line, then environment, then a file, then the default.
func TestWhereValuesComeFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"default":      {want: "default"},
		"file":         {env: map[string]string{"LABHOOK_PUBLIC_URL_FILE": file}, want: "from-file"},
		"environment":  {env: map[string]string{"LABHOOK_PUBLIC_URL": "from-env", "LABHOOK_PUBLIC_URL_FILE": file}, want: "from-env"},
		"command line": {args: []string{"--public-url", "from-flag"}, env: map[string]string{"LABHOOK_PUBLIC_URL": "from-env"}, want: "from-flag"},
		"empty flag":   {args: []string{"--public-url="}, env: map[string]string{"LABHOOK_PUBLIC_URL": "from-env"}, want: ""},
	} {
		f := newFlags(Env{Getenv: func(name string) string { return tt.env[name] }}, "test", "")
		got := f.String("public-url", "default", "")
		f.fromEnv = []string{"public-url"}
		if err := f.parse(tt.args); err != nil || *got != tt.want {
			t.Errorf("%s: got %q, error %v, want %q", name, *got, err, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := newFlags(Env{Stdout: &out}, "test", "does nothing")
	f.Int("times", 3, "`NUMBER` of times")
	f.Bool("quiet", false, "say nothing")
	f.fromEnv = []string{"times"}
	if err := f.parse([]string{"-h"}); !errors.Is(err, ErrHelp) {
		t.Fatalf("error %v", err)
	}
	const want = "labhook test: does nothing\n\nFlags:\n  --quiet\n        say nothing\n" +
		"  --times NUMBER\n        NUMBER of times (default 3) [LABHOOK_TIMES]\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "",
		"10.0.0.0/8":              "10.0.0.0/8",
		" 10.1.2.3/8 , 127.0.0.1": "10.0.0.0/8,127.0.0.1/32",
		"fd00::1,::1/128":         "fd00::1/128,::1/128",
	} {
		var n networks
		if err := n.Set(text); err != nil || n.String() != want {
			t.Errorf("%q: got %s, error %v, want %s", text, n.String(), err, want)
		}
	}
	for _, text := range []string{"ten", "10.0.0.0/33", "10.0.0.0/8;127.0.0.1", "10.0.0"} {
		if err := new(networks).Set(text); err == nil || !strings.Contains(err.Error(), "is not a network") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour} {
		before := time.Now().Truncate(time.Second)
		var e expiry
		err := e.Set(text)
		if after := time.Now(); err != nil || e.Before(before.Add(want)) || e.After(after.Add(want)) {
			t.Errorf("%q: got %s, error %v", text, e.Time, err)
		}
	}
	var e expiry
	if err := e.Set("2999-01-31"); err != nil || e.String() != "2999-01-31T00:00:00Z" {
		t.Errorf("got %s, error %v", e.String(), err)
	}
	for _, text := range []string{"", "soon", "0d", "-1h", "d", "2020-01-01", "31.12.2999"} {
		if err := new(expiry).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "https://hooks.example.com": "https://hooks.example.com", "http://localhost:8080/": "http://localhost:8080",
	} {
		if got, problem := engine.CheckPublicURL(text); problem != "" || got != want {
			t.Errorf("%q: got %q, problem %s", text, got, problem)
		}
	}
	for _, text := range []string{
		"hooks.example.com", "ftp://example.com", "https://", "https://example.com/a", "https://example.com?a", "https://a:b@example.com", "https://example.com/#x",
	} {
		if got, problem := engine.CheckPublicURL(text); problem == "" {
			t.Errorf("%q was taken as %q", text, got)
		}
	}
}

func TestExposed(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:8080": false, "[::1]:8080": false, "localhost:8080": false, ":8080": true, "0.0.0.0:80": true, "10.0.0.5:80": true, "hooks:80": true,
	} {
		if exposed(listen) != want {
			t.Errorf("%s: got %t", listen, !want)
		}
	}
}
