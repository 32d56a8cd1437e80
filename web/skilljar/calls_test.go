package skilljar_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// exampleCall is a call of testdata/calls.sh.
type exampleCall struct {
	line   int
	status int
	args   []string // of curl, variables not filled in
}

// readCalls reads the calls, each of which ends at an empty line.
func readCalls(t *testing.T) (calls []exampleCall) {
	t.Helper()
	text, err := os.ReadFile("testdata/calls.sh")
	if err != nil {
		t.Fatal(err)
	}
	var status, line int
	for part := range strings.SplitSeq(string(text), "\n\n") {
		for strings.HasPrefix(part, "#") {
			comment, rest, _ := strings.Cut(part, "\n")
			if code, ok := strings.CutPrefix(comment, "#= "); ok {
				status, _ = strconv.Atoi(code)
			}
			part, line = rest, line+1
		}
		if args := words(part); len(args) > 0 {
			if args[0] != "curl" || status == 0 {
				t.Fatalf("line %d is no call with a status: %q", line+1, args)
			}
			calls = append(calls, exampleCall{line + 1, status, args[1:]})
			status = 0
		}
		line += strings.Count(part, "\n") + 2
	}
	if len(calls) < 9 {
		t.Fatalf("only %d calls", len(calls))
	}
	return calls
}

// words parts a command as a shell does, as far as the calls need it: words, and text between quotes.
func words(command string) []string {
	var (
		list  []string
		word  strings.Builder
		quote rune
		open  bool
	)
	for _, c := range command + "\n" {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\n'):
			if open {
				list = append(list, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	return list
}

// request makes the request that curl would make.
func (c exampleCall) request(t *testing.T, fill *strings.Replacer) *http.Request {
	t.Helper()
	method, address, user, form := "GET", "", "", []string(nil)
	header := http.Header{}
	for i := 0; i < len(c.args); i++ {
		arg := fill.Replace(c.args[i])
		if !strings.HasPrefix(arg, "-") {
			address = arg
			continue
		}
		i++
		value := fill.Replace(c.args[i])
		switch arg {
		case "-u":
			user = strings.TrimSuffix(value, ":")
		case "-X":
			method = value
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		case "-d":
			form = append(form, value)
		default:
			t.Fatalf("line %d: option %s", c.line, arg)
		}
	}
	if len(form) > 0 && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(strings.Join(form, "&")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	r.SetBasicAuth(user, "")
	return r
}

// runHTTP makes the call without curl.
func (c exampleCall) runHTTP(t *testing.T, fill *strings.Replacer) (status int, body []byte) {
	t.Helper()
	res, err := http.DefaultClient.Do(c.request(t, fill))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, out.Bytes()
}

// runCurl makes the call as it is written.
func (c exampleCall) runCurl(t *testing.T, curl string, fill *strings.Replacer) (status int, body []byte) {
	t.Helper()
	args := []string{"-sS", "-q", "--noproxy", "*", "-w", "\n%{http_code}"}
	for _, arg := range c.args {
		args = append(args, fill.Replace(arg))
	}
	out, err := exec.CommandContext(t.Context(), curl, args...).Output()
	if err != nil {
		t.Fatalf("line %d: %v", c.line, err)
	}
	at := bytes.LastIndexByte(out, '\n')
	status, _ = strconv.Atoi(string(out[at+1:]))
	return status, out[:at]
}

// TestExampleCalls runs the calls of Skilljar's document, and looks at what the webhooks that they make are sent.
func TestExampleCalls(t *testing.T) {
	t.Parallel()
	t.Run("net/http", func(t *testing.T) {
		t.Parallel()
		testExampleCalls(t, exampleCall.runHTTP)
	})
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		curl, err := exec.LookPath("curl")
		if err != nil {
			t.Skip("needs curl")
		}
		testExampleCalls(t, func(c exampleCall, t *testing.T, fill *strings.Replacer) (int, []byte) {
			return c.runCurl(t, curl, fill)
		})
	})
}

func testExampleCalls(t *testing.T, run func(exampleCall, *testing.T, *strings.Replacer) (int, []byte)) {
	b := setup(t)
	r := enginetest.NewReceiver(t, "200")
	id := ""
	for _, call := range readCalls(t) {
		if call.status == http.StatusNoContent {
			wantDeliveries(t, b, r) // while all of them are there
		}
		status, body := run(call, t, strings.NewReplacer("$BASE", b.base, "$KEY", b.keys["contoso"], "$HOOK", r.URL, "$ID", id))
		if status != call.status {
			t.Fatalf("line %d: status %d, want %d: %s", call.line, status, call.status, body)
		}
		if status != http.StatusCreated {
			continue
		}
		var made struct{ ID string }
		if err := json.Unmarshal(body, &made); err != nil {
			t.Fatalf("line %d: %v: %s", call.line, err, body)
		}
		id = made.ID
	}
	if left := len(b.store.Directory().Webhooks(b.contoso.ID)); left != 4 {
		t.Errorf("%d webhooks are left", left)
	}
}

// wantDeliveries posts an enrollment, and compares what the webhooks of the calls make of it.
func wantDeliveries(t *testing.T, b *bundle, r *enginetest.Receiver) {
	t.Helper()
	kind, _ := engine.BuiltIn.Find(engine.SkilljarCourseEnrollment)
	before := len(r.Arrived()) // the ping
	if _, err := b.engine.Accept(t.Context(), &engine.Event{Type: kind.Code, ConsumerID: b.contoso.ID, Data: kind.Sample()}); err != nil {
		t.Fatal(err)
	}
	got := map[string]receiver.Request{}
	for _, req := range r.Wait(t, before+4)[before:] {
		got[req.Path] = req
		if req.Verb != "POST" || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("User-Agent") != "skilljar" || string(req.Body) != string(kind.Sample()) {
			t.Errorf("%s %s with %v and %s", req.Verb, req.Path, req.Header, req.Body)
		}
	}
	secured := got["/secured"]
	user, password, _ := (&http.Request{Header: secured.Header}).BasicAuth()
	if user != "customer_username_input" || password != "customer_password_input" {
		t.Errorf("Basic user %q with password %q", user, password)
	}
	for name, want := range map[string]string{"x-my-new-header": "string", "client_id": "examplestring2", "client_secret": "abcdefg1234567"} {
		if value := secured.Header.Get(name); value != want {
			t.Errorf("header %s is %q, want %q", name, value, want)
		}
	}
	for _, at := range []string{"/changed", "/single", "/all"} {
		if _, ok := got[at]; !ok {
			t.Errorf("nothing came to %s", at)
		}
	}
}
