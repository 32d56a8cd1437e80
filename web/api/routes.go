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

	maxEventTypeBody = engine.MaxEventSample + engine.MaxSchema + maxSmallBody
)

// postEventRoute is the name of the route that most requests come to.
const postEventRoute = "post-event"

// routes is every route of the API, with what it needs of the key and the body that it takes.
func (s *server) routes() {
	handle(s, route{get, "/consumers", read, "list-consumers", "List API consumers", 200, nil}, s.listConsumers)
	handle(s, route{post, "/consumers", managePlatform, "create-consumer", "Create an API consumer", 201, takes[ConsumerInput](maxSmallBody)}, s.createConsumer)
	handle(s, route{get, "/consumers/{con}", read, "read-consumer", "Read an API consumer", 200, nil}, s.readConsumer)
	handle(s, route{put, "/consumers/{con}", manage, "replace-consumer", "Replace an API consumer", 200, takes[ConsumerInput](maxSmallBody)}, s.replaceConsumer)
	handle(s, route{del, "/consumers/{con}", managePlatform, "delete-consumer", "Delete an API consumer with its webhooks and keys, and cancel what waits for them", 204, nil}, s.deleteConsumer)

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
	handle(s, route{post, "/webhooks/{wh}/enable", manage, "enable-webhook", "Put a webhook back into use", 200, nil}, s.enableWebhook)
	handle(s, route{post, "/webhooks/{wh}/disable", manage, "disable-webhook", "Take a webhook out of use, and cancel what waits for it", 200, nil}, s.disableWebhook)
	handle(s, route{post, "/webhooks/{wh}/resume", manage, "resume-webhook", "End the pause of a webhook that keeps failing", 200, nil}, s.resumeWebhook)
	handle(s, route{post, "/webhooks/{wh}/rotate-secret", manage, "rotate-secret", "Replace the signing secret of a webhook", 200, mayTake[RotateInput](maxSmallBody)}, s.rotateSecret)
	handle(s, route{post, "/webhooks/{wh}/reveal-secret", manage, "reveal-secret", "Show the signing secret of a webhook", 200, nil}, s.revealSecret)
	handle(s, route{post, "/webhooks/{wh}/recover", manage, "recover-webhook", "Send again what failed or was cancelled since a time, or count it", 200, takes[RecoverInput](maxSmallBody)}, s.recoverWebhook)
	handle(s, route{get, "/webhooks/{wh}/recovery", read, "read-recovery", "Read how far the latest recovery of a webhook is", 200, nil}, s.readRecovery)

	handle(s, route{post, "/webhooks/{wh}/ping", manage, "ping-webhook", "Ask the receiver of a webhook whether it answers", 200, nil}, s.pingWebhook)
	handle(s, route{post, "/webhooks/{wh}/test", manage, "test-webhook", "Send an example to a webhook and see what comes of it", 200, mayTake[TestInput](maxEventBody)}, s.testWebhook)

	handle(s, route{get, "/events", read, "list-events", "List events, newest first", 200, nil}, s.listEvents)
	handlePlain(s, route{post, "/events", send, postEventRoute, "Post an event, and wait for its blocking deliveries if asked to", 202, takes[EventInput](maxEventBody)}, s.postEvent, eventParameters, eventAnswers)
	handlePlain(s, route{post, "/events/batch", send, "post-batch", "Post several events at once", 200, takesMany[EventInput](maxBatchBody)}, s.postBatch, nil, batchAnswers)
	handle(s, route{get, "/events/{evt}", read, "read-event", "Read an event with its data and deliveries", 200, nil}, s.readEvent)
	handle(s, route{post, "/events/{evt}/replay", manage, "replay-event", "Send an event once more, or for the first time, to webhooks of your choice", 200, takes[ReplayInput](maxSmallBody)}, s.replayEvent)

	handle(s, route{get, "/deliveries", read, "list-deliveries", "List deliveries, newest first", 200, nil}, s.listDeliveries)
	handle(s, route{post, "/deliveries/resend", manage, "resend-deliveries", "Make one more attempt of each of several deliveries that have ended, or count them", 200, takes[ResendInput](maxSmallBody)}, s.resendMany)
	handle(s, route{get, "/deliveries/{dlv}", read, "read-delivery", "Read a delivery with its attempts", 200, nil}, s.readDelivery)
	handle(s, route{post, "/deliveries/{dlv}/resend", manage, "resend-delivery", "Make one more attempt of a delivery that has ended", 200, nil}, s.resendDelivery)
	handle(s, route{post, "/deliveries/{dlv}/hasten", manage, "hasten-delivery", "Make the next attempt of a delivery now", 200, nil}, s.hastenDelivery)
	handle(s, route{post, "/deliveries/{dlv}/open-gate", manage, "open-gate", "Open the gate of a blocking delivery, so that what it holds goes on", 200, takes[OpenGateInput](maxSmallBody)}, s.openGate)
	handle(s, route{post, "/deliveries/{dlv}/cancel", manage, "cancel-delivery", "Cancel a delivery that has not ended", 200, mayTake[CancelInput](maxSmallBody)}, s.cancelDelivery)

	handle(s, route{get, "/lab-instances", read, "list-lab-instances", "List lab instances, those with the newest events first", 200, nil}, s.listLabInstances)
	handle(s, route{get, "/lab-instances/{subject}", read, "read-lab-instance", "Read a lab instance with its events, deliveries and gates", 200, nil}, s.readLabInstance)

	handle(s, route{get, "/event-types", read, "list-event-types", "List the event types", 200, nil}, s.listEventTypes)
	handle(s, route{post, "/event-types", managePlatform, "create-event-type", "Add an event type of your own", 201, takes[EventTypeInput](maxEventTypeBody)}, s.createEventType)
	handle(s, route{get, "/event-types/{code}", read, "read-event-type", "Read an event type", 200, nil}, s.readEventType)
	handle(s, route{put, "/event-types/{code}", managePlatform, "replace-event-type", "Replace an event type of your own", 200, takes[EventTypeInput](maxEventTypeBody)}, s.replaceEventType)
	handle(s, route{del, "/event-types/{code}", managePlatform, "delete-event-type", "Delete an event type of your own", 204, nil}, s.deleteEventType)
	handle(s, route{get, "/egress", read, "read-egress", "Read the addresses that receivers must allow", 200, nil}, s.readEgress)
	handle(s, route{get, "/settings", readPlatform, "list-settings", "List the settings of the server, and where each value comes from", 200, nil}, s.listSettings)
	handle(s, route{get, "/version", read, "read-version", "Read what runs", 200, nil}, s.readVersion)
}
