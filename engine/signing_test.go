package engine_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

func TestWebhookSigningIsChecked(t *testing.T) {
	t.Parallel()
	secret := func(scheme engine.SigningScheme, text string) func(*engine.Webhook) {
		return func(w *engine.Webhook) {
			w.Signing = engine.Signing{Scheme: scheme, Header: "X-Sig", Secret: engine.Secret(text)}
		}
	}
	encoded := func(prefix string, n int) string {
		return prefix + base64.StdEncoding.EncodeToString(make([]byte, n))
	}
	basic := func(user, password string, headers ...engine.Header) func(*engine.Webhook) {
		return func(w *engine.Webhook) {
			w.BasicAuth, w.Headers = engine.BasicAuth{Username: user, Password: engine.Secret(password)}, headers
		}
	}
	header := func(name string, headers ...engine.Header) func(*engine.Webhook) {
		return func(w *engine.Webhook) {
			w.Signing, w.Headers = engine.Signing{Scheme: engine.SigningHex, Header: name}, headers
		}
	}
	const (
		v1  = "signing.secret: The secret must be whsec_ and the base64 of 24 to 64 bytes; leave it empty to have one made"
		v1a = "signing.secret: The secret must be whsk_ and the base64 of an Ed25519 private key, 64 bytes or its seed of 32; leave it empty to have one made"
		hex = "signing.secret: The secret must have 16 to 256 visible ASCII characters; leave it empty to have one made"
	)
	for name, tt := range map[string]struct {
		change func(*engine.Webhook)
		want   []string
	}{
		"as it begins":           {func(*engine.Webhook) {}, nil},
		"shortest":               {secret(engine.SigningV1, encoded("whsec_", 24)), nil},
		"longest":                {secret(engine.SigningV1, encoded("whsec_", 64)), nil},
		"too short":              {secret(engine.SigningV1, encoded("whsec_", 23)), []string{v1}},
		"too long":               {secret(engine.SigningV1, encoded("whsec_", 65)), []string{v1}},
		"no prefix":              {secret(engine.SigningV1, encoded("", 32)), []string{v1}},
		"no base64":              {secret(engine.SigningV1, "whsec_correct horse battery staple"), []string{v1}},
		"no padding":             {secret(engine.SigningV1, strings.TrimRight(encoded("whsec_", 32), "=")), []string{v1}},
		"bits left over":         {secret(engine.SigningV1, strings.Replace(encoded("whsec_", 32), "A=", "B=", 1)), []string{v1}},
		"line break":             {secret(engine.SigningV1, encoded("whsec_", 32)+"\n"), []string{v1}},
		"dots":                   {secret(engine.SigningV1, engine.Mask), []string{"signing.secret: Enter the secret, its dots stand for no stored one; leave it empty to have one made"}},
		"key of another scheme":  {secret(engine.SigningV1a, encoded("whsec_", 32)), []string{v1a}},
		"seed":                   {secret(engine.SigningV1a, encoded("whsk_", 32)), nil},
		"half a key":             {secret(engine.SigningV1a, encoded("whsk_", 48)), []string{v1a}},
		"key with other public":  {secret(engine.SigningV1a, encoded("whsk_", 64)), []string{v1a}},
		"private key":            {secret(engine.SigningV1a, vectors[2].signing.Secret.Reveal()), nil},
		"text":                   {secret(engine.SigningHex, strings.Repeat("~", 16)), nil},
		"long text":              {secret(engine.SigningHex, strings.Repeat("!", 256)), nil},
		"short text":             {secret(engine.SigningHex, strings.Repeat("x", 15)), []string{hex}},
		"too long text":          {secret(engine.SigningHex, strings.Repeat("x", 257)), []string{hex}},
		"text with a space":      {secret(engine.SigningHex, "0123456789 abcdef"), []string{hex}},
		"other scheme":           {secret("v2", ""), []string{"signing.scheme: Signature must be one of v1, v1a, hex and none"}},
		"other names":            {func(w *engine.Webhook) { w.Signing.Names = "hub" }, []string{"signing.names: Header names must be one of webhook, svix and both"}},
		"header":                 {header("X-TI-Signature"), nil},
		"no header":              {header(""), []string{"signing.header: Name the header that carries the signature, such as X-Signature"}},
		"no header name":         {header("X Sig"), []string{`signing.header: "X Sig" is not a header name; use letters, digits and hyphens`}},
		"long header":            {header(strings.Repeat("X", 101)), []string{"signing.header: The header's name may have at most 100 characters, this one has 101"}},
		"reserved header":        {header("Webhook-Signature"), []string{"signing.header: Webhook-Signature has another meaning; name a header such as X-Signature"}},
		"our header":             {header("Labhook-Signature"), []string{"signing.header: Labhook-Signature has another meaning; name a header such as X-Signature"}},
		"header of the body":     {header("content-type"), []string{"signing.header: content-type has another meaning; name a header such as X-Signature"}},
		"header twice":           {header("X-Sig", engine.Header{Name: "x-sig"}), []string{"signing.header: Header 1 is called x-sig, which carries a signature; rename one of them"}},
		"header of the rotation": {header("X-Sig", engine.Header{Name: "X-Lab"}, engine.Header{Name: "X-Sig-Previous"}), []string{"signing.header: Header 2 is called X-Sig-Previous, which carries a signature; rename one of them"}},
		"user and password":      {basic("lms", "p:ss wörd"), nil},
		"key for the user":       {basic("sk_live_1", ""), nil},
		"password alone":         {basic("", "secret"), nil},
		"colon":                  {basic("a:b", "c"), []string{"basic_auth: The user must not hold a colon, which parts it from the password"}},
		"two lines":              {basic("a\nb", "c"), []string{"basic_auth: The user must be one line without tabs"}},
		"password with NUL":      {basic("a", "c\x00"), []string{"basic_auth: The password must not contain control characters"}},
		"long user":              {basic(strings.Repeat("é", 201), ""), []string{"basic_auth: The user may have at most 200 characters, this one has 201"}},
		"dots of the password":   {basic("a", engine.Mask), []string{"basic_auth: Enter the password; its dots stand for no stored one, or for one that was meant for another scheme, host or port"}},
		"both": {
			basic("a", "b", engine.Header{Name: "X-Lab"}, engine.Header{Name: "authorization", Value: "Bearer x", Sensitive: true}),
			[]string{"basic_auth: The user and password and header 2, authorization, set the same header; remove one of them"},
		},
	} {
		w := enginetest.Webhook(tt.change)
		if diff := cmp.Diff(tt.want, problems(t, w.Validate(engine.BuiltIn))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSecretsAreMade(t *testing.T) {
	t.Parallel()
	seen := map[engine.Secret]bool{}
	for _, scheme := range engine.SigningSchemes {
		for range 3 {
			g := engine.Signing{Scheme: scheme, Header: "X-Sig"}
			g.Fill()
			if (g.Secret == "") != (scheme == engine.SigningNone) || seen[g.Secret] && g.Secret != "" {
				t.Errorf("%s: made %q", scheme, g.Secret.Reveal())
			}
			seen[g.Secret] = true
			w := enginetest.Webhook(func(w *engine.Webhook) { w.Signing = g })
			if err := w.Validate(engine.BuiltIn); err != nil {
				t.Errorf("%s: %v", scheme, err)
			}
			if (g.PublicKey() != "") != (scheme == engine.SigningV1a) {
				t.Errorf("%s: public key %q", scheme, g.PublicKey())
			}
			before := g
			if g.Fill(); g != before {
				t.Errorf("%s: a secret was made in the place of another", scheme)
			}
		}
	}
	none := engine.Signing{Scheme: engine.SigningNone, Secret: "left over", OldSecret: "older", OldUntil: time.Now()}
	if none.Fill(); none != (engine.Signing{Scheme: engine.SigningNone}) {
		t.Error("secrets without a use were kept")
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 8, 0, 0, 123456789, time.UTC)
	until := time.Date(2026, 11, 2, 8, 0, 0, 123000000, time.UTC)
	first, second := vectors[0].signing.Secret, engine.Secret("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 24)))
	g := engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesBoth, Secret: first}
	got, err := g.Rotate(second, engine.DefaultRotationGrace, now)
	want := engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesBoth, Secret: second, OldSecret: first, OldUntil: until}
	if err != nil || got != want {
		t.Errorf("to a given secret: %v, until %s", err, got.OldUntil)
	}
	again, err := got.Rotate("", engine.MaxRotationGrace, now)
	if err != nil || again.OldSecret != second || again.Secret == first || again.Secret == second {
		t.Errorf("once more: %v", err)
	}
	hard, err := got.Rotate("", 0, now)
	if err != nil || hard.OldSecret != "" || !hard.OldUntil.IsZero() {
		t.Errorf("without grace: %v, %+v", err, hard)
	}
	for name, tt := range map[string]struct {
		from  engine.Signing
		next  engine.Secret
		grace time.Duration
		want  []string
	}{
		"same":         {g, first, 0, []string{"secret: This is the secret in use; enter another one, or none to have one made"}},
		"other scheme": {g, "free text that is long enough", 0, []string{"secret: The secret must be whsec_ and the base64 of 24 to 64 bytes; leave it empty to have one made"}},
		"dots":         {engine.Signing{Scheme: engine.SigningHex, Secret: "0123456789abcdef"}, engine.Mask, 0, []string{"secret: The secret must have 16 to 256 visible ASCII characters; leave it empty to have one made"}},
		"unsigned":     {engine.Signing{Scheme: engine.SigningNone}, "", 0, []string{"secret: The webhook does not sign its requests; choose a signature first"}},
		"too long":     {g, "", engine.MaxRotationGrace + time.Second, []string{"grace: The grace period must be from 0 to 7 days, in seconds up to 604800"}},
		"negative":     {g, "", -time.Second, []string{"grace: The grace period must be from 0 to 7 days, in seconds up to 604800"}},
	} {
		got, err := tt.from.Rotate(tt.next, tt.grace, now)
		if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" || got != tt.from {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
