package web

import (
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// route is one screen or action.
type route struct {
	pattern string
	handler http.HandlerFunc
}

// routes are all screens and what their forms do. Those without need are for people who are not signed in.
func (s *Server) routes() []route {
	const (
		viewer    = engine.RoleViewer
		developer = engine.RoleDeveloper
		admin     = engine.RoleAdmin

		consumers = "/admin/integration/api-consumers"
		platform  = "/admin/integration/platform-keys"
		catalog   = "/admin/integration/event-catalog"
		newType   = "/admin/integration/new-event-type"
		egress    = "/admin/integration/egress"
	)
	return []route{
		// first run, signing in and out
		{"GET /setup", s.handleSetup},
		{"POST /setup", s.handleSetupSave},
		{"GET /login", s.handleLogin},
		{"POST /login", s.handleLoginCheck},
		{"POST /logout", s.handleLogout},

		{"GET " + views.APIReferenceURL(), s.handleAPIReference},

		// Site Administration
		{"GET /{$}", s.need(viewer, s.handleRoot)},
		{"GET /admin", s.need(viewer, s.handleAdmin)},

		{"GET /admin/settings", s.need(viewer, s.handleSettings)},

		// API consumers and keys
		{"GET " + consumers, s.need(viewer, s.handleConsumers)},
		{"GET " + consumers + "/new", s.need(admin, s.handleConsumerNew)},
		{"POST " + consumers + "/new", s.need(admin, s.handleConsumerCreate)},
		{"GET " + consumers + "/{con}", s.need(viewer, s.handleConsumer)},
		{"GET " + consumers + "/{con}/edit", s.need(admin, s.handleConsumerEdit)},
		{"POST " + consumers + "/{con}/edit", s.need(admin, s.handleConsumerSave)},
		{"POST " + consumers + "/{con}/enable", s.need(admin, s.handleConsumerEnable)},
		{"POST " + consumers + "/{con}/disable", s.need(admin, s.handleConsumerDisable)},
		{"GET " + consumers + "/{con}/keys/new", s.need(admin, s.handleKeyNew)},
		{"POST " + consumers + "/{con}/keys/new", s.need(admin, s.handleKeyCreate)},
		{"GET " + consumers + "/{con}/keys/{key}/revoke", s.need(admin, s.handleKeyRevoke)},
		{"POST " + consumers + "/{con}/keys/{key}/revoke", s.need(admin, s.handleKeyRevoked)},
		{"GET " + platform, s.need(admin, s.handlePlatformKeys)},
		{"GET " + platform + "/new", s.need(admin, s.handleKeyNew)},
		{"POST " + platform + "/new", s.need(admin, s.handleKeyCreate)},
		{"GET " + platform + "/{key}/revoke", s.need(admin, s.handleKeyRevoke)},
		{"POST " + platform + "/{key}/revoke", s.need(admin, s.handleKeyRevoked)},

		// the addresses that receivers must allow; the lists look at who asks by themselves
		{"GET " + egress, s.need(viewer, s.handleEgress)},
		{"GET " + egress + "/edit", s.need(admin, s.handleEgressEdit)},
		{"POST " + egress + "/edit", s.need(admin, s.handleEgressSave)},
		{"POST " + egress + "/check", s.need(admin, s.handleEgressCheck)},
		{"GET /egress.txt", s.handleEgressText},
		{"GET /egress.json", s.handleEgressJSON},

		// event catalog
		{"GET " + catalog, s.need(viewer, s.handleCatalog)},
		{"GET " + newType, s.need(developer, s.handleEventTypeNew)},
		{"POST " + newType, s.need(developer, s.handleEventTypeCreate)},
		{"GET " + catalog + "/{code}", s.need(viewer, s.handleEventType)},
		{"GET " + catalog + "/{code}/webhook", s.need(developer, s.handleEventTypeWebhook)},
		{"GET " + catalog + "/{code}/edit", s.need(developer, s.handleEventTypeEdit)},
		{"POST " + catalog + "/{code}/edit", s.need(developer, s.handleEventTypeSave)},
		{"GET " + catalog + "/{code}/delete", s.need(developer, s.handleEventTypeDelete)},
		{"POST " + catalog + "/{code}/delete", s.need(developer, s.handleEventTypeDeleted)},

		// webhooks, deliveries, events
		{"GET " + consumers + "/{con}/webhooks/new", s.need(developer, s.handleWebhookNew)},
		{"POST " + consumers + "/{con}/webhooks/new", s.need(developer, s.handleWebhookCreate)},
		{"POST " + consumers + "/{con}/webhooks/preview", s.need(developer, s.handleWebhookPreview)},
		{"POST " + consumers + "/{con}/webhooks/check", s.need(developer, s.handleWebhookCheck)},
		{"GET /webhooks/{wh}", s.need(viewer, s.handleWebhook)},
		{"GET /webhooks/{wh}/logs", s.need(viewer, s.handleWebhookLogs)},
		{"GET /webhooks/{wh}/activity", s.need(viewer, s.handleWebhookActivity)},
		{"GET /webhooks/{wh}/edit", s.need(developer, s.handleWebhookEdit)},
		{"POST /webhooks/{wh}/edit", s.need(developer, s.handleWebhookSave)},
		{"GET /webhooks/{wh}/delete", s.need(developer, s.handleWebhookDelete)},
		{"POST /webhooks/{wh}/delete", s.need(developer, s.handleWebhookDeleted)},
		{"POST /webhooks/{wh}/enable", s.need(developer, s.handleWebhookEnable)},
		{"POST /webhooks/{wh}/disable", s.need(developer, s.handleWebhookDisable)},
		{"GET /webhooks/{wh}/testing", s.need(developer, s.handleTesting)},
		{"POST /webhooks/{wh}/testing", s.need(developer, s.handleTest)},
		{"GET /webhooks/{wh}/testing/{dlv}", s.need(developer, s.handleTestResult)},
		{"POST /webhooks/{wh}/resume", s.need(developer, s.handleWebhookResume)},
		{"GET /webhooks/{wh}/secret", s.need(developer, s.handleWebhookSecret)},
		{"POST /webhooks/{wh}/secret/reveal", s.need(developer, s.handleWebhookReveal)},
		{"POST /webhooks/{wh}/secret/rotate", s.need(developer, s.handleWebhookRotate)},
		{"GET /webhooks/{wh}/recover", s.need(developer, s.handleWebhookRecover)},
		{"POST /webhooks/{wh}/recover", s.need(developer, s.handleWebhookRecovered)},
		{"POST /webhooks/{wh}/move", s.need(developer, s.handleWebhookMove)},
		{"GET /deliveries", s.need(viewer, s.handleDeliveries)},
		{"GET /deliveries/bulk", s.need(developer, s.handleBulk)},
		{"POST /deliveries/bulk", s.need(developer, s.handleBulkDone)},
		{"GET /deliveries/{dlv}", s.need(viewer, s.handleDelivery)},
		{"GET /deliveries/{dlv}/attempts/{n}/request.raw", s.need(viewer, s.handleRequestBody)},
		{"GET /deliveries/{dlv}/attempts/{n}/response.raw", s.need(viewer, s.handleAnswerBody)},
		{"POST /deliveries/{dlv}/resend", s.need(developer, s.handleDeliveryResend)},
		{"POST /deliveries/{dlv}/hasten", s.need(developer, s.handleDeliveryHasten)},
		{"POST /deliveries/{dlv}/cancel", s.need(developer, s.handleDeliveryCancel)},
		{"GET /events", s.need(viewer, s.handleEvents)},
		{"GET /events/{evt}", s.need(viewer, s.handleEvent)},
		{"GET /events/{evt}/data.raw", s.need(viewer, s.handleEventData)},

		// lab instances and their gates
		{"GET /lab-instances", s.need(viewer, s.handleLabInstances)},
		{"GET /lab-instances/{subject}", s.need(viewer, s.handleLabInstance)},
		{"GET /lab-instances/{subject}/gates/{dlv}/open", s.need(developer, s.handleGateOpen)},
		{"POST /lab-instances/{subject}/gates/{dlv}/open", s.need(developer, s.handleGateOpened)},
		{"POST /lab-instances/{subject}/gates/{dlv}/hasten", s.need(developer, s.handleGateHasten)},
	}
}
