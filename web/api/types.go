package api

import (
	"encoding/json"
	"time"
)

// List is a part of a list.
type List[T any] struct {
	Data []T     `json:"data" nullable:"false"`
	Next *string `json:"next" doc:"Cursor of the next part, null at the end: send it, as it is, as after for consumers and webhooks (oldest first), as before for events and deliveries (newest first). The header Link has the whole address"`
}

// Consumer is an API consumer.
type Consumer struct {
	ID                       string     `json:"id" readOnly:"true"`
	Name                     string     `json:"name"`
	ExternalID               string     `json:"external_id" doc:"Your own name for it, unique; paths take it in place of the id"`
	Description              string     `json:"description"`
	DefaultOrganization      string     `json:"default_organization"`
	ConsumingPlatform        string     `json:"consuming_platform"`
	ConsumingPlatformVersion string     `json:"consuming_platform_version"`
	TechnicalContact         string     `json:"technical_contact"`
	Enabled                  bool       `json:"enabled" doc:"While it is not, its webhooks are not sent and its keys open nothing; only platform keys change it"`
	Expires                  *time.Time `json:"expires" doc:"From then on its webhooks are not sent and its keys open nothing; null: never; only platform keys change it"`
	OneSendPerURL            bool       `json:"one_send_per_url" doc:"Of several webhooks with the same URL that an event concerns, only the first in order is sent"`
	State                    string     `json:"state" readOnly:"true"`
	CreatedAt                time.Time  `json:"created_at" readOnly:"true"`
	UpdatedAt                time.Time  `json:"updated_at" readOnly:"true"`
}

// ConsumerInput is an API consumer as it is sent.
type ConsumerInput Consumer

// Key is an API key.
type Key struct {
	ID          string     `json:"id" readOnly:"true"`
	Consumer    *string    `json:"consumer" readOnly:"true" doc:"The API consumer it belongs to; null: a platform key"`
	Description string     `json:"description" doc:"Who uses it"`
	Scope       string     `json:"scope"`
	Prefix      string     `json:"prefix" readOnly:"true" doc:"The first characters of the key"`
	Enabled     bool       `json:"enabled" readOnly:"true" doc:"False once revoked"`
	Expires     *time.Time `json:"expires" doc:"From then on it opens nothing; null: never"`
	CreatedAt   time.Time  `json:"created_at" readOnly:"true"`
	CreatedBy   string     `json:"created_by" readOnly:"true"`
	LastUsedAt  *time.Time `json:"last_used_at" readOnly:"true" doc:"To about a minute; null: never"`
	LastUsedIP  string     `json:"last_used_ip" readOnly:"true"`
	Key         string     `json:"key,omitempty" readOnly:"true" doc:"The key itself, only in the answer that creates it"`
}

// KeyInput is an API key as it is sent.
type KeyInput Key

// Webhook is a webhook; the fields are those of the form.
type Webhook struct {
	ID               string      `json:"id" readOnly:"true"`
	Consumer         string      `json:"consumer" doc:"Id or external id of the API consumer; default: the key's own"`
	Name             string      `json:"name"`
	Events           []string    `json:"events" nullable:"false" doc:"Codes or labels of event types, or * alone for all but the system events"`
	Verb             string      `json:"verb"`
	URL              string      `json:"url" example:"https://hooks.example.com/lab" doc:"May hold tokens such as {id}. To keys without the scope manage the values of its query are shown as ••••"`
	Headers          []Header    `json:"headers" nullable:"false"`
	SendLabDetails   bool        `json:"send_lab_details" doc:"Send the lab details, or the data of an event that has none, as the body, and not content"`
	Content          string      `json:"content" doc:"A body of your own; may hold tokens such as @lab.User.Id"`
	ContentType      string      `json:"content_type" doc:"Of content; empty: JSON where it is JSON, else plain text"`
	Enabled          bool        `json:"enabled"`
	Blocking         bool        `json:"blocking" doc:"Until its delivery ends, later webhooks and events of the same lab instance wait"`
	Delay            int         `json:"delay" doc:"Seconds before the first attempt"`
	Timeout          int         `json:"timeout" doc:"Seconds for one attempt; absent: what retry_policy suggests where that is sent, else what the settings have for a new webhook"`
	Retries          int         `json:"retries" doc:"Attempts after the first one; absent: what retry_policy suggests where that is sent, else what the settings have for a new webhook"`
	RetryPolicy      RetryPolicy `json:"retry_policy" doc:"Absent: what the settings have for a new webhook, which is studio until somebody changes it"`
	ErrorAction      string      `json:"error_action" doc:"What happens when the last attempt has failed"`
	NotificationText string      `json:"notification_text" doc:"What notify_user says; empty: a standard sentence"`
	EndLabConfirmed  bool        `json:"end_lab_confirmed" doc:"Learners may lose work: end_lab at events at which they work in the lab needs it"`
	Description      string      `json:"description"`
	BasicAuth        *BasicAuth  `json:"basic_auth" doc:"null: none"`
	Signing          Signing     `json:"signing"`
	ClientCert       *ClientCert `json:"client_cert" doc:"null: none"`
	RateLimit        int         `json:"rate_limit" doc:"Requests a second at most; 0: no limit"`
	RateBurst        int         `json:"rate_burst" doc:"Requests that may go at once within rate_limit; 0: as many as rate_limit"`
	DeactivateReason *string     `json:"deactivate_reason" readOnly:"true" doc:"Why it is not enabled; null: it is"`
	DeactivatedAt    *time.Time  `json:"deactivated_at" readOnly:"true"`
	PausedUntil      *time.Time  `json:"paused_until" readOnly:"true" doc:"It keeps failing: when the next delivery is tried; null: it is not paused"`
	Warnings         []string    `json:"warnings" nullable:"false" readOnly:"true" doc:"What is allowed but hardly meant, such as tokens that none of its events can fill"`
	Position         int         `json:"position" readOnly:"true" doc:"Place among the webhooks of the consumer, from 1"`
	Version          int         `json:"version" doc:"Counts up with each change; a change must send the version that was read, here or in If-Match"`
	CreatedAt        time.Time   `json:"created_at" readOnly:"true"`
	UpdatedAt        time.Time   `json:"updated_at" readOnly:"true"`
}

