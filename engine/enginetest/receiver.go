package enginetest

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"labhook/engine/receiver"
)

// patience is how long Wait waits before it takes the test for stuck. It judges no speed.
const patience = time.Minute

// Receiver is a receiver on loopback that a test waits for. NewReceiver makes one.
type Receiver struct {
	*receiver.Receiver
	// URL is the address of the root path, without a slash at the end.
	URL string

	mu      sync.Mutex
	arrived []receiver.Request
	more    chan struct{} // closed and replaced with each request
}

// NewReceiver starts a receiver that answers by the script, such as "503 twice, then 200". It ends with the test.
func NewReceiver(t testing.TB, script string) *Receiver {
	t.Helper()
	r := &Receiver{more: make(chan struct{})}
	r.Receiver = receiver.New(receiver.Options{Script: Script(t, script), OnRequest: r.note})
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		// The receiver ends hanging answers, which the server would wait for.
		if err := r.Close(); err != nil {
			t.Errorf("close receiver: %v", err)
		}
		server.CloseClientConnections()
		server.Close()
	})
	r.URL = server.URL
	return r
}

// Script reads a script that is right.
func Script(t testing.TB, text string) receiver.Script {
	t.Helper()
	script, err := receiver.ParseScript(text)
	if err != nil {
		t.Fatalf("parse script: %v", err)
	}
	return script
}

func (r *Receiver) note(request receiver.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = append(r.arrived, request)
	close(r.more)
	r.more = make(chan struct{})
}

// Arrived returns all requests up to now, in the order in which they came.
func (r *Receiver) Arrived() []receiver.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arrived[:len(r.arrived):len(r.arrived)]
}

// Wait waits until at least n requests have come and returns all of them.
func (r *Receiver) Wait(t testing.TB, n int) []receiver.Request {
	t.Helper()
	stuck := time.After(patience)
	for {
		r.mu.Lock()
		more := r.more
		r.mu.Unlock()
		if arrived := r.Arrived(); len(arrived) >= n {
			return arrived
		}
		select {
		case <-more:
		case <-stuck:
			t.Fatalf("waited for %d requests, only %d came", n, len(r.Arrived()))
		}
	}
}
