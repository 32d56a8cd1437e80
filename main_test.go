package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
	"labhook/web/cli"
)

// childEnv, set in its environment, makes the test binary be the program itself, so that tests can kill it.
const childEnv = "LABHOOK_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Exit codes.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitNoServer = 6
)

// patience bounds every wait for something that must happen; nothing is asserted about how long it takes.
const patience = 2 * time.Minute

// loopback lets webhooks call the receivers of the tests.
const loopback = "--allow-networks=127.0.0.0/8"

// program is a running server.
type program struct {
	base string     // URL
	data string     // directory
	stop func() int // lets it stop in order and returns the exit code
	cmd  *exec.Cmd  // nil: it runs in this process
	key  string
}

// boot starts the server in this process, on a free port and a data directory of its own.
func boot(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{data: t.TempDir()}
	out, stdout := io.Pipe()
	exit := make(chan int, 1)
	args = append([]string{"serve", "--data", p.data, "--listen", "127.0.0.1:0", "--log-level", "error", loopback}, args...)
	go func() {
		exit <- run(ctx, args, cli.Env{Getenv: noEnv, Stdout: stdout, Stderr: t.Output(), Version: "test"})
		stdout.Close()
	}()
	p.stop = sync.OnceValue(func() int {
		cancel()
		return <-exit
	})
	t.Cleanup(func() { p.stop() })
	p.base = readAddress(t, out)
	p.key = strings.TrimSpace(labhook(t, "key", "create", "--data", p.data, "--description", "test"))
	return p
}

// spawn starts the server as a process of its own on an existing data directory.
func spawn(t *testing.T, data string, args ...string) *program {
	t.Helper()
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error", loopback}, args...)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{data: data, cmd: cmd}
	p.stop = sync.OnceValue(func() int {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // the exit code says it
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() { p.stop() })
	p.base = readAddress(t, stdout)
	return p
}

// readAddress waits until the server says where it listens, which it does when it is ready.
func readAddress(t *testing.T, stdout io.Reader) string {
	t.Helper()
	var seen strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		fmt.Fprintln(&seen, lines.Text())
		if address, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "address "); ok {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return strings.TrimSpace(address)
		}
	}
	t.Fatalf("the server did not say where it listens:\n%s", seen.String())
	return ""
}

func noEnv(string) string { return "" }

