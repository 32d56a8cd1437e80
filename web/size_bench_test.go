package web

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"labhook/db"
	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

const (
	busyDeliveries = 1_000_000
	// eventsRate is how many events arrive in a second meanwhile.
	eventsRate = 50
	// requestsOfFilter is how often each of very many lists is asked for.
	requestsOfFilter = 20
)

// busyServer is a server with a database of a month's work, on which events arrive.
type busyServer struct {
	*bundle
	dbtest.Busy
	deliveries []engine.DeliveryID // some, from all times
}

// newBusyServer fills a database and serves it. LABHOOK_ROWS is how many deliveries it holds, instead of a million.
func newBusyServer(b *testing.B) *busyServer {
	rows := busyDeliveries
	if n, err := strconv.Atoi(os.Getenv("LABHOOK_ROWS")); err == nil {
		rows = n
	}
	dir := b.TempDir()
	s := &busyServer{Busy: dbtest.Fill(b, dir, rows)}
	store, err := db.Open(b.Context(), db.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	s.bundle = setupStore(b, store, enginetest.Guard(), slog.New(slog.DiscardHandler))
	s.signIn(engine.RoleAdmin)
	for range 200 {
		at := s.Since.Add(rand.N(time.Since(s.Since)))
		page, err := store.ListDeliveries(b.Context(), engine.DeliveryFilter{Until: at, Limit: 1})
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range page.Rows {
			s.deliveries = append(s.deliveries, row.ID)
		}
	}
	s.run(b)
	return s
}

// run lets events arrive until the benchmark ends, each for one webhook.
func (s *busyServer) run(b *testing.B) {
	receiver := enginetest.NewReceiver(b, "200")
	c := s.addConsumer("Running")
	s.addWebhook(c.ID, "Running", func(w *engine.Webhook) { w.URL, w.Events = receiver.URL, []string{engine.LabScored} })
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	done := make(chan struct{})
	b.Cleanup(func() {
		stop()
		<-done
	})
	go func() {
		defer close(done)
		ticks := time.NewTicker(time.Second / eventsRate)
		defer ticks.Stop()
		for n := int64(1); ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			e := enginetest.Event(func(e *engine.Event) { e.ConsumerID, e.Data = c.ID, enginetest.LabData(2_000_000_000+n/eventsRate) })
			if _, err := s.engine.Accept(ctx, &e); err != nil {
				b.Error(err)
				return
			}
		}
	}()
}

// request asks for a page and returns how long the whole answer took.
func (s *busyServer) request(b *testing.B, path string, header ...string) (took time.Duration, status int, body []byte) {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	resp, err := s.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		b.Fatal(err)
	}
	return time.Since(began), resp.StatusCode, body
}

// page asks for a page that must be there.
func (s *busyServer) page(b *testing.B, path string) time.Duration {
	took, status, body := s.request(b, path)
	switch {
	case status != http.StatusOK && status != http.StatusSeeOther:
		b.Fatalf("%s: status %d", path, status)
	case bytes.Contains(body, []byte("This takes too long")):
		return time.Hour
	}
	return took
}

func p95(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[(len(took)*95+99)/100-1].Microseconds()) / 1000
}

// measure asks for pages and reports the 95th percentile in milliseconds, beside what is wanted at most.
func (s *busyServer) measure(b *testing.B, name string, limit float64, path func() string) {
	b.Run(name, func(b *testing.B) {
		s.page(b, path()) // the first one of all reads from the disk
		var took []time.Duration
		for b.Loop() {
			took = append(took, s.page(b, path()))
		}
		got := p95(took)
		b.ReportMetric(got, "p95-ms")
		b.ReportMetric(limit, "limit-ms")
		b.ReportMetric(0, "ns/op")
		if got > limit {
			b.Logf("%s takes too long", path())
		}
	})
}

// list is the address of a list of deliveries.
func list(query ...string) func() string {
	return func() string { return views.DeliveriesURL(query...) }
}

// filters are the values of each filter of the list of deliveries, common and rare, by name.
func (s *busyServer) filters() map[string][]string {
	hook, consumer := func(i int) string { return s.Webhooks[i].ID.String() }, func(i int) string { return s.Consumers[i].ID.String() }
	quiet := s.addWebhook(s.Consumers[1].ID, "Quiet")
	middle := s.Since.Add(time.Since(s.Since) / 2)
	filters := map[string][]string{
		"big webhook": {"webhook", hook(0)}, "webhook": {"webhook", hook(777)}, "quiet webhook": {"webhook", quiet.ID.String()},
		"big consumer": {"consumer", consumer(0)}, "consumer": {"consumer", consumer(77)},
		"type": {"event", engine.LabScored}, "rare type": {"event", s.RareType}, "unused type": {"event", engine.LabResumed},
		"lab": {"lab", s.Lab}, "unknown lab": {"lab", "4711"}, "tests": {"test", "true"}, "no tests": {"test", "false"},
		"hour": {"since", "1h"}, "day": {"since", "24h"}, "old day": {"from", middle.Format(time.RFC3339), "to", middle.Add(24 * time.Hour).Format(time.RFC3339)},
	}
	for _, state := range engine.DeliveryStates {
		filters[string(state)] = []string{"status", string(state)}
	}
	for _, code := range []string{"2xx", "3xx", "4xx", "5xx", "503", "404", "418", "200", "202", "204", "timeout", "tls", "blocked"} {
		filters["response "+code] = []string{"code", code}
	}
	return filters
}

