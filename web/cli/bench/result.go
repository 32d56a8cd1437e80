package bench

import "slices"

// Result is what was measured: medians over the rounds. What was not asked for is zero, and left out of the JSON.
type Result struct {
	Ratio              float64 `json:"ratio"`       // events a second with one event a request, to the bare loop
	RatioBatch         float64 `json:"ratio_batch"` // the same with batches
	EventsPerSecond    float64 `json:"events_per_second"`
	BatchPerSecond     float64 `json:"batch_events_per_second"`
	DeliveriesPerEvent int     `json:"deliveries_per_event"`
	BarePerSecond      float64 `json:"bare_per_second"`
	P50                float64 `json:"p50_ms"` // from being due to be posted to being received, at half of EventsPerSecond
	P99                float64 `json:"p99_ms"`
	Latency            []Pace  `json:"latency"`
	CPUPerEvent        float64 `json:"cpu_us_per_event"` // of the server, with one event a request
	CPUPerBatchEvent   float64 `json:"cpu_us_per_batch_event"`
	IdleMB             float64 `json:"idle_rss_mb"`
	PeakMB             float64 `json:"peak_rss_mb"`
	WALPeakMB          float64 `json:"wal_peak_mb"` // largest write-ahead log
	DiskPerDelivery    float64 `json:"disk_bytes_per_delivery"`
	ReadySeconds       float64 `json:"ready_seconds"` // from the start of the server to its first answer
	Repeated           int64   `json:"repeated"`      // deliveries that arrived more than once

	// With more webhooks than an event goes to: events a second with just those, and what the others leave of it.
	OneWebhookPerSecond float64 `json:"one_webhook_events_per_second,omitzero"`
	WebhooksRatio       float64 `json:"webhooks_ratio,omitzero"`

	HistoryPerSecond    float64 `json:"history_events_per_second,omitzero"`
	HistoryRatio        float64 `json:"history_ratio,omitzero"` // to EventsPerSecond
	HistoryReadySeconds float64 `json:"history_ready_seconds,omitzero"`

	// A server that starts with waiting deliveries: from its start to its first answer and to the arrival of what was
	// due; what it holds in memory then, and the most it holds under full load.
	WaitingReadySeconds     float64 `json:"waiting_ready_seconds,omitzero"`
	WaitingFirstSentSeconds float64 `json:"waiting_first_sent_seconds,omitzero"`
	WaitingMB               float64 `json:"waiting_rss_mb,omitzero"`
	WaitingPeakMB           float64 `json:"waiting_peak_rss_mb,omitzero"`

	// From being due to being received, at 1,000 due a second.
	LateP50 float64 `json:"late_p50_ms,omitzero"`
	LateP99 float64 `json:"late_p99_ms,omitzero"`
	LateMax float64 `json:"late_max_ms,omitzero"`

	// What falls due in one second: how long until all has arrived, and that rate to those at which deliveries arrive that
	// are sent as they are accepted.
	DrainSeconds    float64 `json:"drain_seconds,omitzero"`
	DrainPerSecond  float64 `json:"drain_per_second,omitzero"`
	DrainRatio      float64 `json:"drain_ratio,omitzero"`       // to EventsPerSecond
	DrainRatioBatch float64 `json:"drain_ratio_batch,omitzero"` // to BatchPerSecond

	ProfileEvents int64 `json:"profile_events,omitzero"` // that the profile is about

	Rounds []Round `json:"rounds"`
}

// Pace is how long events take at a steady rate.
type Pace struct {
	Part            float64 `json:"part"` // of EventsPerSecond
	EventsPerSecond float64 `json:"events_per_second"`
	Quantiles
}

// Round is one measurement of each rate.
type Round struct {
	Bare        float64 `json:"bare_per_second"`
	Single      float64 `json:"events_per_second"`
	Batch       float64 `json:"batch_events_per_second"`
	CPUPerEvent float64 `json:"cpu_us_per_event"`
	CPUPerBatch float64 `json:"cpu_us_per_batch_event"`
	OneWebhook  float64 `json:"one_webhook_events_per_second,omitzero"`
	History     float64 `json:"history_events_per_second,omitzero"`
}

// sum fills what follows from the rounds.
func (r *Result) sum() {
	of := func(value func(Round) float64) float64 {
		values := make([]float64, len(r.Rounds))
		for i, round := range r.Rounds {
			values[i] = value(round)
		}
		return median(values)
	}
	r.EventsPerSecond = of(func(x Round) float64 { return x.Single })
	r.BatchPerSecond = of(func(x Round) float64 { return x.Batch })
	r.BarePerSecond = of(func(x Round) float64 { return x.Bare })
	r.Ratio = of(func(x Round) float64 { return x.Single / x.Bare })
	r.RatioBatch = of(func(x Round) float64 { return x.Batch / x.Bare })
	r.CPUPerEvent = of(func(x Round) float64 { return x.CPUPerEvent })
	r.CPUPerBatchEvent = of(func(x Round) float64 { return x.CPUPerBatch })
	r.HistoryPerSecond = of(func(x Round) float64 { return x.History })
	r.HistoryRatio = of(func(x Round) float64 { return x.History / x.Single })
	if r.OneWebhookPerSecond = of(func(x Round) float64 { return x.OneWebhook }); r.OneWebhookPerSecond > 0 {
		r.WebhooksRatio = of(func(x Round) float64 { return x.Single / x.OneWebhook })
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