// labhook runs a command that must succeed and returns what it printed.
func labhook(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := cli.Env{Getenv: noEnv, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Version: "test"}
	if code := run(t.Context(), args, env); code != exitOK {
		t.Fatalf("labhook %s: exit code %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	return stdout.String()
}

// object is a JSON object.
type object = map[string]any

// call sends a request to the API and returns the status. An answer is read into out, when there is one to read.
func (p *program) call(ctx context.Context, verb, path string, in, out any) (int, error) {
	var body bytes.Buffer
	if in != nil {
		text := json.NewEncoder(&body)
		text.SetEscapeHTML(false) // the data of events go out as the test spells them
		if err := text.Encode(in); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, verb, p.base+path, &body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || out == nil {
		return res.StatusCode, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return res.StatusCode, fmt.Errorf("%s %s answered %d %s: %w", verb, path, res.StatusCode, answer, err)
	}
	return res.StatusCode, nil
}

// must is call for a request that has to end with that status.
func (p *program) must(t *testing.T, status int, verb, path string, in, out any) {
	t.Helper()
	var answer json.RawMessage
	got, err := p.call(t.Context(), verb, path, in, &answer)
	if err != nil || got != status {
		t.Fatalf("%s %s: status %d, want %d, error %v\n%s", verb, path, got, status, err, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s %s: %v\n%s", verb, path, err, answer)
		}
	}
}

// addConsumer makes the API consumer that the tests' webhooks belong to.
func (p *program) addConsumer(t *testing.T) {
	t.Helper()
	p.must(t, http.StatusCreated, http.MethodPost, "/api/v1/consumers", object{"name": "Contoso LMS", "external_id": "contoso"}, nil)
}

// addWebhook makes a webhook from the fields that matter to a test.
func (p *program) addWebhook(t *testing.T, fields object) {
	t.Helper()
	webhook := object{"consumer": "contoso", "timeout": 30, "retries": 0}
	for name, value := range fields {
		webhook[name] = value
	}
	p.must(t, http.StatusCreated, http.MethodPost, "/api/v1/webhooks", webhook, nil)
}

// posted is the answer to a posted event.
type posted struct {
	ID         string    `json:"id"`
	AcceptedAt time.Time `json:"accepted_at"`
	Deliveries []struct {
		ID string `json:"id"`
	} `json:"deliveries"`
}

// post posts an event that one webhook listens to, and returns the answer with the one delivery.
func (p *program) post(t *testing.T, event object) posted {
	t.Helper()
	var answer posted
	p.must(t, http.StatusAccepted, http.MethodPost, "/api/v1/events", event, &answer)
	if len(answer.Deliveries) != 1 {
		t.Fatalf("the event has %d deliveries, want 1", len(answer.Deliveries))
	}
	return answer
}

// deliveryAnswer is what the API says about a delivery.
type deliveryAnswer struct {
	ID       string     `json:"id"`
	State    string     `json:"state"`
	Attempts []struct { // oldest first
		Number       int    `json:"number"`
		Outcome      string `json:"outcome"`
		FailureClass string `json:"failure_class"`
		Answer       *struct {
			Status int `json:"status"`
		} `json:"answer"`
		Timings struct {
			Total int64 `json:"total"`
		} `json:"timings"`
	} `json:"attempts"`
	AttemptsMade int    `json:"attempts_made"`
	FailureClass string `json:"failure_class"`
	LastStatus   *int   `json:"last_status"`
}

// final waits until a delivery has ended.
func (p *program) final(t *testing.T, id string) deliveryAnswer {
	t.Helper()
	var d deliveryAnswer
	wait(t, "delivery "+id+" to end", func() bool {
		d = deliveryAnswer{}
		p.must(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries/"+id, nil, &d)
		return d.State == "delivered" || d.State == "failed" || d.State == "cancelled"
	})
	return d
}

// wait asks again and again until the fact holds.
func wait(t *testing.T, what string, fact func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !fact() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// wantBody is what a receiver gets of the event in TestEventReachesReceiver: Studio's 25 fields in Studio's order,
// values as the sender spelled them, null for what it left out, nothing of what the lab details do not have.
const wantBody = `{"Id":998592321,"UserId":5023932,"UserExternalId":"Zo\u00eb","UserFirstName":"Zoë","UserLastName":null,` +
	`"LabProfileId":19376,"LabProfileName":"Example <Lab> & more","LabProfileNumber":null,"LabSeriesId":null,"LabSeriesName":null,` +
	`"ClassId":null,"ClassExternalId":null,"ClassName":null,"Start":1671565852,"End":null,"Expires":null,"LastActivity":null,` +
	`"LastSave":null,"State":20,"CompletionStatus":2,"CustomData":null,"ExamPassed":true,"ExamScore":8.50,` +
	`"ExamMaxPossibleScore":10,"ExamPassingScore":null}`

// TestEventReachesReceiver boots the real program and follows events from the API to a real receiver.
func TestEventReachesReceiver(t *testing.T) {
	t.Parallel()
	p := boot(t)
	p.addConsumer(t)

	t.Run("verb, path, headers and body", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "201")
		p.addWebhook(t, object{
			"name": t.Name(), "events": []string{"lab.scored"}, "verb": "PUT", "url": r.URL + "/labs/results?from=labhook",
			"headers": []object{{"name": "Authorization", "value": "Bearer s3cret"}, {"name": "X-Region", "value": "eu"}},
		})
		answer := p.post(t, object{
			"id": "exam-1", "type": "lab.scored", "consumer": "contoso", "data": json.RawMessage(
				`{"ExamScore": 8.50, "ExamPassed": true, "State": 20, "CompletionStatus": 2, "ExamMaxPossibleScore": 10, "Unknown": [1],
				"Id": 998592321, "UserId": 5023932, "UserExternalId": "Zo\u00eb", "UserFirstName": "Zoë", "LabProfileId": 19376,
				"LabProfileName": "Example <Lab> & more", "Start": 1671565852, "UserLastName": null}`),
		})
		d := p.final(t, answer.Deliveries[0].ID)
		if d.State != "delivered" || d.AttemptsMade != 1 {
			t.Errorf("the delivery is %s after %d attempts", d.State, d.AttemptsMade)
		}
		requests := r.Arrived()
		if len(requests) != 1 {
			t.Fatalf("%d requests arrived, want 1", len(requests))
		}
		got := requests[0]
		if got.Verb != "PUT" || got.Path != "/labs/results" || got.RawQuery != "from=labhook" {
			t.Errorf("got %s %s?%s", got.Verb, got.Path, got.RawQuery)
		}
		if string(got.Body) != wantBody {
			t.Errorf("body differs (-want +got):\n%s", cmp.Diff(wantBody, string(got.Body)))
		}
		stamp := got.Header.Get("Webhook-Timestamp")
		if seconds, err := strconv.ParseInt(stamp, 10, 64); err != nil || seconds < answer.AcceptedAt.Unix() || seconds > got.At.Unix() {
			t.Errorf("webhook-timestamp is %q", stamp)
		}
		want := http.Header{
			"Authorization": {"Bearer s3cret"}, "X-Region": {"eu"}, "Content-Type": {"application/json"},
			"Content-Length": {strconv.Itoa(len(wantBody))}, "User-Agent": {"Labhook/test"},
			"Webhook-Id": {d.ID}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": got.Header["Webhook-Signature"],
			"Labhook-Event": {"lab.scored"}, "Labhook-Event-Id": {"exam-1"}, "Labhook-Attempt": {"1"},
		}
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("headers differ (-want +got):\n%s", diff)
		}
		if signature := got.Header.Get("Webhook-Signature"); !strings.HasPrefix(signature, "v1,") {
			t.Errorf("webhook-signature is %q", signature)
		}
	})

	t.Run("own content", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "204")
		p.addWebhook(t, object{
			"name": t.Name(), "events": []string{"lab.saved"}, "url": r.URL, "send_lab_details": false,
			"content": "the lab was saved ✓", "content_type": "text/plain; charset=utf-8",
		})
		answer := p.post(t, sample("lab.saved"))
		p.final(t, answer.Deliveries[0].ID)
		got := r.Arrived()[0]
		if got.Verb != "POST" || string(got.Body) != "the lab was saved ✓" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("got %s %q as %q", got.Verb, got.Body, got.Header.Get("Content-Type"))
		}
	})

	t.Run("waits between retries", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "503 twice, then 200")
		p.addWebhook(t, object{"name": t.Name(), "events": []string{"lab.saving"}, "url": r.URL, "retries": 5})
		answer := p.post(t, sample("lab.saving"))
		d := p.final(t, answer.Deliveries[0].ID)
		requests := r.Arrived()
		if d.State != "delivered" || d.AttemptsMade != 3 || len(requests) != 3 {
			t.Fatalf("the delivery is %s after %d attempts and %d requests", d.State, d.AttemptsMade, len(requests))
		}
		checkWaits(t, requests, d)
	})

	t.Run("given up after the last retry", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "500")
		p.addWebhook(t, object{"name": t.Name(), "events": []string{"lab.torn_down"}, "url": r.URL, "retries": 3})
		answer := p.post(t, sample("lab.torn_down"))
		d := p.final(t, answer.Deliveries[0].ID)
		requests := r.Arrived()
		if d.State != "failed" || d.AttemptsMade != 4 || len(requests) != 4 || d.FailureClass != "status" || *d.LastStatus != 500 {
			t.Fatalf("the delivery is %s after %d attempts and %d requests, class %s", d.State, d.AttemptsMade, len(requests), d.FailureClass)
		}
		checkWaits(t, requests, d)
	})

	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "200")
		p.addWebhook(t, object{"name": t.Name(), "events": []string{"lab.resumed"}, "url": r.URL, "delay": 2})
		answer := p.post(t, sample("lab.resumed"))
		got := r.Wait(t, 1)[0]
		if waited := got.At.Sub(answer.AcceptedAt); waited < 2*time.Second {
			t.Errorf("it was sent after %s", waited)
		}
		if d := p.final(t, answer.Deliveries[0].ID); d.State != "delivered" {
			t.Errorf("the delivery is %s", d.State)
		}
	})

	t.Run("timeout covers the reading of the answer", func(t *testing.T) {
		t.Parallel()
		for event, script := range map[string]string{"lab.scoring": "hang", "lab.pre_build": "200 hang"} {
			r := enginetest.NewReceiver(t, script)
			p.addWebhook(t, object{"name": t.Name() + script, "events": []string{event}, "url": r.URL, "timeout": 1})
			answer := p.post(t, sample(event))
			d := p.final(t, answer.Deliveries[0].ID)
			if d.State != "failed" || d.FailureClass != "timeout" || len(r.Arrived()) != 1 {
				t.Errorf("%s: the delivery is %s with class %s after %d requests", script, d.State, d.FailureClass, len(r.Arrived()))
			}
		}
	})

	t.Run("redirects are not followed", func(t *testing.T) {
		t.Parallel()
		r := enginetest.NewReceiver(t, "200")
		r.SetRoute("/old", receiver.Always(receiver.Answer{Status: 307, Header: http.Header{"Location": {r.URL + "/new"}}}))
		p.addWebhook(t, object{"name": t.Name(), "events": []string{"lab.resuming"}, "url": r.URL + "/old"})
		answer := p.post(t, sample("lab.resuming"))
		d := p.final(t, answer.Deliveries[0].ID)
		if d.State != "failed" || *d.LastStatus != 307 || len(r.Arrived()) != 1 {
			t.Errorf("the delivery is %s after %d requests", d.State, len(r.Arrived()))
		}
	})
}

