package db

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"labhook/engine"
)

// benchData is about as large as Studio's lab details.
var benchData = json.RawMessage(`{"Id": 1, "Filler": "` + string(bytes.Repeat([]byte("x"), 900)) + `"}`)

// BenchmarkInsertEvent accepts events with one delivery each, from many callers at once, with each commit on disk.
func BenchmarkInsertEvent(b *testing.B) {
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

// BenchmarkRecordAttempt records one attempt for each of many deliveries.
func BenchmarkRecordAttempt(b *testing.B) {
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
