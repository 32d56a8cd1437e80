package views

import (
	"net/url"
	"strconv"

	"labhook/engine"
)

// Every path of the screens. web registers its routes under the same paths; nobody else spells one.

// SetupURL is the first-run page; token may be empty.
func SetupURL(token string) string { return withQuery("/setup", "token", token) }

// LoginURL is the sign-in page; next is where to go afterwards and may be empty.
func LoginURL(next string) string { return withQuery("/login", "next", next) }

// SignedOutURL is the sign-in page as it greets after signing out.
func SignedOutURL() string { return "/login?signed-out=1" }

// LogoutURL takes the POST that signs out.
func LogoutURL() string { return "/logout" }

// InvitationURL is the page on which an invited user chooses a password, and takes the POST that does it.
func InvitationURL(token string) string { return withQuery("/invitation", "token", token) }

// AccountURL is the page of the person who is signed in, and takes the POST that changes how things look.
func AccountURL() string { return "/account" }

// AccountPasswordURL takes the POST that changes the password of who is signed in.
func AccountPasswordURL() string { return "/account/password" }

// KeysHelpURL is the map of the keyboard shortcuts.
func KeysHelpURL() string { return "/help/keys" }

// UsersURL lists the users.
func UsersURL() string { return "/admin/users" }

// UserNewURL is the form that adds a user.
func UserNewURL() string { return UsersURL() + "/new" }

// UserURL is a user's page, and takes the POST that changes it.
func UserURL(id engine.UserID) string { return UsersURL() + "/" + id.String() }

// UserInviteURL is the page that asks before a user's password is reset, and takes the POST that does it.
func UserInviteURL(id engine.UserID) string { return UserURL(id) + "/invite" }

// UserEnableURL takes the POST that lets a user sign in again.
func UserEnableURL(id engine.UserID) string { return UserURL(id) + "/enable" }

// UserDisableURL takes the POST that signs a user out for good.
func UserDisableURL(id engine.UserID) string { return UserURL(id) + "/disable" }

// UserDeleteURL is the page that asks before a user is deleted, and takes the POST that does it.
func UserDeleteURL(id engine.UserID) string { return UserURL(id) + "/delete" }

// FindURL leads to what a text names; it may be empty.
func FindURL(text string) string { return withQuery("/find", "q", text) }

// HideFirstStepsURL takes the POST that puts the list of first steps away.
func HideFirstStepsURL() string { return "/admin/first-steps/hide" }

// AuditCSVURL downloads the audit log. The query is that of AuditURL.
func AuditCSVURL(query ...string) string { return withQuery("/admin/audit.csv", query...) }

// AuditURL is the audit log. The query is pairs of name and value, as that of DeliveriesURL.
func AuditURL(query ...string) string { return withQuery("/admin/audit", query...) }

// AdminURL is Site Administration.
func AdminURL() string { return "/admin" }

// ConsumersURL is Find API Consumers. The query is pairs of name and value; pairs with an empty value are left out.
func ConsumersURL(query ...string) string {
	return withQuery("/admin/integration/api-consumers", query...)
}

// NewConsumerURL is the form that creates an API consumer.
func NewConsumerURL() string { return ConsumersURL() + "/new" }

// ConsumerURL is an API consumer's page.
func ConsumerURL(id engine.ConsumerID) string { return ConsumersURL() + "/" + id.String() }

// ConsumerEditURL is the form that changes an API consumer.
func ConsumerEditURL(id engine.ConsumerID) string { return ConsumerURL(id) + "/edit" }

// ConsumerEnableURL and ConsumerDisableURL take the POST that switches an API consumer.
func ConsumerEnableURL(id engine.ConsumerID) string { return ConsumerURL(id) + "/enable" }

// ConsumerDisableURL is the other half of ConsumerEnableURL.
func ConsumerDisableURL(id engine.ConsumerID) string { return ConsumerURL(id) + "/disable" }

// ConsumerDeleteURL is the page that asks before an API consumer is deleted, and takes the POST that does it.
func ConsumerDeleteURL(id engine.ConsumerID) string { return ConsumerURL(id) + "/delete" }

