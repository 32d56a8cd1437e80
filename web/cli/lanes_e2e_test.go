package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/engine/receiver"
)

// TestLanesEndToEnd builds the program and lets it hold lanes for real receivers.
func TestLanesEndToEnd(t *testing.T) {
	t.Parallel()
	binary := build(t)
	t.Run("order", func(t *testing.T) { t.Parallel(); testLaneOrder(t, binary) })
	t.Run("verdicts", func(t *testing.T) { t.Parallel(); testVerdicts(t, binary) })
	t.Run("stop", func(t *testing.T) { t.Parallel(); testStopWithSender(t, binary) })
}

// program is the built program, serving a data directory.
type program struct {
	*client
	binary, data string
	cmd          *exec.Cmd
	end          func() int // waits for its end and returns the exit code
}

// serve makes a data directory with a key and a consumer, and serves it.
func serve(t *testing.T, binary string) *program {
	t.Helper()
	p := &program{binary: binary, data: t.TempDir()}
	p.start(t)
	key, err := exec.CommandContext(t.Context(), binary, "key", "create", "--data", p.data, "--description", "test").Output()
	if err != nil {
		t.Fatal(err)
	}
	p.key = strings.TrimSpace(string(key))
	return p
}

// start begins the program on its data directory.
func (p *program) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(p.binary, "serve", "--data", p.data, "--listen", "127.0.0.1:0", "--log-level", "error",
		"--grace", "100ms", "--allow-networks", "127.0.0.0/8")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.cmd = cmd
	p.end = sync.OnceValue(func() int {
		_ = cmd.Wait() // the exit code says it
		return cmd.ProcessState.ExitCode()
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		p.end()
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if address, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "address "); ok {
			key := ""
			if p.client != nil {
				key = p.key
			}
			p.client = newClient(strings.TrimSpace(address), key, "test")
			return
		}
	}
	t.Fatal("the program did not say where it listens")
}

// kill ends the program as a power failure would.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
}

// fields is a JSON object to send.
type fields = map[string]any

// must makes a request that has to end with that status.
func (p *program) must(t *testing.T, status int, verb, path string, in, out any) {
	t.Helper()
	if got, err := p.do(t.Context(), verb, path, in, out); err != nil || got != status {
		t.Fatalf("%s %s: status %d, want %d, error %v", verb, path, got, status, err)
	}
}

func (p *program) addConsumer(t *testing.T, name string) {
	t.Helper()
	p.must(t, http.StatusCreated, http.MethodPost, "/api/v1/consumers", fields{"name": name, "external_id": name}, nil)
}

func (p *program) addWebhook(t *testing.T, webhook fields) (made hookView) {
	t.Helper()
	p.must(t, http.StatusCreated, http.MethodPost, "/api/v1/webhooks", webhook, &made)
	return made
}

// labView is what the test reads of a lab instance.
type labView struct {
	ClosedGates    int `json:"closed_gates"`
	HeldDeliveries int `json:"held_deliveries"`
	Events         []struct {
		Type       string
		Deliveries []laneDelivery
	}
}

type laneDelivery struct {
	ID           string
	State        string
	WebhookName  string `json:"webhook_name"`
	Blocking     bool
	AttemptsMade int `json:"attempts_made"`
}

// lane returns the deliveries of a lab instance in the order of their lane.
func (l *labView) lane() []laneDelivery {
	var all []laneDelivery
	for _, e := range l.Events {
		all = append(all, e.Deliveries...)
	}
	return all
}

const scriptedLab = 998592321

