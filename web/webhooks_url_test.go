package web

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
	"labhook/views"
)

// insideURLs lead inside, or are meant to, in every way that somebody may take them.
var insideURLs = []string{
	// Numbers in all bases, as old libraries read them.
	"http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0X7F000001/", "http://0x7F.0.0.1/", "http://0177.0.0.1/",
	"http://127.1/", "http://127.0.1/", "http://0x7f.1/", "http://0177.1/", "http://0x7f.0.1/", "http://127.0.0.01/", "http://127.000.000.001/",
	"http://0/", "http://0.0.0.0/", "http://00000000000/", "http://3232235777/", "http://2852039166/", "http://0xa9fea9fe/",
	"http://0251.0376.0251.0376/", "http://0xA9.0xFE.0xA9.0xFE/", "http://169.254.43518/", "http://0251.254.0xa9fe/", "http://4294967295/",
	// Numbers that are no address, and public ones that are not written as one.
	"http://4294967297/", "http://256.256.256.256/", "http://127.0.0.1.1/", "http://1..1/", "http://hooks.1/", "http://134744072/", "http://8.8.2056/",
	// Ranges.
	"http://127.0.0.1/", "http://127.255.255.254/", "http://127.0.0.1./", "http://127.1./", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/",
	"http://100.64.0.1/", "http://100.100.100.200/", "http://169.254.169.254/latest/meta-data/", "http://168.63.129.16/", "http://192.0.0.192/",
	"http://192.0.2.1/", "http://198.18.0.1/", "http://203.0.113.5/", "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/",
	// IPv6.
	"http://[::1]/", "http://[::]/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
	"http://[0:0:0:0:0:ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/",
	"http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[::1%25lo]/", "http://[fd00:ec2::254]/",
	"http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[100::1]/", "http://[2001:10::1]/", "http://[::1.]/", "http://[127.0.0.1]/",
	// Names of this host, in all letters.
	"http://localhost/", "http://LOCALHOST/", "http://LocalHost./", "http://lab.localhost/", "http://ｌｏｃａｌｈｏｓｔ/", "http://local\u00adhost/",
	"http://loc%E2%80%8Balhost/", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/",
	"http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example.com/", "http://localhost%2eexample/",
	// Names that lead inside.
	"http://inside.test/", "http://INSIDE.test./", "http://inside6.test/", "http://alias.test/", "http://chain.test/", "http://both.test/", "http://last.test/",
	"http://other.test/", "http://mapped.test/", "http://metadata.test/", "http://xn--ber-goa.test/", "http://über.test/",
	// Users, and what looks like hosts and is none.
	"http://8.8.8.8@127.0.0.1/", "http://public.test:80@127.0.0.1/", "http://user:password@public.test/", "http://user@public.test/", "http://@public.test/",
	"http://127.0.0.1#@public.test/", "http://public.test\\@127.0.0.1/", "http://public.test%23@127.0.0.1/", "http://public.test%2f@127.0.0.1/",
	// Ports.
	"http://8.8.8.8:0/", "http://8.8.8.8:22/", "http://8.8.8.8:25/", "http://public.test:6379/", "http://8.8.8.8:65536/", "http://8.8.8.8:99999999999/", "http://8.8.8.8:-1/",
	"http://8.8.8.8:8079/", "http://8.8.8.8:8091/", "http://8.8.8.8:0x50/", "http://127.0.0.1:8080/", "http://[::1]:8080/", "https://localhost:443/",
	// Other schemes.
	"file:///etc/passwd", "gopher://127.0.0.1:80/_x", "ftp://8.8.8.8/", "//8.8.8.8/", "http:8.8.8.8", "http:///8.8.8.8/", "unix:/run/lab.sock", "javascript:alert(1)",
}

// outsideURLs are those that are fine.
var outsideURLs = []string{
	"http://8.8.8.8/", "http://8.8.8.8./", "http://8.8.8.8:80/", "http://8.8.8.8:8080/", "http://8.8.8.8:8090/", "http://[2606:4700::1111]/",
	"http://[2606:4700:0:0:0:0:0:1111]:8080/", "http://[::ffff:8.8.8.8]/", "http://public.test/", "http://PUBLIC.test./", "http://fine.test/",
	"http://xn--bcher-kva.test/", "http://bücher.test/", "http://ＰＵＢＬＩＣ.test/", "http://1.public.test/",
	"http://10.20.30.40/", "http://[::ffff:10.20.30.40]/", "http://allowed.test/", "http://mixed.test/",
}

// urlBench is a server whose network is a receiver that answers at every address, and a name server.
type urlBench struct {
	*bundle
	names *enginetest.Names
	key   engine.Secret

	mu      sync.Mutex
	dialled []netip.AddrPort
}

