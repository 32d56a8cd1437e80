package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"labhook/web/cli/bench"
)

// runBench lets the built program measure for as short as it can. The figures themselves are not judged.
func runBench(t *testing.T, args ...string) (r bench.Result) {
	t.Helper()
	out, said, code := command(t, build(t), append([]string{"bench", "--seconds", "1", "--rounds", "1"}, args...)...)
	if code != 0 || said != "" || json.Unmarshal([]byte(out), &r) != nil {
		t.Fatalf("exit code %d, said %s, printed %s", code, said, out)
	}
	if r.EventsPerSecond <= 0 || r.BatchPerSecond <= 0 || r.BarePerSecond <= 0 || r.ReadySeconds <= 0 || r.DiskPerDelivery <= 0 || r.WALPeakMB <= 0 {
		t.Errorf("%+v", r)
	}
	if len(r.Latency) != 3 || len(r.Rounds) != 1 || r.Repeated != 0 {
		t.Errorf("%+v", r)
	}
	return r
}

func TestBench(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	r := runBench(t, "--profile", file)
	if r.WebhooksRatio != 0 || r.HistoryRatio != 0 || r.WaitingReadySeconds != 0 || r.DrainRatio != 0 {
		t.Errorf("nobody asked for it: %+v", r)
	}
	profile, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(profile, []byte{0x1f, 0x8b}) || r.ProfileEvents == 0 {
		t.Errorf("profile of %d events: %.40q, %v", r.ProfileEvents, profile, err)
	}
}

// TestBenchBeside measures what is compared with a second database.
func TestBenchBeside(t *testing.T) {
	t.Parallel()
	r := runBench(t, "--history", "2000", "--webhooks", "20", "--fanout", "2")
	if r.HistoryPerSecond <= 0 || r.HistoryRatio <= 0 || r.HistoryReadySeconds <= 0 || r.DeliveriesPerEvent != 2 {
		t.Errorf("%+v", r)
	}
	if r.OneWebhookPerSecond <= 0 || r.WebhooksRatio <= 0 || r.Rounds[0].OneWebhook != r.OneWebhookPerSecond {
		t.Errorf("%+v", r)
	}
}

// TestBenchWaiting measures the start with deliveries that wait, and what is due.
func TestBenchWaiting(t *testing.T) {
	t.Parallel()
	r := runBench(t, "--waiting", "2000", "--due", "2000")
	if r.WaitingReadySeconds <= 0 || r.WaitingFirstSentSeconds <= 0 {
		t.Errorf("%+v", r)
	}
	// The last of 2,000 at even distances over a second is due after 999 ms.
	if r.LateP99 <= 0 || r.LateMax < r.LateP99 || r.LateP99 < r.LateP50 || r.DrainSeconds < 0.999 || r.DrainRatio <= 0 || r.DrainRatioBatch <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--due", "-1"}, "--due must be a whole number from 0 to 1000000"},
		{[]string{"--waiting", "10000001"}, "--waiting must be"},
		{[]string{"--fanout", "2"}, "--fanout must be a whole number from 1 to 1"},
		{[]string{"--profile", filepath.Join(t.TempDir(), "none", "cpu.pprof")}, "--profile: open"},
	} {
		_, said, code := command(t, build(t), append([]string{"bench"}, tt.args...)...)
		if code != 2 || !strings.Contains(said, tt.says) {
			t.Errorf("%v: exit code %d, said %s", tt.args, code, said)
		}
	}
}

// TestPrintBench prints every figure there is.
func TestPrintBench(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := printBench(&out, bench.Result{
		WebhooksRatio: 0.91, HistoryRatio: 0.92, WaitingReadySeconds: 0.31, WaitingFirstSentSeconds: 0.41, DrainSeconds: 7.1, DrainRatio: 0.93,
		DrainRatioBatch: 0.94, ProfileEvents: 12, LateP99: 3.1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"leave 0.91", "0.92 of", "after 0.31 s", "after 0.41 s", "after 7.1 s", "0.93 of", "0.94 of", "12 events", "p99 3.1 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestProfileParts sums the traces of a profile as CONTRIBUTING says.
func TestProfileParts(t *testing.T) {
	t.Parallel()
	const traces = `File: labhook
Duration: 1s, Total samples = 400us
-----------+-------------------------------------------------------
   100.5us   runtime.memmove
             modernc.org/libc.Xmemcpy
             labhook/db.(*writer).loop
-----------+-------------------------------------------------------
      50us   runtime.scanObject (inline)
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
      49us   internal/runtime/syscall.Syscall6
             net/http.(*persistConn).writeLoop
-----------+-------------------------------------------------------
     200us   runtime.mapassign
             encoding/json.Unmarshal
             labhook/web/api.(*server).postEvent
             net/http.(*conn).serve
-----------+-------------------------------------------------------
     0.5us   runtime.schedule
`
	cmd := exec.CommandContext(t.Context(), "awk", "-v", "events=2", "-f", "bench/profile.awk")
	cmd.Stdin = strings.NewReader(traces)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("there is no awk")
	}
	for _, want := range []string{
		"HTTP in     0.0 %     0.0", "HTTP out   12.2 %    24.5", "SQLite     25.1 %    50.2", "JSON       50.0 %   100.0",
		"GC         12.5 %    25.0", "other       0.1 %     0.2", "all       100.0 %   200.0",
	} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s%v", want, out, err)
		}
	}
}
