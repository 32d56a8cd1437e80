package engine_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"labhook/engine"
)

// The vectors of Standard Webhooks and of Svix's documents.
var vectors = []struct {
	name, id  string
	at        int64
	body      string
	signing   engine.Signing
	public    string
	signature string
}{
	{
		"Standard Webhooks v1", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, `{"test": 2432232314}`,
		engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		"",
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	},
	{
		"Svix v1", "msg_loFOjxBNrRLzqYUf", 1731705121, `{"event_type":"ping","data":{"success":true}}`,
		engine.Signing{Scheme: engine.SigningV1, Secret: "whsec_plJ3nmyCDGBKInavdOK15jsl"},
		"",
		"v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
	},
	{
		"Standard Webhooks v1a", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, `{"test": 2432232314}`,
		engine.Signing{Scheme: engine.SigningV1a, Secret: "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="},
		"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
		"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
	},
}

// signed returns the headers that sign a request.
func signed(g engine.Signing, id string, at time.Time, body []byte) (http.Header, error) {
	h := http.Header{}
	sign, err := engine.Signer(g)
	if err == nil {
		sign(h, id, at, body)
	}
	return h, err
}

func TestSignVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		at := time.Unix(v.at, 0)
		h, err := signed(v.signing, v.id, at, []byte(v.body))
		if err != nil {
			t.Fatal(err)
		}
		want := http.Header{"Webhook-Id": {v.id}, "Webhook-Timestamp": {strconv.FormatInt(v.at, 10)}, "Webhook-Signature": {v.signature}}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.name, diff)
		}
		if got := v.signing.PublicKey(); got != v.public {
			t.Errorf("%s: public key %q, want %q", v.name, got, v.public)
		}
		secrets := []engine.Secret{v.signing.Secret}
		if v.public != "" {
			secrets = append(secrets, engine.Secret(v.public), seedOf(v.signing.Secret))
		}
		for _, secret := range secrets {
			if err := engine.Verify(secret, "", h, []byte(v.body), at); err != nil {
				t.Errorf("%s: checked with %.6s…: %v", v.name, secret.Reveal(), err)
			}
		}
	}
}

// seedOf returns the short form of a private key.
func seedOf(private engine.Secret) engine.Secret {
	plain, err := base64.StdEncoding.DecodeString(private.Reveal()[len("whsk_"):])
	if err != nil {
		panic(err)
	}
	return engine.Secret("whsk_" + base64.StdEncoding.EncodeToString(plain[:ed25519.SeedSize]))
}

func TestSeedSignsAsItsKey(t *testing.T) {
	t.Parallel()
	v := vectors[2]
	v.signing.Secret = seedOf(v.signing.Secret)
	h, err := signed(v.signing, v.id, time.Unix(v.at, 0), []byte(v.body))
	if got := h.Get("Webhook-Signature"); err != nil || got != v.signature {
		t.Errorf("%q, %v", got, err)
	}
	if got := v.signing.PublicKey(); got != v.public {
		t.Errorf("public key %q", got)
	}
}

func TestSignHeaders(t *testing.T) {
	t.Parallel()
	const body = `{"test": 2432232314}`
	now := time.Unix(1614265330, 0)
	v1, old := vectors[0].signing.Secret, vectors[1].signing.Secret
	const plain, plainOld = "secret-0123456789", "another-0123456789"
	const of1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	sum := func(secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	signedByOld, err := signed(engine.Signing{Scheme: engine.SigningV1, Secret: old}, vectors[0].id, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	both := of1 + " " + signedByOld.Get("Webhook-Signature")
	id, at := vectors[0].id, "1614265330"
	for name, tt := range map[string]struct {
		signing engine.Signing
		want    http.Header
	}{
		"none":          {engine.Signing{Scheme: engine.SigningNone}, http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}}},
		"never set":     {engine.Signing{}, http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}}},
		"none for svix": {engine.Signing{Scheme: engine.SigningNone, Names: engine.NamesSvix}, http.Header{"Svix-Id": {id}, "Svix-Timestamp": {at}}},
		"svix": {
			engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesSvix, Secret: v1},
			http.Header{"Svix-Id": {id}, "Svix-Timestamp": {at}, "Svix-Signature": {of1}},
		},
		"both names": {
			engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesBoth, Secret: v1},
			http.Header{
				"Svix-Id": {id}, "Svix-Timestamp": {at}, "Svix-Signature": {of1},
				"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {of1},
			},
		},
		"rotation": {
			engine.Signing{Scheme: engine.SigningV1, Secret: v1, OldSecret: old, OldUntil: now.Add(time.Millisecond)},
			http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {both}},
		},
		"rotation that is over": {
			engine.Signing{Scheme: engine.SigningV1, Secret: v1, OldSecret: old, OldUntil: now},
			http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {of1}},
		},
		"a time without a secret": {
			engine.Signing{Scheme: engine.SigningV1, Secret: v1, OldUntil: now.Add(time.Hour)},
			http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {of1}},
		},
		"hex": {
			engine.Signing{Scheme: engine.SigningHex, Header: "x-TI-signature", Secret: plain},
			http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "X-Ti-Signature": {sum(plain)}},
		},
		"hex in rotation": {
			engine.Signing{Scheme: engine.SigningHex, Header: "X-Sig", Secret: plain, OldSecret: plainOld, OldUntil: now.Add(time.Hour)},
			http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "X-Sig": {sum(plain)}, "X-Sig-Previous": {sum(plainOld)}},
		},
	} {
		got, err := signed(tt.signing, id, now, []byte(body))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for name, g := range map[string]engine.Signing{
		"no secret":        {Scheme: engine.SigningV1},
		"damaged secret":   {Scheme: engine.SigningV1a, Secret: "whsk_AAAA"},
		"damaged old one":  {Scheme: engine.SigningV1, Secret: v1, OldSecret: "whsec_", OldUntil: now.Add(time.Hour)},
		"header no header": {Scheme: engine.SigningHex, Header: "a b", Secret: plain},
		"no header":        {Scheme: engine.SigningHex, Secret: plain},
	} {
		if h, err := signed(g, id, now, []byte(body)); err == nil || len(h) > 0 {
			t.Errorf("%s: signed with %v", name, h)
		}
	}
}