// WebhookInput is a webhook as it is sent.
type WebhookInput Webhook

// OrderInput is the order of a consumer's webhooks.
type OrderInput struct {
	Webhooks []string `json:"webhooks" nullable:"false" doc:"The ids of all webhooks of the API consumer, each once"`
}

// MoveInput says where a webhook is moved.
type MoveInput struct {
	Direction string `json:"direction" enum:"up,down" doc:"Towards the first, or the last"`
}

// Header is a header line of a webhook.
type Header struct {
	Name      string `json:"name"`
	Value     string `json:"value" doc:"Sensitive values are answered as ••••; ••••, sent back, keeps the stored value"`
	Sensitive *bool  `json:"sensitive,omitempty" doc:"Default: whether the name looks like that of a secret"`
}

// EventInput is an event as it is posted.
type EventInput struct {
	ID         string          `json:"id" doc:"Your own id: the same event, posted again, is accepted once. Platform keys share their ids, and so do the keys of an API consumer"`
	Type       string          `json:"type" doc:"Code or label of an event type" example:"lab.scored"`
	Consumer   string          `json:"consumer" doc:"Id or external id of the API consumer whose webhooks hear of it; default: the key's own, for platform keys every one"`
	Subject    string          `json:"subject" doc:"What it is about; default: data.Id of lab events"`
	OccurredAt *time.Time      `json:"occurred_at" doc:"Default: now"`
	Data       json.RawMessage `json:"data" doc:"A JSON object, passed on as it is"`
}

