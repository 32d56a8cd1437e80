package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// Limits of an API consumer and its keys, in characters unless said otherwise.
const (
	MaxConsumerName = 100
	MaxExternalID   = 100
	MaxShortText    = 200  // organization, platform, version, contact, key description
	MaxDescription  = 2000 // description of a consumer or a webhook
	MaxKeysPerOwner = 100  // keys that one consumer, or the platform, may have at once
)

// APIConsumer is an external application that webhooks belong to (Skillable Studio: Admin >
// Integration > API Consumers; the field names are Studio's).
type APIConsumer struct {
	ID                       ConsumerID
	Name                     string
	ExternalID               string // the sender's own name for it, unique where set
	Description              string
	DefaultOrganization      string
	ConsumingPlatform        string
	ConsumingPlatformVersion string
	TechnicalContact         string
	Enabled                  bool
	Expires                  time.Time // zero: never
	// OneSendPerURL: of several webhooks with the same URL that an event concerns, only the first in order is sent
	// (Skilljar's rule).
	OneSendPerURL        bool
	CreatedAt, UpdatedAt time.Time
	CreatedBy, UpdatedBy string    // who, in words
	DeletedAt            time.Time // zero: not deleted; a deleted consumer stays readable for its deliveries and events
}

// Validate returns an InvalidError that names every field that breaks a rule.
func (c *APIConsumer) Validate() error {
	var bad InvalidError
	if strings.TrimSpace(c.Name) == "" {
		bad.add("name", "Enter a name")
	}
	bad.checkLine("name", "Name", c.Name, MaxConsumerName)
	if c.ExternalID != "" && !isToken(c.ExternalID) {
		bad.add("external_id", "External ID may hold letters, digits and . _ - : only")
	}
	if strings.HasPrefix(c.ExternalID, consumerKind{}.prefix()) {
		bad.add("external_id", "External ID must not start with %s, which marks Labhook's own ids", consumerKind{}.prefix())
	}
	bad.checkLine("external_id", "External ID", c.ExternalID, MaxExternalID)
	bad.checkText("description", "Description", c.Description, MaxDescription)
	bad.checkLine("default_organization", "Default Organization", c.DefaultOrganization, MaxShortText)
	bad.checkLine("consuming_platform", "Consuming Platform", c.ConsumingPlatform, MaxShortText)
	bad.checkLine("consuming_platform_version", "Consuming Platform Version", c.ConsumingPlatformVersion, MaxShortText)
	bad.checkLine("technical_contact", "Technical contact", c.TechnicalContact, MaxShortText)
	return bad.orNil()
}

// ConsumerState is what a list shows of a consumer.
type ConsumerState string

// The states of a consumer.
const (
	ConsumerActive   ConsumerState = "active"
	ConsumerExpired  ConsumerState = "expired"
	ConsumerDisabled ConsumerState = "disabled"
	ConsumerDeleted  ConsumerState = "deleted"
)

// State tells whether the consumer's webhooks are sent at the time now.
func (c *APIConsumer) State(now time.Time) ConsumerState {
	switch {
	case !c.DeletedAt.IsZero():
		return ConsumerDeleted
	case !c.Enabled:
		return ConsumerDisabled
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return ConsumerExpired
	}
	return ConsumerActive
}

// Closed says why the keys of the consumer open nothing at the time now, in words for a person; "" when they do.
func (c *APIConsumer) Closed(now time.Time) string {
	switch c.State(now) {
	case ConsumerDisabled:
		return "The API consumer is disabled"
	case ConsumerExpired:
		return "API access has expired"
	}
	return ""
}

// Scope is what an API key may do. Each includes the ones before it.
type Scope string

// The scopes. A key of a consumer has them for that consumer only, a platform key for all.
const (
	ScopeRead   Scope = "read"   // read configuration, events and deliveries
	ScopeSend   Scope = "send"   // post events, and read
	ScopeManage Scope = "manage" // change consumers and webhooks, post events, and read
)

// Allows reports whether a key of scope s may do what needs the scope need.
func (s Scope) Allows(need Scope) bool {
	return s == need || s == ScopeManage || need == ScopeRead && s == ScopeSend
}

// APIKey is a key of the REST API. The key itself is shown once and never stored, only its hash.
type APIKey struct {
	ID          KeyID
	ConsumerID  ConsumerID // zero: a platform key
	Description string
	Scope       Scope
	Prefix      string // the first characters of the key, to recognise it by
	Enabled     bool   // false once revoked
	Expires     time.Time
	CreatedAt   time.Time
	CreatedBy   string
	LastUsedAt  time.Time // to about a minute; zero: never
	LastUsedIP  string
}

// Validate returns an InvalidError that names every field that breaks a rule.
func (k *APIKey) Validate() error {
	var bad InvalidError
	if strings.TrimSpace(k.Description) == "" {
		bad.add("description", "Enter a description that tells who uses the key")
	}
	bad.checkLine("description", "Description", k.Description, MaxShortText)
	if k.Scope != ScopeRead && k.Scope != ScopeSend && k.Scope != ScopeManage {
		bad.add("scope", "Scope must be one of %s, %s and %s", ScopeRead, ScopeSend, ScopeManage)
	}
	return bad.orNil()
}

// ValidateNew is Validate for a key that is to be made now: one that has expired already would open nothing.
func (k *APIKey) ValidateNew(now time.Time) error {
	err := k.Validate()
	if k.Expires.IsZero() || now.Before(k.Expires) {
		return err
	}
	bad, _ := errors.AsType[InvalidError](err)
	bad.add("expires", "This time has passed already; choose a later one, or none for a key that does not expire")
	return bad
}

// Usable reports whether the key opens anything at the time now.
func (k *APIKey) Usable(now time.Time) bool {
	return k.Enabled && (k.Expires.IsZero() || now.Before(k.Expires))
}

// keyPrefix starts every API key, so that secret scanners can recognise one.
const keyPrefix = "lhk_"

// shownOfKey is how many characters of a key are kept to recognise it by.
const shownOfKey = len(keyPrefix) + 6

// NewKey returns a new key of more than 128 random bits, and the characters that may be shown.
func NewKey() (key Secret, prefix string) {
	text := keyPrefix + strings.ToLower(rand.Text())
	return Secret(text), text[:shownOfKey]
}

// HashKey returns what is stored of a key: its SHA-256 in hex. A key is random, so it needs no salt.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

// isToken reports whether s consists of letters, digits and . _ - : only.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-:", c) >= 0) {
			return false
		}
	}
	return s != ""
}
