package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// The tests of this file set up, over the API, what people of the five platforms have there: their typical webhook, their
// sample events, and receivers that answer as theirs might. The program is the real one.

// studioSample is the lab details of Skillable Studio's documents, as they are printed there.
const studioSample = `{
"Id": 998592321,
"UserId": 5023932,
"UserExternalId": "Example.User",
"UserFirstName": "Example",
"UserLastName": "User",
"LabProfileId": 19376,
"LabProfileName": "Example Lab",
"LabProfileNumber": "ABC",
"LabSeriesId": 10296,
"LabSeriesName": "Example Series",
"ClassId": null,
"ClassExternalId": null,
"ClassName": null,
"Start": 1671565852,
"End": null,
"Expires": 1671587452,
"LastActivity": null,
"LastSave": null,
"State": 20,
"CompletionStatus": 2,
"CustomData": null,
"ExamPassed": null,
"ExamScore": null,
"ExamMaxPossibleScore": 10,
"ExamPassingScore": 7
}`

// TestSkillableStudio takes the results of a lab, of the 19 events and of a receiver that is broken.
func TestSkillableStudio(t *testing.T) {
	t.Parallel()
	p, r := servePlatform(t, "studio")
	p.addWebhook(t, fields{
		"consumer": "studio", "name": "Results", "events": []string{"Torn Down"}, "verb": "POST", "url": r.URL + "/labinstance/changed/{id}",
		"headers": headers("X-Customer=contoso\nAuthorization=Basic dXNlcjpwYXNz"), "send_lab_details": true,
		"enabled": true, "blocking": false, "delay": 3, "timeout": 30, "retries": 3, "error_action": "log",
	})
	accepted := p.post(t, "studio", "Torn Down", studioSample)
	got := r.Wait(t, 1)[0]
	var details bytes.Buffer
	if err := json.Compact(&details, []byte(studioSample)); err != nil {
		t.Fatal(err)
	}
	if got.Verb != "POST" || got.Path != "/labinstance/changed/998592321" || string(got.Body) != details.String() {
		t.Errorf("the receiver got %s %s\n%s", got.Verb, got.Path, got.Body)
	}
	wantHeaders(t, &got, "Content-Type: application/json", "X-Customer: contoso", "Authorization: Basic dXNlcjpwYXNz", "Labhook-Event: lab.torn_down")
	if waited := got.At.Sub(accepted.At); waited < 3*time.Second {
		t.Errorf("the request came %s after the event, the delay is 3 s", waited)
	}

	// Every event, by the name that Studio gives it, in the order of the life cycle.
	p.addWebhook(t, fields{"consumer": "studio", "name": "All", "events": []string{"*"}, "url": r.URL + "/all", "retry_policy": "studio"})
	studio := slices.Concat(engine.BuiltIn.InGroup(engine.GroupLifeCycle), engine.BuiltIn.InGroup(engine.GroupOutsideLifeCycle))
	if len(studio) != 19 {
		t.Errorf("Studio has %d events, want 19", len(studio))
	}
	for _, kind := range studio {
		p.post(t, "studio", kind.Label, studioSample)
	}
	byEvent := map[string]string{}
	for _, request := range r.awaitAt(t, "/all", len(studio)) {
		byEvent[request.Header.Get("Labhook-Event")] = string(request.Body)
	}
	for _, kind := range studio {
		if byEvent[kind.Code] != details.String() {
			t.Errorf("%s: the receiver got %q", kind.Label, byEvent[kind.Code])
		}
	}

	// Any error status is retried after 1 and 2 seconds; then the error action is applied.
	r.SetRoute("/broken", enginetest.Script(t, "404, then 500"))
	broken := p.addWebhook(t, fields{"consumer": "studio", "name": "Broken", "events": []string{"Saved"}, "url": r.URL + "/broken", "retries": 2})
	d := p.await(t, p.post(t, "studio", "Saved", studioSample).of(t, broken), "failed")
	d.wantWaits(t, time.Second, 2*time.Second)
	if d.ErrorAction != "log" || *d.LastStatus != 500 {
		t.Errorf("the failed delivery is %+v", d)
	}
}

