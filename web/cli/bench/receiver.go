package bench

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stall is how long nothing may arrive before the receiver takes what is missing for lost.
const stall = 20 * time.Second

// wanted asks the receiver to wait until so many different events have arrived. From then on events count whose numbers
// begin with Next; those before have arrived already.
type wanted struct {
	Arrivals int64 `json:"arrivals"`
	Next     int64 `json:"next"`
}

// arrived is what the receiver got since it was asked the last time.
type arrived struct {
	Events     int64     `json:"events"` // different ones, by path
	Again      int64     `json:"again"`  // that had arrived before
	Last       int64     `json:"last"`   // when the last one did, nanoseconds since 1970
	Latency    Quantiles `json:"latency"`
	CPUSeconds float64   `json:"cpu_seconds"`
}

// ready is the first line of a process that listens.
type ready struct {
	URL string `json:"url"`
}

// counter is the receiver: it answers 200 and counts.
type counter struct {
	latency times

	mu       sync.Mutex
	more     chan struct{}
	first    int64  // number of the first event that is expected
	seen     []bits // by path, of the numbers from first on
	got      arrived
	progress time.Time
}

// Receive runs the receiver's process until in ends.
func Receive(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c := &counter{more: make(chan struct{}, 1)}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	if err := json.NewEncoder(out).Encode(ready{"http://" + listener.Addr().String()}); err != nil {
		return err
	}
	return serveLines(in, out, c.wait)
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	now := time.Now()
	n, at := readNumber(body)
	if err != nil || n < 0 {
		http.Error(w, "no event of the benchmark", http.StatusBadRequest)
		return
	}
	c.latency.add(now.Sub(time.Unix(0, at)))
	// The same event goes to several webhooks: each has its path, a number.
	path, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || path < 0 || path >= MaxFanout {
		http.NotFound(w, r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got.Last = now.UnixNano()
	c.progress = now
	for len(c.seen) <= path {
		c.seen = append(c.seen, nil)
	}
	if n < c.first || !c.seen[path].set(n-c.first) {
		c.got.Again++
		return
	}
	c.got.Events++
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait waits for the events, and returns what came and begins anew.
func (c *counter) wait(w wanted) arrived {
	c.mu.Lock()
	c.progress = time.Now()
	for c.got.Events < w.Arrivals && time.Since(c.progress) < stall {
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-time.After(stall):
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	got := c.got
	got.Latency = c.latency.take()
	got.CPUSeconds = cpuSeconds("self")
	c.got, c.seen, c.first = arrived{}, nil, w.Next
	return got
}

// bits is a set of numbers.
type bits []uint64

// set adds a number, and reports whether it is new.
func (b *bits) set(n int64) bool {
	word, bit := int(n/64), uint64(1)<<(n%64)
	if word >= len(*b) {
		*b = append(*b, make([]uint64, word+1024-len(*b))...)
	}
	fresh := (*b)[word]&bit == 0
	(*b)[word] |= bit
	return fresh
}