// sample is an event of that type, with the example data of Studio's documents.
func sample(eventType string) object {
	return object{"type": eventType, "consumer": "contoso", "data": enginetest.LabData(998592321)}
}

// checkWaits asserts that the retries came after 1, 2, 3, … seconds, and not too early; they may be late.
func checkWaits(t *testing.T, requests []receiver.Request, d deliveryAnswer) {
	t.Helper()
	const granularity = 2 * time.Millisecond // due times are whole milliseconds
	for n := 1; n < len(requests); n++ {
		planned := time.Duration(n) * time.Second
		if waited := requests[n].At.Sub(requests[n-1].At); waited < planned-granularity {
			t.Errorf("retry %d came after %s, planned are %s", n, waited, planned)
		}
		if id := requests[n].Header.Get(receiver.IDHeader); id != d.ID {
			t.Errorf("retry %d has the id %s instead of %s", n, id, d.ID)
		}
		if number := requests[n].Header.Get("Labhook-Attempt"); number != strconv.Itoa(n+1) {
			t.Errorf("retry %d says it is attempt %s", n, number)
		}
	}
	if len(d.Attempts) != len(requests) {
		t.Errorf("%d attempts are recorded of %d requests", len(d.Attempts), len(requests))
	}
}

// TestKill kills the program in the middle of a load and asserts that nothing that was accepted is lost.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("loads and kills a process five times")
	}
	t.Parallel()
	for _, after := range []int64{1, 200, 700, 1300, 1950} {
		t.Run(fmt.Sprintf("after %d events", after), func(t *testing.T) { testKill(t, after) })
	}
}