// TestStandardSignatures holds any signature against the official library, and any other request with it.
func TestStandardSignatures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := func(label string) engine.Secret {
			raw := rapid.SliceOfN(rapid.Byte(), engine.MinHMACKey, engine.MaxHMACKey).Draw(t, label)
			return engine.Secret("whsec_" + base64.StdEncoding.EncodeToString(raw))
		}
		now := time.Now()
		g := engine.Signing{Scheme: engine.SigningV1, Secret: drawn("secret"), OldSecret: drawn("old"), OldUntil: now.Add(time.Hour)}
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		id := engine.NewID[engine.DeliveryID]().String()
		h, err := signed(g, id, now, body)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []engine.Secret{g.Secret, g.OldSecret} {
			library, err := standardwebhooks.NewWebhook(secret.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if err := library.Verify(body, h); err != nil {
				t.Fatalf("the library: %v", err)
			}
			if err := engine.Verify(secret, "", h, body, now); err != nil {
				t.Fatal(err)
			}
			for what, other := range tampered(h, body) {
				if library.Verify(other.body, other.header) == nil {
					t.Fatalf("the library takes another %s", what)
				}
				if engine.Verify(secret, "", other.header, other.body, now) == nil {
					t.Fatalf("another %s passes", what)
				}
			}
		}
	})
}

type request struct {
	header http.Header
	body   []byte
}

// tampered returns a signed request with one thing about it changed.
func tampered(h http.Header, body []byte) map[string]request {
	with := func(name string, change func(string) string) http.Header {
		other := h.Clone()
		for _, prefix := range []string{"Webhook-", "Svix-"} {
			if value := h.Get(prefix + name); value != "" {
				other.Set(prefix+name, change(value))
			}
		}
		return other
	}
	other := append([]byte{}, body...)
	if len(other) > 0 {
		other[len(other)/2] ^= 1
	} else {
		other = []byte{'x'}
	}
	return map[string]request{
		"byte of the body": {h, other},
		"longer body":      {h, append(append([]byte{}, body...), ' ')},
		"id":               {with("Id", func(id string) string { return id[:len(id)-1] + "_" }), body},
		"time": {with("Timestamp", func(at string) string {
			n, _ := strconv.ParseInt(at, 10, 64)
			return strconv.FormatInt(n-1, 10)
		}), body},
		"signature":       {with("Signature", func(s string) string { return strings.ReplaceAll(s, ",", ",A") }), body},
		"version":         {with("Signature", func(s string) string { return strings.ReplaceAll(s, "v1", "v2") }), body},
		"empty signature": {with("Signature", func(string) string { return "v1, v1a," }), body},
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	v := vectors[2]
	at := time.Unix(v.at, 0)
	h, err := signed(v.signing, v.id, at, []byte(v.body))
	if err != nil {
		t.Fatal(err)
	}
	for what, other := range tampered(h, []byte(v.body)) {
		if engine.Verify(engine.Secret(v.public), "", other.header, other.body, at) == nil {
			t.Errorf("v1a: another %s passes", what)
		}
	}
	for what, check := range map[string]func() error{
		"too old": func() error {
			return engine.Verify(v.signing.Secret, "", h, []byte(v.body), at.Add(engine.SignatureTolerance+time.Second))
		},
		"too new": func() error {
			return engine.Verify(v.signing.Secret, "", h, []byte(v.body), at.Add(-engine.SignatureTolerance-time.Second))
		},
		"other secret":  func() error { return engine.Verify(vectors[0].signing.Secret, "", h, []byte(v.body), at) },
		"no secret":     func() error { return engine.Verify("", "", h, []byte(v.body), at) },
		"short public":  func() error { return engine.Verify("whpk_AAAA", "", h, []byte(v.body), at) },
		"bad whsec":     func() error { return engine.Verify("whsec_AAA", "", h, []byte(v.body), at) },
		"no headers":    func() error { return engine.Verify(v.signing.Secret, "", http.Header{}, []byte(v.body), at) },
		"no hex header": func() error { return engine.Verify("0123456789abcdef", "X-Sig", h, []byte(v.body), at) },
		"time in words": func() error {
			other := h.Clone()
			other.Set("Webhook-Timestamp", "now")
			return engine.Verify(v.signing.Secret, "", other, []byte(v.body), at)
		},
	} {
		if check() == nil {
			t.Errorf("%s: passes", what)
		}
	}
	hexed := engine.Signing{Scheme: engine.SigningHex, Header: "X-Sig", Secret: "0123456789abcdef", OldSecret: "fedcba9876543210", OldUntil: at.Add(time.Hour)}
	if h, err = signed(hexed, v.id, at, []byte(v.body)); err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[engine.Secret]bool{hexed.Secret: true, hexed.OldSecret: true, "0123456789abcdeg": false} {
		if got := engine.Verify(secret, "X-Sig", h, []byte(v.body), at.AddDate(1, 0, 0)) == nil; got != want {
			t.Errorf("hex with %s: %t", secret.Reveal(), got)
		}
		if engine.Verify(secret, "X-Sig", h, []byte(v.body+" "), at) == nil {
			t.Errorf("hex with %s: another body passes", secret.Reveal())
		}
	}
}
