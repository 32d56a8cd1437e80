package views

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"labhook/engine"
)

// arrived is a request as a server got it.
type arrived struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// listener is a server that keeps the latest request.
func listener(t *testing.T) (url string, latest func() arrived) {
	got := make(chan arrived, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Content-Length") // Go's client and curl differ in whether an empty body has one
		got <- arrived{r.Method, r.RequestURI, r.Host, r.Header, string(body)}
	}))
	t.Cleanup(ts.Close)
	return ts.URL, func() arrived { return <-got }
}

// shell runs a command, or skips the test where that is not possible.
func shell(t interface {
	Helper()
	Fatalf(string, ...any)
}, dir, command string, env ...string,
) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, command, out)
	}
}

func needCurl(t *testing.T) {
	t.Helper()
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("there is no " + name)
		}
	}
}

// TestU16CurlSendsTheSame: whatever an attempt sent, the copied command sends, once the secrets are filled in.
func TestU16CurlSendsTheSame(t *testing.T) {
	t.Parallel()
	needCurl(t)
	url, latest := listener(t)
	host := strings.TrimPrefix(url, "http://")
	dir := t.TempDir()
	texts := rapid.StringMatching(`[ -~]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		secret := "s'ec$ret `x` \"y\""
		body := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 60),
			rapid.Map(texts, func(s string) []byte { return []byte("@" + s) }),
			rapid.Map(texts, func(s string) []byte { return []byte("-" + s + "\x00") }), // no option of printf
			rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		).Draw(t, "body")
		verb := rapid.SampledFrom([]string{"POST", "PUT", "PATCH", "DELETE", "GET"}).Draw(t, "verb")
		value := strings.TrimSpace(texts.Draw(t, "header"))
		target := "/" + rapid.StringMatching(`[a-zA-Z0-9~!$&'()*+,;=:@/\[\]._-]{0,20}`).Draw(t, "path") + "?q=" + rapid.StringMatching(`[a-z0-9'$*{}\[\]&=+%2]{0,10}`).Draw(t, "query")
		headers := []string{"Host: " + host, "Accept-Encoding: gzip", "Authorization: " + engine.Mask, "X-Own: " + value, "X-Key: " + engine.Mask}
		if rapid.Bool().Draw(t, "typed") {
			headers = append(headers, "Content-Type: text/plain", "User-Agent: Labhook/test")
		}
		a := engine.Attempt{Number: 1, Request: engine.SentRequest{Verb: verb, URL: url + target, Headers: headers, Body: body}}
		c := newCurl(&a)
		if strings.ContainsRune(c.Command, 0) || Printable([]byte(c.Command)) != c.Command {
			t.Fatalf("the command is not text: %q", c.Command)
		}
		shell(t, dir, c.Command, "WEBHOOK_TOKEN="+secret, "WEBHOOK_TOKEN_2=two")
		want := arrived{verb, target, host, http.Header{"Accept-Encoding": {"gzip"}, "Authorization": {secret}, "X-Own": {value}, "X-Key": {"two"}}, string(body)}
		if len(headers) > 5 {
			want.Header["Content-Type"], want.Header["User-Agent"] = []string{"text/plain"}, []string{"Labhook/test"}
		}
		if diff := cmp.Diff(want, latest()); diff != "" {
			t.Fatalf("another request arrived (-want +got):\n%s\n%s", diff, c.Command)
		}
	})
}

// A body that is too long for a command is read from a file, which the page offers.
func TestCurlOfALongBody(t *testing.T) {
	t.Parallel()
	needCurl(t)
	url, latest := listener(t)
	body := bytes.Repeat([]byte("0123456789\n"), 20_000)
	a := engine.Attempt{Number: 3, Request: engine.SentRequest{Verb: "POST", URL: url, Headers: []string{"Content-Type: text/plain"}, Body: body}}
	c := newCurl(&a)
	if len(c.Command) > 1000 || !strings.Contains(c.note(), c.File) || c.File == "" {
		t.Errorf("file %q, note %q, %d bytes", c.File, c.note(), len(c.Command))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, c.File), body, 0o600); err != nil {
		t.Fatal(err)
	}
	shell(t, dir, c.Command)
	if got := latest(); got.Body != string(body) || got.Method != "POST" {
		t.Errorf("%s with %d bytes arrived", got.Method, len(got.Body))
	}
}

func TestCurlNotes(t *testing.T) {
	t.Parallel()
	a := engine.Attempt{Request: engine.SentRequest{Verb: "GET", URL: "https://hooks.example.com/", Headers: []string{"webhook-signature: v1,abc", "Authorization: " + engine.Mask}}}
	if note := newCurl(&a).note(); !strings.Contains(note, "Set WEBHOOK_TOKEN to what is masked") || !strings.Contains(note, "its timestamp is old") {
		t.Error(note)
	}
	a.Request.Headers = nil
	if note := newCurl(&a).note(); note != "For a POSIX shell." {
		t.Error(note)
	}
}