// TestSkilljar sends one event, or all of them, once to each URL, until an error switches a webhook off.
func TestSkilljar(t *testing.T) {
	t.Parallel()
	p, r := servePlatform(t, "skilljar")
	consumer := fields{"name": "skilljar", "external_id": "skilljar", "one_send_per_url": true}
	p.must(t, http.StatusOK, http.MethodPut, "/api/v1/consumers/skilljar", consumer, nil)
	webhook := func(name, path string, events ...string) hookView {
		return p.addWebhook(t, fields{
			"consumer": "skilljar", "name": name, "events": events, "url": r.URL + path, "retry_policy": "skilljar", "signing": fields{"scheme": "none"},
			"basic_auth": fields{"username": "customer_username_input", "password": "customer_password_input"},
			"headers":    headers("User-Agent: skilljar\nx-my-new-header: string\nclient_id: examplestring2\nclient_secret: abcdefg1234567\nX-Webhook: " + name),
		})
	}
	if one := webhook("one", "/hook", "COURSE_ENROLLMENT"); one.Retries != 60 || !one.Enabled {
		t.Errorf("the webhook is %+v", one)
	}
	webhook("all", "/hook", "*")

	kinds := engine.BuiltIn.InGroup(engine.GroupTraining)
	if len(kinds) != 10 {
		t.Errorf("Skilljar has %d event types, want 10", len(kinds))
	}
	for _, kind := range kinds {
		p.post(t, "skilljar", kind.Code, string(kind.Sample()))
	}
	wantSamples(t, r.awaitAt(t, "/hook", len(kinds)), kinds)
	for _, request := range r.at("/hook") {
		wantHeaders(t, &request, "Content-Type: application/json", "User-Agent: skilljar", "X-My-New-Header: string",
			"Client_id: examplestring2", "Client_secret: abcdefg1234567")
		if user, password, _ := basicAuth(&request); user != "customer_username_input" || password != "customer_password_input" {
			t.Errorf("Basic authentication is %q with %q", user, password)
		}
		sender := "all"
		if strings.Contains(string(request.Body), "COURSE_ENROLLMENT") {
			sender = "one" // which stands first
		}
		wantHeaders(t, &request, "X-Webhook: "+sender)
	}

	// A 5xx is retried after 2 seconds, a 4xx deactivates at once.
	r.SetRoute("/broken", enginetest.Script(t, "503, then 400"))
	broken := webhook("broken", "/broken", "QUIZ_COMPLETION")
	sample := string(sampleOf(t, "QUIZ_COMPLETION"))
	accepted := p.post(t, "skilljar", "QUIZ_COMPLETION", sample)
	d := p.await(t, accepted.of(t, broken), "failed")
	d.wantWaits(t, 2*time.Second)
	if now := p.webhook(t, broken.ID); now.Enabled || now.DeactivateReason == nil || *now.DeactivateReason != "HTTP_4XX_RESPONSE" || now.DeactivatedAt == nil {
		t.Errorf("after a 400 the webhook is %+v", now)
	}
	if missed := p.post(t, "skilljar", "QUIZ_COMPLETION", sample); missed.has(broken) {
		t.Error("an event goes to a webhook that was deactivated")
	}

	// It is mended, put back into use, and sent what it missed.
	r.SetRoute("/broken", enginetest.Script(t, "200"))
	p.must(t, http.StatusOK, http.MethodPost, "/api/v1/webhooks/"+broken.ID+"/enable", nil, nil)
	if now := p.webhook(t, broken.ID); !now.Enabled || now.DeactivateReason != nil {
		t.Errorf("put back into use, the webhook is %+v", now)
	}
	var again struct{ Deliveries int }
	since := fields{"since": accepted.At}
	p.must(t, http.StatusOK, http.MethodPost, "/api/v1/webhooks/"+broken.ID+"/recover", since, &again)
	if again.Deliveries != 1 {
		t.Errorf("%d deliveries are sent again, want 1", again.Deliveries)
	}
	p.await(t, d.ID, "delivered")
}