// KeysURL is where the keys of an owner are shown: on the consumer's page, or on the platform's own for zero.
func KeysURL(owner engine.ConsumerID) string {
	if owner == 0 {
		return "/admin/integration/platform-keys"
	}
	return ConsumerURL(owner) + "#keys"
}

// KeyNewURL is the form that creates a key of a consumer, or a platform key for zero.
func KeyNewURL(owner engine.ConsumerID) string {
	if owner == 0 {
		return KeysURL(0) + "/new"
	}
	return ConsumerURL(owner) + "/keys/new"
}

// KeyRevokeURL is the page that asks before a key is revoked, and takes the POST that does it.
func KeyRevokeURL(owner engine.ConsumerID, id engine.KeyID) string {
	if owner == 0 {
		return KeysURL(0) + "/" + id.String() + "/revoke"
	}
	return ConsumerURL(owner) + "/keys/" + id.String() + "/revoke"
}

// EventCatalogURL is the catalog of event types.
func EventCatalogURL() string { return "/admin/integration/event-catalog" }

// NewEventTypeURL is the form that adds an event type. It stands beside the catalog, in which any code has its page.
func NewEventTypeURL() string { return "/admin/integration/new-event-type" }

// EventTypeURL is an event type's page.
func EventTypeURL(code string) string { return EventCatalogURL() + "/" + url.PathEscape(code) }

// EventTypeEditURL is the form that changes an event type of the administrators.
func EventTypeEditURL(code string) string { return EventTypeURL(code) + "/edit" }

// EventTypeDeleteURL is the page that asks before such an event type is deleted, and takes the POST that does it.
func EventTypeDeleteURL(code string) string { return EventTypeURL(code) + "/delete" }

// EventTypeWebhookURL leads to the form that adds a webhook for an event type to the consumer that the query names.
func EventTypeWebhookURL(code string) string { return EventTypeURL(code) + "/webhook" }

// EgressURL is the page of the addresses that receivers must allow.
func EgressURL() string { return "/admin/integration/egress" }

// EgressEditURL is the form that declares these addresses.
func EgressEditURL() string { return EgressURL() + "/edit" }

// EgressCheckURL takes the POST that asks the echo URL from which address requests come.
func EgressCheckURL() string { return EgressURL() + "/check" }

// EgressTextURL is the list of these addresses for scripts, a line each.
func EgressTextURL() string { return "/egress.txt" }

// EgressJSONURL is the list of these addresses for programs.
func EgressJSONURL() string { return "/egress.json" }

// SettingsURL leads to the pages of settings.
func SettingsURL() string { return "/admin/settings" }

// SettingsOfURL is the page of a group of settings.
func SettingsOfURL(g SettingsGroup) string { return SettingsURL() + "/" + string(g) }

// SettingsEditURL is the form that changes a group of settings, and takes the POST that does it.
func SettingsEditURL(g engine.SettingGroup) string { return settingsEditURL(SettingsGroup(g)) }

func settingsEditURL(g SettingsGroup) string { return SettingsOfURL(g) + "/edit" }

// NewWebhookURL is the form that adds a webhook to a consumer. The query may name an event type that it begins with.
func NewWebhookURL(consumer engine.ConsumerID, query ...string) string {
	return withQuery(ConsumerURL(consumer)+"/webhooks/new", query...)
}

// WebhookURL is a webhook's page.
func WebhookURL(id engine.WebhookID) string { return "/webhooks/" + id.String() }

// WebhookEditURL is the form that changes a webhook.
func WebhookEditURL(id engine.WebhookID) string { return WebhookURL(id) + "/edit" }

// WebhookDeleteURL is the page that asks before a webhook is deleted, and takes the POST that does it.
func WebhookDeleteURL(id engine.WebhookID) string { return WebhookURL(id) + "/delete" }

// WebhookEnableURL takes the POST that enables a webhook.
func WebhookEnableURL(id engine.WebhookID) string { return WebhookURL(id) + "/enable" }

// WebhookDisableURL takes the POST that disables a webhook.
func WebhookDisableURL(id engine.WebhookID) string { return WebhookURL(id) + "/disable" }

// WebhookMoveURL takes the POST that moves a webhook up or down in the order of sending.
func WebhookMoveURL(id engine.WebhookID) string { return WebhookURL(id) + "/move" }

