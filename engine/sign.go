package engine

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// The header names of Standard Webhooks, as net/http writes them, and those of Svix.
var (
	webhookNames = signatureNames{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}
	svixNames    = signatureNames{"Svix-Id", "Svix-Timestamp", "Svix-Signature"}
)

type signatureNames struct{ id, timestamp, signature string }

// signer writes id, timestamp and signatures of one webhook's requests. Its keys are read once.
type signer struct {
	scheme   SigningScheme
	names    []signatureNames
	header   string // of SigningHex
	key, old key
	oldUntil time.Time
}

// newSigner reads the keys. It fails when there is none that fits the scheme: nothing goes out without the signature
// that the receiver is promised.
func newSigner(g *Signing) (signer, error) {
	s := signer{scheme: g.Scheme, names: []signatureNames{webhookNames}, header: http.CanonicalHeaderKey(g.Header)}
	switch g.Names {
	case NamesSvix:
		s.names[0] = svixNames
	case NamesBoth:
		s.names = append(s.names, svixNames)
	}
	if g.Scheme == SigningHex && !httpguts.ValidHeaderFieldName(g.Header) {
		return s, fmt.Errorf("%q is no name for the header of the signature", g.Header)
	}
	var ok bool
	if s.key, ok = parseKey(g.Scheme, g.Secret); !ok {
		return s, fmt.Errorf("the signing secret is none of the scheme %s", g.Scheme)
	}
	if g.OldSecret != "" {
		if s.old, ok = parseKey(g.Scheme, g.OldSecret); !ok {
			return s, fmt.Errorf("the signing secret before is none of the scheme %s", g.Scheme)
		}
		s.oldUntil = g.OldUntil
	}
	return s, nil
}

// sign adds the headers to those of a request that is made at that time.
func (s *signer) sign(h *headerFields, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	rotating := at.Before(s.oldUntil)
	var signature string
	switch s.scheme {
	case SigningV1, SigningV1a:
		signature = s.key.standard(id, timestamp, body)
		if rotating {
			signature += " " + s.old.standard(id, timestamp, body)
		}
	case SigningHex:
		h.set(s.header, s.key.hex(body))
		if rotating {
			h.set(s.header+previousSuffix, s.old.hex(body))
		}
	}
	for _, names := range s.names {
		h.set(names.id, id)
		h.set(names.timestamp, timestamp)
		if signature != "" {
			h.set(names.signature, signature)
		}
	}
}

// standard returns the signature of Standard Webhooks, with its version.
func (k *key) standard(id, timestamp string, body []byte) string {
	if k.private != nil {
		signed := append([]byte(id+"."+timestamp+"."), body...)
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, signed))
	}
	var room [64]byte
	head := append(append(append(append(room[:0], id...), '.'), timestamp...), '.')
	sum := k.hmac(head, body)
	return string(base64.StdEncoding.AppendEncode(append(room[:0], "v1,"...), sum[:]))
}

// hex returns the signature of SigningHex.
func (k *key) hex(body []byte) string {
	sum := k.hmac(nil, body)
	return hex.EncodeToString(sum[:])
}

// SignatureTolerance is how far the timestamp of a signed request may lie from the receiver's clock, as in the
// libraries of Standard Webhooks.
const SignatureTolerance = 5 * time.Minute

// Verify checks a request as a receiver should. secret is what the receiver was given: whsec_…, or for Ed25519 the
// public key whpk_… (the private one does, too). header is the one that carries a hex signature of the body by that
// secret; empty for Standard Webhooks, whose headers are then looked for under the names webhook-* and svix-*. The
// error says in a sentence why the request must not be trusted.
func Verify(secret Secret, header string, h http.Header, body []byte, now time.Time) error {
	if header != "" {
		return verifyHex(secret, header, h, body)
	}
	names := webhookNames
	if h.Get(names.id) == "" {
		names = svixNames
	}
	id, timestamp, signatures := h.Get(names.id), h.Get(names.timestamp), h.Get(names.signature)
	if id == "" || timestamp == "" || signatures == "" {
		return errors.New("the request has no id, timestamp and signature under the names webhook-* or svix-*")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("the timestamp %q is no number of seconds", clip(timestamp, 40))
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > SignatureTolerance {
		return fmt.Errorf("the timestamp is %s off, more than %s", off.Truncate(time.Second), SignatureTolerance)
	}
	check, err := checker(secret)
	if err != nil {
		return err
	}
	signed := append([]byte(id+"."+timestamp+"."), body...)
	for signature := range strings.FieldsSeq(signatures) {
		if check(signature, signed) {
			return nil
		}
	}
	return errors.New("no signature is that of the secret")
}

// checker returns what tells whether one item of a signature header is the secret's.
func checker(secret Secret) (func(signature string, signed []byte) bool, error) {
	text := secret.Reveal()
	if k, ok := parseKey(SigningV1, secret); ok {
		return func(signature string, signed []byte) bool {
			sum := k.hmac(nil, signed)
			return equalSignature(signature, "v1,", sum[:])
		}, nil
	}
	public, ok := decodeSecret(text, prefixPublic)
	if private, isPrivate := decodePrivate(text); isPrivate {
		public, ok = private.Public().(ed25519.PublicKey), true
	}
	if !ok || len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the secret must begin with %s or, for Ed25519, be the public key that begins with %s", prefixHMAC, prefixPublic)
	}
	return func(signature string, signed []byte) bool {
		encoded, ok := strings.CutPrefix(signature, "v1a,")
		plain, err := base64.StdEncoding.DecodeString(encoded)
		return ok && err == nil && ed25519.Verify(public, signed, plain)
	}, nil
}

func equalSignature(signature, version string, sum []byte) bool {
	encoded, ok := strings.CutPrefix(signature, version)
	plain, err := base64.StdEncoding.DecodeString(encoded)
	return ok && err == nil && hmac.Equal(plain, sum)
}

// verifyHex takes the signature by the secret before as well: whoever has not got the new one yet compares that.
func verifyHex(secret Secret, header string, h http.Header, body []byte) error {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(body)
	sum := mac.Sum(nil)
	found := false
	for _, name := range [...]string{header, header + previousSuffix} {
		signature := h.Get(name)
		found = found || signature != ""
		if plain, err := hex.DecodeString(signature); err == nil && hmac.Equal(plain, sum) {
			return nil
		}
	}
	if !found {
		return fmt.Errorf("the request has no header %s", header)
	}
	return errors.New("the signature is not that of the secret")
}