// Event is an event without its data.
type Event struct {
	ID         string    `json:"id" doc:"The sender's id where it gave one; another sender may use the same"`
	LabhookID  string    `json:"labhook_id" doc:"Labhook's own id, which no other event has; paths take it, too"`
	Type       string    `json:"type"`
	Consumer   *string   `json:"consumer" doc:"null: every API consumer"`
	Subject    string    `json:"subject"`
	Test       bool      `json:"test" doc:"It was made to test one webhook, and concerns no other"`
	OccurredAt time.Time `json:"occurred_at"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// AcceptedEvent is the answer to a posted event.
type AcceptedEvent struct {
	Event
	Duplicate      bool            `json:"duplicate" doc:"The event was accepted before; this is the first one as it is now"`
	Deliveries     []EventDelivery `json:"deliveries" nullable:"false"`
	MoreDeliveries bool            `json:"more_deliveries" doc:"There are more: GET /api/v1/deliveries?event="`
	StatusURL      string          `json:"status_url" doc:"Where to ask what has become of it; the same as in Location"`
}

// EndedEvent is the answer to a posted event whose sender waited until its blocking deliveries had ended.
type EndedEvent struct {
	Verdict
	AcceptedEvent
}

// Verdict is what an event came to, for its sender. The key of one API consumer is told of its own deliveries alone.
type Verdict struct {
	Action        string   `json:"action" doc:"What the lab platform is to do; preliminary until ended"`
	Notifications []string `json:"notifications" nullable:"false" doc:"What the lab's user is to be told"`
	Ended         bool     `json:"ended" doc:"All blocking deliveries of the event have ended"`
}

// EventDelivery is a delivery in the answer to a posted event.
type EventDelivery struct {
	ID           string `json:"id"`
	Webhook      string `json:"webhook"`
	State        string `json:"state"`
	Blocking     bool   `json:"blocking"`
	LastStatus   *int   `json:"last_status" doc:"HTTP status of the latest attempt; null: no answer came"`
	FailureClass string `json:"failure_class" doc:"What was wrong with the latest attempt; empty: nothing"`
	ErrorAction  string `json:"error_action" doc:"The error action that was applied; empty: none was"`
}

// EventRow is an event in a list.
type EventRow struct {
	Event
	DeliveryStates map[string]int `json:"delivery_states" nullable:"true" doc:"How many deliveries are in which state; null for the key of one API consumer where the event was for all"`
}

// EventDetail is an event with all that is known of it.
type EventDetail struct {
	Event
	Verdict
	Source         string          `json:"source" doc:"Who posted it"`
	TraceParent    *string         `json:"traceparent" doc:"W3C trace context of the sender"`
	Data           json.RawMessage `json:"data" nullable:"true" doc:"null: retention has deleted it"`
	DataGoneAt     *time.Time      `json:"data_gone_at" doc:"When retention deleted the data, and the bodies of requests and answers with it"`
	Deliveries     []GatedDelivery `json:"deliveries" nullable:"false" doc:"In the order of the webhooks"`
	MoreDeliveries bool            `json:"more_deliveries" doc:"There are more: GET /api/v1/deliveries?event="`
}

// Delivery is one event for one webhook.
type Delivery struct {
	ID            string     `json:"id" doc:"The webhook-id that the receiver sees"`
	State         string     `json:"state"`
	Event         string     `json:"event" doc:"Id of the event"`
	LabhookEvent  string     `json:"labhook_event" doc:"Labhook's own id of the event"`
	EventType     string     `json:"event_type"`
	Subject       string     `json:"subject"`
	Consumer      string     `json:"consumer"`
	ConsumerName  string     `json:"consumer_name"`
	Webhook       string     `json:"webhook"`
	WebhookName   string     `json:"webhook_name"`
	Blocking      bool       `json:"blocking"`
	Test          bool       `json:"test" doc:"It was made to test the webhook: tried once, and neither counted nor acted upon"`
	Trigger       string     `json:"trigger" doc:"Why the attempt that is due, or was the last one, is made"`
	AttemptsMade  int        `json:"attempts_made"`
	AttemptsInAll int        `json:"attempts_in_all" doc:"How many attempts are made before it is given up"`
	DueAt         *time.Time `json:"due_at" doc:"When the next attempt may start"`
	FinishedAt    *time.Time `json:"finished_at"`
	Reason        string     `json:"reason" doc:"Why it was cancelled or skipped"`
	FailureClass  string     `json:"failure_class" doc:"What was wrong with the latest attempt; empty: nothing"`
	LastStatus    *int       `json:"last_status" doc:"HTTP status of the latest attempt; null: no answer came"`
	ErrorAction   string     `json:"error_action" doc:"The error action that was applied when it failed for good; empty: none was"`
	CreatedAt     time.Time  `json:"created_at"`
}

// GatedDelivery is a delivery with its gate.
type GatedDelivery struct {
	Delivery
	Gate *Gate `json:"gate,omitempty" doc:"Absent: it is not blocking, has no lab instance or other subject, or its turn has not come"`
}

// Gate is what a blocking delivery does to its lane: the deliveries of the same API consumer for the same lab instance.
type Gate struct {
	ClosedAt       time.Time  `json:"closed_at" doc:"When the delivery's turn came"`
	OpensBy        time.Time  `json:"opens_by" doc:"When it opens at the latest, whatever keeps the delivery waiting"`
	OpenedAt       *time.Time `json:"opened_at" doc:"null: it is closed"`
	Opening        string     `json:"opening" doc:"Why it opened; empty while it is closed"`
	OpenedBy       string     `json:"opened_by" doc:"Who opened it by hand"`
	Reason         string     `json:"reason" doc:"What was given as the reason"`
	Released       int        `json:"released" doc:"Deliveries that went on when it opened"`
	HeldDeliveries int        `json:"held_deliveries" doc:"Deliveries that wait behind it; 0 once it is open"`
	HeldEvents     int        `json:"held_events" doc:"The events that these are of"`
}

// DeliveryDetail is a delivery with its attempts.
type DeliveryDetail struct {
	GatedDelivery
	Attempts []Attempt `json:"attempts" nullable:"false" doc:"Oldest first"`
}

// Attempt is one HTTP request and what came of it.
type Attempt struct {
	Number         int         `json:"number"`
	Trigger        string      `json:"trigger"`
	StartedAt      time.Time   `json:"started_at"`
	WebhookVersion int         `json:"webhook_version" doc:"The version of the webhook's settings that was used"`
	Outcome        string      `json:"outcome"`
	FailureClass   string      `json:"failure_class"`
	Error          string      `json:"error" doc:"What the network said"`
	RetryAt        *time.Time  `json:"retry_at"`
	RemoteAddress  string      `json:"remote_address"`
	TLSVersion     string      `json:"tls_version" doc:"As in TLS 1.3; empty: no secure connection was made"`
	CertEndsAt     *time.Time  `json:"certificate_ends_at" doc:"When the certificate that the receiver showed ends, also of one that was not trusted; null: it showed none"`
	Request        SentRequest `json:"request"`
	Answer         *Answer     `json:"answer,omitempty" doc:"Absent: none came"`
	Timings        Timings     `json:"timings"`
	Unfilled       []string    `json:"unfilled" nullable:"false" doc:"Tokens that nothing could fill, and that were sent as they stand"`
}

// SentRequest is a request as it went out, secrets masked.
type SentRequest struct {
	Verb    string       `json:"verb"`
	URL     string       `json:"url" doc:"To keys without the scope manage the values of its query are shown as ••••"`
	Headers []HeaderLine `json:"headers" nullable:"false"`
	Content
}

// Answer is what a receiver answered.
type Answer struct {
	Protocol string       `json:"protocol"`
	Status   int          `json:"status"`
	Headers  []HeaderLine `json:"headers" nullable:"false"`
	Content
	Truncated bool `json:"truncated" doc:"The body went on and was not read further"`
}

// HeaderLine is a header line of a request or an answer.
type HeaderLine struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Content is a body.
type Content struct {
	Body     string `json:"body"`
	Encoding string `json:"encoding" enum:"text,base64" doc:"How body is written: base64 where it is no UTF-8 text"`
}

// Timings are how long the parts of an attempt took, in microseconds; 0: there was no such part.
type Timings struct {
	DNS     int64 `json:"dns"`
	Connect int64 `json:"connect"`
	TLS     int64 `json:"tls"`
	Sent    int64 `json:"sent" doc:"Until the request was written; 0 in older attempts"`
	Wait    int64 `json:"wait" doc:"Until the first byte of the answer, sent included"`
	Body    int64 `json:"body"`
	Total   int64 `json:"total"`
	Reused  bool  `json:"reused" doc:"The connection was open already"`
}

// CancelInput says why a delivery is cancelled.
type CancelInput struct {
	Reason string `json:"reason" doc:"For people who look at the delivery later"`
}

// OpenGateInput says why a gate is opened.
type OpenGateInput struct {
	Reason string `json:"reason" doc:"It is kept on the gate and in the audit log"`
}

// LabRow is a lab instance in a list.
type LabRow struct {
	LabHead
	LastEventType string    `json:"last_event_type" doc:"Type of the newest event that was found about it"`
	LastEventAt   time.Time `json:"last_event_at" doc:"When that event was accepted"`
}

// LabHead is what is known of a lab instance, or other subject, as a whole.
type LabHead struct {
	Subject          string          `json:"subject" doc:"Id of the lab instance"`
	State            string          `json:"state" doc:"State of the lab in words, with its number; empty: not known"`
	CompletionStatus string          `json:"completion_status" doc:"In words, with its number; empty: not known"`
	Details          json.RawMessage `json:"details" nullable:"true" doc:"Studio's lab details, from the newest event that has any; null: none has"`
	ClosedGates      int             `json:"closed_gates"`
}

// LabInstance is a lab instance with what happened to it.
type LabInstance struct {
	LabHead
	HeldDeliveries int        `json:"held_deliveries" doc:"Deliveries that wait behind its closed gates"`
	Events         []LabEvent `json:"events" nullable:"false" doc:"In the order in which they were accepted; the newest ones, and those with a closed gate"`
	EarlierEvents  bool       `json:"earlier_events" doc:"There are older ones: GET /api/v1/events?subject="`
}

// LabEvent is an event of a lab instance.
type LabEvent struct {
	Event
	Deliveries []GatedDelivery `json:"deliveries" nullable:"false" doc:"In the order of the webhooks"`
}

// Version says what runs.
type Version struct {
	Version string `json:"version"`
	Schema  int    `json:"schema" doc:"Version of the database schema"`
}
