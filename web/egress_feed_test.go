package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/web/api"
)

const feedLines = "2001:db8::7\n198.51.100.7 main\n198.51.100.8/29"

func TestEgressFeedsForWhom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("first", engine.RoleAdmin)
	stranger := b.client
	b.client = b.newClient()
	b.signIn(engine.RoleViewer)
	viewer := b.client
	public := func(on bool) { b.declare(feedLines, func(l *engine.EgressList) { l.Public = on }) }
	for _, tt := range []struct {
		name     string
		before   func()
		stranger int
		viewer   int
	}{
		{"nothing declared", func() {}, http.StatusNotFound, http.StatusNotFound},
		{"not public", func() { public(false) }, http.StatusNotFound, http.StatusOK},
		{"public", func() { public(true) }, http.StatusOK, http.StatusOK},
		{"not public any more", func() { public(false) }, http.StatusNotFound, http.StatusOK},
	} {
		tt.before()
		for _, path := range []string{"/egress.txt", "/egress.json"} {
			b.client = stranger
			a := b.get(path)
			want := map[int]string{http.StatusOK: "public, max-age=3600", http.StatusNotFound: "no-store"}[tt.stranger]
			if a.status != tt.stranger || a.header.Get("Cache-Control") != want || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %s for a stranger: status %d, %v", tt.name, path, a.status, a.header)
			}
			if a.status == http.StatusNotFound && strings.Contains(a.body, "198.51.100.7") {
				t.Errorf("%s: %s shows the addresses", tt.name, path)
			}
			b.client = viewer
			if a := b.get(path); a.status != tt.viewer || strings.Contains(a.header.Get("Cache-Control"), "public") {
				t.Errorf("%s: %s for a viewer: status %d, %v", tt.name, path, a.status, a.header)
			}
		}
	}
}

func TestEgressFeeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.declare(feedLines, func(l *engine.EgressList) {
		l.Public, l.ValidUntil, l.EchoURL = true, time.Date(2099, 6, 30, 18, 0, 0, 0, time.UTC), "https://echo.example.com/marker"
	})
	text := b.get("/egress.txt")
	want := "# Addresses that webhooks are sent from, as of " + l.UpdatedAt.Format(time.RFC3339) + ", valid until 2099-06-30T18:00:00Z\n" +
		"198.51.100.7\n198.51.100.8/29\n2001:db8::7\n"
	if text.body != want || text.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("egress.txt (-want +got):\n%s", cmp.Diff(want, text.body))
	}
	data := b.get("/egress.json")
	var got api.Egress
	if err := json.Unmarshal([]byte(data.body), &got); err != nil || data.header.Get("Content-Type") != "application/json" {
		t.Fatalf("egress.json: %v, %v", err, data.header)
	}
	until := l.ValidUntil
	if diff := cmp.Diff(api.Egress{
		UpdatedAt: &l.UpdatedAt, ValidUntil: &until, Addresses: []string{"198.51.100.7", "198.51.100.8/29", "2001:db8::7"},
		IPv4: []string{"198.51.100.7", "198.51.100.8/29"}, IPv6: []string{"2001:db8::7"}, Aggregated: []string{"198.51.100.7", "198.51.100.8/29", "2001:db8::7"},
	}, got); diff != "" {
		t.Errorf("egress.json (-want +got):\n%s", diff)
	}
	if strings.Contains(data.body+text.body, "marker") || strings.Contains(data.body+text.body, "main") {
		t.Error("the feeds show labels or the echo URL")
	}
	for path, first := range map[string]answer{"/egress.txt": text, "/egress.json": data} {
		tag, date := first.header.Get("ETag"), first.header.Get("Last-Modified")
		if tag == "" || date != l.UpdatedAt.Format(http.TimeFormat) {
			t.Errorf("%s: ETag %q, Last-Modified %q", path, tag, date)
		}
		for _, header := range [][]string{{"If-None-Match", tag}, {"If-Modified-Since", date}} {
			if a := b.get(path, header...); a.status != http.StatusNotModified || a.body != "" {
				t.Errorf("%s with %s: status %d", path, header[0], a.status)
			}
		}
		if a := b.do(http.MethodHead, path, nil); a.status != http.StatusOK || a.body != "" || a.header.Get("ETag") != tag {
			t.Errorf("HEAD %s: status %d, %v", path, a.status, a.header)
		}
	}
	b.declare("198.51.100.9", func(l *engine.EgressList) { l.Public = true })
	for path, first := range map[string]answer{"/egress.txt": text, "/egress.json": data} {
		if a := b.get(path, "If-None-Match", first.header.Get("ETag")); a.status != http.StatusOK || !strings.Contains(a.body, "198.51.100.9") {
			t.Errorf("%s after a change: status %d", path, a.status)
		}
	}
}