// The load of TestKill.
const (
	loadEvents  = 2000
	loadSenders = 16
)

// testKill posts loadEvents events, kills the program once that many are acknowledged, starts it again and checks
// every delivery.
func testKill(t *testing.T, after int64) {
	r := enginetest.NewReceiver(t, "404")
	r.SetRoute("/a", enginetest.Script(t, "random 5% 503"))
	r.SetRoute("/b", enginetest.Script(t, "random 5% drop"))

	data := t.TempDir()
	p := spawn(t, data)
	p.key = strings.TrimSpace(labhook(t, "key", "create", "--data", data, "--description", "load"))
	p.addConsumer(t)
	p.addWebhook(t, object{"name": "a", "events": []string{"lab.scored"}, "url": r.URL + "/a", "retries": 5})
	p.addWebhook(t, object{"name": "b", "events": []string{"lab.saved"}, "url": r.URL + "/b", "retries": 5})

	l := &load{killAt: after, kill: make(chan struct{})}
	l.current.Store(&generation{program: p, over: make(chan struct{})})
	var senders sync.WaitGroup
	var next atomic.Int64
	for range loadSenders {
		senders.Go(func() {
			for n := next.Add(1); n <= loadEvents; n = next.Add(1) {
				if err := l.post(t.Context(), n); err != nil {
					t.Errorf("post event %d: %v", n, err)
					return
				}
			}
		})
	}
	<-l.kill
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.stop()
	again := spawn(t, data)
	again.key = p.key
	l.restarted(again)
	senders.Wait()
	again.waitUntilIdle(t)
	if code := again.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	checkLoad(t, data, r)
}

// load is posted by several senders that outlive a kill of the program.
type load struct {
	current  atomic.Pointer[generation]
	accepted atomic.Int64
	killAt   int64
	kill     chan struct{} // closed when killAt events are acknowledged
}

// generation is one life of the program.
type generation struct {
	program *program
	over    chan struct{} // closed when the next one is there
}

func (l *load) restarted(p *program) {
	before := l.current.Swap(&generation{program: p, over: make(chan struct{})})
	close(before.over)
}

