package web

import (
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// route is one screen or action, and who may use it.
type route struct {
	pattern string
	need    engine.Role // and the roles above it; anyone: also people who are not signed in
	handler http.HandlerFunc
}

// anyone is the need of routes that look by themselves at who asks.
const anyone engine.Role = ""

// handle returns the route's handler, which lets nobody else through.
func (s *Server) handle(r route) http.HandlerFunc {
	if r.need == anyone {
		return r.handler
	}
	return s.need(r.need, r.handler)
}

// Patterns returns the patterns of all screens and of what their forms do, as "GET /admin", for whoever goes through
// them all.
func (s *Server) Patterns() []string {
	routes := s.routes()
	patterns := make([]string, len(routes))
	for i, r := range routes {
		patterns[i] = r.pattern
	}
	return patterns
}

// routes are all screens and what their forms do. What is said here about roles is said nowhere else.
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
		{"GET /setup", anyone, s.handleSetup},
		{"POST /setup", anyone, s.handleSetupSave},
		{"GET /login", anyone, s.handleLogin},
		{"POST /login", anyone, s.handleLoginCheck},
		{"POST /logout", anyone, s.handleLogout},
		{"GET /invitation", anyone, s.handleInvitation},
		{"POST /invitation", anyone, s.handleInvitationAccepted},

		// what concerns the reader alone
		{"GET /account", viewer, s.handleAccount},
		{"POST /account", viewer, s.handleAccountSave},
		{"POST /account/password", viewer, s.handleAccountPassword},

		{"GET " + views.APIReferenceURL(), anyone, s.handleAPIReference},

		// Site Administration
		{"GET /{$}", viewer, s.handleRoot},
		{"GET /admin", viewer, s.handleAdmin},
		{"POST /admin/first-steps/hide", admin, s.handleFirstStepsHide},

		{"GET /admin/settings", viewer, s.handleSettings},
		{"GET /admin/settings/{group}", viewer, s.handleSettingsOf},
		{"GET /admin/settings/{group}/edit", admin, s.handleSettingsEdit},
		{"POST /admin/settings/{group}/edit", admin, s.handleSettingsSave},

		{"GET /admin/audit", admin, s.handleAudit},
		{"GET /admin/audit.csv", admin, s.handleAuditCSV},

		{"GET /find", viewer, s.handleFind},
		{"GET /help/keys", viewer, s.handleKeysHelp},

		// users
		{"GET /admin/users", admin, s.handleUsers},
		{"GET /admin/users/new", admin, s.handleUserNew},
		{"POST /admin/users/new", admin, s.handleUserCreate},
		{"GET /admin/users/{usr}", admin, s.handleUser},
		{"POST /admin/users/{usr}", admin, s.handleUserSave},
		{"GET /admin/users/{usr}/invite", admin, s.handleUserInvite},
		{"POST /admin/users/{usr}/invite", admin, s.handleUserInvited},
		{"POST /admin/users/{usr}/enable", admin, s.handleUserEnable},
		{"POST /admin/users/{usr}/disable", admin, s.handleUserDisable},
		{"GET /admin/users/{usr}/delete", admin, s.handleUserDelete},
		{"POST /admin/users/{usr}/delete", admin, s.handleUserDeleted},

		// API consumers and keys
		{"GET " + consumers, viewer, s.handleConsumers},
		{"GET " + consumers + "/new", admin, s.handleConsumerNew},
		{"POST " + consumers + "/new", admin, s.handleConsumerCreate},
		{"GET " + consumers + "/{con}", viewer, s.handleConsumer},
		{"GET " + consumers + "/{con}/edit", admin, s.handleConsumerEdit},
		{"POST " + consumers + "/{con}/edit", admin, s.handleConsumerSave},
		{"GET " + consumers + "/{con}/delete", admin, s.handleConsumerDelete},
		{"POST " + consumers + "/{con}/delete", admin, s.handleConsumerDeleted},
		{"POST " + consumers + "/{con}/enable", admin, s.handleConsumerEnable},
		{"POST " + consumers + "/{con}/disable", admin, s.handleConsumerDisable},
		{"GET " + consumers + "/{con}/keys/new", admin, s.handleKeyNew},
		{"POST " + consumers + "/{con}/keys/new", admin, s.handleKeyCreate},
		{"GET " + consumers + "/{con}/keys/{key}/revoke", admin, s.handleKeyRevoke},
		{"POST " + consumers + "/{con}/keys/{key}/revoke", admin, s.handleKeyRevoked},
		{"GET " + platform, admin, s.handlePlatformKeys},
		{"GET " + platform + "/new", admin, s.handleKeyNew},
		{"POST " + platform + "/new", admin, s.handleKeyCreate},
		{"GET " + platform + "/{key}/revoke", admin, s.handleKeyRevoke},
		{"POST " + platform + "/{key}/revoke", admin, s.handleKeyRevoked},

		// the addresses that receivers must allow; the lists look at who asks by themselves
		{"GET " + egress, viewer, s.handleEgress},
		{"GET " + egress + "/edit", admin, s.handleEgressEdit},
		{"POST " + egress + "/edit", admin, s.handleEgressSave},
		{"POST " + egress + "/check", admin, s.handleEgressCheck},
		{"GET /egress.txt", anyone, s.handleEgressText},
		{"GET /egress.json", anyone, s.handleEgressJSON},

		// event catalog
		{"GET " + catalog, viewer, s.handleCatalog},
		{"GET " + newType, developer, s.handleEventTypeNew},
		{"POST " + newType, developer, s.handleEventTypeCreate},
		{"GET " + catalog + "/{code}", viewer, s.handleEventType},
		{"GET " + catalog + "/{code}/webhook", developer, s.handleEventTypeWebhook},
		{"GET " + catalog + "/{code}/edit", developer, s.handleEventTypeEdit},
		{"POST " + catalog + "/{code}/edit", developer, s.handleEventTypeSave},
		{"GET " + catalog + "/{code}/delete", developer, s.handleEventTypeDelete},
		{"POST " + catalog + "/{code}/delete", developer, s.handleEventTypeDeleted},

		// webhooks, deliveries, events
		{"GET " + consumers + "/{con}/webhooks/new", developer, s.handleWebhookNew},
		{"POST " + consumers + "/{con}/webhooks/new", developer, s.handleWebhookCreate},
		{"POST " + consumers + "/{con}/webhooks/preview", developer, s.handleWebhookPreview},
		{"POST " + consumers + "/{con}/webhooks/check", developer, s.handleWebhookCheck},
		{"GET /webhooks/{wh}", viewer, s.handleWebhook},
		{"GET /webhooks/{wh}/logs", viewer, s.handleWebhookLogs},
		{"GET /webhooks/{wh}/changes", viewer, s.handleWebhookChanges},
		{"GET /webhooks/{wh}/activity", viewer, s.handleWebhookActivity},
		{"GET /webhooks/{wh}/edit", developer, s.handleWebhookEdit},
		{"POST /webhooks/{wh}/edit", developer, s.handleWebhookSave},
		{"GET /webhooks/{wh}/delete", developer, s.handleWebhookDelete},
		{"POST /webhooks/{wh}/delete", developer, s.handleWebhookDeleted},
		{"POST /webhooks/{wh}/enable", developer, s.handleWebhookEnable},
		{"POST /webhooks/{wh}/disable", developer, s.handleWebhookDisable},
		{"GET /webhooks/{wh}/testing", developer, s.handleTesting},
		{"POST /webhooks/{wh}/testing", developer, s.handleTest},
		{"GET /webhooks/{wh}/testing/{dlv}", developer, s.handleTestResult},
		{"POST /webhooks/{wh}/resume", developer, s.handleWebhookResume},
		{"GET /webhooks/{wh}/secret", developer, s.handleWebhookSecret},
		{"POST /webhooks/{wh}/secret/reveal", developer, s.handleWebhookReveal},
		{"POST /webhooks/{wh}/secret/rotate", developer, s.handleWebhookRotate},
		{"GET /webhooks/{wh}/recover", developer, s.handleWebhookRecover},
		{"POST /webhooks/{wh}/recover", developer, s.handleWebhookRecovered},
		{"POST /webhooks/{wh}/move", developer, s.handleWebhookMove},
		{"GET /deliveries", viewer, s.handleDeliveries},
		{"GET /deliveries/bulk", developer, s.handleBulk},
		{"POST /deliveries/bulk", developer, s.handleBulkDone},
		{"GET /deliveries/{dlv}", viewer, s.handleDelivery},
		{"POST /deliveries/{dlv}/attempts/{n}/curl", developer, s.handleSignedCurl},
		{"GET /deliveries/{dlv}/attempts/{n}/request.raw", viewer, s.handleRequestBody},
		{"GET /deliveries/{dlv}/attempts/{n}/response.raw", viewer, s.handleAnswerBody},
		{"POST /deliveries/{dlv}/resend", developer, s.handleDeliveryResend},
		{"POST /deliveries/{dlv}/hasten", developer, s.handleDeliveryHasten},
		{"POST /deliveries/{dlv}/cancel", developer, s.handleDeliveryCancel},
		{"GET /events", viewer, s.handleEvents},
		{"GET /events/{evt}", viewer, s.handleEvent},
		{"GET /events/{evt}/replay", developer, s.handleReplay},
		{"POST /events/{evt}/replay", developer, s.handleReplayed},
		{"GET /events/{evt}/data.raw", viewer, s.handleEventData},

		// lab instances and their gates
		{"GET /lab-instances", viewer, s.handleLabInstances},
		{"GET /lab-instances/{subject}", viewer, s.handleLabInstance},
		{"GET /lab-instances/{subject}/gates/{dlv}/open", developer, s.handleGateOpen},
		{"POST /lab-instances/{subject}/gates/{dlv}/open", developer, s.handleGateOpened},
		{"POST /lab-instances/{subject}/gates/{dlv}/hasten", developer, s.handleGateHasten},
	}
}
