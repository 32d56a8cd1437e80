package engine

import (
	"encoding/json"
	"time"
)

// systemEventTypes returns the events that Labhook raises itself.
func systemEventTypes() []EventType {
	types := []EventType{
		{
			Code: SystemLabNotification, Label: "Lab Notification",
			Description: "The lab's user is to be told something: a webhook failed whose error action is Send Notification to User.",
		},
		{
			Code: SystemLabEndRequested, Label: "Lab End Requested",
			Description: "The lab is to be ended: a webhook failed whose error action is End Lab.",
		},
		{Code: SystemDeliveryFailed, Label: "Delivery Failed", Description: "A delivery was given up."},
		{Code: SystemWebhookFailing, Label: "Webhook Failing", Description: "Several deliveries of a webhook in a row were given up, or its deliveries kept failing so that it was paused. There may be one event for each."},
		{Code: SystemWebhookRecovered, Label: "Webhook Recovered", Description: "A failing webhook delivered again, and its pause is over if there was one."},
		{Code: SystemWebhookDeactivated, Label: "Webhook Deactivated", Description: "A webhook was switched off."},
		{
			Code: SystemWebhookPing, Label: "Webhook Ping",
			Description: "Somebody asked whether the webhook's receiver answers. It goes to that webhook alone, whatever it listens to.",
		},
	}
	for i := range types {
		t := &types[i]
		t.Group, t.Platform, t.Example = GroupSystem, PlatformLabhook, sampleSystemEvent(t.Code)
		t.Fields = fieldsOf(t.Example)
		for i := range t.Fields {
			t.Fields[i].Meaning = systemMeanings[t.Fields[i].Name]
		}
	}
	return types
}

// systemMeanings describe the fields of a SystemEvent.
var systemMeanings = map[string]string{
	"type":          "The event type.",
	"timestamp":     "When it happened, in RFC 3339.",
	"consumer":      "The API consumer that the webhook belongs to.",
	"webhook":       "The webhook that it is about.",
	"webhook_name":  "Its name.",
	"subject":       "The lab instance, or what else the event was about; left out where there is none.",
	"event":         "The event whose delivery failed, by the sender's id where it gave one.",
	"event_type":    "Its type. PING in a ping, as in Skilljar's.",
	"delivery":      "The delivery that failed.",
	"attempts":      "How many attempts were made.",
	"failure_class": "How the last attempt failed: dns, refused, reset, tls, timeout, blocked, redirect, status, body or request.",
	"status":        "The status of the last answer; left out where none came.",
	"error_action":  "The error action that was applied.",
	"paused_until":  "When the next probe may be sent to the paused webhook; left out where it is not paused.",
	"notification":  "What the lab's user is to be told.",
	"reason":        "Why the webhook was switched off: HTTP_4XX_RESPONSE, RETRY_COUNT, GONE, RECEIVER_REQUEST or BY_HAND.",
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
	case SystemWebhookFailing:
		s.PausedUntil = s.Timestamp.Add(pauseSpells[0])
	case SystemWebhookRecovered:
		s.FailureClass, s.Status = "", 200
	case SystemWebhookDeactivated:
		s.Reason, s.FailureClass, s.Status = string(DeactivatedByHand), "", 0
	case SystemWebhookPing:
		s.EventType, s.FailureClass, s.Status = SkilljarPing, "", 0
	}
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // nothing in s can fail to be written
	}
	return data
}
