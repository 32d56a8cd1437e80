package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

// revealed shows headers with their values, which cmp would print masked.
func revealed(headers []engine.Header) []string {
	var list []string
	for _, h := range headers {
		text := h.Name + "|" + h.Value.Reveal()
		if h.Sensitive {
			text += "|sensitive"
		}
		list = append(list, text)
	}
	return list
}

func TestParseHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"":                                nil,
		"\n \r\n\t\n":                     nil,
		"X-Lab: 7":                        {"X-Lab|7"},
		"X-Lab:7":                         {"X-Lab|7"},
		"X-Lab=7":                         {"X-Lab|7"},
		"  X-Lab  =  7  ":                 {"X-Lab|7"},
		"X-Lab:":                          {"X-Lab|"},
		"X-Lab=":                          {"X-Lab|"},
		": 7":                             {"|7"},
		"X-A: 1\nX-B: 2\r\n\r\nX-C=3\n":   {"X-A|1", "X-B|2", "X-C|3"},
		"X-Url: https://a.example/?b=c":   {"X-Url|https://a.example/?b=c"},
		"X-Url=https://a.example/?b=c":    {"X-Url|https://a.example/?b=c"},
		"X-Pair=a:b=c":                    {"X-Pair|a:b=c"},
		"X-Pair: a=b:c":                   {"X-Pair|a=b:c"},
		"Authorization=Basic a:b":         {"Authorization|Basic a:b|sensitive"},
		"Authorization=Basic dTpwYXNz":    {"Authorization|Basic dTpwYXNz|sensitive"},
		"authorization: Basic dTpwYQ==":   {"authorization|Basic dTpwYQ==|sensitive"},
		"Cookie: a=b":                     {"Cookie|a=b|sensitive"},
		"X-Api-Key: k\napi_key=k":         {"X-Api-Key|k|sensitive", "api_key|k|sensitive"},
		"X-Session-Token: t":              {"X-Session-Token|t|sensitive"},
		"X-Password: p\nX-Hub-Signature=": {"X-Password|p|sensitive", "X-Hub-Signature||sensitive"},
		"X-Lab: 7\nX-Lab: 8":              {"X-Lab|7", "X-Lab|8"},
		"X Lab: é\tü":                     {"X Lab|é\tü"}, // CheckHeaders refuses the name
	}
	for text, want := range tests {
		got, err := engine.ParseHeaders(text)
		if diff := cmp.Diff(want, revealed(got)); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	got, err := engine.ParseHeaders("X-Lab: 7\nnonsense\n\nmore")
	want := []string{
		"headers: Line 2 has neither a colon nor an equals sign; write Name: value",
		"headers: Line 4 has neither a colon nor an equals sign; write Name: value",
	}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("lines without a sign (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"X-Lab|7"}, revealed(got)); diff != "" {
		t.Errorf("the line that is right (-want +got):\n%s", diff)
	}
}

