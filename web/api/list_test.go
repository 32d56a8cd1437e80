package api_test

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"labhook/engine"
	"labhook/web/api"
)

var linkPattern = regexp.MustCompile(`<([^>]*)>; rel="([a-z]+)"`)

// links returns the addresses in the header Link by their relation.
func (r reply) links() map[string]string {
	found := map[string]string{}
	for _, match := range linkPattern.FindAllStringSubmatch(r.header.Get("Link"), -1) {
		found[match[2]] = match[1]
	}
	return found
}

// row is what the walk reads of any list.
type row struct {
	ID        string `json:"id"`
	LabhookID string `json:"labhook_id"`
}

// walk follows the links of one relation from a path, and returns the rows of each part.
func (b *bundle) walk(t *testing.T, path, rel string) (parts [][]row, last string) {
	t.Helper()
	for range 100 {
		var page api.List[row]
		r := b.send(t, "GET", path, "platform", "").want(200)
		r.into(&page)
		parts, last = append(parts, page.Data), path
		to := r.links()
		if to["first"] == "" || (page.Next != nil) != (to["next"] != "") {
			t.Fatalf("%s: links %v, next %v", path, to, page.Next)
		}
		if page.Next != nil {
			u, err := url.Parse(to["next"])
			if err != nil || u.Query().Get("before")+u.Query().Get("after") != *page.Next {
				t.Fatalf("%s: next is %q, the link %q", path, *page.Next, to["next"])
			}
		}
		if path = to[rel]; path == "" {
			return parts, last
		}
	}
	t.Fatal("the list has no end")
	return nil, ""
}

// TestLinks walks each list from its first part to its last one and back, by its links alone.
func TestLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.webhook(t, b.contoso.ID, "https://a.example", unsent)
		b.consumer(t, "Another", "")
	}
	for range 2 {
		b.waiting(t)
	}
	for _, tt := range []struct {
		list  string
		total int
	}{{"consumers", 5}, {"webhooks", 3}, {"events", 2}, {"deliveries", 6}} {
		for _, limit := range []string{"1", "2", "4"} {
			there, last := b.walk(t, "/api/v1/"+tt.list+"?limit="+limit, "next")
			if got := slices.Concat(there...); len(got) != tt.total || len(slices.Compact(got)) != tt.total {
				t.Errorf("%s by %s: %v", tt.list, limit, got)
			}
			back, first := b.walk(t, last, "prev")
			slices.Reverse(back)
			// On the way back the parts may be cut elsewhere; the rows are the same, in the same order.
			var got []row
			for _, part := range back {
				for _, one := range part {
					if !slices.Contains(got, one) {
						got = append(got, one)
					}
				}
			}
			if !slices.Equal(got, slices.Concat(there...)) {
				t.Errorf("%s by %s, back from %s to %s: %v, there %v", tt.list, limit, last, first, got, there)
			}
		}
	}
}

// TestLinksKeepFilters looks at a link of a filtered list.
func TestLinksKeepFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, "https://a.example", unsent)
	b.waiting(t)
	b.waiting(t)
	to := b.send(t, "GET", "/api/v1/deliveries?status=scheduled&status=held&limit=1&type=Scored", "contoso-read", "").want(200).links()
	u, err := url.Parse(to["next"])
	if err != nil || u.Path != "/api/v1/deliveries" {
		t.Fatalf("links %v", to)
	}
	query := u.Query()
	query.Del("before")
	want := url.Values{"status": {"scheduled", "held"}, "limit": {"1"}, "type": {"Scored"}}
	if !maps.EqualFunc(query, want, slices.Equal) {
		t.Errorf("query %v, want %v", query, want)
	}
}

// TestCursorsAreOpaque checks that no cursor shows the id it stands for, and that none can be made up.
func TestCursorsAreOpaque(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(rt *rapid.T) {
		id := engine.DeliveryID(rapid.Int64Min(1).Draw(rt, "id"))
		cursor := api.Cursor(id.String())
		if strings.Contains(cursor, strings.TrimPrefix(id.String(), "dlv_")) {
			rt.Fatalf("cursor %s of %s", cursor, id)
		}
		b.send(t, "GET", "/api/v1/deliveries?after="+cursor, "platform", "").want(200)
		at := rapid.IntRange(0, len(cursor)-1).Draw(rt, "at")
		letter := rapid.SampledFrom([]byte("AZaz09-_")).Draw(rt, "letter")
		if forged := cursor[:at] + string(letter) + cursor[at+1:]; forged != cursor {
			b.send(t, "GET", "/api/v1/deliveries?after="+forged, "platform", "").problem(422)
		}
	})
}

// TestDeliveriesByResult lists deliveries by what their latest attempt came to.
func TestDeliveriesByResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent)
	b.waiting(t)
	b.send(t, "POST", "/api/v1/webhooks/"+w.ID.String()+"/ping", "contoso", "").want(200)
	for query, want := range map[string]int{
		"code=refused": 1, "code=timeout": 0, "code=5xx": 0, "code=200": 0, "code=refused&status=failed": 1, "code=refused&status=scheduled": 0, "": 2,
	} {
		var page api.List[api.Delivery]
		b.send(t, "GET", "/api/v1/deliveries?"+query, "contoso-read", "").want(200).into(&page)
		if len(page.Data) != want {
			t.Errorf("%q lists %d deliveries, want %d", query, len(page.Data), want)
		}
	}
}