// BenchmarkU6Screens asks for the screens of a server with a million deliveries while others arrive. It fills a
// temporary directory first.
func BenchmarkU6Screens(b *testing.B) {
	s := newBusyServer(b)
	some := func() string { return s.deliveries[rand.N(len(s.deliveries))].String() }
	s.measure(b, "first page", 50, list())
	s.measure(b, "dashboard", 60, views.AdminURL)
	s.measure(b, "delivery", 25, func() string { return "/deliveries/" + some() })
	s.measure(b, "lab instance", 40, func() string { return views.LabInstanceURL(strconv.Itoa(1_000_000_000 + rand.N(60_000)*15)) })
	s.measure(b, "find by id", 15, func() string { return views.FindURL(some()) })
	filters := s.filters()
	for _, name := range sortedKeys(filters) {
		s.measure(b, "filter/"+name, 100, list(filters[name]...))
	}
	b.Run("pairs", func(b *testing.B) { s.pairs(b, filters) })
	b.Run("page 100", s.page100)
	for name, path := range map[string]func() string{
		"events": func() string { return views.EventsURL() }, "events of a rare type": func() string { return views.EventsURL("event", s.RareType) },
		"lab instances": func() string { return views.LabInstancesURL() }, "labs with a closed gate": func() string { return views.LabInstancesURL("gated", "1") },
		"consumers": func() string { return views.ConsumersURL() }, "consumer": func() string { return views.ConsumerURL(s.Consumers[0].ID) },
		"webhook": func() string { return views.WebhookURL(s.Webhooks[0].ID) }, "webhook logs": func() string { return views.WebhookLogsURL(s.Webhooks[0].ID) },
		"webhook activity": func() string { return views.WebhookActivityURL(s.Webhooks[0].ID, "30d") }, "audit log": func() string { return "/admin/audit" },
		"audit log of one": func() string { return "/admin/audit?who=Ada+Byron&action=webhook.delete" },
	} {
		s.measure(b, "other/"+name, 100, path)
	}
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// pairs asks for every pair of filters, and reports the slowest.
func (s *busyServer) pairs(b *testing.B, filters map[string][]string) {
	type pair struct {
		names string
		p95   float64
	}
	var pairs []pair
	names := sortedKeys(filters)
	for i, one := range names {
		for _, other := range names[i+1:] {
			if filters[one][0] == filters[other][0] {
				continue
			}
			var took []time.Duration
			for range requestsOfFilter {
				took = append(took, s.page(b, views.DeliveriesURL(slices.Concat(filters[one], filters[other])...)))
				if took[len(took)-1] > time.Second {
					break
				}
			}
			pairs = append(pairs, pair{one + " + " + other, p95(took)})
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int { return -cmp.Compare(x.p95, y.p95) })
	for _, p := range pairs[:30] {
		b.Logf("%6.1f ms  %s", p.p95, p.names)
	}
	b.ReportMetric(float64(len(pairs)), "pairs")
	b.ReportMetric(pairs[0].p95, "worst-p95-ms")
	b.ReportMetric(200, "limit-ms")
	b.ReportMetric(0, "ns/op")
}

// page100 goes to the hundredth page of the list, and compares it with the first.
func (s *busyServer) page100(b *testing.B) {
	path := views.DeliveriesURL()
	for range 99 {
		_, _, body := s.request(b, path)
		doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		path, _ = doc.Find("a[rel=next]").Attr("href")
		if path == "" {
			b.Fatal("there is no further page")
		}
	}
	var first, last []time.Duration
	for b.Loop() {
		first = append(first, s.page(b, views.DeliveriesURL()))
		last = append(last, s.page(b, path))
	}
	b.ReportMetric(p95(first), "first-p95-ms")
	b.ReportMetric(p95(last), "page100-p95-ms")
	b.ReportMetric(p95(last)/p95(first), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkU7Poll asks for what changed on the screens that keep themselves up to date, and finds that nothing did. Only
// what shows the whole installation changes all the time, as events arrive.
func BenchmarkU7Poll(b *testing.B) {
	s := newBusyServer(b)
	held, err := s.store.ListDeliveries(b.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateHeld}, Limit: 1})
	if err != nil || len(held.Rows) != 1 {
		b.Fatalf("no held delivery: %v", err)
	}
	for _, screen := range []struct {
		name, path, section string
		changes             bool
	}{
		{"Site Administration", views.AdminURL(), "health", true},
		{"delivery", views.DeliveryURL(held.Rows[0].ID), "delivery", false},
		{"lab instance", views.LabInstanceURL(held.Rows[0].Subject), "lab", false},
		{"deliveries", views.DeliveriesURL("status", string(engine.StateFailed)), "new-rows", false},
		{"webhooks of a consumer", views.ConsumerURL(s.Consumers[1].ID), "activity", false},
	} {
		b.Run(screen.name, func(b *testing.B) { s.poll(b, screen.path, screen.section, screen.changes) })
	}
}

// poll asks for one section as its page does.
func (s *busyServer) poll(b *testing.B, path, section string, changes bool) {
	_, _, body := s.request(b, path)
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	live := doc.Find("#" + section)
	url, _ := live.Attr("hx-get")
	tag, _ := live.Attr("data-etag")
	if url == "" || tag == "" {
		b.Fatalf("%s has no live section %s", path, section)
	}
	var took []time.Duration
	for b.Loop() {
		one, status, _ := s.request(b, url, "HX-Request", "true", "HX-Target", "section#"+section, "If-None-Match", `"`+tag+`"`)
		if status != http.StatusNoContent && !changes {
			b.Fatalf("%s: status %d", url, status)
		}
		took = append(took, one)
	}
	b.ReportMetric(p95(took), "p95-ms")
	b.ReportMetric(10, "limit-ms")
	b.ReportMetric(0, "ns/op")
}
