package cli

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"labhook/engine/receiver"
)

// printed returns what one request looks like.
func printed(p requestPrinter, req receiver.Request) string {
	var out bytes.Buffer
	p.w = &out
	p.print(req)
	return out.String()
}

func TestPrintRequest(t *testing.T) {
	t.Parallel()
	req := receiver.Request{
		At: time.Date(2026, 10, 22, 14, 2, 11, 345_000_000, time.Local), Number: 7, Verb: "POST", Path: "/lab", RawQuery: "a=b",
		Header: http.Header{"Labhook-Event": {"lab.scored"}, "Labhook-Attempt": {"2"}, "A": {"\x1b[31mred"}},
		Body:   []byte(`{"Id":1,"Name":"Zoë"}`), Answer: receiver.Answer{Status: 503},
	}
	const head = "14:02:11.345  POST /lab?a=b  → 503  lab.scored, attempt 2\n"
	const full = head +
		"  A: \uFFFD[31mred\n  Labhook-Attempt: 2\n  Labhook-Event: lab.scored\n\n  {\n    \"Id\": 1,\n    \"Name\": \"Zoë\"\n  }\n\n"
	if got := printed(requestPrinter{quiet: true}, req); got != head {
		t.Errorf("quiet: got %q, want %q", got, head)
	}
	if got := printed(requestPrinter{}, req); got != full {
		t.Errorf("got\n%s\nwant\n%s", got, full)
	}
	if got := printed(requestPrinter{paint: true, quiet: true}, req); !strings.Contains(got, "\x1b[31m503\x1b[0m") {
		t.Errorf("the status is not red: %q", got)
	}
	const line = `"verb":"POST","path":"/lab","query":"a=b","headers":{"A":["\u001b[31mred"],`
	if got := printed(requestPrinter{json: true}, req); !strings.Contains(got, line) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s", got)
	}
	req.Body = []byte{0xff, 0xfe}
	if got := printed(requestPrinter{}, req); !strings.Contains(got, "(2 bytes that are no text)") {
		t.Errorf("got %s", got)
	}
}

func TestAnswerColour(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer receiver.Answer
		want   string
	}{
		{receiver.Answer{Status: 200}, green},
		{receiver.Answer{Status: 302}, yellow},
		{receiver.Answer{Status: 404}, yellow},
		{receiver.Answer{Status: 500}, red},
		{receiver.Answer{Hang: true}, red},
		{receiver.Answer{Status: 200, Drop: true}, red},
	} {
		if got := answerColour(tt.answer); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.answer, got, tt.want)
		}
	}
}

// TestListenVerifies sends signed requests to a receiver that knows the secret.
func TestListenVerifies(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	official, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	stderr, logged := io.Pipe()
	var stdout bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- Listen(t.Context(), Env{Getenv: func(string) string { return "" }, Stdout: &stdout, Stderr: logged}, []string{
			"--listen", "127.0.0.1:0", "--quiet", "--count", "3", "--require-signature",
			"--secret", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "--secret", secret,
		})
	}()
	said, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(strings.Fields(said)[2], ".")

	now := time.Now()
	signature, err := official.Sign("dlv_1", now, []byte(`{"Id":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		body, signature string
		status          int
	}{
		{`{"Id":1}`, signature, http.StatusOK},
		{`{"Id":2}`, signature, http.StatusUnauthorized},
		{`{"Id":1}`, "", http.StatusUnauthorized},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/lab", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Webhook-Id": {"dlv_1"}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {tt.signature}}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("request %d: status %d, want %d", i+1, res.StatusCode, tt.status)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "→ 200  signature verified") ||
		!strings.HasSuffix(lines[1], "→ 401  signature NOT verified: no signature is that of the secret") ||
		!strings.Contains(lines[2], "→ 401  signature NOT verified: the request has no id, timestamp and signature") {
		t.Errorf("printed\n%s", stdout.String())
	}
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v       verifier
		problem string
	}{
		{verifier{}, ""},
		{verifier{secrets: secrets{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, require: true}, ""},
		{verifier{secrets: secrets{"anything"}, header: "X-Signature"}, ""},
		{verifier{secrets: secrets{"anything"}}, "--secret must begin with whsec_ or whpk_"},
		{verifier{require: true}, "need --secret"},
		{verifier{header: "X-Signature"}, "need --secret"},
	} {
		if got := tt.v.problem(); !strings.Contains(got, tt.problem) || (got == "") != (tt.problem == "") {
			t.Errorf("%+v: problem %q, want …%q…", tt.v, got, tt.problem)
		}
	}

	mac := hmac.New(sha256.New, []byte("a shared secret"))
	mac.Write([]byte("body"))
	v := verifier{secrets: secrets{"another secret", "a shared secret"}, header: "X-TI-Signature"}
	right := receiver.Request{Body: []byte("body"), Header: http.Header{"X-Ti-Signature": {hex.EncodeToString(mac.Sum(nil))}}}
	if v.inspect(&right); right.Note != "signature verified" || right.Answer.Status != 0 {
		t.Errorf("a right signature: %q, answered %s", right.Note, right.Answer)
	}
	cut := right
	cut.Truncated = true
	if v.inspect(&cut); !strings.Contains(cut.Note, "NOT verified: the body has more than") || cut.Answer.Status != 0 {
		t.Errorf("a body that was cut: %q, answered %s", cut.Note, cut.Answer)
	}
	none := receiver.Request{}
	if (&verifier{}).inspect(&none); none.Note != "" {
		t.Errorf("without secrets: %q", none.Note)
	}
	if got := printed(requestPrinter{json: true}, right); !strings.Contains(got, `"note":"signature verified"`) {
		t.Errorf("got %s", got)
	}
}
