package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// stored returns a webhook as the engine has it.
func (b *bundle) stored(t testing.TB, id string) engine.Webhook {
	t.Helper()
	var wh engine.WebhookID
	if err := wh.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	w, err := b.store.Webhook(t.Context(), wh)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// clientCert returns a certificate and its key, as PEM.
func clientCert(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	out, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestWebhookOptions makes a webhook with everything that few webhooks have, and sends it back as it was read.
func TestWebhookOptions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	certificate, key := clientCert(t)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := `{"name": "Scores", "events": ["Scored", "COURSE_COMPLETION"], "url": "https://hooks.example.com/{id}",
		"retry_policy": {"waits": [10, 60, 300, 900], "success": "200-204, 304", "on_4xx": "give_up", "gone_deactivates": false, "on_exhausted": "deactivate"},
		"basic_auth": {"username": "lms", "password": "hush-hush"}, "signing": {"names": "both", "secret": "` + secret + `"},
		"client_cert": {"certificate": ` + quoted(t, certificate) + `, "key": ` + quoted(t, key) + `}, "rate_limit": 20, "rate_burst": 40}`
	var made, got api.Webhook
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso", body).want(201)
	r.into(&made)
	want := made
	want.Events, want.Retries, want.Timeout = []string{"lab.scored", "COURSE_COMPLETION"}, 4, 30
	want.RetryPolicy = api.RetryPolicy{Own: &api.OwnPolicy{Waits: []int{10, 60, 300, 900}, Success: "200-204, 304", On4xx: "give_up", OnExhausted: "deactivate"}}
	want.BasicAuth, want.ClientCert = &api.BasicAuth{Username: "lms", Password: "••••"}, &api.ClientCert{Certificate: certificate, Key: "••••"}
	want.Signing = api.Signing{Scheme: "v1", Names: "both", Secret: secret}
	want.RateLimit, want.RateBurst = 20, 40
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}

	path := "/api/v1/webhooks/" + made.ID
	r = b.send(t, "GET", path, "contoso-read", "").want(200)
	for _, hidden := range []string{secret, "hush-hush", "BEGIN PRIVATE KEY"} {
		if strings.Contains(string(r.body), hidden) {
			t.Errorf("the answer shows %q: %s", hidden, r.body)
		}
		if rows := b.dump(t); strings.Contains(rows, hidden) || strings.Contains(rows, fmt.Sprintf("%X", hidden)) {
			t.Errorf("%q stands in the database", hidden)
		}
	}
	before := b.stored(t, made.ID)
	b.send(t, "PUT", path, "contoso", strings.Replace(string(r.body), `"rate_burst":40`, `"rate_burst":25`, 1)).want(200).into(&got)
	after := b.stored(t, made.ID)
	if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(after, "RateBurst", "Version", "UpdatedAt", "UpdatedBy")); diff != "" || after.RateBurst != 25 {
		t.Errorf("sent back, burst %d (-before +after):\n%s", after.RateBurst, diff)
	}
	if before.Signing.Secret != after.Signing.Secret || before.BasicAuth != after.BasicAuth || before.ClientCert != after.ClientCert {
		t.Error("a secret was not kept") // cmp compares them by what they show
	}

	// What is left out becomes what it is in a new one, but for the signing secret.
	b.send(t, "PUT", path, "contoso", `{"version": 2, "name": "Scores", "events": ["*"], "url": "https://a.example", "basic_auth": null}`).want(200).into(&got)
	if got.RetryPolicy.Preset != "studio" || got.Retries != 3 || got.BasicAuth != nil || got.ClientCert != nil || got.RateLimit != 0 || got.Signing.Names != "webhook" {
		t.Errorf("replaced by %+v", got)
	}
	if b.stored(t, made.ID).Signing.Secret != secret {
		t.Error("the secret was not kept")
	}
}

