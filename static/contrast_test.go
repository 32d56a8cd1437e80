package static

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The least contrast of WCAG 2.2: of text (1.4.3), and of what has to be seen to be used or understood (1.4.11).
const (
	ofText  = 4.5
	ofShape = 3.0
)

// contrastPairs are which colours stand on which: fronts, grounds, the least contrast.
var contrastPairs = []struct {
	fronts, grounds string
	least           float64
}{
	{"text muted accent accent-strong", "page card head code", ofText},
	{"fail-text", "page card", ofText}, // messages, and figures that are bad
	{"ok-text", "ok-ground", ofText},
	{"fail-text", "fail-ground", ofText},
	{"retry-text", "retry-ground", ofText},
	{"send-text", "send-ground", ofText},
	{"queued-text", "queued-ground", ofText},
	{"held-text", "held-ground", ofText},
	{"off-text", "off-ground", ofText},
	{"on-accent", "accent accent-strong", ofText}, // the primary button, also under the pointer
	{"top-text top-idle", "top", ofText},
	{"control", "page card head code", ofShape}, // borders of fields and buttons, axes
	{"accent", "page card head code", ofShape},  // the focus
	{"top-text top-idle", "top", ofShape},       // the focus and the border of Find on the top bar
	{"ok-fill fail-fill retry-fill send-fill held-fill", "page card code", ofShape},
}

// TestU2Contrast measures every pair in both themes and says, with -v, what the least favourable ground comes to.
func TestU2Contrast(t *testing.T) {
	t.Parallel()
	tokens := tokenTable(t)
	judged := map[string]bool{}
	for _, p := range contrastPairs {
		for _, front := range strings.Fields(p.fronts) {
			judged[front] = true
			least := [2]float64{math.Inf(1), math.Inf(1)}
			for _, ground := range strings.Fields(p.grounds) {
				judged[ground] = true
				for i, theme := range []string{"light", "dark"} {
					got := contrast(t, tokens[front][i], tokens[ground][i])
					least[i] = min(least[i], got)
					if got < p.least {
						t.Errorf("%s: %s on %s has contrast %.2f, at least %.1f is wanted", theme, front, ground, got, p.least)
					}
				}
			}
			t.Logf("%-14s on %-20s light %5.2f, dark %5.2f, wanted %.1f", front, p.grounds, least[0], least[1], p.least)
		}
	}
	for name := range tokens {
		if !judged[name] && name != "line" { // which decorates, and nothing depends on it
			t.Errorf("nothing says what the colour %s stands on", name)
		}
	}
}

// Colours outside the token table would escape the test above.
func TestColoursAreTokens(t *testing.T) {
	t.Parallel()
	for i, line := range strings.Split(string(byName["app.css"].plain), "\n") {
		if !strings.HasPrefix(line, "  --") && regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(`).MatchString(line) {
			t.Errorf("app.css:%d names a colour: %s", i+1, line)
		}
	}
}

// tokenTable reads "--name: light-dark(#light, #dark);".
func tokenTable(t *testing.T) map[string][2]string {
	t.Helper()
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(string(byName["app.css"].plain), -1) {
		tokens[m[1]] = [2]string{m[2], m[3]}
	}
	return tokens
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("no colour: %q", colour)
	}
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(fmt.Errorf("colour %s: %w", colour, err))
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
