package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"labhook/db"
	"labhook/engine"
)

// idempotencyHeader names a request that is to be carried out once, however often it is sent (the Internet-Draft
// idempotency-key-header).
const idempotencyHeader = "Idempotency-Key"

// replayedHeader marks an answer that was given before.
const replayedHeader = "Idempotency-Replayed"

// keptHeaders are the headers that are kept with an answer.
var keptHeaders = []string{"Content-Type", "Location", "ETag"}

func idempotencyParameter(doc string) *huma.Param {
	return &huma.Param{
		Name: idempotencyHeader, In: "header", Description: doc,
		Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(int(engine.MaxIdempotencyKey))},
	}
}

// underWay is the requests with an Idempotency-Key that are being carried out. It is safe for concurrent use.
type underWay struct {
	mu  sync.Mutex
	set map[onceKey]struct{}
}

// onceKey is an Idempotency-Key: each API key has its own.
type onceKey struct {
	apiKey engine.KeyID
	name   string
}

// enter reports false when the request is being carried out already.
func (u *underWay) enter(k onceKey) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.set[k]; ok {
		return false
	}
	if u.set == nil {
		u.set = map[onceKey]struct{}{}
	}
	u.set[k] = struct{}{}
	return true
}

func (u *underWay) leave(k onceKey) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.set, k)
}

// once carries out a request with an Idempotency-Key one time, and gives its answer to those that repeat it. The answer
// is on disk before the client has it. What was refused changed nothing, so it is not kept and the key is free again;
// what broke off, because it failed or the server stopped, is not tried a second time: nobody knows how far it came.
func (s *server) once(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get(idempotencyHeader)
		if name == "" {
			next(w, r)
			return
		}
		if err := s.carryOut(w, r, name, next); err != nil {
			writeProblem(w, s.problemOf(r.Context(), err))
		}
	}
}

func (s *server) carryOut(w http.ResponseWriter, r *http.Request, name string, next http.HandlerFunc) error {
	if bad := engine.CheckIdempotencyKey(name); len(bad) > 0 {
		return bad
	}
	c := callOf(r.Context())
	key := onceKey{c.key.ID, name}
	if !s.underWay.enter(key) {
		p := newProblem(http.StatusConflict, "A request with this Idempotency-Key is being carried out; ask again in a moment")
		p.header.Set("Retry-After", retryAfter)
		return p
	}
	defer s.underWay.leave(key)
	// A client that goes away leaves a request that is carried out to its end, so that its answer is one.
	ctx := context.WithoutCancel(r.Context())
	request := db.Request{APIKey: c.key.ID, Name: name, Sum: requestSum(r, c.body)}
	known, err := s.Store.BeginRequest(ctx, request)
	switch {
	case errors.Is(err, engine.ErrConflict):
		return invalid(idempotencyHeader, "This Idempotency-Key was used for another request; send a new one")
	case err != nil:
		return err
	case known != nil:
		return replay(w, known)
	}
	out := &held{header: http.Header{}}
	next(out, r.WithContext(ctx))
	if out.failed() {
		err = s.Store.ForgetRequest(ctx, request)
	} else {
		err = s.Store.EndRequest(ctx, request, out.kept())
	}
	if err != nil { // the answer is true all the same
		s.Log.Error("answer not kept", "request_id", c.requestID, "error", err)
	}
	out.release(w)
	return nil
}

// requestSum is the same for a request that is sent again, and for no other.
func requestSum(r *http.Request, body []byte) (sum [32]byte) {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Content-Type")} {
		_, _ = io.WriteString(h, part+"\x00")
	}
	h.Write(body)
	h.Sum(sum[:0])
	return sum
}

// replay gives an answer once more.
func replay(w http.ResponseWriter, known *db.KeptAnswer) error {
	switch {
	case known.Status == 0:
		return newProblem(http.StatusConflict, "The request with this Idempotency-Key broke off; see what came of it, and repeat it with a new key if need be")
	case known.Header == nil:
		return newProblem(http.StatusConflict, "The request with this Idempotency-Key was carried out, but its answer was too large to be kept")
	}
	h := w.Header()
	for name, value := range known.Header {
		h.Set(name, value)
	}
	h.Set(replayedHeader, "true")
	w.WriteHeader(known.Status)
	_, _ = w.Write(known.Body)
	return nil
}

// held is a response writer that keeps an answer back.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the headers.
func (o *held) Header() http.Header { return o.header }

// WriteHeader keeps the status.
func (o *held) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
}

// Write keeps a part of the body.
func (o *held) Write(p []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	return o.body.Write(p)
}

// failed reports whether the request changed nothing: it was refused, or came at a bad time.
func (o *held) failed() bool {
	return o.status >= http.StatusBadRequest && o.status != http.StatusInternalServerError
}

// kept returns the answer as it is stored.
func (o *held) kept() db.KeptAnswer {
	a := db.KeptAnswer{Status: max(o.status, http.StatusOK), Header: map[string]string{}, Body: o.body.Bytes()}
	for _, name := range keptHeaders {
		if value := o.header.Get(name); value != "" {
			a.Header[name] = value
		}
	}
	return a
}

// release writes the answer.
func (o *held) release(w http.ResponseWriter) {
	for name, values := range o.header {
		w.Header()[name] = values
	}
	w.WriteHeader(max(o.status, http.StatusOK))
	_, _ = w.Write(o.body.Bytes())
}