// TestSkillableTMS tells of every status of course assignments and classes.
func TestSkillableTMS(t *testing.T) {
	t.Parallel()
	const authorization = "Authorization=Basic V2ViaG9va3VzZXI6d2ViaG9va3Bhc3N3b3Jk" // of TMS's documents
	p, r := servePlatform(t, "tms")
	p.addWebhook(t, fields{
		"consumer": "tms", "name": "Changes", "events": []string{"Course assignment changed", "Class changed"}, "url": r.URL + "/tms",
		"headers": headers(authorization), "delay": 1, "timeout": 10, "retries": 5, "retry_policy": "studio",
	})
	statuses := map[string]string{} // samples, by what they tell
	var first posted
	for _, kind := range engine.BuiltIn.InGroup(engine.GroupCourseAndClass) {
		for _, status := range kind.Statuses {
			accepted := p.post(t, "tms", kind.Label, string(status.Data))
			if len(statuses) == 0 {
				first = accepted
			}
			statuses[kind.Code+" "+status.Name] = string(status.Data)
		}
	}
	if len(statuses) != 4+8 {
		t.Errorf("TMS has %d statuses, want 12: %v", len(statuses), slices.Sorted(maps.Keys(statuses)))
	}
	arrived := r.awaitAt(t, "/tms", len(statuses))
	var bodies []string
	for _, request := range arrived {
		bodies = append(bodies, string(request.Body))
		wantHeaders(t, &request, "Content-Type: application/json", "Authorization: Basic V2ViaG9va3VzZXI6d2ViaG9va3Bhc3N3b3Jk")
		if user, password, _ := basicAuth(&request); user != "Webhookuser" || password != "webhookpassword" {
			t.Errorf("Basic authentication is %q with %q", user, password)
		}
	}
	if want := slices.Sorted(maps.Values(statuses)); !slices.Equal(slices.Sorted(slices.Values(bodies)), want) {
		t.Errorf("the receiver got\n%s\nwant\n%s", strings.Join(bodies, "\n"), strings.Join(want, "\n"))
	}
	if waited := arrived[0].At.Sub(first.At); waited < time.Second {
		t.Errorf("the first request came %s after the event, the delay is 1 s", waited)
	}

	// The user and password in fields of their own come to the same header.
	p.addWebhook(t, fields{
		"consumer": "tms", "name": "Encoded", "events": []string{engine.TMSClassChanged}, "url": r.URL + "/encoded",
		"basic_auth": fields{"username": "Webhookuser", "password": "webhookpassword"},
	})
	p.post(t, "tms", engine.TMSClassChanged, string(sampleOf(t, engine.TMSClassChanged)))
	request := r.awaitAt(t, "/encoded", 1)[0]
	wantHeaders(t, &request, "Authorization: Basic V2ViaG9va3VzZXI6d2ViaG9va3Bhc3N3b3Jk")
}

// TestInstruqt signs chosen events as Svix does, through a rotation, until the receiver is gone.
func TestInstruqt(t *testing.T) {
	t.Parallel()
	p, r := servePlatform(t, "instruqt")
	chosen := []string{"track.started", "track.challenge_attempted", "sandbox.created", "invite.claimed", "review.updated"}
	endpoint := p.addWebhook(t, fields{
		"consumer": "instruqt", "name": "Endpoint", "events": chosen, "url": r.URL + "/endpoint", "retry_policy": "standard",
		"signing": fields{"scheme": "v1", "names": "both"},
	})
	if endpoint.Timeout != 15 || endpoint.Retries != 7 || !strings.HasPrefix(endpoint.Signing.Secret, "whsec_") {
		t.Errorf("the webhook is %+v", endpoint)
	}
	var heard, kinds []engine.EventType
	for _, group := range []string{engine.GroupTrack, engine.GroupSandbox, engine.GroupInvite, engine.GroupReview} {
		kinds = append(kinds, engine.BuiltIn.InGroup(group)...)
	}
	for _, kind := range kinds {
		p.post(t, "instruqt", kind.Code, string(kind.Sample()))
		if slices.Contains(chosen, kind.Code) {
			heard = append(heard, kind)
		}
	}
	if len(kinds) != 17 || len(heard) != len(chosen) {
		t.Errorf("Instruqt has %d event types, of which %d are chosen", len(kinds), len(heard))
	}
	wantSamples(t, r.awaitAt(t, "/endpoint", len(chosen)), heard)
	for _, request := range r.at("/endpoint") {
		wantSigned(t, &request, "Webhook-", endpoint.Signing.Secret)
		wantSigned(t, &request, "Svix-", endpoint.Signing.Secret)
	}

	// After a rotation the old secret and the new one verify.
	var next struct{ Secret string }
	p.must(t, http.StatusOK, http.MethodPost, "/api/v1/webhooks/"+endpoint.ID+"/rotate-secret", nil, nil)
	p.must(t, http.StatusOK, http.MethodPost, "/api/v1/webhooks/"+endpoint.ID+"/reveal-secret", nil, &next)
	if next.Secret == endpoint.Signing.Secret {
		t.Error("the rotation kept the secret")
	}
	sample := string(sampleOf(t, "track.started"))
	p.post(t, "instruqt", "track.started", sample)
	request := r.awaitAt(t, "/endpoint", len(chosen)+1)[len(chosen)]
	wantSigned(t, &request, "Webhook-", endpoint.Signing.Secret)
	wantSigned(t, &request, "Svix-", next.Secret)

	// A 410 deactivates the endpoint.
	r.SetRoute("/endpoint", enginetest.Script(t, "410"))
	p.await(t, p.post(t, "instruqt", "track.started", sample).of(t, endpoint), "failed")
	if now := p.webhook(t, endpoint.ID); now.Enabled || now.DeactivateReason == nil || *now.DeactivateReason != "GONE" {
		t.Errorf("after a 410 the webhook is %+v", now)
	}
}

