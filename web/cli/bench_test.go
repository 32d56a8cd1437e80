package cli

import (
	"encoding/json"
	"testing"

	"labhook/web/cli/bench"
)

// TestBench lets the built program measure for as short as it can. The figures themselves are not judged.
func TestBench(t *testing.T) {
	t.Parallel()
	out, said, code := command(t, build(t), "bench", "--seconds", "1", "--rounds", "1")
	var r bench.Result
	if code != 0 || said != "" || json.Unmarshal([]byte(out), &r) != nil {
		t.Fatalf("exit code %d, said %s, printed %s", code, said, out)
	}
	if r.EventsPerSecond <= 0 || r.BatchPerSecond <= 0 || r.BarePerSecond <= 0 || len(r.Latency) == 0 || r.ReadySeconds <= 0 {
		t.Errorf("%+v", r)
	}
}
