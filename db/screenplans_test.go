package db_test

import (
	"database/sql/driver"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web"
)

// reads are the queries that screens made, each once, with the arguments of the first time.
type reads struct {
	mu    sync.Mutex
	args  map[string][]driver.NamedValue
	where map[string]string // the page that made it
	page  string
}

func (r *reads) record(query string, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.args[query]; !known {
		r.args[query], r.where[query] = args, r.page
	}
}

// TestU6ScreenPlans goes through the screens, by every link and with every filter and pair of filters, and looks at how
// each query that they made is answered: never by reading a whole table that grows, sorting what grows, or counting
// without end.
func TestU6ScreenPlans(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("goes through every screen, one after another")
	}
	dir := t.TempDir()
	busy := dbtest.Fill(t, dir, 3000)
	store, err := db.Open(t.Context(), db.Options{Dir: dir, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	guard, log := enginetest.Guard(), slog.New(slog.DiscardHandler)
	server, err := web.New(t.Context(), web.Config{Store: store, Engine: engine.New(engine.Config{Guard: guard, Log: log}, store), Guard: guard, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	seen := &reads{args: map[string][]driver.NamedValue{}, where: map[string]string{}}
	if err := store.RecordReads(seen.record); err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, store, server, seen)
	v.crawl()
	v.filter(busy)
	for query, args := range maps.Clone(seen.args) { // what follows is recorded, too
		steps, err := store.Plan(t.Context(), query, args)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for _, wrong := range wrongs(query, steps) {
			t.Errorf("%s: %s:\n%s\n%s", seen.where[query], wrong, query, strings.Join(steps, "\n"))
		}
	}
	if len(seen.args) < 100 || len(v.visited) < 100 {
		t.Errorf("only %d queries of %d pages were looked at", len(seen.args), len(v.visited))
	}
}

// grows matches the tables that grow with every event, with the name that a query gives them.
var grows = regexp.MustCompile(`\b(?:FROM|JOIN) (deliveries|attempts|events|audit)(?: AS)?(?: ([a-z]+)\b)?`)

// sorted are what queries say that sort few rows, whatever the tables hold.
var sorted = []string{
	"INDEXED BY events_subject",                                         // the events of one lab instance
	"INDEXED BY gates_opens_by",                                         // as many as labs that wait
	"WITH RECURSIVE hours",                                              // as many as the hours of a period
	"json_each(?",                                                       // as many as a page has
	"FROM webhooks", "FROM users", "FROM consumers", "FROM event_types", // what people made
}

// common matches the conditions of a list that reads along its table until its page is full: most rows meet them.
var common = regexp.MustCompile(`^(r\.id|r\.test = 0|r\.last_status BETWEEN|r\.last_status = |\? AND|\?$|r\.state IN|r\.test = \?|e\.subject <> ''|e\.test = 0|\?2 = 0)`)

// rareCondition returns a condition of a query that reads along a table and may have to go far for what meets it.
func rareCondition(query string) string {
	_, conditions, _ := strings.Cut(query, "WHERE ")
	conditions, _, _ = strings.Cut(conditions, "ORDER BY")
	for condition := range strings.SplitSeq(conditions, " AND ") {
		if condition = strings.TrimSpace(condition); condition != "" && !common.MatchString(condition) {
			return condition
		}
	}
	return ""
}

// wrongs says what is wrong with the plan of a query.
func wrongs(query string, steps []string) (list []string) {
	names := map[string]bool{}
	for _, found := range grows.FindAllStringSubmatch(query, -1) {
		names[found[1]], names[found[2]] = true, true
	}
	limited := strings.Contains(query, "LIMIT")
	for _, step := range steps {
		words := strings.Fields(step)
		switch {
		case words[0] != "SCAN" || !names[words[1]]:
		case !limited || !strings.Contains(query, "NOT INDEXED") && !strings.Contains(step, "INDEX"):
			list = append(list, "it reads a whole table: "+step)
		case strings.Contains(query, "NOT INDEXED") && rareCondition(query) != "":
			list = append(list, "it may go far for "+rareCondition(query))
		}
		if strings.Contains(step, "TEMP B-TREE") && !holdsAny(query, sorted) {
			list = append(list, "it sorts: "+step)
		}
	}
	if strings.Contains(query, "OFFSET") {
		list = append(list, "it counts rows to leave out")
	}
	if strings.Contains(query, "count(") && len(names) > 0 && !limited && !strings.Contains(query, "INDEXED BY deliveries_held") {
		list = append(list, "it counts without end")
	}
	return list
}

func holdsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// visitor goes through the screens as an administrator.
type visitor struct {
	t       *testing.T
	client  *http.Client
	base    string
	seen    *reads
	visited map[string]int // kinds of pages: addresses without ids
}

func newVisitor(t *testing.T, store *db.Store, server *web.Server, seen *reads) *visitor {
	t.Helper()
	hash, err := web.HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateFirstUser(t.Context(), engine.User{Login: "dana", Name: "Dana Ortiz", Role: engine.RoleAdmin, Enabled: true}, hash); err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(server.Handler())
	t.Cleanup(ts.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, client: &http.Client{Jar: jar}, base: ts.URL, seen: seen, visited: map[string]int{}}
	resp, err := v.client.PostForm(v.base+"/login", url.Values{"login": {"dana"}, "password": {"correct horse battery"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Request.URL.Path != "/admin" {
		t.Fatalf("signing in leads to %s", resp.Request.URL)
	}
	return v
}

// get returns the addresses that a page leads to and polls.
func (v *visitor) get(address string) (links []string) {
	v.t.Helper()
	v.seen.mu.Lock()
	v.seen.page = address
	v.seen.mu.Unlock()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		v.t.Errorf("%s: status %d", address, resp.StatusCode)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		_, _ = io.Copy(io.Discard, resp.Body)
		return nil
	}
	doc, err := goquery.NewDocumentFromReader(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, attribute := range []string{"href", "hx-get"} {
		doc.Find("[" + attribute + "^='/']").Each(func(_ int, s *goquery.Selection) {
			link, _ := s.Attr(attribute)
			link, _, _ = strings.Cut(link, "#")
			links = append(links, link)
		})
	}
	return links
}

// ids matches what tells pages of a kind apart.
var ids = regexp.MustCompile(`\b[a-z]+_[0-9a-z]{13}\b|\b\d{5,}\b|=[^&]*`)

// crawl follows every kind of link, from three pages of each kind.
func (v *visitor) crawl() {
	for queue := []string{"/admin"}; len(queue) > 0; queue = queue[1:] {
		kind := ids.ReplaceAllString(queue[0], "*")
		if v.visited[kind]++; v.visited[kind] > 3 || strings.HasPrefix(kind, "/static/") {
			continue
		}
		queue = append(queue, v.get(queue[0])...)
	}
}

// filter asks for the lists with every filter and every pair.
func (v *visitor) filter(busy dbtest.Busy) {
	deliveries := []url.Values{
		{"status": {"failed"}},
		{"status": {"held"}},
		{"status": {"delivered"}},
		{"status": {"failed", "retrying"}},
		{"status": {"delivered", "failed"}},
		{"code": {"5xx"}},
		{"code": {"503"}},
		{"code": {"204"}},
		{"code": {"200"}},
		{"code": {"2xx"}},
		{"code": {"timeout"}},
		{"webhook": {busy.Webhooks[0].ID.String()}},
		{"consumer": {busy.Consumers[0].ID.String()}},
		{"event": {engine.LabScored}},
		{"event": {busy.RareType}},
		{"lab": {busy.Lab}},
		{"test": {"true"}},
		{"test": {"false"}},
		{"since": {"24h"}},
		{"from": {"2026-01-01T00:00:00Z"}, "to": {"2036-01-01T00:00:00Z"}},
	}
	audit := []url.Values{{"who": {"Ada Byron"}}, {"action": {"webhook.delete"}}, {"object": {"wh_1"}}, {"since": {"24h"}}}
	for i, one := range deliveries {
		for _, other := range deliveries[i:] {
			v.turn("/deliveries", one, other)
		}
		v.turn("/events", one)
		v.turn("/webhooks/"+busy.Webhooks[0].ID.String()+"/logs", one)
	}
	for i, one := range audit {
		for _, other := range audit[i:] {
			v.turn("/admin/audit", one, other)
		}
	}
}

// turn asks for a list with some filters, for the pages before and after, and for what is new.
func (v *visitor) turn(list string, filters ...url.Values) {
	all := url.Values{}
	for _, values := range filters {
		maps.Copy(all, values)
	}
	v.visited[list+"?"+all.Encode()]++
	for _, link := range v.get(list + "?" + all.Encode()) {
		at, err := url.Parse(link)
		if err == nil && at.Path == list && (at.Query().Has("before") || at.Query().Has("after") || at.Query().Has("newer")) {
			v.get(link)
		}
	}
}