func TestFormatHeadersMasks(t *testing.T) {
	t.Parallel()
	got := engine.FormatHeaders([]engine.Header{
		{Name: "X-Lab", Value: "7"}, {Name: "Authorization", Value: "Basic eDp5", Sensitive: true}, {Name: "X-Key", Sensitive: true},
	})
	if want := "X-Lab: 7\nAuthorization: ••••\nX-Key: \n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestKeepMasked(t *testing.T) {
	t.Parallel()
	before := []engine.Header{
		{Name: "Authorization", Value: "old", Sensitive: true},
		{Name: "X-Lab", Value: "7"},
		{Name: "X-Key", Value: "first", Sensitive: true},
		{Name: "x-key", Value: "second", Sensitive: true},
		{Name: "X-Quiet", Value: "hush", Sensitive: true},
	}
	tests := map[string][]string{
		"Authorization: ••••":                   {"Authorization|old|sensitive"},
		"AUTHORIZATION=••••":                    {"AUTHORIZATION|old|sensitive"},
		"Authorization: new":                    {"Authorization|new|sensitive"},
		"Authorization:":                        {"Authorization||sensitive"},
		"X-Key: ••••\nX-Key: ••••":              {"X-Key|first|sensitive", "X-Key|second|sensitive"},
		"X-Key: new\nX-Key: ••••":               {"X-Key|new|sensitive", "X-Key|second|sensitive"},
		"X-Key: ••••\nX-Lab: 8\nX-Key: new":     {"X-Key|first|sensitive", "X-Lab|8", "X-Key|new|sensitive"},
		"X-Key: ••••\nX-Key: ••••\nX-Key: ••••": {"X-Key|first|sensitive", "X-Key|second|sensitive", "X-Key|••••|sensitive"},
		"X-Other-Key: ••••":                     {"X-Other-Key|••••|sensitive"}, // CheckHeaders asks for the value
		"X-Quiet: ••••":                         {"X-Quiet|hush|sensitive"},
	}
	for text, want := range tests {
		headers, err := engine.ParseHeaders(text)
		if err != nil {
			t.Fatal(err)
		}
		engine.KeepMasked(headers, before)
		if diff := cmp.Diff(want, revealed(headers)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestHeadersRoundTrip sends valid headers to the form and back, as somebody does who changes nothing.
func TestHeadersRoundTrip(t *testing.T) {
	t.Parallel()
	value := rapid.StringMatching(`([!-~é]([ -~\t]{0,20}[!-~])?)?`)
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.Custom(func(t *rapid.T) engine.Header {
			name := rapid.StringMatching(`X-[A-Za-z0-9_.-]{1,8}|Authorization|api_key`).Draw(t, "name")
			sensitive := engine.SensitiveName(name) || rapid.Bool().Draw(t, "sensitive")
			return engine.Header{Name: name, Value: engine.Secret(value.Draw(t, "value")), Sensitive: sensitive}
		})
		before := rapid.SliceOfN(header, 0, 8).Draw(t, "headers")
		after, err := engine.ParseHeaders(engine.FormatHeaders(before))
		if err != nil {
			t.Fatal(err)
		}
		engine.KeepMasked(after, before)
		// An empty value has no mask that could bring a mark back which the name does not give.
		for i := range after {
			if after[i].Value == "" {
				after[i].Sensitive = before[i].Sensitive
			}
		}
		if diff := cmp.Diff(revealed(before), revealed(after)); diff != "" {
			t.Fatalf("(-before +after):\n%s", diff)
		}
	})
}

func FuzzParseHeaders(f *testing.F) {
	for _, text := range []string{
		"X-Lab: 7\nAuthorization=Basic eDp5", "a\rb: c", "X: a\x00b", "X: a\r\n b", ":", "=", "X: \u2028y", "Host: x\n\nLabhook-X: 1", "X: ••••",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		headers, err := engine.ParseHeaders(text)
		if err != nil {
			if _, ok := errors.AsType[engine.InvalidError](err); !ok {
				t.Fatalf("%v is no InvalidError", err)
			}
			return
		}
		var bad engine.InvalidError
		if engine.CheckHeaders(&bad, headers); len(bad) > 0 {
			return
		}
		for _, h := range headers {
			if strings.ContainsAny(h.Name+h.Value.Reveal(), "\r\n\x00") || h.Name == "" {
				t.Fatalf("accepted %q: %q", h.Name, h.Value.Reveal())
			}
			if engine.SensitiveName(h.Name) && !h.Sensitive {
				t.Fatalf("%q is not sensitive", h.Name)
			}
		}
		again, err := engine.ParseHeaders(engine.FormatHeaders(headers))
		if err != nil {
			t.Fatal(err)
		}
		engine.KeepMasked(again, headers)
		if diff := cmp.Diff(revealed(headers), revealed(again)); diff != "" {
			t.Fatalf("written and read again (-want +got):\n%s", diff)
		}
	})
}