// liveSample is the payload of the live event platform's documents without the comments in it.
const liveSample = `{
"id": "32ed16df-27cb-5f72-90ff-4eaf39346f86",
"source": "course_completed",
"timestamp": "2019-10-17T20:50:53.103Z",
"type": "status_change",
"user": "bob.johnson@example.com",
"companyId": "3aabdfb8-3891-5011-ad35-8e2351c5fdaf",
"event": "courseCompletion",
"notifiableId": "7670fdbe-15ed-504b-a680-d404fa4b0eb4",
"title": "New Student Orientation",
"userDetail": {
"id": "61149b2c-3f37-5032-be63-f5d984de10b6",
"firstName": "Bob",
"lastName": "Johnson",
"externalCustomerId": "111222333444",
"sfContactId": null,
"sfAccountId": null,
"client": "00f928f4-8718-5043-9164-32398b165c60",
"ref1": "111222333444",
"ref2": "Department",
"ref3": "..."
}
}`

// TestLiveEvents tells of a completed course, byte for byte, to receivers that answer a 304 and a 503.
func TestLiveEvents(t *testing.T) {
	t.Parallel()
	p, r := servePlatform(t, "live")
	r.SetRoute("/courses", enginetest.Script(t, "304"))
	r.SetRoute("/broken", enginetest.Script(t, "503"))
	webhook := func(path string) hookView {
		return p.addWebhook(t, fields{
			"consumer": "live", "name": path, "events": []string{"courseComplete"}, "url": r.URL + path, "retry_policy": "live",
			"signing": fields{"scheme": "none"},
		})
	}
	courses, broken := webhook("/courses"), webhook("/broken")
	if courses.Timeout != 15 || courses.Retries != 10 {
		t.Errorf("the policy suggests a timeout of %d s and %d retries", courses.Timeout, courses.Retries)
	}
	accepted := p.post(t, "live", "courseComplete", liveSample)
	got := r.awaitAt(t, "/courses", 1)[0]
	if string(got.Body) != liveSample {
		t.Errorf("the receiver got\n%s\nwant\n%s", got.Body, liveSample)
	}
	wantHeaders(t, &got, "Content-Type: application/json", "Webhook-Signature: ")
	if d := p.await(t, accepted.of(t, courses), "delivered"); *d.LastStatus != http.StatusNotModified {
		t.Errorf("the delivery that was answered 304 is %+v", d)
	}
	d := p.await(t, accepted.of(t, broken), "retrying")
	if first := d.Attempts[0]; first.RetryAt == nil || first.RetryAt.Sub(first.StartedAt) < 20*time.Second || d.AttemptsInAll != 11 {
		t.Errorf("the delivery that was answered 503 is %+v", d)
	}
}