// TestRetryPolicySuggests leaves out what the policy then suggests.
func TestRetryPolicySuggests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for fields, want := range map[string][2]int{
		``:                                         {3, 30},
		`"retry_policy": null,`:                    {3, 30},
		`"retry_policy": "studio",`:                {3, 30},
		`"retry_policy": "skilljar",`:              {60, 30},
		`"retry_policy": "standard",`:              {7, 15},
		`"retry_policy": "live",`:                  {10, 15},
		`"retry_policy": "live", "retries": null,`: {10, 15},
		`"retry_policy": "live", "retries": 2, "timeout": 5,`:     {2, 5},
		`"retry_policy": "live", "retries": 0,`:                   {0, 15},
		`"retry_policy": {},`:                                     {3, 30},
		`"retry_policy": {"waits": [5]},`:                         {1, 30},
		`"retry_policy": {"waits": [5, 6]}, "retries": 9,`:        {9, 30},
		`"retry_policy": {"success": "200-399"}, "timeout": 300,`: {3, 300},
	} {
		for _, verb := range []string{"POST", "PUT"} {
			path := "/api/v1/webhooks"
			if verb == "PUT" {
				path += "/" + b.webhook(t, b.contoso.ID, "https://a.example").ID.String()
			}
			var got api.Webhook
			r := b.send(t, verb, path, "contoso", `{`+fields+`"version": 1, "name": `+quoted(t, verb+fields)+`, "events": ["*"], "url": "https://a.example"}`)
			if r.status > 201 {
				t.Errorf("%s %s: %s", verb, fields, r.body)
				continue
			}
			r.into(&got)
			if got.Retries != want[0] || got.Timeout != want[1] {
				t.Errorf("%s %s: %d retries and a timeout of %d s, want %v", verb, fields, got.Retries, got.Timeout, want)
			}
		}
	}
}

// TestSigningSecret lets a secret be made, shown, replaced and taken away.
func TestSigningSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var w api.Webhook
	b.send(t, "POST", "/api/v1/webhooks", "contoso", `{"name": "x", "events": ["*"], "url": "https://a.example", "signing": {"scheme": "v1a"}}`).want(201).into(&w)
	first := w.Signing
	if !strings.HasPrefix(first.Secret, "whsk_") || !strings.HasPrefix(first.PublicKey, "whpk_") || first.OldUntil != nil {
		t.Errorf("made %+v", first)
	}
	path := "/api/v1/webhooks/" + w.ID
	reveal := func() (shown api.RevealedSecret) {
		t.Helper()
		b.send(t, "POST", path+"/reveal-secret", "contoso", "").want(200).into(&shown)
		return shown
	}
	if got := reveal(); got != (api.RevealedSecret{Secret: first.Secret, PublicKey: first.PublicKey}) {
		t.Errorf("revealed %+v, made was %+v", got, first)
	}

	r := b.send(t, "POST", path+"/rotate-secret", "contoso", "").want(200)
	r.into(&w)
	until := time.Now().Add(engine.DefaultRotationGrace)
	if w.Version != 2 || r.header.Get("ETag") != `"2"` || w.Signing.Secret != "••••" || w.Signing.PublicKey == first.PublicKey ||
		w.Signing.OldUntil == nil || w.Signing.OldUntil.After(until) || w.Signing.OldUntil.Before(until.Add(-time.Hour)) {
		t.Errorf("rotated %s", r.body)
	}
	if got := reveal(); got.Secret == first.Secret || got.PublicKey != w.Signing.PublicKey {
		t.Errorf("after the rotation %+v is revealed", got)
	}
	b.send(t, "POST", path+"/rotate-secret", "contoso", `{"secret": "`+first.Secret+`", "grace": 0}`).want(200).into(&w)
	if got := reveal(); got.Secret != first.Secret || w.Signing.OldUntil != nil {
		t.Errorf("rotated back without grace to %+v, revealed %+v", w.Signing, got)
	}

	// Another scheme gets another secret, and none needs none.
	sent := func(signing string) {
		t.Helper()
		b.send(t, "PUT", path, "contoso", fmt.Sprintf(`{"version": %d, "name": "x", "events": ["*"], "url": "https://a.example", "signing": %s}`, w.Version, signing)).want(200).into(&w)
	}
	sent(`{"scheme": "hex", "header": "X-TI-Signature", "secret": "••••"}`)
	if got := reveal(); w.Signing.Header != "X-TI-Signature" || len(got.Secret) != 64 || got.PublicKey != "" {
		t.Errorf("signs in hex: %+v, revealed %+v", w.Signing, got)
	}
	sent(`{"scheme": "none"}`)
	if p := b.send(t, "POST", path+"/reveal-secret", "contoso", "").problem(409); w.Signing.Secret != "" || !strings.Contains(p.Detail, "does not sign") {
		t.Errorf("does not sign: %+v, %s", w.Signing, p.Detail)
	}
	if p := b.send(t, "POST", path+"/rotate-secret", "contoso", "").problem(422); p.Errors[0].Field != "secret" {
		t.Errorf("rotation of nothing: %+v", p)
	}
}