// post posts event n until it is acknowledged, as a careful sender does: under the same id, and after the program is
// back when it went away.
func (l *load) post(ctx context.Context, n int64) error {
	event := sample([]string{"lab.scored", "lab.saved"}[n%2])
	event["id"] = "load-" + strconv.FormatInt(n, 10)
	for {
		now := l.current.Load()
		status, err := now.program.call(ctx, http.MethodPost, "/api/v1/events", event, nil)
		switch {
		case err == nil && (status == http.StatusAccepted || status == http.StatusOK):
			if l.accepted.Add(1) == l.killAt {
				close(l.kill)
			}
			return nil
		case err == nil:
			return fmt.Errorf("status %d", status)
		}
		select {
		case <-now.over:
		case <-time.After(patience):
			return err
		}
	}
}

// waitUntilIdle waits until every delivery has ended.
func (p *program) waitUntilIdle(t *testing.T) {
	t.Helper()
	wait(t, "the last delivery to end", func() bool {
		var open struct{ Data []object }
		const query = "?limit=1&status=scheduled&status=held&status=queued&status=sending&status=retrying"
		p.must(t, http.StatusOK, http.MethodGet, "/api/v1/deliveries"+query, nil, &open)
		return len(open.Data) == 0
	})
}

// checkLoad asserts that each event is there once and arrived, by what the database and the receiver know.
func checkLoad(t *testing.T, data string, r *enginetest.Receiver) {
	t.Helper()
	answered := map[string]int{} // requests that were answered 200, by event
	for _, request := range r.Arrived() {
		if !request.Answer.Drop && request.Answer.Status == http.StatusOK {
			answered[request.Header.Get("Labhook-Event-Id")]++
		}
	}
	store, err := db.Open(t.Context(), db.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	deliveries := map[string]int{}
	filter := engine.DeliveryFilter{Limit: engine.MaxPageSize}
	for more := true; more; {
		page, err := store.ListDeliveries(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			deliveries[row.EventName]++
			filter.Before = row.ID
			if row.State != engine.StateDelivered {
				t.Errorf("the delivery of %s is %s", row.EventName, row.State)
			}
		}
		more = page.Older
	}
	for n := 1; n <= loadEvents; n++ {
		id := "load-" + strconv.Itoa(n)
		if deliveries[id] != 1 || answered[id] < 1 {
			t.Errorf("event %s has %d deliveries and arrived %d times", id, deliveries[id], answered[id])
		}
	}
	if len(deliveries) != loadEvents {
		t.Errorf("%d events have deliveries, want %d", len(deliveries), loadEvents)
	}
}

// TestTerminate ends the program in order while requests are under way: those that end within the grace period are
// recorded, the others are put back without an attempt, and the next start sends them.
func TestTerminate(t *testing.T) {
	t.Parallel()
	const each = 5
	r := enginetest.NewReceiver(t, "404")
	r.SetRoute("/slow", enginetest.Script(t, "200 after 1s"))
	r.SetRoute("/stuck", enginetest.Script(t, "hang once, then 200"))

	data := t.TempDir()
	p := spawn(t, data, "--grace", "3s")
	p.key = strings.TrimSpace(labhook(t, "key", "create", "--data", data, "--description", "test"))
	p.addConsumer(t)
	p.addWebhook(t, object{"name": "slow", "events": []string{"lab.scored"}, "url": r.URL + "/slow"})
	p.addWebhook(t, object{"name": "stuck", "events": []string{"lab.saved"}, "url": r.URL + "/stuck"})
	for range each {
		p.post(t, sample("lab.scored"))
		p.post(t, sample("lab.saved"))
	}
	r.Wait(t, 2*each)
	if code := p.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	checkStates(t, data, map[string]string{"slow": "delivered after 1", "stuck": "queued after 0"}, each)

	again := spawn(t, data)
	again.key = p.key
	again.waitUntilIdle(t)
	if code := again.stop(); code != exitOK {
		t.Errorf("exit code %d of the second start", code)
	}
	checkStates(t, data, map[string]string{"slow": "delivered after 1", "stuck": "delivered after 1"}, each)
	if n := len(r.Arrived()); n != 3*each {
		t.Errorf("%d requests arrived, want %d", n, 3*each)
	}
}

// checkStates compares state and attempts of each webhook's deliveries, each times the same.
func checkStates(t *testing.T, data string, want map[string]string, each int) {
	t.Helper()
	store, err := db.Open(t.Context(), db.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	page, err := store.ListDeliveries(t.Context(), engine.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != len(want)*each {
		t.Errorf("there are %d deliveries, want %d", len(page.Rows), len(want)*each)
	}
	for _, row := range page.Rows {
		attempts, err := store.Attempts(t.Context(), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s after %d", row.State, row.Attempts)
		if got != want[row.WebhookName] || len(attempts) != row.Attempts {
			t.Errorf("a delivery of %s is %s with %d attempts recorded, want %s", row.WebhookName, got, len(attempts), want[row.WebhookName])
		}
	}
}

// TestListenAndSend posts an event with one command and receives it with another.
func TestListenAndSend(t *testing.T) {
	t.Parallel()
	p := boot(t)
	p.addConsumer(t)
	var printed bytes.Buffer
	said, stderr := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		args := []string{"listen", "--listen", "127.0.0.1:0", "--answer", "503, then 202", "--count", "2"}
		exit <- run(t.Context(), args, cli.Env{Getenv: noEnv, Stdout: &printed, Stderr: stderr})
		stderr.Close()
	}()
	first, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	receiverURL := regexp.MustCompile(`http://[0-9.:]+[0-9]`).FindString(first)
	p.addWebhook(t, object{"name": "results", "events": []string{"lab.scored"}, "url": receiverURL + "/results", "retries": 1})

	send := []string{"send", "--url", p.base, "--key", p.key, "--type", "Scored", "--consumer", "contoso", "--id", "exam-1"}
	answer := labhook(t, append(send, "--lab", "42", "--set", "ExamPassed=true")...)
	if !strings.Contains(answer, `"id": "exam-1"`) || !strings.Contains(answer, `"duplicate": false`) {
		t.Errorf("send printed %s", answer)
	}
	if code := <-exit; code != exitOK {
		t.Errorf("listen: exit code %d", code)
	}
	for _, want := range []string{
		"POST /results  → 503  lab.scored\n", "POST /results  → 202  lab.scored, attempt 2\n", "\n  Labhook-Event-Id: exam-1\n",
		"\n    \"Id\": 42,\n", "\n    \"ExamPassed\": true,\n",
	} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("listen did not print %q:\n%s", want, printed.String())
		}
	}
}

// TestCommandLine runs the program with arguments that end at once, right ones and wrong ones.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	running := boot(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		env  map[string]string
		code int
		says string // on stdout when the code is 0, else on stderr
	}{
		{args: "version", code: exitOK, says: "labhook test go"},
		{args: "help", code: exitOK, says: "run the server"},
		{args: "--help", code: exitOK, says: "labhook [COMMAND] [FLAGS]"},
		{args: "serve -h", code: exitOK, says: "[LABHOOK_PUBLIC_URL]"},
		{args: "listen --help", code: exitOK, says: "--answer SCRIPT"},
		{args: "key -h", code: exitOK, says: "labhook key create"},
		{args: "wrong", code: exitUsage, says: `there is no command "wrong"`},
		{args: "webhook list", code: exitUsage, says: `did you mean "webhooks"?`},
		{args: "serve --lsten :1", code: exitUsage, says: "did you mean --listen?"},
		{args: "help deliveries resend", code: exitOK, says: "labhook deliveries resend ID..."},
		{args: "help nothing", code: exitUsage, says: `there is no command "nothing"`},
		{args: "--wrong", code: exitUsage, says: "there is no flag --wrong"},
		{args: "serve now", code: exitUsage, says: `unexpected argument "now"`},
		{args: "serve --allow-networks 10.0.0.0/8,ten", code: exitUsage, says: `"ten" is not a network`},
		{args: "serve", env: map[string]string{"LABHOOK_ALLOW_NETWORKS": "ten"}, code: exitUsage, says: `LABHOOK_ALLOW_NETWORKS: "ten" is not a network`},
		{args: "serve", env: map[string]string{"LABHOOK_DATA_FILE": "/does/not/exist"}, code: exitUsage, says: "LABHOOK_DATA_FILE"},
		{args: "serve --public-url hooks.example.com", code: exitUsage, says: "such as https://hooks.example.com"},
		{args: "serve --public-url https://example.com/path", code: exitUsage, says: "is not the address of a site"},
		{args: "serve --trusted-proxies proxy.example", code: exitUsage, says: `"proxy.example" is not a network`},
		{args: "serve", env: map[string]string{"LABHOOK_TRUSTED_PROXIES": "ten"}, code: exitUsage, says: `LABHOOK_TRUSTED_PROXIES: "ten" is not a network`},
		{args: "serve --listen 8080", code: exitUsage, says: "is not an address and port"},
		{args: "serve --log-format xml", code: exitUsage, says: "neither text nor json"},
		{args: "serve --log-level loud", code: exitUsage, says: "none of debug, info, warn and error"},
		{args: "serve --grace -1s", code: exitUsage, says: "must not be negative"},
		{args: "serve --listen 127.0.0.1:0 --data " + file, code: exitError, says: "not a directory"},
		{args: "serve --listen " + taken.Addr().String() + " --data " + t.TempDir(), code: exitError, says: "address already in use"},
		{args: "serve --listen 127.0.0.1:0 --data " + running.data, code: exitError, says: "another labhook serves this directory"},
		{args: "demo --seconds -1", code: exitUsage, says: "must not be negative"},
		{args: "demo --labs 0", code: exitUsage, says: "--labs must be from 1"},
		{args: "demo --data " + running.data, code: exitError, says: "is there already"},
		{args: "listen --answer sometimes", code: exitUsage, says: "--answer"},
		{args: "listen --delay 1h", code: exitUsage, says: "--delay must be"},
		{args: "listen --listen " + taken.Addr().String(), code: exitError, says: "address already in use"},
		{args: "key", code: exitUsage, says: "labhook key create"},
		{args: "key make", code: exitUsage, says: "there is create"},
		{args: "key create --data " + running.data, code: exitUsage, says: "--description: Enter a description"},
		{args: "key create --description x --scope all --data " + running.data, code: exitUsage, says: "--scope: Scope must be one of"},
		{args: "key create --description x --expires yesterday --data " + running.data, code: exitUsage, says: "is not a time such as 90d"},
		{args: "key create --description x --expires 2020-01-01 --data " + running.data, code: exitUsage, says: "has passed already"},
		{args: "key create --description x --consumer nobody --data " + running.data, code: exitError, says: `there is no API consumer with the id or external id "nobody"`},
		{args: "key create --description x --data " + t.TempDir(), code: exitError, says: "there is no Labhook database"},
		{args: "send --key k", code: exitUsage, says: "--type lab.scored"},
		{args: "send --key k --type lab.lost", code: exitUsage, says: "the codes are lab.pre_build, "},
		{args: "send --type lab.scored", code: exitUsage, says: "LABHOOK_KEY_FILE"},
		{args: "send --key k --type webhook.failing", code: exitUsage, says: "a system event, which the server raises itself"},
		{args: "send --type lab.scored --key k --wait 601", code: exitUsage, says: "--wait must be from 1 to 600"},
		{args: "send --type lab.scored --key k --wait -1", code: exitUsage, says: "--wait must be from 1 to 600"},
		{args: "send -h", code: exitOK, says: "4 for end_lab"},
		{args: "send --type lab.scored --key k --data {", code: exitUsage, says: "--data"},
		{args: "send --type lab.scored --key k --set Id", code: exitUsage, says: "Name=value"},
		{args: "send --type lab.scored --key wrong --url " + running.base, code: exitError, says: "the server answered 401"},
		{args: "send --type lab.scored --set UserId=me --url " + running.base, env: map[string]string{"LABHOOK_KEY": running.key}, code: exitError, says: "data.UserId"},
		{args: "send --type lab.scored --key k --url http://127.0.0.1:1", code: exitNoServer, says: "connection refused"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(tt.args), cli.Env{
				Getenv: func(name string) string { return tt.env[name] },
				Stdin:  strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Version: "test",
			})
			said := stderr.String()
			if code == exitOK {
				said = stdout.String()
			}
			if code != tt.code || !strings.Contains(said, tt.says) {
				t.Errorf("exit code %d, want %d with %q\nstdout: %s\nstderr: %s", code, tt.code, tt.says, stdout.String(), stderr.String())
			}
		})
	}
}

