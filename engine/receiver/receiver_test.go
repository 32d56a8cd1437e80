package receiver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine/receiver"
)

func script(t *testing.T, text string) receiver.Script {
	t.Helper()
	s, err := receiver.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listen starts a receiver on loopback that ends with the test.
func listen(t *testing.T, opts receiver.Options) (*receiver.Receiver, string) {
	t.Helper()
	r := receiver.New(opts)
	url, err := r.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, url
}

// call sends one request of a delivery without a network and returns the status.
func call(r *receiver.Receiver, path, delivery string) int {
	req := httptest.NewRequest("POST", path, nil)
	if delivery != "" {
		req.Header.Set(receiver.IDHeader, delivery)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func TestEachDeliveryWalksTheScript(t *testing.T) {
	t.Parallel()
	r := receiver.New(receiver.Options{
		Script: script(t, "503 twice, then 200"),
		Routes: map[string]receiver.Script{"/dead": script(t, "500")},
		Keep:   100,
	})
	var got []int
	for range 4 {
		for _, delivery := range []string{"dlv_a", "dlv_b"} {
			got = append(got, call(r, "/lab", delivery))
		}
	}
	if diff := cmp.Diff([]int{503, 503, 503, 503, 200, 200, 200, 200}, got); diff != "" {
		t.Errorf("answers of two deliveries in turn (-want +got):\n%s", diff)
	}
	if got := call(r, "/lab", ""); got != 503 {
		t.Errorf("a request without webhook-id: %d, want 503", got)
	}
	if got := call(r, "/other", "dlv_a"); got != 503 {
		t.Errorf("the same delivery at another path: %d, want 503", got)
	}
	if got := call(r, "/dead", "dlv_a"); got != 500 {
		t.Errorf("a path with its own script: %d, want 500", got)
	}
	r.SetRoute("/dead", nil)
	if got := call(r, "/dead", "dlv_a"); got != 200 {
		t.Errorf("after the script was replaced: %d, want 200", got)
	}
	last := r.Requests()[11]
	if last.Number != 12 || last.Turn != 2 || last.Answer.Status != 200 {
		t.Errorf("last request: number %d, turn %d, answer %s", last.Number, last.Turn, last.Answer)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	var noted []string
	r := receiver.New(receiver.Options{
		Script: script(t, "503, then 204"),
		Inspect: func(req *receiver.Request) {
			req.Note = fmt.Sprint(req.Verb, " ", req.Answer)
			if req.Path == "/closed" {
				req.Answer = receiver.Answer{Status: http.StatusUnauthorized}
			}
		},
		OnRequest: func(req receiver.Request) { noted = append(noted, req.Note) },
		Keep:      1,
	})
	got := []int{call(r, "/lab", "dlv_a"), call(r, "/closed", "dlv_a"), call(r, "/lab", "dlv_a")}
	if diff := cmp.Diff([]int{503, 401, 204}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"POST 503", "POST 503", "POST 204"}, noted); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if kept := r.Requests()[0]; kept.Note != "POST 204" || kept.DeliveryID() != "dlv_a" {
		t.Errorf("kept %+v", kept)
	}
}

func TestSvixIDWalksTheScript(t *testing.T) {
	t.Parallel()
	r := receiver.New(receiver.Options{Script: script(t, "503, then 200")})
	var got []int
	for _, id := range []string{"a", "b", "a"} {
		req := httptest.NewRequest("POST", "/", nil)
		req.Header.Set("Svix-Id", id)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		got = append(got, w.Code)
	}
	if diff := cmp.Diff([]int{503, 503, 200}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestRequestIsKeptAsItArrived(t *testing.T) {
	t.Parallel()
	r, url := listen(t, receiver.Options{MaxBody: 5, Keep: 2})
	for _, body := range []string{"one", "exact", "too long"} {
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", url+"/hooks/lab?lab=7", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Lab", "7")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	kept := r.Requests()
	if len(kept) != 2 {
		t.Fatalf("%d requests kept, want the latest 2", len(kept))
	}
	if string(kept[0].Body) != "exact" || kept[0].Truncated {
		t.Errorf("body of 5 bytes: %q, truncated %t", kept[0].Body, kept[0].Truncated)
	}
	got := kept[1]
	if string(got.Body) != "too l" || !got.Truncated {
		t.Errorf("body of 8 bytes: %q, truncated %t", got.Body, got.Truncated)
	}
	if got.Verb != "PATCH" || got.Path != "/hooks/lab" || got.RawQuery != "lab=7" || got.Proto != "HTTP/1.1" ||
		got.Header.Get("X-Lab") != "7" || got.RemoteAddr == "" || !strings.HasSuffix(url, got.Host) || got.At.IsZero() {
		t.Errorf("request: %+v", got)
	}
}

func TestAnswersOverTheWire(t *testing.T) {
	t.Parallel()
	retryLater := receiver.Answer{Status: 429, Header: http.Header{"retry-after": {"7"}}, Body: `{"later":true}`}
	_, url := listen(t, receiver.Options{Routes: map[string]receiver.Script{
		"/ok":    script(t, "200"),
		"/empty": script(t, "204"),
		"/own":   receiver.Always(retryLater),
		"/drop":  script(t, "drop"),
		"/half":  script(t, "200 drop"),
	}})
	tests := []struct {
		path   string
		status int
		body   string
		getErr bool // the request fails
		endErr bool // the reading of the body fails
	}{
		{path: "/ok", status: 200, body: "OK\n"},
		{path: "/empty", status: 204},
		{path: "/own", status: 429, body: `{"later":true}`},
		{path: "/anywhere", status: 200},
		{path: "/drop", getErr: true},
		{path: "/half", status: 200, body: "OK\n", endErr: true},
	}
	for _, tt := range tests {
		resp, err := http.Post(url+tt.path, "text/plain", nil)
		if (err != nil) != tt.getErr {
			t.Errorf("%s: error %v", tt.path, err)
		}
		if err != nil {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || string(body) != tt.body || (err != nil) != tt.endErr {
			t.Errorf("%s: %d %q %v", tt.path, resp.StatusCode, body, err)
		}
		if tt.path == "/own" && resp.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: header %v", tt.path, resp.Header)
		}
	}
}

func TestHangEndsWhenTheReceiverIsClosed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hang", "200 after 10m"} {
		arrived := make(chan struct{})
		r, url := listen(t, receiver.Options{Script: script(t, text), OnRequest: func(receiver.Request) { close(arrived) }})
		failed := make(chan error)
		go func() {
			resp, err := http.Get(url)
			if err == nil {
				resp.Body.Close()
			}
			failed <- err
		}()
		<-arrived
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil {
			t.Errorf("%s: an answer came", text)
		}
	}
}

func TestHangEndsWhenTheClientGoesAway(t *testing.T) {
	t.Parallel()
	arrived, left := make(chan struct{}), make(chan struct{})
	r := receiver.New(receiver.Options{Script: script(t, "200 hang"), OnRequest: func(receiver.Request) { close(arrived) }})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer close(left)
		r.ServeHTTP(w, req)
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	part := make([]byte, 3)
	if _, err := io.ReadFull(resp.Body, part); err != nil || string(part) != "OK\n" {
		t.Errorf("beginning of the body: %q %v", part, err)
	}
	resp.Body.Close()
	<-left
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := receiver.New(receiver.Options{Script: script(t, "503 after 1m30s")})
		start := time.Now()
		if got := call(r, "/", ""); got != 503 {
			t.Errorf("answered %d", got)
		}
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("answered after %s", took)
		}
	})
}

