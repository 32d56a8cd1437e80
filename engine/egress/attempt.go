package egress

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// attempt is one use of a Client, and the context of its request. The transport opens connections under a context of its
// own, which does not end with this one, and opens one after the other for a receiver that closes each with a kind word.
type attempt struct {
	context.Context // the caller's

	dialled atomic.Int32
	// gotConn and dialling are the caller's; nil: there is nobody to tell.
	gotConn  func(httptrace.GotConnInfo)
	dialling func() *httptrace.ClientTrace
}

// attemptKey is the key of the attempt that asked for a connection.
type attemptKey struct{}

// Value returns the attempt itself, or what the caller's context has.
func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// attemptOf returns the attempt that a context belongs to; nil: none.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// Traced returns a context for one request of a Client, which calls the hooks of trace; that must not be used otherwise
// afterwards. dialling returns those about the opening of a connection, which most requests do without; nil: there are none.
func Traced(ctx context.Context, trace *httptrace.ClientTrace, dialling func() *httptrace.ClientTrace) context.Context {
	a := &attempt{Context: ctx, gotConn: trace.GotConn, dialling: dialling}
	trace.GotConn = a.got
	return httptrace.WithClientTrace(a, trace)
}

// got lets an answer arrive on a connection that is used for the attempt.
func (a *attempt) got(info httptrace.GotConnInfo) {
	allowAnswer(info.Conn)
	if a.gotConn != nil {
		a.gotConn(info)
	}
}

// dialling returns a context for the opening of a connection, with the hooks of the attempt that asked for it.
func dialling(ctx context.Context) context.Context {
	if a := attemptOf(ctx); a != nil && a.dialling != nil {
		return httptrace.WithClientTrace(ctx, a.dialling())
	}
	return ctx
}
