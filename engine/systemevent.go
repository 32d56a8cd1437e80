package engine

import (
	"encoding/json"
	"time"
)

// Codes of the system events: what Labhook itself has to say. A webhook hears them only when it names them, and a
// delivery of one that fails raises no other.
const (
	SystemLabNotification    = "lab.notification"
	SystemLabEndRequested    = "lab.end_requested"
	SystemDeliveryFailed     = "delivery.failed"
	SystemWebhookFailing     = "webhook.failing"
	SystemWebhookRecovered   = "webhook.recovered"
	SystemWebhookDeactivated = "webhook.deactivated"
	// SystemWebhookPing is what Engine.Ping sends to the webhook that is asked about. Nothing else raises it.
	SystemWebhookPing = "webhook.ping"
)

// FailingAfter is how many deliveries of a webhook must fail for good in a row for it to be called failing.
const FailingAfter = 3

// SystemEvent is the data of a system event. Fields that do not apply are left out.
type SystemEvent struct {
	Type         string    `json:"type"`
	Timestamp    time.Time `json:"timestamp"`
	Consumer     string    `json:"consumer"`
	Webhook      string    `json:"webhook"`
	WebhookName  string    `json:"webhook_name"`
	Subject      string    `json:"subject,omitempty"`
	Event        string    `json:"event,omitempty"`
	EventType    string    `json:"event_type,omitempty"`
	Delivery     string    `json:"delivery,omitempty"`
	Attempts     int       `json:"attempts,omitempty"`
	FailureClass string    `json:"failure_class,omitempty"`
	Status       int       `json:"status,omitempty"`
	ErrorAction  string    `json:"error_action,omitempty"`
	Notification string    `json:"notification,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	// PausedUntil is when the next probe may go; zero: the webhook is not paused.
	PausedUntil time.Time `json:"paused_until,omitzero"`
}

// NewSystemEvent returns the event that carries s, for the webhooks of one consumer.
func NewSystemEvent(s SystemEvent, consumer ConsumerID, now time.Time) (*Event, error) {
	s.Timestamp = now.UTC()
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return &Event{
		ID: NewID[EventID](), Type: s.Type, ConsumerID: consumer, Subject: s.Subject, OccurredAt: now, AcceptedAt: now,
		Data: data, Source: System.Name,
	}, nil
}
