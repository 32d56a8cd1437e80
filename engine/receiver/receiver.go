// Package receiver is an HTTP receiver that answers as it is told: with any status, late, never, or by a script
// such as "503 twice, then 200" that each delivery walks by itself.
//
// Place in the flow: it stands at the far end, where webhooks arrive. "labhook listen" and "labhook demo" run it,
// and the tests deliver to it. It uses nothing else of Labhook.
package receiver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// DefaultMaxBody is how much of a request's body is kept unless Options say otherwise, in bytes.
const DefaultMaxBody = 1 << 20

// IDHeader names the delivery that a request belongs to; it is the same for every attempt of one delivery. A webhook
// that signs under Svix's names sends svixIDHeader in its place.
const (
	IDHeader     = "Webhook-Id"
	svixIDHeader = "Svix-Id"
)

// Options say what a receiver does. The zero value answers 200 to everything.
type Options struct {
	// Script answers requests for paths that are not in Routes.
	Script Script
	// Routes are the scripts of single paths, matched exactly: "/hooks/lab".
	Routes map[string]Script
	// MaxBody is how much of a body is kept, in bytes; 0 means DefaultMaxBody. The rest is read and dropped.
	MaxBody int64
	// Keep is how many of the latest requests Requests returns.
	Keep int
	// Seed chooses which requests a random step hits. The choice depends on the seed, the delivery and the
	// number of the request, not on the order in which deliveries arrive.
	Seed uint64
	// Inspect looks at every request before OnRequest does, and may set its Note and its Answer. It is called as
	// OnRequest is, but must not use the receiver.
	Inspect func(*Request)
	// Respond, where it is set, replaces the script's answer of a request that is to be answered with a status, after
	// Inspect and unless Inspect has set another answer; the delay stays. It may set the Note, too. Requests are in
	// it at the same time. Its context ends with the request and with the receiver.
	Respond func(context.Context, *Request) Answer
	// OnRequest is called with every request once its body was read and before it is answered: one at a time,
	// in the order of Number, or with Respond in the order in which the answers come. Other requests wait meanwhile.
	OnRequest func(Request)
}

// Request is one request as it arrived.
type Request struct {
	At         time.Time // when its head had arrived
	Number     int       // among all requests, from 1
	Turn       int       // among the requests for this path with this webhook-id, from 1
	Verb       string
	Path       string
	RawPath    string // Path as it was escaped on the wire
	RawQuery   string
	Proto      string
	RemoteAddr string
	Host       string
	Header     http.Header
	Body       []byte
	Truncated  bool   // the body was longer than MaxBody
	Answer     Answer // what it gets
	Note       string // what Options.Inspect and Options.Respond say about it

	decided bool // its answer is not for Options.Respond
}

// DeliveryID names the delivery that the request belongs to; empty: none.
func (r *Request) DeliveryID() string {
	return cmp.Or(r.Header.Get(IDHeader), r.Header.Get(svixIDHeader))
}

// Receiver answers requests by scripts and remembers the latest ones. It is safe for concurrent use. New makes one.
type Receiver struct {
	opts   Options
	closed chan struct{}
	close  sync.Once

	mu     sync.Mutex // guards what follows
	routes map[string]Script
	turns  turns
	number int
	kept   []Request
	server *http.Server
	served chan error

	// order is taken around mu and the call of OnRequest, so that OnRequest may use the receiver.
	order sync.Mutex
}

// New returns a receiver. It is an http.Handler, and Listen gives it an address of its own.
func New(opts Options) *Receiver {
	opts.MaxBody = cmp.Or(opts.MaxBody, DefaultMaxBody)
	r := &Receiver{opts: opts, closed: make(chan struct{}), routes: map[string]Script{}}
	for path, script := range opts.Routes {
		r.routes[path] = script
	}
	return r
}

// SetRoute replaces the script of a path. Deliveries keep their place in it.
func (r *Receiver) SetRoute(path string, script Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[path] = script
}

// Requests returns the latest requests, oldest first, at most Options.Keep of them.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.kept[max(0, len(r.kept)-r.opts.Keep):])
}

// Listen opens addr and answers there until Close. An address without a host is opened on loopback only; the empty
// one takes a free port there. Listen returns the URL of the root path.
func (r *Receiver) Listen(addr string) (string, error) {
	host, port, err := net.SplitHostPort(cmp.Or(addr, ":0"))
	if err != nil {
		return "", fmt.Errorf("read address %q: %w", addr, err)
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil || r.isClosed() {
		return "", errors.Join(errors.New("a receiver listens only once"), ln.Close())
	}
	r.server, r.served = server, served
	go func() { served <- server.Serve(ln) }()
	return "http://" + ln.Addr().String(), nil
}

func (r *Receiver) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// Close ends answers that hang or wait, and closes the address that Listen opened. It returns what ended the
// listening before, if anything did. Further calls do nothing.
func (r *Receiver) Close() error {
	var err error
	r.close.Do(func() {
		close(r.closed)
		r.mu.Lock()
		server, served := r.server, r.served
		r.mu.Unlock()
		if server == nil {
			return
		}
		err = server.Close()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
	})
	return err
}

// ServeHTTP reads the request, reports it and answers as the script says.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	request := Request{
		At: time.Now(), Verb: req.Method, Path: req.URL.Path, RawPath: req.URL.EscapedPath(), RawQuery: req.URL.RawQuery, Proto: req.Proto,
		RemoteAddr: req.RemoteAddr, Host: req.Host, Header: req.Header.Clone(),
	}
	var err error
	request.Body, request.Truncated, err = readBody(req.Body, r.opts.MaxBody)
	if err != nil {
		panic(http.ErrAbortHandler) // half a request did not arrive, and nobody waits for an answer
	}
	if r.opts.Respond == nil {
		r.order.Lock()
		r.take(&request)
		r.report(request)
		r.order.Unlock()
	} else {
		r.respond(req.Context(), &request)
	}
	r.answer(w, req, request.Answer)
}

