package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
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
