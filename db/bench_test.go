package db

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"labhook/engine"
)

// benchData is about as large as Studio's lab details.
var benchData = json.RawMessage(`{"Id": 1, "Filler": "` + string(bytes.Repeat([]byte("x"), 900)) + `"}`)

// The benchmarks whose names begin with Part, here and in engine and web/api, are of the parts of an event's way.

// BenchmarkPartCommit stores events with one delivery each, from many callers at once, with each commit on disk.
func BenchmarkPartCommit(b *testing.B) {
	s := &bench{Store: open(b, Options{Synchronous: "FULL"})}
	s.consumer = s.newConsumer(b, "Lab platform")
	s.webhook = s.newWebhook(b, s.consumer.ID, "Gradebook")
	before := s.writer.commits.Load()
	b.SetParallelism(128)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e := newEvent()
			e.Data = benchData
			d := newDelivery(e, s.webhook, engine.StateSending, time.Time{})
			if _, err := insertAll(s, e, []engine.Delivery{d}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/float64(s.writer.commits.Load()-before), "events/commit")
}

// BenchmarkPartRecord records one attempt for each of many deliveries.
func BenchmarkPartRecord(b *testing.B) {
	s := &bench{Store: open(b, Options{Synchronous: "FULL"})}
	s.consumer = s.newConsumer(b, "Lab platform")
	s.webhook = s.newWebhook(b, s.consumer.ID, "Gradebook")
	e := newEvent()
	deliveries := make([]engine.Delivery, b.N)
	for i := range deliveries {
		deliveries[i] = newDelivery(e, s.webhook, engine.StateSending, time.Time{})
	}
	if _, err := insertAll(s, e, deliveries); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var recorded sync.WaitGroup
	recorded.Add(b.N)
	for _, d := range deliveries {
		r := attempt(d, s.webhook, 1, 200)
		r.Taken = &d
		s.RecordAttempt(r, func(_ engine.Delivery, err error) {
			if err != nil {
				b.Error(err)
			}
			recorded.Done()
		})
	}
	recorded.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
}

// BenchmarkPartClaim claims deliveries that are due, as many at once as the dispatcher asks for.
func BenchmarkPartClaim(b *testing.B) {
	const limit = 256
	s := &bench{Store: open(b, Options{Synchronous: "FULL"})}
	s.consumer = s.newConsumer(b, "Lab platform")
	s.webhook = s.newWebhook(b, s.consumer.ID, "Gradebook")
	e := newEvent()
	e.Data = benchData
	deliveries := make([]engine.Delivery, b.N)
	for i := range deliveries {
		deliveries[i] = newDelivery(e, s.webhook, engine.StateQueued, start)
	}
	if _, err := insertAll(s, e, deliveries); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		claims, err := s.ClaimDue(b.Context(), start, []engine.Want{{WebhookID: s.webhook.ID, Limit: limit}})
		if err != nil || len(claims[0].Taken) != min(left, limit) {
			b.Fatalf("claimed %d of %d: %v", len(claims[0].Taken), left, err)
		}
		left -= len(claims[0].Taken)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkPartList reads first pages of lists in a database with a hundred thousand deliveries.
func BenchmarkPartList(b *testing.B) {
	const rows = 100_000
	now := time.Now()
	s, webhooks := load(b, Bulk{Rows: rows, From: now.AddDate(0, 0, -30), Until: now})
	subject := strconv.Itoa(1_000_000_000 + rows/2)
	deliveries := func(f engine.DeliveryFilter) func() (int, error) {
		return func() (int, error) {
			page, err := s.ListDeliveries(b.Context(), f)
			return len(page.Rows), err
		}
	}
	for _, tt := range []struct {
		name string
		read func() (rows int, err error)
	}{
		{"deliveries", deliveries(engine.DeliveryFilter{})},
		{"deliveries that failed", deliveries(engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateFailed}})},
		{"deliveries of a webhook", deliveries(engine.DeliveryFilter{WebhookID: webhooks[0].ID})},
		{"deliveries of a lab", deliveries(engine.DeliveryFilter{Subject: subject})},
		{"events", func() (int, error) {
			page, err := s.ListEvents(b.Context(), engine.EventFilter{})
			return len(page.Rows), err
		}},
		{"labs", func() (int, error) {
			labs, err := s.ListLabInstances(b.Context(), engine.LabFilter{})
			return len(labs), err
		}},
		{"health", func() (int, error) {
			health, err := s.WebhookHealth(b.Context(), webhooks[0].ConsumerID, now)
			return len(health), err
		}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n, err := tt.read(); err != nil || n == 0 {
					b.Fatalf("%d rows, %v", n, err)
				}
			}
		})
	}
}
