package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range engine.RetryPolicies {
		names = append(names, p.Name)
		var total time.Duration
		for n := range p.MaxRetries {
			total += p.Wait(n + 1)
		}
		want := map[string]time.Duration{
			"studio": 15 * time.Second, "skilljar": 180_494 * time.Second, "standard": 27*time.Hour + 35*time.Minute + 5*time.Second,
			"live": 12_300 * time.Second, "custom": 10*time.Second + time.Minute + 58*5*time.Minute,
		}[p.Name]
		if total != want {
			t.Errorf("%s waits %s in all, want %s", p.Name, total, want)
		}
		if named, ok := engine.RetryPolicyNamed(p.Name); !ok || !cmp.Equal(named, p) || p.Label == "" || p.Retries > p.MaxRetries {
			t.Errorf("%s is %+v by its name", p.Name, named)
		}
	}
	if want := []string{"studio", "skilljar", "standard", "live", "custom"}; !slices.Equal(names, want) {
		t.Errorf("presets %v, want %v", names, want)
	}
}

func TestSucceeded(t *testing.T) {
	t.Parallel()
	chosen := custom(func(p *engine.RetryPolicy) { p.Success = []engine.StatusRange{{204, 204}, {300, 310}} })
	for _, tt := range []struct {
		policy *engine.RetryPolicy
		yes    []int
		no     []int
	}{
		{&engine.StudioPolicy, []int{200, 299}, []int{0, 199, 300, 404, 500}},
		{&engine.LivePolicy, []int{200, 299, 300, 308}, []int{199, 309, 400}},
		{&chosen, []int{204, 300, 310}, []int{200, 203, 205, 299, 311}},
	} {
		for _, status := range tt.yes {
			if !tt.policy.Succeeded(status) {
				t.Errorf("%s: %d is no success", tt.policy.Name, status)
			}
		}
		for _, status := range tt.no {
			if tt.policy.Succeeded(status) {
				t.Errorf("%s: %d is a success", tt.policy.Name, status)
			}
		}
	}
}

func TestValidateCustomPolicy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*engine.RetryPolicy)
		want   string // field; empty: none
	}{
		"as it begins":      {nil, ""},
		"sixty waits":       {func(p *engine.RetryPolicy) { p.Waits = slices.Repeat([]time.Duration{24 * time.Hour}, 60) }, ""},
		"no waits":          {func(p *engine.RetryPolicy) { p.Waits = nil }, "custom.waits"},
		"too many waits":    {func(p *engine.RetryPolicy) { p.Waits = slices.Repeat([]time.Duration{time.Second}, 61) }, "custom.waits"},
		"a wait of none":    {func(p *engine.RetryPolicy) { p.Waits = []time.Duration{time.Second, 0} }, "custom.waits"},
		"a wait too long":   {func(p *engine.RetryPolicy) { p.Waits = []time.Duration{24*time.Hour + time.Second} }, "custom.waits"},
		"half a second":     {func(p *engine.RetryPolicy) { p.Waits = []time.Duration{1500 * time.Millisecond} }, "custom.waits"},
		"one status":        {func(p *engine.RetryPolicy) { p.Success = []engine.StatusRange{{304, 304}} }, ""},
		"nothing succeeds":  {func(p *engine.RetryPolicy) { p.Success = nil }, "custom.success"},
		"an error succeeds": {func(p *engine.RetryPolicy) { p.Success = []engine.StatusRange{{200, 400}} }, "custom.success"},
		"backwards":         {func(p *engine.RetryPolicy) { p.Success = []engine.StatusRange{{299, 200}} }, "custom.success"},
		"too many ranges": {func(p *engine.RetryPolicy) {
			p.Success = slices.Repeat([]engine.StatusRange{{200, 299}}, 11)
		}, "custom.success"},
		"no rule for 4xx": {func(p *engine.RetryPolicy) { p.On4xx = "" }, "custom.on_4xx"},
		"no end":          {func(p *engine.RetryPolicy) { p.OnExhausted = "shrug" }, "custom.on_exhausted"},
	} {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.RetryPolicy, w.Custom, w.Retries = "custom", custom(tt.change), 60 })
		err := w.Validate(engine.BuiltIn)
		bad, _ := errors.AsType[engine.InvalidError](err)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want != "" && (len(bad) != 1 || bad[0].Field != tt.want):
			t.Errorf("%s: %v, want a word about %s", name, err, tt.want)
		}
	}
	other := enginetest.Webhook()
	if err := other.Validate(engine.BuiltIn); err != nil {
		t.Errorf("a webhook without a policy of its own: %v", err)
	}
	if p := other.Policy(); p.Name != "studio" {
		t.Errorf("its policy is %s", p.Name)
	}
}

func TestParseWaitsAndRanges(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10s, 1m, 5m": "10s, 1m, 5m", " 10 ,90": "10s, 1m30s", "2h": "2h", "1h30m": "1h30m", "24h": "24h", "86400": "24h",
		"": "", "10s,": "", "soon": "", "-1": "", "99999999999999999999": "", "10 s": "",
	} {
		waits, err := engine.ParseWaits(text)
		if (err != nil) != (want == "") || err == nil && engine.FormatWaits(waits) != want {
			t.Errorf("waits %q: %v, %v, want %q", text, waits, err, want)
		}
	}
	for text, want := range map[string]string{
		"200-299, 304": "200-299, 304", "200 - 204": "200-204", "204": "204", "": "", "2xx": "", "200-": "", "200,": "", "-200": "",
	} {
		ranges, err := engine.ParseRanges(text)
		if (err != nil) != (want == "") || err == nil && engine.FormatRanges(ranges) != want {
			t.Errorf("ranges %q: %v, %v, want %q", text, ranges, err, want)
		}
	}
}

func FuzzCustomPolicy(f *testing.F) {
	f.Add("10s, 1m, 5m", "200-299, 304")
	f.Add("1,2,3", "200")
	f.Add("-1h", "9-1")
	f.Fuzz(func(t *testing.T, waits, success string) {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.RetryPolicy, w.Custom = "custom", engine.CustomPolicy })
		var errWaits, errSuccess error
		w.Custom.Waits, errWaits = engine.ParseWaits(waits)
		w.Custom.Success, errSuccess = engine.ParseRanges(success)
		for _, err := range []error{errWaits, errSuccess} {
			if err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Fatal("refused without a word")
			}
		}
		if errWaits != nil || errSuccess != nil || w.Validate(engine.BuiltIn) != nil {
			return
		}
		again, err := engine.ParseWaits(engine.FormatWaits(w.Custom.Waits))
		if err != nil || !slices.Equal(again, w.Custom.Waits) {
			t.Fatalf("waits %q come back as %v, %v", waits, again, err)
		}
		ranges, err := engine.ParseRanges(engine.FormatRanges(w.Custom.Success))
		if err != nil || !slices.Equal(ranges, w.Custom.Success) {
			t.Fatalf("ranges %q come back as %v, %v", success, ranges, err)
		}
		if longest := w.Custom.LongestWait(); longest > engine.MaxRetryWait || longest < time.Second {
			t.Fatalf("%q waits up to %s", waits, longest)
		}
	})
}
