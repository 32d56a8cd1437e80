package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"labhook/web/cli/bench"
)

// benchDetails says what bench measures, and what its figures are called.
const benchDetails = `Server, receiver and load generator are processes of their own. The disk is that of the temporary directory, which
TMPDIR=DIR moves: a directory in memory flatters. The names in brackets are those of --json.

Always, as medians of the rounds:
  the bare loop: signed POSTs of 700 bytes by 64 workers, nothing stored [bare_per_second]
  one event a request over 64 connections, each stored, sent and recorded [events_per_second, ratio to the bare loop]
  the same with 100 events a request [batch_events_per_second, ratio_batch]
  from when an event is due to be posted to its arrival at the receiver, at a steady quarter, half and three quarters of
  events_per_second, posted at even distances whatever the answers take [latency; p50_ms and p99_ms at half]
  processor time of the server [cpu_us_per_event, cpu_us_per_batch_event], its memory after the start and at most
  [idle_rss_mb, peak_rss_mb], the largest write-ahead log [wal_peak_mb], bytes in the database [disk_bytes_per_delivery],
  from the start to the first answer [ready_seconds], and deliveries that arrived more than once [repeated]

When asked for:
  --webhooks  events_per_second is with all of them; with just those of --fanout [one_webhook_events_per_second], and
              how the first compares with the second [webhooks_ratio]
  --history   the rate with past deliveries of the last 30 days [history_events_per_second], to the rate without
              [history_ratio], and the start [history_ready_seconds]
  --waiting   from the start of the server to its first answer [waiting_ready_seconds] and to the arrival of what was due
              [waiting_first_sent_seconds]; its memory then, and at most under load [waiting_rss_mb, waiting_peak_rss_mb]
  --due       from being due to the arrival at the receiver, at 1000 due a second [late_p50_ms, late_p99_ms, late_max_ms];
              until all that fell due in one second has arrived, each once [drain_seconds, drain_per_second], to the rate of
              events sent as they are accepted [drain_ratio: one event a request, drain_ratio_batch: 100]
  --profile   events that the profile is about [profile_events]`

// printBench prints the result for a person.
func printBench(w io.Writer, r bench.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	line("bare loop, nothing stored", "%.0f/s", r.BarePerSecond)
	line("one event a request", "%.0f events/s\t%.2f of the bare loop", r.EventsPerSecond, r.Ratio)
	line("batches of 100", "%.0f events/s\t%.2f of the bare loop", r.BatchPerSecond, r.RatioBatch)
	for _, p := range r.Latency {
		line(fmt.Sprintf("due to be posted to received at %.0f/s", p.EventsPerSecond), "p50 %.1f ms\tp99 %.1f ms", p.P50, p.P99)
	}
	line("processor of the server", "%.0f µs an event\t%.0f µs in a batch", r.CPUPerEvent, r.CPUPerBatchEvent)
	line("memory of the server", "%.0f MB idle\t%.0f MB at most", r.IdleMB, r.PeakMB)
	line("disk", "%.0f bytes a delivery\t%.0f MB of log at most", r.DiskPerDelivery, r.WALPeakMB)
	line("ready after the start", "%.2f s", r.ReadySeconds)
	line("arrived more than once", "%d deliveries", r.Repeated)
	printBenchMore(line, r)
	return t.Flush()
}

// printBenchMore prints what is measured only when it is asked for.
func printBenchMore(line func(name, format string, args ...any), r bench.Result) {
	if r.WebhooksRatio > 0 {
		line("with one webhook", "%.0f events/s\tof which all webhooks leave %.2f", r.OneWebhookPerSecond, r.WebhooksRatio)
	}
	if r.HistoryRatio > 0 {
		line("with history", "%.0f events/s\t%.2f of the rate without", r.HistoryPerSecond, r.HistoryRatio)
		line("ready after the start with it", "%.2f s", r.HistoryReadySeconds)
	}
	if r.WaitingReadySeconds > 0 {
		line("start with waiting deliveries", "ready after %.2f s\tfirst one received after %.2f s", r.WaitingReadySeconds, r.WaitingFirstSentSeconds)
		line("memory with them", "%.0f MB\t%.0f MB at most under load", r.WaitingMB, r.WaitingPeakMB)
	}
	if r.DrainSeconds > 0 {
		line(fmt.Sprintf("due to received at %d/s", bench.LatenessRate), "p50 %.1f ms\tp99 %.1f ms\tat most %.1f ms", r.LateP50, r.LateP99, r.LateMax)
		line("all due in one second received", "after %.1f s\t%.0f/s: %.2f of the rate of single events, %.2f of batches",
			r.DrainSeconds, r.DrainPerSecond, r.DrainRatio, r.DrainRatioBatch)
	}
	if r.ProfileEvents > 0 {
		line("profile", "%d events", r.ProfileEvents)
	}
}
