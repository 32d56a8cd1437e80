package engine_test

import (
	"fmt"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// TestSameURL holds which URLs count as one for a consumer that asks for one send per URL.
func TestSameURL(t *testing.T) {
	t.Parallel()
	const first = "https://hooks.example.com/lab?id={id}"
	for other, same := range map[string]bool{
		first: true, "HTTPS://HOOKS.example.com/lab?id={id}": true, "https://hooks.example.com:443/lab?id={id}": true,
		"https://hooks.example.com:8443/lab?id={id}": false, "http://hooks.example.com/lab?id={id}": false,
		"https://hooks.example.com/lab/?id={id}": false, "https://hooks.example.com/lab?id={ID}": false,
		"https://hooks.example.com/lab?id=7": false, "https://hooks.example.com/LAB?id={id}": false,
	} {
		got := len(matchTwo(first, other))
		if want := map[bool]int{true: 1, false: 2}[same]; got != want {
			t.Errorf("%s: %d sends, want %d", other, got, want)
		}
	}
	for _, pair := range [][2]string{
		{"https://hooks.example.com", "https://hooks.example.com/"},
		{"http://hooks.example.com:80?a=1", "http://hooks.example.com/?a=1"},
		{"http://[2001:db8::1]:80/", "http://[2001:DB8::1]"},
	} {
		if n := len(matchTwo(pair[0], pair[1])); n != 1 {
			t.Errorf("%v: %d sends, want 1", pair, n)
		}
	}
}

// matchTwo matches an event with a consumer that asks for one send per URL and has two webhooks.
func matchTwo(first, second string) []*engine.Webhook {
	c := enginetest.Consumer(func(c *engine.APIConsumer) { c.OneSendPerURL = true })
	var webhooks []*engine.Webhook
	for _, url := range []string{first, second} {
		w := enginetest.Webhook(func(w *engine.Webhook) { w.ConsumerID, w.URL = c.ID, url })
		webhooks = append(webhooks, &w)
	}
	e := enginetest.Event()
	return engine.NewDirectory().With(&c, webhooks).Match(&e, noon)
}

// BenchmarkPartMatch matches events with ten consumers of a hundred webhooks each. Without the option it is to cost what the
// loop beside it costs.
func BenchmarkPartMatch(b *testing.B) {
	for _, once := range []bool{false, true} {
		dir := engine.NewDirectory()
		var consumer engine.ConsumerID
		for range 10 {
			c := enginetest.Consumer(func(c *engine.APIConsumer) { c.OneSendPerURL = once })
			consumer = c.ID
			var webhooks []*engine.Webhook
			for i := range 100 {
				w := enginetest.Webhook(func(w *engine.Webhook) {
					w.ConsumerID, w.URL = c.ID, fmt.Sprintf("https://hooks.example.com/%d", i/2)
				})
				webhooks = append(webhooks, &w)
			}
			dir = dir.With(&c, webhooks)
		}
		for name, id := range map[string]engine.ConsumerID{"all consumers": 0, "one consumer": consumer} {
			b.Run(fmt.Sprintf("%s, one send per URL %t", name, once), func(b *testing.B) {
				e := enginetest.Event(func(e *engine.Event) { e.ConsumerID = id })
				b.ReportAllocs()
				for b.Loop() {
					dir.Match(&e, noon)
				}
			})
		}
		b.Run("loop over one consumer", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var found []*engine.Webhook
				for _, w := range dir.Webhooks(consumer) {
					if w.Enabled && w.ListensTo(engine.LabScored) {
						found = append(found, w)
					}
				}
				if len(found) != 100 {
					b.Fatal(len(found))
				}
			}
		})
	}
}