func TestRandomDependsOnSeedAndDeliveryOnly(t *testing.T) {
	t.Parallel()
	answers := func(seed uint64, first, step int) map[string]int {
		r := receiver.New(receiver.Options{Script: script(t, "random 25% 503"), Seed: seed})
		got := map[string]int{}
		for i := range 1000 {
			id := fmt.Sprintf("dlv_%d", (first+i*step)%1000)
			got[id] = call(r, "/", id)
		}
		return got
	}
	forwards := answers(1, 0, 1)
	failed := 0
	for _, code := range forwards {
		if code == 503 {
			failed++
		}
	}
	// 1000 draws of one in four; the draws are fixed by the seed, so this cannot fail by chance.
	if failed < 200 || failed > 300 {
		t.Errorf("%d of 1000 failed, want about 250", failed)
	}
	if diff := cmp.Diff(forwards, answers(1, 999, 999)); diff != "" {
		t.Errorf("the order of arrival changed the answers:\n%s", diff)
	}
	if cmp.Equal(forwards, answers(2, 0, 1)) {
		t.Error("another seed gave the same answers")
	}
}

func TestForgetsOldDeliveries(t *testing.T) {
	t.Parallel()
	r := receiver.New(receiver.Options{Script: script(t, "503, then 200")})
	call(r, "/", "first")
	call(r, "/", "busy")
	for i := range 2 * receiver.MaxDeliveries {
		call(r, "/", fmt.Sprint(i))
		if i%1000 == 0 {
			if got := call(r, "/", "busy"); got != 200 {
				t.Fatalf("a delivery that keeps coming was forgotten after %d others: %d", i, got)
			}
		}
	}
	if got := call(r, "/", "first"); got != 503 {
		t.Errorf("a delivery long ago was remembered: %d", got)
	}
}

func TestReportsOneAtATimeInOrder(t *testing.T) {
	t.Parallel()
	var numbers []int // no lock: the receiver promises that calls do not overlap
	var r *receiver.Receiver
	r = receiver.New(receiver.Options{Keep: 1, OnRequest: func(req receiver.Request) {
		numbers = append(numbers, req.Number)
		if kept := r.Requests(); len(kept) != 1 || kept[0].Number != req.Number {
			t.Errorf("request %d: kept %v", req.Number, kept)
		}
	}})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { call(r, "/", "") })
	}
	wg.Wait()
	for i, n := range numbers {
		if n != i+1 {
			t.Fatalf("order of the reports: %v", numbers)
		}
	}
	if len(numbers) != 100 {
		t.Errorf("%d reports", len(numbers))
	}
}

func TestHalfARequestDoesNotCount(t *testing.T) {
	t.Parallel()
	r, url := listen(t, receiver.Options{Keep: 10})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || len(answer) > 0 {
		t.Errorf("answered %q, %v", answer, err)
	}
	if kept := r.Requests(); len(kept) != 0 {
		t.Errorf("kept %v", kept)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	r, url := listen(t, receiver.Options{})
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("listens on %s, want loopback", url)
	}
	if _, err := r.Listen(""); err == nil {
		t.Error("listened twice")
	}
	taken := strings.TrimPrefix(url, "http://")
	if _, err := receiver.New(receiver.Options{}).Listen(taken); err == nil {
		t.Error("listened on an address that is taken")
	}
	if _, err := receiver.New(receiver.Options{}).Listen("nonsense"); err == nil {
		t.Error("listened on nonsense")
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Errorf("close twice: %v", err)
	}
	if _, err := r.Listen(""); err == nil {
		t.Error("listened after Close")
	}
}
