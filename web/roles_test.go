package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
)

// people returns a browser for each role, and for nobody under "".
func (b *bundle) people() map[engine.Role]*http.Client {
	b.t.Helper()
	clients := map[engine.Role]*http.Client{"": b.newClient()}
	for _, role := range []engine.Role{engine.RoleAdmin, engine.RoleDeveloper, engine.RoleViewer} {
		b.client = b.newClient()
		b.signIn(role)
		clients[role] = b.client
	}
	return clients
}

func TestEveryRouteWithEveryRole(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	b := setup(t)
	clients := b.people()
	for _, route := range b.web.routes() {
		if route.need == anyone {
			continue
		}
		method, path := b.fill(route.pattern)
		b.client = clients[""]
		stranger := b.do(method, path, url.Values{})
		if method == http.MethodGet && (stranger.status != http.StatusSeeOther || !strings.HasPrefix(stranger.header.Get("Location"), "/login")) ||
			method == http.MethodPost && stranger.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: status %d to %q", route.pattern, stranger.status, stranger.header.Get("Location"))
		}
		for _, role := range engine.Roles {
			b.client = clients[role]
			a := b.do(method, path, url.Values{})
			if refused := a.status == http.StatusForbidden; refused == role.Allows(route.need) || a.status == http.StatusUnauthorized {
				t.Errorf("%s as %s: status %d; it needs %s", route.pattern, role, a.status, route.need)
			}
		}
	}
}

// What people without a session reach is this list; what changes something for others needs more than a viewer.
func TestRulesOfRoutes(t *testing.T) {
	t.Parallel()
	public := map[string]bool{
		"GET /setup": true, "POST /setup": true, "GET /login": true, "POST /login": true, "POST /logout": true,
		"GET /invitation": true, "POST /invitation": true, "GET /egress.txt": true, "GET /api/v1/docs": true, "GET /egress.json": true,
	}
	for _, route := range setup(t).web.routes() {
		if (route.need == anyone) != public[route.pattern] {
			t.Errorf("%s needs %q", route.pattern, route.need)
		}
		path, posts := strings.CutPrefix(route.pattern, "POST ")
		if posts && route.need == engine.RoleViewer && !strings.HasPrefix(path, "/account") {
			t.Errorf("%s changes something, and a viewer may do it", route.pattern)
		}
		for _, part := range []string{"/{con}/keys", "/platform-keys", "/admin/users", "/admin/audit", "/admin/settings/{group}/"} {
			if strings.Contains(route.pattern, part) && route.need != engine.RoleAdmin {
				t.Errorf("%s needs %s, want admin", route.pattern, route.need)
			}
		}
	}
}

// No page offers what its reader would be refused.
func TestPagesOfferWhatTheRoleMayDo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	b := setup(t)
	clients := b.people()
	needs := map[string]engine.Role{}
	for _, route := range b.web.routes() {
		needs[route.pattern] = route.need
	}
	for _, route := range b.web.routes() {
		if !strings.HasPrefix(route.pattern, "GET ") || route.need == anyone {
			continue
		}
		_, path := b.fill(route.pattern)
		for _, role := range engine.Roles {
			if !role.Allows(route.need) {
				continue
			}
			b.client = clients[role]
			page := b.get(path)
			for _, target := range offers(page.doc) {
				method, path, _ := strings.Cut(target, " ")
				r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
				if err != nil {
					t.Errorf("%s as %s: %q: %v", route.pattern, role, target, err)
					continue
				}
				if need := needs[b.routeOf(r)]; need != anyone && !role.Allows(need) {
					t.Errorf("%s offers %s to a %s, who may not do it", route.pattern, target, role)
				}
			}
		}
	}
}

// offers returns what a page leads to and posts to: "POST /logout".
func offers(doc *goquery.Document) []string {
	var list []string
	doc.Find("a[href^='/'], form, [formaction], [hx-post]").Each(func(_ int, s *goquery.Selection) {
		for attribute, method := range map[string]string{
			"href": http.MethodGet, "formaction": http.MethodPost, "hx-post": http.MethodPost,
			"action": strings.ToUpper(s.AttrOr("method", "get")),
		} {
			if target, ok := s.Attr(attribute); ok && strings.HasPrefix(target, "/") {
				path, _, _ := strings.Cut(target, "#")
				list = append(list, method+" "+path)
			}
		}
	})
	return list
}
