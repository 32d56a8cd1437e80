package engine_test

import (
	"testing"

	"labhook/engine"
)

func TestParseResult(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Result{
		"": {}, "503": {Status: 503}, "5xx": {Status: 5}, "2XX": {Status: 2}, "timeout": {Class: engine.ClassTimeout},
	} {
		got, err := engine.ParseResult(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := engine.ParseResult(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for _, text := range []string{"0", "99", "600", "700", "999", "1000", "6xx", "9xx", "xx", "0xx", "10xx", "+503", "0503", "slow", "5x"} {
		if got, err := engine.ParseResult(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	if least, most := (engine.Result{Status: 4}).Range(); least != 400 || most != 499 {
		t.Errorf("4xx is %d to %d", least, most)
	}
}
