package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// htmx is copied from the package htmx.org@4.0.1 (npm pack htmx.org@4.0.1, dist/htmx.min.js), unchanged.
const htmxSum = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"

func TestHTMXIsTheReleasedFile(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(byName["htmx.min.js"].plain)
	if got := hex.EncodeToString(sum[:]); got != htmxSum {
		t.Errorf("htmx.min.js has the sum %s, want %s", got, htmxSum)
	}
}

func TestFilesAreSmall(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"app.js": 4 << 10, "app.css": 10 << 10, "htmx.min.js": 16 << 10} {
		if got := len(byName[name].gzip); got > limit {
			t.Errorf("%s has %d bytes compressed, at most %d are wanted", name, got, limit)
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	url := URL("app.css")
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, r)
		return w
	}

	plain := get(url)
	if plain.Code != http.StatusOK || !bytes.Equal(plain.Body.Bytes(), byName["app.css"].plain) {
		t.Errorf("GET %s: status %d and %d bytes", url, plain.Code, plain.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding",
	} {
		if got := plain.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	packed := get(url, "Accept-Encoding", "br, gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" {
		t.Fatal("a browser that takes gzip did not get it")
	}
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, byName["app.css"].plain) {
		t.Errorf("the compressed file is another one (%v)", err)
	}

	if again := get(url, "If-None-Match", plain.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("a known file: status %d and %d bytes, want 304 without any", again.Code, again.Body.Len())
	}
	for _, path := range []string{Prefix, Prefix + "app.css", Prefix + "app.0000000000000000.css", Prefix + "static.go"} {
		if got := get(path).Code; got != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, got)
		}
	}
}

func TestURLPanicsWithoutFile(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("URL of a file that does not exist did not panic")
		}
	}()
	URL("missing.css")
}

// Each pair is read, or must be seen, on that ground; the numbers are those of WCAG 2.2.
func TestContrast(t *testing.T) {
	t.Parallel()
	const text, shape = 4.5, 3.0
	grounds := []string{"page", "card", "head", "code"}
	type pair struct {
		front, back string
		least       float64
	}
	var pairs []pair
	for _, back := range grounds {
		for _, front := range []string{"text", "muted", "accent", "accent-strong"} {
			pairs = append(pairs, pair{front, back, text})
		}
		pairs = append(pairs, pair{"control", back, shape})
	}
	for _, back := range []string{"page", "card"} {
		pairs = append(pairs, pair{"fail-text", back, text})
		for _, fill := range []string{"ok", "fail", "retry", "send", "held"} {
			pairs = append(pairs, pair{fill + "-fill", back, shape})
		}
	}
	for _, state := range []string{"ok", "fail", "retry", "send", "queued", "held", "off"} {
		pairs = append(pairs, pair{state + "-text", state + "-ground", text})
	}
	pairs = append(pairs, pair{"on-accent", "accent", text}, pair{"on-accent", "accent-strong", text},
		pair{"top-text", "top", text}, pair{"top-idle", "top", text})

	tokens := tokenTable(t)
	for _, p := range pairs {
		front, back := tokens[p.front], tokens[p.back]
		for i, theme := range []string{"light", "dark"} {
			if got := contrast(t, front[i], back[i]); got < p.least {
				t.Errorf("%s: %s on %s has contrast %.2f, at least %.1f is wanted", theme, p.front, p.back, got, p.least)
			}
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
