package api

import (
	"net/http"

	"labhook/engine"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete
)

// The most bytes that a body may have. A text in JSON can be six times as long as it is.
const (
	maxSmallBody   = 64 << 10
	maxWebhookBody = 6*engine.MaxContent + maxSmallBody
	maxEventBody   = engine.MaxEventData + 8<<10
)

// documentPath is where the OpenAPI document is, for everybody.
const documentPath = Prefix + "/openapi.json"

// routes is every route of the API, with what it needs of the key and the body that it takes.
func (s *server) routes() {
	handle(s, route{get, "/consumers", read, "list-consumers", "List API consumers", 200, nil}, s.listConsumers)
	handle(s, route{post, "/consumers", managePlatform, "create-consumer", "Create an API consumer", 201, takes[ConsumerInput](maxSmallBody)}, s.createConsumer)
	handle(s, route{get, "/consumers/{con}", read, "read-consumer", "Read an API consumer", 200, nil}, s.readConsumer)
	handle(s, route{put, "/consumers/{con}", manage, "replace-consumer", "Replace an API consumer", 200, takes[ConsumerInput](maxSmallBody)}, s.replaceConsumer)

	handle(s, route{get, "/consumers/{con}/keys", read, "list-consumer-keys", "List the keys of an API consumer", 200, nil}, s.listConsumerKeys)
	handle(s, route{post, "/consumers/{con}/keys", manage, "create-consumer-key", "Create a key of an API consumer", 201, takes[KeyInput](maxSmallBody)}, s.createConsumerKey)
	handle(s, route{get, "/keys", readPlatform, "list-platform-keys", "List the platform keys", 200, nil}, s.listPlatformKeys)
	handle(s, route{post, "/keys", managePlatform, "create-platform-key", "Create a platform key", 201, takes[KeyInput](maxSmallBody)}, s.createPlatformKey)
	handle(s, route{del, "/keys/{key}", manage, "revoke-key", "Revoke a key", 204, nil}, s.revokeKey)

	handle(s, route{put, "/consumers/{con}/webhooks/order", manage, "order-webhooks", "Put the webhooks of an API consumer into order", 200, takes[OrderInput](maxSmallBody)}, s.orderWebhooks)

	handle(s, route{get, "/webhooks", read, "list-webhooks", "List webhooks", 200, nil}, s.listWebhooks)
	handle(s, route{post, "/webhooks", manage, "create-webhook", "Create a webhook", 201, takes[WebhookInput](maxWebhookBody)}, s.createWebhook)
	handle(s, route{get, "/webhooks/{wh}", read, "read-webhook", "Read a webhook", 200, nil}, s.readWebhook)
	handle(s, route{put, "/webhooks/{wh}", manage, "replace-webhook", "Replace a webhook", 200, takes[WebhookInput](maxWebhookBody)}, s.replaceWebhook)
	handle(s, route{del, "/webhooks/{wh}", manage, "delete-webhook", "Delete a webhook", 204, nil}, s.deleteWebhook)
	handle(s, route{post, "/webhooks/{wh}/move", manage, "move-webhook", "Exchange a webhook with its neighbour in the order", 200, takes[MoveInput](maxSmallBody)}, s.moveWebhook)

	handle(s, route{get, "/events", read, "list-events", "List events, newest first", 200, nil}, s.listEvents)
	handlePlain(s, route{post, "/events", send, "post-event", "Post an event, and wait for its blocking deliveries if asked to", 202, takes[EventInput](maxEventBody)}, s.postEvent, eventParameters, eventAnswers)
	handle(s, route{get, "/events/{evt}", read, "read-event", "Read an event with its data and deliveries", 200, nil}, s.readEvent)

	handle(s, route{get, "/deliveries", read, "list-deliveries", "List deliveries, newest first", 200, nil}, s.listDeliveries)
	handle(s, route{get, "/deliveries/{dlv}", read, "read-delivery", "Read a delivery with its attempts", 200, nil}, s.readDelivery)
	handle(s, route{post, "/deliveries/{dlv}/resend", manage, "resend-delivery", "Make one more attempt of a delivery that has ended", 200, nil}, s.resendDelivery)
	handle(s, route{post, "/deliveries/{dlv}/hasten", manage, "hasten-delivery", "Make the next attempt of a delivery now", 200, nil}, s.hastenDelivery)
	handle(s, route{post, "/deliveries/{dlv}/open-gate", manage, "open-gate", "Open the gate of a blocking delivery, so that what it holds goes on", 200, takes[OpenGateInput](maxSmallBody)}, s.openGate)
	handle(s, route{post, "/deliveries/{dlv}/cancel", manage, "cancel-delivery", "Cancel a delivery that has not ended", 200, mayTake[CancelInput](maxSmallBody)}, s.cancelDelivery)

	handle(s, route{get, "/lab-instances", read, "list-lab-instances", "List lab instances, those with the newest events first", 200, nil}, s.listLabInstances)
	handle(s, route{get, "/lab-instances/{subject}", read, "read-lab-instance", "Read a lab instance with its events, deliveries and gates", 200, nil}, s.readLabInstance)

	handle(s, route{get, "/event-types", read, "list-event-types", "List the event types", 200, nil}, s.listEventTypes)
	handle(s, route{get, "/version", read, "read-version", "Read what runs", 200, nil}, s.readVersion)

	s.mux.HandleFunc("GET "+documentPath, s.guard(open, 0, s.readDocument))
}
