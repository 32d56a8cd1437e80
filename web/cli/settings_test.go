package cli

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/web"
)

// serveSettings returns the settings page's list for a command line and an environment.
func serveSettings(t *testing.T, env map[string]string, args ...string) map[string]web.Setting {
	t.Helper()
	cfg, err := serveConfig(Env{Getenv: func(name string) string { return env[name] }, Stderr: t.Output()}, args)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]web.Setting{}
	for _, s := range cfg.settings {
		byName[s.Name] = s
	}
	return byName
}

// TestSettingsHaveEveryFlag fails for a flag of serve that nobody has described, and for a description without a flag.
func TestSettingsHaveEveryFlag(t *testing.T) {
	t.Parallel()
	cfg, err := serveConfig(Env{Getenv: func(string) string { return "" }, Stderr: t.Output()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.settings) != len(settingTexts) {
		t.Errorf("%d flags, %d descriptions", len(cfg.settings), len(settingTexts))
	}
	var groups []string
	for i, s := range cfg.settings {
		if s.Group == "Other" {
			t.Errorf("--%s is not in settingTexts", s.Name)
		}
		if i == 0 || cfg.settings[i-1].Group != s.Group {
			groups = append(groups, s.Group)
		}
		if s.Label == "" || !strings.HasSuffix(s.About, ".") || s.Flag != "--"+s.Name || s.Env == "" || s.Source != "default" {
			t.Errorf("incomplete: %+v", s)
		}
	}
	if want := []string{"General", "Delivery", "Security", "Egress", "Storage"}; !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
}

func TestSettingsSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "grace")
	if err := os.WriteFile(file, []byte("3s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LABHOOK_LISTEN": "127.0.0.1:1", "LABHOOK_LOG_LEVEL": "debug", "LABHOOK_GRACE_FILE": file}
	got := serveSettings(t, env, "--listen", "127.0.0.1:2", "--allow-networks=10.0.0.0/8,127.0.0.1", "--data", "here")
	for name, want := range map[string][2]string{
		"listen":         {"127.0.0.1:2", "flag"},
		"log-level":      {"debug", "environment"},
		"grace":          {"3s", "file"},
		"log-format":     {"text", "default"},
		"allow-networks": {"10.0.0.0/8,127.0.0.1/32", "flag"},
		"public-url":     {"", "default"},
	} {
		if s := got[name]; s.Value != want[0] || s.Source != want[1] {
			t.Errorf("%s is %q from %s, want %q from %s", name, s.Value, s.Source, want[0], want[1])
		}
	}
	want := web.Setting{
		Group: "Delivery", Name: "grace", Label: "Grace period", Value: "3s", Source: "file", Flag: "--grace", Env: "LABHOOK_GRACE",
		About: "How long a stop lets requests finish that are being sent.",
	}
	if diff := cmp.Diff(want, got["grace"]); diff != "" {
		t.Errorf("grace (-want +got):\n%s", diff)
	}
	if here := got["data"].Value; !filepath.IsAbs(here) || filepath.Base(here) != "here" {
		t.Errorf("the data directory is shown as %q", here)
	}
}

func TestSettingsHideSecrets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://proxy.example.com:3128":             "http://proxy.example.com:3128",
		"http://dana:secret@proxy.example.com:3128": "http://••••@proxy.example.com:3128",
		"https://dana:sec@ret@proxy.example.com/":   "https://••••@proxy.example.com/",
		"dana:secret@proxy.example.com":             "••••",
	} {
		if got := maskUser(text); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
	f := newFlags(Env{Getenv: func(string) string { return "" }}, "test", "")
	f.String("data", "x", "")
	f.String("new-secret", "", "`SECRET` of something")
	if err := f.parse([]string{"--new-secret", "marker"}); err != nil {
		t.Fatal(err)
	}
	list := f.settings()
	if last := list[len(list)-1]; last.Name != "new-secret" || last.Value != masked || last.Group != "Other" || last.About != "SECRET of something" {
		t.Errorf("a flag that nobody described: %+v", last)
	}
	var names []string
	f.VisitAll(func(one *flag.Flag) { names = append(names, one.Name) })
	if len(list) != len(names) {
		t.Errorf("%d settings of %d flags", len(list), len(names))
	}
}
