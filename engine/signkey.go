package engine

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// key is a secret as it is signed with.
type key struct {
	mac     []byte             // of SigningV1 and SigningHex
	macs    *sync.Pool         // of *keyedHash, for mac
	private ed25519.PrivateKey // of SigningV1a
}

// keyedHash makes one HMAC after the other: it keeps the state behind the secret.
type keyedHash struct {
	hash.Hash
	room [sha256.BlockSize]byte // for what would else be allocated, as it goes through an interface
}

// hmac returns the HMAC-SHA256 of head and body.
func (k *key) hmac(head, body []byte) [sha256.Size]byte {
	h := k.macs.Get().(*keyedHash)
	defer k.macs.Put(h)
	h.Reset()
	h.Write(append(h.room[:0], head...))
	h.Write(body)
	return [sha256.Size]byte(h.Sum(h.room[:0]))
}

// parseKey reads a secret of a scheme, of any length; false when it is none.
func parseKey(scheme SigningScheme, secret Secret) (k key, ok bool) {
	text := secret.Reveal()
	switch scheme {
	case SigningV1:
		k.mac, ok = decodeSecret(text, prefixHMAC)
		ok = ok && len(k.mac) > 0
	case SigningV1a:
		k.private, ok = decodePrivate(text)
	case SigningHex:
		k.mac, ok = []byte(text), text != ""
	default:
		ok = true
	}
	mac := k.mac
	k.macs = &sync.Pool{New: func() any { return &keyedHash{Hash: hmac.New(sha256.New, mac)} }}
	return k, ok
}

// secretProblem says what a secret that is to be stored must look like; "" when it does.
func secretProblem(scheme SigningScheme, secret Secret) string {
	const or = "; leave it empty to have one made"
	k, ok := parseKey(scheme, secret)
	switch scheme {
	case SigningV1:
		if !ok || len(k.mac) < MinHMACKey || len(k.mac) > MaxHMACKey {
			return fmt.Sprintf("The secret must be %s and the base64 of %d to %d bytes"+or, prefixHMAC, MinHMACKey, MaxHMACKey)
		}
	case SigningV1a:
		if !ok {
			return "The secret must be " + prefixPrivate + " and the base64 of an Ed25519 private key, 64 bytes or its seed of 32" + or
		}
	case SigningHex:
		unseen := func(c rune) bool { return c <= ' ' || c > '~' }
		if len(k.mac) < MinHexSecret || len(k.mac) > MaxHexSecret || strings.ContainsFunc(secret.Reveal(), unseen) {
			return fmt.Sprintf("The secret must have %d to %d visible ASCII characters"+or, MinHexSecret, MaxHexSecret)
		}
	}
	return ""
}

// decodeSecret reads the base64 behind a prefix.
func decodeSecret(text, prefix string) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok || strings.ContainsAny(encoded, "\r\n") { // which the decoder would pass over
		return nil, false
	}
	// Libraries decode the last bits in different ways unless they are zero, which Strict asks for.
	plain, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return plain, err == nil
}

// decodePrivate reads an Ed25519 private key: the seed, or the seed and the public key that belongs to it.
func decodePrivate(text string) (ed25519.PrivateKey, bool) {
	plain, ok := decodeSecret(text, prefixPrivate)
	if !ok || len(plain) != ed25519.SeedSize && len(plain) != ed25519.PrivateKeySize {
		return nil, false
	}
	private := ed25519.NewKeyFromSeed(plain[:ed25519.SeedSize])
	return private, bytes.HasPrefix(private, plain)
}

// checkSigning adds what breaks a rule about signatures and the Basic user. Old secrets are not entered, and were
// checked when they were new.
func (w *Webhook) checkSigning(bad *InvalidError) {
	g := &w.Signing
	if g.Scheme != "" && !slices.Contains(SigningSchemes, g.Scheme) {
		bad.add("signing.scheme", "Signature must be one of %s, %s, %s and %s", SigningV1, SigningV1a, SigningHex, SigningNone)
	}
	if g.Names != "" && g.Names != NamesWebhook && g.Names != NamesSvix && g.Names != NamesBoth {
		bad.add("signing.names", "Header names must be one of %s, %s and %s", NamesWebhook, NamesSvix, NamesBoth)
	}
	if g.Scheme == SigningHex {
		w.checkSignatureHeader(bad)
	}
	switch {
	case g.Secret == "": // one is made
	case g.Secret == Mask:
		bad.add("signing.secret", "Enter the secret, its dots stand for no stored one; leave it empty to have one made")
	default:
		if problem := secretProblem(g.Scheme, g.Secret); problem != "" {
			bad.add("signing.secret", "%s", problem)
		}
	}
	w.checkBasicAuth(bad)
}

// checkSignatureHeader holds the rules of the header of SigningHex.
func (w *Webhook) checkSignatureHeader(bad *InvalidError) {
	const field = "signing.header"
	name := w.Signing.Header
	switch {
	case name == "":
		bad.add(field, "Name the header that carries the signature, such as X-Signature")
	case len(name) > MaxSignatureHeader:
		bad.add(field, "The header's name may have at most %d characters, this one has %d", MaxSignatureHeader, len(name))
	case !httpguts.ValidHeaderFieldName(name):
		bad.add(field, "%q is not a header name; use letters, digits and hyphens", name)
	case reservedHeader(name), slices.Contains(ownHeaders, strings.ToLower(name)):
		bad.add(field, "%s has another meaning; name a header such as X-Signature", name)
	default:
		for i, h := range w.Headers {
			if strings.EqualFold(h.Name, name) || strings.EqualFold(h.Name, name+previousSuffix) {
				bad.add(field, "Header %d is called %s, which carries a signature; rename one of them", i+1, h.Name)
			}
		}
	}
}

// ownHeaders are headers that a signature cannot take the place of.
var ownHeaders = []string{"authorization", "content-encoding", "content-type", "cookie", "user-agent"}

// checkBasicAuth holds the rules of the Basic user and password. An empty password is one: some services take a key
// for the user.
func (w *Webhook) checkBasicAuth(bad *InvalidError) {
	const field = "basic_auth"
	basic := w.BasicAuth
	if basic == (BasicAuth{}) {
		return
	}
	bad.checkLine(field, "The user", basic.Username, MaxBasicUsername)
	bad.checkLine(field, "The password", basic.Password.Reveal(), MaxBasicPassword)
	if strings.Contains(basic.Username, ":") {
		bad.add(field, "The user must not hold a colon, which parts it from the password")
	}
	if basic.Password == Mask {
		bad.add(field, "Enter the password; its dots stand for no stored one, or for one that was meant for another scheme, host or port")
	}
	for i, h := range w.Headers {
		if strings.EqualFold(h.Name, "Authorization") {
			bad.add(field, "The user and password and header %d, %s, set the same header; remove one of them", i+1, h.Name)
		}
	}
}
