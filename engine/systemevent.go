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
)

// DeactivatedByHand is the reason of a SystemWebhookDeactivated for a webhook that a person switched off.
const DeactivatedByHand = "BY_HAND"

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

// sampleSystemEvent returns the example data of a system event.
func sampleSystemEvent(code string) json.RawMessage {
	s := SystemEvent{
		Type: code, Timestamp: time.Date(2026, 11, 21, 14, 2, 11, 0, time.UTC), Consumer: "con_01jc9xw2m4t7k",
		Webhook: "wh_01jc9xw2m4t7m", WebhookName: "LMS – lab scored", FailureClass: string(ClassStatus), Status: 503,
	}
	switch code {
	case SystemLabNotification, SystemLabEndRequested, SystemDeliveryFailed:
		s.Subject, s.Event, s.EventType = "998592321", "evt_01jc9xw2m4t7n", LabScored
		s.Delivery, s.Attempts = "dlv_01jc9xw2m4t7p", 4
	}
	switch code {
	case SystemLabNotification:
		s.ErrorAction, s.Notification = string(ErrorActionNotifyUser), "Your result could not be passed on."
	case SystemLabEndRequested:
		s.EventType, s.ErrorAction = LabPreBuild, string(ErrorActionEndLab)
	case SystemDeliveryFailed:
		s.ErrorAction = string(ErrorActionLog)
	case SystemWebhookRecovered:
		s.FailureClass, s.Status = "", 200
	case SystemWebhookDeactivated:
		s.Reason, s.FailureClass, s.Status = DeactivatedByHand, "", 0
	}
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // nothing in s can fail to be written
	}
	return data
}
