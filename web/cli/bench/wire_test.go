package bench

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// TestBody checks that every measured event is the lab details of the right length, and that the receiver reads its number.
func TestBody(t *testing.T) {
	t.Parallel()
	tpl := newTemplate()
	at := time.Now().UnixNano()
	for _, n := range []int64{0, 1, 64, 999_999_999, 8_999_999_999} {
		body := tpl.appendBody(nil, n, at)
		if len(body) != bodyBytes || !json.Valid(body) {
			t.Fatalf("%d bytes: %s", len(body), body)
		}
		lab, err := engine.ParseLabDetails(body)
		if err != nil {
			t.Fatal(err)
		}
		if string(lab.Body()) != string(body) {
			t.Errorf("the server would send %s", lab.Body())
		}
		gotN, gotAt := readNumber(body)
		if gotN != n || gotAt != at {
			t.Errorf("read event %d at %d, want %d at %d", gotN, gotAt, n, at)
		}
	}
	if n, _ := readNumber([]byte(`{"CustomData":"1"}`)); n != -1 {
		t.Errorf("a body without a number is event %d", n)
	}
}

// TestLoadAndReceiver lets the load generator post to the receiver, each as it talks to the command.
func TestLoadAndReceiver(t *testing.T) {
	t.Parallel()
	toReceiver, fromReceiver := talk(t, Receive)
	var at ready
	if err := fromReceiver.Decode(&at); err != nil {
		t.Fatal(err)
	}
	toLoad, fromLoad := talk(t, func(in io.Reader, out io.Writer) error { return Load(t.Context(), in, out) })
	if err := toLoad.Encode(job{Kind: bare, URL: at.URL + "/0", Span: 200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	var sent done
	if err := fromLoad.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	if err := toReceiver.Encode(wanted{Arrivals: sent.Events, Next: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	var got arrived
	if err := fromReceiver.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if sent.Events == 0 || sent.Refused != 0 || got.Events != sent.Events || got.Again != 0 || got.Latency.P99 <= 0 {
		t.Errorf("sent %+v, arrived %+v", sent, got)
	}
	if err := toLoad.Encode(job{Kind: single, URL: at.URL, Span: 50 * time.Millisecond, Types: []string{"lab.scored"}}); err != nil {
		t.Fatal(err)
	}
	if err := fromLoad.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	if sent.Events != 0 || sent.Refused == 0 || !strings.HasPrefix(sent.Problem, "404") {
		t.Errorf("a server that knows no events: %+v", sent)
	}
}

// talk runs one of the two processes in this one, until the test ends.
func talk(t *testing.T, run func(io.Reader, io.Writer) error) (*json.Encoder, *json.Decoder) {
	t.Helper()
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(inRead, outWrite) }()
	t.Cleanup(func() {
		inWrite.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return json.NewEncoder(inWrite), json.NewDecoder(outRead)
}