// TestSwitchWebhook disables a webhook, enables it and ends its pause.
func TestSwitchWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent).ID.String()
	path := "/api/v1/webhooks/" + id
	ev := b.waiting(t)
	var w api.Webhook
	for range 2 { // the second time changes nothing
		b.send(t, "POST", path+"/disable", "contoso", "").want(200).into(&w)
		if w.Enabled || w.DeactivateReason == nil || *w.DeactivateReason != "BY_HAND" || w.DeactivatedAt == nil || w.Version != 2 {
			t.Errorf("disabled %+v", w)
		}
	}
	b.await(t, ev.Deliveries[0].ID, "cancelled")
	for range 2 {
		b.send(t, "POST", path+"/enable", "contoso", "").want(200).into(&w)
		if !w.Enabled || w.DeactivateReason != nil || w.DeactivatedAt != nil || w.Version != 3 {
			t.Errorf("enabled %+v", w)
		}
	}

	b.pause(t, id)
	var list api.List[api.Webhook]
	b.send(t, "GET", "/api/v1/webhooks", "contoso-read", "").want(200).into(&list)
	b.send(t, "GET", path, "contoso-read", "").want(200).into(&w)
	if w.PausedUntil == nil || !w.PausedUntil.After(time.Now()) || list.Data[0].PausedUntil == nil || !list.Data[0].PausedUntil.Equal(*w.PausedUntil) {
		t.Errorf("paused until %v, in the list %v", w.PausedUntil, list.Data[0].PausedUntil)
	}
	b.send(t, "POST", path+"/resume", "contoso", "").want(200).into(&w)
	if w.PausedUntil != nil {
		t.Errorf("resumed, but paused until %v", w.PausedUntil)
	}
	b.send(t, "POST", path+"/resume", "contoso", "").problem(409)
}

// TestRecoverWebhook counts what a webhook missed, and sends it again.
func TestRecoverWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := enginetest.NewReceiver(t, "200")
	id := b.webhook(t, b.contoso.ID, receiver.URL+"/lab", unsent).ID.String()
	path := "/api/v1/webhooks/" + id
	since := fmt.Sprintf(`"since": %q`, time.Now().Add(-time.Minute).Format(time.RFC3339))
	missed := []string{b.waiting(t).Deliveries[0].ID, b.waiting(t).Deliveries[0].ID}
	b.send(t, "POST", path+"/disable", "contoso", "").want(200)
	for _, d := range missed {
		b.await(t, d, "cancelled")
	}
	var got api.Recoverable
	b.send(t, "POST", path+"/recover", "contoso", `{`+since+`, "count_only": true}`).want(200).into(&got)
	if got.Deliveries != 2 || got.More || got.Recovery != nil || got.Since.IsZero() || !got.Until.After(got.Since) {
		t.Errorf("counted %+v", got)
	}
	if p := b.send(t, "POST", path+"/recover", "contoso", `{`+since+`}`).problem(409); !strings.Contains(p.Detail, "disabled") {
		t.Errorf("recovery of a disabled webhook: %s", p.Detail)
	}

	b.send(t, "POST", path+"/enable", "contoso", "").want(200)
	b.send(t, "POST", path+"/recover", "contoso", `{`+since+`}`).want(200).into(&got)
	if got.Deliveries != 2 || got.Recovery == nil || !strings.HasPrefix(got.Recovery.CreatedBy, "key lhk_") {
		t.Errorf("recovery %+v", got)
	}
	for _, d := range missed {
		b.await(t, d, "delivered")
	}
	var last api.Recovery
	b.send(t, "GET", path+"/recovery", "contoso-read", "").want(200).into(&last)
	if last.Sent != 2 || last.FinishedAt == nil || last.Stopped != "" || !last.Since.Equal(got.Since) {
		t.Errorf("latest recovery %+v", last)
	}
}