// respond lets Options.Respond answer a request, and reports it.
func (r *Receiver) respond(ctx context.Context, request *Request) {
	if r.take(request); !request.decided {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-r.closed:
				cancel()
			case <-ctx.Done():
			}
		}()
		delay := request.Answer.Delay
		request.Answer = r.opts.Respond(ctx, request)
		request.Answer.Delay = delay
	}
	r.order.Lock()
	defer r.order.Unlock()
	r.report(*request)
}

// readBody reads all of body and returns its beginning.
func readBody(body io.Reader, limit int64) (kept []byte, truncated bool, err error) {
	kept, err = io.ReadAll(io.LimitReader(body, limit))
	if err != nil {
		return nil, false, err
	}
	rest, err := io.Copy(io.Discard, body)
	return kept, rest > 0, err
}

// take numbers a request, and says in it what it gets.
func (r *Receiver) take(request *Request) {
	key := sha256.Sum256([]byte(request.Path + "\x00" + request.DeliveryID()))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	request.Number, request.Turn = r.number, r.turns.next(key)
	script, ok := r.routes[request.Path]
	if !ok {
		script = r.opts.Script
	}
	step := script.at(request.Turn)
	if step.Percent == 0 || draw(r.opts.Seed, key, request.Turn) < step.Percent {
		request.Answer = step.Answer
	}
	if !request.Answer.Hang && !request.Answer.Drop {
		request.Answer.Status = cmp.Or(request.Answer.Status, http.StatusOK)
	}
	before := request.Answer.Status
	if r.opts.Inspect != nil {
		r.opts.Inspect(request)
	}
	request.decided = request.Answer.Status != before || request.Answer.Hang || request.Answer.Drop
}

// report keeps a request and hands it to OnRequest.
func (r *Receiver) report(request Request) {
	r.mu.Lock()
	r.keep(request)
	r.mu.Unlock()
	if r.opts.OnRequest != nil {
		r.opts.OnRequest(request)
	}
}

// keep appends a request and drops old ones now and then, so that each costs the same.
func (r *Receiver) keep(request Request) {
	if r.opts.Keep <= 0 {
		return
	}
	if len(r.kept) >= 2*r.opts.Keep {
		r.kept = slices.Clone(r.kept[len(r.kept)-r.opts.Keep:])
	}
	r.kept = append(r.kept, request)
}

// draw returns a number from 0 up to 100 that looks random and is always the same for the same arguments.
func draw(seed uint64, key [sha256.Size]byte, turn int) float64 {
	data := binary.BigEndian.AppendUint64(key[:], seed)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(data, uint64(turn)))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53) * 100
}

// answer gives one answer. Where none is to come, or no end of it, it leaves by aborting the connection.
func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, a Answer) {
	if a.Delay > 0 && !r.pause(req.Context(), time.After(a.Delay)) {
		panic(http.ErrAbortHandler)
	}
	if !a.Hang && !a.Drop {
		write(w, a)
		return
	}
	if a.Status != 0 {
		write(w, a)
		_ = http.NewResponseController(w).Flush()
	}
	if a.Hang {
		r.pause(req.Context(), nil)
	}
	panic(http.ErrAbortHandler)
}

// write sends the head and the body of an answer. A client that went away is no concern of the receiver.
func write(w http.ResponseWriter, a Answer) {
	for name, values := range a.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if a.Body != "" && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// pause waits for done and reports whether it came before the client went away or the receiver was closed.
func (r *Receiver) pause(ctx context.Context, done <-chan time.Time) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-r.closed:
	}
	return false
}

// MaxDeliveries is how many deliveries a receiver remembers at least, to know where each stands in its script. One
// that was forgotten starts again.
const MaxDeliveries = 10_000

// turns counts the requests of each delivery. It holds two generations of at most MaxDeliveries each: when the
// young one is full the old one is dropped, so memory is bounded and whoever asked lately is still known.
type turns struct{ young, old map[[sha256.Size]byte]int }

// next counts one more request of a delivery and returns how many they are.
func (t *turns) next(key [sha256.Size]byte) int {
	n, ok := t.young[key]
	if !ok {
		n = t.old[key]
		if len(t.young) >= MaxDeliveries || t.young == nil {
			t.young, t.old = map[[sha256.Size]byte]int{}, t.young
		}
	}
	t.young[key] = n + 1
	return n + 1
}
