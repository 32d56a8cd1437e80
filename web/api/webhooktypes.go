package api

import (
	"encoding/json"
	"errors"
	"time"
)

// RetryPolicy is the name of a preset or, in its place, the rules of a policy of the webhook's own.
type RetryPolicy struct {
	Preset string
	Own    *OwnPolicy // nil: Preset counts
}

// OwnPolicy is the rules of a webhook's own retry policy.
type OwnPolicy struct {
	Waits           []int  `json:"waits" nullable:"false" doc:"Seconds before retry 1, 2, …; the last one repeats"`
	Success         string `json:"success" doc:"Statuses that count as delivered: 200-299, 304"`
	On4xx           string `json:"on_4xx" doc:"What an answer from 400 to 499 does"`
	GoneDeactivates bool   `json:"gone_deactivates" doc:"410 deactivates the webhook, whatever on_4xx says"`
	OnExhausted     string `json:"on_exhausted" doc:"What happens beside the error action when the last retry has failed"`
}

// MarshalJSON writes the name or the rules.
func (p RetryPolicy) MarshalJSON() ([]byte, error) {
	if p.Own != nil {
		return json.Marshal(p.Own)
	}
	return json.Marshal(p.Preset)
}

// UnmarshalJSON reads what MarshalJSON writes. Rules that are absent are those that a custom policy begins with. The error
// is an engine.InvalidError, or says that it is neither name nor rules.
func (p *RetryPolicy) UnmarshalJSON(raw []byte) error {
	*p = RetryPolicy{}
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, &p.Preset)
	case '{':
		p.Own = newOwnPolicy()
		return decode(raw, p.Own)
	}
	return errors.New("neither a name nor an object")
}

// BasicAuth is a user and password that are sent with every request of a webhook.
type BasicAuth struct {
	Username string `json:"username"`
	Password string `json:"password" doc:"Answered as ••••; ••••, sent back, keeps the stored one"`
}

// Signing is how the requests of a webhook are signed.
type Signing struct {
	Scheme    string     `json:"scheme" doc:"v1 and v1a: Standard Webhooks with HMAC-SHA256 or Ed25519; hex: HMAC-SHA256 of the body, in hex"`
	Names     string     `json:"names" doc:"Headers of v1 and v1a: webhook-id and so on, svix-id and so on, or both"`
	Header    string     `json:"header" doc:"Header that carries the signature of hex"`
	Secret    string     `json:"secret" doc:"Absent: one is made, or the stored one kept. In full in the answer that creates the webhook, elsewhere ••••; ••••, sent back, keeps the stored one"`
	PublicKey string     `json:"public_key" readOnly:"true" doc:"With which receivers check v1a; else empty"`
	OldUntil  *time.Time `json:"old_until" readOnly:"true" doc:"Until then the secret before the rotation signs, too; null: no rotation is under way"`
}

// ClientCert is the certificate with which a webhook's requests identify Labhook.
type ClientCert struct {
	Certificate string `json:"certificate" doc:"PEM, the leaf first"`
	Key         string `json:"key" doc:"PEM; answered as ••••; ••••, sent back, keeps the stored one"`
}

// RotateInput says how a webhook's signing secret is replaced.
type RotateInput struct {
	Secret string `json:"secret" doc:"The next secret; absent: one is made"`
	Grace  int    `json:"grace" doc:"Seconds for which the secret before signs, too"`
}

// RevealedSecret is a webhook's signing secret.
type RevealedSecret struct {
	Secret    string `json:"secret"`
	PublicKey string `json:"public_key" doc:"With which receivers check v1a; else empty"`
}

// RecoverInput says what is to be sent again.
type RecoverInput struct {
	Since     *time.Time `json:"since" nullable:"false" doc:"Deliveries of events that were accepted from then on"`
	CountOnly bool       `json:"count_only" doc:"Count them, and send nothing"`
}

// Recoverable is what of a webhook failed or was cancelled, and is or would be sent again.
type Recoverable struct {
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`
	Deliveries int       `json:"deliveries" doc:"How many they are"`
	More       bool      `json:"more" doc:"They are more than were counted"`
	Recovery   *Recovery `json:"recovery" doc:"What sends them; null: they were counted only"`
}

// Recovery is one sending again of what a webhook missed.
type Recovery struct {
	Since      time.Time  `json:"since"`
	Sent       int        `json:"sent" doc:"Deliveries that it has made due so far"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	FinishedAt *time.Time `json:"finished_at" doc:"null: it goes on"`
	Stopped    string     `json:"stopped" doc:"Why it ended before all were sent; empty: it did not"`
}
