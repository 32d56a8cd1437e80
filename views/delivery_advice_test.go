package views

import (
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

func TestWhatToCheck(t *testing.T) {
	t.Parallel()
	w := engine.Webhook{Version: 4, Timeout: 30 * time.Second}
	for name, tt := range map[string]struct {
		class   engine.FailureClass
		status  int
		version int
		err     string
		want    []string
	}{
		"name":            {class: engine.ClassDNS, want: []string{"resolved", "The name is hooks.example.com."}},
		"refused":         {class: engine.ClassRefused, want: []string{"port", "firewall"}},
		"timeout":         {class: engine.ClassTimeout, version: 4, want: []string{"the timeout is 30 s"}},
		"another timeout": {class: engine.ClassTimeout, version: 3, want: []string{"within the timeout"}},
		"expired": {
			class: engine.ClassTLS, err: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time …",
			want: []string{"certificate", "has expired, or is not valid yet"},
		},
		"other name":      {class: engine.ClassTLS, err: "x509: certificate is valid for a.example, not b.example", want: []string{"other names"}},
		"other authority": {class: engine.ClassTLS, err: "x509: certificate signed by unknown authority", want: []string{"--ca-file"}},
		"unknown words":   {class: engine.ClassTLS, err: "tls: something new", want: []string{"certificate"}},
		"credentials":     {class: engine.ClassStatus, status: 401, want: []string{"Authorization"}},
		"forbidden":       {class: engine.ClassStatus, status: 403, want: []string{"Authorization"}},
		"not found":       {class: engine.ClassStatus, status: 404, want: []string{"URL or verb", "The verb was PUT."}},
		"not allowed":     {class: engine.ClassStatus, status: 405, want: []string{"URL or verb", "The verb was PUT."}},
		"media type":      {class: engine.ClassStatus, status: 415, want: []string{"content type", "It was sent as text/plain."}},
		"own failure":     {class: engine.ClassStatus, status: 500, want: []string{"Its own log"}},
	} {
		a := engine.Attempt{
			WebhookVersion: tt.version, Outcome: engine.Outcome{Class: tt.class, Error: tt.err},
			Request: engine.SentRequest{Verb: "PUT", URL: "https://hooks.example.com:8443/lab", Headers: []string{"Host: x", "content-type: text/plain"}},
		}
		if tt.status != 0 {
			a.Answer = &engine.Answer{StatusCode: tt.status}
		}
		got := whatToCheck(&w, &a)
		for _, part := range tt.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q lacks %q", name, got, part)
			}
		}
		if strings.Contains(got, "the timeout is") && tt.version != w.Version {
			t.Errorf("%s: %q tells of the timeout of another version", name, got)
		}
	}
}
