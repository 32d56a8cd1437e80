package egress_test

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// oddSpellings are hosts that some resolver or library takes for loopback.
var oddSpellings = []string{
	"2130706433", "0x7f000001", "0x7F000001", "017700000001", "127.1", "127.0.1", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1",
	"127.0.0.01", "127.000.000.001", "127.0.0.1.", "127.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
	"localhost", "LOCALHOST", "localhost.", "lab.localhost", "127.0.0.2", "127。0。0。1", "１２７.0.0.1", "①②⑦.0.0.1", "[::1%25lo]",
}

// zone is what the name server of these tests knows.
func zone() map[string][]string {
	return map[string][]string{
		"public.test":   {"8.8.8.8 2606:4700::1111"},
		"inside.test":   {"127.0.0.1"},
		"inside6.test":  {"::1"},
		"both.test":     {"8.8.8.8 10.0.0.1"},
		"other.test":    {"8.8.8.8 fd00::1"},
		"mapped.test":   {"::ffff:10.0.0.1"},
		"alias.test":    {"cname inside.test"},
		"chain.test":    {"cname alias.test"},
		"metadata.test": {"169.254.169.254"},
		"nothing.test":  {""},
		"silent.test":   {"silence"},
		"turning.test":  {"8.8.8.8", "127.0.0.1"},
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCheckURLRefusesSpellings(t *testing.T) {
	t.Parallel()
	guard := enginetest.StrictGuard()
	for _, host := range oddSpellings {
		_, err := guard.CheckURL(t.Context(), parse(t, "http://"+host+":8080/lab"))
		blocked, ok := errors.AsType[*egress.BlockedError](err)
		if !ok || !blocked.Addr.IsLoopback() {
			t.Errorf("%s: %v, want a refusal that names a loopback address", host, err)
		}
	}
	for host, want := range map[string]string{
		"134744072":   "write the address 134744072 as 8.8.8.8",
		"8.8.2056":    "write the address 8.8.2056 as 8.8.8.8",
		"010.8.8.8":   "write the address 010.8.8.8 as 8.8.8.8",
		"0x8.8.8.8":   "write the address 0x8.8.8.8 as 8.8.8.8",
		"1.2.3.4.5":   "neither an address nor a name",
		"256.1.1.1":   "neither an address nor a name",
		"1.2.3.0x":    "write the address 1.2.3.0x as 1.2.3.0",
		"09.1.1.1":    "neither an address nor a name",
		"4294967296":  "neither an address nor a name",
		"1..1":        "neither an address nor a name",
		"hooks.42":    "neither an address nor a name",
		"hooks.0xff.": "neither an address nor a name",
	} {
		_, err := guard.CheckURL(t.Context(), &url.URL{Scheme: "http", Host: host})
		if _, ok := errors.AsType[*egress.BlockedError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
}

func TestCheckURLAllows(t *testing.T) {
	t.Parallel()
	names := enginetest.NewNames(zone())
	strict := egress.New(egress.Settings{Resolver: names.Resolver()})
	open := egress.New(egress.Settings{Networks: prefixes("127.0.0.0/8"), Resolver: names.Resolver()})
	tests := []struct {
		guard *egress.Guard
		urls  []string
	}{
		{strict, []string{
			"https://hooks.example.com/lab", "https://hooks.example.com./lab", "http://8.8.8.8/", "http://8.8.8.8.:80/", "http://[2606:4700::1111]/",
			"https://bücher.example/", "https://xn--bcher-kva.example/", "https://1.example/", "https://0x7f.example/", "https://intranet/",
			"https://my_host.example/", "https://localhost.example/", "https://notlocalhost/", "https://a.0xg/", "https://public.test/",
		}},
		{open, []string{
			"http://127.0.0.1:8080/", "http://localhost/", "http://lab.localhost/", "http://[::ffff:127.0.0.1]/", "http://inside.test/", "http://chain.test./",
		}},
	}
	for _, tt := range tests {
		for _, text := range tt.urls {
			if _, err := tt.guard.CheckURL(t.Context(), parse(t, text)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	_, err := open.CheckURL(t.Context(), &url.URL{Scheme: "http", Host: "127.1"})
	if err == nil || !strings.Contains(err.Error(), "as 127.0.0.1") {
		t.Errorf("127.1 with loopback allowed: %v", err)
	}
}

func TestCheckURLResolves(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{Resolver: enginetest.NewNames(zone()).Resolver()})
	for host, want := range map[string]string{
		"inside.test": "127.0.0.1", "INSIDE.test.": "127.0.0.1", "inside6.test": "::1", "both.test": "10.0.0.1", "other.test": "fd00::1",
		"mapped.test": "10.0.0.1", "alias.test": "127.0.0.1", "chain.test": "127.0.0.1", "metadata.test": "169.254.169.254",
	} {
		_, err := guard.CheckURL(t.Context(), parse(t, "https://"+host+"/"))
		blocked, ok := errors.AsType[*egress.BlockedError](err)
		if !ok || blocked.Addr != netip.MustParseAddr(want) || !strings.Contains(err.Error(), "to which "+strings.ToLower(blocked.Host)+" leads, is not allowed") {
			t.Errorf("%s: %v, want a refusal of %s", host, err, want)
		}
	}
	for _, host := range []string{"nowhere.test", "nothing.test"} {
		warning, err := guard.CheckURL(t.Context(), parse(t, "https://"+host+"/"))
		if err != nil || !strings.HasPrefix(warning, "the name "+host+" could not be resolved just now: ") {
			t.Errorf("%s: %q, %v, want a warning alone", host, warning, err)
		}
	}
	if warning, err := guard.CheckURL(t.Context(), parse(t, "https://public.test/")); warning != "" || err != nil {
		t.Errorf("public.test: %q, %v", warning, err)
	}
}

// TestCheckURLGivesUp saves a webhook though no name server answers.
func TestCheckURLGivesUp(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Settings{Resolver: enginetest.NewNames(zone()).Resolver()})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	warning, err := guard.CheckURL(over, parse(t, "https://silent.test/"))
	if err != nil || warning == "" {
		t.Errorf("got %q, %v, want a warning alone", warning, err)
	}
}

func TestCheckURLRules(t *testing.T) {
	t.Parallel()
	ports, err := egress.ParsePorts("443,8000-8999")
	if err != nil {
		t.Fatal(err)
	}
	guard := egress.New(egress.Settings{Ports: ports, RequireHTTPS: true, Resolver: enginetest.NewNames(nil).Resolver()})
	for text, want := range map[string]string{
		"https://8.8.8.8/": "", "https://8.8.8.8:443/": "", "https://8.8.8.8:8000/": "", "https://8.8.8.8:8999/": "",
		"http://8.8.8.8/":       "only https:// is allowed here; to allow http:// start Labhook without --require-https, or switch it off under Settings, Security",
		"https://8.8.8.8:7999/": "connecting to port 7999 is not allowed; to allow it start Labhook with --allow-ports 443,8000-8999,7999",
		"https://8.8.8.8:9000/": "port 9000", "https://8.8.8.8:22/": "port 22", "https://nowhere.test:0/": `"0" is no port`, "https://8.8.8.8:70000/": `"70000" is no port`,
		"https://a:b@8.8.8.8/": "a user or password in the URL is not allowed", "https://a@8.8.8.8/": "a user",
	} {
		_, err := guard.CheckURL(t.Context(), parse(t, text))
		_, refused := errors.AsType[*egress.BlockedError](err)
		if refused != (want != "") || refused && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if written := guard.CheckWritten(parse(t, text)); (written != nil) != refused {
			t.Errorf("%s: %v as it is written, %v when it is resolved", text, written, err)
		}
	}
}

// FuzzCheckURL looks for a host that passes the check and is dialled inside all the same.
func FuzzCheckURL(f *testing.F) {
	for _, host := range oddSpellings {
		f.Add("http://" + host + ":8080/lab")
	}
	for name := range zone() {
		f.Add("https://" + name + "/")
	}
	f.Add("https://a:b@[fe80::1%25eth0]:99999/?x#y")
	names := zone()
	delete(names, "silent.test")
	delete(names, "turning.test")
	resolver := enginetest.NewNames(names).Resolver()
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		wire := &recorder{}
		guard := egress.New(egress.Settings{Resolver: resolver, Dial: wire.dial})
		warning, err := guard.CheckURL(t.Context(), u)
		if err != nil && (!utf8.ValidString(err.Error()) && utf8.ValidString(text) || strings.TrimSpace(err.Error()) == "") {
			t.Errorf("%q: the refusal cannot be read: %q", text, err)
		}
		again := guard.CheckWritten(u)
		if again != nil && err == nil {
			t.Errorf("%q passes, and is refused as it is written: %v", text, again)
		}
		_, sent := send(t, guard, text)
		_, refused := errors.AsType[*egress.BlockedError](sent)
		if dialled := wire.dialled(); (err != nil || warning != "") && len(dialled) > 0 {
			t.Errorf("%q is refused (%v) or unknown (%s) and was dialled: %v", text, err, warning, dialled)
		} else if err != nil && !refused && !errors.Is(sent, errNoRequest) {
			t.Errorf("%q is refused on save (%v) and not on delivery (%v)", text, err, sent)
		}
		for _, addr := range wire.dialled() {
			if err := guard.Check(addr.Addr()); err != nil {
				t.Errorf("%q: %v was dialled: %v", text, addr, err)
			}
		}
	})
}
