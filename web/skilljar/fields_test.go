package skilljar_test

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

const formType = "application/x-www-form-urlencoded"

// TestRefusedFields sends every field in ways that it cannot be, to POST, PUT and PATCH.
func TestRefusedFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, fields{"target_url": target, "event_type": "COURSE_COMPLETION", "basic_auth_username": "u", "basic_auth_password": "p"})
	before := b.stored(t, id)
	for _, tt := range []struct {
		body, field, says string
	}{
		{`{"target_url": ""}`, "target_url", "may not be blank"},
		{`{"target_url": " "}`, "target_url", "may not be blank"},
		{`{"target_url": null}`, "target_url", "may not be null. Send the URL"},
		{`{"target_url": 7}`, "target_url", "Not a valid string"},
		{`{"target_url": "hooks"}`, "target_url", "https://"},
		{`{"target_url": "ftp://hooks.example.com"}`, "target_url", "https://"},
		{`{"target_url": "https://u:p@hooks.example.com"}`, "target_url", "user or password"},
		{`{"target_url": "http://10.0.0.1/"}`, "target_url", "10.0.0.1"},
		{`{"target_url": "https://hooks.example.com/` + strings.Repeat("x", 1000) + `"}`, "target_url", "no more than 1024 characters"},
		{`{"target_url": "https://hooks.example.com/", "target_url": "https://hooks.example.com/"}`, "target_url", "given twice"},
		{`{"target_url": "` + target + `", "event_type": "course_completion"}`, "event_type", "is not a valid choice. Choose one of COURSE_COMPLETION, "},
		{`{"target_url": "` + target + `", "event_type": "Course Completion"}`, "event_type", "is not a valid choice"},
		{`{"target_url": "` + target + `", "event_type": "PING"}`, "event_type", "is not a valid choice"},
		{`{"target_url": "` + target + `", "event_type": "lab.scored"}`, "event_type", "is not a valid choice"},
		{`{"target_url": "` + target + `", "event_type": ["COURSE_COMPLETION"]}`, "event_type", "Not a valid string"},
		{`{"target_url": "` + target + `", "active": null}`, "active", "Must be a valid boolean"},
		{`{"target_url": "` + target + `", "active": "maybe"}`, "active", "Must be a valid boolean"},
		{`{"target_url": "` + target + `", "active": [true]}`, "active", "Must be a valid boolean"},
		{`{"target_url": "` + target + `", "basic_auth_username": null}`, "basic_auth_username", "may not be null"},
		{`{"target_url": "` + target + `", "basic_auth_username": true}`, "basic_auth_username", "Not a valid string"},
		{`{"target_url": "` + target + `", "basic_auth_username": "a:b"}`, "basic_auth_username", "colon"},
		{`{"target_url": "` + target + `", "basic_auth_username": "` + strings.Repeat("x", 201) + `"}`, "basic_auth_username", "at most 200"},
		{`{"target_url": "` + target + `", "basic_auth_password": null}`, "basic_auth_password", "may not be null"},
		{`{"target_url": "` + target + `", "basic_auth_password": {}}`, "basic_auth_password", "Not a valid string"},
		{`{"target_url": "` + target + `", "basic_auth_password": "` + strings.Repeat("x", 501) + `"}`, "basic_auth_password", "at most 500"},
		{`{"target_url": "` + target + `", "additional_headers": []}`, "additional_headers", "object of texts"},
		{`{"target_url": "` + target + `", "additional_headers": "x=1"}`, "additional_headers", "object of texts"},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": 1}}`, "additional_headers", `The value of "x-a" must be a text`},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": null}}`, "additional_headers", `The value of "x-a" must be a text`},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": "1", "x-a": "2"}}`, "additional_headers", "named twice"},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": "1", "X-A": "2"}}`, "additional_headers", "named twice"},
		{`{"target_url": "` + target + `", "additional_headers": {"x a": "1"}}`, "additional_headers", `Header 1: "x a" is not a header name`},
		{`{"target_url": "` + target + `", "additional_headers": {"Host": "1"}}`, "additional_headers", "set by Labhook"},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": "1\n2"}}`, "additional_headers", "control characters"},
		{`{"target_url": "` + target + `", "additional_headers": {"x-a": "••••"}}`, "additional_headers", "dots stand for no stored value"},
		{`[]`, "non_field_errors", "Send a JSON object"},
	} {
		for _, to := range []struct{ method, path string }{{"POST", path}, {"PUT", path + "/" + id}, {"PATCH", path + "/" + id}} {
			if got := b.send(t, to.method, to.path, "contoso", tt.body).about(tt.field); !strings.Contains(got, tt.says) {
				t.Errorf("%s %s: %q, want %q", to.method, tt.body, got, tt.says)
			}
		}
	}
	for _, body := range []string{"", "{}", `{"active": true}`} {
		if got := b.send(t, "POST", path, "contoso", body).about("target_url"); !strings.Contains(got, "required") {
			t.Errorf("POST %q: %q", body, got)
		}
		if got := b.send(t, "PUT", path+"/"+id, "contoso", body).about("target_url"); !strings.Contains(got, "required") {
			t.Errorf("PUT %q: %q", body, got)
		}
	}
	got := b.send(t, "POST", path, "contoso", fields{"target_url": target, "basic_auth_password": "••••"}).about("basic_auth_password")
	if !strings.Contains(got, "dots stand for no stored one") {
		t.Errorf("dots for a password: %q", got)
	}
	var all map[string][]string
	b.send(t, "POST", path, "contoso", `{"event_type": 1, "active": 2, "additional_headers": 3}`).want(400).into(&all)
	if len(all) != 4 {
		t.Errorf("of four fields that are wrong it names %v", all)
	}
	if diff := cmp.Diff(before, b.stored(t, id)); diff != "" || len(b.store.Directory().Webhooks(b.contoso.ID)) != 1 {
		t.Errorf("something was changed: %s", diff)
	}
}