// WebhookChangesURL is the page that compares a webhook's settings with those of one of its versions.
func WebhookChangesURL(id engine.WebhookID, since int) string {
	return withQuery(WebhookURL(id)+"/changes", "since", strconv.Itoa(since))
}

// WebhookLogsURL is the tab with a webhook's deliveries. The query is as that of DeliveriesURL.
func WebhookLogsURL(id engine.WebhookID, query ...string) string {
	return withQuery(WebhookURL(id)+"/logs", query...)
}

// WebhookActivityURL is the tab that draws what a webhook's hours came to; period may be empty.
func WebhookActivityURL(id engine.WebhookID, period string) string {
	return withQuery(WebhookURL(id)+"/activity", "period", period)
}

// WebhookTestingURL is the tab that sends an example to a webhook, and takes the POST that does it.
func WebhookTestingURL(id engine.WebhookID) string { return WebhookURL(id) + "/testing" }

// TestExampleURL is that tab with an event type and data chosen.
func TestExampleURL(id engine.WebhookID, kind, from string) string {
	return withQuery(WebhookTestingURL(id), "type", kind, "from", from)
}

// TestResultURL is that tab with what came of a test. asked counts how often a page asked for it; 0: a person does.
func TestResultURL(webhook engine.WebhookID, id engine.DeliveryID, asked int) string {
	url := WebhookTestingURL(webhook) + "/" + id.String()
	if asked == 0 {
		return url
	}
	return withQuery(url, "asked", strconv.Itoa(asked))
}

// WebhookSecretURL is the page of a webhook's signing secret.
func WebhookSecretURL(id engine.WebhookID) string { return WebhookURL(id) + "/secret" }

// WebhookRevealURL takes the POST that shows a webhook's signing secret.
func WebhookRevealURL(id engine.WebhookID) string { return WebhookSecretURL(id) + "/reveal" }

// WebhookRotateURL takes the POST that gives a webhook another signing secret.
func WebhookRotateURL(id engine.WebhookID) string { return WebhookSecretURL(id) + "/rotate" }

// WebhookRecoverURL is the page that sends again what a webhook missed. It takes the POST that counts and that does it.
func WebhookRecoverURL(id engine.WebhookID) string { return WebhookURL(id) + "/recover" }

// WebhookResumeURL takes the POST that ends a webhook's pause.
func WebhookResumeURL(id engine.WebhookID) string { return WebhookURL(id) + "/resume" }

// WebhookCheckURL takes the POST that judges one field of a webhook's form; nothing is saved.
func WebhookCheckURL(consumer engine.ConsumerID, query ...string) string {
	return withQuery(ConsumerURL(consumer)+"/webhooks/check", query...)
}

// WebhookPreviewURL takes the POST that draws what a webhook's form would do; nothing is saved.
func WebhookPreviewURL(consumer engine.ConsumerID) string {
	return ConsumerURL(consumer) + "/webhooks/preview"
}

// DeliveriesURL is the list of deliveries. The query is pairs of name and value, such as "status", "failed",
// "since", "24h"; pairs with an empty value are left out.
func DeliveriesURL(query ...string) string { return withQuery("/deliveries", query...) }

// CountedToday is the query of the deliveries that the counts of the last 24 hours are about: those that ended in a state,
// without tests. more are further pairs.
func CountedToday(state engine.DeliveryState, more ...string) []string {
	return append([]string{"status", string(state), "since", "24h", "test", "false"}, more...)
}

// DeliveryURL is a delivery's page.
func DeliveryURL(id engine.DeliveryID) string { return "/deliveries/" + id.String() }

// DeliveryInListURL is that page for somebody who comes from a list with that filter, and may go on to its neighbours.
func DeliveryInListURL(id engine.DeliveryID, list string) string {
	return withQuery(DeliveryURL(id), "list", list)
}

// BulkURL is the page that asks before several deliveries are sent again or cancelled. It takes the POST that does it.
func BulkURL() string { return "/deliveries/bulk" }

// DeliveryResendURL takes the POST that makes one more attempt.
func DeliveryResendURL(id engine.DeliveryID) string { return DeliveryURL(id) + "/resend" }

