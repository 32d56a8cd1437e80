package web

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// sentRequest is a request as a receiver got it.
type sentRequest struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// sent sends an example to a webhook of its own, and returns the delivery's page and its path once the answer is on disk.
func (b *bundle) sent(changes ...func(*engine.Webhook)) (path string, page answer) {
	b.t.Helper()
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores", changes...)
	tested, err := b.engine.Test(b.t.Context(), engine.System, w.ID, engine.Example{})
	if err != nil {
		b.t.Fatal(err)
	}
	path = views.DeliveryURL(tested.Delivery.ID)
	return path, b.get(path)
}

// runsCommands returns a receiver's URL and what arrives there, and a server that may send to it. Without the programs that
// a copied command needs, the test is skipped.
func runsCommands(t *testing.T) (b *bundle, url string, got chan sentRequest) {
	t.Helper()
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("there is no " + name)
		}
	}
	got = make(chan sentRequest, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- sentRequest{r.Method, r.RequestURI, r.Host, r.Header, string(body)}
	}))
	t.Cleanup(receiver.Close)
	return setupGuarded(t, enginetest.Guard()), receiver.URL, got
}

// TestU16CopiedCommandSendsTheSame copies the command from the page of a delivery that the engine has sent, fills in the
// secrets, runs it and compares what arrives.
func TestU16CopiedCommandSendsTheSame(t *testing.T) {
	t.Parallel()
	b, receiver, got := runsCommands(t)
	b.signIn(engine.RoleDeveloper) // from viewers the values of the query are kept, too
	for name, change := range map[string]func(*engine.Webhook){
		"lab details": func(*engine.Webhook) {},
		"own content": func(w *engine.Webhook) {
			w.SendLabDetails, w.Content, w.ContentType = false, "it's `$HOME` \"100 %\"\r\n@ü\\n", "text/plain"
		},
		"secrets": func(w *engine.Webhook) {
			w.BasicAuth = engine.BasicAuth{Username: "dana", Password: "correct horse"}
			w.Headers = []engine.Header{{Name: "X-Own", Value: "it's \"mine\""}}
		},
		"without body": func(w *engine.Webhook) { w.Verb, w.SendLabDetails = "GET", false },
	} {
		path, page := b.sent(func(w *engine.Webhook) { w.URL = receiver + "/lab?a=[1]&b='x'" }, change)
		want := <-got
		command := page.doc.Find("#curl-1").Text()
		if command == "" {
			t.Errorf("%s: there is no command", name)
			continue
		}
		if strings.Contains(page.body, "correct horse") || strings.Contains(command, "Basic") {
			t.Errorf("%s: the secret is on the page", name)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Env = append(os.Environ(), "WEBHOOK_TOKEN="+want.Header.Get("Authorization"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, command, out)
			continue
		}
		if diff := cmp.Diff(want, <-got); diff != "" {
			t.Errorf("%s: another request arrived (-want +got):\n%s\n%s", name, diff, command)
		}
		if raw := b.get(path + "/attempts/1/request.raw"); raw.body != want.Body || !strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: the downloaded body is %q, want %q", name, raw.body, want.Body)
		}
	}
}

// hostileBody is what a stranger may answer with: script, terminal control, bytes that are no text, and much of it.
func hostileBody() []byte {
	part := []byte("<script>alert(1)</script></pre><img src=x onerror=alert(2)>\x1b[2J\x1b]0;owned\x07\x00\xff\xfe\u202e&amp;\n")
	return bytes.Repeat(part, 5<<20/len(part))
}

// TestU17AnswersAreInert looks at the pages that show such an answer.
func TestU17AnswersAreInert(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Say", "<script>alert(3)</script>")
		_, _ = w.Write(hostileBody())
	}))
	t.Cleanup(receiver.Close)
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleViewer)
	delivery, _ := b.sent(func(w *engine.Webhook) { w.URL = receiver.URL })
	for _, path := range []string{delivery, delivery + "?raw=1"} {
		a := b.get(path)
		if a.status != http.StatusOK || len(a.body) > 300<<10 {
			t.Errorf("%s: status %d, %d bytes", path, a.status, len(a.body))
		}
		if strings.ContainsAny(a.body, "\x00\x1b\x07\u202e") || strings.Contains(a.body, "<script>alert") || a.doc.Find("img").Length() > 0 {
			t.Errorf("%s: the answer acts on the page", path)
		}
		if shown := a.doc.Find("#attempt-1 pre, #attempt-1 .headers").Text(); !strings.Contains(shown, "<script>alert(1)</script></pre><img src=x onerror=alert(2)>␛[2J") || !strings.Contains(shown, "<script>alert(3)") {
			t.Errorf("%s: the answer is not shown as it is", path)
		}
	}
	raw := b.get(delivery + "/attempts/1/response.raw")
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff",
	} {
		if got := raw.header.Get(name); got != want {
			t.Errorf("download: %s is %q, want %q", name, got, want)
		}
	}
	if len(raw.body) != engine.MaxAnswerBody || !bytes.HasPrefix(hostileBody(), []byte(raw.body)) {
		t.Errorf("the download has %d bytes", len(raw.body))
	}
}

// From a list one goes on to its next delivery, and back to the list, whatever is done in between.
func TestDeliveryInItsList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	all := manyDeliveries(b, &w, 9)
	list := b.get(views.WebhookLogsURL(w.ID, "status", "failed"))
	first := b.get(list.doc.Find("#deliveries th a").First().AttrOr("href", ""))
	if first.doc.Find("a[rel=prev]").Length() > 0 || !strings.Contains(first.text("h1"), all[7].ID.String()) {
		t.Errorf("first: %s", first.text("main nav"))
	}
	second := b.get(first.doc.Find("a[rel=next]").AttrOr("href", ""))
	third := b.get(second.doc.Find("a[rel=next]").AttrOr("href", ""))
	if !strings.Contains(third.text("h1"), all[1].ID.String()) || third.doc.Find("a[rel=next]").Length() > 0 {
		t.Errorf("third: %s", third.text("h1"))
	}
	if back := b.get(third.doc.Find("a[rel=prev]").AttrOr("href", "")); back.text("h1") != second.text("h1") {
		t.Errorf("back from the third: %s", back.text("h1"))
	}
	if got := third.doc.Find("main nav.quick a").First().AttrOr("href", ""); got != views.WebhookLogsURL(w.ID, "status", "failed") {
		t.Errorf("the way back is %s", got)
	}
	resent := b.post(third.doc.Find("#delivery form").First().AttrOr("action", ""), nil)
	if resent = b.get(resent.header.Get("Location")); resent.doc.Find("a[rel=prev]").Length() != 1 {
		t.Error("the list is lost after a resend")
	}
	if alone := b.get(views.DeliveryURL(all[1].ID)); alone.doc.Find("a[rel=prev], a[rel=next]").Length() > 0 {
		t.Error("a delivery without a list has neighbours")
	}
	if wrong := b.get(views.DeliveryURL(all[1].ID) + "?list=%25zz%3Bstatus%3Dlost%26x%3D%00"); wrong.status != http.StatusOK {
		t.Errorf("a list that is none: status %d", wrong.status)
	}
}
