package engine

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// SigningScheme is how the requests of a webhook are signed.
type SigningScheme string

// The signing schemes.
const (
	SigningNone SigningScheme = "none"
	SigningV1   SigningScheme = "v1"  // Standard Webhooks, HMAC-SHA256; whsec_ secrets
	SigningV1a  SigningScheme = "v1a" // Standard Webhooks, Ed25519; whsk_ secrets, whpk_ public keys
	SigningHex  SigningScheme = "hex" // hex HMAC-SHA256 of the body in a header of the user's naming
)

// SigningSchemes lists them in the order of the form.
var SigningSchemes = []SigningScheme{SigningV1, SigningV1a, SigningHex, SigningNone}

// SigningNames says under which names id, timestamp and signature are sent.
type SigningNames string

// The names.
const (
	NamesWebhook SigningNames = "webhook" // webhook-id, webhook-timestamp, webhook-signature
	NamesSvix    SigningNames = "svix"    // svix-id, svix-timestamp, svix-signature
	NamesBoth    SigningNames = "both"
)

// Limits of signing.
const (
	// MaxRotationGrace is how long the secret before may go on signing after a rotation.
	MaxRotationGrace = 7 * 24 * time.Hour
	// DefaultRotationGrace is what a rotation suggests.
	DefaultRotationGrace = 24 * time.Hour

	MinHMACKey          = 24  // bytes of a whsec_ secret
	MaxHMACKey          = 64  // bytes
	MinHexSecret        = 16  // characters of a secret of SigningHex
	MaxHexSecret        = 256 // characters
	MaxSignatureHeader  = 100 // characters of the header's name
	MaxBasicUsername    = 200 // characters
	MaxBasicPassword    = 500 // characters
	generatedSecretSize = 32  // random bytes of a secret that Labhook makes
)

// How the secrets of Standard Webhooks begin.
const (
	prefixHMAC    = "whsec_"
	prefixPrivate = "whsk_"
	prefixPublic  = "whpk_"
)

// previousSuffix follows the name of the header of SigningHex that carries the signature by the secret before.
const previousSuffix = "-Previous"

// Signing is how a webhook's requests are signed.
type Signing struct {
	Scheme SigningScheme
	Names  SigningNames // of id, timestamp and the signatures of SigningV1 and SigningV1a; empty: NamesWebhook
	Header string       // of SigningHex
	Secret Secret       // empty on a new webhook: one is made when it is stored
	// OldSecret signs beside Secret until OldUntil, while a rotation is under way; else empty. SigningV1 and SigningV1a
	// put both signatures into one header. A header of SigningHex holds one value: the old signature goes under the same
	// name with -Previous behind it.
	OldSecret Secret
	OldUntil  time.Time
}

// BasicAuth is a user and password that are sent with every request, encoded. Both empty: none are.
type BasicAuth struct {
	Username string
	Password Secret
}

// ClientCert is the certificate with which a webhook's requests identify this host. Both empty: none.
type ClientCert struct {
	Certificate string // PEM, the leaf first
	Key         Secret // PEM
}

// DeactivateReason says why a webhook is switched off.
type DeactivateReason string

// Why webhooks are deactivated. The first two are Skilljar's words.
const (
	DeactivatedBy4xx      DeactivateReason = "HTTP_4XX_RESPONSE" // its policy does so at a 4xx
	DeactivatedByRetries  DeactivateReason = "RETRY_COUNT"       // its policy does so when the last retry failed
	DeactivatedByGone     DeactivateReason = "GONE"              // the receiver answered 410
	DeactivatedByReceiver DeactivateReason = "RECEIVER_REQUEST"  // the receiver answered webhook-delivery: disable
	DeactivatedByFailing  DeactivateReason = "FAILING"           // nothing got through for as long as the site allows
	DeactivatedByHand     DeactivateReason = "BY_HAND"
)

// Fill makes a secret where the scheme needs one and none is given, and takes away what SigningNone has no use for.
func (g *Signing) Fill() {
	switch {
	case g.Scheme == SigningNone || g.Scheme == "":
		g.Secret, g.OldSecret, g.OldUntil = "", "", time.Time{}
	case g.Secret == "":
		g.Secret = newSecret(g.Scheme)
		g.OldSecret, g.OldUntil = "", time.Time{}
	}
}

// newSecret makes a secret that fits a scheme.
func newSecret(scheme SigningScheme) Secret {
	random := make([]byte, generatedSecretSize)
	rand.Read(random) // never fails
	switch scheme {
	case SigningV1a:
		return Secret(prefixPrivate + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(random)))
	case SigningHex:
		return Secret(hex.EncodeToString(random))
	}
	return Secret(prefixHMAC + base64.StdEncoding.EncodeToString(random))
}

// Rotate returns the signing in which next, or a new secret when next is empty, takes the place of the secret, which
// signs on for the grace period: 0 to MaxRotationGrace. Only two secrets sign at a time: a rotation within the grace
// period of another ends that. The error is an InvalidError on "secret" or "grace".
func (g Signing) Rotate(next Secret, grace time.Duration, now time.Time) (Signing, error) {
	var bad InvalidError
	switch {
	case g.Secret == "":
		bad.add("secret", "The webhook does not sign its requests; choose a signature first")
	case next == "":
		next = newSecret(g.Scheme)
	case next == g.Secret:
		bad.add("secret", "This is the secret in use; enter another one, or none to have one made")
	default:
		if problem := secretProblem(g.Scheme, next); problem != "" {
			bad.add("secret", "%s", problem)
		}
	}
	if grace < 0 || grace > MaxRotationGrace {
		bad.add("grace", "The grace period must be from 0 to 7 days, in seconds up to %d", MaxRotationGrace/time.Second)
	}
	if len(bad) > 0 {
		return g, bad
	}
	g.Secret, g.OldSecret, g.OldUntil = next, g.Secret, now.Add(grace).Truncate(time.Millisecond)
	if grace == 0 {
		g.OldSecret, g.OldUntil = "", time.Time{}
	}
	return g, nil
}

// PublicKey returns the key with which receivers check the signatures of SigningV1a, whpk_ and base64; "" for other
// schemes.
func (g *Signing) PublicKey() string {
	if g.Scheme != SigningV1a {
		return ""
	}
	key, ok := parseKey(g.Scheme, g.Secret)
	if !ok {
		return ""
	}
	return prefixPublic + base64.StdEncoding.EncodeToString(key.private.Public().(ed25519.PublicKey))
}