// DeliveryHastenURL takes the POST that makes the next attempt at once.
func DeliveryHastenURL(id engine.DeliveryID) string { return DeliveryURL(id) + "/hasten" }

// DeliveryCancelURL takes the POST that cancels a delivery.
func DeliveryCancelURL(id engine.DeliveryID) string { return DeliveryURL(id) + "/cancel" }

// AttemptURL is a delivery's page with that attempt open, the latest for 0; raw shows bodies as they came.
// list is as in DeliveryInListURL.
func AttemptURL(id engine.DeliveryID, number int, raw bool, list string) string {
	var attempt, yes string
	if number > 0 {
		attempt = strconv.Itoa(number)
	}
	if raw {
		yes = "1"
	}
	return withQuery(DeliveryURL(id), "attempt", attempt, "raw", yes, "list", list)
}

// AnswerBodyURL downloads the body of an attempt's answer, as much of it as was kept.
func AnswerBodyURL(id engine.DeliveryID, number int) string {
	return DeliveryURL(id) + "/attempts/" + strconv.Itoa(number) + "/response.raw"
}

// SignedCurlURL takes the POST that shows an attempt's request as a command, signed now.
func SignedCurlURL(id engine.DeliveryID, number int) string {
	return DeliveryURL(id) + "/attempts/" + strconv.Itoa(number) + "/curl"
}

// RequestBodyURL downloads the body of an attempt's request.
func RequestBodyURL(id engine.DeliveryID, number int) string {
	return DeliveryURL(id) + "/attempts/" + strconv.Itoa(number) + "/request.raw"
}

// EventsURL is the list of events. The query is as that of DeliveriesURL.
func EventsURL(query ...string) string { return withQuery("/events", query...) }

// EventURL is an event's page.
func EventURL(id engine.EventID) string { return "/events/" + id.String() }

// EventReplayURL is the page that asks to which webhooks an event is sent, and takes the POST that does it.
func EventReplayURL(id engine.EventID, query ...string) string {
	return withQuery(EventURL(id)+"/replay", query...)
}

// EventDataURL downloads an event's data, byte for byte as it was sent.
func EventDataURL(id engine.EventID) string { return EventURL(id) + "/data.raw" }

// LabInstancesURL is the list of lab instances. The query is pairs of name and value, as that of DeliveriesURL.
func LabInstancesURL(query ...string) string { return withQuery("/lab-instances", query...) }

// LabInstanceURL is the page of a lab instance, or other subject. Browsers take a name of one or two dots for a step
// in the path, whatever way it is written: such a subject is found in the list.
func LabInstanceURL(subject string) string {
	if subject == "." || subject == ".." {
		return LabInstancesURL("q", subject)
	}
	return LabInstancesURL() + "/" + url.PathEscape(subject)
}

// GateURL is where a gate stands on the page of its lab instance.
func GateURL(subject string, id engine.DeliveryID) string {
	return LabInstanceURL(subject) + "#" + gateAnchor(id)
}

// GateOpenURL is the page that asks before a gate is opened, and takes the POST that does it.
func GateOpenURL(subject string, id engine.DeliveryID) string { return gatePath(subject, id) + "/open" }

// GateHastenURL takes the POST that makes the next attempt of the delivery that keeps a gate closed.
func GateHastenURL(subject string, id engine.DeliveryID) string {
	return gatePath(subject, id) + "/hasten"
}

func gatePath(subject string, id engine.DeliveryID) string {
	return LabInstanceURL(subject) + "/gates/" + id.String()
}

// gateAnchor is the id of a gate's box.
func gateAnchor(id engine.DeliveryID) string { return "gate-" + id.String() }

// withQuery appends pairs of name and value in their order; a name may come twice.
func withQuery(path string, pairs ...string) string {
	sep := "?"
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		path += sep + url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1])
		sep = "&"
	}
	return path
}

// APIReferenceURL is the reference of the REST API.
func APIReferenceURL() string { return "/api/v1/docs" }

// APIDocumentURL is the OpenAPI document in one of its forms: "openapi.yaml".
func APIDocumentURL(form string) string { return "/api/v1/" + form }
