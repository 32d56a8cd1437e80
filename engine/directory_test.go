package engine_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// book is what a directory must answer from, searched line by line.
type book []page

type page struct {
	consumer *engine.APIConsumer
	webhooks []*engine.Webhook
}

func (b book) with(c *engine.APIConsumer, webhooks []*engine.Webhook) book {
	return append(b.without(c.ID), page{c, webhooks})
}

func (b book) without(id engine.ConsumerID) book {
	return slices.DeleteFunc(slices.Clone(b), func(p page) bool { return p.consumer.ID == id })
}

func (b book) sorted() book {
	return slices.SortedFunc(slices.Values(b), func(x, y page) int { return cmp.Compare(x.consumer.ID, y.consumer.ID) })
}

// unusable is why nothing may be sent for a webhook, as far as the book knows it.
func (p page) unusable(w *engine.Webhook, now time.Time) string {
	switch {
	case !w.Enabled:
		return "The webhook is disabled."
	case !p.consumer.Enabled:
		return "The API consumer is disabled."
	case !p.consumer.Expires.IsZero() && !p.consumer.Expires.After(now):
		return "The API consumer has expired."
	}
	return ""
}

func (b book) match(e *engine.Event, now time.Time) (found []*engine.Webhook, left []engine.NotSent) {
	for _, p := range b.sorted() {
		sent := map[string]string{}
		for _, w := range p.webhooks {
			reason := p.unusable(w, now)
			if e.ConsumerID != 0 && e.ConsumerID != p.consumer.ID {
				reason = "The event was sent to another API consumer."
			}
			if !slices.Contains(w.Events, e.Type) && !slices.Contains(w.Events, "*") {
				reason = "It does not listen to this event."
			}
			url := sameURLs[w.URL]
			if first := sent[url]; first != "" && reason == "" && p.consumer.OneSendPerURL {
				reason = fmt.Sprintf("%q has the same URL and comes first: the API consumer asks for one send per URL.", first)
			}
			if reason == "" {
				if sent[url] == "" {
					sent[url] = w.Name
				}
				found = append(found, w)
			} else {
				left = append(left, engine.NotSent{Webhook: w, Reason: reason})
			}
		}
	}
	return found, left
}

// sameURLs are URLs, and which of them are the same.
var sameURLs = map[string]string{
	"https://hooks.example.com/lab/{id}": "a", "HTTPS://Hooks.Example.com:443/lab/{id}": "a", "https://hooks.example.com/Lab/{id}": "b",
	"https://hooks.example.com": "c", "https://hooks.example.com/": "c", "http://hooks.example.com:443": "d",
}

// drawPage draws a consumer with up to six webhooks, with few events so that they meet.
func drawPage(t *rapid.T, id engine.ConsumerID, nextWebhook *engine.WebhookID) page {
	c := enginetest.Consumer(func(c *engine.APIConsumer) {
		c.ID, c.Enabled = id, rapid.IntRange(0, 3).Draw(t, "consumer enabled") > 0
		c.OneSendPerURL = rapid.Bool().Draw(t, "one send per URL")
		c.Expires = rapid.SampledFrom([]time.Time{{}, {}, noon.Add(-time.Second), noon, noon.Add(time.Second)}).Draw(t, "expires")
		if rapid.Bool().Draw(t, "has external id") {
			c.ExternalID = "ext-" + id.String()
		}
	})
	p := page{consumer: &c}
	for i := range rapid.IntRange(0, 6).Draw(t, "webhooks") {
		*nextWebhook++
		w := enginetest.Webhook(func(w *engine.Webhook) {
			w.ID, w.ConsumerID, w.Position, w.Name = *nextWebhook, id, i+1, fmt.Sprint("hook ", *nextWebhook)
			w.URL = rapid.SampledFrom(slices.Sorted(maps.Keys(sameURLs))).Draw(t, "url")
			w.Enabled = rapid.IntRange(0, 3).Draw(t, "enabled") > 0
			w.Events = rapid.SampledFrom([][]string{
				{engine.AllEvents}, {engine.LabScored}, {engine.LabSaved}, {engine.LabScored, engine.LabSaved, engine.LabTornDown}, nil,
			}).Draw(t, "events")
		})
		p.webhooks = append(p.webhooks, &w)
	}
	// The order is that of the list, whatever the ids say.
	p.webhooks = rapid.Permutation(p.webhooks).Draw(t, "order")
	return p
}

func TestDirectoryProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			dir  *engine.Directory
			book book
		}
		versions := []version{{engine.NewDirectory(), nil}}
		var nextWebhook engine.WebhookID
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			from := versions[len(versions)-1]
			id := engine.ConsumerID(rapid.IntRange(1, 5).Draw(t, "consumer"))
			if rapid.IntRange(0, 4).Draw(t, "what") == 0 {
				versions = append(versions, version{from.dir.Without(id), from.book.without(id)})
				continue
			}
			p := drawPage(t, id, &nextWebhook)
			versions = append(versions, version{from.dir.With(p.consumer, p.webhooks), from.book.with(p.consumer, p.webhooks)})
			if rapid.Bool().Draw(t, "ask meanwhile") {
				compareDirectory(t, from.dir, from.book, nextWebhook)
			}
		}
		// Old versions must answer as if nothing had followed.
		for _, v := range versions {
			compareDirectory(t, v.dir, v.book, nextWebhook)
		}
	})
}

// compareDirectory asks everything that can be asked.
func compareDirectory(t *rapid.T, dir *engine.Directory, b book, lastWebhook engine.WebhookID) {
	t.Helper()
	for id := range engine.ConsumerID(7) {
		for _, code := range []string{engine.LabScored, engine.LabSaved, engine.LabTornDown, engine.LabResumed} {
			for _, now := range []time.Time{noon, noon.Add(time.Minute)} {
				e := engine.Event{Type: code, ConsumerID: id}
				found, left := b.match(&e, now)
				if got := dir.Match(&e, now); !slices.Equal(got, found) {
					t.Fatalf("%s for consumer %d: %v, want %v", code, id, webhookIDs(got), webhookIDs(found))
				}
				if diff := gocmp.Diff(left, dir.WhyNot(&e, now), gocmp.Comparer(func(x, y *engine.Webhook) bool { return x == y })); diff != "" {
					t.Fatalf("%s for consumer %d: why not (-want +got):\n%s", code, id, diff)
				}
			}
		}
	}
	var consumers []*engine.APIConsumer
	webhooks := map[engine.WebhookID]*engine.Webhook{}
	pages := map[engine.ConsumerID]page{}
	for _, p := range b.sorted() {
		consumers, pages[p.consumer.ID] = append(consumers, p.consumer), p
		for _, w := range p.webhooks {
			webhooks[w.ID] = w
		}
	}
	if !slices.Equal(dir.Consumers(), consumers) {
		t.Fatalf("consumers: %v, want %v", dir.Consumers(), consumers)
	}
	for id := range engine.ConsumerID(7) {
		p := pages[id]
		if dir.Consumer(id) != p.consumer || !slices.Equal(dir.Webhooks(id), p.webhooks) {
			t.Fatalf("consumer %d: %v with %v", id, dir.Consumer(id), webhookIDs(dir.Webhooks(id)))
		}
		if dir.ConsumerNamed(id.String()) != p.consumer {
			t.Fatalf("consumer named %q: %v", id, dir.ConsumerNamed(id.String()))
		}
		external := p.consumer
		if external != nil && external.ExternalID == "" {
			external = nil
		}
		if dir.ConsumerNamed("ext-"+id.String()) != external {
			t.Fatalf("consumer named ext-%s: %v", id, dir.ConsumerNamed("ext-"+id.String()))
		}
	}
	for id := range lastWebhook + 2 {
		want := "The webhook was deleted."
		if w := webhooks[id]; w != nil {
			want = pages[w.ConsumerID].unusable(w, noon)
		}
		if dir.Webhook(id) != webhooks[id] || dir.Unusable(id, noon) != want {
			t.Fatalf("webhook %d: %v, unusable %q, want %q", id, dir.Webhook(id), dir.Unusable(id, noon), want)
		}
	}
}

func webhookIDs(webhooks []*engine.Webhook) []int64 {
	var ids []int64
	for _, w := range webhooks {
		ids = append(ids, int64(w.ID))
	}
	return ids
}
