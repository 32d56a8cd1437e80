package views

import "strings"

// AuditAction is a kind of entry of the audit log.
type AuditAction struct{ Code, Label, Group string }

// AuditActions are all kinds of entries, those of a group in a row.
var AuditActions = []AuditAction{
	{"consumer.create", "API consumer created", "API consumers and keys"},
	{"consumer.update", "API consumer changed", "API consumers and keys"},
	{"consumer.delete", "API consumer deleted", "API consumers and keys"},
	{"key.create", "Key created", "API consumers and keys"},
	{"key.revoke", "Key revoked", "API consumers and keys"},
	{"webhook.create", "Webhook added", "Webhooks"},
	{"webhook.update", "Webhook changed", "Webhooks"},
	{"webhook.enable", "Webhook enabled", "Webhooks"},
	{"webhook.disable", "Webhook disabled", "Webhooks"},
	{"webhook.deactivate", "Webhook deactivated", "Webhooks"},
	{"webhook.delete", "Webhook deleted", "Webhooks"},
	{"webhook.order", "Order of webhooks changed", "Webhooks"},
	{"webhook.test", "Webhook tested", "Webhooks"},
	{"webhook.resume", "Pause ended", "Webhooks"},
	{"webhook.recover", "Missed deliveries sent again", "Webhooks"},
	{"webhook.reveal_secret", "Signing secret shown", "Webhooks"},
	{"webhook.rotate_secret", "Signing secret replaced", "Webhooks"},
	{"delivery.resend", "Delivery resent", "Deliveries and gates"},
	{"delivery.hasten", "Delivery retried now", "Deliveries and gates"},
	{"delivery.cancel", "Delivery cancelled", "Deliveries and gates"},
	{"delivery.sign", "Request signed as a command", "Deliveries and gates"},
	{"gate.open", "Gate opened", "Deliveries and gates"},
	{"event.replay", "Event replayed to a webhook", "Deliveries and gates"},
	{"event_type.create", "Event type added", "Event catalog"},
	{"event_type.update", "Event type changed", "Event catalog"},
	{"event_type.delete", "Event type deleted", "Event catalog"},
	{"egress.update", "Egress addresses declared", "System"},
	{"egress.check", "Egress addresses checked", "System"},
	{"settings.update", "Settings changed", "System"},
	{"user.sign_in", "Signed in", "Users"},
	{"user.sign_in_failed", "Sign-in failed", "Users"},
	{"user.sign_out", "Signed out", "Users"},
	{"user.create", "User added", "Users"},
	{"user.update", "User changed", "Users"},
	{"user.role", "Role changed", "Users"},
	{"user.enable", "User enabled", "Users"},
	{"user.disable", "User disabled", "Users"},
	{"user.delete", "User deleted", "Users"},
	{"user.invite", "Link to choose a password made", "Users"},
	{"user.password", "Password changed", "Users"},
	{"user.account", "Account changed", "Users"},
}

// AuditWord is the word for a kind of entry.
func AuditWord(code string) string {
	for _, a := range AuditActions {
		if a.Code == code {
			return a.Label
		}
	}
	return code
}

// AuditRow is an entry of the audit log.
type AuditRow struct {
	Entry  AuditEntry
	Object Link // what it is about; its URL is empty when there is no page of it
}

// AuditList is the audit log.
type AuditList struct {
	Page         Page
	Filter       AuditFilterForm
	Notices      []string
	Chips        []Link
	Rows         []AuditRow
	Empty        EmptyList
	Count        string
	Newer, Older string
	CSV          string // the same entries as a file
}

// AuditFilterForm is the filter above the log.
type AuditFilterForm struct {
	Who, Action, Object Field
	Since, From, Until  Field // From and Until count while Since has its last value
}

// lines are what changed, a field each.
func (r AuditRow) lines() []string {
	if r.Entry.Detail == "" {
		return nil
	}
	return strings.Split(r.Entry.Detail, "\n")
}