// TestRefusedBodies sends bodies that cannot be read.
func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		contentType, body string
		status            int
		says              string
	}{
		{"application/json", `{"target_url": `, 400, "JSON parse error - unexpected end of JSON input"},
		{"application/json", "{\"target_url\": \"x\"\n\"active\": true}", 400, "(line 2, column "},
		{"application/json", "{\"target_url\": \"\xff\"}", 400, "not UTF-8"},
		{"application/json", `{"target_url": "` + strings.Repeat("x", 64<<10) + `"}`, 413, "65536 bytes"},
		{"text/plain", "x", 415, `Unsupported media type "text/plain" in request. Send application/json`},
		{"application/xml", "<a/>", 415, "Unsupported media type"},
		{"nonsense/", "x", 415, "Unsupported media type"},
		{formType, `{"target_url": "` + target + `"}`, 400, "Content-Type: application/json"},
		{formType, "target_url=%", 400, "The form cannot be read"},
		{formType, "target_url=%ff", 400, "not UTF-8"},
		{"multipart/form-data; boundary=x", "target_url", 400, "Multipart form parse error"},
		{"multipart/form-data", "target_url", 400, "Multipart form parse error"},
	} {
		if got := b.send(t, "POST", path, "contoso", tt.body, "Content-Type", tt.contentType).detail(tt.status); !strings.Contains(got, tt.says) {
			t.Errorf("%s %.40q: %q, want %q", tt.contentType, tt.body, got, tt.says)
		}
	}
	got := b.send(t, "POST", path, "contoso", "target_url=a&target_url=b", "Content-Type", formType).about("target_url")
	if !strings.Contains(got, "given twice") {
		t.Errorf("a form with a field twice: %q", got)
	}
	file := multipartForm(t, func(w *multipart.Writer) error {
		_, err := w.CreateFormFile("target_url", "url.txt")
		return err
	})
	if got := b.send(t, "POST", path, "contoso", file.body, "Content-Type", file.contentType).about("target_url"); !strings.Contains(got, "is a file") {
		t.Errorf("a file: %q", got)
	}
}

type multipartBody struct{ body, contentType string }

func multipartForm(t *testing.T, write func(*multipart.Writer) error) multipartBody {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return multipartBody{body.String(), w.FormDataContentType()}
}

// TestForms makes the same webhook by JSON and by both encodings of a form.
func TestForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := map[string]string{
		"target_url": target + "?a=1&b=ü", "active": "False", "event_type": "PATH_ENROLLMENT", "basic_auth_username": "lms",
		"basic_auth_password": "p+w &=", "additional_headers": `{"x-a": "1", "x-secret": "s"}`, "unknown": "x",
	}
	encoded := url.Values{}
	for name, value := range form {
		encoded.Set(name, value)
	}
	parts := multipartForm(t, func(w *multipart.Writer) error {
		for name, value := range form {
			if err := w.WriteField(name, value); err != nil {
				return err
			}
		}
		return nil
	})
	json := `{"target_url": "` + form["target_url"] + `", "active": false, "event_type": "PATH_ENROLLMENT", "basic_auth_username": "lms",
		"basic_auth_password": "p+w &=", "additional_headers": {"x-a": "1", "x-secret": "s"}, "id": "x", "deactivate_reason": "x", "unknown": {}}`
	for contentType, body := range map[string]string{
		"application/json; charset=utf-8": json, formType + "; charset=UTF-8": encoded.Encode(), parts.contentType: parts.body, "": json,
	} {
		got := b.send(t, "POST", path, "contoso", body, "Content-Type", contentType).want(201).object()
		w := b.stored(t, got["id"].(string))
		delete(got, "id")
		want := fields{
			"target_url": form["target_url"], "active": false, "deactivate_reason": nil, "event_type": "PATH_ENROLLMENT", "basic_auth_username": "lms",
			"basic_auth_password": "••••", "additional_headers": fields{"x-a": "1", "x-secret": "••••"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", contentType, diff)
		}
		if w.BasicAuth != (engine.BasicAuth{Username: "lms", Password: "p+w &="}) || !slices.Contains(w.Headers, engine.Header{Name: "x-secret", Value: "s", Sensitive: true}) {
			t.Errorf("%s: stored %+v", contentType, w)
		}
	}
	got := b.send(t, "POST", path, "contoso", "target_url="+target+"&event_type=&additional_headers=", "Content-Type", formType).want(201).object()
	if got["active"] != true || got["event_type"] != nil || len(got["additional_headers"].(fields)) != 0 {
		t.Errorf("blank fields of a form: %v", got)
	}
	for word, want := range map[string]bool{"true": true, "1": true, "on": true, "Yes": true, "0": false, "off": false, "FALSE": false, "n": false} {
		got := b.send(t, "POST", path, "contoso", "target_url="+target+"&active="+word, "Content-Type", formType).want(201).object()
		if got["active"] != want {
			t.Errorf("active=%s is %v", word, got["active"])
		}
	}
}