// TestStopDuringStart ends the program before it has started; it is a stop in order all the same.
func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{
		{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"},
		{"demo", "--listen", "127.0.0.1:0"},
		{"listen", "--listen", "127.0.0.1:0"},
	} {
		var stderr bytes.Buffer
		if code := run(ctx, args, cli.Env{Getenv: noEnv, Stdout: io.Discard, Stderr: &stderr}); code != exitOK {
			t.Errorf("%s: exit code %d\n%s", args[0], code, stderr.String())
		}
	}
}

// mayImport is the dependency rule: what the packages in each folder import of this module. A longer path wins
// over the one it starts with.
var mayImport = map[string][]string{
	"":                  {"web/cli"},
	"web":               {"web/api", "web/keyrate", "web/skilljar", "db", "engine", "views", "static"},
	"web/api":           {"web/keyrate", "db", "engine"},
	"web/skilljar":      {"web/keyrate", "db", "engine"},
	"web/keyrate":       {"engine"},
	"web/cli":           {"web", "web/cli/bench", "web/keyrate", "db", "engine"},
	"web/cli/bench":     {"db", "engine"},
	"views":             {"engine", "static"},
	"db":                {"engine"},
	"db/dbtest":         {"db", "engine"},
	"engine":            {"engine"},
	"engine/egress":     {},
	"engine/receiver":   {},
	"engine/enginetest": {"engine"},
	"static":            {},
}

