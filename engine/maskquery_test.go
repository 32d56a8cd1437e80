package engine_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"labhook/engine"
)

func TestMaskQuery(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://x.example/hook":                               "https://x.example/hook",
		"https://x.example/hook?":                              "https://x.example/hook?",
		"https://x.example/hook?token=abc":                     "https://x.example/hook?token=••••",
		"https://x.example/{id}?lab={id}&key=a=b&flag=&s3cret": "https://x.example/{id}?lab=••••&key=••••&flag=&••••",
		"https://x.example/?a=1#part":                          "https://x.example/?a=••••#••••",
	} {
		if got := engine.MaskQuery(address); got != want || engine.MaskQuery(got) != got {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}

// Whatever the values are, none of them is left, and what stands before the query is.
func TestMaskQueryHidesEveryValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[A-Z0-9?=%{}]{8,12}`), 1, 4).Draw(t, "values")
		address := "https://x.example/hook?"
		for i, value := range values {
			if i > 0 {
				address += "&"
			}
			address += "n=" + value
		}
		got := engine.MaskQuery(address)
		if !strings.HasPrefix(got, "https://x.example/hook?") || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(got, v) }) {
			t.Fatalf("%s is shown as %s", address, got)
		}
	})
}

// What a receiver echoes of a query is hidden with it, as it came and decoded, also where it sends the request on to.
func TestHideQuery(t *testing.T) {
	t.Parallel()
	a := engine.Attempt{
		Request: engine.SentRequest{URL: "https://x.example/hook?token=s3cret%2Fvalue&n=1"},
		Answer: &engine.Answer{
			Headers: []string{"Location: https://y.example/?n=1", "X-Echo: s3cret/value"}, Body: []byte(`{"token": "s3cret%2Fvalue", "n": 1}`),
		},
	}
	a.HideQuery()
	if a.Request.URL != "https://x.example/hook?token=••••&n=••••" || string(a.Answer.Body) != `{"token": "••••", "n": 1}` ||
		!slices.Equal(a.Answer.Headers, []string{"Location: https://y.example/?n=••••", "X-Echo: ••••"}) {
		t.Errorf("%s, %q, %s", a.Request.URL, a.Answer.Headers, a.Answer.Body)
	}
	plain := engine.Attempt{Request: engine.SentRequest{URL: "https://x.example/hook"}}
	if plain.HideQuery(); plain.Request.URL != "https://x.example/hook" {
		t.Errorf("without a query: %s", plain.Request.URL)
	}
}