// testLaneOrder plays the life of a lab with blocking webhooks on three of its events, kills the program while one of
// them holds the lane, and checks in the receiver's log that nothing overtook any of them.
func testLaneOrder(t *testing.T, binary string) {
	r := enginetest.NewReceiver(t, "200")
	r.SetRoute("/provision", enginetest.Script(t, "503, then 200"))
	r.SetRoute("/grade", enginetest.Script(t, "hang"))
	p := serve(t, binary)
	p.addConsumer(t, "contoso")
	for _, w := range []struct {
		name, event string
		blocking    bool
	}{
		{"first", engine.AllEvents, false},
		{"provision", engine.LabPreBuild, true},
		{"grade", engine.LabScoring, true},
		{"result", engine.LabScored, true},
		{"last", engine.AllEvents, false},
	} {
		p.addWebhook(t, fields{
			"consumer": "contoso", "name": w.name, "events": []string{w.event}, "blocking": w.blocking, "url": r.URL + "/" + w.name,
			"timeout": 300, "retries": 2,
		})
	}
	lifeCycle := engine.BuiltIn.InGroup(engine.GroupLifeCycle)
	for _, kind := range lifeCycle {
		event := fields{"id": kind.Code, "type": kind.Code, "consumer": "contoso", "data": enginetest.LabData(scriptedLab)}
		p.must(t, http.StatusAccepted, http.MethodPost, "/api/v1/events", event, nil)
	}
	awaitPath(t, r, "/grade")
	var lab labView
	p.must(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v1/lab-instances/%d", scriptedLab), nil, &lab)
	if lab.ClosedGates != 1 || lab.HeldDeliveries == 0 {
		t.Errorf("while Scoring holds the lane it has %d closed gates and %d held deliveries", lab.ClosedGates, lab.HeldDeliveries)
	}
	p.kill(t)
	r.SetRoute("/grade", receiver.Always(receiver.Answer{Status: http.StatusOK}))
	p.start(t)

	p.awaitEnd(t, &lab)
	lane := lab.lane()
	if want := 2*len(lifeCycle) + 3; len(lane) != want {
		t.Errorf("the lane has %d deliveries, want %d", len(lane), want)
	}
	checkLane(t, lane, r.Arrived())
	for i, e := range lab.Events {
		if e.Type != lifeCycle[i].Code {
			t.Errorf("event %d of the lab is %s, want %s", i, e.Type, lifeCycle[i].Code)
		}
	}
}

// awaitPath waits until a request for that path has arrived.
func awaitPath(t *testing.T, r *enginetest.Receiver, path string) {
	t.Helper()
	for n := 1; ; n++ {
		if r.Wait(t, n)[n-1].Path == path {
			return
		}
	}
}

// awaitEnd asks for the lab until every delivery has ended.
func (p *program) awaitEnd(t *testing.T, lab *labView) {
	t.Helper()
	waits := func(d laneDelivery) bool { return !engine.DeliveryState(d.State).Final() }
	stuck := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		*lab = labView{}
		p.must(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v1/lab-instances/%d", scriptedLab), nil, lab)
		if !slices.ContainsFunc(lab.lane(), waits) {
			return
		}
		select {
		case <-tick.C:
		case <-stuck:
			t.Fatalf("the lane does not come to its end: %+v", lab.lane())
		}
	}
}

// checkLane asserts that every delivery of a lane arrived, and that none arrived before the last request of a blocking
// one that stands before it.
func checkLane(t *testing.T, lane []laneDelivery, arrived []receiver.Request) {
	t.Helper()
	first, last := map[string]int{}, map[string]int{}
	for _, request := range arrived {
		id := request.DeliveryID()
		if _, ok := first[id]; !ok {
			first[id] = request.Number
		}
		last[id] = request.Number
	}
	attempts := map[string]int{"provision": 2}
	gate, gateName := 0, "nothing" // the last request of the blocking deliveries so far
	for _, d := range lane {
		want := max(1, attempts[d.WebhookName])
		if d.State != "delivered" || first[d.ID] == 0 || d.AttemptsMade != want {
			t.Errorf("the delivery of %s is %s after %d attempts, want %d; its first request is number %d",
				d.WebhookName, d.State, d.AttemptsMade, want, first[d.ID])
		}
		if first[d.ID] < gate {
			t.Errorf("request %d of %s came before request %d of %s, which blocks it", first[d.ID], d.WebhookName, gate, gateName)
		}
		if d.Blocking {
			gate, gateName = last[d.ID], d.WebhookName
		}
	}
}

// testVerdicts sends with the command line and waits for the verdict.
func testVerdicts(t *testing.T, binary string) {
	r := enginetest.NewReceiver(t, "200")
	p := serve(t, binary)
	for _, tt := range []struct {
		consumer, script, action string
		wait                     string
		code                     int
		says, prints             string
	}{
		{"fine", "204", "end_lab", "60", 0, "200 OK: continue\n", `"action": "continue"`},
		{"notified", "500", "notify_user", "60", exitNotifyUser, "200 OK: notify_user\n", `"The lab's disk could not be mounted."`},
		{"ended", "500", "end_lab", "60", exitEndLab, "200 OK: end_lab\n", `"action": "end_lab"`},
		{"undecided", "hang", "end_lab", "1", exitNoVerdict, "202 Accepted: no verdict yet", `"status_url": "/api/v1/events/undecided"`},
	} {
		r.SetRoute("/"+tt.consumer, enginetest.Script(t, tt.script))
		p.addConsumer(t, tt.consumer)
		p.addWebhook(t, fields{
			"consumer": tt.consumer, "name": "gate", "events": []string{engine.LabPreBuild}, "blocking": true, "url": r.URL + "/" + tt.consumer,
			"retries": 0, "error_action": tt.action, "notification_text": "The lab's disk could not be mounted.",
		})
		send := exec.CommandContext(t.Context(), binary, "send", "--url", p.base, "--type", "Pre-Build", "--consumer", tt.consumer,
			"--id", tt.consumer, "--wait", tt.wait)
		var stdout, stderr bytes.Buffer
		send.Env, send.Stdout, send.Stderr = append(os.Environ(), "LABHOOK_KEY="+p.key), &stdout, &stderr
		if err := send.Run(); err != nil {
			if _, ok := errors.AsType[*exec.ExitError](err); !ok {
				t.Fatal(err)
			}
		}
		if code := send.ProcessState.ExitCode(); code != tt.code || !strings.Contains(stderr.String(), tt.says) || !strings.Contains(stdout.String(), tt.prints) {
			t.Errorf("%s: exit code %d, want %d\nstderr: %s\nstdout: %s", tt.consumer, code, tt.code, stderr.String(), stdout.String())
		}
	}
}

// testStopWithSender stops the program in order while a sender waits, who asks again after the restart.
func testStopWithSender(t *testing.T, binary string) {
	r := enginetest.NewReceiver(t, "hang")
	p := serve(t, binary)
	p.addConsumer(t, "contoso")
	p.addWebhook(t, fields{
		"consumer": "contoso", "name": "gate", "events": []string{engine.LabPreBuild}, "blocking": true, "url": r.URL + "/gate", "timeout": 300,
	})
	event := fields{"id": "run-1", "type": engine.LabPreBuild, "consumer": "contoso", "data": enginetest.LabData(scriptedLab)}
	refusal := make(chan error, 1)
	waiting := *p.client
	go func() {
		_, err := waiting.do(t.Context(), http.MethodPost, "/api/v1/events?wait=600", event, nil)
		refusal <- err
	}()
	r.Wait(t, 1)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if refused, ok := errors.AsType[*problem](<-refusal); !ok || refused.Status != http.StatusServiceUnavailable || !strings.Contains(refused.Detail, "on disk") {
		t.Errorf("the sender was answered %v", refused)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	r.SetRoute("/gate", receiver.Always(receiver.Answer{Status: http.StatusOK}))
	p.start(t)
	var verdict struct {
		Action    string
		Duplicate bool
	}
	p.must(t, http.StatusOK, http.MethodPost, "/api/v1/events?wait=60", event, &verdict)
	if verdict.Action != "continue" || !verdict.Duplicate {
		t.Errorf("after the restart %+v", verdict)
	}
}