// TestImports reads the imports of every file and refuses an arrow that the rule does not have. Tests are free to
// look around, but code is not to import test kits.
func TestImports(t *testing.T) {
	t.Parallel()
	eachFile(t, ".go", func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), ".")
		rule := folder
		for _, ok := mayImport[rule]; !ok && rule != ""; _, ok = mayImport[rule] {
			rule = strings.TrimPrefix(filepath.ToSlash(filepath.Dir(rule)), ".")
		}
		for _, spec := range file.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "labhook/")
			if !ours {
				continue
			}
			allowed := slices.ContainsFunc(mayImport[rule], func(p string) bool {
				return imported == p || p == "engine" && strings.HasPrefix(imported, "engine/")
			})
			if !allowed || strings.HasSuffix(imported, "test") && !strings.HasSuffix(folder, "test") {
				t.Errorf("%s must not import %s", path, imported)
			}
		}
	})
}

// eachFile calls f with the path of every file of the module that ends so.
func eachFile(t *testing.T, ending string, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".git":
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(path, ending) {
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTopLevel keeps the top level to what a newcomer expects there.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	known := []string{
		"main.go", "main_test.go", "web", "views", "static", "engine", "db", "go.mod", "go.sum",
		"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile",
		"labhook", "labhook.exe", cli.DefaultData, // what building and running leaves, not committed
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		leftover := slices.Contains([]string{".test", ".out", ".prof"}, filepath.Ext(entry.Name()))
		if name := entry.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(known, name) && !leftover {
			t.Errorf("%s does not belong on the top level", name)
		}
	}
}

// forbidden are attributes and elements that a template must not have: the content security policy of the screens
// would stop them in the browser, or they make pages that do not work without JavaScript.
var forbidden = regexp.MustCompile(`hx-on|hx-boost|hx-confirm|js:|javascript:|\sstyle=|\son[a-z]+=|<style|<script>|^(script|css) [a-zA-Z]+\(`)

func TestTemplates(t *testing.T) {
	t.Parallel()
	eachFile(t, ".templ", func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if found := forbidden.FindString(line); found != "" {
				t.Errorf("%s:%d: %s is not allowed in templates", path, n+1, strings.TrimSpace(found))
			}
		}
	})
}

