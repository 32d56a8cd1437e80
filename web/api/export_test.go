package api

import (
	"net/http"
	"strings"
	"time"

	"labhook/engine"
)

// Cursor returns the cursor that marks a row, given by its id; "" for "".
func Cursor(id string) string {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "con":
		return consumerList.cursor(int64(must(engine.ParseID[engine.ConsumerID](id))))
	case "wh":
		return webhookList.cursor(int64(must(engine.ParseID[engine.WebhookID](id))))
	case "evt":
		return eventList.cursor(int64(must(engine.ParseID[engine.EventID](id))))
	case "dlv":
		return deliveryList.cursor(int64(must(engine.ParseID[engine.DeliveryID](id))))
	}
	return ""
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// RateLimit returns what counts a request with a key of a consumer, zero: the platform, at a time.
func RateLimit(perSecond int) func(engine.ConsumerID, time.Time) error {
	limits, header := newRateLimits(perSecond), http.Header{}
	return func(owner engine.ConsumerID, now time.Time) error {
		return limits.take(header, &engine.APIKey{ID: 1, ConsumerID: owner}, now)
	}
}