func newURLBench(t *testing.T) *urlBench {
	t.Helper()
	ports, err := egress.ParsePorts("80,443,8080-8090")
	if err != nil {
		t.Fatal(err)
	}
	b := &urlBench{names: enginetest.NewNames(map[string][]string{
		"public.test": {"8.8.8.8 2606:4700::1111"}, "1.public.test": {"8.8.4.4"}, "fine.test": {"cname public.test"}, "xn--bcher-kva.test": {"8.8.8.8"},
		"allowed.test": {"10.20.30.40"}, "mixed.test": {"8.8.8.8 10.20.30.40"},
		"inside.test": {"127.0.0.1"}, "inside6.test": {"::1"}, "alias.test": {"cname inside.test"}, "chain.test": {"cname alias.test"},
		"both.test": {"8.8.8.8 10.0.0.1"}, "last.test": {"8.8.8.8 8.8.4.4 1.1.1.1 9.9.9.9 127.0.0.1"}, "other.test": {"8.8.8.8 fd00::1"},
		"mapped.test": {"::ffff:10.0.0.1"}, "metadata.test": {"169.254.169.254"}, "xn--ber-goa.test": {"10.0.0.1"},
		"turning.test": {"8.8.8.8", "8.8.8.8", "127.0.0.1"}, "coming.test": {""},
	})}
	r := enginetest.NewReceiver(t, "200")
	b.bundle = setupGuarded(t, egress.New(egress.Settings{
		Networks: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}, Ports: ports, Resolver: b.names.Resolver(),
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			b.mu.Lock()
			b.dialled = append(b.dialled, netip.MustParseAddrPort(address))
			b.mu.Unlock()
			return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(r.URL, "http://"))
		},
	}))
	b.signIn(engine.RoleDeveloper)
	if _, b.key, err = b.store.CreateKey(t.Context(), engine.System, engine.APIKey{Description: "test", Scope: engine.ScopeManage, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	return b
}

// api posts JSON and decodes the answer.
func (b *urlBench) api(path string, body, answer any) int {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.http.URL+"/api/v1"+path, strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.key.Reveal())
	r.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode
}

// saved saves a webhook with the URL in the browser and by the API, and returns what each has against it.
func (b *urlBench) saved(c engine.APIConsumer, url string) (browser, api string) {
	b.t.Helper()
	a := b.post(views.NewWebhookURL(c.ID), with(goodForm(), "url", url))
	if a.status != http.StatusSeeOther {
		browser = summary(a)["url"]
	}
	var problem struct {
		Errors []struct{ Field, Message string }
	}
	status := b.api("/webhooks", map[string]any{"consumer": c.ID.String(), "name": "by API", "events": []string{engine.LabScored}, "url": url}, &problem)
	for _, one := range problem.Errors {
		if one.Field != "url" {
			b.t.Errorf("%s: the API has something against %s: %s", url, one.Field, one.Message)
		}
		api += one.Message + "\n"
	}
	if (status == http.StatusCreated) != (api == "") {
		b.t.Errorf("%s: the API answered %d, %q", url, status, api)
	}
	return browser, strings.TrimSpace(api)
}