// TestGenerated asserts that the committed Go files are what the templates make.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the generator")
	}
	t.Parallel()
	fresh := filepath.Join(t.TempDir(), "views")
	if err := os.CopyFS(fresh, os.DirFS("views")); err != nil {
		t.Fatal(err)
	}
	tool(t, "templ", "generate", "-include-version=false", "-path", fresh)
	eachFile(t, "_templ.go", func(path string) {
		want, err := os.ReadFile(filepath.Join(fresh, filepath.Base(path)))
		if err != nil {
			t.Fatalf("%s has no template: %v", path, err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date; run: go generate ./views", path)
		}
	})
	made, err := filepath.Glob(filepath.Join(fresh, "*_templ.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range made {
		if _, err := os.Stat(filepath.Join("views", filepath.Base(path))); err != nil {
			t.Errorf("a generated file is missing; run: go generate ./views: %v", err)
		}
	}
}

func TestFormat(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the formatter")
	}
	t.Parallel()
	if files := tool(t, "gofumpt", "-l", "."); files != "" {
		t.Errorf("not formatted by gofumpt:\n%s", files)
	}
}

// tool runs one of the tools that go.mod names and returns what it printed.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"tool"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go tool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestLibcPin guards a pair of modules: modernc.org/sqlite works with exactly the libc that its own go.mod names.
func TestLibcPin(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, got := libcIn(t, strings.TrimSpace(string(out))), libcIn(t, "go.mod")
	if got != want {
		t.Errorf("go.mod has libc %s, modernc.org/sqlite wants %s", got, want)
	}
}

// libcIn returns the version of libc that a go.mod file names.
func libcIn(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s does not name modernc.org/libc", path)
	}
	return string(found[1])
}