// TestPutAndPatch changes a webhook, and looks at what is kept.
func TestPutAndPatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	whole := fields{
		"target_url": target, "active": false, "event_type": "QUIZ_COMPLETION", "basic_auth_username": "lms", "basic_auth_password": "hush",
		"additional_headers": fields{"x-token": "t", "x-a": "1"},
	}
	id := b.create(t, whole)
	at := path + "/" + id
	before := b.stored(t, id)

	got := b.send(t, "PUT", at, "contoso", fields{"target_url": target + "/2"}).want(200).object()
	want := fields{
		"id": id, "target_url": target + "/2", "active": true, "deactivate_reason": nil, "event_type": "QUIZ_COMPLETION",
		"basic_auth_username": "lms", "basic_auth_password": "••••", "additional_headers": fields{"x-token": "••••", "x-a": "1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after PUT of the address (-want +got):\n%s", diff)
	}
	after := b.stored(t, id)
	if after.BasicAuth != before.BasicAuth || !slices.Equal(after.Headers, before.Headers) || after.Signing.Secret != before.Signing.Secret || after.Name != before.Name {
		t.Errorf("PUT changed %+v to %+v", before, after)
	}

	for _, step := range []struct {
		field      string
		sent, want any
	}{
		{"active", false, false},
		{"event_type", "PATH_COMPLETION", "PATH_COMPLETION"},
		{"event_type", nil, nil},
		{"basic_auth_username", "other", "other"},
		{"basic_auth_password", "", ""},
		{"additional_headers", fields{"X-Token": "••••", "x-b": "2"}, fields{"X-Token": "••••", "x-b": "2"}},
		{"target_url", target, target},
	} {
		want[step.field] = step.want
		got := b.send(t, "PATCH", at, "contoso", fields{step.field: step.sent}).want(200).object()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after PATCH of %s (-want +got):\n%s", step.field, diff)
		}
	}
	if diff := cmp.Diff(want, b.send(t, "PATCH", at, "contoso", "").want(200).object()); diff != "" {
		t.Errorf("after PATCH of nothing (-want +got):\n%s", diff)
	}
	headers := []engine.Header{{Name: "X-Token", Value: "t", Sensitive: true}, {Name: "x-b", Value: "2"}, {Name: "User-Agent", Value: "skilljar"}}
	if w := b.stored(t, id); !slices.Equal(w.Headers, headers) {
		t.Errorf("the headers are %+v", w.Headers)
	}
	b.send(t, "PATCH", at, "contoso", fields{"additional_headers": nil}).want(200)
	got = b.send(t, "PATCH", at, "contoso", fields{"additional_headers": fields{"user-agent": "mine"}}).want(200).object()
	if agents := got["additional_headers"].(fields); agents["user-agent"] != "mine" || len(b.stored(t, id).Headers) != 1 {
		t.Errorf("with a User-Agent of its own: %v", got)
	}
}

// TestOrdinaryWebhookIsKept changes a webhook that was made elsewhere: what this shape has no field for stays.
func TestOrdinaryWebhookIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ordinary(t, b.contoso.ID, func(w *engine.Webhook) {
		w.Events, w.Verb, w.Blocking, w.Retries = []string{engine.SkilljarCourseCompletion}, "PUT", true, 5
		w.Headers = []engine.Header{{Name: "X-Plain", Value: "hidden", Sensitive: true}}
	})
	want := b.stored(t, id)
	got := b.send(t, "GET", path+"/"+id, "contoso", nil).want(200).object()
	if got["additional_headers"].(fields)["X-Plain"] != "••••" {
		t.Errorf("a header that was made sensitive is shown: %v", got)
	}
	got["additional_headers"] = fields{"X-Plain": "new"}
	got["event_type"] = nil
	answer := b.send(t, "PUT", path+"/"+id, "contoso", got).want(200).object()
	if answer["additional_headers"].(fields)["X-Plain"] != "••••" {
		t.Errorf("its new value is shown: %v", answer)
	}
	after := b.stored(t, id)
	want.Events, want.Version, want.UpdatedAt, want.UpdatedBy = []string{"*"}, 2, after.UpdatedAt, after.UpdatedBy
	want.Headers[0].Value = "new"
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