// TestWarnings names tokens that nothing can fill, before they are sent and after.
func TestWarnings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := enginetest.NewReceiver(t, "200")
	var w api.Webhook
	r := b.send(t, "POST", "/api/v1/webhooks", "contoso", `{"name": "x", "events": ["lab.scored"], "url": "`+receiver.URL+`/{id}/{labId}",
		"send_lab_details": false, "content": "@lab.User.Id @lab.VirtualMachine(dc1).Password"}`).want(201)
	r.into(&w)
	if len(w.Warnings) != 2 || !strings.Contains(w.Warnings[0], "{labId}") || !strings.Contains(w.Warnings[1], "@lab.VirtualMachine(dc1).Password") {
		t.Errorf("warnings %q", w.Warnings)
	}
	b.send(t, "PUT", "/api/v1/webhooks/"+w.ID, "contoso", string(r.body)).want(200).into(&w)

	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "contoso", eventJSON("")).want(202).into(&ev)
	d := b.await(t, ev.Deliveries[0].ID, "delivered")
	if got := d.Attempts[0]; !slices.Equal(got.Unfilled, []string{"{labId}", "@lab.VirtualMachine(dc1).Password"}) ||
		got.Request.Body != "5023932 @lab.VirtualMachine(dc1).Password" || !strings.HasSuffix(got.Request.URL, "/7/%7BlabId%7D") {
		t.Errorf("attempt %+v", got)
	}
}

// TestDataArriveToTheByte posts events named by label, with data that no encoder would spell that way.
func TestDataArriveToTheByte(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := enginetest.NewReceiver(t, "200")
	b.webhook(t, b.contoso.ID, receiver.URL+"/training", func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} })
	const data = "{ \"z\" : 1.50e+2,\n\t\"a\":[ 12345678901234567890123, -0.0 ], \"text\": \"\\u00e9 é \\/ <&>\", \"z2\":null }"
	for n, name := range []string{"Course Enrollment", "COURSE_ENROLLMENT", "course enrollment"} {
		b.send(t, "POST", "/api/v1/events", "contoso", `{"type": "`+name+`", "data": `+data+`}`).want(202)
		request := receiver.Wait(t, n+1)[n]
		if string(request.Body) != data || request.Header.Get("Labhook-Event") != "COURSE_ENROLLMENT" || request.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: the receiver got %s as %s", name, request.Body, request.Header.Get("Labhook-Event"))
		}
	}
}

// TestOnlyTests lists tests of webhooks apart from what is real.
func TestOnlyTests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent).ID.String()
	real := b.waiting(t).Deliveries[0].ID
	var tested api.TestResult
	b.send(t, "POST", "/api/v1/webhooks/"+id+"/test", "contoso", "").want(200).into(&tested)
	for query, want := range map[string][]string{
		"": {tested.ID, real}, "test=true": {tested.ID}, "test=false": {real},
		"test=true&status=failed&webhook=" + id: {tested.ID}, "test=true&status=scheduled": nil, "test=false&lab=7": {real},
	} {
		var page api.List[api.Delivery]
		b.send(t, "GET", "/api/v1/deliveries?"+query, "contoso-read", "").want(200).into(&page)
		var got []string
		for _, d := range page.Data {
			got = append(got, d.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

// TestAbsentFieldsTakeTheSettings makes and replaces webhooks whose policy, timeout and retries are absent: they become
// what the settings have for a new one, and a policy that is sent still suggests its own.
func TestAbsentFieldsTakeTheSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	values := map[string]string{}
	for _, one := range engine.DeliverySettings.Settings() {
		values[one.Name] = one.Text(&engine.DefaultSite)
	}
	values["new_policy"], values["new_timeout"], values["new_retries"] = "live", "12", "4"
	if err := b.store.ChangeSettings(t.Context(), engine.System, engine.DeliverySettings, 0, values); err != nil {
		t.Fatal(err)
	}
	const one = `{"name": "One", "consumer": "contoso", "events": ["*"], "url": "https://a.example/"`
	type settings struct {
		policy           string
		timeout, retries int
	}
	check := func(r reply, want settings) api.Webhook {
		t.Helper()
		var w api.Webhook
		r.into(&w)
		if got := (settings{w.RetryPolicy.Preset, w.Timeout, w.Retries}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		return w
	}
	w := check(b.send(t, "POST", "/api/v1/webhooks", "contoso", one+"}").want(201), settings{"live", 12, 4})
	path := "/api/v1/webhooks/" + w.ID
	check(b.send(t, "PUT", path, "contoso", one+`, "version": 1, "timeout": 5}`).want(200), settings{"live", 5, 4})
	check(b.send(t, "PUT", path, "contoso", one+`, "version": 2, "retry_policy": "standard"}`).want(200),
		settings{"standard", int(engine.StandardPolicy.Timeout.Seconds()), engine.StandardPolicy.Retries})
	check(b.send(t, "PUT", path, "contoso", one+`, "version": 3, "retry_policy": "studio", "retries": 1, "timeout": 7}`).want(200), settings{"studio", 7, 1})
}