// sent stores a webhook with the URL past the guard, and returns how a test and a delivery of it end. It is false when
// the store takes no such webhook.
func (b *urlBench) sent(c engine.APIConsumer, url string) (tested, delivered engine.FailureClass, attempts int, stored bool) {
	b.t.Helper()
	hook := engine.NewWebhook(c.ID)
	hook.Name, hook.URL, hook.Events, hook.Blocking, hook.Retries = "stored", url, []string{engine.LabFirstDisplayable}, true, 3
	hook, err := b.store.CreateWebhook(b.t.Context(), engine.System, hook)
	if bad, ok := errors.AsType[engine.InvalidError](err); ok && bad[0].Field == "url" {
		return "", "", 0, false
	} else if err != nil {
		b.t.Fatal(err)
	}
	test, err := b.engine.Test(b.t.Context(), engine.System, hook.ID, engine.Example{})
	if err != nil {
		b.t.Fatal(err)
	}
	var event struct {
		Deliveries []struct{ ID string }
	}
	data := json.RawMessage(engine.SampleLabDetails().Body())
	b.api("/events?wait=60", map[string]any{"type": engine.LabFirstDisplayable, "consumer": c.ID.String(), "data": data}, &event)
	if len(event.Deliveries) != 1 {
		b.t.Fatalf("%s: %d deliveries", url, len(event.Deliveries))
	}
	id, err := engine.ParseID[engine.DeliveryID](event.Deliveries[0].ID)
	if err != nil {
		b.t.Fatal(err)
	}
	d, err := b.store.Delivery(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	if !d.State.Final() || (d.State == engine.StateDelivered) != (d.LastClass == "") {
		b.t.Errorf("%s: the delivery is %s, class %q", url, d.State, d.LastClass)
	}
	return test.Attempt.Outcome.Class, d.LastClass, d.Attempts, true
}

// connected returns the addresses that were dialled since it was called last.
func (b *urlBench) connected() []netip.AddrPort {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.dialled
	b.dialled = nil
	return list
}

// TestURLs asks save, test and delivery about the same URLs: all three must say the same.
func TestURLs(t *testing.T) {
	t.Parallel()
	b := newURLBench(t)
	own := b.ownURLs()
	for i, url := range slices.Concat(insideURLs, own) {
		c := b.addConsumer("Inside " + string(rune('A'+i%26)) + strings.Repeat("x", i/26))
		browser, api := b.saved(c, url)
		if browser == "" || !strings.EqualFold(browser, api) || len(b.store.Directory().Webhooks(c.ID)) != 0 {
			t.Errorf("%s is saved: the browser says %q, the API %q", url, browser, api)
		}
		tested, delivered, attempts, stored := b.sent(c, url)
		if stored && (tested != engine.ClassBlocked || delivered != engine.ClassBlocked || attempts != 1) {
			t.Errorf("%s: the test ended with class %q, the delivery with %q after %d attempts", url, tested, delivered, attempts)
		}
		if list := b.connected(); len(list) > 0 {
			t.Errorf("%s: %v was dialled", url, list)
		}
	}
	for i, url := range outsideURLs {
		c := b.addConsumer("Outside " + string(rune('A'+i)))
		if browser, api := b.saved(c, url); browser != "" || api != "" {
			t.Errorf("%s is not saved: the browser says %q, the API %q", url, browser, api)
		}
		c = b.addConsumer("Outside too " + string(rune('A'+i)))
		tested, delivered, attempts, stored := b.sent(c, url)
		if !stored || tested != "" || delivered != "" || attempts != 1 {
			t.Errorf("%s: stored %t, the test ended with class %q, the delivery with %q after %d attempts", url, stored, tested, delivered, attempts)
		}
		for _, ap := range b.connected() {
			if err := b.web.guard.Check(ap.Addr()); err != nil {
				t.Errorf("%s: %v was dialled", url, ap)
			}
		}
	}
	if n := len(insideURLs) + len(own); n < 60 {
		t.Errorf("the table has %d URLs", n)
	}
}

// ownURLs lead to the addresses of this very host.
func (b *urlBench) ownURLs() []string {
	b.t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		b.t.Fatal(err)
	}
	var urls []string
	for _, one := range list {
		addr := netip.MustParsePrefix(one.String()).Addr().WithZone("")
		urls = append(urls, "http://"+netip.AddrPortFrom(addr, 80).String()+"/")
	}
	return urls
}

// TestTurningName saves a name while it leads outside. From when it leads inside, nobody takes it any more.
func TestTurningName(t *testing.T) {
	t.Parallel()
	b := newURLBench(t)
	const url = "http://turning.test/"
	if browser, api := b.saved(b.addConsumer("Early"), url); browser != "" || api != "" {
		t.Fatalf("outside: the browser says %q, the API %q", browser, api)
	}
	c := b.addConsumer("Late")
	tested, delivered, attempts, _ := b.sent(c, url)
	if tested != engine.ClassBlocked || delivered != engine.ClassBlocked || attempts != 1 {
		t.Errorf("inside: the test ended with class %q, the delivery with %q after %d attempts", tested, delivered, attempts)
	}
	if browser, api := b.saved(c, url); browser == "" || api == "" {
		t.Errorf("inside: the browser says %q, the API %q", browser, api)
	}
	if list := b.connected(); len(list) > 0 {
		t.Errorf("%v was dialled", list)
	}
}

// TestUnknownName saves a name that is not known yet, which a delivery then finds out.
func TestUnknownName(t *testing.T) {
	t.Parallel()
	b := newURLBench(t)
	for _, url := range []string{"http://nowhere.test/", "http://coming.test/"} {
		c := b.addConsumer("Consumer of " + url)
		if browser, api := b.saved(c, url); browser != "" || api != "" {
			t.Errorf("%s: the browser says %q, the API %q", url, browser, api)
		}
	}
	a := b.post(views.NewWebhookURL(b.addConsumer("Once more").ID), with(goodForm(), "url", "http://nowhere.test/"))
	if page := b.get(a.header.Get("Location")); !strings.Contains(page.text("main"), "The name nowhere.test could not be resolved just now: no such host.") {
		t.Errorf("the browser does not say that the name is not known: %s", page.text("main"))
	}
	var made struct{ Warnings []string }
	b.api("/webhooks", map[string]any{
		"consumer": b.addConsumer("And again").ID.String(), "name": "by API", "events": []string{engine.LabScored}, "url": "http://nowhere.test/",
	}, &made)
	if len(made.Warnings) != 1 || !strings.HasPrefix(made.Warnings[0], "the name nowhere.test could not be resolved just now") {
		t.Errorf("warnings of the API: %q", made.Warnings)
	}
	hook := b.addWebhook(b.addConsumer("Other").ID, "stored", func(w *engine.Webhook) { w.URL = "http://nowhere.test/" })
	test, err := b.engine.Test(t.Context(), engine.System, hook.ID, engine.Example{})
	if err != nil || test.Attempt.Outcome.Class != engine.ClassDNS {
		t.Errorf("class %q, %v", test.Attempt.Outcome.Class, err)
	}
}
