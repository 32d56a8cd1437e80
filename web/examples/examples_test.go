package examples

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// TestPost runs the examples that post an event. The first answer is lost on its way, so that they try again.
func TestPost(t *testing.T) {
	t.Parallel()
	inEach(t, "post", func(t *testing.T, command []string) {
		s := setup(t, func(w http.ResponseWriter, _ *http.Request, n int64) bool {
			if n == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n > 1
		})
		stdout, code := s.run(t, command)
		if code != 0 || !strings.Contains(stdout, "exam-4711-scored") {
			t.Errorf("exit code %d: %s", code, stdout)
		}
		event, err := s.store.EventNamed(t.Context(), "exam-4711-scored", 0)
		if err != nil || event.Type != engine.LabScored || event.ConsumerID != s.consumer.ID || event.Subject != "998592321" {
			t.Errorf("the event is %+v, error %v", event, err)
		}
		s.key = "wrong"
		posts := s.posts.Load()
		if stdout, code = s.run(t, command); code == 0 || s.posts.Load() != posts+1 {
			t.Errorf("with a wrong key: exit code %d after %d posts: %s", code, s.posts.Load()-posts, stdout)
		}
	})
}

// TestWait runs the examples that wait for blocking webhooks. The time is over once, so that they ask again.
func TestWait(t *testing.T) {
	t.Parallel()
	inEach(t, "wait", func(t *testing.T, command []string) {
		asked := make(chan struct{})
		s := setup(t, func(_ http.ResponseWriter, r *http.Request, n int64) bool {
			if n == 1 {
				r.URL.RawQuery = url.Values{"wait": {"1"}}.Encode()
			} else if n == 2 {
				close(asked)
			}
			return true
		})
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-asked:
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusInternalServerError)
		})}
		address := listen(t, &server)
		s.webhook(t, engine.LabFirstDisplayable, address, func(w *engine.Webhook) {
			w.Blocking, w.Retries, w.ErrorAction, w.NotificationText = true, 0, engine.ErrorActionNotifyUser, "The gradebook is away."
		})
		stdout, code := s.run(t, command)
		if action, rest, _ := strings.Cut(stdout, "\n"); code != 0 || action != "notify_user" || rest != "" && rest != "The gradebook is away.\n" {
			t.Errorf("exit code %d: %q", code, stdout)
		}
		if n := s.posts.Load(); n != 2 {
			t.Errorf("%d posts", n)
		}
		s.key = "wrong"
		if stdout, code = s.run(t, command); code == 0 || s.posts.Load() != 3 {
			t.Errorf("with a wrong key: exit code %d after %d posts: %s", code, s.posts.Load(), stdout)
		}
	})
}

// delivery is a request that carries a delivery.
type delivery struct {
	id, timestamp, signature string
	body                     []byte
}

