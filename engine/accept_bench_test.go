package engine_test

import (
	"testing"
	"time"

	"labhook/engine"
)

// BenchmarkPartAccept checks, matches and stores events, from many callers at once and without waiting for the disk. Their
// webhook has a delay, so that nothing is sent.
func BenchmarkPartAccept(b *testing.B) {
	l := openLine(b, b.TempDir(), "OFF", agreeable{}, nil)
	l.webhook("scores", "http://receiver.example/hook", func(w *engine.Webhook) { w.Delay = time.Hour })
	data := engine.SampleLabDetails().Body()
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.accept(&engine.Event{Type: engine.LabScored, Data: data})
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
