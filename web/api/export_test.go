package api

import (
	"strings"

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
