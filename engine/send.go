package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"labhook/engine/egress"
)

// attempt makes one attempt and returns what came of it. No transaction is open meanwhile. It takes at most the
// webhook's timeout; when ctx is cancelled by a shutdown the outcome is OutcomeInterrupted.
func (e *Engine) attempt(ctx context.Context, w *Webhook, s *Sending) Record {
	start := time.Now()
	number := s.Delivery.Attempts + 1
	a := Attempt{
		ID: NewID[AttemptID](), DeliveryID: s.Delivery.ID, Number: number,
		Trigger: s.Delivery.Trigger, StartedAt: start, WebhookVersion: w.Version,
	}
	rendered, err := e.store.Directory().plan(w).render(s.Event, Stamp{DeliveryID: s.Delivery.ID, Number: number, At: start, UserAgent: e.userAgent()})
	var transport http.RoundTripper
	if err == nil {
		transport, err = e.wire(w)
	}
	class := ClassRequest
	if err == nil {
		a.Request, a.Unfilled = rendered.Sent(), rendered.Unfilled
		ctx, cancel := context.WithTimeout(ctx, w.Timeout)
		defer cancel()
		var watch stopwatch
		a.Answer, err = exchange(transport, rendered.Request(egress.Traced(ctx, watch.trace(), watch.dialling)), w.Policy())
		a.Timings, a.RemoteAddr, a.Secure = watch.read()
		if errors.Is(err, errInterrupted) {
			return Record{Attempt: a, Claim: s.Delivery.Claim, Change: Outcome{Kind: OutcomeInterrupted}.Change(time.Now(), 0)}
		}
		class = Classify(w.Policy(), err, a.status())
		a.Answer.mask(rendered.secrets)
	} else {
		a.Request = SentRequest{Verb: w.Verb, URL: w.URL}
	}
	end := time.Now()
	a.Timings.Total = end.Sub(start).Microseconds()
	// Due times are kept to the millisecond; rounding up keeps a wait from being cut short.
	a.Outcome = Decide(w, Ended{
		Delivery: &s.Delivery, Class: class, Answer: a.Answer, At: end.Add(time.Millisecond - 1).Truncate(time.Millisecond), Chance: e.cfg.Chance(),
	})
	if err != nil {
		a.Outcome.Error = clip(err.Error(), MaxErrorText)
	}
	return Record{Attempt: a, Claim: s.Delivery.Claim, Taken: &s.Delivery, Change: a.Outcome.Change(end, a.status()), EventBody: rendered.EventBody}
}

// status returns the answer's status, 0 when none came.
func (a *Attempt) status() int { return a.Answer.status() }

// exchange sends a request and reads the answer up to MaxAnswerBody. It may return both an answer and the error
// that ended the reading of its body; an answer that the policy calls a failure by its status needs no error.
func exchange(transport http.RoundTripper, req *http.Request, p *RetryPolicy) (*Answer, error) {
	ctx := req.Context()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 100 {
		return nil, fmt.Errorf("the answer's status %d is none of HTTP", resp.StatusCode)
	}
	answer := &Answer{
		Proto: resp.Proto, StatusCode: resp.StatusCode, Reason: reasonPhrase(resp.Status),
		Headers: headerLines(resp.Header, func(name string) bool { return name == "Set-Cookie" }),
	}
	// One byte more tells whether the body goes on; nothing beyond it is read.
	body, err := readBody(resp, MaxAnswerBody+1)
	if len(body) > MaxAnswerBody {
		body, answer.Truncated = body[:MaxAnswerBody], true
	}
	answer.Body = body
	if err != nil && p.Succeeded(resp.StatusCode) {
		return answer, cause(ctx, err)
	}
	return answer, nil
}

// readBody returns the first bytes of an answer's body, at most so many.
func readBody(resp *http.Response, most int) ([]byte, error) {
	room := 512
	if n := resp.ContentLength; n >= 0 {
		room = int(min(n, int64(most))) + 1 // to notice the end
	}
	body := make([]byte, 0, room)
	for len(body) < most {
		n, err := resp.Body.Read(body[len(body):min(cap(body), most)])
		body = body[:len(body)+n]
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return body, err
		}
		if len(body) == cap(body) {
			body = slices.Grow(body, 1)
		}
	}
	return body, nil
}