// deliver lets the server make a delivery that is signed by two secrets, as during a rotation, and returns it with them.
func deliver(t *testing.T) (d delivery, secrets [2]engine.Secret) {
	t.Helper()
	s := setup(t, func(http.ResponseWriter, *http.Request, int64) bool { return true })
	r := enginetest.NewReceiver(t, "200")
	w := s.webhook(t, engine.LabScored, r.URL, func(*engine.Webhook) {})
	rotated, err := s.store.RotateSecret(t.Context(), engine.System, w.ID, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	data := engine.SampleLabDetails().With(map[string]any{"UserFirstName": "Zoë\u0000", "CustomData": "a\nb"}).Body()
	if _, err := s.engine.Accept(t.Context(), &engine.Event{Type: engine.LabScored, ConsumerID: s.consumer.ID, Data: data}); err != nil {
		t.Fatal(err)
	}
	got := r.Wait(t, 1)[0]
	return deliveryIn(got), [2]engine.Secret{w.Signing.Secret, rotated.Signing.Secret}
}

func deliveryIn(r receiver.Request) delivery {
	h := r.Header
	return delivery{h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature"), r.Body}
}

// forged returns deliveries that must be refused, by what is wrong with them.
func (d delivery) forged(t *testing.T) map[string]delivery {
	t.Helper()
	seconds, err := strconv.ParseInt(d.timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]delivery{}
	add := func(what string, change func(*delivery)) {
		other := d
		change(&other)
		list[what] = other
	}
	add("another body", func(d *delivery) { d.body = append(bytes.Clone(d.body), ' ') })
	add("no body", func(d *delivery) { d.body = nil })
	add("another id", func(d *delivery) { d.id += "x" })
	add("no id", func(d *delivery) { d.id = "" })
	add("another timestamp", func(d *delivery) { d.timestamp = strconv.FormatInt(seconds+1, 10) })
	add("no timestamp", func(d *delivery) { d.timestamp = "" })
	add("a timestamp that is no number", func(d *delivery) { d.timestamp = "soon" })
	add("a timestamp that is too long", func(d *delivery) { d.timestamp = strings.Repeat("9", 400) })
	add("no signature", func(d *delivery) { d.signature = "" })
	add("another scheme", func(d *delivery) { d.signature = strings.ReplaceAll(d.signature, "v1,", "v2,") })
	add("a bare signature", func(d *delivery) { d.signature = strings.ReplaceAll(d.signature, "v1,", "") })
	add("half a signature", func(d *delivery) { d.signature = d.signature[:20] })
	return list
}

// signedAt returns the delivery with a right signature of another time.
func (d delivery) signedAt(secret engine.Secret, at time.Time) delivery {
	d.timestamp = strconv.FormatInt(at.Unix(), 10)
	d.signature = signature(secret, d)
	return d
}

// TestVerify lets the examples that verify a delivery look at a real one, at forged ones, and at ones that are too old or
// too new although their signature is right.
func TestVerify(t *testing.T) {
	t.Parallel()
	d, secrets := deliver(t)
	now := time.Now()
	inEach(t, "verify", func(t *testing.T, command []string) {
		for _, secret := range secrets {
			accepts := acceptance(t, command, secret)
			if !accepts(d) {
				t.Errorf("the delivery is refused")
			}
			if !accepts(d.signedAt(secret, now.Add(-time.Minute))) || !accepts(d.signedAt(secret, now.Add(time.Minute))) {
				t.Errorf("a delivery of a minute ago or ahead is refused")
			}
			if accepts(d.signedAt(secret, now.Add(-6*time.Minute))) || accepts(d.signedAt(secret, now.Add(8*time.Minute))) {
				t.Errorf("a delivery that is too old or too new is accepted")
			}
			for what, forged := range d.forged(t) {
				if accepts(forged) {
					t.Errorf("a delivery with %s is accepted", what)
				}
			}
		}
		other := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		for _, secret := range []engine.Secret{engine.Secret(other), "", "whsec_"} {
			accepts := acceptance(t, command, secret)
			if accepts(d) || accepts(d.signedAt(secret, now)) != (secret == engine.Secret(other)) {
				t.Errorf("with the secret %q the wrong deliveries are accepted", secret.Reveal())
			}
		}
	})
}

// acceptance returns how to ask an example whether it accepts a delivery: a script by its exit code, others as receivers.
func acceptance(t *testing.T, command []string, secret engine.Secret) func(delivery) bool {
	t.Helper()
	if command[0] == "sh" {
		return func(d delivery) bool {
			cmd := exec.CommandContext(t.Context(), command[0], command[1], d.id, d.timestamp, d.signature)
			cmd.Env = append(os.Environ(), "LABHOOK_SECRET="+secret.Reveal())
			cmd.Stdin = bytes.NewReader(d.body)
			return cmd.Run() == nil
		}
	}
	address := serveExample(t, command, secret)
	return func(d delivery) bool {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/results", bytes.NewReader(d.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"webhook-id": d.id, "webhook-timestamp": d.timestamp, "webhook-signature": d.signature} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", res.StatusCode)
		}
		return res.StatusCode == http.StatusNoContent
	}
}

// TestCSharp compiles the examples in C#, where there is a compiler.
func TestCSharp(t *testing.T) {
	t.Parallel()
	dotnet := needs(t, "dotnet", "LABHOOK_DOTNET")
	version, err := exec.CommandContext(t.Context(), dotnet, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	major, _, _ := strings.Cut(string(version), ".")
	project := `<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net` + major + `.0</TargetFramework>` +
		`<Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>`
	for _, task := range tasks {
		dir := t.TempDir()
		source, err := os.ReadFile(filepath.Join("testdata", task, "Program.cs"))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"Program.cs": source, "example.csproj": []byte(project)} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), dotnet, "build", "--nologo", dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", task, err, out)
		}
	}
}
