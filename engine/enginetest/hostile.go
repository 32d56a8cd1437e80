package enginetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// HostileHost is the address of a Hostile in memory: a public one, which every guard lets through.
const HostileHost = "8.8.8.8"

// Hostile is a receiver that misbehaves in one way. NewHostile makes one. It is reached in memory through Dial, also in
// the bubbles of testing/synctest, or on loopback after Listen.
type Hostile struct {
	behaviour Behaviour
	authority *Authority
	config    *tls.Config
	sent      atomic.Int64
	opened    atomic.Int64
	open      atomic.Int64
	over      chan struct{} // closed when the test ends
	end       func()
}

// speech is what a receiver's connections speak.
type speech int

const (
	plain   speech = iota
	secured        // TLS, and HTTP/1.1 in it
	http2          // TLS, and HTTP/2 in it
	broken         // https in the URL, and no TLS on the connection
)

// Behaviour is one way in which a receiver misbehaves.
type Behaviour struct {
	Name string
	// Sockets: it shows on real connections alone.
	Sockets bool

	speaks speech
	answer func(*line)
}

// Behaviours returns the names of all behaviours, those that need real connections last.
func Behaviours() (anywhere, onSockets []string) {
	for _, b := range slices.Concat(behaviours, behaviours2) {
		if b.Sockets {
			onSockets = append(onSockets, b.Name)
		} else {
			anywhere = append(anywhere, b.Name)
		}
	}
	return anywhere, onSockets
}

// NewHostile returns the receiver with a behaviour by its name.
func NewHostile(t testing.TB, name string) *Hostile {
	t.Helper()
	all := slices.Concat(behaviours, behaviours2)
	i := slices.IndexFunc(all, func(b Behaviour) bool { return b.Name == name })
	if i < 0 {
		t.Fatalf("there is no behaviour %q", name)
	}
	h := &Hostile{behaviour: all[i], authority: NewAuthority(t), over: make(chan struct{})}
	h.end = sync.OnceFunc(func() { close(h.over) })
	t.Cleanup(h.end)
	h.config = &tls.Config{Certificates: []tls.Certificate{h.authority.Server(HostileHost, "127.0.0.1")}}
	if h.behaviour.speaks == http2 {
		h.config.NextProtos = []string{"h2"}
	}
	return h
}

// Roots returns the certificate authority to trust.
func (h *Hostile) Roots() *x509.CertPool { return h.authority.Pool() }

// Sent returns how many bytes were taken from the receiver. On loopback those count, too, that wait in the system.
func (h *Hostile) Sent() int64 { return h.sent.Load() }

// Opened returns how many connections Dial has made.
func (h *Hostile) Opened() int64 { return h.opened.Load() }

// Open returns how many connections of Dial were not closed by who asked for them.
func (h *Hostile) Open() int64 { return h.open.Load() }

// URL returns the receiver's URL at an address such as HostileHost.
func (h *Hostile) URL(address string) string {
	if h.behaviour.speaks == plain {
		return "http://" + address + "/lab"
	}
	return "https://" + address + "/lab"
}

// Dial connects in memory, whatever the address is. A connection has no buffer: what was sent was read.
func (h *Hostile) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	h.opened.Add(1)
	h.open.Add(1)
	go h.serve(server)
	return closing{client, sync.OnceFunc(func() { h.open.Add(-1) })}, nil
}

// closing calls done when the connection is closed.
type closing struct {
	net.Conn
	done func()
}

func (c closing) Close() error {
	defer c.done()
	return c.Conn.Close()
}

// Listen opens a port on loopback until the test ends, and returns the receiver's URL there.
func (h *Hostile) Listen(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					select {
					case <-h.over:
						conn.Close()
					case <-stop:
					}
				}()
				h.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		h.end()
		ln.Close()
		serving.Wait()
	})
	return h.URL(ln.Addr().String())
}

// serve misbehaves on one connection until the other side closes it.
func (h *Hostile) serve(conn net.Conn) {
	defer conn.Close()
	l := &line{Conn: counted{conn, &h.sent}, raw: conn, over: h.over}
	if h.behaviour.speaks == secured || h.behaviour.speaks == http2 {
		secure := tls.Server(l.Conn, h.config)
		if secure.Handshake() != nil {
			return
		}
		l.Conn = secure
	}
	l.in = bufio.NewReader(l.Conn)
	if h.behaviour.speaks == broken {
		// In memory nobody could say a word while the other side's is not heard.
		var hearing sync.WaitGroup
		l.heard = make(chan struct{})
		hearing.Go(func() {
			_, _ = l.in.Peek(1)
			close(l.heard)
			_, _ = io.Copy(io.Discard, l.in)
		})
		defer hearing.Wait()
	}
	h.behaviour.answer(l)
	// Closed before the other side does, it would look like something else.
	if !l.ended.Load() && h.behaviour.speaks != broken {
		_, _ = io.Copy(io.Discard, l.in)
	}
}

// counted counts what is written.
type counted struct {
	net.Conn
	sent *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// line is the receiver's end of a connection.
type line struct {
	net.Conn
	raw   net.Conn
	in    *bufio.Reader
	ended atomic.Bool   // it was closed from here, or is to be
	over  chan struct{} // closed when the test ends
	heard chan struct{} // closed when the other side has begun a handshake that does not come about
}

// request reads a request to its end and reports whether one came.
func (l *line) request() bool {
	req, err := http.ReadRequest(l.in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// say writes a text and reports whether it was taken.
func (l *line) say(text string) bool {
	_, err := io.WriteString(l, text)
	return err == nil
}

// forever writes a text again and again until nobody takes it.
func (l *line) forever(text string) {
	for l.say(text) {
	}
}

// dribble writes the bytes of a text one by one, one each second, again and again.
func (l *line) dribble(text string) {
	for i := 0; l.say(text[i : i+1]); i = (i + 1) % len(text) {
		time.Sleep(time.Second)
	}
}

// hangUp closes the connection.
func (l *line) hangUp() {
	l.ended.Store(true)
	l.Close()
}

// reset breaks the connection so that the other side sees a reset.
func (l *line) reset() {
	l.ended.Store(true)
	if tcp, ok := l.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	l.raw.Close()
}

// halfClose ends what is sent, and goes on reading.
func (l *line) halfClose() {
	if tcp, ok := l.raw.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}