// reasonPhrase returns what follows the code in an answer's status, "503 Service Unavailable".
func reasonPhrase(status string) string {
	_, reason, _ := strings.Cut(status, " ")
	return clip(reason, MaxReasonPhrase)
}

// cause returns why ctx ended where it did, for that is what the client's error is about, else err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// clip shortens a text to at most limit bytes without cutting a character.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// stopwatch notes when the parts of an attempt began and ended. The client may call it from goroutines that
// outlive the attempt, hence the lock.
type stopwatch struct {
	mu                                          sync.Mutex
	dnsStart, dnsEnd, connectStart, connectEnd  time.Time
	tlsStart, tlsEnd, gotConn, firstByte, ended time.Time
	written                                     time.Time
	reused                                      bool
	remote                                      string
	secure                                      Secure
	hooks                                       httptrace.ClientTrace
}

// trace returns the hooks for one request.
func (s *stopwatch) trace() *httptrace.ClientTrace {
	s.hooks = httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			s.mark(&s.gotConn)
			s.setRemote(addressText(info.Conn.RemoteAddr()))
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reused = info.Reused
			if conn, ok := info.Conn.(*tls.Conn); ok {
				state := conn.ConnectionState()
				s.secure = secureOf(&state, nil)
			}
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				s.mark(&s.written)
			}
		},
		GotFirstResponseByte: func() { s.mark(&s.firstByte) },
	}
	return &s.hooks
}

// dialling returns the hooks for a connection that is opened for the request.
func (s *stopwatch) dialling() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { s.mark(&s.dnsStart) },
		DNSDone:           func(httptrace.DNSDoneInfo) { s.mark(&s.dnsEnd) },
		ConnectStart:      func(_, _ string) { s.mark(&s.connectStart) },
		ConnectDone:       func(_, addr string, _ error) { s.mark(&s.connectEnd); s.setRemote(addr) },
		TLSHandshakeStart: func() { s.mark(&s.tlsStart) },
		TLSHandshakeDone:  func(state tls.ConnectionState, err error) { s.mark(&s.tlsEnd); s.handshaken(&state, err) },
	}
}

// mark notes the time of what happens for the first time.
func (s *stopwatch) mark(t *time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() {
		*t = time.Now()
	}
}

// addressText writes an address as its String does, which takes three times as long for those of connections.
func addressText(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
}

// handshaken notes what a handshake came to, unless the attempt has another connection by now.
func (s *stopwatch) handshaken(state *tls.ConnectionState, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gotConn.IsZero() {
		s.secure = secureOf(state, err)
	}
}

// secureOf returns what is known of a connection; err is what its handshake ended with.
func secureOf(state *tls.ConnectionState, err error) Secure {
	shown := state.PeerCertificates
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		shown = refused.UnverifiedCertificates
	}
	secure := Secure{Version: state.Version}
	if len(shown) > 0 {
		secure.CertificateEnds = shown[0].NotAfter.UTC()
	}
	return secure
}

func (s *stopwatch) setRemote(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remote = addr
}

// read returns the timings but Total of an attempt that ends now, the address it reached and what secured the way there.
func (s *stopwatch) read() (Timings, string, Secure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = time.Now()
	if s.reused {
		// A connection that was dialled meanwhile served another attempt.
		s.dnsStart, s.connectStart, s.tlsStart = time.Time{}, time.Time{}, time.Time{}
	}
	t := Timings{
		DNS: s.span(s.dnsStart, s.dnsEnd), Connect: s.span(s.connectStart, s.connectEnd), TLS: s.span(s.tlsStart, s.tlsEnd),
		Wait: s.span(s.gotConn, s.firstByte), Body: s.span(s.firstByte, s.ended), Reused: s.reused,
	}
	t.Sent = min(s.span(s.gotConn, s.written), t.Wait) // an answer may begin before the request has ended
	return t, s.remote, s.secure
}

// span returns the microseconds from start to end: to the attempt's end when that part did not end.
func (s *stopwatch) span(start, end time.Time) int64 {
	if start.IsZero() {
		return 0
	}
	if end.IsZero() {
		end = s.ended
	}
	return max(1, end.Sub(start).Microseconds())
}
